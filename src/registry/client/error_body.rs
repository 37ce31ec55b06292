//! Bodies of error responses (distribution spec v1.1, "Error Codes"), as parts of an error message.
//! Pure.

use serde::Deserialize;
use serde_json::Value;

use crate::error::RegistryError;
use crate::text::json;
use crate::text::redact::{self, Redactor};

/// Maximum length of the excerpt of a body that is not an error document, in characters.
const MAX_EXCERPT_CHARS: usize = 200;
/// Maximum length of an error's message and of its detail, in characters.
const MAX_DETAIL_CHARS: usize = redact::MAX_EXCERPT_CHARS;
/// Maximum number of errors of one body. Registries send one, or one for each blob that a manifest
/// lacks.
const MAX_ERRORS: usize = 32;

/// The content of an error response's body.
pub(super) struct ErrorBody {
    /// The errors of a body in the form of the specification.
    pub(super) errors: Vec<RegistryError>,
    /// The beginning of a body in any other form.
    pub(super) excerpt: Option<String>,
}

impl ErrorBody {
    /// Reads a body. The result is redacted.
    pub(super) fn parse(body: &[u8], content_type: Option<&str>, redactor: &Redactor) -> Self {
        let errors = parse_errors(body, redactor);
        let excerpt = if errors.is_empty() {
            excerpt(&String::from_utf8_lossy(body), content_type, redactor)
        } else {
            None
        };
        Self { errors, excerpt }
    }
}

/// Whether a body contains errors in the form of the specification.
pub(super) fn has_errors(body: &[u8]) -> bool {
    !parse_errors(body, &Redactor::default()).is_empty()
}

/// Whether the body of an error says that access is denied.
pub(super) fn is_denied(body: &[u8], redactor: &Redactor) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    parse_errors(body, redactor).iter().any(|error| {
        matches!(
            error.code.to_ascii_uppercase().as_str(),
            "DENIED" | "UNAUTHORIZED"
        )
    }) || (text.contains("token") && (text.contains("invalid") || text.contains("expired")))
}

/// The errors of a body in the form of the specification; none if it has another form.
fn parse_errors(body: &[u8], redactor: &Redactor) -> Vec<RegistryError> {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        code: Option<String>,
        message: Option<String>,
        #[serde(default, deserialize_with = "json::any")]
        detail: Value,
    }
    let Ok(Body { errors }) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    errors
        .into_iter()
        .map(|item| RegistryError {
            code: redactor.excerpt(&item.code.unwrap_or_default(), MAX_EXCERPT_CHARS),
            message: redactor.excerpt(&item.message.unwrap_or_default(), MAX_DETAIL_CHARS),
            detail: redactor.excerpt(&display(&item.detail), MAX_DETAIL_CHARS),
        })
        .filter(|error| !error.code.is_empty() || !error.message.is_empty())
        .take(MAX_ERRORS)
        .collect()
}

/// Formats a detail as oras does (Go's `%v`): strings as they are, objects as `map[key:value]`,
/// arrays as `[a b]`.
fn display(detail: &Value) -> String {
    match detail {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(display).collect::<Vec<_>>().join(" ")
        ),
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{key}:{}", display(value)))
                .collect();
            members.sort();
            format!("map[{}]", members.join(" "))
        }
        other => other.to_string(),
    }
}

/// The excerpt of a body that is not an error document: the message of a JSON object, the title of
/// a web page, or the beginning of the text.
fn excerpt(text: &str, content_type: Option<&str>, redactor: &Redactor) -> Option<String> {
    let text = text.trim();
    if let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) {
        return ["message", "error_description", "error", "details"]
            .iter()
            .find_map(|name| members.get(*name)?.as_str())
            .map(|message| redactor.excerpt(message, MAX_EXCERPT_CHARS));
    }
    if text.starts_with('<') || content_type == Some("text/html") {
        let lower = text.to_ascii_lowercase();
        let title = lower
            .find("<title>")
            .map(|start| start + "<title>".len())
            .and_then(|start| {
                let end = lower[start..].find("</title>")?;
                text.get(start..start + end)
            });
        return Some(match title {
            Some(title) => format!(
                "web page \"{}\"",
                redactor.excerpt(title, MAX_EXCERPT_CHARS)
            ),
            None => "web page (login or proxy?)".to_owned(),
        });
    }
    (!text.is_empty()).then(|| redactor.excerpt(text, MAX_EXCERPT_CHARS))
}
