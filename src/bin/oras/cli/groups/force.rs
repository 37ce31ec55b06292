//! `--force`: no questions before a deletion.

use crate::cli::{Flag, FlagTable};

/// `--force`
#[derive(Default)]
pub(crate) struct Force {
    /// Do not ask, and do not mind if there is nothing to delete.
    pub(crate) force: bool,
}

impl FlagTable for Force {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "force",
        "do not ask for confirmation, and do not mind if there is nothing to delete",
        |group: &mut Self, on| group.force = on,
    )
    .short('f')];
}
