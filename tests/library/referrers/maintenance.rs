//! Keeping the list of referrers for a registry that does not: what is written, and that nothing is
//! lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oras::http::{Method, Request, Response, Transport, TransportError, UreqTransport};
use oras::registry::ReferrersMode;
use oras::store::{Batch, Delete, Target};
use oras::{MediaType, RawManifest};

use super::{
    INDEX_TYPE, digests, list, listed_at_tag, log, seed_list, signature, subject, tag,
    with_subject, without_api,
};
use crate::artifacts::push;
use crate::setup::{ABSENT, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, RegistryProfile, TestRegistry, on, sha256};

#[test]
fn a_registry_with_the_api_needs_no_tag_update() {
    let registry = with_subject(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    repository.push(one.descriptor(), &mut one.bytes()).unwrap();

    assert_eq!(log(&registry, &[&one]), ["PUT manifests/<one>"]);
    assert_eq!(registry.tags("a"), [""; 0]);
}

#[test]
fn a_manifest_without_a_subject_needs_no_tag_update() {
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = crate::artifacts::image("one", "");

    repository.push(one.descriptor(), &mut one.bytes()).unwrap();

    assert_eq!(log(&registry, &[&one]), ["PUT manifests/<one>"]);
}

/// The examples G5a and G11 of the original.
#[test]
fn a_referrers_index_is_the_one_oras_writes() {
    let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"sig/example","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},"layers":[{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:0c7892b25f47b6c5109a00befdcd3b5616ed397d9677180e3f2e20b7cb92b5a9","size":581},"annotations":{"org.opencontainers.image.created":"2000-01-01T00:00:00Z"}}"#;
    let manifest = RawManifest::new(MediaType::IMAGE_MANIFEST, manifest.to_vec());
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let tag = "sha256-0c7892b25f47b6c5109a00befdcd3b5616ed397d9677180e3f2e20b7cb92b5a9";

    push(&repository, &manifest);

    assert_eq!(
        sha256(&registry.manifest("a", tag).unwrap()),
        "sha256:e0202bb3b437241ab0286689b595967347d48d820f070a44e31f756e8515adfd"
    );
    assert_eq!(registry.media_type("a", tag).unwrap(), INDEX_TYPE);

    repository.delete(manifest.descriptor()).unwrap();

    assert_eq!(
        sha256(&registry.manifest("a", tag).unwrap()),
        "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"
    );
}

#[test]
fn a_referrers_index_is_read_again_after_the_write() {
    let registry = without_api();
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    repository.push(one.descriptor(), &mut one.bytes()).unwrap();

    assert_eq!(
        log(&registry, &[&one]),
        [
            "PUT manifests/<one>",
            "GET manifests/<list>",
            "PUT manifests/<list>",
            "GET manifests/<list>"
        ]
    );
    let [wait] = clock.waits()[..] else {
        panic!("{:?}", clock.waits());
    };
    assert!((10..20).contains(&wait.as_millis()), "{wait:?}");
    assert_eq!(listed_at_tag(&registry), digests(&[&one]));
}

#[test]
fn a_listed_manifest_is_not_listed_again() {
    let registry = without_api();
    seed_list(&registry, &[&signature("one")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    repository.push(one.descriptor(), &mut one.bytes()).unwrap();

    assert_eq!(
        log(&registry, &[&one]),
        ["PUT manifests/<one>", "GET manifests/<list>"]
    );
}

#[test]
fn entries_of_other_clients_stay() {
    let registry = without_api();
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX_TYPE}","manifests":[{{"mediaType":"{}","digest":"{}","size":{},"x":1.50}}],"annotations":{{"k":"v"}},"y":[ ]}}"#,
        subject().descriptor().media_type,
        subject().descriptor().digest,
        subject().descriptor().size
    );
    registry.seed_manifest("a", INDEX_TYPE, list.as_bytes(), Some(&tag()));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    push(&repository, &signature("one"));

    let after = String::from_utf8(registry.manifest("a", &tag()).unwrap()).unwrap();
    let (before_entry, after_entry) = list.split_once("1.50}").unwrap();
    assert!(
        after.starts_with(&format!("{before_entry}1.50}},{{")),
        "{after}"
    );
    assert!(after.ends_with(after_entry), "{after}");
}

