//! `--verbose`: a flag of the past.

use crate::cli::{Flag, FlagTable};

/// `--verbose`
#[derive(Default)]
pub(crate) struct Verbose {
    /// What was asked for, if anything.
    pub(crate) verbose: Option<bool>,
}

impl FlagTable for Verbose {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "verbose",
        "print status lines for unnamed content too",
        |group: &mut Self, on| group.verbose = Some(on),
    )
    .short('v')
    .deprecated("and will be removed in a future release.")];
}

impl Verbose {
    /// Whether status lines for unnamed content are wanted, in commands where that can still be refused. The others ignore it.
    pub(crate) fn is_on(&self) -> bool {
        self.verbose.unwrap_or(true)
    }
}
