//! Progress events: they add up to the size of the content, go back only if the content is sent
//! again, and cost no request.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oras::copy::{CopyOptions, copy};
use oras::layout::LayoutStore;
use oras::progress::{Event, Observer, Totals};
use oras::pull::{PullOptions, pull};
use oras::push::{PushFile, PushOptions, PushStream, push, push_blob};
use oras::registry::Client;
use oras::store::Target;
use oras::store::content::{FileContent, VerifyReader};
use oras::store::memory::MemoryStore;
use oras::{Error, MediaType, Result};

use crate::observers::{collecting, stopping};
use crate::setup::{LARGE, blob, client, hello, text};
use crate::support::registry::{Mount, RegistryProfile, TestRegistry, on};
use crate::support::rng::Rng;
use crate::support::tempdir::TempDir;

/// The error of an operation that [`stopping`] ended.
const STOPPED: &str = "cancelled: going on: unsupported";
/// Maximum size of a read.
const PIECE: u64 = 128 * 1024;

/// The numbers of bytes that successive events reported.
type Steps = Vec<u64>;

fn large() -> Vec<u8> {
    Rng::new(1).bytes(LARGE)
}

fn assert_increasing(steps: &[u64], size: usize) {
    assert_eq!(steps.last(), Some(&(size as u64)));
    let mut before = 0;
    for &step in steps {
        assert!(before < step && step <= before + PIECE, "{before}, {step}");
        before = step;
    }
}

/// Counts how often the progress starts again.
fn restarts(steps: &[u64]) -> usize {
    steps.windows(2).filter(|pair| pair[1] < pair[0]).count()
}

/// Pushes a blob to the repository `a`.
fn push_to(registry: &TestRegistry, client: &Client, bytes: &[u8]) -> Result<Steps> {
    let repository = client
        .repository(&registry.reference("a"))?
        .with_push_scope();
    let (observer, steps) = collecting(|event| match *event {
        Event::Transferring { done, .. } => Some(done),
        _ => None,
    });
    observer.scope(|| push_blob(&repository, &blob(bytes), &mut &bytes[..]))?;
    Ok(steps.take())
}

#[test]
fn progress_of_a_blob_is_reported_piece_by_piece() {
    let content = large();
    let registry = TestRegistry::start();

    let steps = push_to(&registry, &client(), &content).unwrap();

    assert_increasing(&steps, content.len());
}

#[test]
fn an_existing_blob_reports_no_progress() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");

    let steps = push_to(&registry, &client(), b"hello").unwrap();

    assert!(steps.is_empty(), "{steps:?}");
}

#[test]
fn progress_starts_again_when_a_blob_is_sent_again() {
    let content = large();
    let registry = TestRegistry::start();
    registry.inject(on("PUT", "*").close_after_receiving(300_000).nth(1));
    let client = client();

    let steps = push_to(&registry, &client, &content).unwrap();

    assert_eq!(restarts(&steps), 1);
    let again = steps.iter().rposition(|&step| step <= PIECE).unwrap();
    assert_increasing(&steps[again..], content.len());
}

#[test]
fn progress_starts_again_once_for_a_chunked_upload_after_413() {
    let content = large();
    let registry = TestRegistry::start_as(RegistryProfile {
        max_put_bytes: Some(LARGE as u64 - 1),
        ..RegistryProfile::default()
    });

    let steps = push_to(&registry, &client(), &content).unwrap();

    assert!(restarts(&steps) <= 1, "{steps:?}");
    assert_eq!(steps.last(), Some(&(LARGE as u64)));
}

#[test]
fn progress_of_a_resumed_download_continues() {
    let content = large();
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("large", &content)]);
    registry.inject(on("GET", "/v2/a/blobs/*").close_after(300_000).nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let temporary = TempDir::new();
    let (observer, steps) = collecting(|event| match *event {
        Event::Transferring {
            descriptor: node,
            done,
            total,
            ..
        } => {
            assert_eq!((node.title(), total), (Some("large"), node.size));
            Some(done)
        }
        _ => None,
    });
    let options = updated!(PullOptions {
        output: temporary.join("out"),
        observer: Some(observer),
        ..PullOptions::default()
    });

    pull(&repository, "v1", options).unwrap();

    assert_increasing(&steps.take(), content.len());
}

#[test]
fn a_copy_reports_progress_of_blobs_and_manifests() {
    let content = large();
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("large", &content), ("small", b"small")]);
    let client = client();
    let source = client.repository(&registry.reference("a")).unwrap();
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    let (observer, events) = collecting(|event| match *event {
        Event::Transferring {
            descriptor: node,
            done,
            ..
        } => {
            assert!(done <= node.size);
            Some((node.display_name().to_string(), done))
        }
        _ => None,
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });

    let root = copy(&source, "v1", &layout, Some("v1"), &mut options).unwrap();

    let mut told: BTreeMap<String, Steps> = BTreeMap::new();
    for (name, done) in events.take() {
        told.entry(name).or_default().push(done);
    }
    assert_increasing(&told["large"], content.len());
    assert_eq!(told["small"], [5]);
    assert_eq!(
        told["application/vnd.oci.image.manifest.v1+json"].last(),
        Some(&root.size)
    );
}

