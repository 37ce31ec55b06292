//! Pushing single blobs and manifests: requests, reported events and retries.

use std::io::{self, Read};

use oras::layout::LayoutStore;
use oras::progress::Event;
use oras::push::{push_blob, push_manifest};
use oras::store::content::{FileContent, StreamContent};
use oras::store::memory::MemoryStore;
use oras::store::{Pushed, Source, Target};
use oras::{Descriptor, Error, MediaType, RawManifest};

use crate::observers::{collecting, stopping};
use crate::setup::{ABSENT, LARGE, client, hello, text};
use crate::support::registry::{TestRegistry, on};
use crate::support::tempdir::TempDir;

const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn index() -> RawManifest {
    RawManifest::new(MediaType::IMAGE_INDEX, INDEX.to_vec())
}

/// Returns a word for each event.
fn word(event: &Event<'_>) -> &'static str {
    match event {
        Event::Started(_) => "started",
        Event::Transferred(_) => "stored",
        Event::Exists(_) => "existed",
        Event::Transferring { done: 5, .. } => "all bytes",
        other => panic!("{other:?}"),
    }
}

fn every_store(test: impl Fn(&str, &dyn Target)) {
    test("memory", &MemoryStore::new());
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    test("a layout", &layout);
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    test("a registry", &repository);
    let repository = client.repository(&registry.reference("b")).unwrap();
    test("the manifests of a registry", &repository.into_manifests());
}

#[test]
fn an_existing_blob_is_not_sent_again() {
    every_store(|name, store| {
        if name.starts_with("the manifests") {
            return;
        }
        for wanted in [&["started", "all bytes", "stored"][..], &["existed"]] {
            let (observer, events) = collecting(|event| Some(word(event)));
            observer
                .scope(|| push_blob(store, &hello(), &mut &b"hello"[..]))
                .unwrap();
            assert_eq!(events.take(), wanted, "{name}");
        }
        assert!(store.exists(&hello()).unwrap(), "{name}");
    });
}

#[test]
fn a_manifest_is_sent_unless_the_reference_names_it() {
    every_store(|name, store| {
        let mut events = Vec::new();
        for reference in [None, None, Some("v1"), Some("v1")] {
            let (observer, words) = collecting(|event| Some(word(event)));
            let pushed = observer.scope(|| push_manifest(store, &index(), reference));
            events.extend(words.take());
            events.push(match pushed.unwrap() {
                Pushed::Stored => "new",
                Pushed::AlreadyThere => "there",
            });
        }
        let wanted = [
            "started", "stored", "new", "existed", "there", "started", "stored", "new", "existed",
            "there",
        ];
        assert_eq!(events, wanted, "{name}");
        let found = store.resolve("v1").unwrap();
        assert_eq!(found.plain(), *index().descriptor(), "{name}");
    });
}

#[test]
fn a_tag_moves_to_the_last_pushed_manifest() {
    every_store(|name, store| {
        let other = RawManifest::new(MediaType::IMAGE_INDEX, [INDEX, b"\n"].concat());
        for manifest in [&index(), &other] {
            push_manifest(store, manifest, Some("v1")).unwrap();
        }
        let found = store.resolve("v1").unwrap();
        assert_eq!(found.digest, other.descriptor().digest, "{name}");
    });
}

#[test]
fn the_digest_of_other_content_is_not_a_valid_reference() {
    every_store(|name, store| {
        let (observer, events) = collecting(|event| Some(word(event)));
        let error = observer.scope(|| push_manifest(store, &index(), Some(ABSENT)));
        assert_eq!(events.take(), [""; 0], "{name}");

        let error = error.unwrap_err();
        assert!(matches!(error, Error::InvalidReference { .. }), "{name}");
    });
}

#[test]
fn an_error_of_the_observer_stops_the_push() {
    let observer = stopping(|_| true);
    every_store(|name, store| {
        let pushed = observer.scope(|| push_manifest(store, &index(), Some("v1")));
        let error = pushed.unwrap_err();
        assert_eq!(text(&error), "cancelled: going on: unsupported", "{name}");
        assert!(store.resolve("v1").is_err(), "{name}");
    });
    let store = MemoryStore::new();
    let pushed = observer.scope(|| push_blob(&store, &hello(), &mut &b"hello"[..]));
    pushed.unwrap_err();
    assert!(!store.exists(&hello()).unwrap());
}

#[test]
fn a_failed_existence_check_is_not_a_missing_manifest() {
    let registry = TestRegistry::start().with(on("HEAD", "*").error(403, "DENIED", "no"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = push_manifest(&repository, &index(), Some("v1")).unwrap_err();

    assert!(error.is_unauthorized(), "{}", text(&error));
    assert!(registry.log().iter().all(|line| line.starts_with("HEAD")));
}

/// A stream that counts its reads.
struct CountingReader<'n>(&'n mut usize, io::Cursor<Vec<u8>>);

impl Read for CountingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        *self.0 += 1;
        self.1.read(buffer)
    }
}

