//! The console: standard output, and standard error with its progress line.

use std::io::{self, Write as _};

use crate::output::text::one_line;
use crate::progress::live_line::LiveLine;
use crate::streams::Stdout;

/// The console with its output settings. Clones share the progress line.
#[derive(Clone, Default)]
pub(crate) struct Console {
    /// The progress line on stderr.
    pub(crate) live_line: LiveLine,
    /// Whether status lines are not printed.
    pub(crate) is_silent: bool,
    /// Whether only results and errors are printed (`--quiet`).
    pub(crate) is_quiet: bool,
}

impl Console {
    /// The stream for results.
    pub(crate) fn stdout(&self) -> Stdout {
        self.live_line.clear();
        Stdout
    }

    /// Prints a result line. Control characters are removed.
    pub(crate) fn print_line(&self, line: &str) -> io::Result<()> {
        writeln!(self.stdout(), "{}", one_line(line))
    }

    /// Writes text to stderr. Write errors are ignored: there is no other stream to report them on.
    pub(crate) fn warn(&self, text: &str) {
        self.live_line.write(text);
    }
}
