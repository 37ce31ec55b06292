//! Quirks of self-hosted registries.

use oras::Descriptor;
use oras::credentials::Fixed;
use oras::registry::PlainHttp;
use oras::store::Source;
use oras::{Credential, Error, MediaType};

use super::{log, me, pull, push, quoted, with_hello};
use crate::setup::{BehindTls, HELLO, TLS_HOST, builder, client, hello, text};
use crate::support::registry::{Bearer, Mount, RegistryProfile, TestRegistry, on};

#[test]
fn quay_challenge_without_scope_requests_the_needed_scope() {
    let policy = Bearer::new()
        .user("team+robot", "secret")
        .challenge("Bearer realm=\"{realm}\",service=\"quay.io\"");
    let registry = TestRegistry::start().with_tokens(policy);
    let client = me("team+robot", "secret");

    push(&client, &registry).unwrap();
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            // Old versions answer 400 to a mount without `from`.
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "GET /token?scope=repository:a:pull%2Cpush&service=quay.io (basic)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={hello} (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
}

/// A registry that answers 401 to mounts.
fn without_mounts() -> TestRegistry {
    TestRegistry::start_as(RegistryProfile {
        mount: Mount::Refused(401),
        ..RegistryProfile::default()
    })
}

#[test]
fn harbor_receives_no_cookie_and_an_upload_after_a_rejected_mount() {
    let policy = Bearer::new()
        .user("robot$team+ci", "secret")
        .challenge(&quoted("harbor-registry"));
    let cookie = on("*", "*").header("Set-Cookie", "sid=canary; Path=/; HttpOnly");
    let registry = without_mounts()
        .with_tokens(policy)
        .with(cookie.before_authorization());

    push(&me("robot$team+ci", "secret"), &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "GET /token?scope=repository:a:pull%2Cpush&service=harbor-registry (basic)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "HEAD /v2/a/blobs/{hello} (bearer)",
            "POST /v2/a/blobs/uploads/ (bearer)",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={hello} (bearer)",
        ]
    );
    let requests = registry.requests();
    assert!(requests.iter().all(|r| r.header("Cookie").is_none()));
}

#[test]
fn harbor_http_realm_receives_no_password() {
    let policy = Bearer::new().user("me", "secret").challenge(
        "Bearer realm=\"http://registry.example/service/token\",service=\"harbor-registry\"",
    );
    let registry = with_hello(TestRegistry::start().with_tokens(policy));
    let client = builder()
        .plain_http(PlainHttp::Never)
        .transport(BehindTls::of(&registry))
        .credentials(Fixed(Credential::password("me", "secret")))
        .build();
    let repository = client.repository(&format!("{TLS_HOST}/a")).unwrap();

    let error = repository.fetch(&hello()).map(drop).unwrap_err();

    assert!(
        matches!(error.root(), Error::Unauthorized { .. }),
        "{error:?}"
    );
    assert_eq!(
        text(&error),
        format!(
            "GET \"https://registry.example/v2/a/blobs/{HELLO}\": bearer realm \
             \"http://registry.example/service/token\" uses http but registry was contacted over https"
        )
    );
    assert_eq!(
        log(&registry),
        ["GET /v2/a/blobs/{hello} (no authorization)"]
    );
}

#[test]
fn gitlab_tokens_are_requested_for_one_project() {
    let policy = Bearer::new()
        .user_with("gitlab-ci-token", "job", &["repository:a:*"])
        .refusing_excess(401)
        .challenge(
            "Bearer realm=\"{realm}\",service=\"container_registry\",\
             scope=\"repository:a:pull,push repository:other/project:pull\"",
        );
    let registry = without_mounts().with_tokens(policy);

    push(&me("gitlab-ci-token", "job"), &registry).unwrap();

    let token = "GET /token?scope=repository:a:pull%2Cpush";
    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)".to_owned(),
            format!(
                "{token}&scope=repository:other/project:pull&service=container_registry (basic)"
            ),
            format!("{token}&service=container_registry (basic)"),
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)".to_owned(),
            "HEAD /v2/a/blobs/{hello} (bearer)".to_owned(),
            "POST /v2/a/blobs/uploads/ (bearer)".to_owned(),
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn artifactory_password_is_sent_to_its_token_service_only() {
    for lines in [
        [
            "Basic realm=\"Artifactory Realm\"",
            "Bearer realm=\"{realm}\",service=\"art:443\"",
        ],
        [
            "Bearer realm=\"{realm}\",service=\"art:443\"",
            "Basic realm=\"Artifactory Realm\"",
        ],
    ] {
        let policy = Bearer::new().user("me", "key").basic_too();
        let policy = lines.into_iter().fold(policy, Bearer::challenge);
        let registry = with_hello(TestRegistry::start().with_tokens(policy));

        pull(&me("me", "key"), &registry).unwrap();

        assert_eq!(
            log(&registry),
            [
                "GET /v2/a/blobs/{hello} (no authorization)",
                "GET /token?scope=repository:a:pull&service=art:443 (basic)",
                "GET /v2/a/blobs/{hello} (bearer)",
            ]
        );
    }
}

#[test]
fn artifactory_answers_403_for_missing_content() {
    let index = Descriptor::of(MediaType::IMAGE_INDEX, b"{}");
    for (kind, absent) in [("blobs", hello()), ("manifests", index)] {
        let policy = Bearer::new().user("me", "key").challenge(&quoted("art"));
        let registry = TestRegistry::start()
            .with_tokens(policy)
            .with(on("HEAD", "/v2/a/*").error(
                403,
                "DENIED",
                "The client does not have permission",
            ));
        let client = me("me", "key");
        let repository = client.repository(&registry.reference("a")).unwrap();

        assert!(!repository.exists(&absent).unwrap(), "{kind}");

        let asked = format!("HEAD /v2/a/{kind}/{}", absent.digest);
        assert_eq!(
            registry.log(),
            [
                format!("{asked} (no authorization)"),
                "GET /token?scope=repository:a:pull&service=art (basic)".to_owned(),
                format!("{asked} (bearer)"),
            ]
        );
    }
}

#[test]
fn zot_lower_case_unquoted_challenge_is_accepted() {
    let policy = Bearer::new()
        .anonymous(&["repository:*:pull,push"])
        .challenge("bearer realm={realm},service=zot,scope={scope}");
    let registry = TestRegistry::start_as(RegistryProfile::zot()).with_tokens(policy);
    let client = client();

    push(&client, &registry).unwrap();
    registry.inject(on("*", "*").header("WWW-Authenticate", "Basic realm=\"zot\""));
    pull(&client, &registry).unwrap();
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "GET /token?scope=repository:a:pull%2Cpush&service=zot (no authorization)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "PUT /v2/a/blobs/uploads/session-1?digest={hello} (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
}