#[test]
fn a_mounted_blob_reports_no_progress() {
    let registry = TestRegistry::start_as(RegistryProfile {
        mount: Mount::Checked,
        ..RegistryProfile::default()
    });
    registry.seed_artifact("from", "v1", &[("large", &large())]);
    let client = client();
    let target = client
        .repository(&registry.reference("to"))
        .unwrap()
        .with_push_scope();
    let source = client.repository(&registry.reference("from")).unwrap();
    let (observer, moved) = collecting(|event| match event {
        Event::Transferring {
            descriptor: node, ..
        } => Some(node.media_type.is_manifest()),
        _ => None,
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        mount_from: Some(source.name().clone()),
        ..CopyOptions::default()
    });

    copy(&source, "v1", &target, Some("v1"), &mut options).unwrap();

    assert_eq!(moved.take(), [true]);
}

/// Pushes files to memory, and returns the name, the steps and the total of each file that was
/// read.
fn reading_events(files: Vec<PushFile>) -> Vec<(String, Steps, Option<u64>)> {
    let mut open: Option<(String, Steps, Option<u64>)> = None;
    let (observer, told) = collecting(move |event| {
        match *event {
            Event::Preparing(name) => {
                let file = (name.to_owned(), Steps::new(), None);
                assert_eq!(open.replace(file), None);
            }
            Event::Reading {
                name, done, total, ..
            } => {
                let (preparing, steps, whole) = open.as_mut().unwrap();
                assert_eq!(preparing, name);
                // A directory also reports its entries without content.
                if done > steps.last().copied().unwrap_or_default() {
                    steps.push(done);
                }
                *whole = total;
            }
            Event::Prepared(name) => {
                assert_eq!(open.as_ref().unwrap().0, name);
                return open.take();
            }
            _ => assert_eq!(open, None),
        }
        None
    });
    let options = updated!(PushOptions {
        files,
        artifact_type: Some("test/artifact".into()),
        observer: Some(observer),
        ..PushOptions::default()
    });
    push(&MemoryStore::new(), None, options).unwrap();
    told.take()
}

#[test]
fn reading_a_file_and_packing_a_directory_report_progress() {
    let content = large();
    let temporary = TempDir::new();
    temporary.write("directory/a", &content);
    temporary.write("directory/b/c", b"small");
    let file = temporary.write("file", &content);
    let files = [file, temporary.join("directory")];
    let titled = files.map(|path| {
        updated!(PushFile {
            annotations: [(
                oras::descriptor::TITLE.to_owned(),
                path.file_name().unwrap().to_string_lossy().into_owned(),
            )]
            .into(),
            ..PushFile::from(&path)
        })
    });

    let told = reading_events(titled.into());

    let [(file, read, size), (directory, packed, unknown)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((file.as_str(), directory.as_str()), ("file", "directory"));
    assert_increasing(read, content.len());
    assert_eq!(*size, Some(content.len() as u64));
    assert_increasing(packed, content.len() + 5);
    assert_eq!(*unknown, None);
}

#[test]
fn describing_a_file_reports_progress() {
    let content = large();
    let temporary = TempDir::new();
    let path = temporary.write("file", &content);
    let (observer, steps) = collecting(|event| match *event {
        Event::Reading { done, total, .. } => {
            assert_eq!(total, Some(LARGE as u64));
            Some(done)
        }
        _ => None,
    });

    let described = observer.scope(|| FileContent::describe(path, MediaType::OCTET_STREAM));

    assert_eq!(described.unwrap().0, blob(&content));
    assert_increasing(&steps.take(), content.len());
}

#[test]
fn an_observer_error_stops_the_operation() {
    let registry = TestRegistry::start();
    let client = client();
    let repository = client
        .repository(&registry.reference("a"))
        .unwrap()
        .with_push_scope();
    let content = large();
    let observer = stopping(|event| {
        matches!(
            event,
            Event::Transferring {
                done: 100_000..,
                ..
            }
        )
    });
    let result = observer.scope(|| push_blob(&repository, &blob(&content), &mut &content[..]));
    assert_eq!(text(&result.unwrap_err()), STOPPED);
    let puts = registry
        .log()
        .into_iter()
        .filter(|it| it.starts_with("PUT"));
    assert_eq!(puts.count(), 1, "no retry");
    assert_eq!(registry.blobs("a"), [""; 0]);

    let store = MemoryStore::new();
    store.push(&hello(), &mut &b"hello"[..]).unwrap();
    store.tag(&hello(), "v1").unwrap();
    let observer = stopping(|event| matches!(event, Event::Transferring { .. }));
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });
    let copied = copy(&store, "v1", &MemoryStore::new(), Some("v1"), &mut options);
    assert_eq!(text(&copied.unwrap_err()), STOPPED);

    let temporary = TempDir::new();
    temporary.write("directory/a", b"small");
    for path in ["directory", "directory/a"] {
        let observer = stopping(|event| matches!(event, Event::Reading { .. }));
        let options = updated!(PushOptions {
            files: vec![temporary.join(path).into()],
            artifact_type: Some("test/artifact".into()),
            observer: Some(observer),
            ..PushOptions::default()
        });
        let pushed = push(&store, None, options);
        assert_eq!(text(&pushed.unwrap_err()), STOPPED);
    }
}

