//! Listing: one request where there is the API, and how it shows that there is none.

use oras::Error;
use oras::registry::ReferrersMode;

use super::{
    INDEX_TYPE, digests, list, list_of, list_of_type, log, seed_list, signature, subject, tag,
    with_subject, without_api,
};
use crate::artifacts::push;
use crate::setup::{client, text};
use crate::support::registry::{Bearer, Fault, RegistryProfile, TestRegistry, on};

#[test]
fn a_registry_with_the_api_gets_one_request() {
    let registry = with_subject(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    push(&repository, &signature("one"));
    registry.clear_log();

    assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));
    list_of_type(&repository, Some("sig/a b+c")).unwrap();

    assert_eq!(
        log(&registry, &[]),
        [
            "GET referrers/<subject>",
            "GET referrers/<subject>?artifactType=sig/a%20b%2Bc"
        ]
    );
    let asked = registry.requests();
    assert_eq!(asked[0].header("accept"), Some(INDEX_TYPE));
}

#[test]
fn a_missing_api_is_remembered() {
    let registry = without_api();
    seed_list(&registry, &[&signature("one")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    for _ in 0..2 {
        assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));
    }

    assert_eq!(
        log(&registry, &[]),
        [
            "GET referrers/<subject>",
            "GET manifests/<list>",
            "GET manifests/<list>"
        ]
    );
    let asked = registry.requests();
    assert_eq!(asked[1].header("accept"), Some(INDEX_TYPE));
}

#[test]
fn every_form_of_a_missing_api_is_recognised() {
    let elsewhere = TestRegistry::start();
    let get = || on("GET", "/v2/a/referrers/*");
    for (name, fault) in [
        ("400", get().status(400)),
        ("404", get().status(404)),
        ("404 of another kind", get().error(404, "NOT_FOUND", "no")),
        ("405", get().error(405, "UNSUPPORTED", "no")),
        ("406", get().status(406)),
        ("501", get().status(501)),
        ("a web page", get().html_page()),
        (
            "another type",
            get().header("Content-Type", "application/json"),
        ),
        ("no type", get().without_header("Content-Type")),
        (
            "its web site",
            get().redirect(303, &format!("{}/packages", elsewhere.url())),
        ),
        ("a redirect to nowhere", get().status(302)),
    ] {
        let registry = with_subject(RegistryProfile::default()).with(fault);
        seed_list(&registry, &[&signature("one")]);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let found = list(&repository).unwrap();

        assert_eq!(found, digests(&[&signature("one")]), "{name}");
        assert_eq!(
            log(&registry, &[]),
            ["GET referrers/<subject>", "GET manifests/<list>"],
            "{name}"
        );
    }
    assert!(elsewhere.log().is_empty());
}

#[test]
fn other_failures_are_errors_and_not_remembered() {
    let get = || on("GET", "/v2/a/referrers/*").times(1);
    for (fault, wanted) in [
        (
            get().error(404, "NAME_UNKNOWN", "no such repository"),
            "404: name unknown: no such repository",
        ),
        (get().error(403, "DENIED", "no"), "403: denied: no"),
        (get().error(418, "X", ""), "418: x"),
    ] {
        let registry = with_subject(RegistryProfile::default()).with(fault);
        seed_list(&registry, &[&signature("one")]);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = list(&repository).unwrap_err();

        assert!(text(&error).ends_with(wanted), "{}", text(&error));
        assert!(list(&repository).unwrap().is_empty(), "the API says so");
        assert_eq!(registry.log().len(), 2);
    }
}

#[test]
fn a_missing_repository_is_not_found() {
    let registry = TestRegistry::start().with(on("GET", "*").error(
        404,
        "NAME_UNKNOWN",
        "repository name not known to registry",
    ));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = list(&repository).unwrap_err();

    assert!(error.is_not_found());
    assert!(text(&error).ends_with("name unknown: repository name not known to registry"));
}

