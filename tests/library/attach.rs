//! Attaching: the manifest, the requests to a registry, and the repair of lost listings.

use oras::Descriptor;
use oras::attach::{AttachOptions, Attached, attach};
use oras::discover::{DiscoverOptions, discover};
use oras::layout::LayoutStore;
use oras::progress::Event;
use oras::push::PushFile;
use oras::store::memory::MemoryStore;
use oras::store::{Delete, Referrers, Target};
use oras::{Annotations, Error, MediaType, RawManifest};

use crate::artifacts::{image, push};
use crate::observers::collecting;
use crate::setup::{blob, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};
use crate::support::tempdir::TempDir;

fn subject() -> RawManifest {
    image("subject", "")
}

/// A fixed creation time, which makes the manifest reproducible.
fn annotations() -> Annotations {
    let created = "org.opencontainers.image.created".to_owned();
    [(created, "2000-01-01T00:00:00Z".to_owned())].into()
}

fn options<'a>() -> AttachOptions<'a> {
    updated!(AttachOptions {
        artifact_type: Some("sig/a".into()),
        annotations: annotations(),
        ..AttachOptions::default()
    })
}

fn fill(store: &dyn Target) {
    push(store, &subject());
    store.tag(subject().descriptor(), "v1").unwrap();
}

/// A registry that has the subject in repository `a`.
fn registry(personality: RegistryProfile) -> TestRegistry {
    let registry = TestRegistry::start_as(personality);
    let client = client();
    fill(&client.repository(&registry.reference("a")).unwrap());
    registry.clear_log();
    registry
}

fn found(store: &dyn Referrers) -> Vec<String> {
    let found = discover(store, "v1", &DiscoverOptions::default()).unwrap();
    let digests = found.referrers.iter();
    digests
        .map(|found| found.descriptor.digest.to_string())
        .collect()
}

fn digest(attached: &Attached) -> String {
    attached.manifest.descriptor().digest.to_string()
}

/// The requests to repository `a`, shortened.
fn log(registry: &TestRegistry) -> Vec<String> {
    let shorten = |line: String| {
        let line = line
            .replace(" (no authorization)", "")
            .replace("/v2/a/", "");
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let end = path
            .find([':', '?'])
            .or_else(|| path.find("sha256-"))
            .unwrap_or(path.len());
        let session = path.starts_with("blobs/uploads/") && !path.contains('?');
        let path = if session {
            "blobs/uploads/"
        } else {
            &path[..end]
        };
        format!("{method} {path}")
    };
    registry.log().into_iter().map(shorten).collect()
}

#[test]
fn attached_referrers_are_found_in_every_store() {
    let rule = |store: &dyn Target, as_referrers: &dyn Referrers| {
        fill(store);
        let attached = attach(store, "v1", options()).unwrap();
        assert_eq!(attached.subject, *subject().descriptor());
        assert_eq!(found(as_referrers), [digest(&attached)]);
        let view = attached.manifest.view().unwrap();
        assert_eq!(view.subject(), Some(subject().descriptor()));
        assert_eq!(view.annotations(), &annotations());
        let descriptor = attached.manifest.descriptor();
        assert_eq!(descriptor.artifact_type, Some("sig/a".into()));
    };
    let memory = MemoryStore::new();
    rule(&memory, &memory);
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    rule(&layout, &layout);
    for personality in [
        RegistryProfile::default(),
        RegistryProfile::distribution(),
        RegistryProfile::zot(),
        RegistryProfile::ggcr(),
    ] {
        let registry = TestRegistry::start_as(personality);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        rule(&repository, &repository);
    }
}

