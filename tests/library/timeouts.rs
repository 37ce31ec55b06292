//! Timeouts of slow and silent servers. A fake clock replaces waiting, except on sockets.
#![expect(
    clippy::disallowed_methods,
    reason = "servers pause, and sockets have real time"
)]

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use oras::copy::CopyOptions;
use oras::error::{IoOp, TransportKind};
use oras::http::clock::Clock;
use oras::http::{
    Headers, Method, Request, RequestBody, Response, Timeouts, Traced, Transport, TransportError,
    UreqTransport,
};
use oras::registry::{Client, PlainHttp};
use oras::store::{Delete, Source, TagLister, Target};
use oras::url::Url;
use oras::{Descriptor, Error, MediaType};

use crate::setup::{blob, builder, hello, text};
use crate::support::clock::FakeClock;
use crate::support::relay::Listener;

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
        Ok(Response::new(
            self.status,
            self.headers.clone(),
            SlowBody(self.clock.clone()),
        ))
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

/// Method and accepted silence before the response of each request.
type SentTimeouts = Arc<Mutex<Vec<(Method, Duration)>>>;

/// A registry that accepts all requests and records their timeouts.
struct TimeoutRecorder(SentTimeouts);

impl Transport for TimeoutRecorder {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let timeout = request.timeouts.response(request.method);
        self.0.lock().unwrap().push((request.method, timeout));
        let (status, location) = match request.method {
            Method::Post => (202, "/upload"),
            _ => (201, "/done"),
        };
        Ok(Response::new(
            status,
            Headers::new().with("Location", location),
            io::empty(),
        ))
    }
}

#[test]
fn uploads_have_the_long_response_timeout() {
    let timeouts = SentTimeouts::default();
    let recorder = TimeoutRecorder(Arc::clone(&timeouts));
    let client = builder().transport(recorder).build();
    let repository = client.repository("registry.example/a").unwrap();
    let index = Descriptor::of(MediaType::IMAGE_INDEX, INDEX);

    repository.push(&hello(), &mut &b"hello"[..]).unwrap();
    repository.push(&index, &mut &*INDEX).unwrap();
    repository.delete(&hello()).unwrap();

    let minute = Duration::from_secs(60);
    assert_eq!(
        *timeouts.lock().unwrap(),
        [
            (Method::Post, minute),
            (Method::Put, 15 * minute),
            (Method::Put, 15 * minute),
            (Method::Delete, minute),
        ]
    );
}

/// A silence that the transports of these tests accept.
const IDLE: Duration = Duration::from_millis(150);
/// A pause that they accept.
const PAUSE: Duration = Duration::from_millis(50);
/// A pause that only the timeout for the response to an upload accepts.
const LONG_PAUSE: Duration = Duration::from_millis(300);

/// Sends a request with a body of `size` bytes to a server, which `serve` implements, and reads the
/// response.
fn exchange(
    method: Method,
    size: u64,
    serve: impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> Result<Vec<u8>, String> {
    let server = Listener::start(move |mut stream, _| {
        let mut head = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while head.read_line(&mut line).is_ok_and(|count| count > 2) {
            line.clear();
        }
        // The client is gone if it gave up.
        let _ = serve(&mut stream);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let address = server.address();
    let url = Url::parse(&format!("http://{address}/v2/")).unwrap();
    let headers = Headers::new();
    let mut body = io::repeat(b'a').take(size);
    let mut request = Request::new(method, &url, &headers);
    if size > 0 {
        request.body = RequestBody::reader(&mut body, size);
    }
    request.timeouts = Timeouts::default()
        .with_idle(IDLE)
        .with_upload_response(2 * LONG_PAUSE);
    let response = UreqTransport::new().send(request);
    let mut response = response.map_err(|error| {
        assert_eq!(error.kind, TransportKind::Timeout, "{error}");
        error.to_string().replace(&address.to_string(), "server")
    })?;
    let mut body = Vec::new();
    match response.body.read_to_end(&mut body) {
        Ok(_) => Ok(body),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
            Err(error.to_string().replace(&address.to_string(), "server"))
        }
    }
}

#[test]
fn silence_ends_a_request_and_progress_does_not() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    type Serve = fn(&mut TcpStream) -> io::Result<()>;
    let ok = || Ok(b"aaaaaaaaaa".to_vec());
    let silent = |limit: Duration| Err(format!("no data for {} ms from server", limit.as_millis()));
    let slowly: Serve = |stream| {
        for byte in [HEAD, b"aaaaaaaaaa"].concat() {
            stream.write_all(&[byte])?;
            thread::sleep(IDLE / 20);
        }
        Ok(())
    };
    let interim: Serve = |stream| {
        for _ in 0..6 {
            thread::sleep(PAUSE);
            stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n")?;
        }
        stream.write_all(&[HEAD, b"aaaaaaaaaa"].concat())
    };
    let many_interim: Serve = |stream| {
        for _ in 0..20 {
            thread::sleep(PAUSE);
            stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n")?;
        }
        stream.write_all(&[HEAD, b"aaaaaaaaaa"].concat())
    };
    let late: Serve = |stream| {
        thread::sleep(LONG_PAUSE);
        stream.write_all(&[HEAD, b"aaaaaaaaaa"].concat())
    };
    let never: Serve = |_| Ok(());
    let endless: Serve = |stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        loop {
            stream.write_all(b"a")?;
            thread::sleep(IDLE / 20);
        }
    };
    let cut_in_body: Serve = |stream| stream.write_all(&[HEAD, b"a"].concat());
    for (name, method, size, serve, wanted) in [
        ("a response byte for byte", Method::Get, 0, slowly, ok()),
        ("interim responses", Method::Get, 0, interim, ok()),
        ("many interim responses", Method::Get, 0, many_interim, ok()),
        ("a late response", Method::Get, 0, late, silent(IDLE)),
        ("a late response to an upload", Method::Put, 9, late, ok()),
        ("a chunk", Method::Patch, 9, late, ok()),
        (
            "the start of an upload",
            Method::Post,
            0,
            late,
            silent(IDLE),
        ),
        ("no response", Method::Put, 9, never, silent(2 * LONG_PAUSE)),
        (
            "a head without end",
            Method::Get,
            0,
            endless,
            Err("no complete response for 750 ms from server".to_owned()),
        ),
        (
            "a head without end after an upload",
            Method::Put,
            9,
            endless,
            Err("no complete response for 750 ms from server".to_owned()),
        ),
        ("half a body", Method::Get, 0, cut_in_body, silent(IDLE)),
        (
            "half a body of an upload",
            Method::Put,
            9,
            cut_in_body,
            silent(IDLE),
        ),
        (
            "an upload that is not read",
            Method::Put,
            1 << 30,
            |_| {
                thread::sleep(8 * IDLE);
                Ok(())
            },
            silent(IDLE),
        ),
    ] {
        assert_eq!(exchange(method, size, serve), wanted, "{name}");
    }
}