#[test]
fn unpacking_an_archive_under_a_second_title_reports_progress() {
    let temporary = TempDir::new();
    temporary.write("directory/a", b"small");
    let layer = |title: &str| {
        updated!(PushFile {
            annotations: [(oras::descriptor::TITLE.to_owned(), title.to_owned())].into(),
            ..PushFile::from(temporary.join("directory"))
        })
    };
    let store = MemoryStore::new();
    let manifest = push(
        &store,
        Some("v1"),
        updated!(PushOptions {
            files: vec![layer("one/two")],
            artifact_type: Some("test/artifact".into()),
            ..PushOptions::default()
        }),
    )
    .unwrap();
    // The same archive has a second title, so it is unpacked again.
    let text = String::from_utf8(manifest.bytes().to_vec()).unwrap();
    let begin = text.find(r#""layers":["#).unwrap() + r#""layers":["#.len();
    let end = begin + text[begin..].find(']').unwrap();
    let layer = &text[begin..end];
    let second = layer.replace(r#""one/two""#, r#""one""#);
    let text = text.replacen(layer, &format!("{layer},{second}"), 1);
    let manifest = oras::RawManifest::new(MediaType::IMAGE_MANIFEST, text.into_bytes());
    let descriptor = manifest.descriptor();
    store
        .push_reference(descriptor, &mut manifest.bytes(), "v2")
        .unwrap();
    let (observer, told) = collecting(|event| match *event {
        Event::Transferring {
            descriptor: node,
            done,
            ..
        } if done == node.size => Some(format!("{} came", node.title().unwrap())),
        Event::Restored(node) => Some(format!("{} done", node.title().unwrap())),
        _ => None,
    });
    let options = updated!(PullOptions {
        output: temporary.join("out"),
        observer: Some(observer),
        ..PullOptions::default()
    });

    pull(&store, "v2", options).unwrap();

    assert_eq!(told.take(), ["one/two came", "one came", "one done"]);
}

/// Returns an observer that fails at the first event that `is_last` accepts, and counts the events
/// that it fails at.
fn failing(
    kind: io::ErrorKind,
    mut is_last: impl FnMut(&Event<'_>) -> bool + Send + 'static,
) -> (Observer, Arc<AtomicU64>) {
    let failures = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&failures);
    let observer = Observer::new(move |event| {
        if is_last(event) {
            count.fetch_add(1, Ordering::Relaxed);
            return Err(io::Error::from(kind).into());
        }
        Ok(())
    });
    (observer, failures)
}

/// Asserts that the value of the observer arrived unchanged, and that it failed once.
fn assert_cancelled(error: &Error, kind: io::ErrorKind, failures: &AtomicU64) {
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    let value = error.source().and_then(|source| source.downcast_ref());
    assert_eq!(value.map(io::Error::kind), Some(kind));
    assert_eq!(failures.load(Ordering::Relaxed), 1, "{kind}: no retry");
}

#[test]
fn an_observer_error_of_any_kind_is_not_retried() {
    let content = large();
    let temporary = TempDir::new();
    let path = temporary.write("file", &content);
    for kind in [
        // `Read::read_to_end` retries after `Interrupted`, and would hide the observer's error.
        io::ErrorKind::Interrupted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::TimedOut,
        io::ErrorKind::UnexpectedEof,
    ] {
        let (observer, failures) = failing(kind, |event| matches!(event, Event::Reading { .. }));
        let described = observer.scope(|| FileContent::describe(&path, MediaType::OCTET_STREAM));
        assert_cancelled(&described.unwrap_err(), kind, &failures);

        let registry = TestRegistry::start();
        let client = client();
        let repository = client
            .repository(&registry.reference("a"))
            .unwrap()
            .with_push_scope();
        let is_transfer = |event: &Event<'_>| matches!(event, Event::Transferring { .. });
        let (observer, failures) = failing(kind, is_transfer);
        let pushed = observer.scope(|| push_blob(&repository, &blob(&content), &mut &content[..]));
        assert_cancelled(&pushed.unwrap_err(), kind, &failures);

        registry.seed_artifact("b", "v1", &[("large", &content)]);
        let source = client.repository(&registry.reference("b")).unwrap();
        let (observer, failures) = failing(kind, is_transfer);
        let options = updated!(PullOptions {
            output: temporary.join("out"),
            observer: Some(observer),
            ..PullOptions::default()
        });
        let error = pull(&source, "v1", options).unwrap_err();
        assert_cancelled(&error, kind, &failures);
        assert!(!temporary.join("out/large").exists());

        let registry = TestRegistry::start_as(RegistryProfile {
            max_put_bytes: Some(LARGE as u64 / 2),
            ..RegistryProfile::default()
        });
        let repository = client
            .repository(&registry.reference("a"))
            .unwrap()
            .with_push_scope();
        let (observer, failures) = failing(kind, |event| matches!(event, Event::Reading { .. }));
        let options = updated!(PushOptions {
            streams: vec![stream(&content)],
            artifact_type: Some("test/artifact".into()),
            observer: Some(observer),
            ..PushOptions::default()
        });
        let error = push(&repository, None, options).unwrap_err();
        assert_cancelled(&error, kind, &failures);
    }
}

fn stream(bytes: &[u8]) -> PushStream<'_> {
    PushStream::new("", bytes)
}

#[test]
fn an_observer_error_stops_a_stream() {
    let registry = TestRegistry::start();
    let client = client();
    let repository = client
        .repository(&registry.reference("a"))
        .unwrap()
        .with_push_scope();
    let content = large();
    let observer = stopping(|event| {
        matches!(
            event,
            Event::Reading {
                done: 200_000..,
                ..
            }
        )
    });
    let options = updated!(PushOptions {
        streams: vec![stream(&content)],
        artifact_type: Some("test/artifact".into()),
        observer: Some(observer),
        ..PushOptions::default()
    });
    let error = push(&repository, None, options).unwrap_err();
    assert_eq!(text(&error), STOPPED);
    assert_eq!(registry.blobs("a"), [""; 0]);
}

#[test]
fn a_reader_can_have_several_progress_callbacks() {
    let (mut first, mut second) = (0, 0);
    let reader = VerifyReader::new(&b"hello"[..], blob(b"hello"))
        .with_progress(|done| {
            first = done;
            Ok(())
        })
        .with_progress(|done| {
            second = done;
            Ok(())
        });
    reader.read_all(5).unwrap();
    assert_eq!((first, second), (5, 5));
}

/// The totals as `done of all, bytes of all`, with `+` if more may follow.
fn totals(event: &Event<'_>) -> Option<String> {
    let Event::Totals(Totals {
        done,
        done_bytes,
        total,
        total_bytes,
        is_complete,
        ..
    }) = event
    else {
        return None;
    };
    let more = if *is_complete { "" } else { "+" };
    let bytes = total_bytes.map_or("?".to_owned(), |bytes| bytes.to_string());
    Some(format!("{done} of {total}{more}, {done_bytes} of {bytes}"))
}

#[test]
fn totals_count_files_while_they_are_read_and_transferred() {
    let directory = TempDir::new();
    directory.write("directory/a", b"12345");
    let store = MemoryStore::new();
    let (observer, pushed) = collecting(totals);
    let mut options = PushOptions::default();
    let file = directory.write("b", b"123");
    let again = PushFile::bytes("d", "123");
    options.files = vec![file.into(), PushFile::bytes("c", "12"), again];
    options.artifact_type = Some("test/artifact".into());
    options.observer = Some(observer);
    push(&store, Some("v1"), options).unwrap();
    let read = ["0 of 3, 0 of 8", "1 of 3, 3 of 8", "2 of 3, 5 of 8"];
    let sent = [
        "0 of 3, 0 of 8",
        "1 of 3, 3 of 8",
        "2 of 3, 5 of 8",
        "3 of 3, 8 of 8",
    ];
    assert_eq!(pushed.take(), [&read[..], &sent].concat());

    let (observer, pulled) = collecting(totals);
    let mut options = PullOptions::default();
    options.output = directory.path().join("out");
    options.observer = Some(observer);
    pull(&store, "v1", options).unwrap();
    assert_eq!(pulled.take(), sent);

    let (observer, packed) = collecting(totals);
    let mut options = PushOptions::default();
    options.files = vec![directory.path().join("directory").into()];
    options.artifact_type = Some("test/artifact".into());
    options.observer = Some(observer);
    push(&store, Some("v2"), options).unwrap();
    assert_eq!(packed.take()[0], "0 of 1, 0 of ?");
}
