//! `--descriptor`: descriptors instead of content or status.

use crate::cli::{Flag, FlagTable};

/// `--descriptor`
#[derive(Default)]
pub(crate) struct Descriptor {
    /// Print the descriptor.
    pub(crate) descriptor: bool,
}

impl FlagTable for Descriptor {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "descriptor",
        "print the descriptor",
        |group: &mut Self, on| group.descriptor = on,
    )];
}
