//! Backup and restore: a round trip through any store loses nothing, and an incomplete backup is
//! not mistaken for a complete one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use oras::backup::{BackupOptions, backup, dry_run, restore};
use oras::internal::referrers_tag;
use oras::layout::{LayoutStore, LayoutTar, LayoutTarWriter};
use oras::progress::{Event, Observer};
use oras::store::memory::MemoryStore;
use oras::store::{Inventory, Source, Target};
use oras::{Descriptor, Error, MediaType, RawManifest, Result, copy};

use crate::artifacts::{as_json, attached, image, push};
use crate::setup::client;
use crate::support::registry::{RegistryProfile, TestRegistry, on};
use crate::support::tempdir::TempDir;

mod hostile;
mod lists;
mod pages;

/// The events of a backup, one line each.
#[derive(Clone, Default)]
struct EventLog(Arc<Mutex<Vec<String>>>);

impl EventLog {
    fn observer(&self) -> Observer {
        let log = self.clone();
        Observer::new(move |event| {
            log.note(event);
            Ok(())
        })
    }

    fn note(&self, event: &Event<'_>) {
        let line = match *event {
            Event::TagsFound(tags) => format!("found {}", tags.join(" ")),
            Event::TagStarted(tag) => format!("tag {tag}"),
            Event::TagFinished { tag, referrers, .. } => format!("tagged {tag} with {referrers}"),
            Event::Transferred(node) => format!("copied {}", node.media_type),
            Event::MissingSkipped(node) | Event::MissingSubjectSkipped(node) => {
                format!("gone {}", node.digest)
            }
            Event::TagSkipped { tag, .. } => format!("skipped {tag}"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }

    /// Returns the lines that begin with one of these words.
    fn lines_with(&self, words: &[&str]) -> Vec<String> {
        let told = self.0.lock().unwrap();
        told.iter()
            .filter(|line| words.iter().any(|word| line.starts_with(word)))
            .cloned()
            .collect()
    }
}

/// Options for a backup of these tags, or all if there are none, with referrers.
fn with_referrers(tags: &[&str]) -> BackupOptions {
    updated!(BackupOptions {
        tags: tags.iter().map(ToString::to_string).collect(),
        referrers: true,
        ..BackupOptions::default()
    })
}

/// Artifacts with referrers at every level: an image with two tags, an index of images,
/// signatures of images, of an image in the index and of the index, and a signature of a signature.
struct Artifacts {
    tagged: Vec<(&'static str, RawManifest)>,
    attached: Vec<RawManifest>,
}

impl Artifacts {
    fn new() -> Self {
        let (first, second) = (image("first", ""), image("second", ""));
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{},{}]}}"#,
            MediaType::IMAGE_INDEX,
            as_json(first.descriptor()),
            as_json(second.descriptor())
        );
        let index = RawManifest::new(MediaType::IMAGE_INDEX, index.into_bytes());
        let signature = attached("signature", "sig/a", first.descriptor());
        Self {
            attached: vec![
                attached("of a signature", "sig/b", signature.descriptor()),
                signature,
                attached("another", "sig/a", first.descriptor()),
                attached("of a part", "sig/a", second.descriptor()),
                attached("of an index", "sig/a", index.descriptor()),
            ],
            tagged: vec![("v1", first.clone()), ("latest", first), ("index", index)],
        }
    }

    /// Pushes all artifacts to a store, successors first.
    fn push(&self, store: &(impl Target + ?Sized)) {
        push(store, &image("second", ""));
        for (tag, manifest) in &self.tagged {
            push(store, manifest);
            store.tag(manifest.descriptor(), tag).unwrap();
        }
        for manifest in self.attached.iter().rev() {
            push(store, manifest);
        }
    }

    /// The digests of all manifests.
    fn digests(&self) -> Vec<String> {
        let tagged = self.tagged.iter().map(|(_, manifest)| manifest);
        let mut digests: Vec<_> = tagged
            .chain(&self.attached)
            .chain([&image("second", "")])
            .map(|manifest| manifest.descriptor().digest.to_string())
            .collect();
        digests.sort();
        digests.dedup();
        digests
    }
}