#[test]
fn a_replaced_index_is_not_deleted() {
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    for name in ["one", "two"] {
        push(&repository, &signature(name));
    }

    let lines = registry.log();

    assert!(
        !lines.iter().any(|line| line.starts_with("DELETE")),
        "{lines:?}"
    );
    let subject_and_two_signatures_and_two_lists = 5;
    assert_eq!(
        registry.manifests("a").len(),
        subject_and_two_signatures_and_two_lists
    );
}

/// `oras tag` never touches the list.
#[test]
fn tagging_changes_no_referrers_index() {
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");
    registry.seed_manifest("a", one.descriptor().media_type.as_str(), one.bytes(), None);

    push(&repository, &subject());
    registry.clear_log();
    repository.tag(one.descriptor(), "v1").unwrap();

    assert_eq!(
        log(&registry, &[&one]),
        ["GET manifests/<one>", "PUT manifests/v1"]
    );
}

#[test]
fn a_manifest_pushed_by_tag_is_listed() {
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    repository
        .push_reference(one.descriptor(), &mut one.bytes(), "v1")
        .unwrap();

    assert_eq!(listed_at_tag(&registry), digests(&[&one]));
}

#[test]
fn an_oci_subject_of_another_manifest_is_ignored() {
    for header in [ABSENT, "nonsense", ""] {
        let registry = without_api().with(on("PUT", "*").header("OCI-Subject", header));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        push(&repository, &signature("one"));

        assert_eq!(
            listed_at_tag(&registry),
            digests(&[&signature("one")]),
            "{header}"
        );
    }
}

#[test]
fn a_registry_known_to_have_the_api_needs_no_index() {
    let registry = with_subject(RegistryProfile::ggcr());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    assert!(list(&repository).unwrap().is_empty());

    push(&repository, &signature("one"));

    assert_eq!(registry.tags("a"), [""; 0]);
    assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));
}

/// As ECR once did.
#[test]
fn a_registry_known_to_lack_the_api_needs_an_index_despite_oci_subject() {
    let registry = with_subject(RegistryProfile {
        referrers_api: false,
        ..RegistryProfile::default()
    });
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    assert!(list(&repository).unwrap().is_empty());

    push(&repository, &signature("one"));

    assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));
}

#[test]
fn the_referrers_mode_can_be_set() {
    for (mode, personality, wanted) in [
        (ReferrersMode::Tag, RegistryProfile::default(), &[tag()][..]),
        (ReferrersMode::Api, RegistryProfile::distribution(), &[]),
    ] {
        let registry = with_subject(personality);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        push(&repository.with_referrers_mode(mode), &signature("one"));

        assert_eq!(registry.tags("a"), wanted, "{mode:?}");
    }
}

#[test]
fn a_referrers_tag_with_other_content_is_an_error_and_stays() {
    let other = signature("other");
    for (media_type, bytes, wanted) in [
        (
            "application/vnd.oci.image.manifest.v1+json",
            other.bytes(),
            "it is a \"application/vnd.oci.image.manifest.v1+json\"",
        ),
        (
            INDEX_TYPE,
            br#"{"schemaVersion":2,"manifests":[],"subject":{}}"#,
            "it has a subject of its own",
        ),
    ] {
        let registry = without_api().with(on("GET", "*").ignoring("Accept"));
        registry.seed_manifest("a", media_type, bytes, Some(&tag()));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        let one = signature("one");

        let error = repository
            .push(one.descriptor(), &mut one.bytes())
            .unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "failed to list {} as a referrer of {}: {}: it cannot hold the list of referrers, {wanted}",
                one.descriptor().digest,
                subject().descriptor().digest,
                registry.reference(&format!("a:{}", tag()))
            )
        );
        assert_eq!(registry.manifest("a", &tag()).unwrap(), bytes);
    }
}

