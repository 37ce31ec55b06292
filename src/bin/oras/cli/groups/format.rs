//! In which form results are printed.

use crate::cli::{Flag, FlagTable, Stage};

/// The flags of a command whose result can be printed in several forms. Which forms there are is the command's affair; one whose
/// forms differ from these gives `format` [another help](crate::cli::table::Group::reworded) and
/// [other values](crate::cli::table::Group::revalued).
#[derive(Default)]
pub(crate) struct Format {
    /// As typed; none for the command's default.
    pub(crate) format: Option<String>,
    /// As typed; empty for none.
    pub(crate) template: String,
}

impl FlagTable for Format {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "format",
            "name",
            "print the result in this form:\n\
             text          lines for reading\n\
             json          a JSON object\n\
             go-template   the JSON object through a Go template\n\
             (default text)",
            |format: &mut Self, text| format.format = Some(text),
        )
        .values(&["text", "json", "go-template"])
        .stage(Stage::Experimental),
        Flag::text(
            "template",
            "text",
            "template for --format go-template",
            |format: &mut Self, text| format.template = text,
        )
        .stage(Stage::Experimental),
    ];
}
