//! Deleting from registries: what is asked, and what becomes of lists that named it.

use oras::registry::ReferrersMode;
use oras::store::Delete;
use oras::{Error, MediaType};

use super::{
    INDEX_TYPE, digests, list, listed_at_tag, log, signature, subject, tag, with_subject,
    without_api,
};
use crate::artifacts::{config, image, push};
use crate::setup::{client, hello, text};
use crate::support::registry::{Bearer, RegistryProfile, TestRegistry, on};

/// A registry with `one` and `two` attached to the subject, and the list of both where clients keep
/// it.
fn with_list() -> TestRegistry {
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    for name in ["one", "two"] {
        push(&repository, &signature(name));
    }
    registry.clear_log();
    registry
}

#[test]
fn a_blob_and_a_tag_are_deleted_by_one_request() {
    let registry = with_subject(RegistryProfile::default());
    registry.seed_manifest("a", INDEX_TYPE, b"{}", Some("v1"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(&config()).unwrap();
    repository.untag("v1").unwrap();

    assert_eq!(
        log(&registry, &[]),
        [
            format!("DELETE blobs/{}", config().digest),
            "DELETE manifests/v1".to_owned()
        ]
    );
}

#[test]
fn a_manifest_is_read_before_it_is_deleted_because_it_may_be_listed() {
    let registry = without_api();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(subject().descriptor()).unwrap();

    assert_eq!(
        log(&registry, &[]),
        ["GET manifests/<subject>", "DELETE manifests/<subject>"]
    );
}

#[test]
fn a_registry_with_the_api_gets_only_the_delete_request() {
    for mode in [ReferrersMode::Learned, ReferrersMode::Api] {
        let registry = with_subject(RegistryProfile::default());
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        let repository = repository.with_referrers_mode(mode);
        let one = signature("one");
        push(&repository, &one);
        registry.clear_log();

        repository.delete(one.descriptor()).unwrap();

        assert_eq!(log(&registry, &[&one]), ["DELETE manifests/<one>"]);
        assert!(list(&repository).unwrap().is_empty());
    }
}

#[test]
fn a_manifest_is_removed_from_the_referrers_index_before_it_is_deleted() {
    let registry = with_list();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let [one, two] = ["one", "two"].map(signature);

    repository.delete(one.descriptor()).unwrap();

    assert_eq!(
        log(&registry, &[&one]),
        [
            "GET manifests/<one>",
            "GET manifests/<list>",
            "PUT manifests/<list>",
            "DELETE manifests/<one>",
            "GET manifests/<list>"
        ]
    );
    assert_eq!(listed_at_tag(&registry), digests(&[&two]));
}

#[test]
fn the_last_referrer_leaves_an_empty_index() {
    let registry = with_list();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    for name in ["one", "two"] {
        repository.delete(signature(name).descriptor()).unwrap();
    }

    assert_eq!(
        registry.manifest("a", &tag()).unwrap(),
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
    );
}

#[test]
fn deleting_an_unlisted_manifest_writes_no_index() {
    let registry = without_api();
    let one = signature("one");
    registry.seed_manifest("a", one.descriptor().media_type.as_str(), one.bytes(), None);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(one.descriptor()).unwrap();

    assert_eq!(
        log(&registry, &[&one]),
        [
            "GET manifests/<one>",
            "GET manifests/<list>",
            "DELETE manifests/<one>"
        ]
    );
}

#[test]
fn a_referrers_tag_with_other_content_is_not_changed() {
    let registry = without_api().with(on("GET", "*").ignoring("Accept"));
    let [one, other] = ["one", "other"].map(signature);
    for (manifest, tag) in [(&one, None), (&other, Some(tag()))] {
        let media_type = manifest.descriptor().media_type.as_str();
        registry.seed_manifest("a", media_type, manifest.bytes(), tag.as_deref());
    }
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(one.descriptor()).unwrap();

    assert_eq!(registry.manifest("a", &tag()).unwrap(), other.bytes());
}

#[test]
fn a_manifest_is_kept_if_its_entry_cannot_be_removed() {
    let registry = with_list().with(on("PUT", "*").error(403, "DENIED", "read only"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let one = signature("one");

    let error = repository.delete(one.descriptor()).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "failed to unlist {} as a referrer of {}: PUT \"{}/v2/a/manifests/{}\": response status code 403: denied: read only",
            one.descriptor().digest,
            subject().descriptor().digest,
            registry.url(),
            tag()
        )
    );
    assert!(error.is_unauthorized());
    assert_eq!(
        registry
            .manifest("a", one.descriptor().digest.as_str())
            .unwrap(),
        one.bytes()
    );
}

#[test]
fn referrers_of_a_deleted_subject_stay() {
    let registry = with_list();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(subject().descriptor()).unwrap();

    assert_eq!(
        list(&repository).unwrap(),
        digests(&[&signature("one"), &signature("two")])
    );
}

#[test]
fn a_refused_deletion_has_the_message_of_the_registry() {
    for (fault, wanted) in [
        (
            on("DELETE", "*").error(405, "UNSUPPORTED", "The operation is unsupported."),
            "405: unsupported: The operation is unsupported.",
        ),
        (on("DELETE", "*").status(405), "405: Method Not Allowed"),
        (
            on("DELETE", "*").error(400, "GOOGLE_MANIFEST_DANGLING_TAG", "tagged"),
            "400: google manifest dangling tag: tagged",
        ),
        (
            on("DELETE", "*").error(405, "DENIED", "referenced by an index"),
            "405: denied: referenced by an index",
        ),
        (on("DELETE", "*").status(409), "409: Conflict"),
    ] {
        let registry = with_subject(RegistryProfile::default()).with(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        for target in [subject().descriptor(), &config()] {
            let error = repository.delete(target).unwrap_err();

            assert!(matches!(error, Error::Refused(_)), "{error:?}");
            assert!(text(&error).ends_with(wanted), "{}", text(&error));
            assert!(text(&error).starts_with("DELETE \"http://"));
        }
    }
}

/// Deleting by digest instead would remove every other tag with it.
#[test]
fn a_refused_tag_deletion_sends_no_further_request() {
    let registry = with_subject(RegistryProfile {
        tag_deletion: false,
        ..RegistryProfile::default()
    });
    registry.seed_manifest("a", INDEX_TYPE, b"{}", Some("v1"));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.untag("v1").unwrap_err();

    assert!(
        text(&error).ends_with("405: unsupported: the operation is unsupported"),
        "{}",
        text(&error)
    );
    assert_eq!(log(&registry, &[]), ["DELETE manifests/v1"]);
}

#[test]
fn a_deletion_whose_response_was_lost_succeeds() {
    let registry =
        with_subject(RegistryProfile::default()).with(on("DELETE", "*").lose_response().nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(subject().descriptor()).unwrap();

    assert_eq!(
        log(&registry, &[]),
        [
            "GET manifests/<subject>",
            "DELETE manifests/<subject>",
            "DELETE manifests/<subject>"
        ]
    );
}

#[test]
fn every_2xx_is_a_deletion_unless_it_is_a_web_page() {
    // Only 200 is what a web site responds to every request. Content that is gone was deleted.
    let typed = || on("DELETE", "*").header("Content-Type", "text/html");
    let page = || on("DELETE", "*").html_page();
    for faults in [
        vec![on("DELETE", "*").status(200)],
        vec![on("DELETE", "*").status(202)],
        vec![on("DELETE", "*").status(204)],
        vec![typed()],
        vec![typed().status(202)],
        vec![typed().status(204)],
        vec![page(), on("HEAD", "*").status(404)],
    ] {
        let registry = with_subject(RegistryProfile::default());
        let registry = faults.into_iter().fold(registry, TestRegistry::with);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        repository.delete(&config()).unwrap();
    }
    let registry = with_subject(RegistryProfile::default()).with(page());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.delete(&config()).unwrap_err();

    assert!(
        text(&error).ends_with("the answer is a web page"),
        "{}",
        text(&error)
    );
}

#[test]
fn a_manifest_that_cannot_be_read_can_be_deleted() {
    for fault in [
        on("GET", "*").flip_byte(20),
        on("GET", "*").endless_body().chunked(),
        on("GET", "*").body("not JSON").no_digest_header(),
    ] {
        let registry = without_api().with(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        repository.delete(subject().descriptor()).unwrap();

        assert!(registry.manifests("a").is_empty());
    }
}

#[test]
fn a_type_without_a_subject_is_not_read_before_deletion() {
    let registry = without_api();
    let docker = image("docker", "");
    let digest = registry.seed_manifest(
        "a",
        MediaType::DOCKER_MANIFEST.as_str(),
        docker.bytes(),
        None,
    );
    let target = oras::Descriptor::new(
        MediaType::DOCKER_MANIFEST,
        digest.parse().unwrap(),
        docker.descriptor().size,
    );
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.delete(&target).unwrap();

    assert_eq!(log(&registry, &[&docker]), ["DELETE manifests/<docker>"]);
}

#[test]
fn deletion_requests_a_token_with_delete_access() {
    let registry = with_subject(RegistryProfile::default())
        .with_tokens(Bearer::new().anonymous(&["repository:*:pull,delete"]));
    registry.seed_blob("a", b"hello");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let repository = repository.with_delete_scope();

    repository.delete(subject().descriptor()).unwrap();
    repository.delete(&hello()).unwrap();

    let lines = registry.log();
    let tokens: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("scope="))
        .collect();
    assert_eq!(tokens.len(), 1, "{lines:?}");
    assert!(
        tokens[0].contains("scope=repository:a:delete%2Cpull")
            || tokens[0].contains("scope=repository:a:delete,pull"),
        "{tokens:?}"
    );
}
