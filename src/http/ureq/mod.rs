//! [`Transport`] on ureq, with TLS, proxies and tunnels. The only folder that names ureq and
//! rustls.
//!
//! ureq only sends and receives (checked with ureq 3.5): it does not follow redirects, report a
//! status as an error, decode content or read proxy variables, and it sends `Content-Length` if the
//! length is known. [`connector`] opens the connections.

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use self::connector::{Localities, NoopResolver, ProxyConnector};
use self::error::{body_error, invalid_request, transport_error};
use super::{
    Headers, Method, NO_RESPONSE, Proxies, Request, RequestBody, ResolveRule, Response,
    SilentServer, Timeouts, Transport, TransportError, file_range,
};
use crate::auth::OriginPolicy;
use crate::error::TransportKind;
use crate::limits::{CONTINUE_TIMEOUT, MAX_RESPONSE_HEAD_BYTES};
use crate::text::secret::Secret;
use crate::text::url::{Locality, Origin, Scheme};

mod connector;
mod error;
mod forward;
mod joined_output;
mod response_head;
mod tcp;
#[cfg(feature = "tls-no-provider")]
mod tls;
mod tunnel;

#[cfg(feature = "tls-no-provider")]
pub use self::tls::pem::{CertificateAuthorities, ClientCertificate, InvalidCertificate};
#[cfg(feature = "tls-no-provider")]
use super::{CertificateDirectories, SystemRoots};

/// Buffer size for each direction of a connection. Larger buffers save system calls on large blobs
/// and cost memory.
const CONNECTION_BUFFER_BYTES: usize = 128 * 1024;
/// Maximum age of an idle connection. Hashing a large file between two requests may take this long.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Longest timeout that ureq is given, about 100 years. It adds timeouts to the current time, which
/// panics if the sum is too large.
const MAX_TIMEOUT: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A [`Transport`] on ureq. Use one for the whole process, because it reuses connections.
///
/// Only requests with [`OriginPolicy::SameOrigin`] use the client certificate and skip certificate
/// checks if these are disabled. All others use separate connections without either, to addresses
/// that are not more local than their policy allows. Through a proxy, which resolves names itself,
/// addresses are not checked.
pub struct UreqTransport {
    /// Agent for requests to the registry's origin.
    registry_agent: ureq::Agent,
    /// Agents for all other requests, by the most local address that each connects to. Separate
    /// connection pools, so that no request uses a connection that was judged for another registry.
    third_party_agents: [(Locality, ureq::Agent); 3],
    proxies: Arc<Proxies>,
    localities: Arc<Localities>,
    sendfile: bool,
}

impl UreqTransport {
    /// Creates a transport without proxies that trusts the built-in certificate authorities and
    /// those of the system.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Creates a builder with the default settings.
    pub fn builder() -> UreqTransportBuilder {
        UreqTransportBuilder::default()
    }
}

/// Settings of a [`UreqTransport`].
#[derive(Clone, Debug, Default)]
pub struct UreqTransportBuilder {
    proxies: Proxies,
    rules: Vec<ResolveRule>,
    sendfile: bool,
    #[cfg(feature = "tls-no-provider")]
    tls: tls::Settings,
}

impl UreqTransportBuilder {
    /// Sets the proxies. The default is none.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets what the environment of this process configures: [`Proxies::from_env`],
    /// `SystemRoots::from_env` and `CertificateDirectories::from_env`.
    #[must_use]
    pub fn environment(mut self) -> Self {
        self.proxies = Proxies::from_env();
        #[cfg(feature = "tls-no-provider")]
        {
            self.tls.system = SystemRoots::from_env();
            self.tls.directories = CertificateDirectories::from_env();
        }
        self
    }

