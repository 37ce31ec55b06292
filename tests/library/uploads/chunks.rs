//! Chunked uploads of blobs that are too large for one request, and their continuation after
//! errors.

use oras::Digest;
use oras::MediaType;
use oras::store::{Pushed, Target};

use super::{log, push_bytes};
use crate::setup::{LARGE, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Fault, RegistryProfile, TestRegistry, on};
use crate::support::rng::Rng;

const MIB: u64 = 1024 * 1024;

/// A registry that accepts at most this number of bytes in one PUT.
fn registry_up_to(max_put_bytes: u64) -> TestRegistry {
    TestRegistry::start_as(RegistryProfile {
        max_put_bytes: Some(max_put_bytes),
        ..RegistryProfile::default()
    })
}

/// The method, `Content-Range` and size of every request with a body or an upload.
fn upload_requests(registry: &TestRegistry) -> Vec<String> {
    let requests = registry.requests();
    let uploads = requests
        .iter()
        .filter(|request| matches!(request.method.as_str(), "PATCH" | "PUT"));
    uploads
        .map(|request| {
            let range = request.header("Content-Range").unwrap_or("whole");
            format!("{} {range} {}", request.method, request.body_bytes)
        })
        .collect()
}

fn assert_stored(registry: &TestRegistry, content: &[u8]) {
    let digest = Digest::of(content);
    assert!(registry.blob("a", digest.as_str()).unwrap() == content);
}

#[test]
fn the_size_of_chunks_is_a_setting() {
    let content = Rng::new(1).bytes(200 * 1024);
    for (bytes, sizes) in [
        (100 * 1024, vec![100 * 1024, 100 * 1024]),
        // The smallest size is 64 KiB.
        (1, vec![65_536, 65_536, 65_536, 8192]),
    ] {
        let client = builder().upload_chunk_bytes(bytes).build();
        let registry = registry_up_to(64 * 1024);
        push_bytes(&client, &registry, &content).unwrap();
        let streamed = TestRegistry::start();
        let repository = client.repository(&streamed.reference("a")).unwrap();
        repository
            .push_stream(&MediaType::OCTET_STREAM, &mut content.as_slice())
            .unwrap();

        for registry in [registry, streamed] {
            let requests = registry.requests();
            let chunks = requests.iter().filter(|request| request.method == "PATCH");
            let chunks: Vec<_> = chunks.map(|request| request.body_bytes).collect();
            assert_eq!(chunks, sizes);
            assert_stored(&registry, &content);
        }
    }
}

#[test]
fn a_blob_that_is_too_large_for_one_request_is_sent_in_chunks() {
    let registry = registry_up_to(4);

    assert_eq!(
        push_bytes(&client(), &registry, b"hello").unwrap(),
        Pushed::Stored
    );

    assert_eq!(
        log(&registry, &[b"hello"]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "PATCH /v2/a/blobs/uploads/session-1?_state=s1",
            "PATCH /v2/a/blobs/uploads/session-1?_state=s2",
            "PUT /v2/a/blobs/uploads/session-1?_state=s3&digest={0}",
        ]
    );
    assert_eq!(
        upload_requests(&registry),
        ["PUT whole 5", "PATCH 0-2 3", "PATCH 3-4 2", "PUT whole 0"]
    );
    assert_stored(&registry, b"hello");
}

#[test]
fn a_size_that_was_refused_is_sent_in_chunks_at_once() {
    let registry = registry_up_to(4);
    let client = client();

    for content in [&b"hello"[..], b"hello world", b"hi", b"hallo"] {
        push_bytes(&client, &registry, content).unwrap();
        assert_stored(&registry, content);
    }

    assert_eq!(
        upload_requests(&registry),
        [
            "PUT whole 5",
            "PATCH 0-2 3",
            "PATCH 3-4 2",
            "PUT whole 0",
            "PATCH 0-5 6",
            "PATCH 6-10 5",
            "PUT whole 0",
            "PUT whole 2",
            "PATCH 0-2 3",
            "PATCH 3-4 2",
            "PUT whole 0",
        ]
    );
}

#[test]
fn chunks_have_the_minimum_size_of_the_registry() {
    let registry = TestRegistry::start_as(RegistryProfile {
        max_put_bytes: Some(4),
        min_chunk_bytes: Some(4),
        ..RegistryProfile::default()
    });

    push_bytes(&client(), &registry, b"hello").unwrap();

    assert_eq!(
        upload_requests(&registry),
        ["PUT whole 5", "PATCH 0-3 4", "PATCH 4-4 1", "PUT whole 0"]
    );
}

