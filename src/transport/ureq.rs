//! The door itself: [`Transport`] over ureq. The only file that names ureq.
//!
//! ureq is set up to do nothing but send and receive (checked against ureq 3.5): it follows no redirects, turns no status
//! into an error, decodes no content, reads no proxy variables, and sends bodies of known length with their length.

#![expect(clippy::disallowed_types, reason = "this is the door")]

use std::fmt;
use std::io::{self, Read};
use std::net::ToSocketAddrs;
use std::time::Duration;

use super::{Headers, Request, RequestBody, Response, Transport, TransportError};
#[cfg(feature = "tls")]
use crate::error::Result;
use crate::error::{Error, TransportKind, os_error_text};
use crate::url::{Scheme, Url};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one read or write of the network may take. There is no limit on the total: blobs may be of any size.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait for `100 Continue` before sending the body anyway.
const CONTINUE_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes buffered for each direction of a connection: fewer system calls for large blobs, and still little memory.
const CONNECTION_BUFFER_BYTES: usize = 128 * 1024;
/// How long an unused connection is kept: hashing a large file between two requests may take a while.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Whom to trust over https, and as whom to be known.
#[cfg(feature = "tls")]
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Whether certificates are accepted unchecked.
    pub insecure: bool,
    /// Certificate authorities to trust instead of the built-in ones, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificate chain and private key to show, in PEM.
    pub client_pem: Option<(Vec<u8>, Vec<u8>)>,
}

/// Sends requests over the network with ureq. One value for the whole process: it keeps connections open.
pub struct UreqTransport {
    agent: ureq::Agent,
}

impl UreqTransport {
    /// A transport that trusts the certificate authorities built into the program.
    pub fn new() -> Self {
        Self {
            agent: agent(|config| config),
        }
    }

    /// A transport with its own rules of trust.
    ///
    /// # Errors
    ///
    /// When a certificate or key cannot be read as such.
    #[cfg(feature = "tls")]
    pub fn with_tls(options: &TlsOptions) -> Result<Self> {
        let tls = tls_config(options)?;
        Ok(Self {
            agent: agent(|config| config.tls_config(tls)),
        })
    }
}

type AgentConfig = ureq::config::ConfigBuilder<ureq::typestate::AgentScope>;

fn agent(set_up: impl FnOnce(AgentConfig) -> AgentConfig) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(IDLE_TIMEOUT))
        .timeout_per_write(Some(IDLE_TIMEOUT))
        .timeout_await_100(Some(CONTINUE_TIMEOUT))
        .input_buffer_size(CONNECTION_BUFFER_BYTES)
        .output_buffer_size(CONNECTION_BUFFER_BYTES)
        .max_idle_age(MAX_IDLE)
        .accept("")
        .accept_encoding("identity")
        .user_agent("");
    ureq::Agent::new_with_config(set_up(config).build())
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
    fn send(&self, request: Request<'_>) -> std::result::Result<Response, TransportError> {
        let url = request.url;
        if url.scheme() == Scheme::Https && !cfg!(feature = "tls") {
            return Err(TransportError::new(
                TransportKind::Tls,
                "this build speaks plain http only (feature \"tls\" is off)",
            ));
        }
        let mut builder = ureq::http::Request::builder()
            .method(request.method.as_str())
            .uri(url.exact());
        for (name, value) in request.headers.iter() {
            builder = builder.header(name, value);
        }
        let patience = Some(request.patience);
        let answer = match request.body {
            RequestBody::None => {
                let request = builder.body(()).map_err(not_sendable)?;
                let request = self
                    .agent
                    .configure_request(request)
                    .timeout_recv_response(patience)
                    .build();
                self.agent.run(request)
            }
            RequestBody::Bytes(bytes) => {
                let request = builder.body(bytes).map_err(not_sendable)?;
                let request = self
                    .agent
                    .configure_request(request)
                    .timeout_recv_response(patience)
                    .build();
                self.agent.run(request)
            }
            RequestBody::Reader { reader, size } => {
                let request = builder
                    .header("Content-Length", size)
                    .body(ureq::SendBody::from_reader(reader))
                    .map_err(not_sendable)?;
                let request = self
                    .agent
                    .configure_request(request)
                    .timeout_recv_response(patience)
                    .build();
                self.agent.run(request)
            }
        };
        answer.map(response).map_err(|error| failure(error, url))
    }
}

fn response(answer: ureq::http::Response<ureq::Body>) -> Response {
    let (parts, body) = answer.into_parts();
    let mut headers = Headers::new();
    for (name, value) in &parts.headers {
        headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
    }
    Response {
        status: parts.status.as_u16(),
        headers,
        body: Box::new(Unwrapped(body.into_reader())),
    }
}

/// A body whose errors are those of the operating system, not wrapped in ureq's.
struct Unwrapped<R>(R);

