//! Trying again: what may pass is waited for, what will not is reported at once. No test waits.

use std::net::TcpListener;
use std::time::Duration;

use oras::error::TransportKind;
use oras::store::{Source, Target};
use oras::{Error, Result};

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Fault, TestRegistry, on};

/// Resolves `a:v1` and returns the result, the waits in between, and the number of requests.
fn resolve(fault: Fault) -> (Result<()>, Vec<Duration>, usize) {
    let registry = TestRegistry::start().with(fault);
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let result = repository.resolve("v1").map(drop);
    (result, clock.waits(), registry.log().len())
}

/// Waits double from 250 ms, and are spread by a fifth.
fn is_backoff(waits: &[Duration]) -> bool {
    [250, 500, 1000, 2000, 4000]
        .iter()
        .zip(waits)
        .all(|(&ms, wait)| (ms * 4 / 5..=ms * 6 / 5).contains(&wait.as_millis()))
}

#[test]
fn what_passes_is_tried_again_after_longer_and_longer_waits() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let (result, waits, requests) = resolve(on("HEAD", "*").status(status).times(2));

        result.unwrap();
        assert_eq!(requests, 3, "{status}");
        assert_eq!(waits.len(), 2, "{status}");
        assert!(is_backoff(&waits), "{status}: {waits:?}");
    }
}

#[test]
fn a_server_is_given_the_time_it_asks_for() {
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
fn a_server_that_asks_for_too_much_time_is_not_waited_for() {
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
fn after_five_retries_the_last_answer_counts() {
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
fn what_does_not_pass_is_not_tried_again() {
    for status in [403, 409, 410, 422, 505, 507] {
        let (result, waits, requests) = resolve(on("HEAD", "*").status(status));

        assert!(result.is_err(), "{status}");
        assert_eq!((requests, waits.len()), (1, 0), "{status}");
    }
}

#[test]
fn a_connection_that_is_closed_without_an_answer_is_tried_again() {
    let (result, waits, requests) = resolve(on("HEAD", "*").close().times(2));

    result.unwrap();
    assert_eq!((requests, waits.len()), (3, 2));
}

#[test]
fn a_connection_that_is_always_closed_is_reported_with_its_address() {
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

#[test]
fn a_manifest_is_written_again_until_it_is_taken() {
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
fn a_blob_is_not_sent_again_into_the_same_upload() {
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
fn a_refused_connection_fails_at_once_and_says_where() {
    let address = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap();
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
    // RFC 6761 keeps this name from ever having an address.
    let repository = client.repository("registry.invalid/a").unwrap();

    let error = repository.resolve("v1").unwrap_err();

    assert_eq!(
        text(&error),
        "Head \"http://registry.invalid/v2/a/manifests/v1\": dial tcp: lookup registry.invalid: no such host"
    );
    assert!(clock.waits().is_empty());
}

#[test]
fn connections_are_used_again() {
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
