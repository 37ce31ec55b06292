//! `--annotation`: annotations of the manifest.

use crate::cli::{Flag, FlagTable};

/// `--annotation`
#[derive(Default)]
pub(crate) struct Annotations {
    /// As typed, in order.
    pub(crate) annotations: Vec<String>,
}

impl FlagTable for Annotations {
    const FLAGS: &'static [Flag<Self>] = &[Flag::text(
        "annotation",
        "key=value",
        "annotation of the manifest (repeatable)",
        |group: &mut Self, text| group.annotations.push(text),
    )
    .short('a')];
}
