//! Batches of a layout: the number of times that `index.json` is saved.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use oras::Descriptor;
use oras::RawManifest;
use oras::backup::{BackupOptions, backup};
use oras::copy::{CopyOptions, copy_graph, copy_with_referrers};
use oras::layout::LayoutStore;
use oras::progress::{Event, Observer};
use oras::store::{Batch, Delete, IndexedTarget as _, Referrers, Source, TagLister, Target};
use oras::tag::{TagOptions, add_tags};

use super::{index, store};
use crate::artifacts::{attached, config, image, push};
use crate::setup::{hello, text};
use crate::support::tempdir::TempDir;

/// The `index.json` of an empty layout.
const NOTHING: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// A layout, and the states of its index at each recording.
struct Watched {
    layout: LayoutStore,
    path: PathBuf,
    recorder: Recorder,
    _temporary: TempDir,
}

/// Records the states of the index of a layout.
#[derive(Clone)]
struct Recorder {
    index: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn record(&self) {
        let index = fs::read_to_string(&self.index).unwrap();
        let mut seen = self.seen.lock().unwrap();
        if seen.last() != Some(&index) {
            seen.push(index);
        }
    }
}

impl Watched {
    fn new() -> Self {
        let temporary = TempDir::new();
        let path = temporary.join("layout");
        let recorder = Recorder {
            index: path.join("index.json"),
            seen: Arc::default(),
        };
        Self {
            layout: LayoutStore::create_or_open(&path).unwrap(),
            path,
            recorder,
            _temporary: temporary,
        }
    }

    fn index(&self) -> String {
        fs::read_to_string(self.path.join("index.json")).unwrap()
    }

    /// Returns an observer that records the index at each event.
    fn observer(&self) -> Observer {
        let recorder = self.recorder.clone();
        Observer::new(move |_| {
            recorder.record();
            Ok(())
        })
    }

    /// Returns the recorded states of the index, without repetitions.
    fn index_states(&self) -> Vec<String> {
        std::mem::take(&mut self.recorder.seen.lock().unwrap())
    }

    /// Opens the layout as another process does.
    fn found(&self) -> LayoutStore {
        LayoutStore::open(&self.path).unwrap()
    }
}

/// Returns the index after each manifest was pushed outside of a batch, and the last one tagged
/// `v1`.
fn index_after_separate_pushes(manifests: &[&RawManifest]) -> String {
    let alone = Watched::new();
    for manifest in manifests {
        push(&alone.layout, manifest);
    }
    let last = manifests.last().unwrap().descriptor();
    alone.layout.tag(last, "v1").unwrap();
    alone.index()
}

fn tags(layout: &LayoutStore) -> Vec<String> {
    let mut all = Vec::new();
    let visit = &mut |page: &[String]| {
        all.extend_from_slice(page);
        ControlFlow::Continue(())
    };
    layout.tags(None, visit).unwrap();
    all
}

fn referrers(layout: &LayoutStore, subject: &Descriptor) -> usize {
    let mut count = 0;
    let visit = &mut |page: &[Descriptor]| {
        count += page.len();
        ControlFlow::Continue(())
    };
    layout.referrers(subject, None, visit).unwrap();
    count
}

#[test]
fn a_copy_of_many_manifests_saves_the_index_once() {
    let (root, parts) = index(30);
    let source = store(parts.iter().chain([&root]));
    let target = Watched::new();
    let mut options = updated!(CopyOptions {
        observer: Some(target.observer()),
        ..CopyOptions::default()
    });

    copy_graph(
        &source,
        &target.layout,
        root.descriptor(),
        Some("v1"),
        &mut options,
    )
    .unwrap();

    assert_eq!(target.index_states(), [NOTHING]);
    let all: Vec<_> = parts.iter().chain([&root]).collect();
    assert_eq!(target.index(), index_after_separate_pushes(&all));
}