#[test]
fn a_minimum_chunk_size_above_the_blob_size_is_one_chunk() {
    let registry = registry_up_to(4)
        .with(on("POST", "*").header("OCI-Chunk-Min-Length", "18446744073709551615"));

    push_bytes(&client(), &registry, b"hello").unwrap();

    assert_eq!(
        upload_requests(&registry),
        ["PUT whole 5", "PATCH 0-4 5", "PUT whole 0"]
    );
}

#[test]
fn chunks_that_are_too_large_become_smaller() {
    // GHCR names the limit in the message only, and some proxies answer 413 to every large
    // request.
    let content = Rng::new(1).bytes(3 * LARGE);
    for (name, fault) in [
        ("ghcr", on("PATCH", "nowhere")),
        (
            "a proxy",
            on("PATCH", "*").status(413).body("too large").times(1),
        ),
    ] {
        let registry = TestRegistry::start_as(RegistryProfile {
            max_put_bytes: Some(MIB),
            max_patch_bytes: Some(MIB),
            ..RegistryProfile::default()
        })
        .with(fault);
        let client = client();

        push_bytes(&client, &registry, &content).unwrap();
        assert_stored(&registry, &content);
        let sent = upload_requests(&registry);
        assert_eq!(
            sent[sent.len() - 5..],
            [
                "PATCH 0-786431 786432",
                "PATCH 786432-1572863 786432",
                "PATCH 1572864-2359295 786432",
                "PATCH 2359296-3145727 786432",
                "PUT whole 0",
            ],
            "{name}"
        );

        registry.clear_log();
        let next = Rng::new(2).bytes(3 * LARGE);
        push_bytes(&client, &registry, &next).unwrap();
        assert_eq!(
            upload_requests(&registry).len(),
            5,
            "{name}: the size is remembered"
        );
    }
}

#[test]
fn chunks_that_are_never_small_enough_fail() {
    let registry = registry_up_to(MIB).with(on("PATCH", "*").status(413).body("no"));
    let content = Rng::new(1).bytes(2 * LARGE);

    let error = push_bytes(&client(), &registry, &content).unwrap_err();

    assert!(
        text(&error).ends_with("413: Request Entity Too Large: no"),
        "{}",
        text(&error)
    );
    assert!(registry.log().len() < 10, "{:#?}", registry.log());
}

/// Sends `hello world!` in two chunks, with a fault, and returns the requests.
fn two_chunks_with(fault: Fault) -> Vec<String> {
    let registry = registry_up_to(11).with(fault);
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();

    push_bytes(&client, &registry, b"hello world!").unwrap();

    assert_stored(&registry, b"hello world!");
    let mut sent = upload_requests(&registry);
    assert_eq!(sent.remove(0), "PUT whole 12");
    sent
}

#[test]
fn a_broken_chunk_is_resumed_at_the_offset_of_the_registry() {
    // The registry keeps the bytes that arrived.
    assert_eq!(
        two_chunks_with(on("PATCH", "*").close_after_receiving(4).nth(2)),
        [
            "PATCH 0-5 6",
            "PATCH 6-11 4",
            "PATCH 10-11 2",
            "PUT whole 0"
        ]
    );
    // The registry has the whole chunk; only its response is lost.
    assert_eq!(
        two_chunks_with(on("PATCH", "*").lose_response().nth(1)),
        ["PATCH 0-5 6", "PATCH 6-11 6", "PUT whole 0"]
    );
    // The registry has nothing of the chunk.
    assert_eq!(
        two_chunks_with(on("PATCH", "*").status(503).nth(2)),
        ["PATCH 0-5 6", "PATCH 6-11 6", "PATCH 6-11 6", "PUT whole 0"]
    );
    // The registry has nothing at all. `Range: 0-0` can also mean one byte.
    assert_eq!(
        two_chunks_with(on("PATCH", "*").status(503).nth(1)),
        ["PATCH 0-5 6", "PATCH 0-5 6", "PATCH 6-11 6", "PUT whole 0"]
    );
}

#[test]
fn a_416_with_a_range_moves_the_upload_to_that_offset() {
    let registry = registry_up_to(11).with(on("PATCH", "*").header("Range", "0-3").nth(1));

    push_bytes(&client(), &registry, b"hello world!").unwrap();

    // The registry reported four bytes but had six, and answered 416 to the fifth.
    assert_eq!(
        upload_requests(&registry),
        [
            "PUT whole 12",
            "PATCH 0-5 6",
            "PATCH 4-9 6",
            "PATCH 6-11 6",
            "PUT whole 0"
        ]
    );
    assert_stored(&registry, b"hello world!");
}

