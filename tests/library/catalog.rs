//! Listing the repositories of a registry: page after page, as tags are.

use std::ops::ControlFlow;

use oras::reference::RegistryName;
use oras::registry::Client;
use oras::{Error, Result};

use crate::setup::{client, text};
use crate::support::registry::{Bearer, RegistryProfile, TestRegistry, on};

/// A registry with the repositories `a` to `e`, two to a page.
fn registry() -> TestRegistry {
    let registry = TestRegistry::start_as(RegistryProfile {
        page_size: Some(2),
        ..RegistryProfile::default()
    });
    for name in ["a", "b/one", "b/two", "c", "d"] {
        registry.seed_repository(name);
    }
    registry
}

fn name(registry: &TestRegistry) -> RegistryName {
    registry.host().parse().unwrap()
}

fn pages(client: &Client, registry: &TestRegistry, last: Option<&str>) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    client.repositories(&name(registry), last, &mut |page| {
        pages.push(page.join(" "));
        ControlFlow::Continue(())
    })?;
    Ok(pages)
}

#[test]
fn pages_are_followed_to_the_last() {
    let registry = registry();

    let pages = pages(&client(), &registry, None).unwrap();

    assert_eq!(pages, ["a b/one", "b/two c", "d"]);
    assert_eq!(
        registry.log(),
        [
            "GET /v2/_catalog (no authorization)",
            "GET /v2/_catalog?last=b/one (no authorization)",
            "GET /v2/_catalog?last=c (no authorization)",
        ]
    );
}

#[test]
fn the_catalog_begins_after_the_last_name() {
    let registry = registry();

    let pages = pages(&client(), &registry, Some("b/two")).unwrap();

    assert_eq!(pages, ["c d"]);
    assert_eq!(
        registry.log(),
        ["GET /v2/_catalog?last=b/two (no authorization)"]
    );
}

#[test]
fn a_visitor_that_breaks_ends_the_requests() {
    let registry = registry();

    client()
        .repositories(&name(&registry), None, &mut |_| ControlFlow::Break(()))
        .unwrap();

    assert_eq!(registry.log().len(), 1);
}

#[test]
fn no_repositories_means_no_call_of_the_visitor() {
    for body in [r#"{"repositories":null}"#, r#"{"repositories":[]}"#, r"{}"] {
        let registry = registry().with(on("GET", "*").body(body).without_header("Link"));

        assert!(pages(&client(), &registry, None).unwrap().is_empty());
    }
}

#[test]
fn the_token_is_for_the_catalog_alone() {
    let registry = registry()
        .with_tokens(Bearer::new().anonymous(&["registry:catalog:*", "repository:*:pull"]));

    let pages = pages(&client(), &registry, None).unwrap();

    assert_eq!(pages.len(), 3);
    let log = registry.log();
    let asked: Vec<_> = log.iter().filter(|line| line.contains("/token")).collect();
    let [asked] = asked[..] else {
        panic!("not one token: {log:?}");
    };
    assert!(
        asked.starts_with("GET /token?scope=registry:catalog:%2A&service="),
        "{asked}"
    );
}

#[test]
fn catalog_pages_must_stay_at_the_origin_and_not_loop() {
    let elsewhere = TestRegistry::start();
    let circle = "</v2/_catalog>; rel=\"next\"";
    for (fault, wanted) in [
        (
            on("GET", "*").link_at(&elsewhere),
            "the next page is at another host",
        ),
        (on("GET", "*").link(circle), "the pages go in a circle"),
    ] {
        let registry = registry().with(fault);

        let error = pages(&client(), &registry, None).unwrap_err();

        assert!(text(&error).contains(wanted), "{}", text(&error));
    }
    assert!(elsewhere.log().is_empty());
}

#[test]
fn a_page_has_a_limit() {
    let registry = registry().with(on("GET", "*").endless_body());

    let error = pages(&client(), &registry, None).unwrap_err();

    assert!(matches!(error, Error::TooLarge { .. }), "{}", text(&error));
}

#[test]
fn an_invalid_catalog_is_an_error_that_names_it() {
    let registry = registry().with(on("GET", "*").html_page());

    let error = pages(&client(), &registry, None).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/_catalog\": the answer is a web page, not a list of repositories",
            registry.url()
        )
    );
}

#[test]
fn a_missing_catalog_is_reported_with_the_message_of_the_registry() {
    let registry = TestRegistry::start_as(RegistryProfile::ghcr());

    let error = pages(&client(), &registry, None).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/_catalog\": response status code 404: unsupported: no catalog",
            registry.url()
        )
    );
}
