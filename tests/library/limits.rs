//! Limits on manifests, tag lists and error bodies of a server.

use oras::Descriptor;
use oras::copy::{CopyOptions, copy, copy_graph};
use oras::error::Error;
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::pull::{PullOptions, pull};
use oras::store::memory::MemoryStore;
use oras::store::{Source, TagLister, Target};
use oras::{MediaType, Result};
use serde_json::json;

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::registry::{Fault, RegistryProfile, TestRegistry, on};
use crate::support::tempdir::TempDir;

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// An index of `size` bytes.
fn index_of(size: usize) -> Vec<u8> {
    let mut bytes = br#"{"schemaVersion":2,"manifests":[],"annotations":{"a":""#.to_vec();
    bytes.resize(size - 3, b'x');
    bytes.extend_from_slice(b"\"}}");
    bytes
}

fn read(registry: &TestRegistry, limit: u64) -> Result<usize> {
    let client = builder().max_manifest_bytes(limit).build();
    let repository = client.repository(&registry.reference("a"))?;
    let manifest = repository.fetch_manifest_by_reference("v1", limit)?;
    Ok(manifest.bytes().len())
}

fn registry_with(bytes: &[u8], fault: Fault) -> TestRegistry {
    let registry = TestRegistry::start().with(fault);
    registry.seed_manifest("a", INDEX_TYPE, bytes, Some("v1"));
    registry
}

#[test]
fn a_manifest_of_the_maximum_size_is_read_and_a_larger_one_is_refused() {
    let limit = usize::try_from(MAX_MANIFEST_BYTES).unwrap();
    let no_fault = || on("GET", "nowhere");

    let fits = registry_with(&index_of(limit), no_fault());
    assert_eq!(read(&fits, MAX_MANIFEST_BYTES).unwrap(), limit);

    for (name, fault) in [
        ("with Content-Length", no_fault()),
        ("chunked", on("GET", "*").chunked()),
    ] {
        let exceeds = registry_with(&index_of(limit + 1), fault);
        let error = read(&exceeds, MAX_MANIFEST_BYTES).unwrap_err();
        assert_eq!(
            text(&error),
            "content size 4194305 exceeds MaxMetadataBytes 4194304: size exceeds limit",
            "{name}"
        );
        assert_eq!(exceeds.log().len(), 1, "{name}");
    }
}

#[test]
fn an_endless_manifest_is_read_up_to_the_limit() {
    let registry = registry_with(b"{}", on("GET", "*").endless_body());

    let error = read(&registry, 1000).unwrap_err();

    assert!(
        matches!(error, Error::TooLarge { limit: 1000, .. }),
        "{error:?}"
    );
}

#[test]
fn the_largest_limit_does_not_overflow() {
    let registry = registry_with(&index_of(1000), on("GET", "*").chunked());

    assert_eq!(read(&registry, u64::MAX).unwrap(), 1000);
}

#[test]
fn a_manifest_over_the_limit_is_not_pushed() {
    let registry = TestRegistry::start();
    let client = builder().max_manifest_bytes(999).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let bytes = index_of(1000);
    let index = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);

    let error = repository
        .push_reference(&index, &mut bytes.as_slice(), "v1")
        .unwrap_err();

    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    assert!(registry.log().is_empty());
}

/// A registry with an index over the default limit: as `v1`, and within another index as `v2`.
fn registry_with_a_large_index() -> (TestRegistry, u64) {
    let bytes = index_of(usize::try_from(MAX_MANIFEST_BYTES).unwrap() + 1);
    let size = bytes.len() as u64;
    let registry = registry_with(&bytes, on("GET", "nowhere"));
    let large = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
    let outer = json!({ "schemaVersion": 2, "manifests": [large] }).to_string();
    registry.seed_manifest("a", INDEX_TYPE, outer.as_bytes(), Some("v2"));
    (registry, size)
}

#[test]
fn a_copy_has_its_own_limit_on_manifests() {
    let (registry, size) = registry_with_a_large_index();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    for reference in ["v1", "v2"] {
        let copy_with = |max_manifest_bytes| {
            let mut options = CopyOptions::default();
            options.limits.max_manifest_bytes = max_manifest_bytes;
            copy(
                &repository,
                reference,
                &MemoryStore::new(),
                None,
                &mut options,
            )
            .map(drop)
        };
        copy_with(size).unwrap();
        let error = copy_with(size - 1).unwrap_err();
        assert!(
            matches!(error.root(), Error::TooLarge { limit, .. } if *limit == size - 1),
            "{error:?}"
        );
    }
}

