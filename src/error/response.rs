//! Error responses of registries and token services (distribution spec v1.1, "Error Codes").

use std::fmt;
use std::time::Duration;

/// An HTTP response with an error status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryErrorResponse {
    /// The method of the request.
    pub method: &'static str,
    /// The URL of the request, without secrets.
    pub url: String,
    /// Host and port of the server that responded.
    pub host: String,
    /// The HTTP status.
    pub status: u16,
    /// The errors in the body, if it has the form of the specification.
    pub errors: Vec<RegistryError>,
    /// An excerpt of a body of another form.
    pub excerpt: Option<String>,
    /// The `Retry-After` of the response, if it is longer than this library waits: seconds or a
    /// date.
    pub retry_after: Option<String>,
    /// The wait that `Retry-After` asks for, whatever its length.
    pub wait: Option<Duration>,
    /// The role of the server.
    pub by: Responder,
}

/// The role of a server that responded with an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Responder {
    /// The registry, or a storage service to which it redirected.
    #[default]
    Registry,
    /// The registry, about an upload session that it lost. The same upload may succeed later.
    UploadSession,
    /// The token service. Its status says nothing about the existence of content.
    TokenService,
}

impl RegistryErrorResponse {
    pub(super) fn is_not_found(&self) -> bool {
        self.status == 404 && self.by == Responder::Registry
    }

    /// Whether access was refused. Any client error of a token service counts, except those that
    /// ask for a later retry.
    pub(super) fn is_unauthorized(&self) -> bool {
        match self.by {
            Responder::Registry | Responder::UploadSession => {
                matches!(self.status, 401 | 403)
                    || ["DENIED", "UNAUTHORIZED"]
                        .iter()
                        .any(|code| self.has_code(code))
            }
            Responder::TokenService => {
                matches!(self.status, 400..=499) && !matches!(self.status, 408 | 425 | 429)
            }
        }
    }

    /// Whether one of the errors has this code. Case is ignored.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.errors
            .iter()
            .any(|error| error.code.eq_ignore_ascii_case(code))
    }

    /// Whether one of the errors contains this text.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.errors
            .iter()
            .any(|error| error.detail.contains(text) || error.message.contains(text))
    }

    /// Returns the errors of the body in one line, or `None` if there are none.
    pub fn errors_in_one_line(&self) -> Option<String> {
        let texts: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| texts.join("; ") + &self.retry_text())
    }

    fn retry_text(&self) -> String {
        match self.retry_after.as_deref() {
            Some(wait) if wait.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!(" (retry after {wait} seconds)")
            }
            Some(date) => format!(" (retry after {date})"),
            None => String::new(),
        }
    }
}

impl fmt::Display for RegistryErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} \"{}\": response status code {}",
            self.method, self.url, self.status
        )?;
        if let Some(errors) = self.errors_in_one_line() {
            return write!(f, ": {errors}");
        }
        let phrase = Some(status_text(self.status)).filter(|phrase| !phrase.is_empty());
        for part in [phrase, self.excerpt.as_deref()].into_iter().flatten() {
            write!(f, ": {part}")?;
        }
        f.write_str(&self.retry_text())
    }
}

/// One error in the body of an error response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryError {
    /// The code, such as `NAME_UNKNOWN`. Unknown codes are kept.
    pub code: String,
    /// The message; may be empty.
    pub message: String,
    /// The detail as text; may be empty.
    pub detail: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code.to_lowercase().replace('_', " "))?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
            if !self.detail.is_empty() {
                write!(f, ": {}", self.detail)?;
            }
        }
        Ok(())
    }
}

/// Whether a status reports an error that may be temporary. 499 and 520 to 524 are those of nginx
/// and Cloudflare.
pub(crate) const fn is_transient_status(status: u16) -> bool {
    matches!(
        status,
        408 | 425 | 429 | 499 | 500 | 502 | 503 | 504 | 520..=524
    )
}

/// Returns the reason phrase of a status (RFC 9110 §15), or an empty string if it is unknown.
pub(crate) fn status_text(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        425 => "Too Early",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        _ => "",
    }
}
