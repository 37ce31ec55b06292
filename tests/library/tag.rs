//! Tagging: the manifest is read once, and pushed with each tag.

use std::sync::Arc;

use oras::layout::LayoutStore;
use oras::progress::{Event, Observer};
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::tag::{TagOptions, add_tags, tag};
use oras::{Descriptor, Error, MediaType, RawManifest};

use crate::observers::{collecting, stopping};
use crate::setup::{client, hello, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on};
use crate::support::tempdir::TempDir;

const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

fn index() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_INDEX, INDEX)
}

fn registry() -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_manifest("a", INDEX_TYPE, INDEX, Some("v1"));
    registry
}

/// Tags a manifest, and returns the events and the result.
fn told(target: &dyn Target, reference: &str, tags: &[&str]) -> (Vec<String>, Result<(), Error>) {
    let (observer, told) = collecting(|event| {
        Some(match *event {
            Event::Resolved { descriptor, .. } => descriptor.digest.to_string(),
            Event::Tagged(tag) => tag.to_owned(),
            _ => unreachable!("there are two events"),
        })
    });
    let options = updated!(TagOptions {
        observer: Some(observer),
        ..TagOptions::default()
    });
    let result = tag(target, reference, tags, options).map(|_| ());
    (told.take(), result)
}

#[test]
fn tagging_in_a_registry_takes_one_get_and_one_put_per_tag() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let (told, result) = told(&repository, "v1", &["v2", "v3"]);

    result.unwrap();
    assert_eq!(told, [index().digest.as_str(), "v2", "v3"]);
    assert_eq!(
        registry.log(),
        [
            "GET /v2/a/manifests/v1 (no authorization)",
            "PUT /v2/a/manifests/v2 (no authorization)",
            "PUT /v2/a/manifests/v3 (no authorization)",
        ]
    );
    assert_eq!(registry.manifest("a", "v3").unwrap(), INDEX);
}

#[test]
fn tags_in_memory_and_in_a_layout_name_the_manifest() {
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.path()).unwrap();
    let memory = MemoryStore::new();
    for target in [&layout as &dyn Target, &memory] {
        target.push_reference(&index(), &mut &*INDEX, "v1").unwrap();

        let by_tag = tag(target, "v1", &["v2"], TagOptions::default()).unwrap();
        let digest = index().digest.to_string();
        tag(target, &digest, &["v3"], TagOptions::default()).unwrap();

        assert!(by_tag.is_same_content(&index()));
        for name in ["v2", "v3"] {
            assert!(target.resolve(name).unwrap().is_same_content(&index()));
        }
    }
}

/// A blob may be larger than memory, and a layout can tag it.
#[test]
fn blobs_are_tagged_without_being_read() {
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.path()).unwrap();
    layout.push(&hello(), &mut &b"hello"[..]).unwrap();
    let options = updated!(TagOptions {
        max_manifest_bytes: 0,
        ..TagOptions::default()
    });

    let tagged = tag(&layout, hello().digest.as_str(), &["blob"], options).unwrap();

    assert_eq!(tagged, hello());
    assert!(layout.resolve("blob").unwrap().is_same_content(&hello()));
}

#[test]
fn a_layout_tags_a_manifest_above_the_limit() {
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.path()).unwrap();
    layout.push_reference(&index(), &mut &*INDEX, "v1").unwrap();
    let options = updated!(TagOptions {
        max_manifest_bytes: 1,
        ..TagOptions::default()
    });

    tag(&layout, "v1", &["v2"], options).unwrap();

    assert!(layout.resolve("v2").unwrap().is_same_content(&index()));
}

#[test]
fn a_tagged_referrer_is_not_listed_again() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[],"subject":{}}}"#,
        serde_json::to_string(&index()).unwrap()
    );
    let attached = RawManifest::new(MediaType::IMAGE_INDEX, text.into_bytes());
    registry.seed_manifest("a", INDEX_TYPE, attached.bytes(), Some("v1"));

    tag(&repository, "v1", &["v2"], TagOptions::default()).unwrap();
    add_tags(&repository, &attached, &["v3"], TagOptions::default()).unwrap();

    assert_eq!(registry.tags("a"), ["v1", "v2", "v3"]);
}

