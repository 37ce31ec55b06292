//! Blobs of which nothing is known before they were read: sent while they are read, part by part.

use std::io::{self, Read};

use oras::Descriptor;
use oras::Digest;
use oras::error::Limit;
use oras::registry::Client;
use oras::store::{Pushed, Target};
use oras::{Error, MediaType, Result};

use super::log;
use crate::setup::{HELLO, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, Fault, Mount, RegistryProfile, TestRegistry, on};
use crate::support::rng::Rng;

/// Size of a chunk in bytes.
const PART: usize = 5 * 1024 * 1024;

fn push_stream(
    client: &Client,
    registry: &TestRegistry,
    mut stream: impl Read,
) -> Result<(Descriptor, Pushed)> {
    let repository = client.repository(&registry.reference("a"))?;
    let pushed = repository.push_stream(&MediaType::LAYER, &mut stream)?;
    Ok(pushed.expect("a registry takes streams"))
}

/// The method and `Content-Range` of every request with a part.
fn parts(registry: &TestRegistry) -> Vec<String> {
    let requests = registry.requests();
    let parts = requests.iter().filter(|request| request.method == "PATCH");
    parts
        .map(|request| request.header("Content-Range").unwrap_or("none").to_owned())
        .collect()
}

fn assert_stored(registry: &TestRegistry, content: &[u8]) {
    let digest = Digest::of(content);
    assert!(registry.blob("a", digest.as_str()).unwrap() == content);
}

/// A reader that hands out a few bytes at a time, as a pipe does.
struct Trickle<R>(R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(10_007);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn a_stream_of_less_than_a_chunk_is_uploaded_whole() {
    let registry = TestRegistry::start_as(RegistryProfile {
        mount: Mount::Checked,
        ..RegistryProfile::default()
    });
    let client = client();

    let (blob, pushed) = push_stream(&client, &registry, &b"hello"[..]).unwrap();
    assert_eq!((blob.digest.as_str(), blob.size), (HELLO, 5));
    assert_eq!(blob.media_type, MediaType::LAYER);
    assert_eq!(pushed, Pushed::Stored);
    let (_, pushed) = push_stream(&client, &registry, &b"hello"[..]).unwrap();
    assert_eq!(pushed, Pushed::AlreadyThere);

    assert_eq!(
        log(&registry, &[b"hello"]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
        ]
    );
}

#[test]
fn a_long_stream_is_sent_in_chunks_and_committed_with_its_digest() {
    let registry = TestRegistry::start();
    let content = Rng::new(1).bytes(2 * PART + 1);

    let (blob, pushed) = push_stream(&client(), &registry, Trickle(&content[..])).unwrap();

    assert_eq!(blob, Descriptor::of(MediaType::LAYER, &content));
    assert_eq!(pushed, Pushed::Stored);
    assert_eq!(
        log(&registry, &[&content]),
        [
            "POST /v2/a/blobs/uploads/",
            "PATCH /v2/a/blobs/uploads/session-1?_state=s1",
            "PATCH /v2/a/blobs/uploads/session-1?_state=s2",
            "PATCH /v2/a/blobs/uploads/session-1?_state=s3",
            "PUT /v2/a/blobs/uploads/session-1?_state=s4&digest={0}",
        ]
    );
    assert_eq!(
        parts(&registry),
        ["0-5242879", "5242880-10485759", "10485760-10485760"]
    );
    let requests = registry.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.header("Content-Length").is_some()),
        "some registries take nothing whose length is not said"
    );
    assert_stored(&registry, &content);
}

#[test]
fn a_stream_that_ends_with_a_chunk_has_no_empty_chunk() {
    let registry = TestRegistry::start();
    let content = Rng::new(1).bytes(PART);

    push_stream(&client(), &registry, &content[..]).unwrap();

    assert_eq!(parts(&registry), ["0-5242879"]);
    assert_stored(&registry, &content);
}

#[test]
fn every_registry_profile_accepts_a_stream() {
    let content = Rng::new(1).bytes(PART + PART / 2);
    for personality in [
        RegistryProfile::default(),
        RegistryProfile::distribution(),
        RegistryProfile::zot(),
        RegistryProfile::ggcr(),
        RegistryProfile::ghcr(),
    ] {
        let registry = TestRegistry::start_as(personality);
        push_stream(&client(), &registry, &content[..]).unwrap();
        assert_stored(&registry, &content);
    }
}

