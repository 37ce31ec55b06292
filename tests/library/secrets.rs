//! Canaries: secrets that must not turn up in an error, in debug output or in a trace, whatever goes wrong.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use oras::credential::Credential;
use oras::credentials::Fixed;
use oras::registry::Client;
use oras::store::{Source, TagLister, Target};
use oras::transport::{Headers, Method, Request, RequestBody, Traced, UreqTransport};
use oras::url::Url;

use crate::setup::{builder, everything_in, hello};
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, Fault, TestRegistry, on};

/// In every secret here, and in its encodings: Basic encodes `me:canary-password` as `bWU6Y2FuYXJ5…`.
const CANARIES: [&str; 2] = ["canary", "Y2FuYXJ5"];

/// A place to write to that the test can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn client(credential: Credential, trace: &Shared) -> Client {
    builder()
        .transport(Traced::new(
            UreqTransport::new(),
            trace.clone(),
            FakeClock::new(),
        ))
        .credentials(Fixed(credential))
        .header("X-Secret", "canary-header")
        .build()
}

/// Does everything a client does, and returns all that could be seen of it.
fn everything_seen(client: &Client, registry: &TestRegistry) -> String {
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut seen = format!("{client:?} {repository:?}");
    let results = [
        repository.resolve("v1").map(drop),
        repository.exists(&hello()).map(drop),
        repository
            .fetch(&hello())
            .and_then(|reader| reader.read_all(5))
            .map(drop),
        repository.push(&hello(), &mut &b"hello"[..]).map(drop),
        repository.tags(None, &mut |_| std::ops::ControlFlow::Continue(())),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        seen.push_str(&everything_in(&error));
    }
    seen
}

#[track_caller]
fn assert_silent(name: &str, seen: &str) {
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
fn no_secret_of_a_password_login_is_ever_shown() {
    for (name, faults) in faults() {
        let registry = TestRegistry::start().with_tokens(
            Bearer::new()
                .user("me", "canary-password")
                .token("canary-token"),
        );
        registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
        for fault in faults {
            registry.inject(fault);
        }
        let trace = Shared::default();
        let client = client(Credential::password("me", "canary-password"), &trace);

        let seen = everything_seen(&client, &registry);

        assert_silent(name, &seen);
        assert_silent(&format!("the trace of {name}"), &trace.text());
        assert!(!trace.text().is_empty());
    }
}

#[test]
fn no_other_kind_of_credential_is_ever_shown_either() {
    for credential in [
        Credential::IdentityToken("canary-identity".into()),
        Credential::RegistryToken("canary-registry-token".into()),
    ] {
        let registry = TestRegistry::start().with_tokens(
            Bearer::new()
                .user("me", "secret")
                .identity_token("canary-identity"),
        );
        let trace = Shared::default();
        let name = format!("{credential:?}");
        let client = client(credential, &trace);

        let seen = everything_seen(&client, &registry);

        assert_silent(&name, &name);
        assert_silent(&name, &seen);
        assert_silent(&name, &trace.text());
    }
}

#[test]
fn a_basic_login_is_never_shown() {
    for password in ["canary-password", "wrong-canary"] {
        let registry = TestRegistry::requiring_basic("me", "canary-password");
        let trace = Shared::default();
        let client = client(Credential::password("me", password), &trace);

        let seen = everything_seen(&client, &registry);

        assert_silent("a basic login", &seen);
        assert_silent("its trace", &trace.text());
    }
}

#[test]
fn the_debug_output_of_a_request_names_its_headers_and_keeps_their_values() {
    let url = Url::parse("http://r/x?sig=canary").unwrap();
    let headers = Headers::new().with("Authorization", "Bearer canary");
    let request = Request {
        method: Method::Post,
        url: &url,
        headers: &headers,
        body: RequestBody::Bytes(b"refresh_token=canary"),
        patience: std::time::Duration::ZERO,
        trust: oras::auth::Trust::Full,
    };

    let seen = format!("{request:?} {headers:?}");

    assert_silent("a request", &seen);
    assert!(seen.contains("Authorization"), "{seen}");
}
