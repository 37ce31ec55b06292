//! Redirects: secrets stay at the registry, whatever the redirect target requests.

use std::collections::BTreeSet;

use oras::registry::Client;
use oras::store::Source;
use oras::{Credential, Result};

use super::{Printed, attacker, basic_registry, client, everything_seen, password, token_registry};
use crate::setup::{HELLO, everything_in, hello, text};
use crate::support::canaries::{Canaries, Canary};
use crate::support::registry::{Fault, TestRegistry, on};

fn pull(client: &Client, registry: &TestRegistry) -> Result<Vec<u8>> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.fetch(&hello())?.read_all(5)
}

/// All redirects to `there`, and the requests that follow them.
fn redirects(there: &TestRegistry) -> Vec<(String, Vec<Fault>, &'static [&'static str])> {
    let mut all = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        let to = |method: &str, path: &str| {
            on(method, path).redirect(status, &format!("{}/stolen?from={method}", there.url()))
        };
        all.push((
            format!("{status} of every read"),
            vec![to("GET", "/v2/*"), to("HEAD", "/v2/*")],
            // The redirect itself answers a HEAD request for a blob.
            &["GET", "HEAD"][..],
        ));
        all.push((
            format!("{status} of opening an upload"),
            vec![to("POST", "/v2/*")],
            &[],
        ));
        all.push((
            format!("{status} of every write"),
            vec![to("PUT", "/v2/*")],
            &[],
        ));
    }
    all
}

#[test]
fn no_redirect_carries_a_secret_to_another_origin() {
    for (credential, of_basic) in [
        (password(), true),
        (password(), false),
        (
            Credential::IdentityToken(Canary::IdentityToken.value().into()),
            false,
        ),
        (
            Credential::RegistryToken(Canary::AccessToken.value().into()),
            false,
        ),
    ] {
        let attacker = attacker();
        for (name, faults, methods) in redirects(&attacker) {
            let registry = if of_basic {
                basic_registry()
            } else {
                token_registry()
            };
            for fault in faults {
                registry.inject(fault);
            }
            attacker.clear_log();
            let printed = Printed::default();
            let client = client(credential.clone(), &printed);
            let name = format!("{credential:?}, {name}");

            let seen = everything_seen(&client, &registry.reference("a"));

            let came: BTreeSet<_> = attacker
                .requests()
                .into_iter()
                .map(|request| request.method)
                .collect();
            assert!(
                came.iter().eq(methods),
                "{name}: {:#?}\n{seen}",
                attacker.log()
            );
            Canaries::sent_to(&attacker).are_absent(&format!("the attacker of {name}"));
            Canaries::in_text(&seen).are_absent(&format!("what is seen of {name}"));
            Canaries::in_text(&printed.text()).are_absent(&format!("the trace of {name}"));
            let rightful: &[Canary] = match (&credential, of_basic) {
                (_, true) => &[Canary::Header, Canary::Password],
                (Credential::Password { .. }, _) => {
                    &[Canary::Header, Canary::Password, Canary::AccessToken]
                }
                (Credential::IdentityToken(_), _) => {
                    &[Canary::Header, Canary::IdentityToken, Canary::AccessToken]
                }
                _ => &[Canary::Header, Canary::AccessToken],
            };
            Canaries::sent_to(&registry).are(rightful, &format!("the registry of {name}"));
        }
        attacker.take_unexpected();
    }
}