    /// Adds rules that replace DNS. If several rules match a host and port, the last one is used.
    /// For a connection to a proxy, the rules apply to its host and port.
    #[must_use]
    pub fn resolve(mut self, rules: impl IntoIterator<Item = ResolveRule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Sets the paths of the system's certificate authorities, which are trusted in addition to the
    /// built-in ones. The default is [`SystemRoots::default`].
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn system_roots(mut self, roots: SystemRoots) -> Self {
        self.tls.system = roots;
        self
    }

    /// Trusts these certificate authorities in addition to all others. Several calls add up.
    ///
    /// ```no_run
    /// use oras::http::{CertificateAuthorities, UreqTransport};
    ///
    /// let pem = std::fs::read("ca.pem").unwrap();
    /// let authorities = CertificateAuthorities::from_pem(&pem).unwrap();
    /// let transport = UreqTransport::builder()
    ///     .add_authorities(authorities)
    ///     .build();
    /// ```
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn add_authorities(mut self, authorities: CertificateAuthorities) -> Self {
        self.tls.additional.push(authorities);
        self
    }

    /// Sets the cryptography for TLS, of rustls 0.23: cipher suites, key exchange and signatures.
    /// The default is the process-wide default of rustls, if the program installed one, and else
    /// that of ring. The feature `tls-no-provider` is `tls` without ring: then the program must
    /// choose one.
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<rustls::crypto::CryptoProvider>) -> Self {
        self.tls.provider = Some(provider);
        self
    }

    /// Trusts these certificate authorities instead of the built-in ones and those of the system.
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn authorities(mut self, authorities: CertificateAuthorities) -> Self {
        self.tls.authorities = Some(authorities);
        self
    }

    /// Reads certificates for single hosts from these directories.
    /// [`authorities`](Self::authorities) and [`client_certificate`](Self::client_certificate)
    /// replace those of the directories.
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn certificate_directories(mut self, directories: CertificateDirectories) -> Self {
        self.tls.directories = directories;
        self
    }

    /// Sets the client certificate for registries that request one.
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.tls.client = Some(certificate);
        self
    }

    /// Accepts any certificate from registries. Connections are encrypted but not authenticated.
    #[cfg(feature = "tls-no-provider")]
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.tls.insecure = insecure;
        self
    }

    /// Sends files by `sendfile`, without copying them into memory of this process: on Linux, and
    /// only over http without a proxy. The default is `false`, because the process gets `SIGPIPE`
    /// if the server closes the connection meanwhile. A Rust program ignores that signal, but a
    /// program in another language may end by it.
    #[must_use]
    pub fn sendfile(mut self, sendfile: bool) -> Self {
        self.sendfile = sendfile;
        self
    }

    /// Creates the transport.
    pub fn build(self) -> UreqTransport {
        let proxies = Arc::new(self.proxies);
        let rules: Arc<[ResolveRule]> = self.rules.into();
        let localities = Arc::default();
        #[cfg(feature = "tls-no-provider")]
        let default_tls = Arc::new(tls::Client::new(self.tls.for_third_parties()));
        #[cfg(feature = "tls-no-provider")]
        let registry_tls = if self.tls.has_registry_settings() {
            Arc::new(tls::Client::new(self.tls))
        } else {
            Arc::clone(&default_tls)
        };
        let third_party = |most_local| ProxyConnector {
            proxies: Arc::clone(&proxies),
            rules: Arc::clone(&rules),
            localities: Arc::clone(&localities),
            most_local,
            #[cfg(feature = "tls-no-provider")]
            server_tls: Arc::clone(&default_tls),
            #[cfg(feature = "tls-no-provider")]
            proxy_tls: Arc::clone(&default_tls),
        };
        let registry = ProxyConnector {
            #[cfg(feature = "tls-no-provider")]
            server_tls: registry_tls,
            ..third_party(Locality::Machine)
        };
        UreqTransport {
            registry_agent: agent(registry),
            third_party_agents: [Locality::Network, Locality::Link, Locality::Machine]
                .map(|most_local| (most_local, agent(third_party(most_local)))),
            proxies,
            localities,
            sendfile: self.sendfile && cfg!(target_os = "linux"),
        }
    }
}