#[test]
fn files_become_layers() {
    let directory = TempDir::new();
    let file = directory.write("a.txt", "a");
    let config = directory.write("config.json", "{\"k\":\"v\"}");
    let store = MemoryStore::new();
    fill(&store);
    let named = updated!(PushFile {
        annotations: [(
            "org.opencontainers.image.title".to_owned(),
            "a.txt".to_owned(),
        )]
        .into(),
        ..PushFile::from(&file)
    });
    let (observer, events) = collecting(|event| {
        Some(match *event {
            Event::Preparing(title) => format!("preparing {title}"),
            Event::Transferred(node) => format!("copied {}", node.display_name()),
            Event::Exists(node) => format!("existed {}", node.display_name()),
            _ => return None,
        })
    });

    let attached = attach(
        &store,
        "v1",
        updated!(AttachOptions {
            files: vec![named],
            config: Some(updated!(PushFile {
                media_type: Some("application/vnd.test.config".into()),
                ..PushFile::from(&config)
            })),
            annotations: Annotations::new(),
            observer: Some(observer),
            ..options()
        }),
    )
    .unwrap();

    let successors = attached.manifest.successors().unwrap();
    let names: Vec<_> = successors.iter().map(Descriptor::display_name).collect();
    let manifest = MediaType::IMAGE_MANIFEST;
    assert_eq!(
        names,
        [manifest.as_str(), "application/vnd.test.config", "a.txt"]
    );
    // The subject exists and is not pushed.
    assert_eq!(
        events.take(),
        [
            "preparing a.txt".to_owned(),
            "copied application/vnd.test.config".to_owned(),
            "copied a.txt".to_owned(),
            format!("copied {manifest}")
        ]
    );
}

#[test]
fn attaching_sends_the_minimum_of_requests() {
    let new = || {
        updated!(AttachOptions {
            annotations: [("a".to_owned(), "b".to_owned())].into(),
            ..options()
        })
    };
    // The subject has the empty config and layer too.
    let pushed = ["GET manifests/v1", "PUT manifests/sha256"];
    for (personality, wanted) in [
        (RegistryProfile::default(), &pushed[..]),
        (
            RegistryProfile::distribution(),
            &[
                pushed[0],
                pushed[1],
                "GET manifests/",
                "PUT manifests/",
                "GET manifests/",
            ],
        ),
    ] {
        let registry = registry(personality);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        attach(&repository, "v1", new()).unwrap();

        assert_eq!(log(&registry), wanted);
    }
}

#[test]
fn a_blob_of_the_subject_that_the_registry_lost_is_sent() {
    let registry = registry(RegistryProfile::distribution());
    let other = client();
    let other = other.repository(&registry.reference("a")).unwrap();
    other
        .delete(&Descriptor::of(MediaType::EMPTY, b"{}"))
        .unwrap();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let attached = attach(&repository, "v1", options()).unwrap();

    let digest = &attached.manifest.descriptor().digest;
    assert!(registry.manifest("a", digest.as_str()).is_some());
    assert!(registry.blob("a", &sha256(b"{}")).is_some());
}

/// The media type, digest and size of the subject suffice.
#[test]
fn a_subject_that_cannot_be_read_is_resolved() {
    let read = || on("GET", "/v2/a/manifests/v1");
    for (name, fault) in [
        ("a web page", read().html_page()),
        ("broken", read().close_after(7)),
        ("changed", read().body("{}")),
        ("refused", read().status(403)),
    ] {
        let registry = registry(RegistryProfile::default()).with(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let attached = attach(&repository, "v1", options()).unwrap();

        assert_eq!(attached.subject, *subject().descriptor(), "{name}");
    }
}

#[test]
fn the_subject_in_a_layout_has_no_tag_annotation() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let mut entry = subject().descriptor().clone();
    entry.annotations = [("a".to_owned(), "b".to_owned())].into();
    entry.artifact_type = Some("test/artifact".into());
    push(&store, &subject());
    store.tag(&entry, "v1").unwrap();

    let attached = attach(&store, "v1", options()).unwrap();

    assert_eq!(attached.subject, *subject().descriptor());
}

