//! Authentication against the test registry: number, order and authorization of requests.

mod login;
mod tokens;

use oras::credentials::Fixed;
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::{Credential, Error, Result};

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::registry::{Bearer, TestRegistry, on};

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

/// Returns the log with `{hello}` for the digest of `hello`.
fn log(registry: &TestRegistry) -> Vec<String> {
    let lines = registry.log().into_iter();
    lines.map(|line| line.replace(HELLO, "{hello}")).collect()
}

fn with_hello(registry: TestRegistry) -> TestRegistry {
    registry.seed_blob("a", b"hello");
    registry
}

const GET_TOKEN: &str = "GET /token?scope=repository:a:";
const OF_SERVICE: &str = "&service=test-registry";

#[test]
fn the_first_push_with_a_token_needs_two_more_requests_and_the_second_none() {
    let registry = TestRegistry::requiring_token("t0k3n");
    let client = client();

    push(&client, &registry).unwrap();
    push(&client, &registry).unwrap();
    pull(&client, &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "GET /token?scope=repository:a:pull%2Cpush&service=test-registry (no authorization)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={hello} (bearer)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
}

#[test]
fn a_pull_requests_only_the_pull_scope() {
    let registry = with_hello(
        TestRegistry::start().with_tokens(Bearer::new().anonymous(&["repository:*:pull"])),
    );

    pull(&client(), &registry).unwrap();

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull{OF_SERVICE} (no authorization)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn with_push_scope_one_token_covers_pull_and_push() {
    let registry = with_hello(TestRegistry::requiring_token("t0k3n"));
    let client = client();
    let repository = client
        .repository(&registry.reference("a"))
        .unwrap()
        .with_push_scope();

    repository.fetch(&hello()).unwrap().read_all(5).unwrap();
    repository.push(&hello(), &mut &b"hello"[..]).unwrap();

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull%2Cpush{OF_SERVICE} (no authorization)"),
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
            format!("{GET_TOKEN}pull{OF_SERVICE} (basic)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn basic_credentials_are_sent_after_a_challenge_and_then_with_every_request() {
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
fn a_wrong_password_is_reported_with_the_error_of_the_rejecting_server() {
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
                "GET \"{0}/v2/a/blobs/{HELLO}\": \
                 GET \"{0}/token?scope=repository%3Aa%3Apull&service=test-registry\": \
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
fn a_wrong_password_is_final_at_a_registry_that_offers_bearer_and_basic() {
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
            format!("{GET_TOKEN}pull{OF_SERVICE} (basic)"),
            "GET /v2/a/blobs/{hello} (basic)".to_owned(),
        ]
    );
}

#[test]
fn basic_is_the_fallback_if_the_token_service_rejects_the_password() {
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
fn a_missing_basic_credential_is_an_error_that_names_the_registry() {
    let registry = with_hello(TestRegistry::requiring_basic("me", "secret"));

    let error = pull(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(
        text(&error),
        format!("{}: basic credential not found", registry.host())
    );
    assert!(
        matches!(&error, Error::Unauthorized { registry: named, .. } if *named == registry.host()),
        "{error:?}"
    );
}

#[test]
fn an_anonymous_push_is_rejected_with_and_without_a_mount() {
    let registry =
        TestRegistry::start().with_tokens(Bearer::new().anonymous(&["repository:*:pull"]));

    let error = push(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert!(
        text(&error).ends_with("401: unauthorized: authentication required"),
        "{}",
        text(&error)
    );
    assert_eq!(
        log(&registry),
        [
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (no authorization)",
            "GET /token?scope=repository:a:pull%2Cpush&service=test-registry (no authorization)",
            "POST /v2/a/blobs/uploads/?mount={hello}&from=a (bearer)",
            // Some registries reject mounts with 401 and accept uploads.
            "HEAD /v2/a/blobs/{hello} (bearer)",
            "POST /v2/a/blobs/uploads/ (bearer)",
            "GET /token?scope=repository:a:pull%2Cpush&service=test-registry (no authorization)",
            "POST /v2/a/blobs/uploads/ (bearer)",
        ]
    );
}

#[test]
fn an_unsupported_challenge_is_reported_with_the_error_of_the_registry() {
    let registry = with_hello(TestRegistry::start()).with(
        on("*", "*")
            .error(401, "UNAUTHORIZED", "kerberos only")
            .header("WWW-Authenticate", "Negotiate"),
    );

    let error = pull(&me("secret"), &registry).unwrap_err();

    assert!(error.is_unauthorized());
    assert!(text(&error).ends_with("401: unauthorized: kerberos only"));
    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            // The response may contain a challenge.
            "GET /v2/ (no authorization)",
        ]
    );
}

#[test]
fn a_challenge_only_at_the_api_check_is_requested_once() {
    let registry =
        with_hello(TestRegistry::start().with_tokens(Bearer::new().user("me", "secret")));
    registry.inject(
        on("GET", "/v2/a/*")
            .error(401, "UNAUTHORIZED", "who are you?")
            .before_authorization()
            .times(1),
    );
    let client = me("secret");

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");
    assert_eq!(pull(&client, &registry).unwrap(), b"hello");

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
            "GET /v2/ (no authorization)".to_owned(),
            format!("{GET_TOKEN}pull{OF_SERVICE} (basic)"),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
            "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
        ]
    );
}

#[test]
fn a_challenge_in_a_200_response_is_ignored() {
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