/// Registries with and without the referrers API.
fn registries() -> [(&'static str, RegistryProfile); 3] {
    [
        ("with the API", RegistryProfile::default()),
        ("without the API", RegistryProfile::distribution()),
        ("ghcr", RegistryProfile::ghcr()),
    ]
}

/// Returns the tags of a repository and the digests they name.
fn tags(registry: &TestRegistry, repository: &str) -> BTreeMap<String, String> {
    let tags = registry.tags(repository).into_iter();
    tags.map(|tag| {
        let digest = registry.resolve(repository, &tag).unwrap();
        (tag, digest)
    })
    .collect()
}

/// Backs everything up to a tar file, and opens it.
fn to_archive(source: &dyn Inventory, directory: &TempDir, options: BackupOptions) -> LayoutTar {
    let path = directory.join("backup.tar");
    let writer = LayoutTarWriter::create(&path).unwrap();
    backup(source, &writer, options).unwrap();
    writer.finish().unwrap();
    LayoutTar::open(path).unwrap()
}

#[test]
fn a_restored_backup_has_all_tags_and_referrers() {
    for (name, personality) in registries() {
        let artifacts = Artifacts::new();
        let registry = TestRegistry::start_as(personality.clone());
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        artifacts.push(&repository);
        let before = tags(&registry, "a");
        let directory = TempDir::new();
        let archive = to_archive(&repository, &directory, with_referrers(&[]));
        let layout = LayoutStore::create_or_open(directory.join("layout")).unwrap();
        assert_eq!(
            backup(&repository, &layout, with_referrers(&[])).unwrap(),
            3
        );

        for source in [&archive as &dyn Inventory, &layout] {
            let wiped = TestRegistry::start_as(personality.clone());
            let repository = client.repository(&wiped.reference("a")).unwrap();
            assert_eq!(
                restore(source, &repository, with_referrers(&[])).unwrap(),
                3
            );

            // Referrers indexes have the same entries, perhaps in another order.
            let (mut before, mut after) = (before.clone(), tags(&wiped, "a"));
            assert_eq!(
                before.keys().collect::<Vec<_>>(),
                after.keys().collect::<Vec<_>>(),
                "{name}"
            );
            for tags in [&mut before, &mut after] {
                tags.retain(|tag, _| !tag.starts_with("sha256-"));
            }
            assert_eq!(before, after, "{name}");
            for digest in artifacts.digests() {
                assert!(wiped.manifest("a", &digest).is_some(), "{name}: {digest}");
            }
            for manifest in &artifacts.attached {
                assert!(is_listed(&repository, manifest), "{name}: {manifest:?}");
            }
        }
    }
}

#[test]
fn an_interrupted_restore_can_be_repeated() {
    let artifacts = Artifacts::new();
    let store = MemoryStore::new();
    artifacts.push(&store);
    let archive = to_archive(&store, &TempDir::new(), with_referrers(&[]));
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let restored = || {
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        restore(&archive, &repository, with_referrers(&[]))
    };
    let [_, signature, ..] = &artifacts.attached[..] else {
        panic!("nothing is attached")
    };
    let of_a_signature = referrers_tag(&signature.descriptor().digest);
    registry.inject(on("PUT", &format!("/v2/a/manifests/{of_a_signature}")).status(403));

    restored().unwrap_err();
    registry.heal();
    assert_eq!(restored().unwrap(), 3);

    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    for manifest in &artifacts.attached {
        assert!(is_listed(&repository, manifest), "{manifest:?}");
    }
}

/// Whether a manifest is listed as a referrer of its subject.
fn is_listed(store: &dyn Inventory, manifest: &RawManifest) -> bool {
    let subject = manifest.view().unwrap().subject().unwrap().clone();
    let mut is_listed = false;
    store
        .referrers(&subject, None, &mut |page| {
            is_listed |= page
                .iter()
                .any(|referrer| referrer.digest == manifest.descriptor().digest);
            ControlFlow::Continue(())
        })
        .unwrap();
    is_listed
}

#[test]
fn without_referrers_only_those_in_tagged_indexes_are_copied() {
    for (name, personality) in registries() {
        let artifacts = Artifacts::new();
        let registry = TestRegistry::start_as(personality.clone());
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        artifacts.push(&repository);
        let archive = to_archive(&repository, &TempDir::new(), BackupOptions::default());
        let everything = to_archive(&repository, &TempDir::new(), with_referrers(&[]));
        assert_eq!(
            archive.resolve("v1").unwrap().plain(),
            *image("first", "").descriptor()
        );
        let has_referrers_tags = registry.tags("a").len() > 3;
        for manifest in &artifacts.attached {
            let exists = archive.exists(manifest.descriptor()).unwrap();
            assert_eq!(exists, has_referrers_tags, "{name}");
        }

        let wiped = TestRegistry::start_as(personality);
        let target = client.repository(&wiped.reference("a")).unwrap();
        restore(&everything, &target, BackupOptions::default()).unwrap();
        assert_eq!(wiped.tags("a"), ["index", "latest", "v1"], "{name}");
        assert_eq!(wiped.manifests("a").len(), 3, "{name}");
    }
}

#[test]
fn backups_are_reproducible() {
    let artifacts = Artifacts::new();
    let archive = |personality: RegistryProfile, order: &dyn Fn(&mut Vec<RawManifest>)| {
        let registry = TestRegistry::start_as(personality);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        let mut artifacts = Artifacts::new();
        order(&mut artifacts.attached);
        artifacts.push(&repository);
        let directory = TempDir::new();
        to_archive(&repository, &directory, with_referrers(&[]));
        directory.read("backup.tar")
    };
    let first = archive(RegistryProfile::default(), &|_| ());
    assert!(first == archive(RegistryProfile::default(), &|_| ()));
    // The archive does not depend on the referrers API, nor on the order of listings.
    assert!(first == archive(RegistryProfile::distribution(), &|_| ()));
    assert!(
        first
            == archive(RegistryProfile::distribution(), &|attached| attached[1..]
                .reverse())
    );
    assert!(first.len() > artifacts.digests().len() * 512);
}

#[test]
fn a_restored_repository_has_the_same_backup() {
    let artifacts = Artifacts::new();
    let store = MemoryStore::new();
    artifacts.push(&store);
    let (one, other) = (TempDir::new(), TempDir::new());
    let archive = to_archive(&store, &one, with_referrers(&[]));
    let restored = MemoryStore::new();
    restore(&archive, &restored, with_referrers(&[])).unwrap();
    to_archive(&restored, &other, with_referrers(&[]));
    assert!(one.read("backup.tar") == other.read("backup.tar"));
}

#[test]
fn events_are_reported_tag_by_tag() {
    let store = MemoryStore::new();
    Artifacts::new().push(&store);
    let told = EventLog::default();
    let options = updated!(BackupOptions {
        observer: Some(told.observer()),
        ..with_referrers(&["v1", "latest", "index"])
    });
    let target = MemoryStore::new();

    assert_eq!(backup(&store, &target, options).unwrap(), 3);

    // The image has two signatures, one of which has a signature; the index has one, and its images
    // have four.
    assert_eq!(
        told.lines_with(&["found", "tag"]),
        [
            "found v1 latest index",
            "tag v1",
            "tagged v1 with 3",
            "tag latest",
            "tagged latest with 3",
            "tag index",
            "tagged index with 5",
        ]
    );
    assert_eq!(
        told.lines_with(&["copied"]).len(),
        1 + Artifacts::new().digests().len()
    );
}

#[test]
fn a_dry_run_reports_the_same_events_and_copies_nothing() {
    let store = MemoryStore::new();
    Artifacts::new().push(&store);
    for referrers in [true, false] {
        let (told, rehearsed) = (EventLog::default(), EventLog::default());
        let options = updated!(BackupOptions {
            referrers,
            observer: Some(told.observer()),
            ..BackupOptions::default()
        });
        backup(&store, &MemoryStore::new(), options).unwrap();
        let options = updated!(BackupOptions {
            referrers,
            observer: Some(rehearsed.observer()),
            ..BackupOptions::default()
        });

        assert_eq!(dry_run(&store, options).unwrap(), 3);

        assert_eq!(
            told.lines_with(&["found", "tag"]),
            rehearsed.lines_with(&[""])
        );
    }
}

#[test]
fn all_tags_are_resolved_before_content_is_copied() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("a.txt", b"a\n")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let target = MemoryStore::new();
    let error = backup(&repository, &target, with_referrers(&["v1", "v2"])).unwrap_err();

    assert!(error.is_not_found());
    assert_eq!(
        error.chain().to_string(),
        format!(
            "failed to resolve tag \"v2\": {}: not found",
            registry.reference("a:v2")
        )
    );
    assert_eq!(
        registry.log(),
        [
            "HEAD /v2/a/manifests/v1 (no authorization)",
            "HEAD /v2/a/manifests/v2 (no authorization)"
        ]
    );
}

