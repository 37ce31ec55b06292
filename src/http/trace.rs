//! A [`Transport`] that writes each request and response to a log, with secrets redacted.

use std::fmt;
use std::io::{self, Cursor, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Headers, Method, Request, RequestBody, Response, Transport, TransportError};
use crate::error::{Error, status_text};
use crate::http::clock::{Clock, TimedReader};
use crate::limits::{MAX_TRACED_BYTES, MAX_TRACING_TIME};
use crate::progress::sync::Lock;
use crate::text::percent;
use crate::text::redact::{Redactor, excerpt, redact_urls};
use crate::text::secret::Secret;
use crate::text::time::rfc3339_nano;
use crate::text::url::{Locality, Origin, Url};

/// Maximum number of characters of a header value in a record.
const MAX_VALUE_CHARS: usize = 1024;

/// Writes a record of each request and response that another transport sends and receives.
///
/// Values that are redacted in a request are also redacted if a response repeats them.
pub struct Traced<T> {
    inner: T,
    out: Lock<Box<dyn Write + Send>>,
    clock: Box<dyn Clock>,
    requests: AtomicU64,
    redactor: Lock<Redactor>,
}

impl<T: fmt::Debug> fmt::Debug for Traced<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> Traced<T> {
    /// Creates a transport that sends through `inner` and writes records to `out`.
    pub fn new(inner: T, out: impl Write + Send + 'static, clock: impl Clock + 'static) -> Self {
        Self {
            redactor: Lock::new(Redactor::new(inner.secrets())),
            inner,
            out: Lock::new(Box::new(out)),
            clock: Box::new(clock),
            requests: AtomicU64::new(0),
        }
    }

    fn record(&self, level: &str, message: &str) {
        let time = rfc3339_nano(self.clock.now());
        let message = self.redactor.lock().redact(message);
        let record = format!("[{time}][{level}]: {message}\n\n\n");
        // A write error of the log must not fail the request.
        let _ = self.out.lock().write_all(record.as_bytes());
    }
}

impl<T: Transport> Transport for Traced<T> {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        add_secrets(&mut self.redactor.lock(), &request);
        self.record(
            "DEBUG",
            &format!(
                "--> Request #{number}\n> Request URL: \"{}\"\n> Request method: \"{}\"\n> Request headers:\n{}",
                request.url,
                request.method,
                shown_headers(request.headers, request.url, &SHOWN_IN_REQUESTS)
            ),
        );
        let (method, url) = (request.method, request.url.clone());
        match self.inner.send(request) {
            Ok(mut response) => {
                let headers = shown_headers(&response.headers, &url, &SHOWN_IN_RESPONSES);
                let body = shown_body(method, &mut response, &*self.clock);
                let status = response.status;
                self.record(
                    "DEBUG",
                    &format!(
                        "<-- Response #{number}\n< Response Status: \"{status} {}\"\n< Response headers:\n{headers}\n< Response body:\n{body}",
                        status_text(status)
                    ),
                );
                Ok(response)
            }
            Err(error) => {
                self.record(
                    "ERROR",
                    &format!(
                        "<-- Response #{number}\nError in getting response: {}",
                        excerpt(&error.to_string(), MAX_VALUE_CHARS)
                    ),
                );
                Err(error)
            }
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        self.inner.secrets()
    }

    fn locality(&self, origin: &Origin) -> Option<Locality> {
        self.inner.locality(origin)
    }
}

