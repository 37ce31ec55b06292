//! Pieces of text output.

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
