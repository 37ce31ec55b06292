//! `--quiet`: nothing but the result. Every command takes it; the reference client has no such flag.

use crate::cli::{Flag, FlagTable};

/// `--quiet`
#[derive(Default)]
pub(crate) struct Quiet {
    /// Print only what a script wants to know.
    pub(crate) quiet: bool,
}

impl FlagTable for Quiet {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "quiet",
        "print only the essential result, such as a digest (not in oras 1.3.3)",
        |group: &mut Self, on| group.quiet = on,
    )
    .short('q')];
}
