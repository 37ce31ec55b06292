//! Answers of a registry: what was asked, what came back, and the errors that bodies describe.

use std::io::{self, Cursor, Read};

use serde::Deserialize;
use serde_json::Value;

use crate::auth::{Challenge, OriginPolicy, parse_challenges};
use crate::error::{Error, RegistryError, RegistryErrorResponse, Responder, Result, TransportKind};
use crate::http::{Method, Response};
use crate::limits::{MAX_ERROR_BYTES, MAX_TOKEN_BYTES};
use crate::text::redact::{self, Redactor};
use crate::text::url::{Scheme, Url};

/// How much of a body that is no registry error is shown, in characters.
const MAX_EXCERPT_CHARS: usize = 200;
/// How much of an error's message and of its detail is shown, in characters.
const MAX_DETAIL_CHARS: usize = redact::MAX_EXCERPT_CHARS;
/// How many of a body's errors are shown. Registries send one, or one for each blob that a manifest lacks.
const MAX_ERRORS: usize = 32;
/// How much is said about an answer that breaks the protocol, in characters: room for an address, and why not.
const MAX_REASON_CHARS: usize = 1200;

/// A response, with the request that it answers.
pub(crate) struct Answer {
    pub(crate) method: Method,
    /// Where the response came from, after redirects.
    pub(crate) url: Url,
    /// Whether it came from whom was asked. What a stranger wants, whom a redirect led to, is none of our business.
    pub(crate) origin_policy: OriginPolicy,
    /// The secrets sent to servers so far, which they may repeat.
    pub(crate) redactor: Redactor,
    /// How often the request was sent before, and perhaps did what it asks for.
    pub(crate) retries: u32,
    pub(crate) response: Response,
}

impl Answer {
    pub(crate) const fn status(&self) -> u16 {
        self.response.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response
            .headers
            .get(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// The `Content-Type` without its parameters.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.header("Content-Type")
            .and_then(|value| value.split(';').next())
            .map(str::trim)
    }

    /// What a refusal asks for. With any other status the header means nothing: some registries always send it. What a
    /// stranger asks for is not answered either.
    pub(crate) fn challenges(&self) -> Vec<Challenge> {
        if self.status() == 401 && self.origin_policy == OriginPolicy::SameOrigin {
            parse_challenges(self.response.headers.all("WWW-Authenticate"))
        } else {
            Vec::new()
        }
    }

    /// The body of a token service's answer, if that is a token. Otherwise it is left for the error.
    pub(crate) fn token(&mut self) -> Result<Vec<u8>> {
        if (200..300).contains(&self.status()) {
            self.response
                .read_body("token", MAX_TOKEN_BYTES, "MaxTokenBytes")
        } else {
            Ok(Vec::new())
        }
    }

    /// Passes on an answer with one of these statuses; any other becomes an error.
    pub(crate) fn expect(self, statuses: &[u16]) -> Result<Self> {
        if statuses.contains(&self.status()) {
            Ok(self)
        } else {
            Err(self.into_error())
        }
    }

    /// The error that this answer reports.
    pub(crate) fn into_error(self) -> Error {
        self.into_error_of(Responder::Registry)
    }

    /// The error that this answer of `by` reports.
    pub(crate) fn into_error_of(mut self, by: Responder) -> Error {
        let body = self.peek_body();
        let text = String::from_utf8_lossy(&body);
        let errors = parse_errors(&body, &self.redactor);
        let excerpt = if errors.is_empty() {
            excerpt(&text, self.content_type(), &self.redactor)
        } else {
            None
        };
        Error::Refused(Box::new(RegistryErrorResponse {
            method: self.method.as_str(),
            url: self.redactor.redact(&self.url.to_string()),
            host: self.url.host_and_port().to_owned(),
            status: self.status(),
            errors,
            excerpt,
            by,
        }))
    }

    /// Whether the body of an error says that access is denied. The body can still be read afterwards.
    pub(crate) fn is_denied(&mut self) -> bool {
        let body = self.peek_body();
        let errors = parse_errors(&body, &self.redactor);
        let text = String::from_utf8_lossy(&body).to_ascii_lowercase();
        errors.iter().any(|error| {
            matches!(
                error.code.to_ascii_uppercase().as_str(),
                "DENIED" | "UNAUTHORIZED"
            )
        }) || (text.contains("token") && (text.contains("invalid") || text.contains("expired")))
    }

    /// Whether this is what a web site answers, whatever it is asked. The body can still be read afterwards.
    pub(crate) fn is_web_page(&mut self) -> bool {
        self.content_type() == Some("text/html")
            && self.peek_body().trim_ascii_start().starts_with(b"<")
    }

    /// Reads the start of the body and puts it back. A body that breaks off counts as what came of it: this serves
    /// messages only.
    fn peek_body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        if self.method != Method::Head {
            let _ = (&mut self.response.body)
                .take(MAX_ERROR_BYTES)
                .read_to_end(&mut body);
        }
        self.response.body = Box::new(Cursor::new(body.clone()));
        body
    }

    /// The address in a header of this answer, which may be relative.
    pub(crate) fn resolve(&self, header: &str, address: &str) -> Result<Url> {
        self.url
            .join(address)
            .map_err(|error| self.protocol_error(format!("its {header} is not valid: {error}")))
    }

    /// The address in a header of this answer, where it most likely is the registry's own. Behind a proxy that ends TLS,
    /// registries often name themselves by http.
    pub(crate) fn resolve_own(&self, header: &str, address: &str) -> Result<Url> {
        let url = self.resolve(header, address)?;
        let (here, there) = (self.url.origin(), url.origin());
        let leaves_https = (here.scheme(), there.scheme()) == (Scheme::Https, Scheme::Http);
        Ok(if leaves_https && here.host() == there.host() {
            url.with_scheme(Scheme::Https)
        } else {
            url
        })
    }

