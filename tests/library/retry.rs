//! Retries: transient errors are retried, permanent ones are returned at once. A fake clock
//! replaces waiting.

use std::io::{self, Read as _, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oras::error::TransportKind;
use oras::http::{Headers, Request, Response, RetryPolicy, Timeouts, Transport, TransportError};
use oras::progress::{Event, Observer};
use oras::store::{Source, TagLister, Target};
use oras::{Error, Result};

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::clock::FakeClock;
use crate::support::closed_port::ClosedPort;
use crate::support::registry::{Fault, TestRegistry, on};
use crate::support::relay::Listener;

/// Resolves `a:v1`. Returns the result, the waits between requests, and the number of requests.
fn resolve(fault: Fault) -> (Result<()>, Vec<Duration>, usize) {
    let registry = TestRegistry::start().with(fault);
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let result = repository.resolve("v1").map(drop);
    (result, clock.waits(), registry.log().len())
}

/// Returns whether the waits double from 250 ms, with a jitter of 20 %.
fn is_backoff(waits: &[Duration]) -> bool {
    [250, 500, 1000, 2000, 4000]
        .iter()
        .zip(waits)
        .all(|(&ms, wait)| (ms * 4 / 5..=ms * 6 / 5).contains(&wait.as_millis()))
}

#[test]
fn transient_errors_are_retried_with_increasing_waits() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let (result, waits, requests) = resolve(on("HEAD", "*").status(status).times(2));

        result.unwrap();
        assert_eq!(requests, 3, "{status}");
        assert_eq!(waits.len(), 2, "{status}");
        assert!(is_backoff(&waits), "{status}: {waits:?}");
    }
}

#[test]
fn retry_after_is_respected() {
    let (result, waits, _) = resolve(
        on("HEAD", "*")
            .error(429, "TOOMANYREQUESTS", "slow down")
            .retry_after(7)
            .times(1),
    );

    result.unwrap();
    assert_eq!(waits, [Duration::from_secs(7)]);
}

#[test]
fn a_retry_after_over_the_limit_fails_at_once() {
    let (result, waits, requests) = resolve(
        on("HEAD", "*")
            .error(429, "TOOMANYREQUESTS", "come back tomorrow")
            .retry_after(61),
    );

    assert!(result.is_err());
    assert!(waits.is_empty());
    assert_eq!(requests, 1);
}

#[test]
fn after_five_retries_the_last_response_is_returned() {
    let (result, waits, requests) = resolve(on("HEAD", "*").status(503));

    let error = result.unwrap_err();
    assert!(
        text(&error).ends_with("response status code 503: Service Unavailable"),
        "{}",
        text(&error)
    );
    assert_eq!(requests, 6);
    assert_eq!(waits.len(), 5);
    assert!(is_backoff(&waits), "{waits:?}");
}

#[test]
fn permanent_errors_are_not_retried() {
    for status in [403, 409, 410, 422, 505, 507] {
        let (result, waits, requests) = resolve(on("HEAD", "*").status(status));

        assert!(result.is_err(), "{status}");
        assert_eq!((requests, waits.len()), (1, 0), "{status}");
    }
}

#[test]
fn a_connection_closed_without_a_response_is_retried() {
    let (result, waits, requests) = resolve(on("HEAD", "*").close().times(2));

    result.unwrap();
    assert_eq!((requests, waits.len()), (3, 2));
}

