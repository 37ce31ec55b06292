//! Faults: each has its effect and no other.

use std::io::Read as _;
use std::time::Duration;

use crate::support::registry::{RegistryProfile, TestRegistry, on};

use super::wire::Wire;
use super::{ABSENT, HELLO, INDEX};

#[test]
fn faults_replace_responses() {
    let other = TestRegistry::start();
    let registry = TestRegistry::start()
        .with(on("GET", "/v2/a/blobs/*").redirect_to(&other))
        .with(
            on("*", "/v2/b/*")
                .error(429, "TOOMANYREQUESTS", "slow down")
                .retry_after(7)
                .times(1),
        )
        .with(on("GET", "/v2/c/tags/list?n=*").html_page())
        .with(on("GET", "/v2/d/tags/list").close().nth(2));
    registry.seed_repository("b");
    registry.seed_repository("d");
    let mut wire = Wire::to(&registry);

    let redirect = wire.send(&format!("GET /v2/a/blobs/{HELLO}"), &[], b"");
    let expected = format!("{}/v2/a/blobs/{HELLO}", other.url());
    assert_eq!(
        (redirect.status, redirect.header("Location")),
        (307, Some(expected.as_str()))
    );
    let slow = wire.send("GET /v2/b/tags/list", &[], b"");
    assert_eq!((slow.status, slow.header("Retry-After")), (429, Some("7")));
    assert!(slow.text().contains("TOOMANYREQUESTS"));
    assert_eq!(
        wire.send("GET /v2/b/tags/list", &[], b"").status,
        200,
        "once only"
    );
    let page = wire.send("GET /v2/c/tags/list?n=5", &[], b"");
    assert_eq!(
        (page.status, page.header("Content-Type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert_eq!(wire.send("GET /v2/d/tags/list", &[], b"").status, 200);
    wire.write(b"GET /v2/d/tags/list HTTP/1.1\r\n\r\n");
    assert!(wire.is_closed(), "the second time");
    assert_eq!(
        Wire::to(&registry)
            .send("GET /v2/d/tags/list", &[], b"")
            .status,
        200
    );
}

#[test]
fn faults_damage_responses() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let get = format!("GET /v2/a/blobs/{HELLO}");
    let spoiled = |fault| {
        registry.heal();
        registry.inject(fault);
        Wire::to(&registry).send(&get, &["Range: bytes=0-4"], b"")
    };
    let blob = || on("GET", "/v2/a/blobs/*");

    let reply = spoiled(blob().close_after(2));
    assert_eq!(
        (
            reply.header("Content-Length"),
            reply.text().as_str(),
            reply.broken
        ),
        (Some("5"), "he", true)
    );
    assert_eq!(spoiled(blob().flip_byte(1)).body, b"h\x9allo");
    let reply = spoiled(blob().wrong_length(3));
    assert_eq!(
        (reply.header("Content-Length"), reply.broken),
        (Some("8"), true)
    );
    let reply = spoiled(blob().wrong_length(-3));
    assert_eq!(
        (reply.header("Content-Length"), reply.text().as_str()),
        (Some("2"), "he")
    );
    let reply = spoiled(blob().chunked());
    assert_eq!(
        (
            reply.header("Content-Length"),
            reply.text().as_str(),
            reply.broken
        ),
        (None, "hello", false)
    );
    let reply = spoiled(blob().no_length());
    assert_eq!(
        (reply.header("Content-Length"), reply.text().as_str()),
        (None, "hello")
    );
    assert_eq!(
        spoiled(blob().wrong_digest_header()).header("Docker-Content-Digest"),
        Some(ABSENT)
    );
    assert_eq!(
        spoiled(blob().no_digest_header()).header("Docker-Content-Digest"),
        None
    );
    assert_eq!(spoiled(blob().ignoring("Range")).status, 200);
    assert_eq!(
        spoiled(blob().slow_body(Duration::from_millis(1))).text(),
        "hello"
    );
}

#[test]
fn an_endless_body_ends_with_its_reader_and_with_the_registry() {
    let registry = TestRegistry::start().with(on("GET", "/v2/a/tags/list").endless_body());
    registry.seed_repository("a");
    let mut wire = Wire::to(&registry);
    wire.write(b"GET /v2/a/tags/list HTTP/1.1\r\n\r\n");
    let mut beginning = vec![0; 1024 * 1024];
    wire.reader
        .read_exact(&mut beginning)
        .expect("there is always more");
    drop(registry);
    let mut rest = Vec::new();
    // The registry has ended and closed the connection, so reading ends, with or without an error.
    let _ = wire.reader.read_to_end(&mut rest);
}

#[test]
fn faults_change_locations_links_and_pages() {
    let other = TestRegistry::start();
    let registry = TestRegistry::start_as(RegistryProfile {
        page_size: Some(1),
        ..RegistryProfile::default()
    })
    .with(on("POST", "/v2/*/blobs/uploads/").location_at(&other))
    .with(on("GET", "/v2/*/tags/list").link_at(&other).drop_page());
    registry.seed_manifest("a", INDEX, b"{}", Some("x"));
    registry.seed_manifest("a", INDEX, b"{}", Some("y"));
    let mut wire = Wire::to(&registry);
    let expected = format!("{}/v2/a/blobs/uploads/session-1?_state=s1", other.url());
    assert_eq!(
        wire.send("POST /v2/a/blobs/uploads/", &[], b"")
            .header("Location"),
        Some(expected.as_str())
    );
    let page = wire.send("GET /v2/a/tags/list", &[], b"");
    let expected = format!("<{}/v2/a/tags/list?last=x>; rel=\"next\"", other.url());
    assert_eq!(page.header("Link"), Some(expected.as_str()));
    assert_eq!(page.text(), r#"{"name":"a","tags":[]}"#);
}

#[test]
fn a_broken_upload_continues_at_its_offset() {
    let registry = TestRegistry::start().with(on("PATCH", "*").close_after_receiving(3).times(1));
    let mut wire = Wire::to(&registry);
    wire.send("POST /v2/a/blobs/uploads/", &[], b"");
    wire.write(
        b"PATCH /v2/a/blobs/uploads/session-1?_state=s1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert!(wire.is_closed());
    let mut wire = Wire::to(&registry);
    let status = wire.send("GET /v2/a/blobs/uploads/session-1?_state=s1", &[], b"");
    assert_eq!((status.status, status.header("Range")), (204, Some("0-2")));
    let location = status.header("Location").expect("where it goes on");
    let commit = format!("PUT {location}&digest={HELLO}");
    assert_eq!(
        wire.send(&commit, &["Content-Range: 3-4"], b"lo").status,
        201
    );
}

#[test]
fn a_lost_response_does_not_undo_the_request() {
    let registry = TestRegistry::start().with(on("PUT", "*/manifests/*").lose_response());
    let mut wire = Wire::to(&registry);
    wire.write(format!("PUT /v2/a/manifests/v1 HTTP/1.1\r\nContent-Type: {INDEX}\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes());
    assert!(wire.is_closed());
    assert_eq!(registry.tags("a"), ["v1"]);
}

#[test]
fn faults_apply_after_authorization_by_default() {
    let registry =
        TestRegistry::requiring_token("t0k3n").with(on("GET", "/v2/").status(503).nth(1));
    let mut wire = Wire::to(&registry);
    assert_eq!(wire.send("GET /v2/", &[], b"").status, 401);
    assert_eq!(
        wire.send("GET /v2/", &["Authorization: Bearer t0k3n"], b"")
            .status,
        503
    );
    assert_eq!(
        wire.send("GET /v2/", &["Authorization: Bearer t0k3n"], b"")
            .status,
        200
    );
    registry.inject(on("GET", "/v2/").status(503).before_authorization());
    assert_eq!(wire.send("GET /v2/", &[], b"").status, 503);
}

#[test]
fn an_early_response_comes_before_the_request_body() {
    let registry = TestRegistry::start().with(on("PATCH", "*").status(413).before_body());
    let mut wire = Wire::to(&registry);
    wire.write(b"PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
    assert_eq!(wire.reply(false).status, 413);
    assert!(wire.is_closed());
}