#[test]
fn the_subject_for_a_platform_is_the_index_entry() {
    let store = MemoryStore::new();
    let amd64 = image("amd64", "");
    let mut entry = amd64.descriptor().clone();
    entry.platform = Some(Box::new("linux/amd64".parse().unwrap()));
    entry.annotations = [("a".to_owned(), "b".to_owned())].into();
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [entry] }).to_string();
    let index = RawManifest::new(MediaType::IMAGE_INDEX, index.into_bytes());
    push(&store, &amd64);
    push(&store, &index);
    store.tag(index.descriptor(), "v1").unwrap();
    let of = |platform: &str| {
        let platform = Some(platform.parse().unwrap());
        attach(
            &store,
            "v1",
            updated!(AttachOptions {
                platform,
                ..options()
            }),
        )
    };

    assert_eq!(of("linux/amd64").unwrap().subject, entry);
    let error = of("plan9/amd64").unwrap_err();
    assert!(error.is_not_found());
    assert!(
        text(&error).starts_with("failed to resolve v1: sha256:"),
        "{error}"
    );
}

#[test]
fn a_refused_attach_changes_nothing() {
    let store = MemoryStore::new();
    fill(&store);
    let content = blob(b"hello");
    store.push(&content, &mut &b"hello"[..]).unwrap();
    let digest = content.digest.as_str();
    let mut invalid = annotations();
    invalid.insert(
        "org.opencontainers.image.created".to_owned(),
        "now".to_owned(),
    );
    for (name, options, wanted) in [
        (
            "missing",
            options(),
            "failed to resolve missing: missing: not found",
        ),
        (
            digest,
            options(),
            &format!("failed to resolve {digest}: {digest} is no manifest: unsupported"),
        ),
        (
            "v1",
            updated!(AttachOptions {
                annotations: Annotations::new(),
                ..options()
            }),
            "invalid attachment: there are neither files nor annotations",
        ),
        (
            "v1",
            updated!(AttachOptions {
                artifact_type: None,
                ..options()
            }),
            "missing artifact type",
        ),
        (
            "v1",
            updated!(AttachOptions {
                artifact_type: Some("nonsense".into()),
                ..options()
            }),
            "invalid artifactType format: nonsense: invalid media type",
        ),
        (
            "v1",
            updated!(AttachOptions {
                files: vec!["/nowhere/a.txt".into()],
                ..options()
            }),
            "stat /nowhere/a.txt: no such file or directory",
        ),
        (
            "v1",
            updated!(AttachOptions {
                annotations: invalid,
                ..options()
            }),
            "invalid date and time format: parsing time \"now\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"now\" as \"2006\"",
        ),
    ] {
        let error = attach(&store, name, options).unwrap_err();

        assert_eq!(text(&error), wanted);
        assert_eq!(found(&store), [""; 0]);
    }
}

#[test]
fn attaching_again_restores_an_entry_of_the_referrers_tag() {
    let registry = registry(RegistryProfile::distribution());
    let clock = FakeClock::new();
    let client = builder().clock(clock).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let attached = attach(&repository, "v1", options()).unwrap();
    let list = oras::internal::referrers_tag(&subject().descriptor().digest);
    repository.untag(&list).unwrap();
    assert_eq!(found(&repository), [""; 0]);

    let again = attach(&repository, "v1", options()).unwrap();

    assert_eq!(again, attached);
    assert_eq!(found(&repository), [digest(&attached)]);
}

#[test]
fn attaching_again_restores_an_entry_of_a_layout() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    fill(&store);
    let before = directory.read("index.json");
    let attached = attach(&store, "v1", options()).unwrap();
    directory.write("index.json", before);
    assert_eq!(found(&store), [""; 0]);

    attach(&store, "v1", options()).unwrap();

    assert_eq!(found(&store), [digest(&attached)]);
}

#[test]
fn a_failed_update_of_the_referrers_tag_is_an_error() {
    let list = format!(
        "/v2/a/manifests/{}",
        oras::internal::referrers_tag(&subject().descriptor().digest)
    );
    let registry = registry(RegistryProfile::distribution()).with(on("PUT", &list).error(
        403,
        "DENIED",
        "not for you",
    ));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = attach(&repository, "v1", options()).unwrap_err();

    assert!(matches!(error.root(), Error::Refused(_)), "{error:?}");
    assert!(error.is_unauthorized());
    assert!(
        text(&error).contains("as a referrer of"),
        "{}",
        text(&error)
    );
}
