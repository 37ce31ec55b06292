//! Uploads and pages: content may be sent to a storage host, without secrets; pages come from the
//! registry only.

use std::ops::ControlFlow;

use oras::Result;
use oras::registry::Client;
use oras::store::{Pushed, TagLister, Target};

use super::{Printed, attacker, client, everything_seen, password, token_registry};
use crate::setup::{everything_in, hello, text};
use crate::support::canaries::{Canaries, Canary};
use crate::support::registry::{Mount, RegistryProfile, TestRegistry, on};

fn push(client: &Client, registry: &TestRegistry) -> Result<Pushed> {
    let repository = client.repository(&registry.reference("new"))?;
    repository.push(&hello(), &mut &b"hello"[..])
}

fn list(client: &Client, registry: &TestRegistry) -> Result<Vec<String>> {
    let repository = client.repository(&registry.reference("a"))?;
    let mut tags = Vec::new();
    repository.tags(None, &mut |page| {
        tags.extend_from_slice(page);
        ControlFlow::Continue(())
    })?;
    Ok(tags)
}

#[test]
fn a_storage_host_gets_the_content_and_only_its_own_secret() {
    for mount in [Mount::Checked, Mount::Ignored, Mount::Refused(405)] {
        let storage = TestRegistry::start().with(on("PUT", "*").status(201));
        let registry = token_registry();
        registry.change(RegistryProfile {
            mount,
            ..RegistryProfile::default()
        });
        let location = format!("{}/upload?sig={}", storage.url(), Canary::Signature.value());
        registry.inject(on("POST", "*").location(&location));
        let printed = Printed::default();

        push(&client(password(), &printed), &registry).unwrap();

        let requests = storage.requests();
        assert_eq!(requests.len(), 1, "{mount:?}");
        assert_eq!(requests[0].body, b"hello");
        Canaries::sent_to(&storage).are(&[Canary::Signature], "the storage");
        Canaries::sent_to(&registry).are(
            &[Canary::Password, Canary::AccessToken, Canary::Header],
            "the registry",
        );
        Canaries::in_text(&printed.text()).are_absent("the trace");
    }
}

#[test]
fn a_challenge_of_a_storage_host_is_not_answered() {
    let storage = attacker();
    let registry = token_registry().with(on("POST", "*").location_at(&storage));
    let printed = Printed::default();

    let error = push(&client(password(), &printed), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert!(!storage.log().is_empty());
    for request in storage.requests() {
        assert_eq!(request.method, "PUT");
    }
    Canaries::sent_to(&storage).are_absent("the storage");
    Canaries::in_text(&everything_in(&error)).are_absent("the error");
    storage.take_unexpected();
}

#[test]
fn a_storage_host_cannot_redirect_the_content() {
    for status in [301, 302, 303, 307, 308] {
        let attacker = attacker();
        let storage = TestRegistry::start().with(on("PUT", "*").redirect(status, &attacker.url()));
        let registry = token_registry();
        registry.inject(on("POST", "*").location_at(&storage));

        push(&client(password(), &Printed::default()), &registry).unwrap_err();

        assert_eq!(attacker.log(), [""; 0], "{status}");
        Canaries::sent_to(&storage).are_absent("the storage");
        storage.take_unexpected();
    }
}

#[test]
fn a_storage_host_cannot_redirect_a_write_to_the_registry() {
    let storage = TestRegistry::start();
    let registry = token_registry();
    let home = format!("{}/v2/a/blobs/uploads/stolen", registry.url());
    storage.inject(on("PUT", "*").redirect(307, &home));
    registry.inject(on("POST", "*").location_at(&storage));

    push(&client(password(), &Printed::default()), &registry).unwrap_err();

    for request in registry.requests() {
        assert_ne!(request.method, "PUT", "{}", request.line());
    }
}

#[test]
fn a_page_at_another_origin_is_not_requested() {
    let elsewhere = attacker();
    let registry = token_registry();
    registry.seed_artifact("a", "v2", &[("other.txt", b"other")]);
    registry.change(RegistryProfile {
        page_size: Some(1),
        ..RegistryProfile::default()
    });
    registry.inject(on("GET", "/v2/a/tags/list").link_at(&elsewhere));
    let printed = Printed::default();
    let client = client(password(), &printed);

    list(&client, &registry).unwrap_err();
    let seen = everything_seen(&client, &registry.reference("a"));

    assert_eq!(elsewhere.log(), [""; 0]);
    Canaries::in_text(&(seen + &printed.text())).are_absent("what is shown");
}

#[test]
fn a_redirect_target_cannot_name_the_next_page_of_the_registry() {
    let registry = token_registry();
    let next = format!("<{}/v2/a/blobs/stolen>; rel=\"next\"", registry.url());
    let stranger = TestRegistry::start().with(
        on("GET", "*")
            .status(200)
            .header("Content-Type", "application/json")
            .link(&next)
            .body(r#"{"name":"a","tags":["v1"]}"#),
    );
    registry.inject(on("GET", "/v2/a/tags/list").redirect_to(&stranger));

    let error = list(&client(password(), &Printed::default()), &registry).unwrap_err();

    assert!(
        text(&error).ends_with("another host says where the next page is"),
        "{}",
        text(&error)
    );
    assert!(!registry.log().iter().any(|line| line.contains("stolen")));
    Canaries::sent_to(&stranger).are_absent("the stranger");
}
