//! Destinations that lack content that they reported as existing.

use oras::Descriptor;
use oras::copy::{CopyOptions, copy, copy_graph};
use oras::layout::LayoutStore;
use oras::progress::Event;
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{Error, Result};

use super::{artifact, index, methods, options};
use crate::observers::collecting;
use crate::setup::{client, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};
use crate::support::tempdir::TempDir;

/// Copies with the tag `v1`, and returns the repaired manifests.
fn repaired(source: &dyn Source, target: &dyn Target, root: &Descriptor) -> Result<Vec<String>> {
    let (observer, repaired) = collecting(|event| match event {
        Event::Repairing(manifest) => Some(manifest.digest.to_string()),
        _ => None,
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });
    copy_graph(source, target, root, Some("v1"), &mut options)?;
    Ok(repaired.take())
}

/// Adds a manifest to a registry without its successors.
fn seed(registry: &TestRegistry, source: &dyn Source, manifest: &Descriptor) {
    let reader = source.fetch(manifest).unwrap();
    let bytes = reader.read_all(manifest.size).unwrap();
    registry.seed_manifest("a", manifest.media_type.as_str(), &bytes, None);
}

#[test]
fn blobs_that_were_wrongly_reported_as_existing_are_sent() {
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one", b"two"]);
    // After an interrupted upload the registry reports a blob that it does not have.
    let registry =
        TestRegistry::start().with(on("POST", "/v2/a/blobs/uploads/?mount=*").status(201));
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    let repaired = repaired(&source, &target, &root).unwrap();

    assert_eq!(repaired, [root.digest.as_str()]);
    assert_eq!(registry.blob("a", &sha256(b"two")).unwrap(), b"two");
    assert_eq!(registry.tags("a"), ["v1"]);
    // Before the repair, one of the blobs that were reported as unknown is checked.
    assert_eq!(
        methods(&registry),
        "HEAD POST POST POST PUT HEAD POST PUT POST PUT POST PUT PUT"
    );
}

#[test]
fn a_repair_does_not_send_copied_blobs_again() {
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one", b"two"]);
    let one = sha256(b"one");
    let asked = format!("/v2/a/blobs/uploads/?mount={}*", one.replace(':', "%3A"));
    let registry = TestRegistry::start().with(on("POST", &asked).status(201));
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    repaired(&source, &target, &root).unwrap();

    // Three blobs, one of which is not uploaded; then only that blob.
    assert_eq!(
        methods(&registry),
        "HEAD POST PUT POST POST PUT PUT HEAD POST PUT PUT"
    );
    assert_eq!(registry.blob("a", &one).unwrap(), b"one");
}

#[test]
fn a_manifest_wrongly_reported_as_existing_is_sent_with_its_graph() {
    for code in ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"] {
        let source = MemoryStore::new();
        let images = [artifact(&source, &[b"one"]), artifact(&source, &[b"two"])];
        let root = index(&source, &images);
        let registry = TestRegistry::start_as(RegistryProfile {
            verifies_references: false,
            ..RegistryProfile::default()
        })
        .with(
            on("PUT", "/v2/a/manifests/v1")
                .nth(1)
                .error(404, code, "not here"),
        );
        seed(&registry, &source, &images[0]);
        let client = client();
        let target = client.repository(&registry.reference("a")).unwrap();

        let repaired = repaired(&source, &target, &root).unwrap();

        assert_eq!(repaired, [root.digest.as_str()], "{code}");
        assert!(
            registry.manifest("a", images[0].digest.as_str()).is_some(),
            "{code}"
        );
        assert_eq!(
            registry.blob("a", &sha256(b"one")).unwrap(),
            b"one",
            "{code}"
        );
        assert_eq!(
            registry.resolve("a", "v1").unwrap(),
            root.digest.as_str(),
            "{code}"
        );
    }
}

