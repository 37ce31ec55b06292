//! `--concurrency`: accepted, since scripts pass it.

use crate::cli::{Flag, FlagTable};

/// `--concurrency`
#[derive(Default)]
pub(crate) struct Concurrency {
    /// What was asked for. Transfers are sequential, whatever it is.
    pub(crate) concurrency: Option<i64>,
}

impl FlagTable for Concurrency {
    const FLAGS: &'static [Flag<Self>] = &[Flag::integer(
        "concurrency",
        "n",
        "accepted and ignored: transfers are sequential",
        |group: &mut Self, n| group.concurrency = Some(n),
    )];
}
