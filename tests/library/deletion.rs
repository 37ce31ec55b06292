//! Deletion of blobs and manifests through their own stores, whatever the media type.

use oras::credentials::Fixed;
use oras::registry::{Blobs, Manifests, ReferrersMode};
use oras::store::{Delete, Source};
use oras::{Credential, Descriptor, Error};

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::registry::{TestRegistry, on, sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

fn with_blobs<T>(registry: &TestRegistry, test: impl FnOnce(&Blobs) -> T) -> T {
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    test(&repository.with_delete_scope().into_blobs())
}

fn with_manifests<T>(registry: &TestRegistry, test: impl FnOnce(&Manifests) -> T) -> T {
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    test(&repository.with_delete_scope().into_manifests())
}

#[test]
fn a_blob_is_found_by_one_head_and_deleted_by_one_delete() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");

    let found = with_blobs(&registry, |blobs| {
        let found = blobs.resolve(HELLO).unwrap();
        blobs.delete(&found).unwrap();
        assert!(blobs.resolve(HELLO).unwrap_err().is_not_found());
        found
    });

    assert_eq!(found, hello());
    assert_eq!(
        registry.log()[..2],
        [
            format!("HEAD /v2/a/blobs/{HELLO} (no authorization)"),
            format!("DELETE /v2/a/blobs/{HELLO} (no authorization)"),
        ]
    );
}

/// Otherwise a registry could turn the deletion of a blob into that of a manifest.
#[test]
fn a_blob_is_deleted_as_a_blob_despite_its_content_type() {
    let registry = TestRegistry::start().with(on("HEAD", "*").header("Content-Type", MANIFEST));
    registry.seed_blob("a", b"hello");

    with_blobs(&registry, |blobs| {
        let found = blobs.resolve(HELLO).unwrap();
        assert_eq!(found.media_type.as_str(), MANIFEST);
        blobs.delete(&found).unwrap();
    });

    assert_eq!(
        registry.log()[1],
        format!("DELETE /v2/a/blobs/{HELLO} (no authorization)")
    );
}

#[test]
fn a_manifest_of_an_unknown_media_type_is_deleted_as_a_manifest() {
    let registry = TestRegistry::start();
    let digest = registry.seed_manifest("a", "application/vnd.me+json", INDEX, Some("v1"));

    with_manifests(&registry, |manifests| {
        let target = Descriptor::new(
            "application/vnd.me+json".into(),
            digest.parse().unwrap(),
            INDEX.len() as u64,
        );
        manifests.delete(&target).unwrap();
    });

    assert_eq!(registry.tags("a"), [""; 0]);
    assert_eq!(
        registry.log().last().unwrap(),
        &format!("DELETE /v2/a/manifests/{digest} (no authorization)")
    );
}

#[test]
fn deletion_respects_the_referrers_mode() {
    let registry = TestRegistry::start();
    let digest = registry.seed_manifest("a", MANIFEST, INDEX, Some("v1"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let manifests = repository
        .with_delete_scope()
        .with_referrers_mode(ReferrersMode::Api)
        .into_manifests();

    let found = manifests.resolve("v1").unwrap();
    manifests.delete(&found).unwrap();

    assert_eq!(
        registry.log(),
        [
            "HEAD /v2/a/manifests/v1 (no authorization)".to_owned(),
            format!("DELETE /v2/a/manifests/{digest} (no authorization)"),
        ]
    );
}

#[test]
fn blobs_have_no_tags_to_delete() {
    let registry = TestRegistry::start();
    registry.seed_manifest("a", MANIFEST, INDEX, Some("v1"));
    registry.seed_manifest("a", MANIFEST, INDEX, Some("v2"));

    let error = with_blobs(&registry, |blobs| blobs.untag("v1").unwrap_err());
    with_manifests(&registry, |manifests| manifests.untag("v1").unwrap());

    assert_eq!(text(&error), "v1: not found");
    assert_eq!(registry.tags("a"), ["v2"]);
}

#[test]
fn a_digest_header_of_another_blob_is_an_error() {
    let registry = TestRegistry::start().with(on("HEAD", "*").wrong_digest_header());
    registry.seed_blob("a", b"hello");
    let error = with_blobs(&registry, |blobs| blobs.resolve(HELLO).unwrap_err());
    assert!(matches!(error, Error::Protocol { .. }), "{error}");

    let registry = TestRegistry::start().with(on("HEAD", "*").status(405));
    registry.seed_blob("a", b"hello");
    let found = with_blobs(&registry, |blobs| blobs.resolve(HELLO).unwrap());
    assert_eq!(found.digest.as_str(), sha256(b"hello"));
    assert_eq!(found.size, 5);
}

#[test]
fn a_deletion_whose_response_was_lost_before_an_authentication_succeeds() {
    let registry = TestRegistry::start()
        .with(on("DELETE", "*").lose_response().nth(1))
        .with(
            on("DELETE", "*")
                .error(401, "UNAUTHORIZED", "expired")
                .header("WWW-Authenticate", "Basic realm=\"r\"")
                .nth(2),
        );
    registry.seed_blob("a", b"hello");
    let client = builder()
        .credentials(Fixed(Credential::password("me", "secret")))
        .build();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.into_blobs().delete(&hello()).unwrap();

    assert_eq!(registry.log().len(), 3);
    assert_eq!(registry.blob("a", HELLO), None);
}
