//! Clients that never wait, content and error texts for the tests of the registry client.

use std::error::Error as _;
use std::fmt::Write as _;

use oras::Descriptor;
use oras::http::{OriginPolicy, Request, Response, Transport, TransportError, UreqTransport};
use oras::registry::{Client, ClientBuilder, PlainHttp};
use oras::url::{Locality, Origin, Url};
use oras::{Error, MediaType};

use crate::support::clock::FakeClock;
use crate::support::registry::TestRegistry;

/// The digest of `hello`.
pub(crate) const HELLO: &str =
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// A digest without content.
pub(crate) const ABSENT: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";
/// The size from which on the client checks whether a blob exists before sending it.
pub(crate) const LARGE: usize = 1024 * 1024;

/// Returns a builder of clients for test registries, which use plain http.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
        .plain_http(PlainHttp::Always)
        .clock(FakeClock::new())
}

/// Returns a client for test registries, without credentials.
pub(crate) fn client() -> Client {
    builder().build()
}

/// Returns the descriptor of `hello`.
pub(crate) fn hello() -> Descriptor {
    blob(b"hello")
}

/// Returns the descriptor of a blob without a particular type.
pub(crate) fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::OCTET_STREAM, bytes)
}

/// Returns the message of an error and all its causes.
pub(crate) fn text(error: &Error) -> String {
    error.chain().to_string()
}

/// Returns everything that an error can disclose: its message and debug output, and those of its
/// causes.
pub(crate) fn everything_in(error: &Error) -> String {
    let mut all = format!("{} {error:?}", error.chain());
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(all, " {inner} {inner:?}");
        cause = inner.source();
    }
    all
}

/// A transport that sends requests for `https://registry.example` to a test registry, as a proxy
/// that terminates TLS does. All other URLs are unchanged.
pub(crate) struct BehindTls {
    inner: UreqTransport,
    url: String,
}

/// The host that [`BehindTls`] replaces by the test registry.
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
        let origin_policy = on_this_machine(request.origin_policy);
        let mut request = request.with_url(&url);
        request.origin_policy = origin_policy;
        self.inner.send(request)
    }
}

/// Returns the policy with which a request that was led to a test registry may be sent there.
pub(crate) fn on_this_machine(mut policy: OriginPolicy) -> OriginPolicy {
    if let OriginPolicy::NoCredentials { most_local, .. } = &mut policy {
        *most_local = Locality::Machine;
    }
    policy
}

/// A transport that reports every registry as reached on this machine, also behind a proxy.
pub(crate) struct Local(pub(crate) UreqTransport);

impl Transport for Local {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        self.0.send(request)
    }

    fn secrets(&self) -> Vec<oras::Secret> {
        self.0.secrets()
    }

    fn locality(&self, _: &Origin) -> Option<Locality> {
        Some(Locality::Machine)
    }
}
