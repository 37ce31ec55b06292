//! Formats: text, JSON, and Go templates over the JSON.

use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::groups::Format as Flags;
use crate::flags::quote;

/// How results are printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Template(String),
}

impl Format {
    /// Reads what was typed.
    pub(crate) fn parse(flags: &Flags) -> Result<Self, Failure> {
        let format = flags.format.as_deref().unwrap_or("text");
        let (name, inline) = match format.split_once('=') {
            Some((name, template)) => (name, Some(template)),
            None => (format, None),
        };
        if !flags.template.is_empty() && format != "go-template" {
            return Err(Failure::usage(
                "--template must be used with --format go-template",
            ));
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
            ("go-template", _) => Err(Failure::usage(
                "\"go-template\" format specified but no template given",
            )
            .recommend("use `--format go-template=TEMPLATE` to specify the template")),
            _ => Err(
                Failure::usage(format!("invalid format type: {}", quote::double(format)))
                    .recommend("supported types: json, go-template, text"),
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
        context: &mut Context,
    ) -> Result<(), Failure> {
        match self {
            Self::Text => Ok(()),
            Self::Json => print_json(&oras::json::to_vec(result), true, context),
            Self::Template(template) => {
                let value = serde_json::to_value(result)
                    .map_err(|error| Failure::new(error.to_string()))?;
                super::template::render(template, &value, context)
            }
        }
    }
}

/// Prints JSON as it is, or, if it is to be `indented`, so with a newline. White space at its end stays in any case.
pub(crate) fn print_json(
    json: &[u8],
    indented: bool,
    context: &mut Context,
) -> Result<(), Failure> {
    if !indented {
        return context.print_bytes(json);
    }
    let mut indented = pretty(json)?;
    indented.extend_from_slice(&json[json.trim_ascii_end().len()..]);
    indented.push(b'\n');
    context.print_bytes(&indented)
}

/// Indents JSON by two spaces a level.
fn pretty(json: &[u8]) -> Result<Vec<u8>, Failure> {
    oras::json::indent(json).map_err(|error| Failure::of(&error.context("failed to prettify")))
}
