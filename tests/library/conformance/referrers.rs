//! Rules for all stores that list referrers and delete content.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;

use oras::Descriptor;
use oras::layout::{LayoutStore, LayoutTar};
use oras::registry::ReferrersMode;
use oras::store::memory::MemoryStore;
use oras::store::{Batch, Delete, Referrers, Target};
use oras::{Error, MediaType, RawManifest};

use crate::artifacts::{as_json, attached, config, image, push};
use crate::setup::{blob, builder, hello};
use crate::support::clock::FakeClock;
use crate::support::registry::{RegistryProfile, TestRegistry};
use crate::support::tempdir::TempDir;

/// A store that lists referrers and deletes content.
trait ReferrersStore: Target + Referrers + Delete {}
impl<S: Target + Referrers + Delete> ReferrersStore for S {}

/// Runs a rule on a fresh store of every kind, and again within a batch, where the caller must see
/// no difference.
fn every_referrers_store(rule: impl Fn(&str, &dyn ReferrersStore)) {
    fresh_referrers_stores(&rule);
    fresh_referrers_stores(&|name, store| {
        let batch = Batch::start(store);
        rule(&format!("{name}, in a batch"), store);
        batch.finish().unwrap();
    });
}

fn fresh_referrers_stores(rule: &dyn Fn(&str, &dyn ReferrersStore)) {
    rule("memory", &MemoryStore::new());
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    rule("a layout", &layout);
    let modes = [
        ReferrersMode::Learned,
        ReferrersMode::Api,
        ReferrersMode::Tag,
    ];
    let with_api = RegistryProfile::default;
    for (name, personality, modes) in [
        ("a registry", with_api(), &modes[..]),
        ("zot", RegistryProfile::zot(), &modes),
        (
            "distribution",
            RegistryProfile::distribution(),
            &[modes[0], modes[2]],
        ),
        (
            "the registry of go-containerregistry",
            RegistryProfile::ggcr(),
            &modes,
        ),
        (
            "a registry that lists in pages",
            RegistryProfile {
                page_size: Some(1),
                ..with_api()
            },
            &modes,
        ),
        (
            "a registry that does not filter",
            RegistryProfile {
                filters_referrers: false,
                ..with_api()
            },
            &modes,
        ),
        (
            "a registry that says it lists, and does not",
            RegistryProfile {
                referrers_api: false,
                ..with_api()
            },
            &modes[2..],
        ),
    ] {
        for &mode in modes {
            let registry = TestRegistry::start_as(personality.clone());
            let client = builder().clock(FakeClock::new()).build();
            let repository = client.repository(&registry.reference("a")).unwrap();
            let repository = repository.with_referrers_mode(mode);
            rule(&format!("{name}, {mode:?}"), &repository);
        }
    }
}

/// Runs a rule on every store with this content, including read-only ones.
fn everywhere_with(content: &[RawManifest], rule: impl Fn(&str, &dyn Referrers)) {
    let push_to = |store: &dyn Target| {
        for manifest in content {
            push(store, manifest);
        }
    };
    every_referrers_store(|name, store| {
        push_to(store);
        rule(name, store);
    });
    let temporary = TempDir::new();
    let layout = temporary.join("layout");
    push_to(&LayoutStore::create_or_open(&layout).unwrap());
    rule("a layout to be read", &LayoutStore::open(&layout).unwrap());
    let archive = temporary.join("layout.tar");
    let mut builder = tar::Builder::new(File::create(&archive).unwrap());
    builder.append_dir_all(".", &layout).unwrap();
    builder.into_inner().unwrap();
    rule(
        "a layout in an archive",
        &LayoutTar::open(&archive).unwrap(),
    );
}

/// Returns an index with a subject and without an artifact type.
fn attached_index(subject: &Descriptor) -> RawManifest {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[],"subject":{}}}"#,
        MediaType::IMAGE_INDEX,
        as_json(subject)
    );
    RawManifest::new(MediaType::IMAGE_INDEX, text.into_bytes())
}

