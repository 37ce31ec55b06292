//! `--pretty`: JSON for human eyes.

use crate::cli::{Flag, FlagTable};

/// `--pretty`
#[derive(Default)]
pub(crate) struct Pretty {
    /// Indent JSON on stdout.
    pub(crate) pretty: bool,
}

impl FlagTable for Pretty {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "pretty",
        "indent JSON printed to stdout",
        |group: &mut Self, on| group.pretty = on,
    )];
}
