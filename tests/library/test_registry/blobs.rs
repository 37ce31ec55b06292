//! Blobs: full and ranged reads, and all kinds of uploads of the specification.

use std::io::Read as _;

use crate::support::registry::TestRegistry;

use super::wire::Wire;
use super::{EXCHANGE, Exchange, HELLO, HELLO_384, HELLO_512, play};

#[test]
fn blobs_support_head_ranges_and_deletion() {
    let registry = TestRegistry::start();
    registry.seed_blob("a/b", b"hello");
    play(
        &registry,
        &[
            Exchange {
                name: "ping",
                ask: "GET /v2/",
                ..EXCHANGE
            },
            Exchange {
                name: "head",
                ask: "HEAD /v2/a/b/blobs/{hello}",
                headers: &["Content-Length: 5", "Docker-Content-Digest: {hello}"],
                exactly: Some(""),
                ..EXCHANGE
            },
            Exchange {
                name: "get",
                ask: "GET /v2/a/b/blobs/{hello}",
                exactly: Some("hello"),
                ..EXCHANGE
            },
            Exchange {
                name: "range",
                ask: "GET /v2/a/b/blobs/{hello}",
                with: &["Range: bytes=1-3"],
                status: 206,
                headers: &["Content-Range: bytes 1-3/5", "Content-Length: 3"],
                exactly: Some("ell"),
                ..EXCHANGE
            },
            Exchange {
                name: "open range",
                ask: "GET /v2/a/b/blobs/{hello}",
                with: &["Range: bytes=3-"],
                status: 206,
                headers: &["Content-Range: bytes 3-4/5"],
                exactly: Some("lo"),
                ..EXCHANGE
            },
            Exchange {
                name: "last bytes",
                ask: "GET /v2/a/b/blobs/{hello}",
                with: &["Range: bytes=-2"],
                status: 206,
                exactly: Some("lo"),
                ..EXCHANGE
            },
            Exchange {
                name: "range beyond the end",
                ask: "GET /v2/a/b/blobs/{hello}",
                with: &["Range: bytes=5-9"],
                status: 416,
                headers: &["Content-Range: bytes */5"],
                ..EXCHANGE
            },
            Exchange {
                name: "absent blob",
                ask: "GET /v2/a/b/blobs/{absent}",
                status: 404,
                says: "BLOB_UNKNOWN",
                ..EXCHANGE
            },
            Exchange {
                name: "absent repository",
                ask: "GET /v2/c/blobs/{hello}",
                status: 404,
                says: "NAME_UNKNOWN",
                ..EXCHANGE
            },
            Exchange {
                name: "no digest",
                ask: "GET /v2/a/b/blobs/sha256:12",
                status: 400,
                says: "DIGEST_INVALID",
                ..EXCHANGE
            },
            Exchange {
                name: "no name",
                ask: "GET /v2/A/blobs/{hello}",
                status: 400,
                says: "NAME_INVALID",
                ..EXCHANGE
            },
            Exchange {
                name: "delete",
                ask: "DELETE /v2/a/b/blobs/{hello}",
                status: 202,
                ..EXCHANGE
            },
            Exchange {
                name: "gone",
                ask: "HEAD /v2/a/b/blobs/{hello}",
                status: 404,
                ..EXCHANGE
            },
        ],
    );
}

#[test]
fn blobs_are_pushed_in_one_request_and_mounted() {
    let registry = TestRegistry::start();
    registry.seed_blob("source", b"hello");
    play(
        &registry,
        &[
            Exchange {
                name: "single post",
                ask: "POST /v2/one/blobs/uploads/?digest={hello}",
                body: "hello",
                status: 201,
                headers: &[
                    "Location: /v2/one/blobs/{hello}",
                    "Docker-Content-Digest: {hello}",
                ],
                ..EXCHANGE
            },
            Exchange {
                name: "single post of something else",
                ask: "POST /v2/one/blobs/uploads/?digest={hello}",
                body: "jello",
                status: 400,
                says: "DIGEST_INVALID",
                ..EXCHANGE
            },
            Exchange {
                name: "mount",
                ask: "POST /v2/two/blobs/uploads/?mount={hello}&from=source",
                status: 201,
                headers: &["Location: /v2/two/blobs/{hello}"],
                ..EXCHANGE
            },
            Exchange {
                name: "mount of what is not there",
                ask: "POST /v2/two/blobs/uploads/?mount={absent}&from=source",
                status: 202,
                headers: &["Location: /v2/two/blobs/uploads/session-1?_state=s1"],
                ..EXCHANGE
            },
            Exchange {
                name: "mount and digest",
                ask: "POST /v2/two/blobs/uploads/?mount={hello}&digest={hello}",
                status: 400,
                ..EXCHANGE
            },
            Exchange {
                name: "cancel",
                ask: "DELETE /v2/two/blobs/uploads/session-1",
                status: 204,
                headers: &["!Content-Length"],
                ..EXCHANGE
            },
        ],
    );
    for repository in ["one", "two"] {
        assert_eq!(
            registry.blob(repository, HELLO).as_deref(),
            Some(&b"hello"[..]),
            "{repository}"
        );
    }
}

