//! Authentication: what is asked of whom, and how often.

use oras::credential::Credential;
use oras::credentials::Fixed;
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::{Error, Result};

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::registry::{Bearer, Mount, Personality, TestRegistry, on};

fn client_of(credential: Credential) -> Client {
    builder().credentials(Fixed(credential)).build()
}

fn me(password: &str) -> Client {
    client_of(Credential::password("me", password))
}

fn push(client: &Client, registry: &TestRegistry) -> Result<()> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.push(&hello(), &mut &b"hello"[..]).map(drop)
}

fn pull(client: &Client, registry: &TestRegistry) -> Result<Vec<u8>> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.fetch(&hello())?.read_all(5)
}

/// The log with the digest of `hello` as `{hello}`.
fn log(registry: &TestRegistry) -> Vec<String> {
    let lines = registry.log().into_iter();
    lines.map(|line| line.replace(HELLO, "{hello}")).collect()
}

fn with_hello(registry: TestRegistry) -> TestRegistry {
    registry.seed_blob("a", b"hello");
    registry
}

const GET_TOKEN: &str = "GET /token?service=test-registry&scope=repository:a:";

#[test]
fn the_first_push_to_a_token_registry_costs_two_more_requests_and_the_second_none() {
    let registry = TestRegistry::requiring_token("t0k3n");
    let client = client();

    push(&client, &registry).unwrap();
    push(&client, &registry).unwrap();
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "GET /token?service=test-registry&scope=repository:a:pull%2Cpush (no authorization)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={hello} (bearer)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
}

