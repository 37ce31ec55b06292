//! What the tests of the registry client have in common: a client that never waits, and content to move.

use std::error::Error as _;
use std::fmt::Write as _;

use oras::descriptor::Descriptor;
use oras::http::{Request, RequestBody, Response, Transport, TransportError, UreqTransport};
use oras::registry::{Client, ClientBuilder, PlainHttp};
use oras::url::Url;
use oras::{Error, MediaType};

use crate::support::clock::FakeClock;
use crate::support::registry::TestRegistry;

/// The digest of `hello`.
pub(crate) const HELLO: &str =
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// The digest of nothing in particular.
pub(crate) const ABSENT: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";
/// From this size on a blob is worth a question before it is sent.
pub(crate) const LARGE: usize = 1024 * 1024;

/// A client for test registries, which speak plain http, with settings still to come.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
        .plain_http(PlainHttp::Always)
        .clock(FakeClock::new())
}

/// A client for test registries, without credentials.
pub(crate) fn client() -> Client {
    builder().build()
}

/// `hello`, described.
pub(crate) fn hello() -> Descriptor {
    blob(b"hello")
}

/// Content of no type in particular, described.
pub(crate) fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::OCTET_STREAM, bytes)
}

/// An error with all its causes, as a program prints it.
pub(crate) fn text(error: &Error) -> String {
    error.chain().to_string()
}

/// Everything that an error could give away: its text, its debug output, and those of its causes.
pub(crate) fn everything_in(error: &Error) -> String {
    let mut all = format!("{} {error:?}", error.chain());
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(all, " {inner} {inner:?}");
        cause = inner.source();
    }
    all
}

/// A transport on which `https://registry.example` is a test registry, as if behind a proxy that ends TLS. Every other
/// address is reached as it is.
pub(crate) struct BehindTls {
    inner: UreqTransport,
    url: String,
}

/// The name under which [`BehindTls`] shows the test registry.
pub(crate) const TLS_HOST: &str = "registry.example";

impl BehindTls {
    pub(crate) fn of(registry: &TestRegistry) -> Self {
        Self {
            inner: UreqTransport::new(),
            url: registry.url(),
        }
    }
}

impl Transport for BehindTls {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let exact = request
            .url
            .exact()
            .replacen("https://registry.example", &self.url, 1);
        let url = Url::parse(&exact).expect("only the host was changed");
        // Taken apart and put together again: what is borrowed for the request need not outlive this one.
        let body = match request.body {
            RequestBody::None => RequestBody::None,
            RequestBody::Bytes(bytes) => RequestBody::Bytes(bytes),
            RequestBody::Reader { reader, size } => RequestBody::Reader { reader, size },
        };
        self.inner.send(Request {
            method: request.method,
            url: &url,
            headers: request.headers,
            body,
            response_timeout: request.response_timeout,
            origin_policy: request.origin_policy,
        })
    }
}