/// Returns the referrers by name, each with its artifact type.
fn listed(
    store: &(impl Referrers + ?Sized),
    subject: &Descriptor,
    artifact_type: Option<&str>,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    store
        .referrers(subject, artifact_type, &mut |page| {
            assert!(!page.is_empty());
            for found in page {
                let name = found.annotations.get("name").cloned().unwrap_or_default();
                let found = found.artifact_type.as_ref().map(ToString::to_string);
                let again = all.insert(name, found.unwrap_or_default());
                assert_eq!(again, None, "each comes once");
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

fn names(store: &(impl Referrers + ?Sized), subject: &Descriptor) -> Vec<String> {
    listed(store, subject, None).into_keys().collect()
}

fn exists_in(store: &dyn ReferrersStore, manifest: &RawManifest) -> bool {
    store.exists(manifest.descriptor()).unwrap()
}

#[test]
fn content_without_referrers_has_none() {
    let subject = image("subject", "");
    everywhere_with(std::slice::from_ref(&subject), |name, store| {
        for subject in [subject.descriptor(), image("absent", "").descriptor()] {
            assert!(names(store, subject).is_empty(), "{name}");
        }
    });
}

#[test]
fn referrers_have_artifact_type_and_annotations() {
    let subject = image("subject", "");
    let subject = subject.descriptor();
    let content = [
        image("subject", ""),
        attached("signature", "sig/a", subject),
        attached("bill", "sbom/a", subject),
        image("untyped", &format!(r#","subject":{}"#, as_json(subject))),
        attached_index(subject),
        attached("other", "sig/a", image("another", "").descriptor()),
    ];
    everywhere_with(&content, |name, store| {
        let found = listed(store, subject, None);

        let found: Vec<_> = found
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("", ""),
                ("bill", "sbom/a"),
                ("signature", "sig/a"),
                ("untyped", "application/vnd.oci.empty.v1+json"),
            ],
            "{name}"
        );
    });
}

#[test]
fn descriptors_of_referrers_can_be_fetched() {
    let subject = image("subject", "");
    let signature = attached("signature", "sig/a", subject.descriptor());
    everywhere_with(&[subject.clone(), signature.clone()], |name, store| {
        let mut found = Vec::new();
        store
            .referrers(subject.descriptor(), None, &mut |page| {
                found.extend_from_slice(page);
                ControlFlow::Continue(())
            })
            .unwrap();

        let [found] = &found[..] else {
            panic!("{name}: {found:?}");
        };
        assert_eq!(found.plain(), *signature.descriptor(), "{name}");
        let fetched = store.fetch_manifest(found, 1000).unwrap();
        assert_eq!(fetched.bytes(), signature.bytes(), "{name}");
    });
}

#[test]
fn referrers_are_filtered_by_artifact_type() {
    let subject = image("subject", "");
    let subject = subject.descriptor();
    let content = [
        attached("a", "sig/a", subject),
        attached("b", "sig/b", subject),
        attached("c", "sig/a", subject),
        attached_index(subject),
    ];
    everywhere_with(&content, |name, store| {
        let of_type = |artifact_type| -> Vec<String> {
            listed(store, subject, Some(artifact_type))
                .into_keys()
                .collect()
        };
        assert_eq!(of_type("sig/a"), ["a", "c"], "{name}");
        assert_eq!(of_type("sig/b"), ["b"], "{name}");
        assert!(of_type("sig").is_empty(), "{name}");
    });
}

#[test]
fn only_direct_referrers_are_listed() {
    let subject = image("subject", "");
    let signature = attached("signature", "sig/a", subject.descriptor());
    let countersigned = attached("countersigned", "sig/a", signature.descriptor());
    let content = [subject.clone(), signature.clone(), countersigned];
    everywhere_with(&content, |name, store| {
        assert_eq!(names(store, subject.descriptor()), ["signature"], "{name}");
        assert_eq!(
            names(store, signature.descriptor()),
            ["countersigned"],
            "{name}"
        );
    });
}

#[test]
fn a_subject_is_identified_by_its_digest_alone() {
    let subject = image("subject", "").descriptor().clone();
    let mistaken = Descriptor::new(MediaType::OCTET_STREAM, subject.digest.clone(), 1);
    let signature = attached("signature", "sig/a", &mistaken);
    everywhere_with(&[signature], |name, store| {
        assert_eq!(names(store, &subject), ["signature"], "{name}");
        assert_eq!(names(store, &mistaken), ["signature"], "{name}");
    });
}

#[test]
fn referrers_pushed_twice_or_tagged_are_listed_once() {
    let subject = image("subject", "");
    let signature = attached("signature", "sig/a", subject.descriptor());
    every_referrers_store(|name, store| {
        for manifest in [&subject, &signature, &signature] {
            push(store, manifest);
        }
        store.tag(signature.descriptor(), "v1").unwrap();
        store
            .push_reference(signature.descriptor(), &mut signature.bytes(), "v2")
            .unwrap();

        assert_eq!(names(store, subject.descriptor()), ["signature"], "{name}");
    });
}

#[test]
fn the_visitor_can_stop_the_listing() {
    let subject = image("subject", "");
    let content: Vec<_> = (0..3)
        .map(|number| attached(&number.to_string(), "sig/a", subject.descriptor()))
        .collect();
    everywhere_with(&content, |name, store| {
        let mut pages = 0;
        store
            .referrers(subject.descriptor(), None, &mut |_| {
                pages += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(pages, 1, "{name}");
    });
}

#[test]
fn a_deleted_manifest_is_missing_under_all_references() {
    let (one, other) = (image("one", ""), image("other", ""));
    every_referrers_store(|name, store| {
        push(store, &one);
        push(store, &other);
        for tag in ["v1", "v2"] {
            store.tag(one.descriptor(), tag).unwrap();
        }
        store.tag(other.descriptor(), "v3").unwrap();

        store.delete(one.descriptor()).unwrap();

        assert!(!exists_in(store, &one), "{name}");
        for reference in ["v1", "v2", one.descriptor().digest.as_str()] {
            let error = store.resolve(reference).unwrap_err();
            assert!(error.is_not_found(), "{name}: {error:?}");
        }
        assert_eq!(
            store.resolve("v3").unwrap().plain(),
            *other.descriptor(),
            "{name}"
        );
        assert!(store.exists(&config()).unwrap(), "{name}: still in use");
    });
}

#[test]
fn a_deleted_blob_is_missing() {
    every_referrers_store(|name, store| {
        store.push(&hello(), &mut &b"hello"[..]).unwrap();
        store.push(&blob(b"other"), &mut &b"other"[..]).unwrap();

        store.delete(&hello()).unwrap();

        assert!(!store.exists(&hello()).unwrap(), "{name}");
        assert!(store.exists(&blob(b"other")).unwrap(), "{name}");
        // It can be pushed again.
        store.push(&hello(), &mut &b"hello"[..]).unwrap();
        assert!(store.exists(&hello()).unwrap(), "{name}");
    });
}

#[test]
fn deleting_missing_content_is_an_error() {
    every_referrers_store(|name, store| {
        push(store, &image("one", ""));
        for target in [image("other", "").descriptor(), &hello()] {
            let error = store.delete(target).unwrap_err();
            assert!(error.is_not_found(), "{name}: {error:?}");
        }
    });
}

#[test]
fn deleting_a_referrer_keeps_its_subject() {
    let subject = image("subject", "");
    let [one, other] = ["one", "other"].map(|it| attached(it, "sig/a", subject.descriptor()));
    let further = attached("further", "sig/a", other.descriptor());
    every_referrers_store(|name, store| {
        for manifest in [&subject, &one, &other, &further] {
            push(store, manifest);
        }

        store.delete(one.descriptor()).unwrap();

        assert_eq!(names(store, subject.descriptor()), ["other"], "{name}");
        assert!(exists_in(store, &subject), "{name}");
        assert!(exists_in(store, &other), "{name}");
        assert_eq!(names(store, other.descriptor()), ["further"], "{name}");

        store.delete(further.descriptor()).unwrap();
        store.delete(other.descriptor()).unwrap();

        assert!(names(store, subject.descriptor()).is_empty(), "{name}");
        assert!(exists_in(store, &subject), "{name}");
        // It can be attached again.
        push(store, &one);
        assert_eq!(names(store, subject.descriptor()), ["one"], "{name}");
    });
}

#[test]
fn untagged_content_is_kept() {
    let one = image("one", "");
    every_referrers_store(|name, store| {
        push(store, &one);
        for tag in ["v1", "v2"] {
            store.tag(one.descriptor(), tag).unwrap();
        }

        store.untag("v1").unwrap();

        assert!(store.resolve("v1").unwrap_err().is_not_found(), "{name}");
        assert_eq!(
            store.resolve("v2").unwrap().plain(),
            *one.descriptor(),
            "{name}"
        );
        store.untag("v2").unwrap();
        assert!(exists_in(store, &one), "{name}");
        let error = store.untag("v2").unwrap_err();
        assert!(error.is_not_found(), "{name}: {error:?}");
        let digest = one.descriptor().digest.as_str();
        let error = store.untag(digest).unwrap_err();
        assert!(
            matches!(error, Error::InvalidReference { .. }),
            "{name}: {error:?}"
        );
    });
}
