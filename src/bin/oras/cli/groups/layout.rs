//! A target in an OCI image layout instead of a registry.

use crate::cli::{Flag, FlagTable, Stage};

/// The flags of a target that may be a layout.
#[derive(Default)]
pub(crate) struct Layout {
    /// The positional argument is a layout with a tag or digest.
    pub(crate) oci_layout: bool,
    /// The layout, if the positional argument is the tag or digest alone; empty for none.
    pub(crate) oci_layout_path: String,
}

impl Layout {
    /// Whether the target is a layout.
    pub(crate) const fn is_given(&self) -> bool {
        self.oci_layout || !self.oci_layout_path.is_empty()
    }
}

impl FlagTable for Layout {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::switch(
            "oci-layout",
            "the {side}target is an OCI image layout",
            |layout: &mut Self, on| layout.oci_layout = on,
        ),
        Flag::text(
            "oci-layout-path",
            "path",
            "the {side}target is in the OCI image layout at this path",
            |layout: &mut Self, text| {
                layout.oci_layout_path = text;
            },
        )
        .stage(Stage::Experimental),
    ];
}
