//! HTTP: the transport trait, its implementation on ureq, TLS, proxies, the retry rule and the
//! clock.
//!
//! A [`Transport`] sends one request and returns one response. It does not follow redirects, retry
//! or authenticate. [`UreqTransport`] implements it; `ureq/` is the only folder that names ureq and
//! rustls. [`Proxies`], [`ResolveRule`] and, with TLS, `SystemRoots`, `CertificateAuthorities`,
//! `CertificateDirectories` and `ClientCertificate` are its settings.

use std::fmt;
use std::io::{self, Read};
use std::ops::Deref;

pub use crate::auth::OriginPolicy;
use crate::error::{Error, IoOp, Result, TransportKind};
use crate::limits::{Limit, MAX_DRAIN_WAITS, MAX_DRAINED_BYTES};
use crate::progress;
use crate::text::secret::Secret;
use crate::text::url::{Locality, Origin, Url};

#[cfg(feature = "tls-no-provider")]
mod certificate_directories;
pub mod clock;
pub(crate) mod environment;
pub(crate) mod file_range;
mod proxy;
mod resolve;
pub(crate) mod retry;
#[cfg(feature = "tls-no-provider")]
mod system_roots;
mod timeouts;
mod trace;
mod ureq;

#[cfg(feature = "tls-no-provider")]
pub use self::certificate_directories::CertificateDirectories;
pub use self::proxy::Proxies;
pub(crate) use self::proxy::{Proxy, ProxyProtocol};
pub use self::resolve::{InvalidResolveRule, ResolveRule};
pub use self::retry::RetryPolicy;
#[cfg(feature = "tls-no-provider")]
pub use self::system_roots::SystemRoots;
pub use self::timeouts::Timeouts;
pub(crate) use self::timeouts::{DEADLINE_PASSED, NO_DATA, NO_RESPONSE, SilentServer};
pub use self::trace::Traced;
#[cfg(feature = "tls-no-provider")]
pub use self::ureq::{CertificateAuthorities, ClientCertificate, InvalidCertificate};
pub use self::ureq::{UreqTransport, UreqTransportBuilder};

/// Sends HTTP requests.
pub trait Transport: Send + Sync {
    /// Sends one request and returns the response, whatever its status.
    ///
    /// Redirects are not followed, requests are not repeated, and bodies are not decoded.
    ///
    /// # Errors
    ///
    /// If no complete response head was received. Errors of the body are returned when it is read.
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError>;

    /// Returns the secrets that the transport itself sends, for example proxy passwords. They are
    /// redacted in errors and traces. The default is none.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }

    /// Returns the locality of the address at which the transport last connected to an origin.
    /// `None`, the default, if the transport did not resolve the host itself, for example because
    /// of a proxy. A registry can name only hosts that are not more local than itself.
    fn locality(&self, origin: &Origin) -> Option<Locality> {
        let _ = origin;
        None
    }
}

/// A transport behind a pointer: `&T`, `Box<T>` or `Arc<T>`.
impl<P: Deref<Target: Transport> + Send + Sync> Transport for P {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        (**self).send(request)
    }

    fn secrets(&self) -> Vec<Secret> {
        (**self).secrets()
    }

    fn locality(&self, origin: &Origin) -> Option<Locality> {
        (**self).locality(origin)
    }
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of RFC 9110 §9.3 and RFC 5789")]
#[non_exhaustive]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Returns the method in upper case, as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An HTTP request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: &'a Url,
    /// The headers. The transport adds `Host` and `Content-Length`.
    pub headers: &'a Headers,
    /// The body.
    pub body: RequestBody<'a>,
    /// The timeouts of the request and of its response. A transport that has others, or none, ends
    /// no transfer that makes progress.
    pub timeouts: Timeouts,
    /// Whether the URL has the origin of the registry. Only then does the transport use the client
    /// certificate and skip certificate checks if the user disabled them. Otherwise the transport
    /// must not connect to an address that is more local than the policy allows.
    pub origin_policy: OriginPolicy,
}

impl<'a> Request<'a> {
    /// Creates a request without a body, with the default timeouts, to the origin of the registry.
    pub fn new(method: Method, url: &'a Url, headers: &'a Headers) -> Self {
        Self {
            method,
            url,
            headers,
            body: RequestBody::None,
            timeouts: Timeouts::default(),
            origin_policy: OriginPolicy::SameOrigin,
        }
    }

    /// Returns the request with another URL. A transport that wraps another one can redirect
    /// requests this way.
    #[must_use]
    pub fn with_url<'b>(self, url: &'b Url) -> Request<'b>
    where
        'a: 'b,
    {
        let body = match self.body {
            RequestBody::None => RequestBody::None,
            RequestBody::Bytes(bytes) => RequestBody::Bytes(bytes),
            RequestBody::Reader { reader, size } => RequestBody::Reader { reader, size },
        };
        Request {
            method: self.method,
            url,
            headers: self.headers,
            body,
            timeouts: self.timeouts,
            origin_policy: self.origin_policy,
        }
    }

    /// Returns the request with another body.
    #[must_use]
    pub fn with_body<'b>(self, body: RequestBody<'b>) -> Request<'b>
    where
        'a: 'b,
    {
        Request {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body,
            timeouts: self.timeouts,
            origin_policy: self.origin_policy,
        }
    }
}

