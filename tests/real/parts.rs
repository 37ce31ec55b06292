//! Blobs in parts: what takes no large request is played before docker-registry, which takes the parts.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use oras::http::{
    Headers, Method, Request, RequestBody, Response, Transport, TransportError, UreqTransport,
};
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::{Descriptor, MediaType};

use crate::docker_registry::DockerRegistry;
use crate::support::rng::Rng;

/// As large as a request may be.
const LIMIT: u64 = 1024 * 1024;

/// Says 413 to large requests, as a proxy does, and breaks the second part that it lets through.
struct Proxy {
    inner: UreqTransport,
    parts: AtomicUsize,
}

impl Transport for Proxy {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let RequestBody::Reader { reader, size } = request.body else {
            return self.inner.send(request);
        };
        if size > LIMIT {
            return Ok(Response {
                status: 413,
                headers: Headers::new(),
                body: Box::new(io::empty()),
            });
        }
        let breaks =
            request.method == Method::Patch && self.parts.fetch_add(1, Ordering::Relaxed) == 1;
        let mut broken = reader.take(if breaks { size / 2 } else { size });
        let mut reader = (&mut broken).chain(Breaks);
        self.inner.send(Request {
            body: RequestBody::Reader {
                reader: if breaks { &mut reader } else { &mut broken },
                size,
            },
            ..request
        })
    }
}

/// The end of a connection.
struct Breaks;

impl Read for Breaks {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn a_blob_arrives_in_parts_although_one_of_them_breaks() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    let client = Client::builder()
        .transport(Proxy {
            inner: UreqTransport::new(),
            parts: AtomicUsize::new(0),
        })
        .build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let content = Rng::new(1).bytes(5 * 1024 * 1024);
    let blob = Descriptor::of(MediaType::OCTET_STREAM, &content);

    repository.push(&blob, &mut content.as_slice()).unwrap();

    let requests = registry.take_requests();
    let parts = requests
        .iter()
        .filter(|request| request.starts_with("PATCH ") && request.ends_with(" 202"));
    assert!(parts.count() >= 8, "{requests:#?}");
    let got = repository.fetch(&blob).unwrap().read_all(blob.size);
    assert!(got.unwrap() == content);
}
