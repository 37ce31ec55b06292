//! `--quiet`: no status on the way to the result. Not in the reference client.

use crate::flags::{Flag, FlagTable};

/// `--quiet`
#[derive(Default)]
pub(crate) struct Quiet {
    /// Print results and errors only.
    pub(crate) quiet: bool,
}

impl FlagTable for Quiet {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "quiet",
        "print no status lines and no progress, only results and errors",
        |group: &mut Self, on| group.quiet = on,
    )
    .short('q')];
}
