//! Files that the kernel copies to the connection.

use std::fs;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use oras::MediaType;
use oras::http::{Request, RequestBody, Response, Transport, TransportError, UreqTransport};
use oras::store::content::FileContent;

use super::*;
use crate::support::tempdir::TempDir;

fn sendfile() -> UreqTransport {
    UreqTransport::builder().sendfile(true).build()
}

fn sending(transport: impl Transport + 'static) -> Client {
    builder().transport(transport).build()
}

#[test]
fn files_of_any_size_arrive() {
    let dir = TempDir::new();
    for size in [0, 1, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, LARGE] {
        let bytes = Rng::new(size as u64).bytes(size);
        let path = dir.write("file", &bytes);
        let (expected, mut content) = FileContent::describe(path, MediaType::OCTET_STREAM).unwrap();
        let registry = TestRegistry::start();
        let client = sending(sendfile());
        let repository = client.repository(&registry.reference("a")).unwrap();

        repository.push(&expected, &mut content).unwrap();
        repository.push(&hello(), &mut &b"hello"[..]).unwrap();

        assert_eq!(registry.blob("a", expected.digest.as_str()).unwrap(), bytes);
        assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");
    }
}

#[test]
fn a_file_that_changed_is_not_pushed() {
    let dir = TempDir::new();
    for (name, changed) in [
        ("other bytes", &b"hellO"[..]),
        ("fewer bytes", b"hell"),
        ("more bytes", b"hello!"),
    ] {
        let path = dir.write("file", b"hello");
        let (expected, mut content) =
            FileContent::describe(&path, MediaType::OCTET_STREAM).unwrap();
        fs::write(path, changed).unwrap();
        let registry = TestRegistry::start();
        let client = sending(sendfile());
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = repository.push(&expected, &mut content).unwrap_err();

        assert!(error.is_verification(), "{name}: {error:?}");
        assert!(registry.blobs("a").is_empty(), "{name}");
    }
}

/// A transport that sends a copy of each body.
struct Recorded {
    inner: UreqTransport,
    bytes: Arc<Mutex<Vec<u8>>>,
}

/// A reader that records what it reads.
struct Recorder<'a> {
    reader: &'a mut dyn Read,
    bytes: &'a Mutex<Vec<u8>>,
}

impl Read for Recorder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.lock().unwrap().extend(&buffer[..count]);
        Ok(count)
    }
}

impl Transport for Recorded {
    fn send(&self, mut request: Request<'_>) -> std::result::Result<Response, TransportError> {
        let body = std::mem::replace(&mut request.body, RequestBody::None);
        let RequestBody::Reader { reader, size, .. } = body else {
            return self.inner.send(request.with_body(body));
        };
        let bytes = &self.bytes;
        let mut recorder = Recorder { reader, bytes };
        let body = RequestBody::reader(&mut recorder, size);
        self.inner.send(request.with_body(body))
    }
}

#[test]
fn a_transport_around_another_reads_the_bytes_of_a_file() {
    let dir = TempDir::new();
    let wanted = Rng::new(7).bytes(300_000);
    let path = dir.write("file", &wanted);
    let (expected, mut content) = FileContent::describe(path, MediaType::OCTET_STREAM).unwrap();
    let registry = TestRegistry::start();
    let bytes = Arc::default();
    let client = sending(Recorded {
        inner: sendfile(),
        bytes: Arc::clone(&bytes),
    });
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.push(&expected, &mut content).unwrap();

    assert_eq!(*bytes.lock().unwrap(), wanted);
    assert_eq!(
        registry.blob("a", expected.digest.as_str()).unwrap(),
        wanted
    );
}
