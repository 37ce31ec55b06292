//! `--no-tty`: no progress bars, no colours.

use crate::cli::{Flag, FlagTable, Stage};
use crate::process::Process;

/// `--no-tty`
#[derive(Clone, Copy, Default)]
pub(crate) struct Tty {
    /// What was asked for, if anything: some commands tell `--no-tty=false` from silence.
    pub(crate) no_tty: Option<bool>,
}

impl Tty {
    /// Of a command that writes content to stdout: bars beside it are for those who ask for them, and never among it.
    pub(crate) fn beside_content(self, process: &Process) -> Self {
        Self {
            no_tty: Some(self.no_tty.unwrap_or(true) || process.is_stdout_terminal()),
        }
    }
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