#[test]
fn chunks_of_a_stream_become_smaller_when_refused() {
    // As at GHCR.
    let registry = TestRegistry::start_as(RegistryProfile {
        max_patch_bytes: Some(4 * 1024 * 1024),
        ..RegistryProfile::default()
    });
    let content = Rng::new(1).bytes(2 * PART);

    push_stream(&client(), &registry, &content[..]).unwrap();

    assert_eq!(
        parts(&registry),
        [
            "0-5242879",
            "0-2621439",
            "2621440-5242879",
            "5242880-7864319",
            "7864320-10485759",
        ]
    );
    assert_stored(&registry, &content);
}

#[test]
fn chunks_have_the_minimum_size_of_the_registry() {
    let registry = TestRegistry::start_as(RegistryProfile {
        min_chunk_bytes: Some(6 * 1024 * 1024),
        ..RegistryProfile::default()
    });
    let content = Rng::new(1).bytes(2 * PART);

    push_stream(&client(), &registry, &content[..]).unwrap();

    assert_eq!(parts(&registry), ["0-6291455", "6291456-10485759"]);
    assert_stored(&registry, &content);
}

#[test]
fn smaller_chunks_keep_the_minimum_size_of_the_registry() {
    let registry = TestRegistry::start_as(RegistryProfile {
        min_chunk_bytes: Some(3 * 1024 * 1024),
        max_patch_bytes: Some(4 * 1024 * 1024),
        ..RegistryProfile::default()
    });
    let content = Rng::new(1).bytes(2 * PART);

    push_stream(&client(), &registry, Trickle(&content[..])).unwrap();

    assert_eq!(
        parts(&registry),
        [
            "0-5242879",
            "0-3145727",
            "3145728-6291455",
            "6291456-9437183",
            "9437184-10485759",
        ]
    );
    assert_stored(&registry, &content);
}

#[test]
fn a_minimum_chunk_size_above_the_memory_limit_is_an_error() {
    let registry = TestRegistry::start()
        .with(on("POST", "*").header("OCI-Chunk-Min-Length", "18446744073709551615"));
    let content = Rng::new(1).bytes(PART);

    let error = push_stream(&client(), &registry, &content[..]).unwrap_err();

    match error {
        Error::TooLarge { kind, .. } => assert_eq!(kind, Limit::BufferedChunkBytes),
        other => panic!("{other:?}"),
    }
    assert!(parts(&registry).is_empty());
}

/// Sends two parts, the second of one byte, with a fault, and returns what was sent.
fn two_parts_with(fault: Fault) -> Vec<String> {
    let registry = TestRegistry::start().with(fault);
    let client = builder().clock(FakeClock::new()).build();
    let content = Rng::new(1).bytes(PART + 1);
    push_stream(&client, &registry, &content[..]).unwrap();
    assert_stored(&registry, &content);
    parts(&registry)
}

#[test]
fn a_broken_chunk_is_sent_again_from_the_offset_of_the_registry() {
    assert_eq!(
        two_parts_with(on("PATCH", "*").status(503).nth(1)),
        ["0-5242879", "0-5242879", "5242880-5242880"]
    );
    assert_eq!(
        two_parts_with(on("PATCH", "*").close_after_receiving(1_000_000).nth(1)),
        ["0-5242879", "1000000-5242880"]
    );
    assert_eq!(
        two_parts_with(on("PATCH", "*").lose_response().nth(1)),
        ["0-5242879", "5242880-5242880"]
    );
}

#[test]
fn a_broken_chunk_is_sent_again_to_a_registry_that_does_not_report_the_offset() {
    for status in [204, 405] {
        let content = Rng::new(1).bytes(PART + 1);
        // The connection ends before the chunk, or after it.
        for broken in [
            on("PATCH", "*").close_after_receiving(0).nth(2),
            on("PATCH", "*").lose_response().nth(2),
        ] {
            let registry = TestRegistry::start()
                .with(broken)
                .with(on("GET", "/v2/a/blobs/uploads/*").status(status));
            let client = builder().clock(FakeClock::new()).build();

            push_stream(&client, &registry, &content[..]).unwrap();

            assert_stored(&registry, &content);
            let sent = parts(&registry);
            assert!(sent.len() > 2, "{sent:?}");
            assert_eq!(sent[0], "0-5242879", "{status}");
            for part in &sent[1..] {
                assert_eq!(part, "5242880-5242880", "{status}");
            }
        }
    }
}

