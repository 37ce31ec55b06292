//! Creating and updating indexes: requests, entries, and members that are kept.

use oras::index::{ArtifactTypeChange, CreateOptions, UpdateOptions, create, push, update};
use oras::progress::Event;
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{Annotations, Descriptor, Digest, Error, MediaType, RawManifest};

use crate::observers::collecting;
use crate::setup::{client, text};
use crate::support::registry::{TestRegistry, on, sha256};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const ARM: &[u8] = br#"{"architecture":"arm64","os":"linux","variant":"v8","rootfs":{}}"#;

/// Returns an image manifest with a config and no layers.
fn image(config: &[u8], members: &str) -> String {
    let (digest, size) = (sha256(config), config.len());
    format!(
        r#"{{"schemaVersion":2,{members}"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{size}}},"layers":[]}}"#
    )
}

/// Starts a registry with an image for arm64 tagged `arm`, and an empty index tagged `empty`.
fn registry() -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_blob("a", ARM);
    let image = image(ARM, r#""artifactType":"x/y","#);
    registry.seed_manifest("a", IMAGE, image.as_bytes(), Some("arm"));
    let empty = br#"{"schemaVersion":2,"manifests":[]}"#;
    registry.seed_manifest("a", INDEX, empty, Some("empty"));
    registry
}

/// Returns the entry of the image in an index.
fn arm_entry() -> String {
    let image = image(ARM, r#""artifactType":"x/y","#);
    let (digest, size) = (sha256(image.as_bytes()), image.len());
    format!(
        r#"{{"mediaType":"{IMAGE}","digest":"{digest}","size":{size},"platform":{{"architecture":"arm64","os":"linux","variant":"v8"}},"artifactType":"x/y"}}"#
    )
}

fn listing(manifests: &[&str]) -> CreateOptions {
    updated!(CreateOptions {
        manifests: manifests.iter().map(ToString::to_string).collect(),
        ..CreateOptions::default()
    })
}

fn adding(manifests: &[&str]) -> UpdateOptions {
    updated!(UpdateOptions {
        add: manifests.iter().map(ToString::to_string).collect(),
        ..UpdateOptions::default()
    })
}

/// Returns a store with these manifests of these media types and tags.
fn memory(manifests: &[(&str, &str, &str)]) -> MemoryStore {
    let memory = MemoryStore::new();
    for (tag, media_type, text) in manifests {
        let descriptor = Descriptor::of((*media_type).into(), text.as_bytes());
        memory
            .push_reference(&descriptor, &mut text.as_bytes(), tag)
            .unwrap();
    }
    memory
}

fn text_of(manifest: &RawManifest) -> &str {
    str::from_utf8(manifest.bytes()).unwrap()
}

#[test]
fn creation_takes_one_get_per_manifest_and_config_and_one_put() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let index = create(&repository, listing(&["arm", "empty"])).unwrap();
    push(&repository, &index, Some("v1")).unwrap();

    assert_eq!(
        registry.log(),
        [
            "GET /v2/a/manifests/arm (no authorization)".to_owned(),
            format!("GET /v2/a/blobs/{} (no authorization)", sha256(ARM)),
            "GET /v2/a/manifests/empty (no authorization)".to_owned(),
            "PUT /v2/a/manifests/v1 (no authorization)".to_owned(),
        ]
    );
    assert_eq!(registry.manifest("a", "v1").unwrap(), index.bytes());
}

#[test]
fn entries_have_platform_and_artifact_type() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let options = updated!(CreateOptions {
        artifact_type: Some("application/vnd.me.set".into()),
        annotations: Annotations::from([("k".to_owned(), "<v>".to_owned())]),
        ..listing(&["arm", "empty"])
    });

    let index = create(&repository, options).unwrap();

    let empty = sha256(br#"{"schemaVersion":2,"manifests":[]}"#);
    assert_eq!(
        text_of(&index),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","artifactType":"application/vnd.me.set","manifests":[{},{{"mediaType":"{INDEX}","digest":"{empty}","size":34}}],"annotations":{{"k":"\u003cv\u003e"}}}}"#,
            arm_entry()
        )
    );
    assert_eq!(index.descriptor().media_type, MediaType::IMAGE_INDEX);
}

