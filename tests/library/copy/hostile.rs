//! Sources with endless graphs or wrong listings: a clear error after a bounded time.

use std::collections::HashMap;
use std::io::Cursor;
use std::mem;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use oras::Descriptor;
use oras::copy::{CopyOptions, Limits, copy_graph_with_referrers};
use oras::error::{Operation, Side};
use oras::store::content::{Content, VerifyReader};
use oras::store::memory::MemoryStore;
use oras::store::{Pushed, Referrers, Source, Target};
use oras::{Digest, Error, MediaType, RawManifest, Result};
use serde_json::json;

use super::{artifact, index, options};
use crate::setup::{ABSENT, client, text};
use crate::support::registry::{TestRegistry, on};

/// A source that invents referrers of every manifest.
#[derive(Default)]
struct EndlessReferrers {
    made: Mutex<HashMap<Digest, RawManifest>>,
    count: AtomicU64,
    /// Number of referrers of each manifest.
    width: u64,
    /// Number of levels of referrers.
    levels: u64,
    /// Number of bytes that are added to each manifest.
    padding: usize,
    /// Levels of the invented manifests.
    level_of: Mutex<HashMap<Digest, u64>>,
}

impl EndlessReferrers {
    fn make(&self, subject: Option<&Descriptor>) -> Descriptor {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let document = json!({
            "schemaVersion": 2,
            "manifests": [],
            "subject": subject,
            "annotations": { "n": count.to_string(), "x": "x".repeat(self.padding) },
        });
        let manifest = RawManifest::new(MediaType::IMAGE_INDEX, document.to_string().into_bytes());
        let descriptor = manifest.descriptor().clone();
        let level = subject.map_or(0, |subject| {
            self.level_of.lock().unwrap()[&subject.digest] + 1
        });
        let digest = descriptor.digest.clone();
        self.level_of.lock().unwrap().insert(digest.clone(), level);
        self.made.lock().unwrap().insert(digest, manifest);
        descriptor
    }
}

impl Source for EndlessReferrers {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        Err(Error::not_found(reference))
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let made = self.made.lock().unwrap();
        let manifest = made
            .get(&target.digest)
            .ok_or_else(|| Error::not_found(target.digest.as_str()))?;
        let bytes = Cursor::new(manifest.bytes().to_vec());
        Ok(VerifyReader::new(bytes, target.clone()))
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        Ok(self.made.lock().unwrap().contains_key(&target.digest))
    }
}

