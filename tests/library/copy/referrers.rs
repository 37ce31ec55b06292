//! Copies with the referrers of the root, of its successors, and of these referrers.

use std::ops::ControlFlow;

use oras::Descriptor;
use oras::copy::{CopyOptions, copy_graph, copy_graph_with_referrers, copy_with_referrers};
use oras::internal::referrers_tag;
use oras::layout::{LayoutStore, LayoutTar};
use oras::progress::Event;
use oras::registry::ReferrersMode;
use oras::store::memory::MemoryStore;
use oras::store::{Referrers, Source, Target};
use oras::{MediaType, Result};
use serde_json::json;

use super::{artifact, index, manifest, methods, options};
use crate::observers::collecting;
use crate::setup::{client, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};
use crate::support::tempdir::TempDir;

/// Attaches an artifact of this type, with a layer that no other artifact has.
pub(super) fn attach(store: &dyn Target, subject: &Descriptor, artifact_type: &str) -> Descriptor {
    let bytes = format!("{artifact_type} of {}", subject.digest);
    let layer = Descriptor::of(MediaType::OCTET_STREAM, bytes.as_bytes());
    store.push(&layer, &mut bytes.as_bytes()).unwrap();
    store.push(&Descriptor::empty(), &mut &b"{}"[..]).unwrap();
    let document = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::IMAGE_MANIFEST,
        "artifactType": artifact_type,
        "config": Descriptor::empty(),
        "layers": [layer],
        "subject": subject.plain(),
        "annotations": { "of": artifact_type },
    });
    manifest(store, MediaType::IMAGE_MANIFEST, &document)
}