#[test]
fn a_range_that_does_not_advance_is_ignored() {
    // Seen at ECR.
    let registry = registry_up_to(11).with(on("PATCH", "*").header("Range", "0-5"));

    push_bytes(&client(), &registry, b"hello world!").unwrap();

    assert_eq!(upload_requests(&registry).len(), 4);
}

#[test]
fn a_missing_chunked_upload_starts_again() {
    for status in [404, 405] {
        let registry = registry_up_to(11)
            .with(on("PATCH", "*").status(503).nth(2))
            .with(on("GET", "/v2/a/blobs/uploads/*").status(status));

        push_bytes(&client(), &registry, b"hello world!").unwrap();

        assert_stored(&registry, b"hello world!");
        assert_eq!(
            upload_requests(&registry)[1..],
            [
                "PATCH 0-5 6",
                "PATCH 6-11 6",
                "PATCH 0-5 6",
                "PATCH 6-11 6",
                "PUT whole 0"
            ],
            "{status}"
        );
    }
}

#[test]
fn chunks_that_always_break_fail() {
    let registry = registry_up_to(11).with(on("PATCH", "*").close_after_receiving(0));

    let error = push_bytes(&client(), &registry, b"hello world!").unwrap_err();

    assert!(matches!(error, oras::Error::Transport { .. }), "{error:?}");
    assert!(registry.log().len() < 60, "{}", registry.log().len());
}

#[test]
fn a_token_that_expires_between_chunks_is_replaced() {
    let registry = TestRegistry::requiring_token("t0k3n");
    registry.change(RegistryProfile {
        max_put_bytes: Some(11),
        ..RegistryProfile::default()
    });
    let challenge = format!(
        "Bearer realm=\"{}/token\",service=\"test-registry\"",
        registry.url()
    );
    registry.inject(
        on("PATCH", "*")
            .error(401, "UNAUTHORIZED", "expired")
            .header("WWW-Authenticate", &challenge)
            .nth(2),
    );

    push_bytes(&client(), &registry, b"hello world!").unwrap();

    assert_stored(&registry, b"hello world!");
}

#[test]
fn large_chunks_expect_100_continue() {
    let registry = registry_up_to(MIB);
    let content = Rng::new(1).bytes(3 * LARGE);

    push_bytes(&client(), &registry, &content).unwrap();

    let expectations: Vec<_> = registry
        .requests()
        .iter()
        .filter(|request| request.method == "PATCH")
        .map(|request| request.header("Expect").map(str::to_owned))
        .collect();
    assert_eq!(expectations, [Some("100-continue".to_owned()), None]);
    assert_stored(&registry, &content);
}

#[test]
fn a_large_body_that_breaks_twice_is_sent_in_chunks() {
    let registry =
        TestRegistry::start().with(on("PUT", "*").close_after_receiving(100_000).times(2));
    let content = Rng::new(1).bytes(LARGE);

    push_bytes(&client(), &registry, &content).unwrap();

    assert_stored(&registry, &content);
    assert_eq!(
        upload_requests(&registry)[2..],
        [
            "PATCH 0-524287 524288",
            "PATCH 524288-1048575 524288",
            "PUT whole 0"
        ]
    );
}

#[test]
fn content_that_changed_is_not_committed() {
    let registry = registry_up_to(4);
    let expected = crate::setup::hello();

    let error = super::push(&client(), &registry, &expected, b"hellO").unwrap_err();

    assert!(error.is_verification(), "{error:?}");
    assert!(registry.blobs("a").is_empty());
}

#[test]
fn chunks_to_another_origin_carry_no_secrets() {
    let storage = TestRegistry::start()
        .with(on("PUT", "*").status(413).nth(1))
        .with(on("PUT", "*").status(201).after(1))
        .with(on("PATCH", "*").status(202).location("?part=next"));
    let registry =
        TestRegistry::requiring_token("t0k3n").with(on("POST", "*").location_at(&storage));
    let client = builder().header("X-Secret", "canary").build();

    push_bytes(&client, &registry, b"hello").unwrap();

    assert_eq!(
        upload_requests(&storage),
        ["PUT whole 5", "PATCH 0-2 3", "PATCH 3-4 2", "PUT whole 0"]
    );
    for request in storage.requests() {
        assert_eq!(
            (request.header("Authorization"), request.header("X-Secret")),
            (None, None)
        );
    }
}

#[test]
fn a_chunk_is_not_sent_to_a_forbidden_location() {
    let registry = registry_up_to(4).with(on("PATCH", "*").location("ftp://storage/x"));

    let error = push_bytes(&client(), &registry, b"hello").unwrap_err();

    assert!(
        text(&error).contains("its Location is not valid"),
        "{}",
        text(&error)
    );
}