impl Referrers for EndlessReferrers {
    fn referrers(
        &self,
        subject: &Descriptor,
        _: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        if self.level_of.lock().unwrap()[&subject.digest] >= self.levels {
            return Ok(());
        }
        for _ in 0..self.width {
            if visit(&[self.make(Some(subject))]).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A destination that counts and discards the content.
#[derive(Default)]
struct Sink {
    received: AtomicUsize,
}

impl Source for Sink {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        Err(Error::not_found(reference))
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        Err(Error::not_found(target.digest.as_str()))
    }

    fn exists(&self, _: &Descriptor) -> Result<bool> {
        Ok(false)
    }
}

impl Target for Sink {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        content.open_verified(expected)?.read_all(expected.size)?;
        self.received.fetch_add(1, Ordering::Relaxed);
        Ok(Pushed::Stored)
    }

    fn tag(&self, _: &Descriptor, _: &str) -> Result<()> {
        panic!("a failed copy sets no tag")
    }
}

/// Returns the error of a copy of an invented root, and the number of nodes received before.
fn refused(source: &EndlessReferrers, limits: Limits) -> (String, usize) {
    let root = source.make(None);
    let sink = Sink::default();
    let mut options = updated!(CopyOptions {
        limits,
        ..CopyOptions::default()
    });
    let error = copy_graph_with_referrers(source, &sink, &root, Some("v1"), &mut options)
        .expect_err("it never ends");
    let text = text(&error).replace(root.digest.as_str(), "{root}");
    (text, sink.received.load(Ordering::Relaxed))
}

fn metadata_limit(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_metadata_bytes = bytes;
    limits
}

#[test]
fn the_depth_of_a_chain_of_referrers_is_limited() {
    let endless = EndlessReferrers {
        width: 1,
        levels: u64::MAX,
        ..EndlessReferrers::default()
    };
    assert_eq!(
        refused(&endless, Limits::default()),
        (
            "graph of {root} size 101 exceeds MaxDepth 100: size exceeds limit".to_owned(),
            100
        )
    );

    let long = EndlessReferrers {
        width: 1,
        levels: 99,
        ..EndlessReferrers::default()
    };
    let root = long.make(None);
    let sink = Sink::default();
    copy_graph_with_referrers(&long, &sink, &root, None, &mut options()).unwrap();
    assert_eq!(sink.received.load(Ordering::Relaxed), 100);
}

#[test]
fn an_endless_referrers_list_is_not_read_to_its_end() {
    let endless = EndlessReferrers {
        width: u64::MAX,
        levels: 1,
        ..EndlessReferrers::default()
    };

    let (error, received) = refused(&endless, metadata_limit(1_000_000));

    assert!(error.starts_with("graph of {root} size 1000"), "{error}");
    assert!(
        error.ends_with(" exceeds MaxTotalMetadataBytes 1000000: size exceeds limit"),
        "{error}"
    );
    assert_eq!(received, 1, "the root alone");
}

#[test]
fn manifests_of_referrers_count_against_the_metadata_limit() {
    let endless = EndlessReferrers {
        width: 2,
        levels: u64::MAX,
        padding: 1000,
        ..EndlessReferrers::default()
    };

    let (error, received) = refused(&endless, metadata_limit(1_000_000));

    assert!(
        error.contains(" exceeds MaxTotalMetadataBytes 1000000"),
        "{error}"
    );
    assert!((100..1000).contains(&received), "{received}");
}

#[test]
fn nodes_of_all_referrers_count_against_the_limit() {
    let endless = EndlessReferrers {
        width: 2,
        levels: u64::MAX,
        ..EndlessReferrers::default()
    };
    let mut limits = Limits::default();
    limits.max_nodes = 50;

    let (error, received) = refused(&endless, limits);

    assert_eq!(
        error,
        "graph of {root} size 51 exceeds MaxNodes 50: size exceeds limit"
    );
    assert_eq!(received, 50);
}

#[test]
fn an_oversized_referrer_is_not_read() {
    let endless = EndlessReferrers {
        width: 1,
        levels: 1,
        padding: 5_000_000,
        ..EndlessReferrers::default()
    };
    let root = {
        let small = EndlessReferrers {
            padding: 0,
            ..EndlessReferrers::default()
        };
        let root = small.make(None);
        *endless.made.lock().unwrap() = mem::take(&mut *small.made.lock().unwrap());
        *endless.level_of.lock().unwrap() = mem::take(&mut *small.level_of.lock().unwrap());
        root
    };

    let error = copy_graph_with_referrers(&endless, &Sink::default(), &root, None, &mut options())
        .unwrap_err();

    assert!(
        text(&error).contains("exceeds MaxBytes 4194304"),
        "{}",
        text(&error)
    );
}

#[test]
fn twenty_thousand_referrers_are_copied_in_linear_time() {
    let many = EndlessReferrers {
        width: 20_000,
        levels: 1,
        ..EndlessReferrers::default()
    };
    let root = many.make(None);
    let sink = Sink::default();

    copy_graph_with_referrers(&many, &sink, &root, None, &mut options()).unwrap();

    assert_eq!(sink.received.load(Ordering::Relaxed), 20_001);
}

/// A source that lists manifests as referrers of subjects that they do not have.
struct Lying {
    inner: MemoryStore,
    /// The listed referrers, with the digests of the subjects they are listed for.
    listed: Vec<(Digest, Descriptor)>,
}

impl Source for Lying {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.inner.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.inner.fetch(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.inner.exists(target)
    }
}

impl Referrers for Lying {
    fn referrers(
        &self,
        subject: &Descriptor,
        _: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        let listed = self.listed.iter();
        for (_, referrer) in listed.filter(|(of, _)| *of == subject.digest) {
            if visit(std::slice::from_ref(referrer)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[test]
fn a_listed_referrer_of_another_subject_is_refused() {
    let inner = MemoryStore::new();
    let root = artifact(&inner, &[b"one"]);
    let other = artifact(&inner, &[b"two"]);
    let of_other = super::referrers::attach(&inner, &other, "a/b");
    let absent = Descriptor::new(MediaType::IMAGE_MANIFEST, ABSENT.parse().unwrap(), 10);
    let text_type = Descriptor::new("text/plain".into(), other.digest.clone(), other.size);
    for (listed, wanted) in [
        (
            &other,
            format!(
                "failed to list the referrers of {0} at source: list of referrers of {0}: {1} is among them, and is attached to nothing",
                root.digest, other.digest
            ),
        ),
        (
            &of_other,
            format!(
                "failed to list the referrers of {0} at source: list of referrers of {0}: {1} is among them, and is attached to {2}",
                root.digest, of_other.digest, other.digest
            ),
        ),
        (
            &text_type,
            format!(
                "failed to list the referrers of {0} at source: list of referrers of {0}: {1} is among them, and is no manifest",
                root.digest, other.digest
            ),
        ),
        (
            &absent,
            format!("failed to fetch {ABSENT} from source: {ABSENT}: not found"),
        ),
    ] {
        let source = Lying {
            inner: MemoryStore::new(),
            listed: vec![(root.digest.clone(), listed.clone())],
        };
        for manifest in [&root, &of_other] {
            copy_graph_with_referrers(&inner, &source.inner, manifest, None, &mut options())
                .unwrap();
        }
        let target = MemoryStore::new();

        let error = copy_graph_with_referrers(&source, &target, &root, Some("v1"), &mut options())
            .unwrap_err();

        assert_eq!(text(&error), wanted);
        assert!(target.resolve("v1").is_err(), "the name comes last");
    }
}

#[test]
fn cycles_of_referrers_are_copied_once() {
    let inner = MemoryStore::new();
    let root = artifact(&inner, &[b"one"]);
    let referrer = super::referrers::attach(&inner, &root, "a/b");
    let source = Lying {
        inner,
        listed: vec![
            (root.digest.clone(), root.clone()),
            (root.digest.clone(), referrer.clone()),
            (referrer.digest.clone(), root.clone()),
            (referrer.digest.clone(), referrer.clone()),
        ],
    };
    let sink = Sink::default();

    copy_graph_with_referrers(&source, &sink, &root, None, &mut options()).unwrap();

    // Two manifests, the empty config, a file, and the referrers.
    assert_eq!(sink.received.load(Ordering::Relaxed), 5);
}

#[test]
fn levels_of_indexes_and_referrers_add_up() {
    let source = MemoryStore::new();
    let mut top = index(&source, &[]);
    for _ in 0..59 {
        top = index(&source, &[top]);
    }
    let mut bottom = top.clone();
    while let Some(child) = source
        .fetch_manifest(&bottom, 10_000)
        .unwrap()
        .successors()
        .unwrap()
        .pop()
    {
        bottom = child;
    }
    let mut attached = bottom;
    for level in 0..50 {
        attached = super::referrers::attach(&source, &attached, &format!("a/{level}"));
    }

    let error = copy_graph_with_referrers(&source, &Sink::default(), &top, None, &mut options())
        .unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "graph of {} size 101 exceeds MaxDepth 100: size exceeds limit",
            top.digest
        )
    );
}

#[test]
fn an_invalid_referrers_list_is_an_error_of_the_source() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[]);
    registry.inject(on("GET", "/v2/a/referrers/*").error(403, "DENIED", "no"));
    let client = client();
    let source = client.repository(&registry.reference("a")).unwrap();
    let root = source.resolve("v1").unwrap();

    let error =
        copy_graph_with_referrers(&source, &Sink::default(), &root, Some("v1"), &mut options())
            .unwrap_err();

    assert!(
        matches!(
            error,
            Error::Copy {
                side: Side::Source,
                operation: Operation::ListReferrers,
                ..
            }
        ),
        "{error:?}"
    );
}
