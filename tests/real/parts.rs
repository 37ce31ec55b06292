//! Chunked uploads: docker-registry behind a proxy that rejects large requests.

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

/// Largest accepted request body in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Answers large requests with 413, as a proxy does, and breaks the second accepted chunk.
struct Proxy {
    inner: UreqTransport,
    parts: AtomicUsize,
}

impl Transport for Proxy {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let mut request = request;
        let RequestBody::Reader { reader, size, .. } =
            std::mem::replace(&mut request.body, RequestBody::None)
        else {
            return self.inner.send(request);
        };
        if size > LIMIT {
            return Ok(Response::new(413, Headers::new(), io::empty()));
        }
        let breaks =
            request.method == Method::Patch && self.parts.fetch_add(1, Ordering::Relaxed) == 1;
        let mut broken = reader.take(if breaks { size / 2 } else { size });
        let mut reader = (&mut broken).chain(Breaks);
        let reader: &mut dyn Read = if breaks { &mut reader } else { &mut broken };
        self.inner
            .send(request.with_body(RequestBody::reader(reader, size)))
    }
}

/// A body whose connection breaks.
struct Breaks;

impl Read for Breaks {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn a_chunked_upload_continues_after_a_broken_chunk() {
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
