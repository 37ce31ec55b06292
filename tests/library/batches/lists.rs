//! Batches of a registry without the referrers API: the number of times that referrers indexes are
//! written.

use std::ops::ControlFlow;

use oras::Descriptor;
use oras::copy::{CopyOptions, copy_graph, copy_with_referrers};
use oras::internal::referrers_tag;
use oras::progress::Event;
use oras::registry::Repository;
use oras::store::memory::MemoryStore;
use oras::store::{Batch, Delete, IndexedTarget, Referrers, Source, Target};
use oras::{Error, MediaType, RawManifest};

use super::{index, store};
use crate::artifacts::{as_json, attached, image, push};
use crate::observers::{collecting, stopping};
use crate::setup::{builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{RegistryProfile, TestRegistry, on};

fn without_api() -> TestRegistry {
    TestRegistry::start_as(RegistryProfile::distribution())
}

fn subject() -> RawManifest {
    image("subject", "")
}

/// A referrer of the subject.
fn signature(number: usize) -> RawManifest {
    attached(&number.to_string(), "sig/a", subject().descriptor())
}

/// A store with the subject as `v1`, and this number of signatures.
fn signed(signatures: usize) -> MemoryStore {
    let signatures: Vec<_> = (0..signatures).map(signature).collect();
    let source = store([&subject()].into_iter().chain(&signatures));
    source.tag(subject().descriptor(), "v1").unwrap();
    source
}

fn copy_all(source: &MemoryStore, target: &dyn Target) -> Result<Descriptor, Error> {
    let options = &mut CopyOptions::default();
    copy_with_referrers(source, "v1", target, Some("v1"), options)
}

/// The digests of the referrers, sorted.
fn listed(store: &dyn Referrers, subject: &RawManifest) -> Vec<String> {
    let mut all = Vec::new();
    let visit = &mut |page: &[Descriptor]| {
        all.extend(page.iter().map(|found| found.digest.to_string()));
        ControlFlow::Continue(())
    };
    store.referrers(subject.descriptor(), None, visit).unwrap();
    all.sort();
    all
}

fn signatures(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    let digest = |number| signature(number).descriptor().digest.to_string();
    let mut all: Vec<_> = numbers.into_iter().map(digest).collect();
    all.sort();
    all
}

/// The methods of the requests for the referrers tag of a manifest.
fn referrers_tag_requests(registry: &TestRegistry, subject: &RawManifest) -> String {
    let tag = referrers_tag(&subject.descriptor().digest);
    let lines = registry.log();
    let about = lines.iter().filter(|line| line.contains(&tag));
    let methods: Vec<_> = about.filter_map(|line| line.split(' ').next()).collect();
    methods.join(" ")
}

/// Whether the subject has a referrers tag.
fn has_referrers_tag(registry: &TestRegistry) -> bool {
    let tag = referrers_tag(&subject().descriptor().digest);
    registry.tags("a").contains(&tag)
}

fn repository(client: &oras::registry::Client, registry: &TestRegistry) -> Repository {
    client.repository(&registry.reference("a")).unwrap()
}

#[test]
fn a_copy_of_many_referrers_writes_their_index_once() {
    let requests = [10, 20].map(|count| {
        let registry = without_api();
        let clock = FakeClock::new();
        let client = builder().clock(clock.clone()).build();

        copy_all(&signed(count), &repository(&client, &registry)).unwrap();

        assert_eq!(referrers_tag_requests(&registry, &subject()), "GET PUT GET");
        assert_eq!(clock.waits().len(), 1);
        let found = listed(&repository(&client, &registry), &subject());
        assert_eq!(found, signatures(0..count));
        registry.log().len()
    });

    // One existence check and one manifest for each further referrer.
    assert_eq!(requests[1] - requests[0], 2 * 10);
}

#[test]
fn updates_of_many_subjects_share_one_wait() {
    let (root, parts) = index(10);
    let of_parts: Vec<_> = (parts.iter())
        .map(|part| attached("signature", "sig/a", part.descriptor()))
        .collect();
    let source = store(parts.iter().chain([&root]).chain(&of_parts));
    source.tag(root.descriptor(), "v1").unwrap();
    let registry = without_api();
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();

    copy_all(&source, &repository(&client, &registry)).unwrap();

    assert_eq!(clock.waits().len(), 1);
    for (part, signature) in parts.iter().zip(&of_parts) {
        assert_eq!(referrers_tag_requests(&registry, part), "GET PUT GET");
        let found = listed(&repository(&client, &registry), part);
        assert_eq!(found, [signature.descriptor().digest.as_str()]);
    }
}

#[test]
fn the_tag_is_pushed_after_the_referrers_indexes() {
    let registry = without_api();
    let client = client();

    copy_all(&signed(3), &repository(&client, &registry)).unwrap();

    let log = registry.log();
    let last = log.last().unwrap();
    assert!(last.starts_with("PUT /v2/a/manifests/v1 "), "{log:#?}");
    let list = referrers_tag(&subject().descriptor().digest);
    assert!(log[log.len() - 2].contains(&list), "{log:#?}");
}

#[test]
fn a_listed_manifest_needs_one_read() {
    let registry = without_api();
    let client = client();
    copy_all(&signed(10), &repository(&client, &registry)).unwrap();
    registry.clear_log();

    copy_all(&signed(10), &repository(&client, &registry)).unwrap();

    assert_eq!(referrers_tag_requests(&registry, &subject()), "GET");
}

#[test]
fn manifests_left_unlisted_by_a_killed_copy_are_listed_by_the_next() {
    let registry = without_api();
    let client = client();
    let killed = repository(&client, &registry);
    killed.start_batch();
    push(&killed, &subject());
    (0..5).for_each(|number| push(&killed, &signature(number)));
    drop(killed);
    assert!(!has_referrers_tag(&registry));

    let one = signature(3);
    let source = signed(8);
    let target = repository(&client, &registry);
    copy_graph(
        &source,
        &target,
        one.descriptor(),
        None,
        &mut CopyOptions::default(),
    )
    .unwrap();
    assert_eq!(listed(&target, &subject()), signatures([3]));

    registry.clear_log();
    copy_all(&source, &repository(&client, &registry)).unwrap();
    assert_eq!(listed(&target, &subject()), signatures(0..8));
    assert_eq!(
        referrers_tag_requests(&registry, &subject()),
        "GET PUT GET GET"
    );
}

#[test]
fn a_copy_that_fails_lists_what_was_completed() {
    let registry = without_api();
    let client = client();
    let target = repository(&client, &registry);
    let mut copied = 0;
    let observer = stopping(move |event| match event {
        Event::Transferred(node) if node.media_type == MediaType::IMAGE_MANIFEST => {
            copied += 1;
            // The subject and three signatures.
            copied == 4
        }
        _ => false,
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });

    copy_with_referrers(&signed(8), "v1", &target, Some("v1"), &mut options).unwrap_err();

    assert_eq!(listed(&target, &subject()).len(), 3);
    assert!(!registry.tags("a").contains(&"v1".to_owned()));
    assert_eq!(
        referrers_tag_requests(&registry, &subject()),
        "GET PUT GET GET"
    );
}

#[test]
fn an_index_that_cannot_be_written_fails_the_copy_before_the_tag() {
    let list = referrers_tag(&subject().descriptor().digest);
    let unknown = serde_json::json!({ "errors": [{
        "code": "MANIFEST_BLOB_UNKNOWN",
        "detail": subject().descriptor().digest,
    }] });
    let refused = without_api().with(
        on("PUT", &format!("*{list}"))
            .status(400)
            .body(unknown.to_string()),
    );
    let taken = without_api().with(on("GET", "*").ignoring("Accept"));
    let other = image("other", "");
    let media_type = other.descriptor().media_type.as_str();
    taken.seed_manifest("a", media_type, other.bytes(), Some(&list));

    for registry in [refused, taken] {
        let client = client();

        let error = copy_all(&signed(3), &repository(&client, &registry)).unwrap_err();

        let wanted = format!(
            "failed to list 3 manifests as referrers of {}: ",
            subject().descriptor().digest
        );
        assert!(text(&error).contains(&wanted), "{}", text(&error));
        assert!(!registry.tags("a").contains(&"v1".to_owned()));
    }
}

#[test]
fn reads_during_a_batch_see_deferred_changes() {
    let registry = without_api();
    let client = client();
    let target = repository(&client, &registry);

    let batch = Batch::start(&target);
    push(&target, &subject());
    (0..3).for_each(|number| push(&target, &signature(number)));
    assert!(!has_referrers_tag(&registry));
    assert_eq!(listed(&target, &subject()), signatures(0..3));
    push(&target, &signature(3));
    target.delete(signature(3).descriptor()).unwrap();
    push(&target, &signature(4));
    target.sync().unwrap();
    let other = repository(&client, &registry);
    assert_eq!(listed(&other, &subject()), signatures([0, 1, 2, 4]));
    push(&target, &signature(5));
    batch.finish().unwrap();

    assert_eq!(listed(&other, &subject()), signatures([0, 1, 2, 4, 5]));
    assert!(!target.exists(signature(3).descriptor()).unwrap());
    // Updates after the batch are written at once.
    push(&target, &signature(6));
    assert_eq!(listed(&other, &subject()), signatures([0, 1, 2, 4, 5, 6]));
}

#[test]
fn manifests_of_a_manifest_store_are_listed_at_the_end() {
    let registry = without_api();
    let client = client();
    push(&repository(&client, &registry), &subject());
    push(
        &repository(&client, &registry),
        &image("for the config", ""),
    );
    let manifests = repository(&client, &registry).into_manifests();

    let batch = Batch::start(&manifests);
    for number in 0..3 {
        let signature = signature(number);
        let mut bytes = signature.bytes();
        manifests.push(signature.descriptor(), &mut bytes).unwrap();
    }
    assert!(!has_referrers_tag(&registry));
    batch.finish().unwrap();

    assert_eq!(referrers_tag_requests(&registry, &subject()), "GET PUT GET");
    let found = listed(&repository(&client, &registry), &subject());
    assert_eq!(found, signatures(0..3));
}

#[test]
fn a_registry_with_the_api_needs_no_tag_update() {
    let registry = TestRegistry::start();
    let client = client();

    copy_all(&signed(3), &repository(&client, &registry)).unwrap();

    assert_eq!(referrers_tag_requests(&registry, &subject()), "");
    let found = listed(&repository(&client, &registry), &subject());
    assert_eq!(found, signatures(0..3));
}

/// The signatures are entries of the index, and referrers are not copied. If the copy is killed,
/// the next one finds that they exist and does not read them.
#[test]
fn referrers_inside_an_index_are_listed_before_the_copy_continues() {
    let signed = [&subject(), &signature(0), &signature(1), &image("last", "")].map(Clone::clone);
    let entries: Vec<_> = (signed.iter())
        .map(|part| as_json(part.descriptor()))
        .collect();
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        entries.join(",")
    );
    let root = RawManifest::new(MediaType::IMAGE_INDEX, text.into_bytes());
    let source = store(signed.iter().chain([&root]));
    let registry = without_api();
    let client = client();
    let target = repository(&client, &registry);
    let (other, reference) = (crate::setup::client(), registry.reference("a"));
    let (observer, found) = collecting(move |event| match event {
        Event::FetchingManifest(_) => {
            let other = other.repository(&reference).unwrap();
            Some(listed(&other, &subject()))
        }
        _ => None,
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        ..CopyOptions::default()
    });

    copy_graph(
        &source,
        &target,
        root.descriptor(),
        Some("v1"),
        &mut options,
    )
    .unwrap();

    let so_far = |count| signatures(0..count);
    // The root, the subject, each signature, and the last.
    assert_eq!(
        found.take(),
        [so_far(0), so_far(0), so_far(0), so_far(1), so_far(2)]
    );
}