    /// An answer that breaks the protocol.
    pub(crate) fn protocol_error(&self, reason: impl Into<String>) -> Error {
        Error::Protocol {
            what: format!(
                "{} \"{}\"",
                self.method,
                self.redactor.redact(&self.url.to_string())
            ),
            reason: self.redactor.excerpt(&reason.into(), MAX_REASON_CHARS),
        }
    }
}

/// The errors in a body of the form that the specification gives; none if it has another form.
fn parse_errors(body: &[u8], redactor: &Redactor) -> Vec<RegistryError> {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        code: Option<String>,
        message: Option<String>,
        detail: Option<Value>,
    }
    let Ok(Body { errors }) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    errors
        .into_iter()
        .map(|item| RegistryError {
            code: redactor.excerpt(&item.code.unwrap_or_default(), MAX_EXCERPT_CHARS),
            message: redactor.excerpt(&item.message.unwrap_or_default(), MAX_DETAIL_CHARS),
            detail: item.detail.map_or_else(String::new, |detail| {
                redactor.excerpt(&shown(&detail), MAX_DETAIL_CHARS)
            }),
        })
        .filter(|error| !error.code.is_empty() || !error.message.is_empty())
        .take(MAX_ERRORS)
        .collect()
}

/// A detail as it has always been shown: text as it is, objects as `map[key:value]`, lists as `[a b]`.
fn shown(detail: &Value) -> String {
    match detail {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(shown).collect::<Vec<_>>().join(" ")
        ),
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{key}:{}", shown(value)))
                .collect();
            members.sort();
            format!("map[{}]", members.join(" "))
        }
        other => other.to_string(),
    }
}

/// What an answer that is no registry error says: a common JSON message, the title of a page, or the start of a text.
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

/// A body whose failures say what was being read from where.
pub(crate) struct NamedBody {
    inner: Box<dyn Read + Send>,
    method: Method,
    /// Without secrets.
    url: String,
}

impl NamedBody {
    pub(crate) const fn new(inner: Box<dyn Read + Send>, method: Method, url: String) -> Self {
        Self { inner, method, url }
    }
}

impl Read for NamedBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => {
                let transport = Error::Transport {
                    method: self.method.as_str(),
                    url: self.url.clone(),
                    kind: match kind {
                        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                            TransportKind::Timeout
                        }
                        _ => TransportKind::Io,
                    },
                    source: match kind {
                        io::ErrorKind::UnexpectedEof => "unexpected EOF".into(),
                        _ => error.into(),
                    },
                };
                io::Error::new(kind, transport)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    fn answer(status: u16, content_type: &str, body: &'static str) -> Answer {
        Answer {
            method: Method::Get,
            url: Url::parse("http://r:5000/v2/a/manifests/v1").unwrap(),
            origin_policy: OriginPolicy::SameOrigin,
            redactor: Redactor::default(),
            retries: 0,
            response: Response {
                status,
                headers: Headers::new().with("Content-Type", content_type),
                body: Box::new(body.as_bytes()),
            },
        }
    }

    #[test]
    fn an_error_body_becomes_a_readable_error() {
        let prefix = r#"GET "http://r:5000/v2/a/manifests/v1": response status code"#;
        for (content_type, body, wanted) in [
            (
                "application/json",
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Name":"a"}]}]}"#,
                "400: unauthorized: authentication required: [map[Name:a Type:repository]]",
            ),
            (
                "",
                r#"{"errors":[{"code":"X_Y"},{"code":"Z","message":"m","detail":null}]}"#,
                "400: x y; z: m",
            ),
            ("", r#"{"errors":[]}"#, "400: Bad Request"),
            ("", r#"{"errors":"no"}"#, "400: Bad Request"),
            (
                "",
                r#"{"message":"forbidden\u001b[31m"}"#,
                "400: Bad Request: forbidden[31m",
            ),
            (
                "text/html",
                "<html><head><title>Log in\n now</title>",
                "400: Bad Request: web page \"Log in  now\"",
            ),
            (
                "text/html",
                "<p>",
                "400: Bad Request: web page (login or proxy?)",
            ),
            (
                "text/plain",
                "Your Token has expired",
                "400: Bad Request: Your Token has expired",
            ),
            ("", "", "400: Bad Request"),
        ] {
            let error = answer(400, content_type, body).into_error();
            assert_eq!(error.to_string(), format!("{prefix} {wanted}"), "{body}");
        }
    }

    #[test]
    fn a_web_page_is_known_by_its_type_and_its_beginning() {
        for (content_type, body, wanted) in [
            ("text/html; charset=utf-8", " <html>", true),
            ("text/html", "{}", false),
            ("text/html", "", false),
            ("application/json", "<html>", false),
        ] {
            assert_eq!(answer(200, content_type, body).is_web_page(), wanted);
        }
    }

    #[test]
    fn a_400_may_say_denied() {
        assert!(
            answer(
                400,
                "",
                r#"{"errors":[{"code":"DENIED","message":"Your Authorization Token is invalid."}]}"#
            )
            .is_denied()
        );
        assert!(answer(400, "", "Your Authorization Token has expired").is_denied());
        let mut other = answer(400, "", r#"{"errors":[{"code":"MANIFEST_INVALID"}]}"#);
        assert!(!other.is_denied());
        assert!(
            other.into_error().to_string().ends_with("manifest invalid"),
            "the body is still there"
        );
    }
}
