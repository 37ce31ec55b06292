//! Timeouts of slow responses. A fake clock replaces waiting.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oras::error::IoOp;
use oras::http::clock::Clock;
use oras::http::{Headers, Method, Request, Response, Traced, Transport, TransportError};
use oras::store::{Source, TagLister, Target};
use oras::{Descriptor, Error, MediaType};

use crate::setup::{blob, builder, hello, text};
use crate::support::clock::FakeClock;

const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// An endless body that delivers one blank every ten seconds.
struct SlowBody(FakeClock);

impl Read for SlowBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.pass(Duration::from_secs(10));
        buffer[0] = b' ';
        Ok(1)
    }
}

/// A server that responds with this status and a [`SlowBody`].
struct SlowServer {
    clock: FakeClock,
    status: u16,
    headers: Headers,
}

impl Transport for SlowServer {
    fn send(&self, _: Request<'_>) -> Result<Response, TransportError> {
        Ok(Response {
            status: self.status,
            headers: self.headers.clone(),
            body: Box::new(SlowBody(self.clock.clone())),
        })
    }
}

/// Runs `work` on a repository of a [`SlowServer`] with tracing, and returns its result and the
/// time that passed.
fn time_of(
    status: u16,
    headers: Headers,
    work: impl Fn(&oras::registry::Repository) -> Result<(), Error>,
) -> (Result<(), Error>, Duration) {
    let clock = FakeClock::new();
    let server = SlowServer {
        clock: clock.clone(),
        status,
        headers,
    };
    let client = builder()
        .clock(clock.clone())
        .transport(Traced::new(server, io::sink(), clock.clone()))
        .build();
    let start = clock.now();
    let result = work(&client.repository("registry.example/a").unwrap());
    (result, clock.now().duration_since(start).unwrap())
}

#[test]
fn a_slow_error_body_does_not_change_the_error() {
    let (result, time) = time_of(403, Headers::new(), |repository| {
        repository.fetch(&hello()).map(drop)
    });

    assert!(result.unwrap_err().is_unauthorized());
    assert!(time < Duration::from_secs(60), "{time:?}");
}

#[test]
fn an_unneeded_slow_body_is_not_waited_for() {
    let redirect = Headers::new().with("Location", "/v2/b/");
    let accepted = Headers::new().with("Location", "/upload");
    for (name, status, headers, steps) in [
        ("redirects", 307, redirect, 6),
        ("an upload that is never done", 202, accepted, 3),
    ] {
        let (result, time) = time_of(status, headers, |repository| {
            repository
                .push(&blob(b"hello"), &mut &b"hello"[..])
                .map(drop)
        });

        drop(result);
        assert!(time < Duration::from_secs(60) * steps, "{name}: {time:?}");
    }
}

#[test]
fn a_slow_document_is_a_timeout() {
    for (name, time, error) in [
        {
            let (result, time) = time_of(200, Headers::new(), |repository| {
                repository.fetch_reference("v1", 1_000_000).map(drop)
            });
            ("a manifest", time, result.unwrap_err())
        },
        {
            let (result, time) = time_of(200, Headers::new(), |repository| {
                repository.tags(None, &mut |_| std::ops::ControlFlow::Continue(()))
            });
            ("tags", time, result.unwrap_err())
        },
    ] {
        assert!(
            text(&error).ends_with(": it took longer than 300 seconds"),
            "{name}: {}",
            text(&error)
        );
        assert!(time < Duration::from_secs(3600), "{name}: {time:?}");
    }
}

#[test]
fn blob_content_has_no_total_timeout() {
    let blanks = vec![b' '; 1000];
    // The trace prints the part of the second body that arrives before its time limit.
    for headers in [
        Headers::new(),
        Headers::new().with("Content-Type", "text/plain"),
    ] {
        let (result, time) = time_of(200, headers, |repository| {
            let mut reader = repository.fetch(&blob(&blanks))?;
            reader
                .read_exact(&mut [0; 999])
                .map_err(Error::io(IoOp::Read, "the body"))
        });

        result.unwrap();
        assert_eq!(time, Duration::from_secs(9990));
    }
}

/// Method and response timeout of each request.
type SentTimeouts = Arc<Mutex<Vec<(Method, Duration)>>>;

/// A registry that accepts all requests and records their response timeouts.
struct TimeoutRecorder(SentTimeouts);

impl Transport for TimeoutRecorder {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let timeout = (request.method, request.response_timeout);
        self.0.lock().unwrap().push(timeout);
        let (status, location) = match request.method {
            Method::Post => (202, "/upload"),
            _ => (201, "/done"),
        };
        Ok(Response {
            status,
            headers: Headers::new().with("Location", location),
            body: Box::new(io::empty()),
        })
    }
}

#[test]
fn only_blob_uploads_have_the_long_response_timeout() {
    let timeouts = SentTimeouts::default();
    let recorder = TimeoutRecorder(Arc::clone(&timeouts));
    let client = builder().transport(recorder).build();
    let repository = client.repository("registry.example/a").unwrap();
    let index = Descriptor::of(MediaType::IMAGE_INDEX, INDEX);

    repository.push(&hello(), &mut &b"hello"[..]).unwrap();
    repository.push(&index, &mut &*INDEX).unwrap();

    let minute = Duration::from_secs(60);
    assert_eq!(
        *timeouts.lock().unwrap(),
        [
            (Method::Post, minute),
            (Method::Put, 15 * minute),
            (Method::Put, minute),
        ]
    );
}
