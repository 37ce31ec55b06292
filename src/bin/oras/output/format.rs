//! Formats: text, JSON, and Go templates over the JSON.

use oras::Descriptor;
use serde::Serialize;

use crate::cli::groups::{Format as Flags, Pretty};
use crate::cli::quote;
use crate::error::CliError;
use crate::process::Process;

/// The format of results.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    #[cfg(feature = "templates")]
    Template(String),
    /// A format that a command adds and prints itself.
    CommandSpecific(&'static str),
}

/// The formats of a command besides JSON and templates.
pub(crate) struct SupportedFormats {
    /// The default.
    pub(crate) default: &'static str,
    /// Formats that only this command has.
    pub(crate) command_specific: &'static [&'static str],
    /// All formats, for error messages.
    pub(crate) all: &'static str,
}

impl SupportedFormats {
    const TEXT: Self = Self {
        default: "text",
        command_specific: &[],
        all: "json, go-template, text",
    };
}

/// The deprecated format of `discover`.
pub(crate) const TABLE: &str = "table";

impl Format {
    /// Parses the flags of a command without formats of its own.
    pub(crate) fn parse(flags: &Flags, process: &mut Process) -> Result<Self, CliError> {
        Self::parse_with(&SupportedFormats::TEXT, flags, process)
    }

    /// Parses the flags of a command.
    pub(crate) fn parse_with(
        supported: &SupportedFormats,
        flags: &Flags,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let format = flags.format.as_deref().unwrap_or(supported.default);
        let (name, inline) = match format.split_once('=') {
            Some((name, template)) => (name, Some(template)),
            None => (format, None),
        };
        if !flags.template.is_empty() && format != "go-template" {
            return Err(CliError::usage(
                "--template must be used with --format go-template",
            ));
        }
        let mut specific = supported.command_specific.iter();
        if let Some(name) = specific.find(|name| **name == format) {
            if format == TABLE {
                process.warn(
                    "Format \"table\" is deprecated and will be removed in a future release.\n",
                );
            }
            return Ok(Self::CommandSpecific(name));
        }
        match (name, inline) {
            ("text", None) if supported.default == "text" => Ok(Self::Text),
            ("json", None) => Ok(Self::Json),
            ("go-template", _) => Self::template(inline.unwrap_or(&flags.template)),
            _ => Err(
                CliError::usage(format!("invalid format type: {}", quote::double(format)))
                    .recommend(format!("supported types: {}", supported.all)),
            ),
        }
    }

    #[cfg(feature = "templates")]
    fn template(template: &str) -> Result<Self, CliError> {
        if template.is_empty() {
            return Err(
                CliError::usage("\"go-template\" format specified but no template given")
                    .recommend("use `--format go-template=TEMPLATE` to specify the template"),
            );
        }
        Ok(Self::Template(template.to_owned()))
    }

    #[cfg(not(feature = "templates"))]
    fn template(_: &str) -> Result<Self, CliError> {
        Err(CliError::missing_feature("Go templates", "templates")
            .recommend("use `--format json` to process the result by another program"))
    }

    /// Returns whether this is text, which commands print while they run.
    pub(crate) const fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }

    /// Prints a result as JSON or through a template. Commands print other formats themselves.
    pub(crate) fn print<T: Serialize>(
        &self,
        result: &T,
        process: &mut Process,
    ) -> Result<(), CliError> {
        match self {
            Self::Text | Self::CommandSpecific(_) => Ok(()),
            Self::Json => print_json(&oras::internal::json::to_vec(result), true, process),
            #[cfg(feature = "templates")]
            Self::Template(template) => {
                let value = serde_json::to_value(result)
                    .map_err(|error| CliError::new(error.to_string()))?;
                crate::template::render(template, &value, process)
            }
        }
    }
}

/// Prints a descriptor as JSON.
pub(crate) fn print_descriptor(
    descriptor: &Descriptor,
    flags: &Pretty,
    process: &mut Process,
) -> Result<(), CliError> {
    let json = oras::internal::json::to_vec(descriptor);
    print_json(&json, flags.pretty, process)
}

/// Prints JSON unchanged or, if `indented`, with indentation and a final newline. White space at
/// the end is kept.
pub(crate) fn print_json(
    json: &[u8],
    indented: bool,
    process: &mut Process,
) -> Result<(), CliError> {
    if !indented {
        return process.print_bytes(json);
    }
    let mut indented = pretty(json)?;
    indented.extend_from_slice(&json[json.trim_ascii_end().len()..]);
    indented.push(b'\n');
    process.print_bytes(&indented)
}

/// Indents JSON by two spaces per level.
fn pretty(json: &[u8]) -> Result<Vec<u8>, CliError> {
    oras::internal::json::indent(json).map_err(|error| {
        let error = oras::Error::malformed_by(error, "JSON");
        CliError::from(&error.context("failed to prettify"))
    })
}

#[cfg(all(test, not(feature = "templates")))]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_an_error_that_names_the_feature() {
        let error = Format::template("{{.}}").unwrap_err();
        assert_eq!(error.status(), 2);
        assert_eq!(
            error.to_text(),
            "Error: this build of oras has no Go templates: it lacks the feature \"templates\"\n\
             use `--format json` to process the result by another program\n"
        );
    }
}
