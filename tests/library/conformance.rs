//! One suite of rules for all stores.
//!
//! Every store has a row in [`every_store`], and every store with referrers a row in `referrers`.
//! Behaviour that only some stores have is not tested here. Annotations that a layout adds to
//! descriptors are not part of the content.

mod behind_a_cache;
mod referrers;

use std::io::{Cursor, Read, Seek, SeekFrom};

use oras::Descriptor;
use oras::Digest;
use oras::digest::Algorithm;
use oras::internal::FileStore;
use oras::layout::{LayoutStore, LayoutTarWriter};
use oras::store::memory::MemoryStore;
use oras::store::{Batch, Pushed, SeekableBlob, Target};
use oras::{Error, MediaType};

use self::behind_a_cache::{Warmth, behind_a_cache};
use crate::setup::{blob, client, hello};
use crate::support::registry::{Mount, RegistryProfile, TestRegistry};
use crate::support::rng::Rng;
use crate::support::tempdir::TempDir;

const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn index() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_INDEX, INDEX)
}

/// Runs a rule on a fresh store of every kind, and again within a batch, where the caller must see
/// no difference.
fn every_store(rule: impl Fn(&str, &dyn Target)) {
    fresh_stores(&rule);
    fresh_stores(&|name, store| {
        let batch = Batch::start(store);
        rule(&format!("{name}, in a batch"), store);
        batch.finish().unwrap();
    });
}

fn fresh_stores(rule: &dyn Fn(&str, &dyn Target)) {
    rule("memory", &MemoryStore::new());
    for warmth in Warmth::ALL {
        behind_a_cache(warmth, &MemoryStore::new(), |how, store| {
            rule(&format!("memory behind {how}"), store);
        });
    }
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    rule("a layout", &layout);
    let archive = LayoutTarWriter::create(temporary.join("layout.tar")).unwrap();
    rule("an archive of a layout", &archive);
    rule("files", &FileStore::new(temporary.path()));
    for (name, personality) in [
        ("a registry", RegistryProfile::default()),
        ("distribution", RegistryProfile::distribution()),
        ("zot", RegistryProfile::zot()),
        (
            "the registry of go-containerregistry",
            RegistryProfile::ggcr(),
        ),
        ("ghcr", RegistryProfile::ghcr()),
        (
            "a registry that refuses to mount",
            RegistryProfile {
                mount: Mount::Refused(401),
                ..RegistryProfile::default()
            },
        ),
    ] {
        let registry = TestRegistry::start_as(personality);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        rule(name, &repository);
    }
    for warmth in Warmth::ALL {
        let registry = TestRegistry::start();
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        behind_a_cache(warmth, &repository, |how, store| {
            rule(&format!("a registry behind {how}"), store);
        });
    }
}

fn read(store: &dyn Target, target: &Descriptor) -> Result<Vec<u8>, Error> {
    store.fetch(target)?.read_all(1_000_000)
}

#[test]
fn pushed_content_exists_and_can_be_fetched() {
    every_store(|name, store| {
        assert!(!store.exists(&hello()).unwrap(), "{name}");

        let pushed = store.push(&hello(), &mut &b"hello"[..]).unwrap();

        assert_eq!(pushed, Pushed::Stored, "{name}");
        assert!(store.exists(&hello()).unwrap(), "{name}");
        assert_eq!(read(store, &hello()).unwrap(), b"hello", "{name}");
    });
}

#[test]
fn content_can_be_read_from_any_offset_or_not_at_all() {
    every_store(|name, store| {
        let missing = store.fetch_from(&hello(), 0);
        assert!(!matches!(missing, Ok(Some(_))), "{name}");
        store.push(&hello(), &mut &b"hello"[..]).unwrap();
        for (offset, wanted) in [(0, &b"hello"[..]), (3, b"lo"), (5, b"")] {
            let Some(mut rest) = store.fetch_from(&hello(), offset).unwrap() else {
                assert!(
                    name.starts_with("files") || name.contains("cache"),
                    "{name}"
                );
                continue;
            };
            let mut got = Vec::new();
            rest.read_to_end(&mut got).unwrap();
            assert_eq!(got, wanted, "{name} from {offset}");
        }
    });
}

#[test]
fn a_stream_is_stored_under_its_digest_or_not_read() {
    every_store(|name, store| {
        let mut stream = &b"hello"[..];
        let Some((stored, pushed)) = store.push_stream(&MediaType::LAYER, &mut stream).unwrap()
        else {
            assert_eq!(stream, b"hello", "{name}");
            assert!(
                name.starts_with("an archive of a layout") || name.starts_with("files"),
                "{name}"
            );
            return;
        };
        assert_eq!(stored, Descriptor::of(MediaType::LAYER, b"hello"), "{name}");
        assert_eq!(pushed, Pushed::Stored, "{name}");
        assert_eq!(read(store, &stored).unwrap(), b"hello", "{name}");

        let again = store.push_stream(&MediaType::LAYER, &mut &b"hello"[..]);
        assert_eq!(again.unwrap().unwrap().0, stored, "{name}");
        let nothing = store.push_stream(&MediaType::LAYER, &mut &b""[..]);
        assert_eq!(nothing.unwrap().unwrap().0.size, 0, "{name}");
    });
}