#[test]
fn a_commit_whose_response_was_lost_succeeds() {
    let registry = TestRegistry::start().with(on("PUT", "*").lose_response().nth(1));
    let content = Rng::new(1).bytes(PART);

    let (_, pushed) = push_stream(&client(), &registry, &content[..]).unwrap();

    assert_eq!(pushed, Pushed::Stored);
    assert_stored(&registry, &content);
}

#[test]
fn a_stream_whose_earlier_chunk_was_lost_fails() {
    let registry = TestRegistry::start()
        .with(on("PATCH", "*").status(503).nth(2))
        .with(
            on("GET", "/v2/a/blobs/uploads/*")
                .status(204)
                .header("Range", "0-99"),
        );
    let content = Rng::new(1).bytes(PART + 1);

    let error = push_stream(&client(), &registry, &content[..]).unwrap_err();

    assert!(
        text(&error).ends_with("it was lost in part, and a stream cannot be read again"),
        "{}",
        text(&error)
    );
    assert!(registry.blobs("a").is_empty());
}

/// A reader during whose every read all tokens end.
struct Slow<'r, R>(R, &'r TestRegistry);

impl<R: Read> Read for Slow<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.revoke_tokens();
        self.0.read(buffer)
    }
}

#[test]
fn a_token_that_expires_while_a_stream_is_read_is_replaced() {
    let registry = TestRegistry::start_as(RegistryProfile {
        upload_status: false,
        ..RegistryProfile::default()
    })
    .with_tokens(Bearer::new().anonymous(&["repository:*:pull,push"]));
    let content = Rng::new(1).bytes(2 * PART + 1);

    push_stream(&client(), &registry, Slow(&content[..], &registry)).unwrap();

    assert_stored(&registry, &content);
}

#[test]
fn the_end_of_a_stream_is_read_once() {
    struct Terminal<R>(R, bool);
    impl<R: Read> Read for Terminal<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.1, "it was told that there is no more");
            let count = self.0.read(buffer)?;
            self.1 = count == 0;
            Ok(count)
        }
    }
    for size in [0, 1, PART, PART + 1] {
        let registry = TestRegistry::start();
        let content = Rng::new(1).bytes(size);
        push_stream(&client(), &registry, Terminal(&content[..], false)).unwrap();
        assert_stored(&registry, &content);
    }
}

#[test]
fn a_lost_commit_counts_only_if_the_digest_exists() {
    let registry = TestRegistry::start()
        .with(on("PATCH", "*").status(503).nth(2))
        .with(
            on("GET", "/v2/a/blobs/uploads/*")
                .status(204)
                .header("Range", "0-18446744073709551615"),
        );
    let content = Rng::new(1).bytes(PART + 1);

    let error = push_stream(&client(), &registry, &content[..]).unwrap_err();

    assert!(text(&error).contains("digest"), "{}", text(&error));
    assert!(registry.blobs("a").is_empty());
}

#[test]
fn a_stream_that_cannot_be_read_is_not_committed() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    for before in [0, 10, PART as u64 + 1] {
        let registry = TestRegistry::start();
        let stream = Rng::new(1).stream(before).chain(Broken);

        let error = push_stream(&client(), &registry, stream).unwrap_err();

        assert_eq!(text(&error), "read stream: the disk is on fire");
        assert!(registry.blobs("a").is_empty(), "{before}");
    }
}

#[test]
fn a_refused_stream_is_read_no_further() {
    let registry = TestRegistry::start().with(on("POST", "*").error(403, "DENIED", "no"));
    let mut stream = Rng::new(1).stream(4 * PART as u64);

    let error = push_stream(&client(), &registry, &mut stream).unwrap_err();

    assert!(text(&error).contains("denied"), "{}", text(&error));
    let left = io::copy(&mut stream, &mut io::sink()).unwrap();
    assert_eq!(left, 3 * PART as u64);
}

#[test]
fn a_server_without_chunks_is_named() {
    for status in [404, 405, 411, 415, 501] {
        let registry = TestRegistry::start().with(on("PATCH", "*").status(status));
        let content = vec![7; 6 << 20];

        let error = push_stream(&client(), &registry, content.as_slice()).unwrap_err();

        let wanted = format!(
            "response status code {status}: the registry does not accept a stream in chunks, push its content from a file instead"
        );
        assert!(text(&error).ends_with(&wanted), "{}", text(&error));
    }
}