fn agent(connector: ProxyConnector) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
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
        if url.scheme() == Scheme::Https && !cfg!(feature = "tls-no-provider") {
            return Err(TransportError::new(
                TransportKind::Tls,
                "this build speaks plain http only (feature \"tls\" is off)",
            ));
        }
        let agent = match request.origin_policy {
            OriginPolicy::SameOrigin => &self.registry_agent,
            OriginPolicy::NoCredentials { most_local } => {
                let mut agents = self.third_party_agents.iter();
                let found = agents.find(|(locality, _)| *locality == most_local);
                &found.expect("there is an agent for each locality").1
            }
        };
        let mut builder = ureq::http::Request::builder()
            .method(request.method.as_str())
            .uri(url.exact());
        for (name, value) in request.headers.iter() {
            builder = builder.header(name, value);
        }
        let limits = (request.timeouts, request.method, url.host_and_port());
        let body = match request.body {
            // With a length, because ureq sends an empty body chunked, and some servers respond
            // 411.
            RequestBody::None if has_body(request.method) => RequestBody::Bytes(&[]),
            body => body,
        };
        let can_send_files = self.sendfile
            && url.scheme() == Scheme::Http
            && matches!(self.proxies.for_url(url), Ok(None));
        let _scope = file_range::Scope::start(match &body {
            RequestBody::Reader { reader, .. } if can_send_files => Some(&**reader),
            _ => None,
        });
        let answer = match body {
            RequestBody::None => run(agent, builder.body(()), limits),
            RequestBody::Bytes(bytes) => run(agent, builder.body(bytes), limits),
            RequestBody::Reader { reader, size } => {
                let mut reader = UninterruptedReader(reader);
                let body = ureq::SendBody::from_reader(&mut reader);
                run(
                    agent,
                    builder.header("Content-Length", size).body(body),
                    limits,
                )
            }
        };
        answer.map(response)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.proxies.secrets()
    }

    fn locality(&self, origin: &Origin) -> Option<Locality> {
        let localities = self.localities.lock();
        let localities = localities.unwrap_or_else(PoisonError::into_inner);
        localities.get(origin).copied()
    }
}

/// Returns whether requests with this method have a body, which may be empty (RFC 9110 §8.6).
const fn has_body(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

type Built<B> = Result<ureq::http::Request<B>, ureq::http::Error>;

/// Runs a request to a host.
///
/// A timeout of ureq is a total, except the two for single reads and writes. The connection takes
/// these for limits of silence ([`tcp`]): that of writes during transfers, that of reads before a
/// response ([`response_head`]).
fn run<B: ureq::AsSendBody>(
    agent: &ureq::Agent,
    request: Built<B>,
    (timeouts, method, host): (Timeouts, Method, &str),
) -> Result<ureq::http::Response<ureq::Body>, TransportError> {
    let request = agent
        .configure_request(request.map_err(invalid_request)?)
        .timeout_connect(Some(timeouts.connect.min(MAX_TIMEOUT)))
        .timeout_per_read(Some(timeouts.response(method).min(MAX_TIMEOUT)))
        .timeout_per_write(Some(timeouts.idle.min(MAX_TIMEOUT)))
        .timeout_recv_response(Some(timeouts.final_response().min(MAX_TIMEOUT)))
        .timeout_global(timeouts.deadline.map(|deadline| deadline.min(MAX_TIMEOUT)))
        .build();
    agent.run(request).map_err(|error| match error {
        ureq::Error::Timeout(ureq::Timeout::RecvResponse) => TransportError::new(
            TransportKind::Timeout,
            SilentServer {
                missing: NO_RESPONSE,
                host: host.to_owned(),
                limit: timeouts.final_response(),
            },
        ),
        other => transport_error(other),
    })
}

fn response(answer: ureq::http::Response<ureq::Body>) -> Response {
    let (parts, body) = answer.into_parts();
    let mut headers = Headers::new();
    if parts.status == PROXY_AUTHENTICATION_REQUIRED {
        // The response is from a proxy and may repeat its credential.
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

/// RFC 9110 §15.5.8. Only proxies respond so.
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// A request body whose reads are repeated after a signal, which ureq does not do.
struct UninterruptedReader<'r>(&'r mut dyn Read);

impl Read for UninterruptedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// A response body that returns I/O errors of the operating system instead of ureq's wrappers.
struct BodyReader<R>(R);

impl<R: Read> Read for BodyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(body_error)
    }
}
