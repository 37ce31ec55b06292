//! Annotating: a copy of a manifest with other annotations, in one GET and one PUT.

use oras::annotate::{AnnotateOptions, annotate};
use oras::error::Conflict;
use oras::layout::LayoutStore;
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{Descriptor, Error, MediaType};

use crate::observers::collecting;
use crate::setup::{ABSENT, client};
use crate::support::registry::TestRegistry;
use crate::support::tempdir::TempDir;

const DOCKER: &[u8] = br#"{"x": 1.50, "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}"#;
const ANNOTATED: &[u8] = br#"{"x":1.50,"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","layers":[],"annotations":{"k":"v"}}"#;
const DOCKER_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn registry() -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_manifest("a", DOCKER_TYPE, DOCKER, Some("v1"));
    registry
}

/// Options that set `k` to `v` and these tags.
fn options(tags: &[&str]) -> AnnotateOptions {
    let mut options = AnnotateOptions::default();
    options.set.insert("k".into(), "v".into());
    options.remove.push("absent".into());
    options.tags = tags.iter().map(ToString::to_string).collect();
    options
}

#[test]
fn a_docker_manifest_stays_one_and_takes_one_get_and_one_put_per_tag() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let (observer, told) =
        collecting(|event| Some(format!("{event:?}").chars().take(9).collect::<String>()));
    let mut options = options(&["v1", "v2"]);
    options.observer = Some(observer);

    let annotated = annotate(&repository, "v1", options).unwrap();

    assert_eq!(
        annotated,
        Descriptor::of(MediaType::DOCKER_MANIFEST, ANNOTATED)
    );
    assert_eq!(
        told.take(),
        ["Resolved ", "Transferr", "Tagged(\"v", "Tagged(\"v"]
    );
    assert_eq!(
        registry.log(),
        [
            "GET /v2/a/manifests/v1 (no authorization)",
            "PUT /v2/a/manifests/v1 (no authorization)",
            "PUT /v2/a/manifests/v2 (no authorization)",
        ]
    );
    for put in &registry.requests()[1..] {
        assert_eq!(put.header("Content-Type"), Some(DOCKER_TYPE));
    }
    assert_eq!(registry.manifest("a", "v2").unwrap(), ANNOTATED);
}

#[test]
fn without_tags_only_the_digest_refers_to_the_copy() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.path()).unwrap();
    let memory = MemoryStore::new();
    for target in [&repository as &dyn Target, &layout, &memory] {
        let original = Descriptor::of(MediaType::DOCKER_MANIFEST, DOCKER);
        target
            .push_reference(&original, &mut &*DOCKER, "v1")
            .unwrap();

        let annotated = annotate(target, "v1", options(&[])).unwrap();

        assert_eq!(target.resolve("v1").unwrap().digest, original.digest);
        let digest = annotated.digest.to_string();
        assert!(target.resolve(&digest).unwrap().is_same_content(&annotated));
        assert!(target.exists(&original).unwrap());
    }
    // What a layout lists survives another process.
    let again = LayoutStore::open(directory.path()).unwrap();
    assert!(again.resolve("v1").is_ok());
}

#[test]
fn an_annotation_that_exists_changes_nothing() {
    let registry = registry();
    registry.seed_manifest("a", DOCKER_TYPE, ANNOTATED, Some("v1"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let annotated = annotate(&repository, "v1", options(&[])).unwrap();
    annotate(&repository, "v1", options(&["v2"])).unwrap();

    assert_eq!(
        annotated,
        Descriptor::of(MediaType::DOCKER_MANIFEST, ANNOTATED)
    );
    assert_eq!(
        registry.log(),
        [
            "GET /v2/a/manifests/v1 (no authorization)",
            "GET /v2/a/manifests/v1 (no authorization)",
            "PUT /v2/a/manifests/v2 (no authorization)",
        ]
    );
}

#[test]
fn another_digest_than_the_expected_one_is_a_conflict() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let found = Descriptor::of(MediaType::DOCKER_MANIFEST, DOCKER).digest;

    let mut expecting = options(&["v1"]);
    expecting.expected_digest = Some(ABSENT.parse().unwrap());
    let error = annotate(&repository, "v1", expecting).unwrap_err();
    let mut expecting = options(&["v2"]);
    expecting.expected_digest = Some(found.clone());
    annotate(&repository, "v1", expecting).unwrap();

    let is_changed = |conflict: &Conflict| *conflict == Conflict::Changed(found.to_string());
    assert!(
        matches!(&error, Error::Conflict { conflict, .. } if is_changed(conflict)),
        "{error}"
    );
    assert_eq!(error.to_string(), format!("v1 was changed to {found}"));
    assert_eq!(registry.manifest("a", "v1").unwrap(), DOCKER);
}

#[test]
fn a_manifest_that_would_become_too_large_is_not_stored() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut limited = options(&["v1"]);
    limited.max_manifest_bytes = ANNOTATED.len() as u64 - 1;

    let error = annotate(&repository, "v1", limited).unwrap_err();

    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert_eq!(registry.manifest("a", "v1").unwrap(), DOCKER);
}
