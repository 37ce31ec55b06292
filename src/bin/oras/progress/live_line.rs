//! Output on a terminal: permanent text, and below it a line that is redrawn.
//!
//! The cursor rests at the beginning of the redrawn line, so that `ESC[J` also clears lines that a
//! narrower window has wrapped. Between two drawings the cursor is visible and all terminal modes
//! are the default: a process that is killed leaves a usable terminal.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Moves the cursor to the beginning of the line, because input may have moved it, and clears the
/// rest of the screen.
const CLEAR: &str = "\r\x1b[J";
/// Hides the cursor and turns off line wrapping. Text that is too wide is cut off by the terminal,
/// which alone knows the width of each character.
const START: &str = "\x1b[?25l\x1b[?7l";
/// Turns on line wrapping, and shows the cursor at the beginning of the line.
const END: &str = "\x1b[?7h\r\x1b[?25h";

/// The redrawn line on stderr, which may be empty. Clones share the line.
#[derive(Clone, Default)]
pub(crate) struct LiveLine {
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    /// Permanent text that was not written yet.
    above: String,
    text: String,
    is_drawn: bool,
}

impl LiveLine {
    /// Writes permanent text above the line.
    pub(crate) fn write(&self, text: &str) {
        let mut line = self.line();
        line.above.push_str(text);
        if text.ends_with('\n') {
            line.show();
        } else {
            line.clear();
        }
    }

    /// Replaces the line by a permanent one, with the next write to the terminal.
    pub(super) fn add_permanent(&self, text: &str) {
        let mut line = self.line();
        line.above.push_str(text);
        line.above.push('\n');
        line.text.clear();
    }

    /// Draws the line. An empty one is removed.
    pub(super) fn draw(&self, text: String) {
        let mut line = self.line();
        line.text = text;
        line.show();
    }

    /// Whether the line is visible.
    pub(super) fn is_drawn(&self) -> bool {
        self.line().is_drawn
    }

    /// Writes all permanent text, and removes the line until it is drawn again, so that other code
    /// or another process can write to the terminal.
    pub(crate) fn clear(&self) {
        self.line().clear();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn clear(&mut self) {
        self.send("");
        self.is_drawn = false;
    }

    fn show(&mut self) {
        if self.text.is_empty() {
            return self.clear();
        }
        self.send(&format!("{START}{}{END}", self.text));
        self.is_drawn = true;
    }

    /// Replaces the drawn line by the permanent text and the text below it.
    fn send(&mut self, below: &str) {
        let clear = if self.is_drawn { CLEAR } else { "" };
        send(&format!(
            "{clear}{}{below}",
            std::mem::take(&mut self.above)
        ));
    }
}

/// Writes in one call, so that no partial drawing is visible. Write errors are ignored: there is no
/// other stream to report them on.
fn send(text: &str) {
    if !text.is_empty() {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
