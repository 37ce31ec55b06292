//! `--platform`: which manifest of an index.

use crate::cli::{Flag, FlagTable};

/// `--platform`
#[derive(Default)]
pub(crate) struct Platform {
    /// As typed; empty for none.
    pub(crate) platform: String,
}

impl FlagTable for Platform {
    const FLAGS: &'static [Flag<Self>] = &[Flag::text(
        "platform",
        "os[/arch][/variant][:os_version]",
        "choose the manifest for this platform from an index",
        |group: &mut Self, text| group.platform = text,
    )];
}