#[test]
fn a_manifest_with_several_tags_is_fetched_once() {
    let registry = TestRegistry::start();
    let digest = registry.seed_artifact("a", "v1", &[("a.txt", b"a\n")]);
    registry.seed_artifact("a", "v2", &[("a.txt", b"a\n")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let archive = to_archive(&repository, &TempDir::new(), with_referrers(&[]));

    assert_eq!(archive.resolve("v2").unwrap().digest.as_str(), digest);
    let log = registry.log();
    let count = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    assert_eq!(
        count(&format!("GET /v2/a/manifests/{digest}")),
        1,
        "{log:#?}"
    );
    assert_eq!(count("/referrers/"), 1, "{log:#?}");
    assert_eq!(count("/blobs/"), 2, "{log:#?}");
}

#[test]
fn a_repository_without_tags_becomes_an_empty_backup() {
    let registry = TestRegistry::start();
    registry.seed_repository("a");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    assert_eq!(
        backup(&repository, &MemoryStore::new(), with_referrers(&[])).unwrap(),
        0
    );
    let error = backup(
        &client.repository(&registry.reference("b")).unwrap(),
        &MemoryStore::new(),
        with_referrers(&[]),
    )
    .unwrap_err();
    assert!(error.is_not_found());
    assert!(
        error
            .chain()
            .to_string()
            .starts_with("failed to find tags: ")
    );
}

#[test]
fn an_invalid_tag_is_refused_before_content_is_sent() {
    let registry = TestRegistry::start();
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.path()).unwrap();
    let manifest = image("a", "");
    push(&layout, &manifest);
    for name in ["v1", "docker.io/library/hello:latest"] {
        layout.tag(manifest.descriptor(), name).unwrap();
    }
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = restore(&layout, &repository, with_referrers(&[])).unwrap_err();

    assert!(matches!(error, Error::InvalidReference { .. }), "{error:?}");
    assert_eq!(registry.log(), [""; 0]);
    restore(&layout, &repository, with_referrers(&["v1"])).unwrap();
    assert_eq!(registry.tags("a"), ["v1"]);
}

#[test]
fn existing_content_of_the_layout_is_kept() {
    let store = MemoryStore::new();
    Artifacts::new().push(&store);
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.path()).unwrap();
    let other = image("other", "");
    push(&layout, &other);
    layout.tag(other.descriptor(), "other").unwrap();
    layout.tag(other.descriptor(), "v1").unwrap();

    for _ in 0..2 {
        backup(&store, &layout, with_referrers(&[])).unwrap();

        assert_eq!(
            layout.resolve("other").unwrap().digest,
            other.descriptor().digest
        );
        assert_eq!(
            layout.resolve("v1").unwrap().digest,
            image("first", "").descriptor().digest
        );
    }
}

