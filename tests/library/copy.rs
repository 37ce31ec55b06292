//! Copies of graphs: successors first, each node once, and errors that name the side.

mod hostile;
mod known_blobs;
mod missing;
mod mounts;
mod referrers;
mod repair;

use std::time::UNIX_EPOCH;

use oras::Descriptor;
use oras::MediaType;
use oras::copy::{CopyOptions, RootState, copy, copy_graph};
use oras::descriptor::TITLE;
use oras::pack::{PackOptions, pack};
use oras::progress::Event;
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use serde_json::{Value, json};

use crate::observers::{collecting, stopping};
use crate::setup::{ABSENT, blob, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};

/// Packs an artifact of these files, with the empty config, and tags it `v1`.
fn artifact(store: &MemoryStore, files: &[&[u8]]) -> Descriptor {
    let layers = files.iter().map(|&bytes| {
        let layer = blob(bytes);
        store.push(&layer, &mut &*bytes).unwrap();
        layer
    });
    let options = updated!(PackOptions {
        artifact_type: Some("application/vnd.test".into()),
        layers: layers.collect(),
        ..PackOptions::default()
    });
    let packed = pack(store, options, UNIX_EPOCH).unwrap();
    store.tag(packed.descriptor(), "v1").unwrap();
    packed.descriptor().clone()
}

/// Stores a document as a manifest.
fn manifest(store: &dyn Target, media_type: MediaType, document: &Value) -> Descriptor {
    let bytes = document.to_string().into_bytes();
    let descriptor = Descriptor::of(media_type, &bytes);
    store.push(&descriptor, &mut bytes.as_slice()).unwrap();
    descriptor
}

fn index(store: &dyn Target, entries: &[Descriptor]) -> Descriptor {
    let document = json!({ "schemaVersion": 2, "manifests": entries });
    manifest(store, MediaType::IMAGE_INDEX, &document)
}

/// Copies and returns the events, such as `copied {name}`; names are titles or media types.
fn events(source: &dyn Source, target: &dyn Target, root: &Descriptor) -> Vec<String> {
    let (observer, events) = collecting(|event| {
        let (verb, node) = match event {
            Event::FetchingManifest(_)
            | Event::FetchedManifest(_)
            | Event::Started(_)
            | Event::Totals(_)
            | Event::Transferring { .. } => return None,
            Event::Transferred(node) => ("copied", node),
            Event::Exists(node) => ("existed", node),
            Event::Repeated(node) => ("repeated", node),
            Event::ForeignSkipped(node) => ("foreign", node),
            other => panic!("{other:?}"),
        };
        let name = node.display_name().rsplit('/').next().unwrap_or_default();
        Some(format!("{verb} {name}"))
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });
    copy_graph(source, target, root, None, &mut options).unwrap();
    events.take()
}

fn titled(bytes: &[u8], title: &str) -> Descriptor {
    let mut descriptor = blob(bytes);
    descriptor.annotations.insert(TITLE.into(), title.into());
    descriptor
}

fn options<'a>() -> CopyOptions<'a> {
    CopyOptions::default()
}

fn methods(registry: &TestRegistry) -> String {
    let lines = registry.log();
    let methods: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    methods.join(" ")
}

#[test]
fn pushing_three_files_takes_nine_requests() {
    let memory = MemoryStore::new();
    let root = artifact(&memory, &[b"one", b"two", b"three"]);
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut options = updated!(CopyOptions {
        root: RootState::New,
        ..CopyOptions::default()
    });

    copy_graph(&memory, &repository, &root, Some("v1"), &mut options).unwrap();

    // Two for each of four blobs, one of which is the empty config, and one for the manifest.
    assert_eq!(
        methods(&registry),
        "POST PUT POST PUT POST PUT POST PUT PUT"
    );
    assert_eq!(
        registry.log().last().unwrap(),
        "PUT /v2/a/manifests/v1 (no authorization)"
    );
    assert_eq!(registry.resolve("a", "v1").unwrap(), root.digest.as_str());
}

#[test]
fn pushing_with_token_authentication_takes_two_more_requests() {
    let memory = MemoryStore::new();
    let root = artifact(&memory, &[b"one", b"two", b"three"]);
    let registry = TestRegistry::requiring_token("t0k3n");
    let client = client();
    let repository = client
        .repository(&registry.reference("a"))
        .unwrap()
        .with_push_scope();
    let mut options = updated!(CopyOptions {
        root: RootState::New,
        ..CopyOptions::default()
    });

    copy_graph(&memory, &repository, &root, Some("v1"), &mut options).unwrap();

    assert_eq!(registry.log().len(), 11, "{:#?}", registry.log());
}

