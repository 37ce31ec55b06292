//! Formats: text, JSON, and Go templates over the JSON.

use serde::Serialize;

use crate::cli::groups::Format as Flags;
use crate::cli::quote;
use crate::error::CliError;
use crate::process::Process;

/// How results are printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Template(String),
    /// A form that only one command has, and prints itself.
    Own(&'static str),
}

/// The forms that a command knows besides JSON and templates.
pub(crate) struct Forms {
    /// The one that is taken if none is asked for.
    pub(crate) default: &'static str,
    /// Those that only this command has.
    pub(crate) own: &'static [&'static str],
    /// All of them, as a message lists them.
    pub(crate) all: &'static str,
}

impl Forms {
    const TEXT: Self = Self {
        default: "text",
        own: &[],
        all: "json, go-template, text",
    };
}

/// A form that only one command has, and that is going to be removed.
pub(crate) const TABLE: &str = "table";

impl Format {
    /// Reads what was typed.
    pub(crate) fn parse(flags: &Flags, process: &mut Process) -> Result<Self, CliError> {
        Self::parse_among(&Forms::TEXT, flags, process)
    }

    /// Reads what was typed, for a command with other forms.
    pub(crate) fn parse_among(
        forms: &Forms,
        flags: &Flags,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let format = flags.format.as_deref().unwrap_or(forms.default);
        // Told by every command, also by those that do not know it.
        if format == TABLE {
            process
                .warn("Format \"table\" is deprecated and will be removed in a future release.\n");
        }
        let (name, inline) = match format.split_once('=') {
            Some((name, template)) => (name, Some(template)),
            None => (format, None),
        };
        if !flags.template.is_empty() && format != "go-template" {
            return Err(CliError::usage(
                "--template must be used with --format go-template",
            ));
        }
        if let Some(own) = forms.own.iter().find(|own| **own == format) {
            return Ok(Self::Own(own));
        }
        match (name, inline) {
            ("text", None) => Ok(Self::Text),
            ("json", None) => Ok(Self::Json),
            ("go-template", Some(template)) if !template.is_empty() => {
                Ok(Self::Template(template.to_owned()))
            }
            ("go-template", None) if !flags.template.is_empty() => {
                Ok(Self::Template(flags.template.clone()))
            }
            ("go-template", _) => Err(CliError::usage(
                "\"go-template\" format specified but no template given",
            )
            .recommend("use `--format go-template=TEMPLATE` to specify the template")),
            _ => Err(
                CliError::usage(format!("invalid format type: {}", quote::double(format)))
                    .recommend(format!("supported types: {}", forms.all)),
            ),
        }
    }

    /// Whether this is text, which is printed as things happen.
    pub(crate) const fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }

    /// Prints a result in any format but text.
    pub(crate) fn print<T: Serialize>(
        &self,
        result: &T,
        process: &mut Process,
    ) -> Result<(), CliError> {
        match self {
            Self::Text | Self::Own(_) => Ok(()),
            Self::Json => print_json(&oras::json::to_vec(result), true, process),
            Self::Template(template) => {
                let value = serde_json::to_value(result)
                    .map_err(|error| CliError::new(error.to_string()))?;
                crate::template::render(template, &value, process)
            }
        }
    }
}

/// Prints JSON as it is, or, if it is to be `indented`, so with a newline. White space at its end stays in any case.
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

/// Indents JSON by two spaces a level.
fn pretty(json: &[u8]) -> Result<Vec<u8>, CliError> {
    oras::json::indent(json).map_err(|error| {
        let error = oras::Error::malformed("JSON", error.to_string());
        CliError::from_library(&error.context("failed to prettify"))
    })
}