#[test]
fn a_copy_with_many_referrers_saves_the_index_once() {
    let root = image("root", "");
    let attached: Vec<_> = (0..30)
        .map(|number| attached(&number.to_string(), "sig/a", root.descriptor()))
        .collect();
    let source = store([&root].into_iter().chain(&attached));
    source.tag(root.descriptor(), "v1").unwrap();
    let target = Watched::new();
    let mut options = updated!(CopyOptions {
        observer: Some(target.observer()),
        ..CopyOptions::default()
    });

    copy_with_referrers(&source, "v1", &target.layout, Some("v1"), &mut options).unwrap();

    assert_eq!(target.index_states(), [NOTHING]);
    assert_eq!(referrers(&target.found(), root.descriptor()), 30);
    assert_eq!(tags(&target.found()), ["v1"]);
}

#[test]
fn a_backup_of_many_tags_saves_the_index_once() {
    let images: Vec<_> = (0..30)
        .map(|number| image(&number.to_string(), ""))
        .collect();
    let source = store(&images);
    let mut names = Vec::new();
    for (number, image) in images.iter().enumerate() {
        names.push(format!("v{number:02}"));
        source.tag(image.descriptor(), &names[number]).unwrap();
    }
    let target = Watched::new();
    let options = updated!(BackupOptions {
        referrers: true,
        observer: Some(target.observer()),
        ..BackupOptions::default()
    });

    backup(&source, &target.layout, options).unwrap();

    assert_eq!(target.index_states(), [NOTHING]);
    assert_eq!(tags(&target.found()), names);
}

#[test]
fn many_tags_are_saved_at_once() {
    let root = image("root", "");
    let target = Watched::new();
    push(&target.layout, &root);
    target.layout.tag(root.descriptor(), "v1").unwrap();
    let before = target.index();
    let names: Vec<_> = (0..30).map(|number| format!("w{number:02}")).collect();
    let (some, others) = names.split_at(15);

    let options = updated!(TagOptions {
        observer: Some(target.observer()),
        ..TagOptions::default()
    });
    oras::tag::tag(&target.layout, "v1", some, options).unwrap();
    assert_eq!(target.index_states(), [before]);
    let between = target.index();
    let tagged = || add_tags(&target.layout, &root, others, TagOptions::default());
    target.observer().scope(tagged).unwrap();

    assert_eq!(target.index_states(), [between]);
    assert_eq!(tags(&target.found())[1..], names);
}

#[test]
fn a_copy_that_fails_lists_what_was_completed() {
    let (root, parts) = index(5);
    let source = store(parts[..3].iter().chain([&root]));
    let target = Watched::new();

    let options = &mut CopyOptions::default();
    copy_graph(
        &source,
        &target.layout,
        root.descriptor(),
        Some("v1"),
        options,
    )
    .unwrap_err();

    for part in &parts[..3] {
        assert!(target.found().exists(part.descriptor()).unwrap());
        assert!(target.index().contains(part.descriptor().digest.as_str()));
    }
    assert_eq!(target.index().matches("digest").count(), 3);

    // The copy succeeds once the source is complete.
    let source = store(parts.iter().chain([&root]));
    copy_graph(
        &source,
        &target.layout,
        root.descriptor(),
        Some("v1"),
        options,
    )
    .unwrap();
    let all: Vec<_> = parts.iter().chain([&root]).collect();
    assert_eq!(target.index(), index_after_separate_pushes(&all));
}

#[test]
fn entries_saved_by_other_processes_during_a_batch_stay() {
    let [ours, theirs] = ["ours", "theirs"].map(|name| image(name, ""));
    let target = Watched::new();

    let batch = Batch::start(&target.layout);
    let (descriptor, mut bytes) = (ours.descriptor(), ours.bytes());
    target
        .layout
        .push_reference(descriptor, &mut bytes, "ours")
        .unwrap();
    let other = LayoutStore::create_or_open(&target.path).unwrap();
    push(&other, &theirs);
    other.tag(theirs.descriptor(), "theirs").unwrap();
    assert_eq!(tags(&target.found()), ["theirs"]);
    batch.finish().unwrap();

    assert_eq!(tags(&target.found()), ["ours", "theirs"]);
}

