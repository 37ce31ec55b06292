//! TLS in front of a server that speaks none, with the certificates in `fixtures/tls`.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::relay::{Listener, relay};

/// A file of `fixtures/tls`.
pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixture_path(name)).expect("the fixture is there")
}

/// Its path.
pub fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/tls")
        .join(name)
}

/// The certificate of this name.
pub fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&fixture(&format!("{name}.crt")))
        .expect("the fixture is a certificate")
}

/// Its key.
pub fn key(name: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(&fixture(&format!("{name}.key"))).expect("the fixture is a key")
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// No.
    Anonymous,
    /// They may show one, of the authority `ca`.
    MayShow,
    /// They must.
    MustShow,
}

/// What became of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The name that the client asked for.
    pub name: Option<String>,
    /// Whether it showed a certificate.
    pub showed_certificate: bool,
}

/// A TLS server that passes on what it hears.
#[derive(Debug)]
pub struct TlsFront {
    listener: Listener,
    handshakes: Arc<Mutex<Vec<Handshake>>>,
}

impl TlsFront {
    /// In front of `upstream`, with the certificate and key of this name.
    pub fn start(name: &str, clients: Clients, upstream: SocketAddr) -> Self {
        let config = Arc::new(config(name, clients));
        let handshakes = Arc::new(Mutex::new(Vec::new()));
        let listener = Listener::start({
            let handshakes = Arc::clone(&handshakes);
            move |stream, stop| {
                // What a client breaks off is its own affair.
                let _ = serve(Arc::clone(&config), stream, upstream, &handshakes, stop);
            }
        });
        Self {
            listener,
            handshakes,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The handshakes that were completed.
    pub fn handshakes(&self) -> Vec<Handshake> {
        self.handshakes.lock().expect("no holder panics").clone()
    }
}

fn config(name: &str, clients: Clients) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring knows the default versions");
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate("ca"))
        .expect("the fixture is an authority");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match clients {
        Clients::Anonymous => builder.with_no_client_auth(),
        Clients::MayShow => builder.with_client_cert_verifier(
            verifier
                .allow_unauthenticated()
                .build()
                .expect("there is an authority"),
        ),
        Clients::MustShow => {
            builder.with_client_cert_verifier(verifier.build().expect("there is an authority"))
        }
    };
    builder
        .with_single_cert(vec![certificate(name)], key(name))
        .expect("the key is that of the certificate")
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
        .expect("no holder panics")
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
