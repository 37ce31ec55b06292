//! Requests for extensions of a registry: authenticated, and with secrets that stay there.

use oras::credentials::Fixed;
use oras::http::Method;
use oras::registry::Client;
use oras::{Credential, Error};

use crate::setup::{builder, client};
use crate::support::registry::{Bearer, TestRegistry, on};

fn token_registry() -> TestRegistry {
    TestRegistry::start().with_tokens(Bearer::new().user("me", "c4nary"))
}

fn me() -> Client {
    builder()
        .credentials(Fixed(Credential::password("me", "c4nary")))
        .header("X-Client", "c4nary")
        .build()
}

fn request(registry: &TestRegistry, method: Method, path: &str) -> (u16, String) {
    let name = registry.host().parse().unwrap();
    let response = me()
        .request(&name, method, path)
        .unwrap()
        .header("X-Request", "c4nary")
        .header("accept", "text/plain")
        .scopes("repository:a:delete")
        .body(if method == Method::Post {
            b"question"
        } else {
            b""
        })
        .send()
        .unwrap();
    let body = std::io::read_to_string(response.body).unwrap();
    (response.status, body)
}

#[test]
fn a_request_has_a_token_of_its_scopes_and_its_own_headers_and_body() {
    let answer = on("POST", "/v2/a/*").status(418).body("answer");
    let registry = token_registry().with(answer);

    let got = request(&registry, Method::Post, "/v2/a/blobs/uploads/?x=1");

    assert_eq!(got, (418, "answer".to_owned()));
    let requests = registry.requests();
    let [first, token, last] = &requests[..] else {
        panic!("{:?}", registry.log())
    };
    let uploads = "POST /v2/a/blobs/uploads/?x=1";
    assert_eq!(first.line(), format!("{uploads} (no authorization)"));
    assert_eq!(last.line(), format!("{uploads} (bearer)"));
    let token_line = token.line();
    assert!(
        token_line.starts_with("GET /token?scope=repository:a:delete"),
        "{token_line}"
    );
    assert!(token_line.ends_with("(basic)"), "{token_line}");
    for request in [first, last] {
        assert_eq!(request.body, b"question");
        assert_eq!(request.header("X-Request"), Some("c4nary"));
        assert_eq!(request.header("X-Client"), Some("c4nary"));
        assert_eq!(request.header("Accept"), Some("text/plain"));
    }
    assert_eq!(token.header("X-Request"), None);
}

#[test]
fn secrets_of_a_request_stay_at_the_registry() {
    let other = TestRegistry::start().with(on("GET", "*").status(200).body("answer"));
    let to_other = on("GET", "/v2/a/*").redirect(307, &format!("{}/there", other.url()));
    let registry = token_registry().with(to_other);

    let got = request(&registry, Method::Get, "/v2/a/tags/list");

    assert_eq!(got, (200, "answer".to_owned()));
    let requests = other.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].line(), "GET /there (no authorization)");
    assert_eq!(requests[0].header("Accept"), Some("text/plain"));
    let shown = format!("{requests:?}");
    assert!(!shown.contains("c4nary"), "{shown}");
}

#[test]
fn the_body_of_a_request_stays_at_the_registry() {
    let other = TestRegistry::start().with(on("GET", "*").status(200).body("answer"));
    let to_other = on("GET", "*").redirect(307, &format!("{}/there", other.url()));
    let registry = TestRegistry::start().with(to_other);
    let name = registry.host().parse().unwrap();

    let sent = me()
        .request(&name, Method::Get, "/v2/a/search")
        .unwrap()
        .body(b"c4nary")
        .send();

    let error = sent.unwrap_err().to_string();
    assert!(error.contains("content to another host"), "{error}");
    assert!(other.requests().is_empty());
}

#[test]
fn a_request_is_retried() {
    let busy = on("GET", "*").status(503).nth(1);
    let registry = TestRegistry::start().with(busy);
    let name = registry.host().parse().unwrap();

    let request = client().request(&name, Method::Get, "/v2/").unwrap();

    assert_eq!(request.send().unwrap().status, 200);
    assert_eq!(registry.log().len(), 2);
}

#[test]
fn a_path_stays_at_the_registry() {
    let name = "localhost:5000".parse().unwrap();
    for path in [
        "",
        "v2/",
        "@other.example/",
        ":80/",
        "https://other.example/",
    ] {
        let error = client().request(&name, Method::Get, path).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{path:?} {error}");
    }
}
