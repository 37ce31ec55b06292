//! Pushing manifests: the request, and the responses of the registry.

use oras::store::Target;

use super::{INDEX, index, registry_with};
use crate::setup::{ABSENT, HELLO, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};

#[test]
fn a_manifest_is_pushed_under_its_tag_by_one_put() {
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository
        .push_reference(&index(), &mut &*INDEX, "v1")
        .unwrap();

    assert_eq!(
        registry.log(),
        ["PUT /v2/a/manifests/v1 (no authorization)"]
    );
    assert_eq!(
        registry.requests()[0].header("Content-Type"),
        Some("application/vnd.oci.image.index.v1+json")
    );
    assert_eq!(registry.manifest("a", "v1").unwrap(), INDEX);
}

#[test]
fn tagging_pushes_the_same_bytes() {
    let registry = registry_with(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.tag(&index(), "v2").unwrap();

    assert_eq!(registry.tags("a"), ["v1", "v2"]);
    assert_eq!(
        registry.log(),
        [
            format!("GET /v2/a/manifests/{} (no authorization)", sha256(INDEX)),
            "PUT /v2/a/manifests/v2 (no authorization)".to_owned()
        ]
    );
}

#[test]
fn a_tag_may_include_the_full_name() {
    let registry = registry_with(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let pushed = registry.reference("a:v2");
    repository
        .push_reference(&index(), &mut &*INDEX, &pushed)
        .unwrap();
    repository
        .tag(&index(), &registry.reference("a:v3"))
        .unwrap();

    assert_eq!(registry.tags("a"), ["v1", "v2", "v3"]);
}

#[test]
fn another_digest_as_a_name_is_refused_before_any_request() {
    let registry = registry_with(RegistryProfile::default());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.tag(&index(), ABSENT).unwrap_err();
    repository
        .push_reference(&index(), &mut &*INDEX, ABSENT)
        .unwrap_err();

    assert!(registry.log().is_empty(), "{:?}", registry.log());
}

#[test]
fn a_digest_header_of_other_content_is_an_error() {
    let registry = TestRegistry::start().with(on("PUT", "*").wrong_digest_header());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository
        .push_reference(&index(), &mut &*INDEX, "v1")
        .unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "PUT \"{}/v2/a/manifests/v1\": the registry stored {ABSENT} instead of {}",
            registry.url(),
            sha256(INDEX)
        )
    );
}

#[test]
fn an_invalid_digest_header_is_ignored_when_pushing() {
    for header in ["sha256:beef", "nonsense"] {
        let registry =
            TestRegistry::start().with(on("PUT", "*").header("Docker-Content-Digest", header));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        repository
            .push_reference(&index(), &mut &*INDEX, "v1")
            .unwrap();

        assert_eq!(registry.manifest("a", "v1").unwrap(), INDEX, "{header}");
    }
}

#[test]
fn a_refused_manifest_has_the_message_of_the_registry() {
    for (registry, wanted) in [
        (
            TestRegistry::start_as(RegistryProfile {
                creates_repositories: false,
                ..RegistryProfile::default()
            }),
            "404: name unknown: repository name not known to registry",
        ),
        (
            TestRegistry::start().with(on("PUT", "*").error(
                400,
                "MANIFEST_BLOB_UNKNOWN",
                "missing",
            )),
            "400: manifest blob unknown: missing",
        ),
        (
            TestRegistry::start().with(on("PUT", "*").status(413).body("too much for this proxy")),
            "413: Request Entity Too Large: too much for this proxy",
        ),
    ] {
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = repository
            .push_reference(&index(), &mut &*INDEX, "v1")
            .unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "PUT \"{}/v2/a/manifests/v1\": response status code {wanted}",
                registry.url()
            )
        );
    }
}

