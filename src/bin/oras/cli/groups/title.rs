//! `--title`: what standard input is called.

use crate::cli::{Flag, FlagTable};

/// `--title`
#[derive(Default)]
pub(crate) struct Title {
    /// The title of the layer that comes from stdin. Empty is none.
    pub(crate) title: Option<String>,
}

impl FlagTable for Title {
    const FLAGS: &'static [Flag<Self>] = &[Flag::text(
        "title",
        "name",
        "name of the file that - brings from stdin; empty for a layer without one",
        |group: &mut Self, text| group.title = Some(text),
    )];
}