impl<R: Read> Read for Unwrapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .read(buffer)
            .map_err(|error| match error.downcast::<ureq::Error>() {
                Ok(ureq::Error::Timeout(_)) => idle(),
                Ok(ureq::Error::Io(error)) | Err(error) => error,
                Ok(other) => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
            })
    }
}

fn idle() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("nothing came for {} seconds", IDLE_TIMEOUT.as_secs()),
    )
}

fn not_sendable(error: impl fmt::Display) -> TransportError {
    TransportError::new(TransportKind::Protocol, error.to_string())
}

fn failure(error: ureq::Error, url: &Url) -> TransportError {
    let (kind, text) = match error {
        ureq::Error::Io(error) => return io_failure(error, url),
        ureq::Error::HostNotFound => (
            TransportKind::Dns,
            format!("dial tcp: lookup {}: no such host", url.origin().host()),
        ),
        ureq::Error::ConnectionFailed => (
            TransportKind::Connect,
            format!("dial tcp {}: no connection", url.host_and_port()),
        ),
        ureq::Error::Timeout(phase) => (
            TransportKind::Timeout,
            format!("no progress for too long ({phase})"),
        ),
        ureq::Error::BodyExceedsLimit(size) => {
            return TransportError::new(
                TransportKind::Io,
                Error::Protocol {
                    what: "content".to_owned(),
                    reason: format!("it has more than the {size} bytes it was said to have"),
                }
                .into_io(),
            );
        }
        #[cfg(feature = "tls")]
        ureq::Error::Rustls(error) => (TransportKind::Tls, tls_text(&error.to_string())),
        #[cfg(feature = "tls")]
        ureq::Error::Pem(error) => (TransportKind::Tls, error.to_string()),
        ureq::Error::Tls(text) => (TransportKind::Tls, text.to_owned()),
        other => (TransportKind::Protocol, other.to_string()),
    };
    TransportError::new(kind, text)
}

fn io_failure(error: io::Error, url: &Url) -> TransportError {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, InvalidData, NetworkUnreachable,
        TimedOut, UnexpectedEof, WouldBlock,
    };
    match error.kind() {
        // The body could not be read: the cause is the caller's, and keeps its type.
        _ if is_ours(&error) => TransportError::new(TransportKind::Io, error),
        ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable => {
            TransportError::new(
                TransportKind::Connect,
                format!(
                    "dial tcp {}: connect: {}",
                    dialled(url),
                    os_error_text(&error)
                ),
            )
        }
        TimedOut | WouldBlock => TransportError::new(TransportKind::Timeout, idle()),
        UnexpectedEof => TransportError::new(TransportKind::Io, "EOF"),
        // rustls reports what the peer did wrong as invalid data.
        InvalidData if url.scheme() == Scheme::Https => {
            TransportError::new(TransportKind::Tls, tls_text(&error.to_string()))
        }
        // Looking up a name has no error kind of its own.
        _ if error.to_string().contains("lookup") => TransportError::new(
            TransportKind::Dns,
            format!("dial tcp: lookup {}: no such host", url.origin().host()),
        ),
        _ => TransportError::new(TransportKind::Io, error),
    }
}

/// Whether this is an error of this library, on its way through the I/O of another.
fn is_ours(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Error>())
}

/// The address that a refused connection went to. Only asked after a failure, for its message.
fn dialled(url: &Url) -> String {
    let origin = url.origin();
    let host = origin.host().trim_start_matches('[').trim_end_matches(']');
    (host, origin.port())
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .map_or_else(
            || format!("{}:{}", origin.host(), origin.port()),
            |address| address.to_string(),
        )
}

fn tls_text(text: &str) -> String {
    if text.contains("InvalidContentType") {
        "server gave an answer that is not TLS to an https request".to_owned()
    } else {
        format!("tls: {text}")
    }
}

#[cfg(feature = "tls")]
fn tls_config(options: &TlsOptions) -> Result<ureq::tls::TlsConfig> {
    use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

    let mut builder = TlsConfig::builder().disable_verification(options.insecure);
    if let Some(pem) = &options.ca_pem {
        builder = builder.root_certs(RootCerts::new_with_certs(&certificates(pem)?));
    }
    if let Some((chain, key)) = &options.client_pem {
        let chain: Vec<Certificate<'static>> = certificates(chain)?;
        let key = PrivateKey::from_pem(key)
            .map_err(|error| Error::malformed("private key", error.to_string()))?;
        builder = builder.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(builder.build())
}

#[cfg(feature = "tls")]
fn certificates(pem: &[u8]) -> Result<Vec<ureq::tls::Certificate<'static>>> {
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        let item = item.map_err(|error| Error::malformed("certificate", error.to_string()))?;
        if let ureq::tls::PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(Error::malformed(
            "certificate",
            "there is none in the PEM text",
        ));
    }
    Ok(certificates)
}