/// A nested index with referrers at every level, and referrers of these.
struct TestGraph {
    source: MemoryStore,
    root: Descriptor,
    /// All manifests by name.
    manifests: Vec<(&'static str, Descriptor)>,
}

fn test_graph() -> TestGraph {
    let source = MemoryStore::new();
    let grandchild = artifact(&source, &[b"grandchild"]);
    let child = artifact(&source, &[b"child"]);
    let inner = index(&source, std::slice::from_ref(&grandchild));
    let root = index(&source, &[child.clone(), inner.clone()]);
    source.tag(&root, "v1").unwrap();
    let of_root = attach(&source, &root, "a/root");
    let of_child = attach(&source, &child, "a/child");
    let of_inner = attach(&source, &inner, "a/inner");
    let of_grandchild = attach(&source, &grandchild, "a/grandchild");
    let of_referrer = attach(&source, &of_root, "a/referrer");
    let manifests = vec![
        ("the root", root.clone()),
        ("a child", child),
        ("an index in it", inner),
        ("a grandchild", grandchild),
        ("what is attached to the root", of_root),
        ("what is attached to a child", of_child),
        ("what is attached to the index in it", of_inner),
        ("what is attached to a grandchild", of_grandchild),
        ("what is attached to what is attached", of_referrer),
    ];
    TestGraph {
        source,
        root,
        manifests,
    }
}

/// Returns the referrers of a manifest as a tree of digests with types and annotations.
fn tree(store: &dyn Referrers, subject: &Descriptor) -> String {
    let mut attached = Vec::new();
    store
        .referrers(subject, None, &mut |page| {
            attached.extend_from_slice(page);
            ControlFlow::Continue(())
        })
        .unwrap();
    attached.sort_by(|one, other| one.digest.cmp(&other.digest));
    let below: Vec<_> = attached
        .iter()
        .map(|referrer| {
            let kind = referrer.artifact_type.as_ref().map(ToString::to_string);
            let below = tree(store, referrer);
            format!(
                "{} {kind:?} {:?} {below}",
                referrer.digest, referrer.annotations
            )
        })
        .collect();
    format!("[{}]", below.join(", "))
}

/// Fails unless a store has the whole graph with all referrers.
#[track_caller]
fn assert_complete(world: &TestGraph, store: &dyn Referrers, name: &str) {
    assert_eq!(
        store.resolve("v1").unwrap().digest,
        world.root.digest,
        "{name}"
    );
    for (what, manifest) in &world.manifests {
        let bytes = store.fetch_manifest(manifest, 100_000).unwrap();
        let wanted = world.source.fetch_manifest(manifest, 100_000).unwrap();
        assert_eq!(bytes.bytes(), wanted.bytes(), "{name}: {what}");
        assert_eq!(
            tree(store, manifest),
            tree(&world.source, manifest),
            "{name}: attached to {what}"
        );
    }
}

fn copy_all(source: &dyn Referrers, target: &dyn Target) -> Result<Descriptor> {
    copy_with_referrers(source, "v1", target, Some("v1"), &mut options())
}

#[test]
fn referrers_are_copied_between_all_stores() {
    let world = test_graph();
    for personality in [RegistryProfile::distribution(), RegistryProfile::zot()] {
        let first = TestRegistry::start_as(personality);
        let second = TestRegistry::start();
        let temporary = TempDir::new();
        let client = client();
        let registry = client.repository(&first.reference("a")).unwrap();
        copy_all(&world.source, &registry).unwrap();
        assert_complete(&world, &registry, "a registry");

        let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
        copy_all(&registry, &layout).unwrap();
        assert_complete(&world, &layout, "a layout");

        let archive = temporary.join("layout.tar");
        let packed = std::process::Command::new("tar")
            .arg("-C")
            .arg(temporary.join("layout"))
            .args(["-cf".as_ref(), archive.as_os_str(), ".".as_ref()])
            .status();
        assert!(packed.is_ok_and(|status| status.success()), "tar failed");
        let archive = LayoutTar::open(archive).unwrap();
        assert_complete(&world, &archive, "an archive");

        let other = client.repository(&second.reference("b")).unwrap();
        copy_all(&archive, &other).unwrap();
        assert_complete(&world, &other, "another registry");
    }
}

#[test]
fn the_tag_is_set_after_all_referrers_are_copied() {
    let world = test_graph();
    let registry = TestRegistry::start();
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    copy_all(&world.source, &target).unwrap();

    let log = registry.log();
    let put = |manifest: &Descriptor| {
        let line = format!("PUT /v2/a/manifests/{} (no authorization)", manifest.digest);
        log.iter().position(|sent| *sent == line).unwrap()
    };
    assert_eq!(
        log.last().unwrap(),
        "PUT /v2/a/manifests/v1 (no authorization)"
    );
    for (_, descriptor) in &world.manifests {
        let manifest = world.source.fetch_manifest(descriptor, 100_000).unwrap();
        for successor in manifest.successors().unwrap() {
            if successor.media_type.is_manifest() {
                assert!(put(&successor) < put(descriptor), "{log:#?}");
            }
        }
    }
}

#[test]
fn a_repeated_copy_sends_nothing() {
    let world = test_graph();
    let registry = TestRegistry::start();
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();
    copy_all(&world.source, &target).unwrap();
    registry.clear_log();

    copy_all(&world.source, &target).unwrap();

    // Requests for the root and the five referrers. The successors of the root exist because it
    // does.
    assert_eq!(methods(&registry), "HEAD HEAD HEAD HEAD HEAD HEAD PUT");
}

#[test]
fn later_referrers_are_added_by_the_next_copy() {
    let world = test_graph();
    let registry = TestRegistry::start();
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();
    copy_all(&world.source, &target).unwrap();
    let (_, grandchild) = &world.manifests[3];
    let later = attach(&world.source, grandchild, "a/later");
    let much_later = attach(&world.source, &later, "a/much-later");

    copy_all(&world.source, &target).unwrap();

    assert!(target.exists(&much_later).unwrap());
    assert_complete(&world, &target, "a registry");
}

#[test]
fn a_missing_subject_of_an_existing_referrer_is_copied() {
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one"]);
    let referrer = attach(&source, &root, "a/b");
    let registry = TestRegistry::start();
    // A registry accepts referrers of subjects that it does not have.
    let bytes = source.fetch_manifest(&referrer, 100_000).unwrap();
    registry.seed_manifest("a", referrer.media_type.as_str(), bytes.bytes(), None);
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    copy_all(&source, &target).unwrap();
    assert_eq!(registry.resolve("a", "v1").unwrap(), root.digest.as_str());
    assert_eq!(registry.blob("a", &sha256(b"one")).unwrap(), b"one");

    // The same holds for the subject of the root.
    source.tag(&referrer, "referrer").unwrap();
    registry.seed_manifest("b", referrer.media_type.as_str(), bytes.bytes(), None);
    let target = client.repository(&registry.reference("b")).unwrap();
    copy_with_referrers(&source, "referrer", &target, Some("v1"), &mut options()).unwrap();
    assert!(target.exists(&root).unwrap());
    assert_eq!(
        registry.resolve("b", "v1").unwrap(),
        referrer.digest.as_str()
    );
}

#[test]
fn referrers_of_the_root_subject_are_copied() {
    let source = MemoryStore::new();
    let subject = artifact(&source, &[b"one"]);
    let root = attach(&source, &subject, "a/root");
    let sibling = attach(&source, &subject, "a/sibling");
    let target = MemoryStore::new();

    copy_graph_with_referrers(&source, &target, &root, None, &mut options()).unwrap();

    assert!(target.exists(&subject).unwrap());
    assert!(target.exists(&sibling).unwrap());
}

#[test]
fn entries_in_a_layout_follow_the_manifests_not_the_listing() {
    let registry = TestRegistry::start();
    let digest = registry.seed_artifact("a", "v1", &[]);
    let referrer = registry.seed_referrer("a", &digest, "a/true");
    let size = registry.manifest("a", &referrer).unwrap().len();
    let list = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::IMAGE_INDEX,
        "manifests": [{
            "mediaType": MediaType::IMAGE_MANIFEST,
            "digest": referrer,
            "size": size,
            "artifactType": "a/lie",
            "annotations": { "org.opencontainers.image.ref.name": "v1", "lie": "lie" },
        }],
    });
    registry.inject(on("GET", &format!("/v2/a/referrers/{digest}")).body(list.to_string()));
    let client = client();
    let source = client.repository(&registry.reference("a")).unwrap();
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();

    copy_all(&source, &layout).unwrap();

    assert_eq!(layout.resolve("v1").unwrap().digest.as_str(), digest);
    let index = std::fs::read_to_string(temporary.join("layout/index.json")).unwrap();
    assert!(
        index.contains("a/true") && !index.contains("lie"),
        "{index}"
    );
}

