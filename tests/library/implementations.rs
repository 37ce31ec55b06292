//! Readers, stores and transports of callers that go wrong.

use std::io::{self, Read};
use std::time::Duration;

use oras::copy::{CopyOptions, copy};
use oras::error::TransportKind;
use oras::http::{
    Headers, Method, Request, Response, Timeouts, Transport, TransportError, UreqTransport,
};
use oras::progress::{self, Event};
use oras::push::{PushOptions, PushStream, push};
use oras::store::content::{Content, StreamContent, VerifyReader};
use oras::store::memory::MemoryStore;
use oras::store::{Delete as _, SeekableBlob, Source, Target};
use oras::{Descriptor, Error, MediaType, RawManifest, Result};

use crate::errors::cause;
use crate::observers::stopping;
use crate::setup::{blob, builder, client, hello, text};
use crate::support::registry::TestRegistry;

/// Fails with an error of its caller.
struct Failing(io::ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(self.0, "mine"))
    }
}

/// Returns more bytes than the buffer has.
struct Excessive;

impl Read for Excessive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(buffer.len() + 1)
    }
}

/// Is interrupted before every byte.
struct Interrupted<'b>(&'b [u8], bool);

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        (&mut self.0).take(1).read(buffer)
    }
}

/// Content that can be opened again.
struct Reopened(fn() -> Box<dyn Read + Send>);

impl Content for Reopened {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        Ok((self.0)())
    }
}

#[test]
fn an_error_of_content_is_not_one_of_the_connection() {
    let registry = TestRegistry::start();
    let repository = client().repository(&registry.reference("a")).unwrap();
    let mut content = Reopened(|| Box::new(Failing(io::ErrorKind::ConnectionReset)));

    let error = repository.push(&hello(), &mut content).unwrap_err();

    let digest = hello().digest;
    assert_eq!(text(&error), format!("read {digest}: mine"));
    assert!(!error.is_transient());
    let kind = cause::<io::Error>(&error).map(io::Error::kind);
    assert_eq!(kind, Some(io::ErrorKind::ConnectionReset));
    let log = registry.log();
    let puts = log.iter().filter(|line| line.starts_with("PUT"));
    assert!(puts.count() <= 1, "{log:?}");
}

#[test]
fn an_interrupted_read_is_repeated() {
    let registry = TestRegistry::start();
    let repository = client().repository(&registry.reference("a")).unwrap();
    let mut content = StreamContent::new(Interrupted(b"hello", false));
    repository.push(&hello(), &mut content).unwrap();
    assert!(repository.exists(&hello()).unwrap());
}

#[test]
fn a_reader_that_returns_more_than_the_buffer_is_an_error() {
    let registry = TestRegistry::start();
    let repository = client().repository(&registry.reference("a")).unwrap();
    let memory = MemoryStore::new();
    let wanted = "the reader returned more bytes than it was asked for";
    let targets: [&dyn Target; 2] = [&repository, &memory];
    for target in targets {
        let mut content = StreamContent::new(Excessive);
        let error = target.push(&hello(), &mut content).unwrap_err();
        assert_eq!(text(&error), format!("read {}: {wanted}", hello().digest));

        let options = updated!(PushOptions {
            artifact_type: Some("test/artifact".into()),
            streams: vec![PushStream::new("a", Excessive)],
            ..PushOptions::default()
        });
        let error = push(target, None, options).unwrap_err();
        assert_eq!(text(&error), format!("read stream: {wanted}"));
    }

    let source = Swapping::of(&memory, || Box::new(Excessive));
    let mut reader = SeekableBlob::new(&source, hello());
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), wanted);
}

/// A source that returns other content than is asked for, with the descriptor of that content.
struct Swapping<'s> {
    inner: &'s MemoryStore,
    open: fn() -> Box<dyn Read + Send>,
    descriptor: Option<Descriptor>,
}

impl<'s> Swapping<'s> {
    fn of(inner: &'s MemoryStore, open: fn() -> Box<dyn Read + Send>) -> Self {
        Self {
            inner,
            open,
            descriptor: None,
        }
    }
}

impl Source for Swapping<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.inner.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let descriptor = self.descriptor.as_ref().unwrap_or(target);
        Ok(VerifyReader::new((self.open)(), descriptor.clone()))
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.inner.exists(target)
    }
}