#[test]
fn reads_during_a_batch_see_deferred_changes() {
    let root = image("root", "");
    let attachment = attached("attachment", "sig/a", root.descriptor());
    let target = Watched::new();
    let layout = &target.layout;

    let batch = Batch::start(layout);
    push(layout, &root);
    assert!(layout.exists(root.descriptor()).unwrap());
    assert_eq!(target.index(), NOTHING);
    layout.tag(root.descriptor(), "v1").unwrap();
    assert_eq!(
        layout.resolve("v1").unwrap().digest,
        root.descriptor().digest
    );
    layout.tag(root.descriptor(), "v2").unwrap();
    assert_eq!(tags(layout), ["v1", "v2"]);
    push(layout, &attachment);
    assert_eq!(referrers(layout, root.descriptor()), 1);
    layout.tag(root.descriptor(), "v3").unwrap();
    layout.untag("v3").unwrap();
    push(layout, &image("unwanted", ""));
    layout.delete(image("unwanted", "").descriptor()).unwrap();
    batch.finish().unwrap();

    assert_eq!(tags(&target.found()), ["v1", "v2"]);
    assert_eq!(referrers(&target.found(), root.descriptor()), 1);
    let unwanted = image("unwanted", "").descriptor().digest.to_string();
    assert!(!target.index().contains(&unwanted));
}

#[test]
fn only_the_outermost_batch_writes() {
    let root = image("root", "");
    let target = Watched::new();

    let outer = Batch::start(&target.layout);
    let inner = Batch::start(&target.layout);
    push(&target.layout, &root);
    inner.finish().unwrap();
    assert_eq!(target.index(), NOTHING);
    outer.finish().unwrap();
    assert!(target.index().contains(root.descriptor().digest.as_str()));

    // Pushes after the batch are saved at once.
    target.layout.tag(root.descriptor(), "v1").unwrap();
    assert_eq!(tags(&target.found()), ["v1"]);
}

#[test]
fn a_batch_continues_after_sync() {
    let target = Watched::new();

    let batch = Batch::start(&target.layout);
    push(&target.layout, &image("one", ""));
    target.layout.sync().unwrap();
    let synced = target.index();
    assert!(synced.contains(image("one", "").descriptor().digest.as_str()));
    push(&target.layout, &image("two", ""));
    assert_eq!(target.index(), synced);
    drop(batch);

    assert!(
        target
            .index()
            .contains(image("two", "").descriptor().digest.as_str())
    );
}

#[test]
fn concurrently_removed_content_is_an_error_and_not_listed() {
    let [one, two] = ["one", "two"].map(|name| image(name, ""));
    let target = Watched::new();

    let batch = Batch::start(&target.layout);
    push(&target.layout, &one);
    push(&target.layout, &two);
    let digest = &one.descriptor().digest;
    fs::remove_file(target.path.join("blobs/sha256").join(digest.encoded())).unwrap();
    let error = batch.finish().unwrap_err();

    assert_eq!(
        text(&error),
        format!("{digest}: not found: it was removed before it was listed")
    );
    assert_eq!(target.index(), NOTHING);
    // The push can be repeated.
    push(&target.layout, &one);
    assert!(target.index().contains(digest.as_str()));
}