#[test]
fn an_existing_root_without_its_blobs_is_repaired_when_tagged() {
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one"]);
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    seed(&registry, &source, &root);
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    let repaired = repaired(&source, &target, &root).unwrap();

    assert_eq!(repaired, [root.digest.as_str()]);
    assert_eq!(registry.blob("a", &sha256(b"one")).unwrap(), b"one");
    assert_eq!(registry.tags("a"), ["v1"]);
}

#[test]
fn a_repair_is_attempted_once() {
    let source = MemoryStore::new();
    let root = index(&source, &[artifact(&source, &[b"one"])]);
    let registry = TestRegistry::start().with(on("PUT", "/v2/a/manifests/*").error(
        400,
        "MANIFEST_BLOB_UNKNOWN",
        "blob unknown",
    ));
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    let error = repaired(&source, &target, &root).unwrap_err();

    assert!(
        text(&error).ends_with("manifest blob unknown: blob unknown"),
        "{}",
        text(&error)
    );
    let manifests = registry
        .log()
        .iter()
        .filter(|line| line.starts_with("PUT /v2/a/manifests/"))
        .count();
    assert_eq!(manifests, 2, "{:#?}", registry.log());
    assert!(registry.tags("a").is_empty());
}

#[test]
fn errors_of_the_source_are_not_repaired() {
    let from = TestRegistry::start();
    from.seed_artifact("a", "v1", &[("one.txt", b"one")]);
    from.inject(on("GET", "/v2/a/blobs/*").error(404, "BLOB_UNKNOWN", "blob unknown"));
    let to = TestRegistry::start();
    let client = client();
    let source = client.repository(&from.reference("a")).unwrap();
    let target = client.repository(&to.reference("a")).unwrap();

    let error = copy(&source, "v1", &target, Some("v1"), &mut options()).unwrap_err();

    assert!(
        matches!(
            error,
            Error::Copy {
                side: oras::error::Side::Source,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(methods(&from), "GET GET");
}

#[test]
fn force_copies_the_whole_graph_again() {
    let source = MemoryStore::new();
    let images = [artifact(&source, &[b"one"]), artifact(&source, &[b"two"])];
    let root = index(&source, &images);
    // The registry has the manifests, does not check their successors, and lost a blob.
    let registry = TestRegistry::start_as(RegistryProfile {
        verifies_references: false,
        ..RegistryProfile::default()
    });
    for manifest in [&root, &images[0], &images[1]] {
        seed(&registry, &source, manifest);
    }
    registry.seed_blob("a", b"one");
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    copy_graph(&source, &target, &root, Some("v1"), &mut options()).unwrap();
    assert_eq!(methods(&registry), "HEAD PUT");
    assert!(registry.blob("a", &sha256(b"two")).is_none());
    registry.clear_log();

    let mut force = updated!(CopyOptions {
        force: true,
        ..CopyOptions::default()
    });
    copy_graph(&source, &target, &root, Some("v1"), &mut force).unwrap();

    // The empty config, an existing blob, its manifest, the lost blob, its manifest, the index.
    assert_eq!(methods(&registry), "POST PUT POST PUT POST PUT PUT PUT");
    assert_eq!(registry.blob("a", &sha256(b"two")).unwrap(), b"two");
}

#[test]
fn a_manifest_missing_in_index_json_is_listed_again() {
    let source = MemoryStore::new();
    let images = [artifact(&source, &[b"one"]), artifact(&source, &[b"two"])];
    let root = index(&source, &images);
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    copy_graph(&source, &layout, &root, Some("v1"), &mut options()).unwrap();
    let empty = r#"{"schemaVersion":2,"manifests":[]}"#;
    std::fs::write(temporary.join("layout/index.json"), empty).unwrap();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();

    copy_graph(&source, &layout, &root, Some("v1"), &mut options()).unwrap();

    let listed = std::fs::read_to_string(temporary.join("layout/index.json")).unwrap();
    for manifest in [&root, &images[0], &images[1]] {
        assert_eq!(
            listed.matches(manifest.digest.as_str()).count(),
            1,
            "{listed}"
        );
    }
    assert_eq!(layout.resolve("v1").unwrap().digest, root.digest);
}
