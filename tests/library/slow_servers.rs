//! Servers that stop or trickle: how long the client waits, and how it is cancelled.
#![expect(
    clippy::disallowed_methods,
    reason = "servers pause, and sockets have real time"
)]

use std::io::{self, Read, Write as _};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use oras::Error;
use oras::http::{
    Headers, Method, Request, Response, RetryPolicy, Timeouts, Transport, TransportError,
    UreqTransport,
};
use oras::progress::{self, Event, Observer};
use oras::registry::{Client, PlainHttp, Repository};
use oras::store::{IndexedTarget as _, Source};

use crate::proxies::proxies;
use crate::setup::{HELLO, blob, builder, hello, text};
use crate::support::clock::FakeClock;
use crate::support::relay::Listener;

/// An endless body that waits before each byte.
struct WaitingBody(Arc<AtomicU32>);

impl Read for WaitingBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.fetch_add(1, Ordering::SeqCst);
        progress::report(&Event::waiting("registry.example", Duration::ZERO))
            .map_err(Error::into_io)?;
        buffer[0] = b' ';
        Ok(1)
    }
}

/// A server that responds with a status and a [`WaitingBody`].
struct WaitingServer {
    status: u16,
    waits: Arc<AtomicU32>,
}

impl Transport for WaitingServer {
    fn send(&self, _: Request<'_>) -> Result<Response, TransportError> {
        let body = WaitingBody(Arc::clone(&self.waits));
        Ok(Response::new(self.status, Headers::new(), body))
    }
}

/// Runs `work` with a client of a [`WaitingServer`]. Returns its result, and the number of waits.
fn with_waits(
    status: u16,
    work: impl FnOnce(&Client, &Repository) -> Result<(), Error>,
) -> (Result<(), Error>, u32) {
    let waits = Arc::default();
    let server = WaitingServer {
        status,
        waits: Arc::clone(&waits),
    };
    let client = builder().transport(server).build();
    let result = work(&client, &client.repository("registry.example/a").unwrap());
    (result, waits.load(Ordering::SeqCst))
}

type Work = fn(&Client, &Repository) -> Result<(), Error>;

const CHECK: Work = |client, repository| client.check(repository.registry());
const FETCH: Work = |_, repository| repository.fetch_reference("v1", 1000).map(drop);
/// Reads the manifest with the tag, because it may list the blobs.
const FIND_KNOWN: Work = |_, repository| {
    let blobs: Vec<_> = (0..10_u8).map(|number| blob(&[number])).collect();
    repository.known_blobs(&blobs, Some("v1")).map(drop)
};

#[test]
fn an_unneeded_body_is_not_waited_for_long() {
    let (checked, waits) = with_waits(200, CHECK);
    checked.unwrap();
    assert_eq!(waits, 2);

    let (refused, waits) = with_waits(403, CHECK);
    assert!(refused.unwrap_err().is_unauthorized());
    assert_eq!(waits, 10);
}

#[test]
fn a_cancellation_while_an_unneeded_body_is_read_ends_the_operation() {
    for (status, work) in [
        (200, CHECK),
        (403, CHECK),
        (400, CHECK),
        (403, FETCH),
        (404, FIND_KNOWN),
    ] {
        let mut events = 0;
        // Other observers fail at each further event.
        let once = Observer::new(move |_| {
            events += 1;
            if events == 1 {
                return Err(Error::unsupported("going on").into());
            }
            Ok(())
        });
        let (result, _) = with_waits(status, |client, repository| {
            once.scope(|| work(client, repository))
        });
        let result = result.unwrap_err();
        assert!(
            matches!(result, Error::Cancelled { .. }),
            "{status}: {result:?}"
        );
    }
}

