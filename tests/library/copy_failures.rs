//! Failed copies: errors name the side and the operation, and graphs are limited.

use oras::Descriptor;
use oras::copy::{CopyOptions, Limits, copy, copy_graph};
use oras::error::{Error, Operation, Side};
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{MediaType, Result};
use serde_json::json;

use crate::setup::{blob, client, text};
use crate::support::registry::{Fault, RegistryProfile, TestRegistry, on, sha256};

/// Copies `a:v1` of one registry to another, each with a fault.
fn copy_between(at_source: Fault, at_destination: Fault) -> Result<()> {
    let from = TestRegistry::start().with(at_source);
    from.seed_artifact("a", "v1", &[("one.txt", b"one")]);
    let to = TestRegistry::start().with(at_destination);
    let client = client();
    let source = client.repository(&from.reference("a"))?;
    let target = client.repository(&to.reference("a"))?;
    copy(
        &source,
        "v1",
        &target,
        Some("v1"),
        &mut CopyOptions::default(),
    )
    .map(drop)
}

fn side_and_operation(error: &Error) -> (Side, Operation) {
    match error {
        Error::Copy {
            side, operation, ..
        } => (*side, *operation),
        other => panic!("it does not say whose fault it was: {other:?}"),
    }
}

fn nothing() -> Fault {
    on("GET", "nowhere")
}

#[test]
fn copy_errors_name_the_side_and_the_operation() {
    let one = sha256(b"one");
    let blob_path = format!("/v2/a/blobs/{one}");
    let refuse = |method: &str, path: &str| on(method, path).error(403, "DENIED", "no");
    for (name, source, destination, wanted) in [
        (
            "a root that cannot be read",
            refuse("GET", "/v2/a/manifests/*"),
            nothing(),
            (Side::Source, Operation::Resolve),
        ),
        (
            "a blob that cannot be opened",
            refuse("GET", &blob_path),
            nothing(),
            (Side::Source, Operation::Fetch),
        ),
        (
            "a blob that is not what it should be",
            on("GET", &blob_path).flip_byte(1),
            nothing(),
            (Side::Source, Operation::Fetch),
        ),
        (
            "a blob that breaks off",
            on("GET", &blob_path).close_after(0),
            nothing(),
            (Side::Source, Operation::Fetch),
        ),
        (
            "a destination that does not say what it has",
            nothing(),
            // With 403 the registry would count as one without the blob.
            on("HEAD", "/v2/a/manifests/*").error(401, "UNAUTHORIZED", "no"),
            (Side::Destination, Operation::Exists),
        ),
        (
            "a destination that takes no uploads",
            nothing(),
            refuse("POST", "*"),
            (Side::Destination, Operation::Push),
        ),
        (
            "a destination that takes no blobs",
            nothing(),
            refuse("PUT", "/v2/a/blobs/*"),
            (Side::Destination, Operation::Push),
        ),
        (
            "a destination that takes no manifests",
            nothing(),
            refuse("PUT", "/v2/a/manifests/*"),
            (Side::Destination, Operation::Push),
        ),
    ] {
        let error = copy_between(source, destination).unwrap_err();

        assert_eq!(
            side_and_operation(&error),
            wanted,
            "{name}: {}",
            text(&error)
        );
    }
}

#[test]
fn corrupt_content_is_an_error_of_the_source() {
    let one = sha256(b"one");
    let error = copy_between(
        on("GET", &format!("/v2/a/blobs/{one}")).flip_byte(0),
        nothing(),
    )
    .unwrap_err();

    assert!(error.is_verification());
    assert_eq!(
        text(&error),
        format!("failed to fetch {one} from source: {one}: mismatched digest")
    );
}

#[test]
fn a_missing_root_is_an_error_of_the_source() {
    let client = client();
    let registry = TestRegistry::start();
    let source = client.repository(&registry.reference("a")).unwrap();

    let error = copy(
        &source,
        "v1",
        &MemoryStore::new(),
        None,
        &mut CopyOptions::default(),
    )
    .unwrap_err();

    assert!(error.is_not_found());
    assert_eq!(
        text(&error),
        format!(
            "failed to resolve at source: {}: not found",
            registry.reference("a:v1")
        )
    );
}

