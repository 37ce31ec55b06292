//! Two transports: one counts the requests of a program, and one replaces the network in tests.
//!
//! ```text
//! cargo run --example transports -- localhost:5000/hello:v1
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oras::Digest;
use oras::http::{Request, Response, Transport, TransportError, UreqTransport};
use oras::registry::Client;
use oras::store::Source;
use oras::url::{Locality, Origin};

fn main() -> Result<(), Box<dyn Error>> {
    let reference = env::args()
        .nth(1)
        .ok_or("usage: transports <registry/repository:tag>")?;
    let transport = Arc::new(Counting::new(UreqTransport::new()));
    let client = Client::builder().transport(Arc::clone(&transport)).build();
    let digest = digest(&client, &reference)?;
    let requests = transport.requests.load(Ordering::Relaxed);
    writeln!(io::stdout(), "{digest} after {requests} requests")?;
    Ok(())
}

/// The code of the program, which works with any transport.
fn digest(client: &Client, reference: &str) -> oras::Result<Digest> {
    let (repository, tag) = client.open(reference)?;
    Ok(repository.resolve(&tag)?.digest)
}

/// Counts requests, and passes everything on.
struct Counting<T> {
    inner: T,
    requests: AtomicUsize,
}

impl<T> Counting<T> {
    fn new(inner: T) -> Self {
        let requests = AtomicUsize::new(0);
        Self { inner, requests }
    }
}

impl<T: Transport> Transport for Counting<T> {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request)
    }

    fn secrets(&self) -> Vec<oras::Secret> {
        self.inner.secrets()
    }

    // Without this, the client judges registries by their names alone.
    fn locality(&self, origin: &Origin) -> Option<Locality> {
        self.inner.locality(origin)
    }
}

#[cfg(test)]
mod tests {
    use oras::http::{Headers, Method};

    use super::*;

    /// A registry with one manifest.
    struct Mock;

    impl Transport for Mock {
        fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
            if (request.method, request.url.path()) != (Method::Head, "/v2/hello/manifests/v1") {
                return Ok(Response::new(404, Headers::new(), io::empty()));
            }
            let headers = Headers::new()
                .with("Content-Type", "application/vnd.oci.image.index.v1+json")
                .with("Content-Length", "2")
                .with("Docker-Content-Digest", Digest::of(b"{}").as_str());
            Ok(Response::new(200, headers, io::empty()))
        }
    }

    #[test]
    fn a_mock_replaces_the_network_and_requests_are_counted() {
        let transport = Arc::new(Counting::new(Mock));
        let client = Client::builder().transport(Arc::clone(&transport)).build();

        let found = digest(&client, "registry.example/hello:v1").unwrap();
        assert_eq!(found, Digest::of(b"{}"));
        let error = digest(&client, "registry.example/hello:v2").unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(transport.requests.load(Ordering::Relaxed), 2);
    }
}
