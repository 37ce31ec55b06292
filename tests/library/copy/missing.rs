//! Copies of graphs with missing subjects and referrers.

use oras::Descriptor;
use oras::copy::{CopyOptions, MissingReferrer, copy, copy_with_referrers};
use oras::progress::Event;
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{Error, MediaType, Result};

use super::index;
use super::referrers::attach;
use crate::observers::collecting;
use crate::setup::{client, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on};

/// A descriptor of content that no store has.
fn absent() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_MANIFEST, b"gone")
}

type Copy = fn(&MemoryStore, &MemoryStore, &mut CopyOptions<'_>) -> Result<Descriptor>;

/// The copy functions with and without referrers, for `v1`.
const COPIES: [Copy; 2] = [
    |from, to, options| copy(from, "v1", to, Some("v1"), options),
    |from, to, options| copy_with_referrers(from, "v1", to, Some("v1"), options),
];

#[test]
fn a_missing_subject_is_an_error_unless_it_may_be_skipped() {
    for copy in COPIES {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        let signature = attach(&from, &absent(), "a/signature");
        from.tag(&signature, "v1").unwrap();

        let error = copy(&from, &to, &mut CopyOptions::default()).unwrap_err();
        assert!(error.is_not_found(), "{}", text(&error));

        let (observer, gone) = collecting(|event| match *event {
            Event::MissingSubjectSkipped(node) => Some(node.clone()),
            _ => None,
        });
        let mut options = updated!(CopyOptions {
            observer: Some(observer),
            missing_referrers: MissingReferrer::Skip,
            ..CopyOptions::default()
        });
        copy(&from, &to, &mut options).unwrap();
        assert_eq!(to.resolve("v1").unwrap().digest, signature.digest);
        assert_eq!(gone.take(), [absent()]);
    }
}

#[test]
fn only_missing_subjects_and_referrers_are_skipped() {
    let lenient = || {
        updated!(CopyOptions {
            missing_referrers: MissingReferrer::Skip,
            ..CopyOptions::default()
        })
    };
    for copy in COPIES {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        from.tag(&index(&from, &[absent()]), "v1").unwrap();
        let error = copy(&from, &to, &mut lenient()).unwrap_err();
        assert!(error.is_not_found(), "{}", text(&error));

        // The subject exists, but one of its successors is missing.
        let broken = index(&from, &[absent()]);
        from.tag(&attach(&from, &broken, "a/signature"), "v1")
            .unwrap();
        let error = copy(&from, &to, &mut lenient()).unwrap_err();
        assert!(error.is_not_found(), "{}", text(&error));
        assert!(to.resolve("v1").is_err());
    }
}

#[test]
fn unreadable_content_is_not_skipped() {
    let registry = TestRegistry::start_as(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let subject = index(&repository, &[]);
    let signature = attach(&repository, &subject, "a/signature");
    repository.tag(&signature, "v1").unwrap();
    let path = format!("/v2/a/manifests/{}", subject.digest);
    registry.inject(on("GET", &path).error(403, "DENIED", "no"));
    let mut options = updated!(CopyOptions {
        missing_referrers: MissingReferrer::Skip,
        ..CopyOptions::default()
    });
    let error = copy(
        &repository,
        "v1",
        &MemoryStore::new(),
        Some("v1"),
        &mut options,
    )
    .unwrap_err();
    assert!(
        matches!(error.root(), Error::Refused(_)),
        "{}",
        text(&error)
    );
}