#[test]
fn a_manifest_lost_during_the_copy_is_an_error_of_the_source() {
    let from = TestRegistry::start();
    let digest = from.seed_artifact("a", "v1", &[]);
    let manifest = from.manifest("a", "v1").unwrap();
    let root = Descriptor::new(
        MediaType::IMAGE_MANIFEST,
        digest.parse().unwrap(),
        manifest.len() as u64,
    );
    let to = TestRegistry::start();
    to.seed_manifest("a", root.media_type.as_str(), &manifest, None);
    from.inject(on("GET", "*").error(403, "DENIED", "gone"));
    let client = client();
    let source = client.repository(&from.reference("a")).unwrap();
    let target = client.repository(&to.reference("a")).unwrap();

    let error = copy_graph(
        &source,
        &target,
        &root,
        Some("v2"),
        &mut CopyOptions::default(),
    )
    .unwrap_err();

    assert_eq!(side_and_operation(&error), (Side::Source, Operation::Fetch));
}

/// Stores an index of these entries.
fn index(store: &MemoryStore, entries: &[Descriptor]) -> Descriptor {
    let document = json!({ "schemaVersion": 2, "manifests": entries });
    let bytes = document.to_string().into_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
    store.push(&descriptor, &mut bytes.as_slice()).unwrap();
    descriptor
}

/// Nested indexes with `depth` levels.
fn chain(store: &MemoryStore, depth: usize) -> Descriptor {
    let mut entries = Vec::new();
    for _ in 0..depth {
        entries = vec![index(store, &entries)];
    }
    entries.remove(0)
}

fn copy_to_memory(source: &MemoryStore, root: &Descriptor) -> Result<MemoryStore> {
    let target = MemoryStore::new();
    copy_graph(source, &target, root, None, &mut CopyOptions::default())?;
    Ok(target)
}

#[test]
fn the_depth_of_a_graph_is_limited() {
    let source = MemoryStore::new();

    let deep = chain(&source, 100);
    assert!(
        copy_to_memory(&source, &deep)
            .unwrap()
            .exists(&deep)
            .unwrap()
    );

    let bottomless = chain(&source, 101);
    assert_eq!(
        text(&copy_to_memory(&source, &bottomless).unwrap_err()),
        format!(
            "graph of {} size 101 exceeds MaxDepth 100: size exceeds limit",
            bottomless.digest
        )
    );
}

#[test]
fn limits_of_a_graph_are_options() {
    let source = MemoryStore::new();
    let leaf = blob(b"hello");
    source.push(&leaf, &mut &b"hello"[..]).unwrap();
    let inner = index(&source, &[leaf]);
    let root = index(&source, std::slice::from_ref(&inner));
    let bytes = root.size + inner.size;
    let copy_within = |change: &dyn Fn(&mut Limits, u64)| {
        // The smallest sufficient limit, and the largest insufficient one.
        [0, 1].map(|missing| {
            let mut options = CopyOptions::default();
            change(&mut options.limits, missing);
            copy_graph(&source, &MemoryStore::new(), &root, None, &mut options)
                .map_err(|error| text(&error))
        })
    };
    let too_large = |size: u64, name: &str| {
        Err(format!(
            "graph of {} size {size} exceeds {name} {}: size exceeds limit",
            root.digest,
            size - 1
        ))
    };

    assert_eq!(
        copy_within(&|limits, missing| limits.max_metadata_bytes = bytes - missing),
        [Ok(()), too_large(bytes, "MaxTotalMetadataBytes")]
    );
    assert_eq!(
        copy_within(&|limits, missing| limits.max_depth = 3 - missing),
        [Ok(()), too_large(3, "MaxDepth")]
    );
    assert_eq!(
        copy_within(&|limits, missing| limits.max_nodes = 3 - missing),
        [Ok(()), too_large(3, "MaxNodes")]
    );
}