/// As GitLab does, which takes the tag for a digest.
#[test]
fn the_subject_under_its_referrers_tag_is_replaced_by_an_index() {
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let registry = without_api();
    let digest = registry.seed_manifest("a", INDEX_TYPE, index, None);
    let tag = digest.replace(':', "-");
    registry.seed_manifest("a", INDEX_TYPE, index, Some(&tag));
    let itself = RawManifest::new(MediaType::IMAGE_INDEX, index.to_vec());
    let one = crate::artifacts::attached("one", "sig/a", itself.descriptor());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    push(&repository, &one);

    let list: serde_json::Value =
        serde_json::from_slice(&registry.manifest("a", &tag).unwrap()).unwrap();
    assert_eq!(
        list["manifests"][0]["digest"],
        one.descriptor().digest.as_str()
    );
    assert_eq!(list["manifests"].as_array().unwrap().len(), 1);
}

#[test]
fn an_index_above_the_limit_is_not_written() {
    let registry = without_api();
    let names: Vec<_> = (0..5)
        .map(|number| signature(&number.to_string()))
        .collect();
    seed_list(&registry, &names.iter().collect::<Vec<_>>());
    let size = registry.manifest("a", &tag()).unwrap().len() as u64;
    let client = builder().max_manifest_bytes(size).build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    let error = repository
        .push(one.descriptor(), &mut one.bytes())
        .unwrap_err();

    assert!(
        text(&error).ends_with(&format!(
            "list of referrers of {} size {} exceeds MaxMetadataBytes {size}: size exceeds limit",
            subject().descriptor().digest,
            super::list_of(&names.iter().chain([&one]).collect::<Vec<_>>()).len()
        )),
        "{}",
        text(&error)
    );
    assert_eq!(listed_at_tag(&registry).len(), 5);
}

/// Has another client write a list of these manifests, and of nothing else that may be listed by
/// then.
fn overwrite(registry: &TestRegistry, manifests: &[&RawManifest]) {
    for manifest in manifests {
        let media_type = manifest.descriptor().media_type.as_str();
        registry.seed_manifest("a", media_type, manifest.bytes(), None);
    }
    seed_list(registry, manifests);
}

/// A transport that does something just after the list was written for the first time.
struct AfterWriting {
    inner: UreqTransport,
    done: AtomicBool,
    meddle: Box<dyn Fn() + Send + Sync>,
}

impl Transport for AfterWriting {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let is_list = request.method == Method::Put && request.url.path().ends_with(&tag());
        let response = self.inner.send(request);
        if is_list && !self.done.swap(true, Ordering::Relaxed) {
            (self.meddle)();
        }
        response
    }
}

/// Pushes a manifest, and has something happen just after our list was written.
fn push_and_then(
    registry: &Arc<TestRegistry>,
    manifest: &RawManifest,
    meddle: impl Fn(&TestRegistry) + Send + Sync + 'static,
) {
    push_all_and_then(registry, &[manifest], meddle);
}

/// As [`push_and_then`], for manifests that are pushed together.
fn push_all_and_then(
    registry: &Arc<TestRegistry>,
    manifests: &[&RawManifest],
    meddle: impl Fn(&TestRegistry) + Send + Sync + 'static,
) {
    let shared = Arc::clone(registry);
    let client = builder()
        .transport(AfterWriting {
            inner: UreqTransport::new(),
            done: AtomicBool::new(false),
            meddle: Box::new(move || meddle(&shared)),
        })
        .build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let batch = Batch::start(&repository);
    for manifest in manifests {
        push(&repository, manifest);
    }
    batch.finish().unwrap();
}

/// The other client read the list before ours was written, and writes its own after that.
#[test]
fn an_overwritten_entry_is_written_again() {
    let registry = Arc::new(without_api());
    let [one, two] = ["one", "two"].map(signature);

    push_and_then(&registry, &one, |registry| {
        overwrite(registry, &[&signature("two")]);
    });

    assert_eq!(listed_at_tag(&registry), digests(&[&two, &one]));
}

#[test]
fn overwritten_entries_are_written_again_together() {
    let registry = Arc::new(without_api());
    let [one, two, three] = ["one", "two", "three"].map(signature);

    push_all_and_then(&registry, &[&one, &two], |registry| {
        overwrite(registry, &[&signature("three")]);
    });

    assert_eq!(listed_at_tag(&registry), digests(&[&three, &one, &two]));
}

