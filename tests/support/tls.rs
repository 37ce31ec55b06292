//! A TLS terminator in front of a plain server, with the certificates in `fixtures/tls`.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::relay::{Listener, relay};

/// A file of `fixtures/tls`.
pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixture_path(name)).expect("the fixture exists")
}

/// The path of a file of `fixtures/tls`.
pub fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/tls")
        .join(name)
}

/// Reads a certificate.
pub fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&fixture(&format!("{name}.crt")))
        .expect("the fixture is a certificate")
}

/// Reads a private key.
pub fn key(name: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(&fixture(&format!("{name}.key"))).expect("the fixture is a key")
}

/// Request for client certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Not requested.
    Anonymous,
    /// Optional, signed by the authority `ca`.
    MayShow,
    /// Required.
    MustShow,
}

/// A completed handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The server name that the client sent.
    pub name: Option<String>,
    /// Whether the client sent a certificate.
    pub showed_certificate: bool,
}

/// A TLS server that forwards to a plain server.
#[derive(Debug)]
pub struct TlsFront {
    listener: Listener,
    handshakes: Arc<Mutex<Vec<Handshake>>>,
}

impl TlsFront {
    /// Starts in front of `upstream`, with the certificate and key `name`.
    pub fn start(name: &str, clients: Clients, upstream: SocketAddr) -> Self {
        Self::start_cutting(0, name, clients, upstream)
    }

    /// Same as [`start`](Self::start). Closes the first `cuts` connections during the handshake.
    pub fn start_cutting(cuts: usize, name: &str, clients: Clients, upstream: SocketAddr) -> Self {
        let config = Arc::new(config(name, clients));
        let handshakes = Arc::new(Mutex::new(Vec::new()));
        let cuts = AtomicUsize::new(cuts);
        let listener = Listener::start({
            let handshakes = Arc::clone(&handshakes);
            move |mut stream, stop| {
                let order = Ordering::SeqCst;
                if cuts
                    .fetch_update(order, order, |left| left.checked_sub(1))
                    .is_ok()
                {
                    // The beginning of the client's first message.
                    let _ = stream.read(&mut [0; 16]);
                    return;
                }
                // Clients may drop connections.
                let _ = serve(Arc::clone(&config), stream, upstream, &handshakes, stop);
            }
        });
        Self {
            listener,
            handshakes,
        }
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The completed handshakes.
    pub fn handshakes(&self) -> Vec<Handshake> {
        self.handshakes
            .lock()
            .expect("no thread panics while it holds the lock")
            .clone()
    }
}

fn config(name: &str, clients: Clients) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default TLS versions");
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate("ca"))
        .expect("the fixture is a CA certificate");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match clients {
        Clients::Anonymous => builder.with_no_client_auth(),
        Clients::MayShow => builder.with_client_cert_verifier(
            verifier
                .allow_unauthenticated()
                .build()
                .expect("the root store has a certificate"),
        ),
        Clients::MustShow => builder
            .with_client_cert_verifier(verifier.build().expect("the root store has a certificate")),
    };
    builder
        .with_single_cert(vec![certificate(name)], key(name))
        .expect("the key matches the certificate")
}

fn serve(
    config: Arc<ServerConfig>,
    mut stream: TcpStream,
    upstream: SocketAddr,
    handshakes: &Mutex<Vec<Handshake>>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    handshakes
        .lock()
        .expect("no thread panics while it holds the lock")
        .push(Handshake {
            name: connection.server_name().map(str::to_owned),
            showed_certificate: connection.peer_certificates().is_some(),
        });
    let socket = stream.try_clone()?;
    let upstream = TcpStream::connect(upstream)?;
    relay(
        StreamOwned::new(connection, stream),
        &socket,
        upstream,
        stop,
    )
}