#[test]
fn a_manifest_with_a_wrong_digest_is_not_tagged() {
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.path()).unwrap();
    layout.push_reference(&index(), &mut &*INDEX, "v1").unwrap();
    let path = temporary.join(format!("blobs/sha256/{}", index().digest.encoded()));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, [b' '; INDEX.len()]).unwrap();

    let error = tag(&layout, "v1", &["v2"], TagOptions::default()).unwrap_err();

    assert!(error.is_verification(), "{error}");
    assert!(layout.resolve("v2").unwrap_err().is_not_found());
}

#[test]
fn tag_error_names_the_tag_and_keeps_earlier_tags() {
    let registry = registry().with(on("PUT", "*/manifests/v3").error(403, "DENIED", "not yours"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let (told_of_two, several) = told(&repository, "v1", &["v2", "v3", "v4"]);
    let (_, alone) = told(&repository, "v1", &["v3"]);

    let several = text(&several.unwrap_err());
    assert!(several.starts_with("failed to tag v3: PUT"), "{several}");
    let alone = text(&alone.unwrap_err());
    assert!(alone.starts_with("PUT"), "{alone}");
    assert_eq!(told_of_two, [index().digest.as_str(), "v2"]);
    assert_eq!(registry.tags("a"), ["v1", "v2"]);
}

#[test]
fn a_missing_manifest_is_not_tagged() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let (told, result) = told(&repository, "v0", &["v2"]);

    assert!(result.unwrap_err().is_not_found());
    assert_eq!(told, [""; 0]);
    assert_eq!(registry.tags("a"), ["v1"]);
}

#[test]
fn add_tags_does_not_fetch_the_manifest() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let manifest = RawManifest::new(MediaType::IMAGE_INDEX, INDEX.to_vec());
    let (observer, told) = collecting(|event| match event {
        Event::Tagged(tag) => Some((*tag).to_owned()),
        other => panic!("{other:?}"),
    });

    observer
        .scope(|| add_tags(&repository, &manifest, &["v2", "v3"], TagOptions::default()))
        .unwrap();
    let error = add_tags(&repository, &manifest, &["no tag"], TagOptions::default()).unwrap_err();

    assert_eq!(told.take(), ["v2", "v3"]);
    assert_eq!(
        text(&error),
        "failed to tag no tag: invalid reference: invalid tag \"no tag\""
    );
    assert_eq!(
        registry.log(),
        [
            "PUT /v2/a/manifests/v2 (no authorization)",
            "PUT /v2/a/manifests/v3 (no authorization)",
        ]
    );
}

#[test]
fn an_observer_error_stops_tagging() {
    let memory = MemoryStore::new();
    memory.push_reference(&index(), &mut &*INDEX, "v1").unwrap();
    let observer = stopping(|event| matches!(event, Event::Tagged("v2")));
    let options = updated!(TagOptions {
        observer: Some(observer),
        ..TagOptions::default()
    });

    tag(&memory, "v1", &["v2", "v3"], options).unwrap_err();

    assert!(memory.resolve("v2").is_ok());
    assert!(memory.resolve("v3").unwrap_err().is_not_found());
}

#[test]
fn a_manifest_over_the_limit_is_tagged_in_a_layout_without_being_read() {
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.path()).unwrap();
    let mut bytes = INDEX.to_vec();
    bytes.resize(5 * 1024 * 1024, b' ');
    let large = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
    layout
        .push_reference(&large, &mut bytes.as_slice(), "v1")
        .unwrap();

    let (told, tagged) = told(&layout, "v1", &["v2", "v3"]);

    tagged.unwrap();
    assert_eq!(told.len(), 3, "{told:?}");
    for tag in ["v2", "v3"] {
        assert_eq!(layout.resolve(tag).unwrap().digest, large.digest);
    }
}

