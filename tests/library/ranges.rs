//! Reading parts of blobs, which cannot be verified.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use oras::Descriptor;
use oras::store::{SeekableBlob, Source};
use oras::{MediaType, RawManifest, Result};

use crate::setup::{ABSENT, blob, client, hello};
use crate::support::registry::{Fault, Ranges, RegistryProfile, TestRegistry, on};

fn with_hello(profile: RegistryProfile) -> TestRegistry {
    let registry = TestRegistry::start_as(profile);
    registry.seed_blob("a", b"hello");
    registry
}

fn get() -> Fault {
    on("GET", "/v2/a/blobs/*")
}

/// Reads a range of a blob in repository `a` with a new client.
fn read(
    registry: &TestRegistry,
    target: &Descriptor,
    range: std::ops::Range<u64>,
) -> Result<String> {
    let client = client();
    let repository = client.repository(&registry.reference("a"))?;
    let mut part = String::new();
    let mut reader = repository.read_unverified_range(target, range)?;
    reader.read_to_string(&mut part).unwrap();
    Ok(part)
}

fn ranges(registry: &TestRegistry) -> Vec<Option<String>> {
    let requests = registry.requests();
    let ranges = requests.iter().map(|request| request.header("Range"));
    ranges.map(|range| range.map(str::to_owned)).collect()
}

#[test]
fn a_range_is_one_request_for_its_bytes() {
    for ranges_are in [Ranges::Honoured, Ranges::WithEnd, Ranges::Ignored] {
        for (range, wanted, header) in [
            (1..3, "el", Some("bytes=1-2")),
            (0..2, "he", Some("bytes=0-1")),
            (3..99, "lo", Some("bytes=3-4")),
            (0..5, "hello", None),
        ] {
            let registry = with_hello(RegistryProfile {
                ranges: ranges_are,
                ..RegistryProfile::default()
            });

            assert_eq!(read(&registry, &hello(), range).unwrap(), wanted);
            assert_eq!(
                ranges(&registry),
                [header.map(str::to_owned)],
                "{ranges_are:?}"
            );
        }
    }
}

#[test]
fn an_empty_range_is_no_request() {
    let registry = with_hello(RegistryProfile::default());
    for range in [2..2, 5..9, 7..9] {
        assert_eq!(read(&registry, &hello(), range).unwrap(), "");
    }
    assert_eq!(registry.log(), [""; 0]);
}

#[test]
fn a_refused_range_is_read_from_the_whole_blob() {
    for status in [400, 405, 412, 416, 501] {
        let registry = with_hello(RegistryProfile::default()).with(get().status(status).nth(1));

        assert_eq!(read(&registry, &hello(), 1..3).unwrap(), "el", "{status}");
        assert_eq!(ranges(&registry), [Some("bytes=1-2".to_owned()), None]);
    }
}

#[test]
fn a_broken_connection_is_resumed_within_the_range() {
    let registry = with_hello(RegistryProfile::default()).with(get().close_after(1).nth(1));

    assert_eq!(read(&registry, &hello(), 1..4).unwrap(), "ell");
    assert_eq!(
        ranges(&registry),
        [Some("bytes=1-3".to_owned()), Some("bytes=2-3".to_owned())]
    );
}

#[test]
fn a_range_of_a_manifest_is_read_from_all_of_it() {
    let index = RawManifest::new(MediaType::IMAGE_INDEX, br#"{"manifests":[]}"#.to_vec());
    let registry = TestRegistry::start();
    let media_type = index.descriptor().media_type.as_str();
    registry.seed_manifest("a", media_type, index.bytes(), None);

    assert_eq!(
        read(&registry, index.descriptor(), 2..11).unwrap(),
        "manifests"
    );
}

#[test]
fn a_missing_blob_is_not_found() {
    let registry = with_hello(RegistryProfile::default());
    let absent = Descriptor::new(hello().media_type, ABSENT.parse().unwrap(), 5);

    assert!(read(&registry, &absent, 1..3).unwrap_err().is_not_found());
}

#[test]
fn a_seekable_blob_requests_only_what_is_far_away() {
    let content = vec![7; 1024 * 1024];
    let target = blob(&content);
    let registry = TestRegistry::start();
    registry.seed_blob("a", &content);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut reader = SeekableBlob::new(&repository, target);
    assert_eq!(registry.log(), [""; 0]);

    for (position, requests) in [
        (1000, 1),
        (1010, 1),
        (60_000, 1),
        (60_005, 2),
        (500_000, 3),
        (0, 4),
        (2_000_000, 4),
    ] {
        reader.seek(SeekFrom::Start(position)).unwrap();
        let _ = reader.read(&mut [0; 10]).unwrap();
        assert_eq!(registry.log().len(), requests, "{position}");
    }
}

#[test]
fn content_that_ends_before_its_size_is_an_error() {
    let store = oras::store::memory::MemoryStore::new();
    oras::store::Target::push(&store, &hello(), &mut &b"hello"[..]).unwrap();
    let longer = Descriptor::new(hello().media_type, hello().digest, 6);
    assert!(store.exists(&longer).unwrap());
    let mut reader = SeekableBlob::new(&store, longer);
    reader.seek(SeekFrom::Start(2)).unwrap();

    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}
