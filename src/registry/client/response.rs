//! Responses of a registry: the status, headers and body, with the request that they answer.

use std::io::{self, Cursor, Read};
use std::time::Duration;

use super::content_encoding;
use super::error_body::{self, ErrorBody};
use crate::auth::{Challenge, parse_challenges};
use crate::error::{Error, RegistryErrorResponse, Responder, Result, Reworded, TransportKind};
use crate::fs::read_within;
use crate::http::{Method, Response};
use crate::limits::{Limit, MAX_ERROR_BYTES, MAX_MESSAGE_WAITS, MAX_TOKEN_BYTES};
use crate::progress;
use crate::text::redact::Redactor;
use crate::text::url::{Locality, Origin, Scheme, Url};

/// Maximum length of the reason of a protocol error, in characters: room for a URL and the error in
/// it.
const MAX_REASON_CHARS: usize = 1200;

/// The reason of an error about content that the registry accepted.
pub(crate) const NOT_STORED: &str = "the registry accepted the content but does not have it";

/// The server that a request was sent to, after redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The origin of the request's URL, without a detour over another origin.
    Registry,
    /// The https origin of the registry, whose http origin redirected there.
    UpgradedRegistry,
    /// Another server. Once a redirect left the registry's origin, credentials stay off even if a
    /// later redirect returns to it: the third party chose that URL.
    ThirdParty,
}

/// The size limit of a `Retry-After` in a message, in characters: a date, or seconds.
const MAX_RETRY_AFTER_CHARS: usize = 40;

/// A response, with the request that it answers.
pub(crate) struct RegistryResponse {
    pub(crate) method: Method,
    /// URL of the response, after redirects.
    pub(crate) url: Url,
    /// The server that sent the response.
    pub(crate) sender: Sender,
    /// Origin of the registry that the request is for.
    pub(crate) registry: Origin,
    /// Locality of the address at which the registry was reached.
    pub(crate) locality: Locality,
    /// Secrets sent to servers so far. Responses can repeat them.
    pub(crate) redactor: Redactor,
    /// Number of earlier attempts. One of them may have had its effect.
    pub(crate) retries: u32,
    /// The longest `Retry-After` that is waited for.
    pub(crate) max_retry_after: Duration,
    /// The wait that the server asks for.
    pub(crate) retry_after: Option<Duration>,
    /// The body, if the request asked to buffer it: up to one byte more than the limit. Then the
    /// body of `response` is empty.
    pub(crate) document: Option<Vec<u8>>,
    pub(crate) response: Response,
}

impl RegistryResponse {
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

    /// Whether the body is said to be encoded.
    pub(crate) fn is_encoded(&self) -> bool {
        content_encoding::is_encoded(&self.response)
    }

    /// Undoes the encoding of the body.
    pub(crate) fn decode(self) -> Result<Box<dyn Read + Send>> {
        let what = format!(
            "{} \"{}\"",
            self.method,
            self.redactor.redact(&self.url.to_string())
        );
        match content_encoding::decode(self.response) {
            Ok(response) => Ok(response.body),
            Err(reason) => Err(Error::Protocol { what, reason }),
        }
    }

