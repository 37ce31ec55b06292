//! Tokens: lifetime, replacement, and errors of token services.

use std::time::Duration;

use oras::credentials::Fixed;
use oras::store::Source;
use oras::{Credential, Descriptor, MediaType};

use super::{GET_TOKEN, OF_SERVICE, client_of, log, pull, with_hello};
use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, TestRegistry, on};

#[test]
fn an_expired_token_is_replaced_once() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(Bearer::new().anonymous(&["repository:*:pull"])),
    );
    let client = client();
    pull(&client, &registry).unwrap();
    registry.revoke_tokens();
    registry.clear_log();

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
            format!("{GET_TOKEN}pull{OF_SERVICE} (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_token_is_not_used_after_its_lifetime() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(
            Bearer::new()
                .anonymous(&["repository:*:pull"])
                .expires_in(Some(120)),
        ),
    );
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    pull(&client, &registry).unwrap();
    registry.clear_log();

    clock.pass(Duration::from_secs(115));
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            format!("{GET_TOKEN}pull{OF_SERVICE} (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_403_or_400_for_a_cached_token_replaces_it() {
    for (status, code) in [(403, "DENIED"), (400, "DENIED")] {
        let registry = with_hello(TestRegistry::requiring_token("t0k3n"));
        let client = client();
        pull(&client, &registry).unwrap();
        registry.clear_log();
        registry.inject(on("GET", "/v2/*").error(status, code, "expired").times(1));

        assert_eq!(pull(&client, &registry).unwrap(), b"hello", "{status}");
        assert_eq!(registry.log().len(), 3, "{status}");
    }
}

#[test]
fn a_403_for_a_fresh_token_is_final() {
    let registry = with_hello(TestRegistry::requiring_token("t0k3n"))
        .with(on("GET", "/v2/*").error(403, "DENIED", "never"));

    let error = pull(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized());
    assert_eq!(registry.log().len(), 3);
}

#[test]
fn a_401_after_a_fresh_token_is_not_retried() {
    let registry = with_hello(TestRegistry::requiring_token("t0k3n"));
    let challenge = format!("Bearer realm=\"{}/token\"", registry.url());
    registry.inject(
        on("GET", "/v2/*")
            .error(401, "UNAUTHORIZED", "no")
            .header("WWW-Authenticate", &challenge),
    );

    let error = pull(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized());
    assert_eq!(
        log(&registry).last().unwrap(),
        "GET /v2/a/blobs/{hello} (bearer)"
    );
    assert_eq!(registry.log().len(), 3);
}

#[test]
fn tokens_are_cached_per_repository() {
    let registry =
        TestRegistry::start().with_tokens(Bearer::new().anonymous(&["repository:*:pull"]));
    registry.seed_blob("a", b"hello");
    registry.seed_blob("b", b"hello");
    let client = client();

    for name in ["a", "b", "a", "b"] {
        let repository = client.repository(&registry.reference(name)).unwrap();
        repository.fetch(&hello()).unwrap().read_all(5).unwrap();
    }

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            "GET /token?scope=repository:a:pull&service=test-registry (no authorization)",
            "GET /v2/a/blobs/{hello} (bearer)",
            "GET /token?scope=repository:b:pull&service=test-registry (no authorization)",
            "GET /v2/b/blobs/{hello} (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
            "GET /v2/b/blobs/{hello} (bearer)",
        ]
    );
}
#[test]
fn an_identity_token_is_exchanged_by_post() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(
            Bearer::new()
                .user("me", "secret")
                .identity_token("identity"),
        ),
    );
    let client = client_of(Credential::IdentityToken("identity".into()));

    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            "POST /token (no authorization)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
    assert_eq!(
        String::from_utf8_lossy(&registry.requests()[1].body),
        "grant_type=refresh_token&refresh_token=identity&service=test-registry\
         &client_id=oras-rs&scope=repository%3Aa%3Apull"
    );
}