/// Stores another index with this tag.
fn take(registry: &TestRegistry, tag: &str) {
    let other = br#"{"schemaVersion":2,"manifests":[],"annotations":{"other":"index"}}"#;
    registry.seed_manifest("a", MediaType::IMAGE_INDEX.as_str(), other, Some(tag));
}

fn only_absent(observer: Option<Observer>) -> TagOptions {
    let mut options = TagOptions::default();
    options.if_absent = true;
    options.observer = observer;
    options
}

#[test]
fn an_existing_tag_is_not_moved_if_tags_must_be_absent() {
    let registry = registry();
    take(&registry, "taken");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let before = registry.resolve("a", "taken");

    tag(&repository, "v1", &["v1", "v2"], only_absent(None)).unwrap();
    let error = tag(&repository, "v1", &["v3", "taken"], only_absent(None)).unwrap_err();

    assert!(
        text(&error).starts_with("tag taken exists with sha256:"),
        "{error}"
    );
    assert_eq!(registry.tags("a"), ["taken", "v1", "v2"], "no tag was set");
    assert_eq!(registry.resolve("a", "taken"), before);

    registry.inject(on("HEAD", "*/manifests/v4").error(403, "DENIED", "not yours"));
    let error = tag(&repository, "v1", &["v4"], only_absent(None)).unwrap_err();
    assert!(text(&error).contains("403"), "{error}");
}

#[test]
fn a_tag_that_appears_meanwhile_is_not_moved() {
    let registry = Arc::new(registry());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let other = Arc::clone(&registry);
    let observer = Observer::new(move |event| {
        if let Event::Tagged("v2") = event {
            take(&other, "v3");
        }
        Ok(())
    });
    let error = tag(
        &repository,
        "v1",
        &["v2", "v3"],
        only_absent(Some(observer)),
    )
    .unwrap_err();
    assert!(
        text(&error).contains("tag v3 exists with sha256:"),
        "{error}"
    );
    assert_ne!(registry.resolve("a", "v3"), registry.resolve("a", "v2"));
}

/// Another process sets a tag after it was checked, and before the layout saves its index.
#[test]
fn a_tag_that_appears_in_a_layout_before_it_is_saved_is_not_moved() {
    for appearing in ["v2", "v3"] {
        no_tag_is_set_if_one_appears(appearing);
    }
}

#[track_caller]
fn no_tag_is_set_if_one_appears(appearing: &'static str) {
    let directory = TempDir::new();
    let path = directory.join("layout");
    let layout = LayoutStore::create_or_open(&path).unwrap();
    let push = |layout: &LayoutStore, media_type: &str, tag: &str| {
        let index = format!(r#"{{"schemaVersion":2,"manifests":[],"mediaType":"{media_type}"}}"#);
        let descriptor = Descriptor::of(media_type.into(), index.as_bytes());
        layout
            .push_reference(&descriptor, &mut index.as_bytes(), tag)
            .unwrap();
        descriptor.digest
    };
    let ours = push(&layout, "application/vnd.oci.image.index.v1+json", "v1");
    let docker = "application/vnd.docker.distribution.manifest.list.v2+json";
    let observer = Observer::new(move |event| {
        if let Event::Tagged("v2") = event {
            push(
                &LayoutStore::create_or_open(&path).unwrap(),
                docker,
                appearing,
            );
        }
        Ok(())
    });

    let error = tag(&layout, "v1", &["v2", "v3"], only_absent(Some(observer))).unwrap_err();

    let conflict = format!("tag {appearing} exists with");
    assert!(text(&error).contains(&conflict), "{error}");
    assert_ne!(layout.resolve(appearing).unwrap().digest, ours);
    let other = if appearing == "v2" { "v3" } else { "v2" };
    assert!(layout.resolve(other).unwrap_err().is_not_found());
    // Later tags of the same store are not affected.
    tag(&layout, "v1", &[appearing], TagOptions::default()).unwrap();
    assert_eq!(layout.resolve(appearing).unwrap().digest, ours);
}