#[test]
fn known_entries_of_other_clients_are_restored() {
    let registry = Arc::new(without_api());
    let [one, two, three] = ["one", "two", "three"].map(signature);
    overwrite(&registry, &[&one]);

    push_and_then(&registry, &two, |registry| {
        overwrite(registry, &[&signature("three")]);
    });

    assert_eq!(listed_at_tag(&registry), digests(&[&three, &two, &one]));
}

#[test]
fn entries_of_deleted_manifests_are_not_restored() {
    let registry = Arc::new(with_subject(RegistryProfile {
        verifies_references: false,
        ..RegistryProfile::distribution()
    }));
    let [one, two, three] = ["one", "two", "three"].map(signature);
    seed_list(&registry, &[&one]);

    // Its manifest is nowhere.
    push_and_then(&registry, &two, |registry| {
        overwrite(registry, &[&signature("three")]);
    });

    assert_eq!(listed_at_tag(&registry), digests(&[&three, &two]));
}

/// A client that does not know referrers tags may delete a manifest without updating the index.
#[test]
fn missing_manifests_stay_listed_unless_the_registry_refuses_the_index() {
    let [one, two] = ["one", "two"].map(signature);
    for (verifies_references, wanted) in [(false, digests(&[&one, &two])), (true, digests(&[&two]))]
    {
        let registry = with_subject(RegistryProfile {
            verifies_references,
            ..RegistryProfile::distribution()
        });
        seed_list(&registry, &[&one]);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        push(&repository, &two);

        assert_eq!(listed_at_tag(&registry), wanted);
    }
}

#[test]
fn existing_manifests_stay_listed_although_the_registry_reports_them_unknown() {
    let registry = without_api();
    let [one, two] = ["one", "two"].map(signature);
    overwrite(&registry, &[&one]);
    let unknown = serde_json::json!({ "errors": [{
        "code": "MANIFEST_BLOB_UNKNOWN",
        "detail": one.descriptor().digest,
    }] });
    let registry = registry.with(
        on("PUT", &format!("*{}", tag()))
            .status(400)
            .body(unknown.to_string()),
    );
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository
        .push(two.descriptor(), &mut two.bytes())
        .unwrap_err();

    assert!(
        text(&error).ends_with("400: manifest blob unknown"),
        "{}",
        text(&error)
    );
    assert_eq!(listed_at_tag(&registry), digests(&[&one]));
}

#[test]
fn a_concurrently_deleted_index_is_written_again() {
    let registry = Arc::new(without_api());
    let one = signature("one");

    push_and_then(&registry, &one, |registry| {
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        repository.untag(&tag()).unwrap();
    });

    assert_eq!(listed_at_tag(&registry), digests(&[&one]));
}

#[test]
fn an_index_that_is_always_overwritten_is_an_error() {
    let registry = without_api();
    seed_list(&registry, &[&signature("other")]);
    let forgetful = registry.with(on("PUT", &format!("*{}", tag())).status(201));
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    let repository = client.repository(&forgetful.reference("a")).unwrap();
    let one = signature("one");

    let error = repository
        .push(one.descriptor(), &mut one.bytes())
        .unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "failed to list {} as a referrer of {}: {}: it is not what it should be after 10 updates",
            one.descriptor().digest,
            subject().descriptor().digest,
            forgetful.reference(&format!("a:{}", tag()))
        )
    );
    let waits = clock.waits();
    assert_eq!(waits.len(), 10);
    let total: Duration = waits.iter().sum();
    assert!(total < Duration::from_secs(60), "{total:?}");
}

#[test]
fn a_tag_update_requests_a_token_with_push_access() {
    let registry = without_api().with_tokens(Bearer::new().anonymous(&["repository:*:pull,push"]));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    repository
        .with_push_scope()
        .push(one.descriptor(), &mut one.bytes())
        .unwrap();

    let tokens = registry.log().into_iter();
    assert_eq!(tokens.filter(|line| line.contains("scope=")).count(), 1);
}