#[test]
fn pushing_existing_content_is_not_an_error() {
    every_store(|name, store| {
        for bytes in [&b"hello"[..], b"{}"] {
            store.push(&blob(bytes), &mut &*bytes).unwrap();
            store.push(&blob(bytes), &mut &*bytes).unwrap();
            assert_eq!(read(store, &blob(bytes)).unwrap(), bytes, "{name}");
        }
        store.push(&index(), &mut &*INDEX).unwrap();
        store.push(&index(), &mut &*INDEX).unwrap();
        assert_eq!(read(store, &index()).unwrap(), INDEX, "{name}");
    });
}

#[test]
fn an_untagged_manifest_resolves_by_digest() {
    every_store(|name, store| {
        store.push(&index(), &mut &*INDEX).unwrap();

        assert!(store.exists(&index()).unwrap(), "{name}");
        assert_eq!(
            store.resolve(index().digest.as_str()).unwrap(),
            index(),
            "{name}"
        );
        assert_eq!(read(store, &index()).unwrap(), INDEX, "{name}");
    });
}

#[test]
fn a_tag_resolves_to_the_last_tagged_content() {
    let other = br#"{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}"#;
    let other_index = Descriptor::of(MediaType::IMAGE_INDEX, other);
    every_store(|name, store| {
        store.push(&index(), &mut &*INDEX).unwrap();
        store.tag(&index(), "v1").unwrap();
        assert_eq!(store.resolve("v1").unwrap().plain(), index(), "{name}");

        store
            .push_reference(&other_index, &mut &other[..], "v1")
            .unwrap();
        assert_eq!(store.resolve("v1").unwrap().plain(), other_index, "{name}");

        store.tag(&index(), "v1").unwrap();
        assert_eq!(store.resolve("v1").unwrap().plain(), index(), "{name}");
    });
}

#[test]
fn a_tagged_manifest_is_resolved_and_fetched_at_once() {
    every_store(|name, store| {
        store.push_reference(&index(), &mut &*INDEX, "v1").unwrap();

        let (descriptor, reader) = store.fetch_reference("v1", 1000).unwrap();
        assert_eq!(descriptor.plain(), index(), "{name}");
        assert_eq!(reader.read_all(1000).unwrap(), INDEX, "{name}");

        let manifest = store.fetch_manifest_by_reference("v1", 1000).unwrap();
        assert_eq!(
            (manifest.descriptor().plain(), manifest.bytes()),
            (index(), INDEX),
            "{name}"
        );
        let manifest = store.fetch_manifest(&index(), 1000).unwrap();
        assert_eq!(manifest.bytes(), INDEX, "{name}");
    });
}

#[test]
fn missing_content_is_not_found() {
    every_store(|name, store| {
        for error in [
            store.resolve("v1").map(drop).unwrap_err(),
            store
                .resolve(index().digest.as_str())
                .map(drop)
                .unwrap_err(),
            store.fetch_reference("v1", 1000).map(drop).unwrap_err(),
            read(store, &hello()).map(drop).unwrap_err(),
            read(store, &index()).map(drop).unwrap_err(),
            store.tag(&index(), "v1").unwrap_err(),
        ] {
            assert!(error.is_not_found(), "{name}: {error:?}");
        }
        assert!(!store.exists(&hello()).unwrap(), "{name}");
        assert!(!store.exists(&index()).unwrap(), "{name}");
    });
}

#[test]
fn a_digest_cannot_tag_other_content() {
    let other = hello().digest;
    every_store(|name, store| {
        store.push(&index(), &mut &*INDEX).unwrap();
        store.tag(&index(), index().digest.as_str()).unwrap();
        store
            .push_reference(&index(), &mut &*INDEX, index().digest.as_str())
            .unwrap();

        for error in [
            store.tag(&index(), other.as_str()).unwrap_err(),
            store
                .push_reference(&index(), &mut &*INDEX, other.as_str())
                .unwrap_err(),
        ] {
            assert_eq!(
                error.to_string(),
                format!("\"{other}\": invalid reference: this is the digest of other content"),
                "{name}"
            );
        }
        assert!(
            store.resolve(other.as_str()).unwrap_err().is_not_found(),
            "{name}"
        );
    });
}

#[test]
fn wrong_content_is_refused_and_nothing_is_stored() {
    every_store(|name, store| {
        for (expected, bytes) in [
            (hello(), &b"hellO"[..]),
            (hello(), b"hell"),
            (hello(), b"hello!"),
            (hello(), b""),
            (index(), &INDEX[1..]),
        ] {
            let error = store.push(&expected, &mut &*bytes).unwrap_err();

            assert!(error.is_verification(), "{name}: {error:?}");
            assert!(!store.exists(&expected).unwrap(), "{name}");
        }
        let error = store
            .push_reference(&index(), &mut &b"{}"[..], "v1")
            .unwrap_err();
        assert!(error.is_verification(), "{name}: {error:?}");
        assert!(store.resolve("v1").unwrap_err().is_not_found(), "{name}");
    });
}

