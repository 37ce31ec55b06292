//! The door itself: [`Transport`] over ureq. The only directory that names ureq and rustls.
//!
//! ureq is set up to do nothing but send and receive (checked against ureq 3.5): it follows no redirects, turns no status
//! into an error, decodes no content, reads no proxy variables, and sends bodies of known length with their length. What it
//! sends on is ours: [`connector`] decides where connections go and what is said first on them.

#![expect(clippy::disallowed_types, reason = "this is the door")]

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use self::connector::{NoopResolver, ProxyConnector};
use self::error::{body_error, invalid_request, transport_error};
use super::{Headers, Method, Proxies, Request, RequestBody, ResolveRule, Response};
use super::{Transport, TransportError};
use crate::auth::OriginPolicy;
use crate::error::TransportKind;
use crate::limits::{CONNECT_TIMEOUT, IDLE_TIMEOUT, MAX_RESPONSE_HEAD_BYTES};
use crate::text::secret::Secret;
use crate::text::url::Scheme;

mod connector;
mod error;
mod forward;
mod response_head;
#[cfg(feature = "tls")]
mod tls;
mod tunnel;

#[cfg(feature = "tls")]
pub use self::tls::pem::{CertificateAuthorities, ClientCertificate, InvalidCertificate};
#[cfg(feature = "tls")]
use super::SystemRoots;

/// How long to wait for `100 Continue` before sending the body anyway.
const CONTINUE_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes buffered for each direction of a connection: fewer system calls for large blobs, and still little memory.
const CONNECTION_BUFFER_BYTES: usize = 128 * 1024;
/// How long an unused connection is kept: hashing a large file between two requests may take a while.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Sends requests over the network with ureq. One value for the whole process: it keeps connections open.
///
/// What a registry alone may see, a client certificate, is never shown to others, and certificates go unchecked with nobody
/// but the registry: requests of [`OriginPolicy::NoCredentials`] go over connections of their own.
pub struct UreqTransport {
    /// For requests to registries.
    trusted: ureq::Agent,
    /// For all others. The same one, as long as there is nothing to hide.
    others: ureq::Agent,
    proxies: Arc<Proxies>,
}

impl UreqTransport {
    /// A transport that trusts the certificate authorities built into the program and those of the system, and uses no
    /// proxy.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A transport with settings of your own.
    pub fn builder() -> UreqTransportBuilder {
        UreqTransportBuilder::default()
    }
}

/// Settings of a [`UreqTransport`].
#[derive(Clone, Debug, Default)]
pub struct UreqTransportBuilder {
    proxies: Proxies,
    rules: Vec<ResolveRule>,
    #[cfg(feature = "tls")]
    tls: tls::Settings,
}

impl UreqTransportBuilder {
    /// Goes through proxies. The default is none.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Connects to other addresses than names lead to. Of several rules for the same host and port the last one counts. A
    /// connection to a proxy is one to the proxy's host and port.
    #[must_use]
    pub fn resolve(mut self, rules: impl IntoIterator<Item = ResolveRule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Trusts the certificate authorities at these places besides the built-in ones. The default is the usual places.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn system_roots(mut self, roots: SystemRoots) -> Self {
        self.tls.system = roots;
        self
    }

    /// Trusts these certificate authorities instead of the built-in ones and the system's.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn authorities(mut self, authorities: CertificateAuthorities) -> Self {
        self.tls.authorities = Some(authorities);
        self
    }

    /// Shows registries this certificate, if they ask for one.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.tls.client = Some(certificate);
        self
    }

    /// Accepts any certificate from registries. The connection is encrypted, to whomever it is.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.tls.insecure = insecure;
        self
    }

    /// The transport.
    pub fn build(self) -> UreqTransport {
        let proxies = Arc::new(self.proxies);
        let rules: Arc<[ResolveRule]> = self.rules.into();
        #[cfg(feature = "tls")]
        {
            let default_tls = Arc::new(tls::Client::new(self.tls.without_client_identity()));
            let connector = |client| ProxyConnector::new(&proxies, &rules, client, &default_tls);
            let others = agent(connector(Arc::clone(&default_tls)));
            let trusted = if self.tls.has_registry_settings() {
                agent(connector(Arc::new(tls::Client::new(self.tls))))
            } else {
                others.clone()
            };
            UreqTransport {
                trusted,
                others,
                proxies,
            }
        }
        #[cfg(not(feature = "tls"))]
        {
            let others = agent(ProxyConnector::new(&proxies, &rules));
            UreqTransport {
                trusted: others.clone(),
                others,
                proxies,
            }
        }
    }
}