#[test]
fn the_manifest_of_a_platform_is_copied_with_its_referrers() {
    let source = MemoryStore::new();
    let config = br#"{"architecture":"arm64","os":"linux"}"#;
    let config_descriptor = Descriptor::of(MediaType::IMAGE_CONFIG, config);
    source.push(&config_descriptor, &mut &config[..]).unwrap();
    let document = json!({ "schemaVersion": 2, "config": config_descriptor, "layers": [] });
    let mut image = manifest(&source, MediaType::IMAGE_MANIFEST, &document);
    image.platform = Some(Box::new("linux/arm64".parse().unwrap()));
    let other = artifact(&source, &[b"other"]);
    let root = index(&source, &[other.clone(), image.clone()]);
    source.tag(&root, "v1").unwrap();
    let of_image = attach(&source, &image, "a/image");
    let of_root = attach(&source, &root, "a/root");
    let target = MemoryStore::new();
    let mut options = updated!(CopyOptions {
        platforms: vec!["linux/arm64".parse().unwrap()],
        ..CopyOptions::default()
    });

    let copied = copy_with_referrers(&source, "v1", &target, Some("v1"), &mut options).unwrap();

    assert_eq!(copied.digest, image.digest);
    assert!(target.exists(&of_image).unwrap());
    assert!(!target.exists(&of_root).unwrap() && !target.exists(&other).unwrap());
}

#[test]
fn a_copy_without_a_tag_is_found_by_digest() {
    let world = test_graph();
    for reference in [None, Some(world.root.digest.as_str())] {
        let registry = TestRegistry::start();
        let client = client();
        let target = client.repository(&registry.reference("a")).unwrap();

        copy_with_referrers(&world.source, "v1", &target, reference, &mut options()).unwrap();

        assert!(target.exists(&world.root).unwrap());
        assert!(registry.tags("a").is_empty());
        assert_eq!(tree(&target, &world.root), tree(&world.source, &world.root));
    }
}

