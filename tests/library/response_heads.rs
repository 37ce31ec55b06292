//! Response heads that servers and proxies send although HTTP discourages or forbids them.

use oras::store::{Source, Target};

use crate::setup::{LARGE, blob, client, hello, text};
use crate::support::registry::{Fault, TestRegistry, on};

/// Bytes of the large blob, more than a connection buffers.
const SIZE: usize = LARGE;

fn large() -> Vec<u8> {
    (0_u8..=250).cycle().take(SIZE).collect()
}

/// A name, and a function that adds the effect under test to the responses that a fault matches.
type UnusualHead = (&'static str, fn(Fault) -> Fault);

fn unusual_heads() -> Vec<UnusualHead> {
    vec![
        ("100 Continue that no request waits for", |fault| {
            fault.before_head("HTTP/1.1 100 Continue\r\n\r\n")
        }),
        ("102 Processing, three times", |fault| {
            fault.before_head(&"HTTP/1.1 102 Processing\r\n\r\n".repeat(3))
        }),
        ("103 Early Hints with a header", |fault| {
            fault.before_head("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")
        }),
        ("empty lines before the status line", |fault| {
            fault.before_head("\r\n\n")
        }),
        ("a folded header", |fault| {
            fault.raw_lines("X-Policy: a;\r\n  b;\r\n\tc\r\n")
        }),
        ("150 headers", |fault| {
            let lines = (0..150).map(|number| format!("X-{number}: v\r\n"));
            fault.raw_lines(&lines.collect::<String>())
        }),
        ("a header of 200 KiB", |fault| {
            fault.raw_lines(&format!("X-Long: {}\r\n", "x".repeat(200 * 1024)))
        }),
        ("a line that is not a header", |fault| {
            fault.raw_lines("garbage\r\nX Y: z\r\n: z\r\n")
        }),
        ("a control character", |fault| {
            fault.raw_lines("X-A: a\u{1}b\r\n")
        }),
    ]
}

#[test]
fn content_is_pulled_whatever_the_head_of_the_response() {
    let content = large();
    let descriptor = blob(&content);
    for (name, effect) in unusual_heads() {
        let registry = TestRegistry::start();
        registry.seed_blob("a", &content);
        registry.inject(effect(on("*", "*")));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        // Twice, so that a connection is reused.
        for _ in 0..2 {
            let pulled = repository.fetch(&descriptor).unwrap().read_all(SIZE as u64);
            assert!(pulled.unwrap() == content, "{name}");
        }
    }
}

#[test]
fn content_is_pushed_whatever_the_head_of_the_response() {
    let content = large();
    let descriptor = blob(&content);
    for (name, effect) in unusual_heads() {
        let registry = TestRegistry::start();
        registry.inject(effect(on("*", "*")));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        repository
            .push(&descriptor, &mut content.as_slice())
            .unwrap();

        assert!(repository.exists(&descriptor).unwrap(), "{name}");
    }
}

#[test]
fn a_repeated_length_is_accepted_and_lengths_that_differ_are_not() {
    for (lines, is_accepted) in [
        ("Content-Length: 5\r\n", true),
        ("content-length: 5, 5\r\n", true),
        ("Content-Length: 6\r\n", false),
    ] {
        let registry = TestRegistry::start();
        registry.seed_blob("a", b"hello");
        registry.inject(on("GET", "/v2/a/blobs/*").raw_lines(lines));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let pulled = repository
            .fetch(&hello())
            .and_then(|content| content.read_all(5));

        match pulled {
            Ok(content) => assert!(is_accepted && content == b"hello", "{lines:?}"),
            Err(error) => assert!(!is_accepted, "{lines:?}: {}", text(&error)),
        }
    }
}

#[test]
fn interim_responses_without_end_are_an_error() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(1001);
    registry.inject(on("GET", "/v2/a/blobs/*").before_head(&interim));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.fetch(&hello()).map(drop).unwrap_err();

    assert!(
        text(&error).contains("interim responses"),
        "{}",
        text(&error)
    );
}
