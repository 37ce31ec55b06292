//! `--no-tty`: no progress bars, no colours.

use crate::flags::{Flag, FlagTable, Stage};

/// `--no-tty`
#[derive(Default)]
pub(crate) struct Tty {
    /// What was asked for, if anything: some commands tell `--no-tty=false` from silence.
    pub(crate) no_tty: Option<bool>,
}

impl FlagTable for Tty {
    const FLAGS: &'static [Flag<Self>] =
        &[
            Flag::switch("no-tty", "show no progress bars", |group: &mut Self, on| {
                group.no_tty = Some(on);
            })
            .stage(Stage::Preview),
        ];
}