#[test]
fn an_upload_session_accepts_chunks_in_order_at_its_latest_location() {
    let registry = TestRegistry::start();
    play(
        &registry,
        &[
            Exchange {
                name: "open",
                ask: "POST /v2/a/blobs/uploads/",
                status: 202,
                headers: &[
                    "Location: /v2/a/blobs/uploads/session-1?_state=s1",
                    "Range: 0-0",
                ],
                ..EXCHANGE
            },
            Exchange {
                name: "chunk",
                ask: "PATCH /v2/a/blobs/uploads/session-1?_state=s1",
                with: &["Content-Range: 0-2"],
                body: "hel",
                status: 202,
                headers: &[
                    "Location: /v2/a/blobs/uploads/session-1?_state=s2",
                    "Range: 0-2",
                ],
                ..EXCHANGE
            },
            Exchange {
                name: "chunk at the wrong place",
                ask: "PATCH /v2/a/blobs/uploads/session-1?_state=s2",
                with: &["Content-Range: 2-3"],
                body: "lo",
                status: 416,
                headers: &["Range: 0-2"],
                ..EXCHANGE
            },
            Exchange {
                name: "stale location",
                ask: "PATCH /v2/a/blobs/uploads/session-1?_state=s1",
                body: "lo",
                status: 416,
                ..EXCHANGE
            },
            Exchange {
                name: "status",
                ask: "GET /v2/a/blobs/uploads/session-1?_state=s1",
                status: 204,
                headers: &[
                    "Location: /v2/a/blobs/uploads/session-1?_state=s3",
                    "Range: 0-2",
                ],
                ..EXCHANGE
            },
            Exchange {
                name: "last chunk with the commit",
                ask: "PUT /v2/a/blobs/uploads/session-1?_state=s3&digest={hello}",
                body: "lo",
                status: 201,
                headers: &["Location: /v2/a/blobs/{hello}"],
                ..EXCHANGE
            },
            Exchange {
                name: "commit twice",
                ask: "PUT /v2/a/blobs/uploads/session-1?_state=s3&digest={hello}",
                status: 404,
                says: "BLOB_UPLOAD_UNKNOWN",
                ..EXCHANGE
            },
        ],
    );
    assert_eq!(registry.blob("a", HELLO).as_deref(), Some(&b"hello"[..]));
}

#[test]
fn digests_of_three_algorithms_are_verified() {
    let registry = TestRegistry::start();
    for digest in [HELLO, HELLO_384, HELLO_512] {
        let target = format!(
            "POST /v2/a/blobs/uploads/?digest={}",
            digest.replace(':', "%3A")
        );
        assert_eq!(
            Wire::to(&registry).send(&target, &[], b"hello").status,
            201,
            "{digest}"
        );
        assert_eq!(
            Wire::to(&registry).send(&target, &[], b"jello").status,
            400,
            "{digest}"
        );
    }
    assert_eq!(registry.blobs("a"), [HELLO, HELLO_384, HELLO_512]);
    assert_eq!(
        registry.log()[0],
        format!("POST /v2/a/blobs/uploads/?digest={HELLO} (no authorization)")
    );
}

#[test]
fn bodies_may_be_chunked_and_wait_for_100_continue() {
    let registry = TestRegistry::start();
    let mut wire = Wire::to(&registry);
    let opened = format!("POST /v2/a/blobs/uploads/?digest={HELLO} HTTP/1.1\r\nHost: test\r\n");
    wire.write(
        format!("{opened}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n")
            .as_bytes(),
    );
    assert_eq!(wire.reply(false).status, 201);

    wire.write(format!("{opened}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n").as_bytes());
    assert_eq!(wire.reply(true).status, 100);
    wire.write(b"hello");
    assert_eq!(wire.reply(false).status, 201);

    let requests = registry.requests();
    assert_eq!(
        (requests[0].connection, requests[1].connection),
        (1, 1),
        "one connection for both"
    );
    assert_eq!(
        (requests[1].body_bytes, requests[1].body.as_slice()),
        (5, &b"hello"[..])
    );
    assert_eq!(requests[1].status, Some(201));
}

#[test]
fn a_large_blob_is_stored_on_disk() {
    let registry = TestRegistry::start();
    let size = 65 * 1024 * 1024;
    let digest = registry.seed_blob_from("a", std::io::repeat(b'x').take(size));
    let head = Wire::to(&registry).send(&format!("HEAD /v2/a/blobs/{digest}"), &[], b"");
    assert_eq!(head.header("Content-Length"), Some("68157440"));
    let range = format!("Range: bytes={}-{}", size - 3, size - 1);
    let end = Wire::to(&registry).send(&format!("GET /v2/a/blobs/{digest}"), &[&range], b"");
    assert_eq!((end.status, end.text().as_str()), (206, "xxx"));
}