#[test]
fn a_stream_is_not_read_if_the_blob_exists() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut reads = 0;
    let stream = CountingReader(&mut reads, io::Cursor::new(b"hello".to_vec()));

    let pushed = push_blob(&repository, &hello(), &mut StreamContent::new(stream));

    assert_eq!(pushed.unwrap(), Pushed::AlreadyThere);
    assert_eq!(reads, 0);
}

#[test]
fn a_stream_is_sent_again_without_expect_after_417() {
    let registry = TestRegistry::start().with(on("PUT", "*").before_body().status(417).nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let bytes = vec![7; LARGE];
    let blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);

    let mut content = StreamContent::new(bytes.as_slice());
    push_blob(&repository, &blob, &mut content).unwrap();

    assert_eq!(
        registry.blob("a", blob.digest.as_str()).as_deref(),
        Some(bytes.as_slice())
    );
}

#[test]
fn a_consumed_stream_fails_with_the_error_of_its_upload() {
    let registry = TestRegistry::start().with(on("PUT", "*").error(503, "TOOMANY", "later"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let mut content = StreamContent::new(&b"hello"[..]);
    let error = push_blob(&repository, &hello(), &mut content).unwrap_err();

    assert!(text(&error).contains("503"), "{}", text(&error));
    let puts = registry
        .log()
        .iter()
        .filter(|line| line.starts_with("PUT"))
        .count();
    assert_eq!(puts, 1);
}

#[test]
fn a_consumed_stream_is_not_sent_again_after_a_refusal() {
    for status in [413, 417] {
        let registry = TestRegistry::start().with(on("PUT", "*").status(status));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        let bytes = vec![7; LARGE];
        let blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);

        let mut content = StreamContent::new(bytes.as_slice());
        let error = push_blob(&repository, &blob, &mut content).unwrap_err();

        let wanted = format!("response status code {status}");
        assert!(text(&error).contains(&wanted), "{}", text(&error));
    }
}

#[test]
fn a_stream_that_is_too_large_for_one_request_is_sent_in_chunks() {
    let registry = TestRegistry::start().with(on("PUT", "*").before_body().status(413).nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let bytes = vec![7; LARGE];
    let blob = Descriptor::of(MediaType::OCTET_STREAM, &bytes);

    let mut content = StreamContent::new(bytes.as_slice());
    push_blob(&repository, &blob, &mut content).unwrap();

    assert!(repository.exists(&blob).unwrap());
}

#[test]
fn a_lost_response_to_a_stream_is_replaced_by_an_existence_check() {
    let registry = TestRegistry::start().with(on("PUT", "*").lose_response());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let mut content = StreamContent::new(&b"hello"[..]);
    let pushed = push_blob(&repository, &hello(), &mut content);

    assert_eq!(pushed.unwrap(), Pushed::Stored);
}

#[test]
fn a_file_with_another_digest_than_claimed_is_not_stored() {
    let temporary = TempDir::new();
    let path = temporary.write("file", b"hellO");
    every_store(|name, store| {
        if name.starts_with("the manifests") {
            return;
        }
        let (blob, mut content) =
            FileContent::describe_with_digest(&path, MediaType::OCTET_STREAM, hello().digest)
                .unwrap();

        let error = push_blob(store, &blob, &mut content).unwrap_err();

        assert!(error.is_verification(), "{name}: {}", text(&error));
        assert!(!store.exists(&hello()).unwrap(), "{name}");
    });
}
