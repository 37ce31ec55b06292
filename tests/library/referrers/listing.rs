//! Listing: one request where there is the API, and how it shows that there is none.

use oras::Error;
use oras::registry::ReferrersMode;

use super::{
    INDEX_TYPE, digests, list, list_of, list_of_type, log, seed_list, signature, subject, tag,
    with_subject, without_api,
};
use crate::artifacts::push;
use crate::setup::{builder, client, text};
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

/// Forms of a missing API, also at the host that a redirect leads to: some registries redirect to
/// their web site.
#[test]
fn every_form_of_a_missing_api_is_recognised() {
    let elsewhere = TestRegistry::start().with(on("GET", "/packages").error(404, "NOT_FOUND", ""));
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
            get()
                .status(200)
                .header("Content-Type", "application/json")
                .body("{}"),
        ),
        (
            "no type",
            get().status(200).body(r#"{"schemaVersion":2,"layers":[]}"#),
        ),
        (
            "its web site",
            get().redirect(303, &format!("{}/packages", elsewhere.url())),
        ),
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
    assert_eq!(elsewhere.log(), ["GET /packages (no authorization)"]);
}

/// A response that neither lists referrers nor shows that there is no API must not become an empty
/// list.
#[test]
fn an_inconclusive_response_is_an_error() {
    let elsewhere = TestRegistry::start()
        .with(on("GET", "/busy").error(403, "DENIED", "not for you"))
        .with(on("GET", "/down").status(418));
    let to = |path: &str| format!("{}{path}", elsewhere.url());
    let get = || on("GET", "/v2/a/referrers/*");
    let index = |body: &str| {
        get()
            .status(200)
            .header("Content-Type", INDEX_TYPE)
            .body(body)
    };
    for (fault, wanted) in [
        (get().status(302), "the redirect has no Location"),
        (
            get().redirect(307, &to("/busy")),
            "403: denied: not for you",
        ),
        (get().redirect(303, &to("/down")), "status code 418"),
        (
            get().redirect(302, "/v2/a/referrers/x"),
            "more than 10 redirects",
        ),
        (get().status(204), "status code 204: No Content"),
        (get().status(206), "status code 206: Partial Content"),
        (
            get().error(200, "TOOMANYREQUESTS", "slow down"),
            "200: toomanyrequests: slow down",
        ),
        (index(r#"{"errors":[{"code":"DENIED"}]}"#), "200: denied"),
        (index("{}"), "it has no \"manifests\""),
        (index(r#"{"message":"no"}"#), "it has no \"manifests\""),
        (index("<html>"), "a web page, not a list of referrers"),
        (
            index(r#"{"schemaVersion":2,"manifests":[{"#),
            "the answer is no list of referrers",
        ),
    ] {
        let registry = with_subject(RegistryProfile::default()).with(fault);
        seed_list(&registry, &[&signature("one")]);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = list(&repository).unwrap_err();

        assert!(text(&error).contains(wanted), "{wanted}: {}", text(&error));
        let asked = registry.log();
        assert!(
            !asked.iter().any(|line| line.contains("/manifests/")),
            "{asked:?}"
        );
    }
}

#[test]
fn an_index_is_a_list_whatever_its_content_type() {
    for fault in [
        on("GET", "*").header("Content-Type", "application/json"),
        on("GET", "*").without_header("Content-Type"),
        on("GET", "*").header("Content-Type", "text/html"),
    ] {
        let registry = with_subject(RegistryProfile::default());
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        push(&repository, &signature("one"));
        registry.inject(fault);

        assert_eq!(list(&repository).unwrap(), digests(&[&signature("one")]));
    }
}

/// As behind a public mirror: the front end has nothing itself. Secrets stay with the front end.
#[test]
fn a_front_end_that_redirects_everything_loses_no_referrer() {
    let mirror = with_subject(RegistryProfile {
        page_size: Some(1),
        ..RegistryProfile::default()
    });
    let all = ["one", "two", "three"].map(signature);
    let at_mirror = client();
    let at_mirror = at_mirror.repository(&mirror.reference("a")).unwrap();
    for referrer in &all {
        push(&at_mirror, referrer);
    }
    mirror.clear_log();
    let front = TestRegistry::start().with(on("*", "*").redirect_to(&mirror));
    let client = builder().header("X-Secret", "canary").build();
    let repository = client.repository(&front.reference("a")).unwrap();

    let mut found = list(&repository).unwrap();

    found.sort();
    let mut wanted = digests(&all.each_ref());
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(mirror.log().len(), 3);
    assert_eq!(
        front.log().len(),
        1,
        "the pages after the first are read at the mirror"
    );
    for request in mirror.requests() {
        assert_eq!(request.header("x-secret"), None);
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn a_page_that_redirects_once_to_itself_is_read() {
    let registry = paged(on("POST", "*"));
    let url = |line: &str| {
        line.trim_start_matches("GET ")
            .replace(" (no authorization)", "")
    };
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let found = list(&repository).unwrap();
    let pages = registry.log();
    assert_eq!(pages.len(), 3);
    for page in pages {
        let page = url(&page);
        registry.inject(on("GET", &page).redirect(302, &page).nth(1));
    }

    assert_eq!(list(&repository).unwrap(), found);
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
            "the answer is a web page, not a list of referrers",
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
fn a_referrers_tag_with_other_content_is_an_error() {
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
        (
            "no JSON",
            INDEX_TYPE,
            br#"{"schemaVersion":2,"manifests":["#.to_vec(),
        ),
        (
            "no list",
            INDEX_TYPE,
            br#"{"schemaVersion":2,"manifests":{}}"#.to_vec(),
        ),
    ] {
        let registry = without_api().with(on("GET", "*").ignoring("Accept"));
        registry.seed_manifest("a", media_type, &bytes, Some(&tag()));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = text(&list(&repository).unwrap_err());

        assert!(matches_tag_error(&error), "{name}: {error}");
    }
}

/// Whether an error is about the content of the referrers tag.
fn matches_tag_error(error: &str) -> bool {
    error.contains(&tag())
        && (error.contains("it cannot hold the list of referrers, ")
            || error.contains("is not JSON of that form"))
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
