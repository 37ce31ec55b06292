//! The blobs and manifests endpoints as stores of their own, whatever the media types are.

use std::io::Read as _;

use oras::error::IoOp;
use oras::registry::{Blobs, Client, Manifests};
use oras::store::{Pushed, Source, Target};
use oras::{Descriptor, Error, MediaType};

use crate::setup::{ABSENT, HELLO, builder, client, hello, text};
use crate::support::registry::{Fault, TestRegistry, on};

const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

fn with_hello(fault: Option<Fault>) -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    fault.into_iter().fold(registry, TestRegistry::with)
}

fn blobs(client: &Client, registry: &TestRegistry) -> Blobs {
    let repository = client.repository(&registry.reference("a")).unwrap();
    repository.into_blobs()
}

fn manifests(client: &Client, registry: &TestRegistry) -> Manifests {
    let repository = client.repository(&registry.reference("a")).unwrap();
    repository.into_manifests()
}

/// Reads a blob by its digest.
fn fetch(registry: &TestRegistry) -> Result<(Descriptor, Vec<u8>), Error> {
    let client = client();
    let blobs = blobs(&client, registry);
    let (descriptor, mut reader) = blobs.fetch_reference(HELLO, 0)?;
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(Error::io(IoOp::Read, "blob"))?;
    Ok((descriptor, bytes))
}

#[test]
fn resolving_a_blob_sends_one_head_request() {
    let registry = with_hello(None);

    let descriptor = blobs(&client(), &registry).resolve(HELLO).unwrap();

    assert_eq!(descriptor, hello());
    assert_eq!(
        registry.log(),
        [format!("HEAD /v2/a/blobs/{HELLO} (no authorization)")]
    );
}

#[test]
fn reading_a_blob_sends_one_get_request() {
    let registry = with_hello(None);

    let (descriptor, bytes) = fetch(&registry).unwrap();

    assert_eq!((descriptor, bytes.as_slice()), (hello(), &b"hello"[..]));
    assert_eq!(
        registry.log(),
        [format!("GET /v2/a/blobs/{HELLO} (no authorization)")]
    );
}

#[test]
fn the_media_type_is_the_content_type_of_the_response() {
    let fault = on("*", "/v2/a/blobs/*").header("Content-Type", "text/plain; charset=utf-8");
    let registry = with_hello(Some(fault));

    let described = blobs(&client(), &registry).resolve(HELLO).unwrap();
    let (read, _) = fetch(&registry).unwrap();

    assert_eq!(described.media_type.as_str(), "text/plain");
    assert_eq!(read.media_type.as_str(), "text/plain");
}

#[test]
fn a_response_without_a_size_is_followed_by_the_other_method() {
    let head = || on("HEAD", "/v2/a/blobs/*");
    for fault in [
        head().no_length(),
        head().status(405),
        head().status(403),
        head().status(501),
    ] {
        let registry = with_hello(Some(fault));

        let descriptor = blobs(&client(), &registry).resolve(HELLO).unwrap();

        assert_eq!(descriptor, hello());
        assert_eq!(registry.log().len(), 2);
    }
    let registry = with_hello(Some(on("GET", "/v2/a/blobs/*").chunked()));

    let (descriptor, bytes) = fetch(&registry).unwrap();

    assert_eq!((descriptor, bytes.as_slice()), (hello(), &b"hello"[..]));
    assert_eq!(registry.log().len(), 2);
}

#[test]
fn a_size_that_no_response_states_is_an_error() {
    let registry = with_hello(None)
        .with(on("HEAD", "*").no_length())
        .with(on("GET", "*").chunked());

    let error = fetch(&registry).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/a/blobs/{HELLO}\": the answer does not say how large the blob is",
            registry.url()
        )
    );
}

