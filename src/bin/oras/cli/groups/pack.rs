//! What becomes of files and of the manifest made for them. `--annotation` is apart, since not only packing takes it.

use crate::cli::{Flag, FlagTable};

/// The flags of a command that makes an artifact from files.
#[derive(Default)]
pub(crate) struct Pack {
    /// JSON file of annotations; empty for none.
    pub(crate) annotation_file: String,
    /// Where to write the manifest too; empty for nowhere.
    pub(crate) export_manifest: String,
    /// Accept absolute paths.
    pub(crate) disable_path_validation: bool,
}

impl FlagTable for Pack {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "annotation-file",
            "path",
            "JSON file of annotations for manifest, config and files",
            |pack: &mut Self, text| {
                pack.annotation_file = text;
            },
        ),
        Flag::text(
            "export-manifest",
            "path",
            "write the manifest to this file too",
            |pack: &mut Self, text| {
                pack.export_manifest = text;
            },
        ),
        Flag::switch(
            "disable-path-validation",
            "accept absolute paths of files",
            |pack: &mut Self, on| {
                pack.disable_path_validation = on;
            },
        ),
    ];
}