#[test]
fn existing_content_is_checked_again_before_its_manifest_is_listed() {
    let (root, parts) = index(3);
    let source = store(parts.iter().chain([&root]));
    let target = Watched::new();
    push(&target.layout, &parts[1]);
    // The manifest shares its config with the others, so that the deletion removes nothing else.
    push(&target.layout, &image("keeper", ""));
    let other = LayoutStore::create_or_open(&target.path).unwrap();
    let found = parts[1].descriptor();
    let existing = found.clone();
    let observer = Observer::new(move |event| match event {
        Event::Exists(node) if node.digest == existing.digest => Ok(other.delete(&existing)?),
        _ => Ok(()),
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });

    let (layout, root) = (&target.layout, root.descriptor());
    let error = copy_graph(&source, layout, root, Some("v1"), &mut options).unwrap_err();

    let wanted = format!(
        "{}: not found: it was removed before it was listed",
        found.digest
    );
    assert!(text(&error).ends_with(&wanted), "{}", text(&error));
    assert_eq!(target.index().matches("digest").count(), 1);

    copy_graph(
        &source,
        layout,
        root,
        Some("v1"),
        &mut CopyOptions::default(),
    )
    .unwrap();
    assert!(target.found().exists(found).unwrap());
    assert_eq!(tags(&target.found()), ["v1"]);
}

/// Blobs too, which only layouts can tag.
#[test]
fn tagged_content_is_checked_again() {
    let target = Watched::new();
    let blob = hello();
    target.layout.push(&blob, &mut &b"hello"[..]).unwrap();
    let layout = LayoutStore::create_or_open(&target.path).unwrap();

    let batch = Batch::start(&layout);
    layout.tag(&blob, "v1").unwrap();
    target.layout.delete(&blob).unwrap();
    let error = batch.finish().unwrap_err();

    assert!(error.is_not_found(), "{error}");
    assert_eq!(target.index(), NOTHING);
}

#[test]
fn a_long_batch_saves_the_index_periodically() {
    let root = image("root", "");
    let target = Watched::new();
    push(&target.layout, &root);
    target.recorder.record();

    let batch = Batch::start(&target.layout);
    for number in 0..10_000 {
        let tag = format!("v{number}");
        target.layout.tag(root.descriptor(), &tag).unwrap();
        if number % 500 == 0 {
            target.recorder.record();
        }
    }
    batch.finish().unwrap();
    target.recorder.record();

    assert_eq!(target.index_states().len(), 1 + 3);
    assert_eq!(tags(&target.found()).len(), 10_000);
}

/// A caller may have ignored the error of the save.
#[test]
fn a_failed_save_during_a_batch_fails_its_end() {
    let [one, two, three] = ["one", "two", "three"].map(|name| image(name, ""));
    let target = Watched::new();
    let layout = &target.layout;

    let batch = Batch::start(layout);
    push(layout, &one);
    push(layout, &two);
    let digest = &one.descriptor().digest;
    fs::remove_file(target.path.join("blobs/sha256").join(digest.encoded())).unwrap();
    assert!(layout.resolve("v1").unwrap_err().is_not_found());
    // The manifest may refer to lost content.
    push(layout, &three);
    layout.tag(three.descriptor(), "v1").unwrap();
    layout.sync().unwrap_err();
    let error = batch.finish().unwrap_err();

    let wanted = format!(
        "save {}: earlier in this batch: {digest}: not found: it was removed before it was listed",
        target.path.join("index.json").display()
    );
    assert_eq!(text(&error), wanted);
    assert_eq!(target.index(), NOTHING);
    // The push can be repeated.
    let batch = Batch::start(layout);
    push(layout, &one);
    push(layout, &three);
    batch.finish().unwrap();
    assert_eq!(target.index().matches("digest").count(), 2);
}

#[test]
fn an_existing_blob_is_checked_again() {
    let target = Watched::new();
    let root = image("root", "");
    target.layout.push(&config(), &mut &b"{}"[..]).unwrap();
    let layout = LayoutStore::create_or_open(&target.path).unwrap();

    let batch = Batch::start(&layout);
    assert!(layout.exists(&config()).unwrap());
    layout
        .push_reference(root.descriptor(), &mut root.bytes(), "v1")
        .unwrap();
    target.layout.delete(&config()).unwrap();
    let error = batch.finish().unwrap_err();

    assert!(error.is_not_found(), "{error}");
    assert_eq!(target.index(), NOTHING);
}