/// The deadline in these tests, and the longest operation with it on a machine that is busy.
const DEADLINE: Duration = Duration::from_millis(700);
const WITHIN: Duration = Duration::from_secs(8);

/// A server that answers each request with `response`, and then sends one byte every 20 ms.
fn trickling(response: &'static str) -> Listener {
    Listener::start(move |mut stream, stop| {
        let mut sent = stream.write_all(response.as_bytes());
        while sent.is_ok() && !response.is_empty() && !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
            sent = stream.write_all(b" ");
        }
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

#[test]
fn the_deadline_limits_the_whole_operation() {
    type Work = fn(&oras::registry::Repository) -> Result<(), Error>;
    let fetch: Work = |repository| {
        let mut reader = repository.fetch(&blob(&vec![b' '; 100_000]))?;
        let read = io::copy(&mut reader, &mut io::sink());
        read.map(drop).map_err(Error::io(IoOp::Read, "the body"))
    };
    let pull: Work = |repository| {
        let store = oras::store::memory::MemoryStore::new();
        oras::copy::copy(repository, "v1", &store, None, &mut CopyOptions::default()).map(drop)
    };
    let push: Work = |repository| {
        let pushed = repository.push(&blob(b"hello"), &mut &b"hello"[..]);
        pushed.map(drop)
    };
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100000\r\n\r\n";
    let all = [("fetch", fetch), ("pull", pull), ("push", push)];
    for (server, response, operations) in [
        ("silent", "", &all[..]),
        ("in the header", "HTTP/1.1 200 OK\r\nX: ", &all),
        // A push succeeds with the heads alone.
        ("in the body", body, &all[..2]),
        ("unavailable", unavailable, &all),
    ] {
        for (operation, work) in operations {
            let listener = trickling(response);
            let client = Client::builder()
                .plain_http(PlainHttp::Always)
                .timeouts(Timeouts::default().with_deadline(DEADLINE))
                .build();
            let name = format!("{}/a", listener.address());
            let start = Instant::now();
            let error = work(&client.repository(&name).unwrap()).unwrap_err();
            let time = start.elapsed();
            let text = text(&error);
            assert!(time < WITHIN, "{server}, {operation}: {time:?}");
            assert!(
                text.contains("the deadline of the operation has passed")
                    || text.contains("503: Service Unavailable"),
                "{server}, {operation}: {text}"
            );
        }
    }
}

#[test]
fn no_retry_waits_until_after_the_deadline() {
    let clock = FakeClock::new();
    let server = SlowServer {
        clock: clock.clone(),
        status: 503,
        headers: Headers::new().with("Content-Length", "0"),
    };
    let client = builder()
        .clock(clock.clone())
        .transport(server)
        .timeouts(Timeouts::default().with_deadline(Duration::from_secs(45)))
        .build();
    let start = clock.now();
    let error = client
        .repository("registry.example/a")
        .unwrap()
        .resolve("v1")
        .unwrap_err();
    let time = clock.now().duration_since(start).unwrap();
    assert!(text(&error).contains("503"), "{}", text(&error));
    assert!(time <= Duration::from_secs(60), "{time:?}");
}