#[test]
fn a_wrong_size_is_an_error_when_reading() {
    every_store(|name, store| {
        store.push(&hello(), &mut &b"hello"[..]).unwrap();
        for size in [4, 6] {
            let claimed = Descriptor::new(hello().media_type, hello().digest, size);

            let error = read(store, &claimed).unwrap_err();

            assert!(error.is_verification(), "{name}, {size}: {error:?}");
        }
        store.push(&index(), &mut &*INDEX).unwrap();
        for size in [index().size - 1, index().size + 1] {
            let claimed = Descriptor::new(MediaType::IMAGE_INDEX, index().digest, size);

            let error = store.fetch_manifest(&claimed, 1000).map(drop).unwrap_err();

            assert!(error.is_verification(), "{name}, {size}: {error:?}");
        }
    });
}

#[test]
fn a_manifest_over_the_limit_is_not_read() {
    every_store(|name, store| {
        store.push_reference(&index(), &mut &*INDEX, "v1").unwrap();
        let size = index().size;

        for limit in [0, size - 1] {
            for error in [
                store.fetch_reference("v1", limit).map(drop).unwrap_err(),
                store.fetch_manifest(&index(), limit).map(drop).unwrap_err(),
                store
                    .fetch_manifest_by_reference("v1", limit)
                    .map(drop)
                    .unwrap_err(),
            ] {
                assert!(matches!(error, Error::TooLarge { .. }), "{name}: {error:?}");
            }
        }
        store.fetch_manifest(&index(), size).unwrap();
        store.fetch_manifest_by_reference("v1", size).unwrap();
    });
}

/// Reads and seeks at random, and compares with a reader of the same bytes in memory.
#[test]
fn content_can_be_read_at_any_position() {
    let content = Rng::new(1).bytes(200_000);
    let target = blob(&content);
    let size = content.len() as u64;
    every_store(|name, store| {
        store.push(&target, &mut content.as_slice()).unwrap();
        let mut reader = SeekableBlob::new(store, target.clone());
        let mut expected = Cursor::new(&content);
        let mut rng = Rng::new(2);
        for _ in 0..20 {
            let to = match rng.below(3) {
                0 => SeekFrom::Start(rng.below(size + 10)),
                1 => SeekFrom::End(-(rng.below(size).cast_signed())),
                _ => SeekFrom::Current(rng.below(1000).cast_signed()),
            };
            assert_eq!(reader.seek(to).unwrap(), expected.seek(to).unwrap());
            let (mut read, mut wanted) = (Vec::new(), Vec::new());
            let length = rng.below(70_000);
            (&mut reader).take(length).read_to_end(&mut read).unwrap();
            (&mut expected)
                .take(length)
                .read_to_end(&mut wanted)
                .unwrap();
            assert!(read == wanted, "{name}: {length} bytes at {to:?}");
        }
        assert!(reader.seek(SeekFrom::Current(i64::MIN)).is_err());
    });
}

#[test]
fn content_can_be_empty() {
    every_store(|name, store| {
        store.push(&blob(b""), &mut &b""[..]).unwrap();

        assert!(store.exists(&blob(b"")).unwrap(), "{name}");
        assert_eq!(read(store, &blob(b"")).unwrap(), b"", "{name}");
    });
}

#[test]
fn every_digest_algorithm_is_supported() {
    every_store(|name, store| {
        for algorithm in Algorithm::ALL {
            let digest = Digest::with(algorithm, b"hello");
            let expected = Descriptor::new(hello().media_type, digest, 5);
            store.push(&expected, &mut &b"hello"[..]).unwrap();
            assert_eq!(
                read(store, &expected).unwrap(),
                b"hello",
                "{name}, {algorithm:?}"
            );

            let digest = Digest::with(algorithm, INDEX);
            let size = INDEX.len() as u64;
            let expected = Descriptor::new(MediaType::IMAGE_INDEX, digest, size);
            store.push(&expected, &mut &*INDEX).unwrap();
            assert_eq!(
                store.resolve(expected.digest.as_str()).unwrap(),
                expected,
                "{name}, {algorithm:?}"
            );
        }
    });
}

#[test]
fn content_is_opened_only_if_its_bytes_are_needed() {
    struct Untouchable;

    impl oras::store::content::Content for Untouchable {
        fn open(&mut self) -> oras::Result<Box<dyn std::io::Read + Send + '_>> {
            panic!("the content is there already");
        }
    }

    let bytes = vec![7; 2 * 1024 * 1024];
    every_store(|name, store| {
        store.push(&blob(&bytes), &mut bytes.as_slice()).unwrap();

        let pushed = store.push(&blob(&bytes), &mut Untouchable).unwrap();

        assert_eq!(pushed, Pushed::AlreadyThere, "{name}");
    });
}