/// The body of a request.
pub enum RequestBody<'a> {
    /// No body.
    None,
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Bytes of a reader.
    #[non_exhaustive]
    Reader {
        /// The reader.
        reader: &'a mut dyn Read,
        /// Number of bytes to send.
        size: u64,
    },
}

impl<'a> RequestBody<'a> {
    /// Creates a body of `size` bytes of a reader.
    pub const fn reader(reader: &'a mut dyn Read, size: u64) -> Self {
        Self::Reader { reader, size }
    }
}

impl fmt::Debug for RequestBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Reader { size, .. } => write!(f, "Reader({size})"),
        }
    }
}

/// Header names and values, in order. Name comparison ignores case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

/// Shows names only, because any value may be secret.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Headers {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a header.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Adds a header and returns the list.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.add(name, value);
        self
    }

    /// Removes all values of a header. Only decoded bodies need it, which need feature `archive`.
    #[cfg(feature = "archive")]
    pub(crate) fn remove(&mut self, name: &str) {
        self.0
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// Returns the first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns all values of a header.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns all names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// An HTTP response. The caller reads the body, because it knows the expected size.
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// Creates a response.
    ///
    /// ```
    /// use oras::http::{Headers, Response};
    ///
    /// let headers = Headers::new().with("Content-Type", "application/json");
    /// let response = Response::new(200, headers, &b"{}"[..]);
    /// let missing = Response::new(404, Headers::new(), std::io::empty());
    /// ```
    pub fn new(status: u16, headers: Headers, body: impl Read + Send + 'static) -> Self {
        Self {
            status,
            headers,
            body: Box::new(body),
        }
    }

    /// Returns the value of `Content-Length`.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.headers.get("Content-Length")?.trim().parse().ok()
    }

    /// Reads the body into memory.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the body has more than `limit` bytes, and [`Error::Io`] if reading
    /// fails.
    pub(crate) fn read_body(&mut self, what: &str, limit: u64, kind: Limit) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut body = (&mut self.body).take(limit.saturating_add(1));
        body.read_to_end(&mut bytes)
            .map_err(Error::io(IoOp::Read, what))?;
        if bytes.len() as u64 > limit {
            return Err(Error::too_large(
                what,
                self.content_length().unwrap_or(limit.saturating_add(1)),
                kind,
                limit,
            ));
        }
        Ok(bytes)
    }

    /// Discards the body, so that the connection can be reused. A long or slow body is not read to
    /// its end: a new connection is cheaper. The error is [`Error::Cancelled`].
    pub(crate) fn drain(self) -> Result<()> {
        if self.content_length() > Some(MAX_DRAINED_BYTES) {
            return Ok(());
        }
        let mut body = self.body.take(MAX_DRAINED_BYTES);
        // If this fails, the connection is not reused, and the next request opens another.
        let copy = || io::copy(&mut body, &mut io::sink());
        progress::with_few_waits(MAX_DRAIN_WAITS, copy).map(drop)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The reason why no response was received.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransportError {
    /// The kind of error.
    pub kind: TransportKind,
    /// The cause.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl TransportError {
    /// Creates an error.
    pub fn new(
        kind: TransportKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// Converts the error of a request, for stores that send requests of their own.
    ///
    /// Returns the original error if the transport failed with an [`Error`], such as that of the
    /// body of the request or of an observer.
    ///
    /// ```
    /// use oras::error::TransportKind;
    /// use oras::http::{Method, TransportError};
    ///
    /// let error = TransportError::new(TransportKind::Dns, "no such host");
    /// let error = error.into_error(Method::Get, "https://forge.example/releases");
    /// assert!(error.is_transient());
    /// ```
    pub fn into_error(self, method: Method, url: impl fmt::Display) -> Error {
        let source = match self.source.downcast::<Error>() {
            Ok(error) => return *error,
            Err(source) => source,
        };
        let source = match source.downcast::<io::Error>() {
            Ok(source) => match source.downcast::<Error>() {
                Ok(error) => return error,
                Err(source) => source.into(),
            },
            Err(source) => source,
        };
        Error::Transport {
            method: method.as_str(),
            url: url.to_string(),
            kind: self.kind,
            source,
        }
    }
}

/// For transports that [report](crate::progress::report) events: the operation ends with the error.
impl From<Error> for TransportError {
    fn from(error: Error) -> Self {
        Self::new(TransportKind::Io, error.into_io())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for TransportError {}