#[test]
fn with_prefer_oauth2_a_password_is_sent_by_post_if_supported() {
    for (bearer, requests) in [
        (Bearer::new(), &["POST /token (no authorization)"][..]),
        (
            Bearer::new().without_post(404),
            &["POST /token (no authorization)", "GET"],
        ),
        (
            Bearer::new().without_post(405),
            &["POST /token (no authorization)", "GET"],
        ),
    ] {
        let registry = with_hello(TestRegistry::start().with_tokens(bearer.user("me", "p&w")));
        registry.seed_blob("b", b"hello");
        let client = builder()
            .credentials(Fixed(Credential::password("me", "p&w")))
            .prefer_oauth2()
            .build();

        pull(&client, &registry).unwrap();

        let asked: Vec<_> = log(&registry)
            .into_iter()
            .filter(|line| line.contains("/token"))
            .map(|line| line.replace(&format!("{GET_TOKEN}pull{OF_SERVICE} (basic)"), "GET"))
            .collect();
        assert_eq!(asked, requests);
        assert_eq!(
            String::from_utf8_lossy(&registry.requests()[1].body),
            "grant_type=password&username=me&password=p%26w&service=test-registry\
             &client_id=oras-rs&scope=repository%3Aa%3Apull"
        );

        registry.clear_log();
        let repository = client.repository(&registry.reference("b")).unwrap();
        repository.fetch(&hello()).unwrap().read_all(5).unwrap();
        assert_eq!(registry.log().len(), 2, "what it takes is remembered");
    }
}

#[test]
fn a_registry_token_is_sent_without_a_token_request() {
    let registry = with_hello(TestRegistry::requiring_token("t0k3n"));

    pull(
        &client_of(Credential::RegistryToken("t0k3n".into())),
        &registry,
    )
    .unwrap();
    let error = pull(
        &client_of(Credential::RegistryToken("other".into())),
        &registry,
    )
    .unwrap_err();

    assert!(error.is_unauthorized());
    assert!(!registry.log().iter().any(|line| line.contains("/token")));
}

#[test]
fn an_error_of_the_token_service_names_it() {
    let token = || on("GET", "/token");
    for (name, fault, requests, wanted) in [
        (
            "down",
            token().status(503),
            6,
            "GET \"{url}/v2/a/blobs/{hello}\": GET \"{url}/token?scope=repository%3Aa%3Apull&service=test-registry\": \
             response status code 503: Service Unavailable",
        ),
        (
            "a login page",
            token().html_page(),
            1,
            "no token from \"{url}/token\": the answer is a web page",
        ),
        (
            "nothing in it",
            token().body("{}"),
            1,
            "no token from \"{url}/token\": the answer has none",
        ),
        (
            "without end",
            token().endless_body(),
            1,
            "token size 131073 exceeds MaxTokenBytes 131072: size exceeds limit",
        ),
        ("breaking off", token().close_after(5).times(2), 3, ""),
    ] {
        let registry = with_hello(TestRegistry::requiring_token("t0k3n")).with(fault);

        let result = pull(&client(), &registry);

        match result {
            Ok(_) => assert_eq!(wanted, "", "{name}"),
            Err(error) => assert_eq!(
                text(&error),
                wanted
                    .replace("{url}", &registry.url())
                    .replace("{hello}", HELLO),
                "{name}"
            ),
        }
        let asked = registry
            .log()
            .iter()
            .filter(|line| line.starts_with("GET /token"))
            .count();
        assert_eq!(asked, requests, "{name}");
    }
}

#[test]
fn a_rejected_token_request_is_unauthorized_and_never_not_found() {
    for (status, is_unauthorized) in [
        (400, true),
        (401, true),
        (403, true),
        (404, true),
        (405, true),
        // A temporary error.
        (429, false),
        (500, false),
    ] {
        let registry = with_hello(TestRegistry::requiring_token("t0k3n"))
            .with(on("GET", "/token").status(status));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        let index = Descriptor::new(MediaType::IMAGE_INDEX, hello().digest, 5);

        for error in [
            repository.resolve("v1").map(drop).unwrap_err(),
            repository.fetch(&hello()).map(drop).unwrap_err(),
            repository.exists(&hello()).map(drop).unwrap_err(),
            repository.exists(&index).map(drop).unwrap_err(),
        ] {
            assert!(!error.is_not_found(), "{error:?}");
            assert_eq!(error.is_unauthorized(), is_unauthorized, "{error:?}");
        }
    }
}