#[test]
fn other_content_of_a_source_is_an_error() {
    const OTHER: &[u8] = br#"{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}"#;
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let index = RawManifest::new(MediaType::IMAGE_INDEX, index.to_vec());
    let memory = MemoryStore::new();
    let descriptor = index.descriptor();
    memory
        .push_reference(descriptor, &mut &index, "v1")
        .unwrap();
    let source = Swapping {
        descriptor: Some(Descriptor::of(MediaType::IMAGE_INDEX, OTHER)),
        ..Swapping::of(&memory, || Box::new(OTHER))
    };
    let limit = 4096;

    let fetched = source.fetch_manifest(descriptor, limit).unwrap_err();
    assert!(fetched.is_verification());
    let fetched = source.fetch_manifest_by_reference("v1", limit).unwrap_err();
    assert!(fetched.is_verification());
    let target = MemoryStore::new();
    let options = &mut CopyOptions::default();
    let copied = copy(&source, "v1", &target, Some("v1"), options).unwrap_err();
    assert!(copied.is_verification());
    assert!(target.untag("v1").unwrap_err().is_not_found());
}

#[test]
fn a_seekable_blob_that_ends_early_is_an_error_that_names_it() {
    let memory = MemoryStore::new();
    let source = Swapping {
        descriptor: Some(blob(b"hell")),
        ..Swapping::of(&memory, || Box::new(&b"hell"[..]))
    };
    let mut reader = SeekableBlob::new(&source, hello());
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = Error::io(oras::error::IoOp::Read, "")(error);
    assert_eq!(text(&error), format!("{}: unexpected EOF", hello().digest));
}

/// Reports an event before each request.
struct Reporting(UreqTransport);

impl Transport for Reporting {
    fn send(&self, request: Request<'_>) -> std::result::Result<Response, TransportError> {
        progress::report(&Event::transferring(&hello(), 1))?;
        self.0.send(request)
    }
}

#[test]
fn a_transport_can_report_events_and_return_errors_of_the_library() {
    let registry = TestRegistry::start();
    let client = builder().transport(Reporting(UreqTransport::new())).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let observer = stopping(|_| true);
    let error = observer.scope(|| repository.resolve("v1")).unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    assert_eq!(registry.log(), [""; 0]);

    let error = TransportError::new(TransportKind::Io, Error::not_found("v1"));
    let error = error.into_error(Method::Get, "http://localhost/");
    assert!(error.is_not_found(), "{error:?}");
}

/// Returns a response with this status and body.
struct Odd(u16, fn() -> Box<dyn Read + Send>);

impl Transport for Odd {
    fn send(&self, _: Request<'_>) -> std::result::Result<Response, TransportError> {
        Ok(Response::new(self.0, Headers::new(), (self.1)()))
    }
}

#[test]
fn odd_responses_of_a_transport_are_errors() {
    for status in [0, 1, 99, 100, 199, 299, 304, 399, 599, 600, 999, u16::MAX] {
        for open in [
            (|| Box::new(io::empty())) as fn() -> Box<dyn Read + Send>,
            || Box::new(Failing(io::ErrorKind::Other)),
            || Box::new(Excessive),
        ] {
            let client = builder().transport(Odd(status, open)).build();
            let repository = client.repository("localhost/a").unwrap();
            assert!(repository.resolve("v1").is_err(), "{status}");
            assert!(repository.push(&hello(), &mut &b"hello"[..]).is_err());
            let fetched = repository.fetch(&hello());
            assert!(fetched.and_then(|content| content.read_all(9)).is_err());
        }
    }
}

#[test]
fn the_largest_and_smallest_timeouts_are_accepted() {
    let registry = TestRegistry::start();
    let longest = Timeouts::default()
        .with_connect(Duration::MAX)
        .with_idle(Duration::MAX)
        .with_upload_response(Duration::MAX)
        .with_deadline(Duration::MAX);
    let client = builder().timeouts(longest).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    repository.push(&hello(), &mut &b"hello"[..]).unwrap();
    let content = repository.fetch(&hello()).unwrap();
    assert_eq!(content.read_all(5).unwrap(), b"hello");

    let none = Timeouts::default()
        .with_connect(Duration::ZERO)
        .with_idle(Duration::ZERO)
        .with_upload_response(Duration::ZERO);
    let repository = client.with_timeouts(none);
    let repository = repository.repository(&registry.reference("a")).unwrap();
    assert!(repository.resolve("v1").unwrap_err().is_timeout());
}