#[test]
fn tagging_an_existing_manifest_uses_the_limit_of_the_copy() {
    let (registry, size) = registry_with_a_large_index();
    let target = TestRegistry::start_as(RegistryProfile {
        max_manifest_bytes: size,
        ..RegistryProfile::default()
    });
    let bytes = index_of(usize::try_from(size).unwrap());
    target.seed_manifest("a", INDEX_TYPE, &bytes, None);
    let clients = [client(), builder().max_manifest_bytes(size).build()];
    let from = clients[0].repository(&registry.reference("a")).unwrap();
    let to = clients[1].repository(&target.reference("a")).unwrap();
    let mut options = CopyOptions::default();
    options.limits.max_manifest_bytes = size;

    let large = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
    copy_graph(&from, &to, &large, Some("v1"), &mut options).unwrap();

    assert_eq!(target.tags("a"), ["v1"]);
}

#[test]
fn a_pull_has_its_own_limit_on_manifests() {
    let (registry, size) = registry_with_a_large_index();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();

    for reference in ["v1", "v2"] {
        let pull_with = |max_manifest_bytes| {
            let mut options = updated!(PullOptions {
                output: directory.path().to_owned(),
                ..PullOptions::default()
            });
            options.limits.max_manifest_bytes = max_manifest_bytes;
            pull(&repository, reference, options).map(drop)
        };
        pull_with(size).unwrap();
        pull_with(size - 1).unwrap_err();
    }
}

#[test]
fn a_pull_limits_the_total_size_of_manifests() {
    let (registry, size) = registry_with_a_large_index();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();
    let mut options = updated!(PullOptions {
        output: directory.path().to_owned(),
        ..PullOptions::default()
    });
    options.limits.max_manifest_bytes = size;
    options.limits.max_metadata_bytes = size;

    let error = pull(&repository, "v2", options).unwrap_err();

    assert!(
        text(&error).contains("exceeds MaxTotalMetadataBytes 4194305"),
        "{}",
        text(&error)
    );
}

#[test]
fn an_endless_tag_list_is_read_up_to_the_limit() {
    let registry = TestRegistry::start().with(on("GET", "*").endless_body());
    registry.seed_repository("a");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository
        .tags(None, &mut |_| std::ops::ControlFlow::Continue(()))
        .unwrap_err();

    assert_eq!(
        text(&error),
        "tag list size 4194305 exceeds MaxPageBytes 4194304: size exceeds limit"
    );
}

#[test]
fn an_endless_error_body_is_cut_off() {
    let registry = TestRegistry::start().with(
        on("GET", "*")
            .status(404)
            .header("Content-Type", "text/plain")
            .body("x".repeat(100_000))
            .endless_body(),
    );
    registry.seed_blob("a", b"hello");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.fetch(&hello()).map(drop).unwrap_err();
    assert!(error.is_not_found());

    registry.heal();
    registry.inject(
        on("GET", "*")
            .status(418)
            .header("Content-Type", "text/plain")
            .body("y".repeat(100_000))
            .endless_body(),
    );
    let error = repository.fetch(&hello()).map(drop).unwrap_err();
    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/a/blobs/{HELLO}\": response status code 418: {}…",
            registry.url(),
            "y".repeat(200)
        )
    );
}

#[test]
fn endless_bodies_of_redirects_and_uploads_are_not_read() {
    let registry = TestRegistry::start()
        .with(
            on("GET", "/v2/a/*")
                .redirect(307, &format!("/v2/b/blobs/{HELLO}"))
                .endless_body(),
        )
        .with(on("POST", "*").endless_body())
        .with(on("PUT", "*").endless_body());
    registry.seed_blob("b", b"hello");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    assert_eq!(
        repository.fetch(&hello()).unwrap().read_all(5).unwrap(),
        b"hello"
    );
    repository.push(&hello(), &mut &b"hello"[..]).unwrap();
}

#[test]
fn a_claimed_size_does_not_decide_the_allocation() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let enormous = Descriptor::new(hello().media_type, hello().digest, u64::MAX);

    let error = repository
        .fetch(&enormous)
        .and_then(|reader| reader.read_all(u64::MAX))
        .unwrap_err();

    assert!(error.is_verification(), "{error:?}");
    registry.inject(on("GET", "*").chunked());
    let error = repository
        .fetch(&enormous)
        .and_then(|reader| reader.read_all(u64::MAX))
        .unwrap_err();
    assert!(
        matches!(error, Error::Refused(_) | Error::Transport { .. }),
        "the request for the rest fails: {error:?}"
    );
}

#[test]
fn control_characters_in_an_error_message_are_removed() {
    let registry = TestRegistry::start().with(on("GET", "*").error(
        403,
        "DENIED\u{1b}[2J",
        "\u{1b}]0;title\u{7}no\r\nnext line",
    ));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.fetch(&hello()).map(drop).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/a/blobs/{HELLO}\": response status code 403: denied[2j: ]0;titleno  next line",
            registry.url()
        )
    );
}