#[test]
fn existing_manifests_do_not_count_against_the_limits() {
    let source = MemoryStore::new();
    let old = index(&source, &[]);
    let target = copy_to_memory(&source, &old).unwrap();
    let root = index(&source, &[old]);
    let mut options = CopyOptions::default();
    options.limits.max_metadata_bytes = root.size;

    copy_graph(&source, &target, &root, None, &mut options).unwrap();

    assert!(target.exists(&root).unwrap());
}

#[test]
fn each_node_of_a_graph_with_many_paths_is_copied_once() {
    // Each level refers twice to the level below it: 2^40 paths, and 40 manifests.
    let source = MemoryStore::new();
    let mut entries = Vec::new();
    for level in 0..40 {
        let document = json!({ "schemaVersion": 2, "manifests": entries, "annotations": { "level": level.to_string() } });
        let bytes = document.to_string().into_bytes();
        let node = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
        source.push(&node, &mut bytes.as_slice()).unwrap();
        entries = vec![node.clone(), node];
    }

    let target = copy_to_memory(&source, &entries[0]).unwrap();

    assert!(target.exists(&entries[0]).unwrap());
}

#[test]
fn an_index_of_ten_thousand_blobs_is_copied() {
    let source = MemoryStore::new();
    let blobs: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let bytes = number.to_be_bytes();
            source.push(&blob(&bytes), &mut &bytes[..]).unwrap();
            blob(&bytes)
        })
        .collect();
    let root = index(&source, &blobs);

    let target = copy_to_memory(&source, &root).unwrap();

    assert!(blobs.iter().all(|blob| target.exists(blob).unwrap()));
}

#[test]
fn an_ambiguous_manifest_is_refused() {
    let source = MemoryStore::new();
    let bytes = br#"{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}"#;
    for media_type in [MediaType::IMAGE_INDEX, MediaType::IMAGE_MANIFEST] {
        let root = Descriptor::of(media_type, bytes);
        source.push(&root, &mut &bytes[..]).unwrap();

        let error = copy_to_memory(&source, &root).unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "failed to fetch {0} from source: invalid manifest {0}: \
                 it has both \"manifests\" and \"config\" or \"layers\"",
                root.digest
            )
        );
    }
}

#[test]
fn an_oversized_manifest_is_refused() {
    let source = MemoryStore::new();
    let mut bytes = br#"{"schemaVersion":2,"manifests":[]}"#.to_vec();
    bytes.resize(4 * 1024 * 1024 + 1, b' ');
    let root = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
    source.push(&root, &mut bytes.as_slice()).unwrap();

    let error = copy_to_memory(&source, &root).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "failed to fetch {} from source: content size 4194305 exceeds MaxBytes 4194304: size exceeds limit",
            root.digest
        )
    );
}

#[test]
fn a_failed_repair_keeps_the_tag() {
    // The registry reports every blob as existing, accepts its upload, and then reports it as
    // unknown.
    let registry = TestRegistry::start_as(RegistryProfile::distribution())
        .with(on("POST", "/v2/a/blobs/uploads/?mount=*").status(201))
        .with(on("PUT", "/v2/a/blobs/*").status(201));
    let source = MemoryStore::new();
    source.push(&blob(b"one"), &mut &b"one"[..]).unwrap();
    source.push(&Descriptor::empty(), &mut &b"{}"[..]).unwrap();
    let document =
        json!({ "schemaVersion": 2, "config": Descriptor::empty(), "layers": [blob(b"one")] });
    let bytes = document.to_string().into_bytes();
    let root = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
    source.push(&root, &mut bytes.as_slice()).unwrap();
    let client = client();
    let target = client.repository(&registry.reference("a")).unwrap();

    let error = copy_graph(
        &source,
        &target,
        &root,
        Some("v1"),
        &mut CopyOptions::default(),
    )
    .unwrap_err();

    assert_eq!(
        side_and_operation(&error),
        (Side::Destination, Operation::Push)
    );
    assert!(
        text(&error)
            .contains("manifest blob unknown: manifest references a blob unknown to registry"),
        "{}",
        text(&error)
    );
    assert!(registry.tags("a").is_empty());
}