#[test]
fn a_redirect_target_with_a_bearer_challenge_gets_no_credential() {
    let evil = TestRegistry::start();
    let cdn = TestRegistry::start();
    let challenge = format!("Bearer realm=\"{}/token\",service=\"x\"", evil.url());
    cdn.inject(
        on("GET", "*")
            .status(401)
            .header("WWW-Authenticate", &challenge),
    );
    let registry = TestRegistry::start().with(on("GET", "/v2/a/blobs/*").redirect_to(&cdn));
    registry.seed_blob("a", b"hello");
    let client = client(password(), &Printed::default());

    let error = pull(&client, &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert!(evil.log().is_empty(), "{:?}", evil.log());
    assert_eq!(
        cdn.log(),
        [format!("GET /v2/a/blobs/{HELLO} (no authorization)")]
    );
    // The token service of the redirect target is not cached as that of the registry.
    let _ = client
        .repository(&registry.reference("a"))
        .unwrap()
        .resolve("v1");
    assert!(evil.log().is_empty(), "{:?}", evil.log());
}

#[test]
fn a_challenge_of_a_redirected_probe_is_ignored() {
    let evil = attacker();
    // After a 401 without a challenge, the client requests `/v2/` to get one.
    let registry = TestRegistry::start()
        .with(on("GET", "/v2/").redirect(307, &format!("{}/v2/", evil.url())))
        .with(on("GET", "/v2/a/*").error(401, "UNAUTHORIZED", "authentication required"));
    let client = client(password(), &Printed::default());

    let error = pull(&client, &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(evil.log(), ["GET /v2/ (no authorization)"]);
    Canaries::sent_to(&registry).are(&[Canary::Header], "the registry");
}

/// CVE-2024-45336: a secret that was removed on the first hop is not sent again if a later hop
/// returns.
#[test]
fn a_redirect_back_to_the_registry_carries_no_secret() {
    let cdn = TestRegistry::start();
    let second = TestRegistry::start();
    let registry = token_registry();
    let home = format!("{}/v2/b/blobs/{HELLO}", registry.url());
    second.inject(on("GET", "*").redirect(307, &home));
    cdn.inject(on("GET", "*").redirect_to(&second));
    registry.inject(on("GET", "/v2/a/blobs/*").redirect_to(&cdn));
    registry.seed_blob("b", b"hello");
    let client = client(password(), &Printed::default());

    let error = pull(&client, &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    let requests = registry.requests();
    let [.., there, back] = &requests[..] else {
        panic!("{:#?}", registry.log())
    };
    assert_eq!(
        back.line(),
        format!("GET /v2/b/blobs/{HELLO} (no authorization)")
    );
    Canaries::in_request(back).are_absent("the request that was sent home");
    Canaries::in_request(there).are(
        &[Canary::AccessToken, Canary::Header],
        "the one that was sent away",
    );
    for stranger in [&cdn, &second] {
        assert_eq!(stranger.log().len(), 1);
        Canaries::sent_to(stranger).are_absent("a stranger");
    }
}

#[test]
fn a_redirect_within_the_registry_keeps_its_secrets() {
    let registry = basic_registry()
        .with(on("GET", "/v2/a/blobs/*").redirect(307, &format!("/v2/b/blobs/{HELLO}")));
    registry.seed_blob("b", b"hello");
    let client = client(password(), &Printed::default());

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");

    let last = registry.requests().pop().unwrap();
    assert_eq!(last.line(), format!("GET /v2/b/blobs/{HELLO} (basic)"));
    Canaries::in_request(&last).are(&[Canary::Password, Canary::Header], "the registry");
}

#[test]
fn another_port_or_another_name_is_another_origin() {
    let cdn = TestRegistry::start();
    cdn.seed_blob("a", b"hello");
    // The same machine under another name and at another port.
    let port = cdn.host().split_once(':').unwrap().1.to_owned();
    for location in [
        format!("http://localhost:{port}/v2/a/blobs/{HELLO}"),
        format!("http://127.0.0.1:{port}/v2/a/blobs/{HELLO}"),
        format!("//127.0.0.1:{port}/v2/a/blobs/{HELLO}"),
    ] {
        let registry = basic_registry().with(on("GET", "*").redirect(302, &location));
        cdn.clear_log();

        let pulled = pull(&client(password(), &Printed::default()), &registry);

        assert_eq!(pulled.unwrap(), b"hello", "{location}");
        assert_eq!(cdn.log().len(), 1, "{location}");
        Canaries::sent_to(&cdn).are_absent(&location);
    }
}

#[test]
fn a_challenge_of_another_origin_is_not_answered() {
    let cdn = basic_registry();
    let registry = TestRegistry::start().with(on("GET", "*").redirect_to(&cdn));

    let error = pull(&client(password(), &Printed::default()), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/a/blobs/{HELLO}\": response status code 401: unauthorized: authentication required",
            cdn.url()
        )
    );
    assert_eq!(
        cdn.log(),
        [format!("GET /v2/a/blobs/{HELLO} (no authorization)")]
    );
}

#[test]
fn only_the_storage_receives_the_signature_of_its_url() {
    let storage = TestRegistry::start();
    storage.seed_blob("a", b"hello");
    let signed = format!(
        "{}/v2/a/blobs/{HELLO}?X-Amz-Signature={}",
        storage.url(),
        Canary::Signature.value()
    );
    let registry = token_registry().with(on("GET", "/v2/a/blobs/*").redirect(307, &signed));
    let printed = Printed::default();
    let client = client(password(), &printed);

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");

    Canaries::sent_to(&storage).are(&[Canary::Signature], "the storage");
    Canaries::sent_to(&registry).are(
        &[Canary::Password, Canary::AccessToken, Canary::Header],
        "the registry",
    );
    Canaries::in_text(&printed.text()).are_absent("the trace");
    assert!(printed.text().contains("?X-Amz-Signature=REDACTED"));
    // Also if the storage fails.
    storage.inject(on("GET", "*").close());
    let error = pull(&client, &registry).unwrap_err();
    Canaries::in_text(&everything_in(&error)).are_absent("the error");
    assert!(text(&error).contains("?X-Amz-Signature=REDACTED"));
}