#[test]
fn a_connection_that_is_always_closed_is_an_error_with_its_url() {
    let registry = TestRegistry::start().with(on("*", "*").close());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.resolve("v1").unwrap_err();

    assert!(
        matches!(
            error,
            Error::Transport {
                kind: TransportKind::Io,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        text(&error),
        format!("Head \"{}/v2/a/manifests/v1\": EOF", registry.url())
    );
}

/// A body without a length ends with the connection, even if that broke.
#[test]
fn a_document_that_is_cut_without_a_length_is_read_again() {
    let cut = |path| on("GET", path).no_length().close_after(20);
    let open = |registry: &TestRegistry| {
        registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
        let client = builder().clock(FakeClock::new()).build();
        client.repository(&registry.reference("a")).unwrap()
    };
    let registry = TestRegistry::start().with(cut("*").nth(1));
    open(&registry).fetch_reference("v1", 5000).unwrap();
    assert_eq!(registry.log().len(), 2);
    let registry = TestRegistry::start().with(cut("*"));
    let result = open(&registry).fetch_reference("v1", 5000).map(drop);
    let error = result.unwrap_err();
    assert!(
        error.chain().to_string().ends_with("unexpected EOF"),
        "{error:?}"
    );
    let registry = TestRegistry::start().with(cut("*").nth(1));
    let mut tags = Vec::new();
    let mut visit = |page: &[String]| {
        tags.extend_from_slice(page);
        ControlFlow::Continue(())
    };
    open(&registry).tags(None, &mut visit).unwrap();
    assert_eq!(tags, ["v1"]);
}

#[test]
fn a_manifest_push_is_retried() {
    let registry = TestRegistry::start()
        .with(on("PUT", "*").status(500).nth(1))
        .with(on("PUT", "*").lose_response().nth(2));
    let bytes = br#"{"schemaVersion":2,"manifests":[]}"#;
    let index = oras::Descriptor::of(oras::MediaType::IMAGE_INDEX, bytes);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository
        .push_reference(&index, &mut &bytes[..], "v1")
        .unwrap();

    assert_eq!(
        registry.log(),
        ["PUT /v2/a/manifests/v1 (no authorization)"; 3]
    );
    assert_eq!(registry.manifest("a", "v1").unwrap(), bytes);
}

#[test]
fn a_failed_blob_upload_is_retried_in_a_new_session() {
    let registry = TestRegistry::start().with(on("PUT", "*").status(503).times(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.push(&hello(), &mut &b"hello"[..]).unwrap();

    let puts: Vec<_> = registry
        .requests()
        .iter()
        .filter(|request| request.method == "PUT")
        .map(|request| request.target.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        puts,
        [
            "/v2/a/blobs/uploads/session-1",
            "/v2/a/blobs/uploads/session-2"
        ]
    );
    assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");
}

#[test]
fn a_refused_connection_fails_at_once_with_its_address() {
    let port = ClosedPort::new();
    let address = port.address();
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    let repository = client.repository(&format!("{address}/a")).unwrap();

    let error = repository.resolve("v1").unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "Head \"http://{address}/v2/a/manifests/v1\": dial tcp {address}: connect: connection refused"
        )
    );
    assert!(clock.waits().is_empty());
}

#[test]
fn an_unknown_host_fails_at_once_and_is_named() {
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    // RFC 6761 reserves this name, so it never resolves.
    let repository = client.repository("registry.invalid/a").unwrap();

    let error = repository.resolve("v1").unwrap_err();

    assert_eq!(
        text(&error),
        "Head \"http://registry.invalid/v2/a/manifests/v1\": dial tcp: lookup registry.invalid: no such host"
    );
    assert!(clock.waits().is_empty());
}

#[test]
fn connections_are_reused() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.resolve("v1").unwrap();
    repository.resolve("v2").unwrap_err();
    repository.fetch(&hello()).unwrap().read_all(5).unwrap();
    repository.push(&hello(), &mut &b"hello"[..]).unwrap();
    let world = crate::setup::blob(b"world");
    repository.push(&world, &mut &b"world"[..]).unwrap();

    let connections: Vec<_> = registry
        .requests()
        .iter()
        .map(|request| request.connection)
        .collect();
    assert_eq!(connections, [1; 6]);
}

/// A server that ends its first request with a response, and fails at the next three.
struct Restarting(AtomicU32, TransportKind);

impl Transport for Restarting {
    fn send(&self, _: Request<'_>) -> Result<Response, TransportError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            1..=3 => Err(TransportError::new(self.1, "connection refused")),
            _ => Ok(Response::new(404, Headers::new(), io::empty())),
        }
    }
}

#[test]
fn a_refused_connection_is_retried_if_the_server_responded_before() {
    for (first, kind, waits) in [
        (0, TransportKind::Connect, 3),
        (1, TransportKind::Connect, 0),
        (0, TransportKind::Dns, 0),
    ] {
        let clock = FakeClock::new();
        let server = Restarting(AtomicU32::new(first), kind);
        let client = builder().clock(clock.clone()).transport(server).build();
        let repository = client.repository("registry.example/a").unwrap();
        // Either the server responds, or this is the first refused connection.
        repository.resolve("v1").unwrap_err();

        let error = repository.resolve("v1").unwrap_err();

        assert_eq!(clock.waits().len(), waits, "{first} {kind:?}");
        assert_eq!(error.is_not_found(), waits > 0, "{error:?}");
    }
}