#[test]
fn an_index_without_a_tag_is_stored_under_its_digest() {
    for reference in [None, Some(crate::setup::ABSENT)] {
        let registry = registry();
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let index = create(&repository, listing(&[])).unwrap();
        push(&repository, &index, reference).unwrap();

        let digest = index.descriptor().digest.as_str();
        assert_eq!(
            registry.log(),
            [format!("PUT /v2/a/manifests/{digest} (no authorization)")]
        );
        assert_eq!(
            digest,
            "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"
        );
    }
}

#[test]
fn content_that_cannot_be_in_an_index_is_not_downloaded() {
    let blob = Descriptor::of("a/b".into(), b"hello");
    let memory = memory(&[
        (
            "artifact",
            "application/vnd.oci.artifact.manifest.v1+json",
            "no JSON",
        ),
        ("image", IMAGE, "no JSON"),
    ]);
    memory.push(&blob, &mut &b"hello"[..]).unwrap();
    for (reference, wanted) in [
        ("artifact", "artifact is not a manifest".to_owned()),
        (
            blob.digest.as_str(),
            format!("{} is not a manifest", blob.digest),
        ),
        (
            "nothing",
            "could not find the manifest nothing: nothing: not found".to_owned(),
        ),
    ] {
        let error = create(&memory, listing(&[reference])).unwrap_err();
        assert_eq!(text(&error), wanted);
    }
    let error = update(&memory, "image", adding(&[])).unwrap_err();
    assert_eq!(text(&error), "image is not an index");
    let error = create(&memory, listing(&["image"])).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[test]
fn missing_wrong_and_oversized_configs_are_errors() {
    let manifest = image(b"config", "");
    let store = || memory(&[("image", IMAGE, &manifest)]);
    assert!(
        create(&store(), listing(&["image"]))
            .unwrap_err()
            .is_not_found()
    );

    let registry = registry().with(on("GET", "/v2/a/blobs/*").body(ARM.to_ascii_uppercase()));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let error = create(&repository, listing(&["arm"])).unwrap_err();
    assert!(error.is_verification(), "{error}");

    let large = manifest.replace(r#""size":6"#, r#""size":4194305"#);
    let memory = memory(&[("image", IMAGE, &large)]);
    let error = create(&memory, listing(&["image"])).unwrap_err();
    assert_eq!(
        text(&error),
        "config size 4194305 exceeds the limit of 4194304 bytes: size exceeds limit"
    );
}

#[test]
fn an_index_over_the_size_limit_is_refused() {
    let memory = memory(&[("v1", INDEX, r#"{"schemaVersion":2,"manifests":[]}"#)]);
    let options = updated!(CreateOptions {
        max_manifest_bytes: 400,
        ..listing(&["v1", "v1", "v1"])
    });
    let error = create(&memory, options).unwrap_err();
    assert_eq!(
        text(&error),
        "index size 534 exceeds the limit of 400 bytes: size exceeds limit"
    );

    let options = updated!(UpdateOptions {
        max_manifest_bytes: 400,
        ..adding(&["v1", "v1", "v1"])
    });
    let error = update(&memory, "v1", options).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn the_artifact_type_is_checked_before_any_request() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let created = updated!(CreateOptions {
        artifact_type: Some("nonsense".into()),
        ..listing(&["arm"])
    });
    let updated = updated!(UpdateOptions {
        artifact_type: ArtifactTypeChange::Set("nonsense".into()),
        ..UpdateOptions::default()
    });

    for error in [
        create(&repository, created).unwrap_err(),
        update(&repository, "empty", updated).unwrap_err(),
    ] {
        assert!(
            matches!(
                error,
                Error::InvalidInput {
                    input: oras::error::Input::MediaType(_),
                    ..
                }
            ),
            "{error}"
        );
    }
    assert!(registry.log().is_empty());
}

#[test]
fn updates_are_made_and_reported_in_a_fixed_order() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let index = create(&repository, listing(&["arm", "empty", "arm"])).unwrap();
    push(&repository, &index, Some("index")).unwrap();
    push(&repository, &index, Some("other")).unwrap();
    let arm = repository.resolve("arm").unwrap().digest;
    let removed = arm.clone();
    let (observer, events) = collecting(move |event| {
        Some(match *event {
            Event::Resolving(reference) => format!("fetching {reference}"),
            Event::Resolved { reference, .. } => format!("fetched {reference}"),
            Event::EntryRemoved(digest) => format!("removed {}", *digest == removed),
            Event::EntryAdded { reference, .. } => format!("added {reference}"),
            Event::IndexMerged { reference, .. } => format!("merged {reference}"),
            _ => unreachable!("updates have no other events"),
        })
    });
    let options = updated!(UpdateOptions {
        artifact_type: ArtifactTypeChange::Set("a/b".into()),
        remove: vec![arm.clone(), arm.clone()],
        merge: vec!["other".to_owned()],
        observer: Some(observer),
        ..adding(&["arm"])
    });

    let changed = update(&repository, "index", options).unwrap();

    assert_eq!(
        events.take(),
        [
            "fetching index",
            "fetched index",
            "removed true",
            "fetching arm",
            "fetched arm",
            "added arm",
            "fetching other",
            "fetched other",
            "merged other",
        ]
    );
    let empty = format!(
        r#"{{"mediaType":"{INDEX}","digest":"{}","size":34}}"#,
        sha256(br#"{"schemaVersion":2,"manifests":[]}"#)
    );
    let arm = arm_entry();
    assert_eq!(
        text_of(&changed),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","artifactType":"a/b","manifests":[{empty},{arm},{arm},{empty},{arm}]}}"#
        )
    );
}

#[test]
fn removing_a_digest_without_an_entry_is_an_error() {
    let memory = memory(&[("v1", INDEX, r#"{"schemaVersion":2,"manifests":[]}"#)]);
    let options = updated!(UpdateOptions {
        remove: vec![Digest::of(b"a")],
        ..UpdateOptions::default()
    });

    let error = update(&memory, "v1", options).unwrap_err();

    assert!(error.is_not_found());
    assert_eq!(
        text(&error),
        format!("{} does not exist in the index v1", Digest::of(b"a"))
    );
}

#[test]
fn an_updated_index_has_the_media_type_of_its_descriptor() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    let text = br#"{"schemaVersion":2,"manifests":null}"#;
    registry.seed_manifest("a", list, text, Some("list"));
    for (tag, media_type) in [("empty", INDEX), ("list", list)] {
        let changed = update(&repository, tag, adding(&["arm"])).unwrap();
        push(&repository, &changed, Some(tag)).unwrap();

        let found = repository.resolve(tag).unwrap();
        assert_eq!(found.media_type.as_str(), media_type);
        let arm = arm_entry();
        assert_eq!(
            text_of(&changed),
            format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{arm}]}}"#)
        );
    }
}

#[test]
fn unknown_members_survive_updates() {
    let entry = arm_entry().replace(r#""os":"linux""#, r#""os":"linux","features":["sse4"]"#);
    let entry = entry.replace(r#""size""#, r#""x":1.50,"size""#);
    let before = format!(r#"{{"schemaVersion":2,"y":{{"z": [ ]}},"manifests":[{entry}]}}"#);
    let memory = memory(&[("v1", INDEX, &before)]);
    let options = updated!(UpdateOptions {
        merge: vec!["v1".to_owned()],
        artifact_type: ArtifactTypeChange::Remove,
        ..UpdateOptions::default()
    });

    let changed = update(&memory, "v1", options).unwrap();

    let kept = arm_entry()
        .replace(r#""v8"}"#, r#""v8","features":["sse4"]}"#)
        .replace(r#""x/y"}"#, r#""x/y","x":1.50}"#);
    assert_eq!(
        text_of(&changed),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{kept},{kept}],"y":{{"z": [ ]}}}}"#
        )
    );
}

#[test]
fn an_update_does_not_write_a_document_of_two_kinds() {
    for (document, wanted) in [
        (
            r#"{"schemaVersion":2,"layers":[]}"#.to_owned(),
            "it has both \"manifests\" and \"config\" or \"layers\"".to_owned(),
        ),
        (
            format!(r#"{{"schemaVersion":2,"mediaType":"{IMAGE}"}}"#),
            format!("index: its mediaType is \"{IMAGE}\""),
        ),
    ] {
        let memory = memory(&[("v1", INDEX, &document)]);
        let error = update(&memory, "v1", UpdateOptions::default()).unwrap_err();
        assert!(error.to_string().ends_with(&wanted), "{error}");
    }
}