#[test]
fn a_body_that_stops_does_not_delay_the_operation() {
    let server = Listener::start(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let name = format!("{}/a", server.address());
    let start = Instant::now();

    let client = builder().build();
    CHECK(&client, &client.repository(&name).unwrap()).unwrap();

    assert!(start.elapsed() < Duration::from_secs(20));
}

/// A server that sends `start` on each connection, and then one byte every 100 ms or nothing.
fn slow(start: &'static [u8], trickles: bool) -> Listener {
    Listener::start(move |mut stream, stop| {
        let mut sent = stream.write_all(start);
        while trickles && sent.is_ok() && !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
            sent = stream.write_all(b"a");
        }
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

#[test]
fn an_observer_stops_a_request_while_bytes_trickle() {
    for start in ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"] {
        let server = slow(start.as_bytes(), true);
        let client = builder().build();
        let repository = client
            .repository(&format!("{}/a", server.address()))
            .unwrap();
        let silences = Arc::new(Mutex::new(Vec::new()));
        let observer = Observer::new({
            let silences = Arc::clone(&silences);
            move |event| {
                if let Event::Waiting { silence, .. } = event {
                    silences.lock().unwrap().push(*silence);
                    return Err(Error::unsupported("going on").into());
                }
                Ok(())
            }
        });
        let begin = Instant::now();

        let error = observer.scope(|| repository.fetch_reference("v1", 1000).map(drop));

        assert!(matches!(error, Err(Error::Cancelled { .. })), "{error:?}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{start:?}");
        assert_eq!(*silences.lock().unwrap(), [Duration::ZERO], "{start:?}");
    }
}

/// The environment for a server at an address.
type Variables = fn(&str) -> Vec<(&'static str, String)>;

#[test]
fn the_deadline_ends_handshakes() {
    let plain = |_: &str| Vec::new();
    let tunnel = |address: &str| vec![("HTTPS_PROXY", format!("http://{address}"))];
    let socks = |address: &str| vec![("HTTPS_PROXY", format!("socks5://{address}"))];
    let rows: [(&str, &[u8], bool, Variables); 5] = [
        #[cfg(feature = "tls")]
        ("TLS that stops", b"\x16\x03\x03", false, plain),
        #[cfg(feature = "tls")]
        ("TLS that trickles", b"\x16\x03\x03\x40\x00", true, plain),
        ("a proxy that stops", b"HTTP/1.1 200", false, tunnel),
        (
            "a proxy that trickles",
            b"HTTP/1.1 200 OK\r\nX: ",
            true,
            tunnel,
        ),
        ("a SOCKS proxy that stops", b"\x05\x00\x05", false, socks),
    ];
    for (name, start, trickles, variables) in rows {
        let server = slow(start, trickles);
        let address = server.address().to_string();
        let variables = variables(&address);
        let host = match variables.as_slice() {
            [] => address.as_str(),
            _ => "registry.invalid",
        };
        let transport = UreqTransport::builder()
            .proxies(proxies(&variables))
            .build();
        let client = Client::builder()
            .plain_http(PlainHttp::Never)
            .transport(transport)
            .timeouts(Timeouts::default().with_deadline(Duration::from_millis(500)))
            .build();
        let repository = client.repository(&format!("{host}/a")).unwrap();
        let begin = Instant::now();

        let error = text(&repository.resolve("v1").unwrap_err());

        assert!(
            error.contains("the deadline of the operation has passed"),
            "{name}: {error}"
        );
        assert!(begin.elapsed() < Duration::from_secs(20), "{name}");
    }
}

#[test]
fn the_silence_of_an_operation_does_not_count_for_others() {
    let server = slow(b"", false);
    let address = server.address().to_string();
    let client = builder()
        .timeouts(Timeouts::default().with_idle(Duration::from_millis(50)))
        .build();
    let policy = RetryPolicy::default()
        .with_timeout_retries(0)
        .with_max_silence(Duration::from_millis(70));
    let repository = client
        .with_retry_policy(policy)
        .repository(&format!("{address}/a"))
        .unwrap();
    for _ in 0..2 {
        let error = text(&repository.resolve("v1").unwrap_err());
        assert!(
            error.ends_with(&format!("no data for 50 ms from {address}")),
            "{error}"
        );
    }
}

/// A registry without `HEAD` that takes half a minute for each response.
struct WithoutHead(FakeClock);

impl Transport for WithoutHead {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        self.0.pass(Duration::from_secs(30));
        let headers = Headers::new().with("Content-Length", "5");
        Ok(match request.method {
            Method::Head => Response::new(405, headers, io::empty()),
            _ => Response::new(200, headers, &b"hello"[..]),
        })
    }
}

#[test]
fn the_deadline_limits_all_requests_of_a_call_of_a_store() {
    let clock = FakeClock::new();
    let client = builder()
        .clock(clock.clone())
        .transport(WithoutHead(clock))
        .timeouts(Timeouts::default().with_deadline(Duration::from_secs(20)))
        .build();
    let repository = || client.repository("registry.example/a").unwrap();

    for result in [
        repository().into_blobs().resolve(HELLO).map(drop),
        repository().into_blobs().exists(&hello()).map(drop),
        repository().into_manifests().resolve(HELLO).map(drop),
        repository().into_manifests().exists(&hello()).map(drop),
    ] {
        let error = text(&result.unwrap_err());
        assert!(
            error.ends_with("the deadline of the operation has passed"),
            "{error}"
        );
    }
}