fn agent(connector: ProxyConnector) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(IDLE_TIMEOUT))
        .timeout_per_write(Some(IDLE_TIMEOUT))
        .timeout_await_100(Some(CONTINUE_TIMEOUT))
        .max_response_header_size(MAX_RESPONSE_HEAD_BYTES)
        .input_buffer_size(CONNECTION_BUFFER_BYTES)
        .output_buffer_size(CONNECTION_BUFFER_BYTES)
        .max_idle_age(MAX_IDLE)
        .accept("")
        .accept_encoding("identity")
        .user_agent("");
    ureq::Agent::with_parts(config.build(), connector, NoopResolver)
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").finish_non_exhaustive()
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let url = request.url;
        if url.scheme() == Scheme::Https && !cfg!(feature = "tls") {
            return Err(TransportError::new(
                TransportKind::Tls,
                "this build speaks plain http only (feature \"tls\" is off)",
            ));
        }
        let agent = match request.origin_policy {
            OriginPolicy::SameOrigin => &self.trusted,
            OriginPolicy::NoCredentials => &self.others,
        };
        let mut builder = ureq::http::Request::builder()
            .method(request.method.as_str())
            .uri(url.exact());
        for (name, value) in request.headers.iter() {
            builder = builder.header(name, value);
        }
        let response_timeout = request.response_timeout;
        let body = match request.body {
            // Said with a length: ureq would send an empty body in chunks, which some servers answer with 411.
            RequestBody::None if has_body(request.method) => RequestBody::Bytes(&[]),
            body => body,
        };
        let answer = match body {
            RequestBody::None => run(agent, builder.body(()), response_timeout),
            RequestBody::Bytes(bytes) => run(agent, builder.body(bytes), response_timeout),
            RequestBody::Reader { reader, size } => {
                let body = ureq::SendBody::from_reader(reader);
                run(
                    agent,
                    builder.header("Content-Length", size).body(body),
                    response_timeout,
                )
            }
        };
        answer.map(response)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.proxies.secrets()
    }
}

/// Whether a request of this method has a body, be it an empty one (RFC 9110 §8.6).
const fn has_body(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

type Built<B> = Result<ureq::http::Request<B>, ureq::http::Error>;

fn run<B: ureq::AsSendBody>(
    agent: &ureq::Agent,
    request: Built<B>,
    response_timeout: Duration,
) -> Result<ureq::http::Response<ureq::Body>, TransportError> {
    let request = agent
        .configure_request(request.map_err(invalid_request)?)
        .timeout_recv_response(Some(response_timeout))
        .build();
    agent.run(request).map_err(transport_error)
}

fn response(answer: ureq::http::Response<ureq::Body>) -> Response {
    let (parts, body) = answer.into_parts();
    let mut headers = Headers::new();
    if parts.status == PROXY_AUTHENTICATION_REQUIRED {
        // It comes from a proxy, and may repeat what only that was told.
        return Response {
            status: PROXY_AUTHENTICATION_REQUIRED,
            headers,
            body: Box::new(io::empty()),
        };
    }
    for (name, value) in &parts.headers {
        headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
    }
    Response {
        status: parts.status.as_u16(),
        headers,
        body: Box::new(BodyReader(body.into_reader())),
    }
}

/// RFC 9110 §15.5.8. No registry answers this.
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// A body whose errors are those of the operating system, not wrapped in ureq's.
struct BodyReader<R>(R);

impl<R: Read> Read for BodyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(body_error)
    }
}