#[test]
fn a_pull_asks_for_no_more_than_to_pull() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(Bearer::new().anonymous(&["repository:*:pull"])),
    );

    pull(&client(), &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_repository_that_will_be_written_to_asks_for_both_at_once() {
    let registry = with_hello(TestRegistry::requiring_token("t0k3n"));
    let client = client();
    let repository = client
        .repository(&registry.reference("a"))
        .unwrap()
        .for_writing();

    repository.fetch(&hello()).unwrap().read_all(5).unwrap();
    repository.push(&hello(), &mut &b"hello"[..]).unwrap();

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull%2Cpush (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_password_goes_to_the_token_service_and_only_the_token_to_the_registry() {
    let registry =
        with_hello(TestRegistry::start().with_tokens(Bearer::new().user("me", "secret")));

    pull(&me("secret"), &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull (basic)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_token_service_at_another_origin_gets_the_password_but_no_custom_header() {
    let service = TestRegistry::start();
    let registry = with_hello(
        TestRegistry::start().with_tokens(Bearer::new().user("me", "secret").at(&service)),
    );
    let client = builder()
        .credentials(Fixed(Credential::password("me", "secret")))
        .header("X-Custom", "for the registry")
        .build();

    pull(&client, &registry).unwrap();

    assert_eq!(log(&service), [format!("{GET_TOKEN}pull (basic)")]);
    assert_eq!(service.requests()[0].header("X-Custom"), None);
    assert_eq!(
        registry.requests()[0].header("X-Custom"),
        Some("for the registry")
    );
}

#[test]
fn basic_credentials_are_sent_once_they_were_asked_for_and_then_at_once() {
    let registry = TestRegistry::requiring_basic("me", "secret");
    let client = me("secret");

    push(&client, &registry).unwrap();
    push(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (basic)",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={hello} (basic)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (basic)",
        ]
    );
}

#[test]
fn a_wrong_password_is_reported_in_the_words_of_who_refused_it() {
    let basic = with_hello(TestRegistry::requiring_basic("me", "secret"));
    let token = with_hello(TestRegistry::start().with_tokens(Bearer::new().user("me", "secret")));
    for (registry, wanted) in [
        (
            &basic,
            format!(
                "GET \"{}/v2/a/blobs/{HELLO}\": response status code 401: unauthorized: authentication required",
                basic.url()
            ),
        ),
        (
            &token,
            format!(
                "GET \"{}/token?service=test-registry&scope=repository%3Aa%3Apull\": \
                 response status code 401: unauthorized: incorrect username or password",
                token.url()
            ),
        ),
    ] {
        let error = pull(&me("wrong"), registry).unwrap_err();

        assert!(error.is_unauthorized(), "{error:?}");
        assert_eq!(text(&error), wanted);
    }
}

#[test]
fn a_wrong_password_ends_at_a_registry_that_offers_both_ways_too() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(
            Bearer::new()
                .user("me", "secret")
                .basic_too()
                .challenge("Basic realm=\"test\"")
                .challenge("Bearer realm=\"{realm}\",service=\"{service}\",scope=\"{scope}\""),
        ),
    );

    let error = pull(&me("wrong"), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull (basic)"),
            "GET /v2/a/blobs/{hello} (basic)".to_owned(),
        ]
    );
}

#[test]
fn where_the_token_service_refuses_the_registry_may_take_the_password_itself() {
    let registry = with_hello(
        TestRegistry::start()
            .with_tokens(
                Bearer::new()
                    .user("me", "secret")
                    .basic_too()
                    .challenge("Bearer realm=\"{realm}\", Basic realm=\"test\""),
            )
            .with(
                on("GET", "/token")
                    .error(403, "DENIED", "not for you")
                    .before_authorization(),
            ),
    );
    let client = me("secret");

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");
    registry.clear_log();
    assert_eq!(pull(&client, &registry).unwrap(), b"hello");
    assert_eq!(log(&registry), ["GET /v2/a/blobs/{hello} (basic)"]);
}

#[test]
fn without_credentials_a_basic_registry_says_what_is_missing() {
    let registry = with_hello(TestRegistry::requiring_basic("me", "secret"));

    let error = pull(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(text(&error), "basic credential not found");
    assert!(
        matches!(&error, Error::Unauthorized { registry: named, .. } if *named == registry.host()),
        "{error:?}"
    );
}

#[test]
fn what_the_anonymous_may_not_do_is_refused_after_one_token() {
    let registry =
        TestRegistry::start().with_tokens(Bearer::new().anonymous(&["repository:*:pull"]));

    let error = push(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert!(
        text(&error).ends_with("401: unauthorized: authentication required"),
        "{}",
        text(&error)
    );
    let tokens = registry
        .log()
        .iter()
        .filter(|line| line.starts_with("GET /token"))
        .count();
    assert!(tokens <= 3, "{:#?}", registry.log());
}

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
            format!("{GET_TOKEN}pull (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_token_is_not_used_beyond_its_life() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(
            Bearer::new()
                .anonymous(&["repository:*:pull"])
                .expires_in(Some(120)),
        ),
    );
    let clock = crate::support::clock::FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    pull(&client, &registry).unwrap();
    registry.clear_log();

    clock.pass(std::time::Duration::from_secs(115));
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            format!("{GET_TOKEN}pull (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn an_expired_token_may_also_be_answered_by_403_or_400() {
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
fn an_identity_token_is_exchanged_by_a_form() {
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
fn a_registry_token_is_sent_as_it_is_and_no_service_is_asked() {
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
fn a_challenge_of_an_unknown_kind_leaves_the_words_of_the_registry() {
    let registry = with_hello(TestRegistry::start()).with(
        on("*", "*")
            .error(401, "UNAUTHORIZED", "kerberos only")
            .header("WWW-Authenticate", "Negotiate"),
    );

    let error = pull(&me("secret"), &registry).unwrap_err();

    assert!(error.is_unauthorized());
    assert!(text(&error).ends_with("401: unauthorized: kerberos only"));
    assert_eq!(registry.log().len(), 1);
}

#[test]
fn a_challenge_with_a_200_is_no_challenge() {
    let registry = with_hello(TestRegistry::start())
        .with(on("*", "*").header("WWW-Authenticate", "Basic realm=\"zot\""));
    let client = me("secret");

    pull(&client, &registry).unwrap();
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        ["GET /v2/a/blobs/{hello} (no authorization)"; 2]
    );
}

#[test]
fn a_token_service_that_fails_is_named() {
    let token = || on("GET", "/token");
    for (name, fault, requests, wanted) in [
        (
            "down",
            token().status(503),
            6,
            "GET \"{url}/token?service=test-registry&scope=repository%3Aa%3Apull\": \
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
                wanted.replace("{url}", &registry.url()),
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
fn a_token_service_may_move_but_the_password_stays() {
    let elsewhere = TestRegistry::start();
    let registry = with_hello(
        TestRegistry::start()
            .with_tokens(
                Bearer::new()
                    .user("me", "secret")
                    .anonymous(&["repository:*:pull"]),
            )
            .with(on("GET", "/token").redirect_to(&elsewhere)),
    );

    let error = pull(&me("secret"), &registry).unwrap_err();

    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(
        elsewhere.log(),
        ["GET /token?service=test-registry&scope=repository:a:pull (no authorization)"]
    );
    // It has no tokens, and was not expected to be asked for any.
    elsewhere.take_unexpected();
}

#[test]
fn an_identity_token_is_not_posted_to_where_the_service_redirects() {
    let elsewhere = TestRegistry::start();
    let registry = with_hello(
        TestRegistry::start()
            .with_tokens(
                Bearer::new()
                    .user("me", "secret")
                    .identity_token("identity"),
            )
            .with(on("POST", "/token").redirect_to(&elsewhere)),
    );

    let error = pull(
        &client_of(Credential::IdentityToken("identity".into())),
        &registry,
    )
    .unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "POST \"{}/token\": refusing to follow the redirect to \"{}/token\": it would send content to another host",
            registry.url(),
            elsewhere.url()
        )
    );
    assert!(elsewhere.log().is_empty());
}

#[test]
fn tokens_for_two_repositories_are_kept_apart_and_kept() {
    let registry = TestRegistry::start_as(Personality {
        mount: Mount::Truthful,
        ..Personality::default()
    })
    .with_tokens(Bearer::new().anonymous(&["repository:*:pull"]));
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
            "GET /token?service=test-registry&scope=repository:a:pull (no authorization)",
            "GET /v2/a/blobs/{hello} (bearer)",
            "GET /token?service=test-registry&scope=repository:b:pull (no authorization)",
            "GET /v2/b/blobs/{hello} (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
            "GET /v2/b/blobs/{hello} (bearer)",
        ]
    );
}
