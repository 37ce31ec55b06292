//! `--debug`: the log of requests and responses.

use crate::cli::{Flag, FlagTable};

/// `--debug`
#[derive(Default)]
pub(crate) struct Debugging {
    /// Log them to stderr. Implies `--no-tty`.
    pub(crate) debug: bool,
}

impl FlagTable for Debugging {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "debug",
        "log requests and responses to stderr (implies --no-tty)",
        |group: &mut Self, on| group.debug = on,
    )
    .short('d')];
}
