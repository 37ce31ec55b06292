//! The terminal that is stderr, while something on it changes.
//!
//! What is written stays and scrolls away. Below it there may be one line that is drawn again and again. The cursor rests at
//! its beginning, so that whatever clears the screen from there on removes it, however a window that became narrower has
//! wrapped it. Between two drawings the cursor is shown and nothing is switched: an interruption leaves nothing to be put
//! back.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clears everything from the beginning of the line on: something typed may have moved the cursor.
const CLEAR: &str = "\r\x1b[J";
/// Hides the cursor, and cuts off what does not fit: how wide a text is, is for the terminal to know.
const BEGIN: &str = "\x1b[?25l\x1b[?7l";
/// Lets lines go on in the next one again, and shows the cursor where the line begins.
const END: &str = "\x1b[?7h\r\x1b[?25h";

/// Stderr, and the line on it that changes, if there is one. All clones are one screen.
#[derive(Clone, Default)]
pub(crate) struct Screen {
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    /// What stays above it, and was not written yet.
    above: String,
    text: String,
    is_drawn: bool,
}

impl Screen {
    /// Writes text that stays, above the line that changes.
    pub(crate) fn write(&self, text: &str) {
        let mut line = self.line();
        line.above.push_str(text);
        if text.ends_with('\n') {
            line.show();
        } else {
            line.clear();
        }
    }

    /// Writes a line that stays, as soon as anything is shown: it is about what the line that changes is about, until that is
    /// drawn again.
    pub(crate) fn keep(&self, text: &str) {
        let mut line = self.line();
        line.above.push_str(text);
        line.above.push('\n');
        line.text.clear();
    }

    /// Draws this line, or none if it is empty.
    pub(crate) fn draw(&self, text: String) {
        let mut line = self.line();
        line.text = text;
        line.show();
    }

    /// Shows all that stays, and takes the line away for as long as nothing is drawn, because somebody else is going to write
    /// to the terminal.
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
        self.send(&format!("{BEGIN}{}{END}", self.text));
        self.is_drawn = true;
    }

    /// Sends what stays, and this below it, in the place of what is drawn.
    fn send(&mut self, below: &str) {
        let clear = if self.is_drawn { CLEAR } else { "" };
        send(&format!(
            "{clear}{}{below}",
            std::mem::take(&mut self.above)
        ));
    }
}

/// Writes at once, so that no half of a drawing is ever seen. When nobody looks there is nothing left to be done about it.
fn send(text: &str) {
    if !text.is_empty() {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
