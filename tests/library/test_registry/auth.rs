//! Basic authentication, tokens and token services.

use crate::support::registry::{Bearer, TestRegistry};

use super::HELLO;
use super::wire::Wire;

#[test]
fn a_request_that_waits_for_100_continue_is_refused_at_once() {
    let registry = TestRegistry::requiring_basic("ada", "s3cret");
    let mut wire = Wire::to(&registry);
    wire.write(
        b"PUT /v2/a/blobs/uploads/x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(wire.reply(false).status, 401);
    assert!(wire.is_closed());
}

#[test]
fn basic_authentication_checks_the_password() {
    let registry = TestRegistry::requiring_basic("ada", "s3:cret");
    let mut wire = Wire::to(&registry);
    let refused = wire.send("GET /v2/", &[], b"");
    assert_eq!(
        (refused.status, refused.header("WWW-Authenticate")),
        (401, Some("Basic realm=\"test registry\""))
    );
    assert_eq!(
        wire.send("GET /v2/", &["Authorization: Basic YWRhOndyb25n"], b"")
            .status,
        401
    );
    assert_eq!(
        wire.send("GET /v2/", &["Authorization: Basic YWRhOnMzOmNyZXQ="], b"")
            .status,
        200
    );
    assert_eq!(
        registry.log(),
        [
            "GET /v2/ (no authorization)",
            "GET /v2/ (basic)",
            "GET /v2/ (basic)"
        ]
    );
}

#[test]
fn a_token_is_valid_for_its_scopes_only() {
    let registry = TestRegistry::start().with_tokens(
        Bearer::new()
            .user("ada", "s3cret")
            .anonymous(&["repository:*:pull"]),
    );
    registry.seed_blob("a", b"hello");
    let realm = format!(
        "Bearer realm=\"{}/token\",service=\"test-registry\"",
        registry.url()
    );
    let blob = format!("GET /v2/a/blobs/{HELLO}");
    let mut wire = Wire::to(&registry);

    let challenge = wire.send(&blob, &[], b"");
    let expected = format!("{realm},scope=\"repository:a:pull\"");
    assert_eq!(
        (challenge.status, challenge.header("WWW-Authenticate")),
        (401, Some(expected.as_str()))
    );

    let answer = wire.send(
        "GET /token?scope=repository:a:pull,push&service=test-registry",
        &[],
        b"",
    );
    assert_eq!(
        answer.text(),
        r#"{"access_token":"token-1","expires_in":300,"token":"token-1"}"#
    );
    assert_eq!(
        wire.send(&blob, &["Authorization: Bearer token-1"], b"")
            .status,
        200
    );
    let refused = wire.send(
        "POST /v2/a/blobs/uploads/",
        &["Authorization: Bearer token-1"],
        b"",
    );
    let expected = format!("{realm},scope=\"repository:a:pull,push\",error=\"insufficient_scope\"");
    assert_eq!(
        (refused.status, refused.header("WWW-Authenticate")),
        (401, Some(expected.as_str()))
    );

    let ada = "Authorization: Basic YWRhOnMzY3JldA==";
    wire.send(
        "GET /token?scope=repository:a:pull,push&service=test-registry",
        &[ada],
        b"",
    );
    let token = "Authorization: Bearer token-2";
    assert_eq!(
        wire.send("POST /v2/a/blobs/uploads/", &[token], b"").status,
        202
    );
    let mount = format!("POST /v2/a/blobs/uploads/?mount={HELLO}&from=b");
    assert_eq!(
        wire.send(&mount, &[token], b"").status,
        401,
        "the source needs pull"
    );

    registry.revoke_tokens();
    let refused = wire.send(&blob, &[token], b"");
    assert!(
        refused
            .header("WWW-Authenticate")
            .is_some_and(|text| text.ends_with("error=\"invalid_token\""))
    );
}

#[test]
fn the_oauth2_form_accepts_passwords_and_identity_tokens() {
    let registry =
        TestRegistry::start().with_tokens(Bearer::new().user("ada", "s3cret").identity_token("id"));
    let mut wire = Wire::to(&registry);
    let mut post = |form: &str| {
        wire.send(
            "POST /token",
            &["Content-Type: application/x-www-form-urlencoded"],
            form.as_bytes(),
        )
    };
    let common = "service=test-registry&client_id=oras&scope=repository:a:pull";
    let granted = post(&format!(
        "grant_type=password&username=ada&password=s3cret&access_type=offline&{common}"
    ));
    assert!(
        granted.text().contains(r#""refresh_token":"identity-1""#),
        "{granted:?}"
    );
    assert_eq!(
        post(&format!(
            "grant_type=refresh_token&refresh_token=identity-1&{common}"
        ))
        .status,
        200
    );
    assert_eq!(
        post(&format!(
            "grant_type=refresh_token&refresh_token=id&{common}"
        ))
        .status,
        200
    );
    assert_eq!(
        post(&format!(
            "grant_type=refresh_token&refresh_token=no&{common}"
        ))
        .status,
        401
    );
    assert_eq!(
        post("grant_type=password&username=ada&password=s3cret&service=test-registry").status,
        400
    );
}

#[test]
fn token_services_can_have_quirks() {
    let tokens = TestRegistry::start();
    let registry = TestRegistry::start().with_tokens(
        Bearer::new()
            .user("ada", "s3cret")
            .anonymous(&["repository:*:pull"])
            .at(&tokens)
            .answering(&["token"])
            .expires_in(None)
            .refusing_excess(403)
            .without_post(404)
            .challenge("Negotiate")
            .challenge("bearer realm={realm},service=ghcr.io,scope=\"repository:user/image:pull\""),
    );
    let challenges = Wire::to(&registry).send("GET /v2/", &[], b"");
    let bearer = format!(
        "bearer realm={}/token,service=ghcr.io,scope=\"repository:user/image:pull\"",
        tokens.url()
    );
    assert_eq!(
        challenges.all("WWW-Authenticate"),
        ["Negotiate", bearer.as_str()]
    );
    let mut wire = Wire::to(&tokens);
    let pull = "GET /token?service=ghcr.io&scope=repository:a:pull";
    assert_eq!(wire.send(pull, &[], b"").text(), r#"{"token":"token-1"}"#);
    assert_eq!(wire.send(&format!("{pull},push"), &[], b"").status, 403);
    assert_eq!(wire.send("POST /token", &[], b"").status, 404);
    let list = Wire::to(&registry).send(
        "GET /v2/a/tags/list",
        &["Authorization: Bearer token-1"],
        b"",
    );
    assert_eq!(
        list.status, 404,
        "the token of the other origin is good here"
    );
}

#[test]
fn one_token_service_serves_two_registries() {
    let tokens = TestRegistry::start();
    let protected = |service| {
        TestRegistry::start().with_tokens(
            Bearer::new()
                .service(service)
                .anonymous(&["repository:*:pull"])
                .at(&tokens),
        )
    };
    let (one, two) = (protected("one"), protected("two"));
    Wire::to(&tokens).send("GET /token?scope=repository:a:pull&service=two", &[], b"");
    let token = "Authorization: Bearer token-1";
    assert_eq!(Wire::to(&one).send("GET /v2/", &[token], b"").status, 401);
    assert_eq!(Wire::to(&two).send("GET /v2/", &[token], b"").status, 200);
}
