//! Output: errors, `Debug` output and traces contain no secret, whatever fails.

use oras::Credential;
use oras::credentials::{Fixed, Helpers, Locations, Memory};
use oras::http::{Headers, Method, Request, RequestBody, UreqTransport};
use oras::registry::Client;
use oras::url::Url;

use super::{Printed, basic_registry, client, everything_seen, password, seeded, token_registry};
use crate::setup::builder;
use crate::support::canaries::{Canaries, Canary};
use crate::support::registry::{Fault, TestRegistry, on};

/// A part of every secret in these tests, plain and in Base64: Basic encodes `me:canary-password`
/// as `bWU6Y2FuYXJ5…`.
const CANARIES: [&str; 2] = ["canary", "Y2FuYXJ5"];

/// Checks that `seen` contains no part of a secret.
#[track_caller]
fn assert_silent(name: &str, seen: &str) {
    Canaries::in_text(seen).are_absent(name);
    for canary in CANARIES {
        if let Some(at) = seen.find(canary) {
            let around = &seen.as_bytes()[at.saturating_sub(300)..seen.len().min(at + 60)];
            let around = String::from_utf8_lossy(around);
            panic!("{name} shows a secret: …{around}…");
        }
    }
}

fn faults() -> Vec<(&'static str, Vec<Fault>)> {
    vec![
        ("nothing wrong", vec![]),
        (
            "refusal of everything",
            vec![on("*", "/v2/*").error(403, "DENIED", "no")],
        ),
        (
            "refusal of tokens",
            vec![
                on("*", "/token")
                    .error(403, "DENIED", "no")
                    .before_authorization(),
            ],
        ),
        (
            "tokens of a broken kind",
            vec![
                on("*", "/token")
                    .body(r#"{"token":"canary bird","refresh_token":"canary"}"#)
                    .before_authorization(),
            ],
        ),
        (
            "tokens that are not JSON",
            vec![
                on("*", "/token")
                    .body("{\"token\":\"canary")
                    .before_authorization(),
            ],
        ),
        (
            "signed redirects to nowhere",
            vec![
                on("GET", "/v2/*").redirect(307, "http://127.0.0.1:1/x?X-Amz-Signature=canary"),
                on("POST", "/v2/*").location("http://127.0.0.1:1/x?_state=canary"),
            ],
        ),
        (
            "signed redirects in a circle",
            vec![on("GET", "/v2/*").redirect(307, "/v2/a/blobs/x?X-Amz-Signature=canary")],
        ),
        (
            "addresses with a password",
            vec![
                on("GET", "/v2/*").redirect(307, "http://me:canary@127.0.0.1/x"),
                on("POST", "/v2/*").location("http://me:canary@127.0.0.1/x?a=canary"),
                on("GET", "/v2/a/tags/list").link("<http://me:canary@x/y?z=canary>; rel=\"next\""),
            ],
        ),
        (
            "signed pages",
            vec![on("GET", "/v2/a/tags/list").link("</v2/a/tags/list?signature=canary>; rel=next")],
        ),
        ("closed connections", vec![on("*", "/v2/*").close()]),
        (
            "cookies",
            vec![on("*", "*").header("Set-Cookie", "sid=canary")],
        ),
    ]
}

#[test]
fn output_contains_no_secret_of_a_password_login() {
    for (name, faults) in faults() {
        let registry = token_registry();
        for fault in faults {
            registry.inject(fault);
        }
        let trace = Printed::default();
        let client = client(password(), &trace);

        let seen = everything_seen(&client, &registry.reference("a"));

        assert_silent(name, &seen);
        assert_silent(&format!("the trace of {name}"), &trace.text());
        assert!(!trace.text().is_empty());
        registry.take_unexpected();
    }
}

#[test]
fn output_contains_no_other_kind_of_credential() {
    for credential in [
        Credential::IdentityToken(Canary::IdentityToken.value().into()),
        Credential::RegistryToken(Canary::AccessToken.value().into()),
        Credential::RegistryToken("canary, and wrong".into()),
    ] {
        let registry = token_registry();
        let trace = Printed::default();
        let name = format!("{credential:?}");
        let client = client(credential, &trace);

        let seen = everything_seen(&client, &registry.reference("a"));

        assert_silent(&name, &name);
        assert_silent(&name, &seen);
        assert_silent(&name, &trace.text());
    }
}

#[test]
fn output_contains_no_basic_authorization() {
    for password in [Canary::Password.value(), "wrong-canary"] {
        let registry = basic_registry();
        let trace = Printed::default();
        let client = client(Credential::password("me", password), &trace);

        let seen = everything_seen(&client, &registry.reference("a"));

        assert_silent("a basic login", &seen);
        assert_silent("its trace", &trace.text());
    }
}

#[test]
fn an_invalid_header_is_redacted() {
    let registry = seeded(TestRegistry::start());
    for value in ["canary\r\nInjected: yes", "canary\0", "canary\n"] {
        let client: Client = builder().header("X-Custom", value).build();

        let seen = everything_seen(&client, &registry.reference("a"));

        assert!(!seen.contains("fine"), "{seen}");
        assert_silent("the error", &seen);
    }
    assert_eq!(registry.log(), [""; 0]);
}

#[test]
fn debug_output_of_types_with_secrets_is_redacted() {
    let token = Credential::IdentityToken(Canary::IdentityToken.value().into());
    let mut memory = Memory::default();
    memory.insert("registry.example", password());
    let url = Url::parse("https://r/x?_state=canary-signature&canary").unwrap();
    for shown in [
        format!("{:?} {:?}", password(), token),
        format!("{:?} {memory:?}", Fixed(password())),
        format!("{:?} {:?}", Helpers::new(""), Locations::default()),
        format!("{url:?} {url}"),
        format!("{:?}", UreqTransport::builder()),
    ] {
        assert_silent("debug output", &shown);
    }
}

#[test]
fn debug_output_of_a_request_names_headers_without_values() {
    let url = Url::parse("http://r/x?sig=canary").unwrap();
    let headers = Headers::new().with("Authorization", "Bearer canary");
    let request = Request::new(Method::Post, &url, &headers)
        .with_body(RequestBody::Bytes(b"refresh_token=canary"));

    let seen = format!("{request:?} {headers:?}");

    assert_silent("a request", &seen);
    assert!(seen.contains("Authorization"), "{seen}");
}