/// Adds the secrets of a request to the redactor.
fn add_secrets(redactor: &mut Redactor, request: &Request<'_>) {
    for (name, value) in request.headers.iter() {
        if !is_among(&SHOWN_IN_REQUESTS, name) {
            redactor.add_header(name, value);
        }
    }
    if let RequestBody::Bytes(form) = &request.body
        && request.headers.get("Content-Type") == Some("application/x-www-form-urlencoded")
    {
        for member in String::from_utf8_lossy(form).split('&') {
            match member.split_once('=') {
                Some((name, value)) if is_among(&SECRET_FIELDS, name) => {
                    redactor.add_token(&percent::decode(value).unwrap_or_else(|| value.to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// Secret fields in forms of token requests (RFC 6749 §4.3.2, §6).
const SECRET_FIELDS: [&str; 2] = ["password", "refresh_token"];

/// Request headers whose values are shown: those that this library generates. All others, including
/// custom headers, are redacted.
const SHOWN_IN_REQUESTS: [&str; 6] = [
    "accept",
    "content-length",
    "content-type",
    "expect",
    "range",
    "user-agent",
];

/// Response headers whose values are shown.
const SHOWN_IN_RESPONSES: [&str; 32] = [
    "accept-ranges",
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "docker-content-digest",
    "docker-distribution-api-version",
    "docker-ratelimit-source",
    "docker-upload-uuid",
    "etag",
    "expires",
    "last-modified",
    "oci-chunk-min-length",
    "oci-filters-applied",
    "oci-subject",
    "oci-tag",
    "pragma",
    "range",
    "ratelimit-limit",
    "ratelimit-remaining",
    "retry-after",
    "server",
    "transfer-encoding",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-content-type-options",
];

fn is_among(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

fn shown_headers(headers: &Headers, base: &Url, shown: &[&str]) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for (name, value) in headers.iter() {
        let value = shown_value(name, value, base, shown);
        match lines
            .iter_mut()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            Some((_, values)) => {
                values.push_str(", ");
                values.push_str(&value);
            }
            None => lines.push((canonical(name), value)),
        }
    }
    if lines.is_empty() {
        return "   Empty header".to_owned();
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("   \"{name}\": \"{}\"", escaped(value)))
        .collect();
    lines.join("\n")
}

fn shown_value(name: &str, value: &str, base: &Url, shown: &[&str]) -> String {
    if is_among(shown, name) {
        excerpt(value, MAX_VALUE_CHARS)
    } else if name.eq_ignore_ascii_case("location") {
        base.join(value)
            .map_or_else(|_| HIDDEN.to_owned(), |url| url.to_string())
    } else if name.eq_ignore_ascii_case("link") {
        value
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .and_then(|(target, _)| base.join(target).ok())
            .map_or_else(|| HIDDEN.to_owned(), |url| format!("<{url}>…"))
    } else {
        HIDDEN.to_owned()
    }
}

/// Escapes backslashes and quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

const HIDDEN: &str = "*****";

/// Converts `content-type` to `Content-Type`.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut start = true;
    for character in name.chars() {
        out.push(if start {
            character.to_ascii_uppercase()
        } else {
            character.to_ascii_lowercase()
        });
        start = character == '-';
    }
    out
}

/// Returns the text of a body for the record. The bytes read for that stay in the response.
fn shown_body(method: Method, response: &mut Response, clock: &dyn Clock) -> String {
    if method == Method::Head || response.content_length() == Some(0) {
        return "   No response body to print".to_owned();
    }
    if (300..400).contains(&response.status) {
        return "   Response body for redirect is not printed".to_owned();
    }
    let Some(content_type) = response
        .headers
        .get("Content-Type")
        .filter(|value| !value.is_empty())
    else {
        return "   Response body without a content type is not printed".to_owned();
    };
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_text = matches!(
        essence.as_str(),
        "application/json" | "text/plain" | "text/html"
    ) || essence.ends_with("+json");
    if !is_text {
        let essence = excerpt(&essence, MAX_VALUE_CHARS);
        return format!("   Response body of content type \"{essence}\" is not printed");
    }
    let mut start = Vec::new();
    let mut body = TimedReader::new(&mut response.body, clock, MAX_TRACING_TIME);
    // If the time limit of the trace has passed, the body itself is not faulty.
    let failure = (&mut body)
        .take(MAX_TRACED_BYTES as u64 + 1)
        .read_to_end(&mut start)
        .err()
        .filter(|error| !body.is_over() || Error::is_cancelled(error));
    let shown = body_text(&start);
    let rest = std::mem::replace(&mut response.body, Box::new(io::empty()));
    response.body = match failure {
        None => Box::new(Cursor::new(start).chain(rest)),
        Some(error) => Box::new(Cursor::new(start).chain(ErrorReader(Some(error)))),
    };
    shown
}

fn body_text(start: &[u8]) -> String {
    if start.is_empty() {
        return "   Response body is empty".to_owned();
    }
    if start.len() > MAX_TRACED_BYTES {
        return "   Response body exceeding the trace size limit is not printed".to_owned();
    }
    let text = String::from_utf8_lossy(start);
    if may_contain_credentials(&text) {
        return "   Response body redacted due to potential credentials".to_owned();
    }
    let shown: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    redact_urls(&shown)
}

/// Whether a text contains a word that stands beside a secret, such as the member `access_token` of
/// a token response. JSON can escape any character of a name.
fn may_contain_credentials(text: &str) -> bool {
    let lower = without_unicode_escapes(text).to_ascii_lowercase();
    ["token\"", "secret", "password"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Replaces the escapes of JSON for ASCII characters, such as `\u0074`, by the characters.
fn without_unicode_escapes(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..4)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) if code.is_ascii() => {
                out.push(char::from(code));
                out.push_str(&part[4..]);
            }
            _ => {
                out.push_str("\\u");
                out.push_str(part);
            }
        }
    }
    out
}

/// A reader that returns an error: the end of a body that failed while the trace read it.
struct ErrorReader(Option<io::Error>);

impl Read for ErrorReader {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self
            .0
            .take()
            .unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
    }
}

#[cfg(test)]
mod tests;