#[test]
fn a_missing_api_is_an_error_in_api_mode() {
    let registry = without_api();
    seed_list(&registry, &[&signature("one")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let repository = repository.with_referrers_mode(ReferrersMode::Api);

    let error = list(&repository).unwrap_err();

    assert!(matches!(error, Error::Unsupported { .. }));
    assert_eq!(text(&error), "failed to query referrers API: unsupported");
    assert_eq!(log(&registry, &[]), ["GET referrers/<subject>"]);
}

#[test]
fn tag_mode_never_requests_the_api() {
    let registry = with_subject(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    push(&repository, &signature("one"));
    let repository = repository.with_referrers_mode(ReferrersMode::Tag);
    registry.clear_log();

    assert!(list(&repository).unwrap().is_empty());

    assert_eq!(log(&registry, &[]), ["GET manifests/<list>"]);
}

#[test]
fn entries_without_a_type_are_listed_if_the_registry_filtered() {
    let [typed, untyped] = ["typed", "untyped"].map(signature);
    let page = String::from_utf8(list_of(&[&typed, &untyped])).unwrap();
    let (first, second) = page.split_at(page.rfind("\"artifactType\":\"sig/a\"").unwrap());
    let page = format!("{first}{}", second.replace("\"sig/a\"", "null"));
    let annotated = page.replacen(
        '{',
        r#"{"annotations":{"org.opencontainers.referrers.filtersApplied":"artifactType"},"#,
        1,
    );
    let get = |body: &str| on("GET", "/v2/a/referrers/*").body(body);
    let plain = RegistryProfile {
        filters_referrers: false,
        ..RegistryProfile::default()
    };
    for (fault, wanted) in [
        (get(&page), vec![&typed]),
        (
            get(&page).header("OCI-Filters-Applied", "x, artifactType"),
            vec![&typed, &untyped],
        ),
        (get(&annotated), vec![&typed, &untyped]),
    ] {
        let registry = with_subject(plain.clone()).with(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let found = list_of_type(&repository, Some("sig/a")).unwrap();

        assert_eq!(found, digests(&wanted));
        // What tells that it is of another type is, whatever the registry says.
        let found = list_of_type(&repository, Some("sig/b")).unwrap();
        assert!(!found.contains(&digests(&[&typed])[0]));
    }
}

/// A registry with three referrers, one to a page.
fn paged(fault: Fault) -> TestRegistry {
    let registry = with_subject(RegistryProfile {
        page_size: Some(1),
        ..RegistryProfile::default()
    });
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    for name in ["one", "two", "three"] {
        push(&repository, &signature(name));
    }
    registry.clear_log();
    registry.with(fault)
}

#[test]
fn pages_are_followed_whatever_they_hold() {
    let mut all = digests(&[&signature("one"), &signature("two"), &signature("three")]);
    all.sort();
    let registry = paged(on("GET", "*").drop_page().nth(2));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let found = list_of_type(&repository, Some("sig/a")).unwrap();

    assert_eq!(found, [all[0].as_str(), all[2].as_str()]);
    assert_eq!(
        log(&registry, &[]),
        [
            "GET referrers/<subject>?artifactType=sig/a".to_owned(),
            format!("GET referrers/<subject>?last={}&artifactType=sig/a", all[0]),
            format!("GET referrers/<subject>?last={}&artifactType=sig/a", all[1]),
        ]
    );
}

#[test]
fn pages_must_stay_at_the_origin_and_not_loop() {
    let elsewhere = TestRegistry::start();
    let get = || on("GET", "*");
    let further = subject().descriptor().digest.to_string();
    for (fault, wanted) in [
        (
            get().link_at(&elsewhere),
            "the next page is at another host",
        ),
        (
            get().link(&format!("</v2/a/referrers/{further}>; rel=next")),
            "the pages go in a circle",
        ),
        (
            get().html_page().nth(2),
            "the answer is no list of referrers",
        ),
        (get().status(404).nth(2), "404: Not Found"),
    ] {
        let registry = paged(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = list(&repository).unwrap_err();

        assert!(text(&error).contains(wanted), "{}", text(&error));
    }
    assert!(elsewhere.log().is_empty());
}

#[test]
fn a_page_may_redirect_within_the_registry() {
    let registry = paged(
        on("GET", "/v2/a/referrers/*")
            .redirect(307, "/v2/a/referrers/sha256:moved?x=1")
            .nth(1),
    );
    registry.inject(
        on("GET", "/v2/a/referrers/sha256:moved*")
            .header("Content-Type", INDEX_TYPE)
            .status(200)
            .body(list_of(&[&signature("one")])),
    );
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));
}

#[test]
fn a_referrers_tag_with_other_content_lists_nothing() {
    let index = |members: &str| format!(r#"{{"schemaVersion":2{members}}}"#).into_bytes();
    let manifests = r#","manifests":[]"#;
    for (name, media_type, bytes) in [
        (
            "another type",
            "application/vnd.oci.image.manifest.v1+json",
            signature("one").into_bytes(),
        ),
        (
            "a subject of its own",
            INDEX_TYPE,
            index(&format!(r#"{manifests},"subject":{{}}"#)),
        ),
        ("a config", INDEX_TYPE, index(r#","config":{}"#)),
        (
            "another version",
            INDEX_TYPE,
            br#"{"schemaVersion":1,"manifests":[]}"#.to_vec(),
        ),
    ] {
        let registry = without_api().with(on("GET", "*").ignoring("Accept"));
        registry.seed_manifest("a", media_type, &bytes, Some(&tag()));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        assert!(list(&repository).unwrap().is_empty(), "{name}");
    }
}

#[test]
fn listing_requests_a_token_with_pull_access() {
    let registry = without_api().with_tokens(Bearer::new().anonymous(&["repository:*:pull"]));
    seed_list(&registry, &[&signature("one")]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));

    let lines = registry.log();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].contains("scope=repository:a:pull&"), "{lines:?}");
}
