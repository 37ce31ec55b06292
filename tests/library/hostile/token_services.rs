//! Token services: receivers of the password, the identity token and the access token.

use oras::store::Source;
use oras::{Credential, Error, Result};

use super::{
    Printed, USER, attacker, basic_registry, bearer, client, everything_seen, password, seeded,
    token_registry,
};
use crate::setup::{everything_in, hello, text};
use crate::support::canaries::{Canaries, Canary};
use crate::support::registry::{Bearer, TestRegistry, on};

fn identity() -> Credential {
    Credential::IdentityToken(Canary::IdentityToken.value().into())
}

fn pull(credential: Credential, registry: &TestRegistry) -> Result<Vec<u8>> {
    let client = client(credential, &Printed::default());
    let repository = client.repository(&registry.reference("a"))?;
    repository.fetch(&hello())?.read_all(5)
}

#[test]
fn a_token_service_at_another_origin_gets_the_credential_and_nothing_else() {
    for (credential, rightful) in [
        (password(), Canary::Password),
        (identity(), Canary::IdentityToken),
    ] {
        let service = TestRegistry::start();
        let registry = seeded(TestRegistry::start().with_tokens(bearer().at(&service)));

        assert_eq!(pull(credential, &registry).unwrap(), b"hello");

        Canaries::sent_to(&service).are(&[rightful], "the service");
        Canaries::sent_to(&registry).are(&[Canary::AccessToken, Canary::Header], "the registry");
    }
}

#[test]
fn credentials_are_sent_only_after_a_challenge() {
    let open = seeded(TestRegistry::start());
    let basic = basic_registry();
    let tokens = token_registry();
    for registry in [&open, &basic, &tokens] {
        pull(password(), registry).unwrap();

        let first = &registry.requests()[0];
        Canaries::in_request(first).are(&[Canary::Header], &first.line());
    }
    Canaries::sent_to(&open).are(&[Canary::Header], "the open registry");
    Canaries::sent_to(&basic).are(&[Canary::Header, Canary::Password], "the one of passwords");
    // The challenge applies to the other repository only.
    let challenge = on("GET", "*").header("WWW-Authenticate", "Basic realm=\"x\"");
    open.inject(challenge);
    pull(password(), &open).unwrap();
    Canaries::sent_to(&open).are(&[Canary::Header], "the open registry");
}

#[test]
fn a_registry_token_is_sent_to_no_token_service() {
    let service = attacker();
    let registry = seeded(TestRegistry::start().with_tokens(bearer().at(&service)));
    let credential = Credential::RegistryToken(Canary::AccessToken.value().into());

    assert_eq!(pull(credential, &registry).unwrap(), b"hello");

    assert_eq!(service.log(), [""; 0]);
    Canaries::sent_to(&registry).are(&[Canary::AccessToken, Canary::Header], "the registry");
}

#[test]
fn a_redirected_token_request_carries_no_password() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = attacker();
        let moved = format!("{}/token", elsewhere.url());
        let registry = token_registry().with(on("GET", "/token").redirect(status, &moved));

        let error = pull(password(), &registry).unwrap_err();

        assert!(matches!(error.root(), Error::Refused(_)), "{error:?}");
        assert_eq!(elsewhere.log(), ["GET /token (no authorization)"]);
        Canaries::sent_to(&elsewhere).are_absent("where it moved to");
        Canaries::sent_to(&registry).are(&[Canary::Header, Canary::Password], "the service");
    }
}

#[test]
fn a_token_request_redirected_back_carries_no_password() {
    let elsewhere = TestRegistry::start();
    let registry = token_registry();
    let back = format!("{}/token?back", registry.url());
    elsewhere.inject(on("GET", "*").redirect(302, &back));
    registry.inject(on("GET", "/token").redirect_to(&elsewhere).times(1));

    // This service also issues tokens to anonymous requests.
    let _ = pull(password(), &registry);

    let requests = registry.requests();
    let back = requests
        .iter()
        .find(|request| request.target.ends_with("?back"))
        .unwrap();
    Canaries::in_request(back).are_absent("the request that was sent back");
    Canaries::sent_to(&elsewhere).are_absent("the one in between");
}

#[test]
fn a_form_is_not_posted_to_a_redirect_target() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = attacker();
        let moved = format!("{}/token", elsewhere.url());
        let registry = token_registry().with(on("POST", "/token").redirect(status, &moved));

        let error = pull(identity(), &registry).unwrap_err();

        if status >= 307 {
            assert_eq!(
                text(&error),
                format!(
                    "POST \"{}/token\": refusing to follow the redirect to \"{moved}\": it would send content to another host",
                    registry.url(),
                )
            );
        }
        assert_eq!(elsewhere.log(), [""; 0], "{status}");
        Canaries::in_text(&everything_in(&error)).are_absent("the error");
        Canaries::sent_to(&registry).are(&[Canary::Header, Canary::IdentityToken], "the service");
    }
}

#[test]
fn a_secret_in_a_realm_is_sent_to_that_service_only() {
    let service = TestRegistry::start();
    let realm = format!(
        "Bearer realm=\"{{realm}}?key={}\",service=\"{{service}}\",scope=\"{{scope}}\"",
        Canary::Signature.value()
    );
    let registry =
        seeded(TestRegistry::start().with_tokens(bearer().challenge(&realm).at(&service)));
    let printed = Printed::default();
    let client = client(password(), &printed);

    let seen = everything_seen(&client, &registry.reference("a"));
    service.inject(on("GET", "/token").body("{}"));
    registry.revoke_tokens();
    let failing = everything_seen(
        &super::client(password(), &printed),
        &registry.reference("a"),
    );

    Canaries::sent_to(&service).are(&[Canary::Signature, Canary::Password], "the service");
    Canaries::sent_to(&registry).are(&[Canary::AccessToken, Canary::Header], "the registry");
    for shown in [seen, failing, printed.text()] {
        Canaries::in_text(&shown).are_absent("what is shown");
        assert!(
            shown.contains("key=REDACTED") || !shown.contains("key="),
            "{shown}"
        );
    }
}

#[test]
fn a_token_is_sent_only_to_its_registry() {
    let first = token_registry();
    let second = seeded(TestRegistry::start().with_tokens(Bearer::new().user(USER, "another")));
    let client = client(password(), &Printed::default());
    for registry in [&first, &second] {
        let repository = client.repository(&registry.reference("a")).unwrap();
        let _ = repository.fetch(&hello());
    }

    Canaries::sent_to(&first).are(
        &[Canary::Password, Canary::AccessToken, Canary::Header],
        "the first",
    );
    // The credential is valid for all registries; the token is not.
    Canaries::sent_to(&second).are(&[Canary::Password, Canary::Header], "the second");
}