#[test]
fn responses_with_other_content_are_refused() {
    let get = || on("GET", "/v2/a/blobs/*");
    for (name, fault) in [
        ("a flipped byte", get().flip_byte(1)),
        ("other content", get().body("other")),
        ("a login page", get().html_page()),
    ] {
        let error = fetch(&with_hello(Some(fault))).unwrap_err();

        assert!(error.is_verification(), "{name}: {}", text(&error));
    }
    let head = || on("HEAD", "/v2/a/blobs/*");
    for (fault, wanted) in [
        (
            on("*", "/v2/a/blobs/*").html_page(),
            "the answer is a web page, not a blob".to_owned(),
        ),
        (
            head().header("Docker-Content-Digest", ABSENT),
            format!("the answer is about another blob, {ABSENT}"),
        ),
    ] {
        let registry = with_hello(Some(fault));

        let error = blobs(&client(), &registry).resolve(HELLO).unwrap_err();

        assert!(text(&error).ends_with(&wanted), "{}", text(&error));
    }
}

#[test]
fn an_interrupted_blob_is_resumed() {
    let registry = with_hello(Some(on("GET", "*").close_after(2).nth(1)));

    let (_, bytes) = fetch(&registry).unwrap();

    assert_eq!(bytes, b"hello");
    assert_eq!(registry.log().len(), 2);
}

#[test]
fn the_error_of_a_missing_blob_has_its_full_reference() {
    let registry = with_hello(None);
    let client = client();
    let blobs = blobs(&client, &registry);

    for error in [
        blobs.resolve(ABSENT).unwrap_err(),
        blobs.fetch_reference(ABSENT, 0).map(drop).unwrap_err(),
    ] {
        assert!(error.is_not_found());
        assert_eq!(
            text(&error),
            format!("{}/a@{ABSENT}: not found", registry.host())
        );
    }
}

#[test]
fn a_blob_can_be_neither_resolved_by_tag_nor_tagged() {
    let registry = with_hello(None);
    let client = client();
    let blobs = blobs(&client, &registry);

    assert!(matches!(
        blobs.resolve("v1"),
        Err(Error::InvalidInput {
            input: oras::error::Input::Digest,
            ..
        })
    ));
    assert!(matches!(
        blobs.tag(&hello(), "v1"),
        Err(Error::Unsupported { .. })
    ));
    assert!(registry.log().is_empty());
}

#[test]
fn a_blob_with_a_manifest_type_is_pushed_as_a_blob() {
    let registry = TestRegistry::start();
    let client = client();
    let blobs = blobs(&client, &registry);
    let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, INDEX);

    assert!(!blobs.exists(&descriptor).unwrap());
    let pushed = blobs.push(&descriptor, &mut &*INDEX).unwrap();

    assert_eq!(pushed, Pushed::Stored);
    assert!(blobs.exists(&descriptor).unwrap());
    let digest = descriptor.digest.as_str();
    assert_eq!(registry.blob("a", digest).as_deref(), Some(INDEX));
    assert_eq!(registry.manifest("a", digest), None);
    let read = blobs.fetch(&descriptor).unwrap().read_all(100).unwrap();
    assert_eq!(read, INDEX);
}

#[test]
fn a_manifest_of_an_unknown_type_is_pushed_as_a_manifest() {
    let registry = TestRegistry::start();
    let media_type = MediaType::from("application/vnd.me.list");
    let client = builder().accept_manifests([media_type.clone()]).build();
    let manifests = manifests(&client, &registry);
    let descriptor = Descriptor::of(media_type, INDEX);

    assert!(!manifests.exists(&descriptor).unwrap());
    manifests
        .push_reference(&descriptor, &mut &*INDEX, "v1")
        .unwrap();

    assert_eq!(manifests.resolve("v1").unwrap(), descriptor);
    assert!(manifests.exists(&descriptor).unwrap());
    let read = manifests.fetch(&descriptor).unwrap().read_all(100).unwrap();
    assert_eq!(read, INDEX);
    assert_eq!(
        registry.log()[1],
        "PUT /v2/a/manifests/v1 (no authorization)"
    );
    manifests.push(&descriptor, &mut &*INDEX).unwrap();
    manifests.tag(&descriptor, "v2").unwrap();
    assert_eq!(manifests.resolve("v2").unwrap(), descriptor);
}

#[test]
fn the_digest_of_other_content_is_not_a_valid_reference() {
    let registry = TestRegistry::start();
    let client = client();
    let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, INDEX);

    let error = manifests(&client, &registry)
        .push_reference(&descriptor, &mut &*INDEX, ABSENT)
        .unwrap_err();

    assert!(matches!(error, Error::InvalidReference { .. }));
    assert!(registry.log().is_empty());
}
