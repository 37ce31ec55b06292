//! Pieces of text output.

use std::borrow::Cow;
use std::fmt;

/// A target as lines for people show it: `[registry] localhost:5000/hello:v1`.
pub(crate) struct Shown<'a> {
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.kind, self.name)
    }
}

/// A text as one line of a terminal: names that others gave may hold what moves its cursor.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, ""))
    } else {
        Cow::Borrowed(text)
    }
}