/// Resolves a tag at a server that accepts connections and never responds. Returns the error and
/// the number of connections.
fn resolve_at_silent_server(policy: RetryPolicy) -> (String, usize) {
    let connections = Arc::new(AtomicU32::new(0));
    let server = Listener::start({
        let connections = Arc::clone(&connections);
        move |mut stream, _| {
            connections.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let address = server.address().to_string();
    let idle = Duration::from_millis(50);
    let client = builder().clock(FakeClock::new()).build();
    let client = client
        .with_timeouts(Timeouts::default().with_idle(idle))
        .with_retry_policy(policy);
    let repository = client.repository(&format!("{address}/a")).unwrap();
    let error = text(&repository.resolve("v1").unwrap_err());
    let connections = connections.load(Ordering::SeqCst);
    (error.replace(&address, "server"), connections as usize)
}

#[test]
fn a_silent_server_is_given_up() {
    let policy = RetryPolicy::default();
    for (policy, connections) in [
        (policy, 3),
        (policy.with_retries(0), 1),
        (policy.with_timeout_retries(1), 2),
        (policy.with_max_silence(Duration::from_millis(70)), 2),
        (policy.with_max_silence(Duration::ZERO), 1),
    ] {
        let (error, count) = resolve_at_silent_server(policy);

        let wanted = "Head \"http://server/v2/a/manifests/v1\": no data for 50 ms from server";
        assert_eq!(error, wanted);
        assert_eq!(count, connections, "{policy:?}");
    }
}

#[derive(Debug)]
struct Stop;

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stop")
    }
}

impl std::error::Error for Stop {}

/// Reads a blob at a server that sends `response` and nothing more, until the observer stops at the
/// event with this name. Returns the names of the events.
fn events_until(stop: &'static str, response: &'static [u8]) -> Vec<String> {
    let server = Listener::start(move |mut stream, _| {
        let _ = stream.write_all(response);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let address = server.address().to_string();
    let events = Arc::new(Mutex::new(Vec::new()));
    let observer = Observer::new({
        let (events, address) = (Arc::clone(&events), address.clone());
        move |event| {
            let name = match event {
                Event::Waiting { host, .. } => {
                    assert_eq!(*host, address);
                    "waiting".to_owned()
                }
                Event::Retrying {
                    host,
                    reason,
                    attempt,
                    attempts,
                    ..
                } => format!("{reason} from {host}, trying again ({attempt} of {attempts})"),
                _ => return Ok(()),
            };
            let name = name.replace(&address, "server");
            let stops = name.starts_with(stop);
            events.lock().unwrap().push(name);
            if stops { Err(Stop.into()) } else { Ok(()) }
        }
    });
    let idle = Duration::from_millis(50);
    let client = builder()
        .clock(FakeClock::new())
        .timeouts(Timeouts::default().with_idle(idle))
        .build();
    let repository = client.repository(&format!("{address}/a")).unwrap();
    let read = || repository.fetch(&hello())?.read_all(5);
    let error = observer.scope(read).unwrap_err();
    let Error::Cancelled { source, .. } = error else {
        panic!("{error:?}");
    };
    assert!(source.is::<Stop>());
    let events = events.lock().unwrap();
    events.clone()
}

#[test]
fn an_observer_stops_a_request_while_the_server_is_silent() {
    let half: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe";
    for response in [b"", half] {
        assert_eq!(events_until("waiting", response), ["waiting"]);
        assert_eq!(
            events_until("no data", response),
            [
                "waiting",
                "no data for 50 ms from server, trying again (2 of 3)"
            ]
        );
    }
}

#[test]
fn an_observer_stops_the_wait_before_a_retry() {
    let busy =
        b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        events_until("waiting", busy),
        [
            "503 Service Unavailable from server, trying again (2 of 6)",
            "waiting"
        ]
    );
}
