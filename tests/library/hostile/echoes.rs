//! Echoes: servers that repeat received secrets in places that errors and traces quote.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oras::Credential;
use oras::store::Source;

use super::{
    Printed, USER, attacker, basic_registry, client, everything_seen, password, seeded,
    token_registry,
};
use crate::setup::{builder, everything_in, hello, text};
use crate::support::canaries::{Canaries, Canary};
use crate::support::registry::{Fault, TestRegistry, on};

/// All places of a response that can repeat the value of a request header.
fn echoes(name: &str) -> Vec<(&'static str, Fault)> {
    let value = format!("{{header:{name}}}");
    let json = |text: &str| {
        // A value with quotes is escaped in JSON; the echoed body is valid JSON only without
        // quotes.
        format!(
            r#"{{"errors":[{{"code":"{text}","message":"no {text}","detail":{{"a":"{text}"}}}}]}}"#
        )
    };
    let answer = |status: u16| on("*", "/v2/*").status(status);
    vec![
        (
            "the errors of a body",
            answer(403)
                .header("Content-Type", "application/json")
                .body(json(&value)),
        ),
        (
            "the text of a body",
            answer(403)
                .header("Content-Type", "text/plain")
                .body(format!("not with {value}!")),
        ),
        (
            "the title of a page",
            answer(500)
                .header("Content-Type", "text/html")
                .body(format!("<html><title>{value}</title>")),
        ),
        (
            "a refusal of 400",
            answer(400)
                .header("Content-Type", "application/json")
                .body(format!(r#"{{"message":"{value}"}}"#)),
        ),
        (
            "a challenge",
            answer(401)
                .header("WWW-Authenticate", &format!("Negotiate {value}"))
                .body(value.clone()),
        ),
        (
            "a realm",
            answer(401).header(
                "WWW-Authenticate",
                &format!("Bearer realm=\"https://user@auth.invalid/{value}\",error=\"{value}\""),
            ),
        ),
        (
            "a warning",
            on("*", "*").header("Warning", &format!("299 - \"{value}\"")),
        ),
        (
            "other headers that are shown",
            on("*", "*").header("Server", &value).header("ETag", &value),
        ),
        (
            "a Location",
            on("GET", "/v2/*").redirect(307, &format!("/v2/{value}/x")),
        ),
        (
            "a Location that is not valid",
            on("GET", "/v2/*").redirect(307, &format!("http://{value}/x")),
        ),
        (
            "the query of a Location",
            on("GET", "/v2/*").redirect(307, &format!("/v2/x?n={value}&{value}")),
        ),
        (
            "the Location of an upload",
            on("POST", "/v2/*").location(&format!("/v2/{value}?last={value}")),
        ),
        (
            "a Link",
            on("GET", "/v2/a/tags/list").link(&format!("</v2/{value}?last={value}>; rel=\"next\"")),
        ),
        (
            "a digest",
            on("*", "/v2/*").header("Docker-Content-Digest", &value),
        ),
        (
            "a media type",
            on("*", "/v2/*").header("Content-Type", &format!("text/plain; {value}")),
        ),
        (
            "a list of tags",
            on("GET", "/v2/a/tags/list")
                .header("Content-Type", "application/json")
                .body(format!(r#"{{"tags":"{value}"}}"#)),
        ),
    ]
}

#[test]
fn secrets_repeated_by_a_registry_are_redacted() {
    for (credential, header, canary) in [
        (password(), "authorization", Canary::Password),
        (
            Credential::RegistryToken(Canary::AccessToken.value().into()),
            "authorization",
            Canary::AccessToken,
        ),
        (password(), "x-custom", Canary::Header),
    ] {
        for (name, fault) in echoes(header) {
            let registry = basic_or_token(canary);
            registry.inject(fault);
            let printed = Printed::default();
            let client = client(credential.clone(), &printed);
            let name = format!("{canary:?} in {name}");

            let seen = everything_seen(&client, &registry.reference("a"));

            Canaries::in_text(&seen).are_absent(&format!("what is seen of {name}"));
            Canaries::in_text(&printed.text()).are_absent(&format!("the trace of {name}"));
            // The server received the secret; otherwise the check would prove nothing.
            assert!(
                registry
                    .requests()
                    .iter()
                    .any(|request| canary.is_in(request.header(header).unwrap_or_default())),
                "{name}"
            );
            registry.take_unexpected();
        }
    }
}

fn basic_or_token(canary: Canary) -> TestRegistry {
    match canary {
        Canary::AccessToken => token_registry(),
        _ => basic_registry(),
    }
}

/// A custom Authorization header contains a secret, which is redacted as well.
#[test]
fn parts_of_a_custom_authorization_header_are_redacted() {
    let user_and_password = format!("{USER}:{}", Canary::Password.value());
    let basic = format!("Basic {}", STANDARD.encode(user_and_password));
    let bearer = format!("Bearer {}", Canary::AccessToken.value());
    for (authorization, canary) in [(basic, Canary::Password), (bearer, Canary::AccessToken)] {
        let registry = seeded(TestRegistry::start()).with(
            on("*", "/v2/*")
                .status(403)
                .header("Warning", &format!("299 - \"{}\"", canary.value()))
                .header("Content-Type", "text/plain")
                .body(format!("not with {}", canary.value())),
        );
        let warnings = Printed::default();
        let printed = warnings.clone();
        let client = builder()
            .on_warning(move |_, text| writeln!(warnings.clone(), "{text}").unwrap())
            .header("authorization", &authorization)
            .build();

        let seen = everything_seen(&client, &registry.reference("a"));

        assert!(seen.contains("not with *****"), "{seen}");
        Canaries::in_text(&seen).are_absent("what is seen");
        Canaries::in_text(&printed.text()).are_absent("warnings");
    }
}

/// A password may contain a character that ends a path, so that a URL repeats only a part of it.
#[test]
fn parts_of_a_password_in_a_url_are_redacted() {
    let password_in_path = format!("/v2/{}", Canary::Password.value());
    let registry = basic_registry()
        .with(on("GET", "/v2/*").redirect(307, &password_in_path))
        .with(on("POST", "/v2/*").location(&password_in_path));
    let printed = Printed::default();

    let seen = everything_seen(&client(password(), &printed), &registry.reference("a"));

    let shown = seen + &printed.text();
    assert!(shown.contains("/v2/*****"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    registry.take_unexpected();
}

#[test]
fn secrets_repeated_by_a_token_service_are_redacted() {
    for (credential, canary) in [
        (password(), Canary::Password),
        (
            Credential::IdentityToken(Canary::IdentityToken.value().into()),
            Canary::IdentityToken,
        ),
    ] {
        for (body, content_type) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"not {secret}"}]}"#.to_owned(),
                "application/json",
            ),
            ("no: {secret}".to_owned(), "text/plain"),
            (r#""{secret}""#.to_owned(), "application/json"),
            (
                r#"{"expires_in":"{secret}"}"#.to_owned(),
                "application/json",
            ),
            (r#"["{secret}"]"#.to_owned(), "application/json"),
        ] {
            for status in [200, 401] {
                let body = body.replace("{secret}", canary.value());
                let registry = token_registry().with(
                    on("*", "/token")
                        .status(status)
                        .header("Content-Type", content_type)
                        .body(body.clone()),
                );
                let printed = Printed::default();
                let client = client(credential.clone(), &printed);

                let seen = everything_seen(&client, &registry.reference("a"));

                Canaries::in_text(&seen).are_absent(&format!("what is seen of {body}"));
                Canaries::in_text(&printed.text()).are_absent(&format!("the trace of {body}"));
                assert!(!seen.contains("fine"), "{seen}");
            }
        }
    }
}

#[test]
fn a_secret_repeated_in_a_later_response_is_redacted() {
    let registry = basic_registry();
    let printed = Printed::default();
    let client = client(password(), &printed);
    let repository = client.repository(&registry.reference("a")).unwrap();
    repository.fetch(&hello()).unwrap();
    // The secret is not in this request, but was sent before.
    let basic = registry
        .requests()
        .iter()
        .find_map(|request| request.header("Authorization").map(str::to_owned))
        .unwrap();
    let storage = TestRegistry::start().with(
        on("GET", "*")
            .status(403)
            .header("Content-Type", "text/plain")
            .body(format!(
                "signed for {basic} and {}",
                Canary::Password.value()
            )),
    );
    registry.inject(on("GET", "*").redirect_to(&storage));

    let error = repository.fetch(&hello()).map(drop).unwrap_err();

    assert!(
        text(&error).ends_with("403: Forbidden: signed for Basic ***** and *****"),
        "{}",
        text(&error)
    );
    Canaries::in_text(&everything_in(&error)).are_absent("the error");
    Canaries::in_text(&printed.text()).are_absent("the trace");
}

#[test]
fn a_url_that_repeats_a_secret_is_requested_only_at_the_registry() {
    let attacker = attacker();
    let url = attacker.url();
    for (name, fault) in [
        (
            "a redirect",
            on("GET", "/v2/*").redirect(307, &format!("{url}/{{header:authorization}}")),
        ),
        (
            "the query of a redirect",
            on("GET", "/v2/*").redirect(307, &format!("{url}/?a={{header:authorization}}")),
        ),
        (
            "an upload",
            on("POST", "/v2/*").location(&format!("{url}/{{header:authorization}}")),
        ),
        (
            "a token service",
            on("GET", "/v2/*").status(401).header(
                "WWW-Authenticate",
                &format!("Bearer realm=\"{url}/{{header:authorization}}\""),
            ),
        ),
    ] {
        let registry = basic_registry().with(fault);
        let printed = Printed::default();
        let client = client(password(), &printed);

        let seen = everything_seen(&client, &registry.reference("a"));

        assert_eq!(attacker.log(), [""; 0], "{name}");
        assert!(
            seen.contains("the address repeats a secret"),
            "{name}: {seen}"
        );
        Canaries::in_text(&seen).are_absent(name);
        Canaries::in_text(&printed.text()).are_absent(name);
        registry.take_unexpected();
    }
}

#[test]
fn urls_quoted_by_a_server_are_printed_without_secrets() {
    let signature = Canary::Signature.value();
    for message in [
        format!("get https://s3.invalid/x?X-Amz-Signature={signature}: denied"),
        format!("get https://s3.invalid/x?{signature}"),
        format!("https://me:{signature}@s3.invalid/"),
        format!("see </x?_state={signature}>, <https://x.invalid/#{signature}>"),
    ] {
        let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"{message}"}}]}}"#);
        let registry = seeded(TestRegistry::start()).with(
            on("*", "/v2/*")
                .status(403)
                .header("Content-Type", "application/json")
                .header("Warning", &format!("299 - \"{message}\""))
                .body(body),
        );
        let printed = Printed::default();

        let seen = everything_seen(&client(password(), &printed), &registry.reference("a"));

        assert!(seen.contains("denied"), "{seen}");
        Canaries::in_text(&seen).are_absent(&message);
        Canaries::in_text(&printed.text()).are_absent(&message);
    }
}
