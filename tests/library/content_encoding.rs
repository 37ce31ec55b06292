//! Responses that are encoded although the client accepts no encoding, and blobs that are labelled
//! as encoded or as web pages.

use std::io::Write;
use std::ops::ControlFlow;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use oras::Result;
use oras::registry::Repository;
use oras::store::{Source, TagLister};

use crate::setup::{HELLO, blob, client, hello, text};
use crate::support::registry::{TestRegistry, on};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tags(repository: &Repository) -> Result<Vec<String>> {
    let mut tags = Vec::new();
    repository.tags(None, &mut |page| {
        tags.extend_from_slice(page);
        ControlFlow::Continue(())
    })?;
    Ok(tags)
}

#[test]
fn encoded_content_is_decoded() {
    for (coding, encode) in [
        ("gzip", gzip as fn(&[u8]) -> Vec<u8>),
        ("X-GZIP", gzip),
        ("deflate", zlib),
        ("identity", <[u8]>::to_vec),
    ] {
        let encoded = |path: &str, bytes: &[u8]| {
            (on("GET", path).body(encode(bytes))).header("Content-Encoding", coding)
        };
        let registry = TestRegistry::start();
        registry.seed_blob("a", b"hello");
        registry.inject(encoded("/v2/a/blobs/*", b"hello"));
        registry.inject(encoded("/v2/a/tags/*", br#"{"tags":["v1"]}"#));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();

        assert_eq!(content, b"hello", "{coding}");
        assert_eq!(tags(&repository).unwrap(), ["v1"], "{coding}");
    }
}

#[test]
fn an_unknown_encoding_is_named() {
    let fault = on("GET", "/v2/a/*")
        .header("Content-Encoding", "br")
        .body("?");
    let registry = TestRegistry::start().with(fault);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    for error in [
        tags(&repository).unwrap_err(),
        repository.fetch(&hello()).map(drop).unwrap_err(),
    ] {
        let wanted = "its content is encoded as \"br\", which was not requested";
        assert!(text(&error).ends_with(wanted), "{}", text(&error));
    }
}

/// Storages label `.tar.gz` files so, and send them as they are.
#[test]
fn a_blob_of_its_own_size_is_read_as_stored() {
    let stored = gzip(b"some content of an archive");
    let registry = TestRegistry::start();
    registry.seed_blob("a", &stored);
    registry.inject(on("GET", "*").header("Content-Encoding", "gzip"));
    // The rest of a broken blob is labelled too.
    registry.inject(on("GET", "*").close_after(2).nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let target = blob(&stored);
    let content = repository.fetch(&target).unwrap().read_all(100).unwrap();

    assert_eq!(content, stored);
    assert_eq!(
        registry.requests()[1].header("Range").unwrap(),
        format!("bytes=2-{}", stored.len() - 1)
    );
}

/// A range of encoded content is not one of the content.
#[test]
fn encoded_content_that_breaks_is_requested_again_from_its_beginning() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let encoded = on("GET", "*").body(gzip(b"hello"));
    registry.inject(encoded.header("Content-Encoding", "gzip"));
    registry.inject(on("GET", "*").close_after(12).nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();

    assert_eq!(content, b"hello");
    let requests = registry.requests();
    assert!(requests.len() > 1 && requests.iter().all(|it| it.header("Range").is_none()));
}

/// zot sends blobs with the media type from their manifest.
#[test]
fn a_blob_may_have_the_type_of_a_web_page() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    registry.inject(on("*", "/v2/a/blobs/*").header("Content-Type", "text/html"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    assert!(repository.exists(&hello()).unwrap());
    let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();
    assert_eq!(content, b"hello");

    registry.inject(on("*", "/v2/a/blobs/*").no_digest_header());
    let blobs = client
        .repository(&registry.reference("a"))
        .unwrap()
        .into_blobs();
    assert_eq!(blobs.resolve(HELLO).unwrap().size, 5);
}

#[test]
fn a_web_page_instead_of_content_is_said_to_be_one() {
    let registry = TestRegistry::start().with(on("*", "*").html_page());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = tags(&repository).unwrap_err();
    assert!(text(&error).ends_with("the answer is a web page, not a tag list"));
    let error = repository.exists(&hello()).unwrap_err();
    assert!(text(&error).ends_with("the answer is a web page, not a blob"));
    let error = repository.fetch(&hello()).map(drop).unwrap_err();
    assert!(error.is_verification());
    assert!(text(&error).starts_with("the answer looks like a web page"));
}

#[test]
fn a_wait_that_is_too_long_is_in_the_error() {
    for (wait, wanted) in [
        ("3600", "too many (retry after 3600 seconds)"),
        (
            "Wed, 21 Oct 2065 07:28:00 GMT",
            "too many (retry after Wed, 21 Oct 2065 07:28:00 GMT)",
        ),
        ("1", "too many"),
    ] {
        let fault = on("*", "*").error(429, "TOOMANYREQUESTS", "too many");
        let registry = TestRegistry::start().with(fault.header("Retry-After", wait));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = tags(&repository).unwrap_err();

        assert!(text(&error).ends_with(wanted), "{}", text(&error));
    }
}