    /// The `Content-Type` without its parameters, in lower case: media types have no case
    /// (RFC 9110 §8.3.1).
    pub(crate) fn content_type(&self) -> Option<String> {
        self.header("Content-Type")
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase())
    }

    /// The challenges of a 401. Some registries send `WWW-Authenticate` with any status, which has
    /// no meaning. Challenges from a host that a redirect led to are ignored.
    pub(crate) fn challenges(&self) -> Vec<Challenge> {
        if self.status() == 401 && self.sender == Sender::Registry {
            parse_challenges(self.response.headers.all("WWW-Authenticate"))
        } else {
            Vec::new()
        }
    }

    /// Reads the body of a successful response of a token service. The body of another response is
    /// left for the error message.
    pub(crate) fn token(&mut self) -> Result<Vec<u8>> {
        if (200..300).contains(&self.status()) {
            self.read_document("token", MAX_TOKEN_BYTES, Limit::TokenBytes)
        } else {
            Ok(Vec::new())
        }
    }

    /// Reads a body of at most `limit` bytes into memory. `what` and `kind` are for the
    /// message.
    pub(crate) fn read_document(&mut self, what: &str, limit: u64, kind: Limit) -> Result<Vec<u8>> {
        let announced = self.response.content_length();
        let bytes = match self.document.take() {
            Some(bytes) => bytes,
            None if announced.is_some_and(|size| size > limit) => Vec::new(),
            None => return self.response.read_body(what, limit, kind),
        };
        let size = announced.unwrap_or(bytes.len() as u64);
        if size.max(bytes.len() as u64) > limit {
            return Err(Error::too_large(what, size, kind, limit));
        }
        Ok(bytes)
    }

    /// Reads the rest of a short body, so that the connection can be reused. The error is
    /// [`Error::Cancelled`].
    pub(crate) fn drain(self) -> Result<()> {
        self.response.drain()
    }

    /// Reads the beginning of the body into memory, which releases the connection if the body is
    /// short. The error is [`Error::Cancelled`].
    pub(crate) fn buffer_body(&mut self) -> Result<()> {
        self.peek_body().map(drop)
    }

    /// Converts a response with status 404 to the error that `what` does not exist.
    pub(crate) fn into_not_found(self, what: impl Into<String>) -> Error {
        match self.drain() {
            Ok(()) => Error::not_found(what),
            Err(cancelled) => cancelled,
        }
    }

    /// Returns a response with one of these statuses; any other becomes an error.
    pub(crate) fn expect(self, statuses: &[u16]) -> Result<Self> {
        if statuses.contains(&self.status()) {
            Ok(self)
        } else {
            Err(self.into_error())
        }
    }

    /// Converts an error response of the registry to an error.
    pub(crate) fn into_error(self) -> Error {
        self.into_error_of(Responder::Registry)
    }

    /// Converts an error response of `by` to an error.
    pub(crate) fn into_error_of(mut self, by: Responder) -> Error {
        let body = match self.peek_body() {
            Ok(body) => body,
            Err(cancelled) => return cancelled,
        };
        let ErrorBody { errors, excerpt } =
            ErrorBody::parse(&body, self.content_type().as_deref(), &self.redactor);
        // A shorter wait was waited for.
        let is_long = |value: &&str| {
            let seconds = value.parse::<u64>();
            seconds.map_or(true, |seconds| seconds > self.max_retry_after.as_secs())
        };
        let retry_after = (self.header("Retry-After"))
            .filter(|value| matches!(self.status(), 413 | 429 | 503) && is_long(value))
            .map(|value| self.redactor.excerpt(value, MAX_RETRY_AFTER_CHARS));
        Error::Refused(Box::new(RegistryErrorResponse {
            method: self.method.as_str(),
            url: self.redactor.redact(&self.url.to_string()),
            host: self.url.host_and_port().to_owned(),
            status: self.status(),
            errors,
            excerpt,
            retry_after,
            wait: self.retry_after,
            by,
        }))
    }

    /// The error of a response whose body is not a `what`, for this reason, although its status is
    /// that of a success. Some registries send an error document with such a status.
    pub(crate) fn into_wrong_document(mut self, body: Vec<u8>, what: &str, reason: &str) -> Error {
        if error_body::has_errors(&body) {
            self.document = Some(body);
            return self.into_error();
        }
        let is_web_page = body.trim_ascii_start().starts_with(b"<");
        self.protocol_error(if is_web_page {
            format!("the answer is a web page, not a {what}")
        } else {
            format!("the answer is no {what}: {reason}")
        })
    }

    /// Whether the body of an error says that access is denied. The body can still be read
    /// afterwards. The error is [`Error::Cancelled`].
    pub(crate) fn is_denied(&mut self) -> Result<bool> {
        Ok(error_body::is_denied(&self.peek_body()?, &self.redactor))
    }

    /// Whether this is the page of a web site. The body can still be read afterwards. The error is
    /// [`Error::Cancelled`].
    pub(crate) fn is_web_page(&mut self) -> Result<bool> {
        Ok(self.content_type().as_deref() == Some("text/html")
            && self.peek_body()?.trim_ascii_start().starts_with(b"<"))
    }

    /// Reads the beginning of the body and puts it back. If the body breaks off, the beginning is
    /// enough: it is used in messages only. The error is [`Error::Cancelled`].
    fn peek_body(&mut self) -> Result<Vec<u8>> {
        let mut body = self.document.take().unwrap_or_default();
        body.truncate(usize::try_from(MAX_ERROR_BYTES).unwrap_or(usize::MAX));
        if self.method != Method::Head {
            let mut rest = (&mut self.response.body).take(MAX_ERROR_BYTES);
            // An error that cannot be read completely still has a status.
            progress::with_few_waits(MAX_MESSAGE_WAITS, || rest.read_to_end(&mut body))?;
        }
        self.response.body = Box::new(Cursor::new(body.clone()));
        Ok(body)
    }

    /// Resolves the URL in a header of this response, which may be relative.
    pub(crate) fn resolve(&self, header: &str, url: &str) -> Result<Url> {
        self.url
            .join(url)
            .map_err(|error| self.protocol_error(format!("its {header} is not valid: {error}")))
    }

    /// Same as [`resolve`](Self::resolve), for a URL that is most likely the registry's own. Behind
    /// a proxy that ends TLS, registries often name themselves with http: the result is https then.
    pub(crate) fn resolve_own(&self, header: &str, url: &str) -> Result<Url> {
        let url = self.resolve(header, url)?;
        let (here, there) = (self.url.origin(), url.origin());
        let leaves_https = (here.scheme(), there.scheme()) == (Scheme::Https, Scheme::Http);
        Ok(if leaves_https && here.host() == there.host() {
            url.with_scheme(Scheme::Https)
        } else {
            url
        })
    }

    /// The error of a response that breaks the protocol.
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