#[test]
fn a_failed_backup_leaves_no_archive() {
    let large = vec![7; 3 << 20];
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("small", b"s"), ("large", &large)]);
    let path = format!(
        "/v2/a/blobs/{}",
        Descriptor::of(MediaType::LAYER, &large).digest
    );
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();
    let file = directory.join("a.tar");
    let writer = LayoutTarWriter::create(&file).unwrap();
    registry.inject(on("GET", &path).close_after(1 << 20).ignoring("Range"));

    let error = backup(&repository, &writer, with_referrers(&[])).unwrap_err();

    assert!(matches!(error, Error::Copy { .. }), "{error:?}");
    assert!(!file.exists());
    // The same writer can be used again.
    registry.heal();
    backup(&repository, &writer, with_referrers(&[])).unwrap();
    writer.finish().unwrap();
    let whole = TempDir::new();
    to_archive(&repository, &whole, with_referrers(&[]));
    assert!(directory.read("a.tar") == whole.read("backup.tar"));
}

/// Options that skip missing tags, with this observer.
fn skipping(tags: &[&str], events: &EventLog) -> BackupOptions {
    updated!(BackupOptions {
        tags: tags.iter().map(ToString::to_string).collect(),
        referrers: true,
        skip_missing: true,
        observer: Some(events.observer()),
        ..BackupOptions::default()
    })
}