/// Replaces the referrers index of `subject` by an empty one.
fn empty_referrers_tag(registry: &TestRegistry, subject: &Descriptor) {
    let empty = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let tag = referrers_tag(&subject.digest);
    registry.seed_manifest("a", MediaType::IMAGE_INDEX.as_str(), empty, Some(&tag));
}

#[test]
fn a_referrer_that_an_interrupted_copy_left_unlisted_is_listed() {
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one"]);
    let referrer = attach(&source, &root, "a/b");
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let copy_again = |what: &str, copy: &dyn Fn(&dyn Target)| {
        let client = client();
        let target = client.repository(&registry.reference("a")).unwrap();
        copy_all(&source, &target).unwrap();
        empty_referrers_tag(&registry, &root);
        assert_eq!(tree(&target, &root), "[]");

        // A new client has learned nothing about the registry.
        copy(&client.repository(&registry.reference("a")).unwrap());

        assert_eq!(tree(&target, &root), tree(&source, &root), "{what}");
    };

    copy_again("with all that is attached", &|target| {
        copy_all(&source, target).unwrap();
    });
    copy_again("alone, by its digest", &|target| {
        copy_graph(&source, target, &referrer, None, &mut options()).unwrap();
    });
    copy_again("by force", &|target| {
        let mut force = updated!(CopyOptions {
            force: true,
            ..CopyOptions::default()
        });
        copy_with_referrers(&source, "v1", target, Some("v1"), &mut force).unwrap();
    });
}

#[test]
fn referrers_api_support_is_checked_once() {
    let world = test_graph();
    let registry = TestRegistry::start();
    copy_all(
        &world.source,
        &client().repository(&registry.reference("a")).unwrap(),
    )
    .unwrap();
    registry.clear_log();

    copy_all(
        &world.source,
        &client().repository(&registry.reference("a")).unwrap(),
    )
    .unwrap();

    // Five of the nine manifests are referrers, which the registry must list.
    let asked = methods(&registry);
    assert_eq!(asked.matches("GET").count(), 1, "{asked}");
    assert_eq!(asked.matches("PUT").count(), 1, "{asked}");
}

#[test]
fn referrers_tags_of_the_source_are_read_and_not_copied() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one"]);
    let referrer = attach(&source, &root, "a/b");
    let client = client();
    let first = client.repository(&registry.reference("a")).unwrap();
    copy_all(&source, &first).unwrap();
    let target = MemoryStore::new();

    copy_all(&first, &target).unwrap();
    assert!(target.exists(&referrer).unwrap());

    let forced = client
        .repository(&registry.reference("a"))
        .unwrap()
        .with_referrers_mode(ReferrersMode::Api);
    let error = copy_all(&forced, &MemoryStore::new()).unwrap_err();
    assert_eq!(
        text(&error),
        format!(
            "failed to list the referrers of {} at source: failed to query referrers API: unsupported",
            root.digest
        )
    );
}

#[test]
fn each_event_is_reported_once() {
    let world = test_graph();
    let target = MemoryStore::new();
    let told = || {
        let (observer, events) = collecting(|event| match event {
            Event::Transferred(_) => Some(true),
            Event::Exists(_) => Some(false),
            _ => None,
        });
        let mut options = updated!(CopyOptions {
            observer: Some(observer),
            ..CopyOptions::default()
        });
        copy_with_referrers(&world.source, "v1", &target, Some("v1"), &mut options).unwrap();
        let (copied, existed): (Vec<_>, Vec<_>) = events.take().into_iter().partition(|it| *it);
        (copied, existed)
    };

    let (copied, existed) = told();
    // Nine manifests, the empty config, two files, and the layers of five referrers.
    assert_eq!((copied.len(), existed.len()), (9 + 1 + 2 + 5, 0));

    let (copied, existed) = told();
    assert_eq!((copied.len(), existed.len()), (0, 6));
}