/// distribution 2 reports blobs as unknown while another client pushes the same blob.
#[test]
fn a_manifest_refused_for_existing_blobs_is_retried() {
    let unknown = |digest: &str| {
        serde_json::json!({ "errors": [
            { "code": "DIGEST_INVALID" },
            { "code": "MANIFEST_BLOB_UNKNOWN", "detail": digest },
        ] })
    };
    for (name, is_there, times, wanted) in [
        // The first retry comes at once.
        ("what is there", true, 1, Ok(0)),
        ("what is there later", true, 2, Ok(1)),
        ("what never shows", true, 10, Err(3)),
        ("what is not there", false, 1, Err(0)),
    ] {
        let registry = TestRegistry::start().with(
            on("PUT", "*")
                .status(400)
                .body(unknown(HELLO).to_string())
                .times(times),
        );
        if is_there {
            registry.seed_blob("a", b"hello");
        }
        let clock = FakeClock::new();
        let client = builder().clock(clock.clone()).build();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let result = repository.push(&index(), &mut &*INDEX);

        match wanted {
            Ok(waits) => {
                result.unwrap();
                assert_eq!(clock.waits().len(), waits, "{name}");
            }
            Err(waits) => {
                let error = text(&result.unwrap_err());
                assert!(
                    error.ends_with("400: digest invalid; manifest blob unknown"),
                    "{name}: {error}"
                );
                assert_eq!(clock.waits().len(), waits, "{name}");
            }
        }
    }
}

/// A 201 shows that the manifest was stored. Any other success is confirmed with a HEAD.
#[test]
fn an_unusual_success_is_believed_if_the_registry_has_the_manifest() {
    let put = || on("PUT", "*");
    let digest = sha256(INDEX);
    for (name, fault, confirmed) in [
        ("no digest", put().no_digest_header(), false),
        (
            "any type and body",
            put().header("Content-Type", "text/html").body("<html>"),
            false,
        ),
        (
            "JSON",
            put().header("Content-Type", "application/json").body("{"),
            false,
        ),
        ("no location", put().without_header("Location"), false),
        (
            "a page without a digest",
            put().no_digest_header().header("Content-Type", "text/html"),
            true,
        ),
    ] {
        let registry = TestRegistry::start().with(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        repository
            .push_reference(&index(), &mut &*INDEX, "v1")
            .unwrap();

        let head = registry.log().iter().any(|line| line.starts_with("HEAD"));
        assert_eq!(head, confirmed, "{name}");
    }
    for status in [200, 202, 204, 206] {
        for has_manifest in [true, false] {
            let registry = TestRegistry::start().with(put().status(status));
            if has_manifest {
                registry.seed_manifest(
                    "a",
                    "application/vnd.oci.image.index.v1+json",
                    INDEX,
                    Some("v1"),
                );
            }
            let client = client();
            let repository = client.repository(&registry.reference("a")).unwrap();
            for reference in ["v1", &digest] {
                let pushed = repository.push_reference(&index(), &mut &*INDEX, reference);

                let error = pushed.err().map(|error| text(&error));
                let lost = error.as_ref().is_some_and(|error| {
                    error.ends_with("the registry accepted the content but does not have it")
                });
                assert_eq!(lost, !has_manifest, "{status} {reference}: {error:?}");
                assert_eq!(error.is_none(), has_manifest);
            }
        }
    }
}

#[test]
fn an_unusual_success_is_not_believed_if_the_tag_has_other_content() {
    let registry = TestRegistry::start();
    let other = br#"{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}"#;
    let media_type = "application/vnd.oci.image.index.v1+json";
    let digest = registry.seed_manifest("a", media_type, other, Some("v1"));
    let registry = registry.with(on("PUT", "*").status(200));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository
        .push_reference(&index(), &mut &*INDEX, "v1")
        .unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "push of {}: the registry has {digest} there",
            registry.reference("a:v1")
        )
    );
}

#[test]
fn a_login_page_does_not_store_a_manifest() {
    let registry = TestRegistry::start().with(on("*", "*").html_page());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository
        .push_reference(&index(), &mut &*INDEX, "v1")
        .unwrap_err();

    assert!(
        text(&error).ends_with("the answer is a web page, not a manifest"),
        "{}",
        text(&error)
    );
}