#[test]
fn a_listed_tag_that_cannot_be_resolved_is_skipped_on_request() {
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    Artifacts::new().push(&repository);
    registry.inject(on("*", "/v2/a/manifests/latest").status(404));
    let events = EventLog::default();
    let target = MemoryStore::new();
    let copied = backup(&repository, &target, skipping(&[], &events)).unwrap();
    assert_eq!(copied, 2);
    assert_eq!(
        events.lines_with(&["found", "skipped", "tagged"]),
        [
            "found index v1",
            "skipped latest",
            "tagged index with 5",
            "tagged v1 with 3"
        ]
    );
    assert!(target.resolve("index").is_ok() && target.resolve("v1").is_ok());

    for options in [with_referrers(&[]), with_referrers(&["v1", "latest"])] {
        let error = backup(&repository, &MemoryStore::new(), options).unwrap_err();
        assert!(error.is_not_found());
    }
    let events = EventLog::default();
    let named = skipping(&["v1", "latest"], &events);
    let error = backup(&repository, &MemoryStore::new(), named).unwrap_err();
    assert!(error.is_not_found(), "a tag that was asked for");
}

#[test]
fn a_tag_whose_content_is_missing_is_skipped_on_request() {
    let store = MemoryStore::new();
    Artifacts::new().push(&store);
    let second = image("second", "");
    oras::store::Delete::delete(&store, second.descriptor()).unwrap();
    let events = EventLog::default();
    let target = MemoryStore::new();
    let copied = restore(&store, &target, skipping(&[], &events)).unwrap();
    assert_eq!(copied, 2);
    assert_eq!(events.lines_with(&["skipped"]), ["skipped index"]);
    let rehearsed = EventLog::default();
    assert_eq!(dry_run(&store, skipping(&[], &rehearsed)).unwrap(), 2);
    let kinds = ["found", "tag", "skipped", "missing"];
    assert_eq!(rehearsed.lines_with(&kinds), events.lines_with(&kinds));
    assert_eq!(rehearsed.lines_with(&[""]), events.lines_with(&kinds));
    assert!(target.resolve("latest").is_ok() && target.resolve("v1").is_ok());
    assert!(target.resolve("index").is_err());
    assert!(restore(&store, &MemoryStore::new(), with_referrers(&[])).is_err());
}