#[test]
fn an_existing_blob_takes_one_request() {
    let memory = MemoryStore::new();
    let root = artifact(&memory, &[b"one", b"two", b"three"]);
    let registry = TestRegistry::start();
    for bytes in [&b"one"[..], b"two", b"three", b"{}"] {
        registry.seed_blob("a", bytes);
    }
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    copy_graph(&memory, &repository, &root, Some("v1"), &mut options()).unwrap();

    assert_eq!(methods(&registry), "HEAD POST POST POST POST PUT");
}

#[test]
fn a_pull_takes_one_request_per_node() {
    let registry = TestRegistry::start();
    let digest = registry.seed_artifact("a", "v1", &[("one.txt", b"one"), ("two.txt", b"two")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let memory = MemoryStore::new();

    let root = copy(&repository, "v1", &memory, Some("copied"), &mut options()).unwrap();

    assert_eq!(root.digest.as_str(), digest);
    assert_eq!(
        registry.log(),
        [
            "GET /v2/a/manifests/v1 (no authorization)".to_owned(),
            format!("GET /v2/a/blobs/{} (no authorization)", sha256(b"{}")),
            format!("GET /v2/a/blobs/{} (no authorization)", sha256(b"one")),
            format!("GET /v2/a/blobs/{} (no authorization)", sha256(b"two")),
        ]
    );
    assert_eq!(memory.resolve("copied").unwrap().digest, root.digest);
    let manifest = memory.fetch(&root).unwrap().read_all(1000).unwrap();
    assert_eq!(manifest, registry.manifest("a", "v1").unwrap());
}

#[test]
fn an_existing_root_ends_the_copy() {
    let memory = MemoryStore::new();
    let root = artifact(&memory, &[b"one"]);
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    copy_graph(&memory, &repository, &root, None, &mut options()).unwrap();
    registry.clear_log();

    copy_graph(&memory, &repository, &root, None, &mut options()).unwrap();
    assert_eq!(methods(&registry), "HEAD");

    registry.clear_log();
    copy_graph(&memory, &repository, &root, Some("v2"), &mut options()).unwrap();
    assert_eq!(methods(&registry), "HEAD PUT");
    assert_eq!(registry.tags("a"), ["v2"]);
}

#[test]
fn an_artifact_is_copied_between_registries_byte_for_byte() {
    let from = TestRegistry::start_as(RegistryProfile::distribution());
    from.seed_artifact("a", "v1", &[("one.txt", b"one")]);
    let to = TestRegistry::start_as(RegistryProfile::zot());
    let client = client();
    let source = client.repository(&from.reference("a")).unwrap();
    let target = client.repository(&to.reference("b")).unwrap();

    copy(&source, "v1", &target, Some("v1"), &mut options()).unwrap();

    assert_eq!(
        to.manifest("b", "v1").unwrap(),
        from.manifest("a", "v1").unwrap()
    );
    assert_eq!(to.blob("b", &sha256(b"one")).unwrap(), b"one");
    assert_eq!(methods(&from), "GET GET GET");
    assert_eq!(methods(&to), "HEAD POST PUT POST PUT PUT");
}

#[test]
fn successors_are_copied_before_their_manifest() {
    let source = MemoryStore::new();
    let images = [artifact(&source, &[b"one"]), artifact(&source, &[b"two"])];
    let root = index(&source, &images);

    assert_eq!(
        events(&source, &MemoryStore::new(), &root),
        [
            "copied vnd.oci.empty.v1+json",
            "copied octet-stream",
            "copied vnd.oci.image.manifest.v1+json",
            "copied octet-stream",
            "copied vnd.oci.image.manifest.v1+json",
            "copied vnd.oci.image.index.v1+json",
        ]
    );
}

#[test]
fn successors_of_an_existing_manifest_are_not_fetched() {
    let source = MemoryStore::new();
    let images = [artifact(&source, &[b"one"]), artifact(&source, &[b"two"])];
    let root = index(&source, &images);
    let target = MemoryStore::new();
    copy_graph(&source, &target, &images[1], None, &mut options()).unwrap();

    assert_eq!(
        events(&source, &target, &root),
        [
            "existed vnd.oci.empty.v1+json",
            "copied octet-stream",
            "copied vnd.oci.image.manifest.v1+json",
            "existed vnd.oci.image.manifest.v1+json",
            "copied vnd.oci.image.index.v1+json",
        ]
    );
}

#[test]
fn content_with_two_titles_is_copied_once_and_reported_twice() {
    let source = MemoryStore::new();
    source.push(&blob(b"one"), &mut &b"one"[..]).unwrap();
    source.push(&Descriptor::empty(), &mut &b"{}"[..]).unwrap();
    let layers = [
        titled(b"one", "a.txt"),
        titled(b"one", "b.txt"),
        titled(b"one", "a.txt"),
    ];
    let document = json!({ "schemaVersion": 2, "config": Descriptor::empty(), "layers": layers });
    let root = manifest(&source, MediaType::IMAGE_MANIFEST, &document);

    assert_eq!(
        events(&source, &MemoryStore::new(), &root),
        [
            "copied vnd.oci.empty.v1+json",
            "copied a.txt",
            "repeated b.txt",
            "copied vnd.oci.image.manifest.v1+json",
        ]
    );
}

#[test]
fn one_digest_can_be_both_a_blob_and_a_manifest() {
    let source = MemoryStore::new();
    let image = artifact(&source, &[b"one"]);
    let as_blob = Descriptor::new(MediaType::OCTET_STREAM, image.digest.clone(), image.size);
    let document =
        json!({ "schemaVersion": 2, "config": Descriptor::empty(), "layers": [as_blob] });
    let carrier = manifest(&source, MediaType::IMAGE_MANIFEST, &document);
    for entries in [
        [carrier.clone(), image.clone()],
        [image.clone(), carrier.clone()],
    ] {
        let root = index(&source, &entries);
        let registry = TestRegistry::start();
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        copy_graph(&source, &repository, &root, Some("v1"), &mut options()).unwrap();

        assert!(registry.blob("a", image.digest.as_str()).is_some());
        assert!(registry.manifest("a", image.digest.as_str()).is_some());
    }
}

#[test]
fn foreign_layers_are_skipped() {
    let source = MemoryStore::new();
    source.push(&Descriptor::empty(), &mut &b"{}"[..]).unwrap();
    let foreign = Descriptor::new(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into(),
        ABSENT.parse().unwrap(),
        1_000_000,
    );
    let document =
        json!({ "schemaVersion": 2, "config": Descriptor::empty(), "layers": [foreign] });
    let root = manifest(&source, MediaType::IMAGE_MANIFEST, &document);

    assert_eq!(
        events(&source, &MemoryStore::new(), &root),
        [
            "foreign vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "copied vnd.oci.empty.v1+json",
            "copied vnd.oci.image.manifest.v1+json",
        ]
    );
}

#[test]
fn an_observer_error_stops_the_copy() {
    let source = MemoryStore::new();
    let root = artifact(&source, &[b"one"]);
    let target = MemoryStore::new();
    let mut options = updated!(CopyOptions {
        observer: Some(stopping(|_| true)),
        ..CopyOptions::default()
    });

    let error = copy_graph(&source, &target, &root, None, &mut options).unwrap_err();

    assert_eq!(text(&error), "cancelled: going on: unsupported");
    assert!(!target.exists(&root).unwrap());
}

#[test]
fn find_successors_limits_the_graph() {
    let source = MemoryStore::new();
    let images = [artifact(&source, &[b"one"]), artifact(&source, &[b"two"])];
    let root = index(&source, &images);
    let target = MemoryStore::new();
    let mut first_only = |manifest: &oras::RawManifest, mut successors: Vec<Descriptor>| {
        if manifest.descriptor().media_type.is_index() {
            successors.truncate(1);
        }
        Ok(successors.into())
    };
    let mut options = updated!(CopyOptions {
        find_successors: Some(&mut first_only),
        ..CopyOptions::default()
    });

    copy_graph(&source, &target, &root, None, &mut options).unwrap();

    assert!(target.exists(&images[0]).unwrap());
    assert!(!target.exists(&images[1]).unwrap());
}

#[test]
fn a_single_blob_can_be_copied() {
    let source = MemoryStore::new();
    source
        .push_reference(&blob(b"one"), &mut &b"one"[..], "v1")
        .unwrap();
    let target = MemoryStore::new();

    copy(&source, "v1", &target, Some("v2"), &mut options()).unwrap();

    assert_eq!(target.resolve("v2").unwrap(), blob(b"one"));
}

#[test]
fn a_read_error_of_the_source_leaves_no_partial_content() {
    let from = TestRegistry::start().with(on("GET", "/v2/a/blobs/*").close_after(1).times(2));
    from.seed_artifact("a", "v1", &[("one.txt", b"one")]);
    let to = TestRegistry::start();
    let client = builder().clock(FakeClock::new()).build();
    let source = client.repository(&from.reference("a")).unwrap();
    let target = client.repository(&to.reference("a")).unwrap();

    copy(&source, "v1", &target, Some("v1"), &mut options()).unwrap();

    assert_eq!(to.blob("a", &sha256(b"one")).unwrap(), b"one");
}