/// A body whose errors name the request.
pub(crate) struct NamedBody {
    inner: Box<dyn Read + Send>,
    method: Method,
    /// Redacted.
    url: String,
}

impl NamedBody {
    pub(crate) const fn new(inner: Box<dyn Read + Send>, method: Method, url: String) -> Self {
        Self { inner, method, url }
    }

    /// Names the request in an error of its body.
    pub(crate) fn named(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ if Error::is_cancelled(&error) => error,
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
                        io::ErrorKind::UnexpectedEof => {
                            Reworded::new("unexpected EOF", error).into()
                        }
                        _ => error.into(),
                    },
                };
                io::Error::new(kind, transport)
            }
        }
    }
}

impl Read for NamedBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_within(&mut self.inner, buffer).map_err(|error| self.named(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    impl RegistryResponse {
        /// A response to `PUT http://r:5000/v2/a/blobs/uploads/1` without a body.
        pub(crate) fn for_test(status: u16, headers: &[(&str, &str)]) -> Self {
            let headers = (headers.iter()).fold(Headers::new(), |headers, (name, value)| {
                headers.with(name, *value)
            });
            Self {
                method: Method::Put,
                url: Url::parse("http://r:5000/v2/a/blobs/uploads/1").expect("the URL is valid"),
                sender: Sender::Registry,
                registry: Url::parse("http://r:5000")
                    .expect("the URL is valid")
                    .origin(),
                locality: Locality::Network,
                redactor: Redactor::default(),
                retries: 0,
                max_retry_after: Duration::from_secs(60),
                retry_after: None,
                document: None,
                response: Response {
                    status,
                    headers,
                    body: Box::new(io::empty()),
                },
            }
        }
    }

    fn response(status: u16, content_type: &str, body: &'static str) -> RegistryResponse {
        let response = RegistryResponse::for_test(status, &[("Content-Type", content_type)]);
        RegistryResponse {
            method: Method::Get,
            url: Url::parse("http://r:5000/v2/a/manifests/v1").unwrap(),
            response: Response {
                body: Box::new(body.as_bytes()),
                ..response.response
            },
            ..response
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
            (
                "text/plain",
                "Client sent an HTTP request to an HTTPS server.\n",
                "400: Bad Request: Client sent an HTTP request to an HTTPS server.",
            ),
            ("", "", "400: Bad Request"),
        ] {
            let error = response(400, content_type, body).into_error();
            assert_eq!(error.to_string(), format!("{prefix} {wanted}"), "{body}");
        }
    }

    #[test]
    fn a_web_page_has_the_type_and_the_beginning_of_html() {
        for (content_type, body, wanted) in [
            ("text/html; charset=utf-8", " <html>", true),
            ("Text/HTML", "<html>", true),
            ("text/html", "{}", false),
            ("text/html", "", false),
            ("application/json", "<html>", false),
        ] {
            let is_page = response(200, content_type, body).is_web_page();
            assert_eq!(is_page.unwrap(), wanted);
        }
    }

    #[test]
    fn a_400_with_an_access_error_is_denied() {
        assert!(
            response(
                400,
                "",
                r#"{"errors":[{"code":"DENIED","message":"Your Authorization Token is invalid."}]}"#
            )
            .is_denied()
            .unwrap()
        );
        let mut expired = response(400, "", "Your Authorization Token has expired");
        assert!(expired.is_denied().unwrap());
        let mut other = response(400, "", r#"{"errors":[{"code":"MANIFEST_INVALID"}]}"#);
        assert!(!other.is_denied().unwrap());
        assert!(
            other.into_error().to_string().ends_with("manifest invalid"),
            "the body is still there"
        );
    }
}
