//! HTTP behind one door.
//!
//! Everything above this module sees the [`Transport`] trait: one request in, one response out. It follows no redirects,
//! retries nothing, knows no credentials and no OCI terms. [`UreqTransport`] is the implementation that talks to the
//! network; its directory is the only one that names the HTTP and TLS libraries. What users decide about connections is here
//! as values: [`Proxies`], [`ResolveRule`], and with TLS `SystemRoots`, `CertificateAuthorities` and `ClientCertificate`.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

pub use crate::auth::OriginPolicy;
use crate::error::{Error, Result, TransportKind};
use crate::limits::MAX_DRAINED_BYTES;
use crate::text::secret::Secret;
use crate::text::url::Url;

pub mod clock;
mod proxy;
mod resolve;
pub(crate) mod retry;
#[cfg(feature = "tls")]
mod system_roots;
mod trace;
mod ureq;

pub use self::proxy::{InvalidProxy, Proxies, Proxy, ProxyProtocol};
pub use self::resolve::{InvalidResolveRule, ResolveRule};
#[cfg(feature = "tls")]
pub use self::system_roots::SystemRoots;
pub use self::trace::Traced;
#[cfg(feature = "tls")]
pub use self::ureq::{CertificateAuthorities, ClientCertificate, InvalidCertificate};
pub use self::ureq::{UreqTransport, UreqTransportBuilder};

/// Sends requests.
pub trait Transport {
    /// Sends one request and returns whatever status came back. Follows nothing, retries nothing, decodes nothing.
    ///
    /// # Errors
    ///
    /// When no complete response header came. Errors of the body appear while it is read.
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError>;

    /// What it tells others of its own, such as the password of a proxy, and answers may repeat: it is not shown. The default
    /// is nothing.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }
}

/// The method of a request.
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
    /// The method as it is sent.
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

/// One request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: &'a Url,
    /// Its headers. `Host` and `Content-Length` are the transport's.
    pub headers: &'a Headers,
    /// What it carries.
    pub body: RequestBody<'a>,
    /// How long to wait for the header of the response once the request is sent.
    pub response_timeout: Duration,
    /// Whether it goes to a registry's own origin, which may be shown a client certificate, and be excused from showing a
    /// good one itself.
    pub origin_policy: OriginPolicy,
}

/// What a request carries.
pub enum RequestBody<'a> {
    /// Nothing.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// As many bytes of a reader.
    Reader {
        /// Where the bytes come from.
        reader: &'a mut dyn Read,
        /// How many bytes it has.
        size: u64,
    },
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

/// Header names and values, in order. Names are compared without regard to case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

/// Names only: some values are secret, and nobody knows all that are.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a header.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.add(name, value);
        self
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every value of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All headers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// One response. The body is read by the caller, who knows how much to expect.
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// The size of the body, if the server announced it.
    pub fn content_length(&self) -> Option<u64> {
        self.headers.get("Content-Length")?.trim().parse().ok()
    }

    /// Reads the body into memory.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] when it has more than `limit` bytes.
    pub fn read_body(
        &mut self,
        what: &str,
        limit: u64,
        limit_name: &'static str,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut body = (&mut self.body).take(limit.saturating_add(1));
        body.read_to_end(&mut bytes)
            .map_err(Error::io("read", what))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge {
                what: what.to_owned(),
                size: self.content_length().unwrap_or(limit.saturating_add(1)),
                limit,
                limit_name,
            });
        }
        Ok(bytes)
    }

    /// Reads and forgets a short body, so that the connection can be used again. A long one is not worth its bytes.
    pub fn drain(mut self) {
        // Whether this succeeds decides only whether the connection is reused.
        let _ = io::copy(
            &mut (&mut self.body).take(MAX_DRAINED_BYTES),
            &mut io::sink(),
        );
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why no response came.
#[derive(Debug)]
pub struct TransportError {
    /// What kind of failure it was.
    pub kind: TransportKind,
    /// The cause.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl TransportError {
    /// A failure of this kind.
    pub fn new(
        kind: TransportKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for TransportError {}
