//! Listing tags: page after page, as long as they go forward and stay at home.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use oras::Result;
use oras::http::{Headers, Request, Response, Transport, TransportError};
use oras::registry::{Client, PlainHttp, TagQuery};
use oras::store::TagLister;

use crate::setup::{BehindTls, TLS_HOST, builder, client, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// A registry with the tags `a` to `e`, two to a page.
fn registry() -> TestRegistry {
    registry_as(RegistryProfile {
        page_size: Some(2),
        ..RegistryProfile::default()
    })
}

fn registry_as(personality: RegistryProfile) -> TestRegistry {
    let registry = TestRegistry::start_as(personality);
    for tag in ["a", "b", "c", "d", "e"] {
        registry.seed_manifest("r", INDEX_TYPE, b"{}", Some(tag));
    }
    registry
}

fn pages(client: &Client, registry: &TestRegistry) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    client
        .repository(&registry.reference("r"))?
        .tags(None, &mut |page| {
            pages.push(page.join(" "));
            ControlFlow::Continue(())
        })?;
    Ok(pages)
}

#[test]
fn pages_are_followed_to_the_last() {
    let registry = registry();

    assert_eq!(pages(&client(), &registry).unwrap(), ["a b", "c d", "e"]);
    assert_eq!(
        registry.log(),
        [
            "GET /v2/r/tags/list (no authorization)",
            "GET /v2/r/tags/list?last=b (no authorization)",
            "GET /v2/r/tags/list?last=d (no authorization)",
        ]
    );
}

#[test]
fn every_form_of_link_is_followed() {
    for personality in [
        RegistryProfile {
            page_size: Some(2),
            absolute_locations: true,
            ..RegistryProfile::default()
        },
        RegistryProfile {
            page_size: Some(2),
            page_parameter: "next_page",
            ..RegistryProfile::default()
        },
    ] {
        let registry = registry_as(personality);

        assert_eq!(pages(&client(), &registry).unwrap(), ["a b", "c d", "e"]);
    }
}

#[test]
fn an_empty_page_does_not_end_the_listing() {
    let registry = registry().with(on("GET", "*").drop_page().nth(2));

    assert_eq!(pages(&client(), &registry).unwrap(), ["a b", "e"]);
}

#[test]
fn the_listing_begins_after_the_last_tag() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("r")).unwrap();
    let mut tags = Vec::new();

    repository
        .tags(Some("c"), &mut |page| {
            tags.extend_from_slice(page);
            ControlFlow::Continue(())
        })
        .unwrap();

    assert_eq!(tags, ["d", "e"]);
    assert_eq!(
        registry.log(),
        ["GET /v2/r/tags/list?last=c (no authorization)"]
    );
}

/// The tags after `last`, listed one by one.
fn tags_after(registry: &TestRegistry, page_size: u32, last: Option<&str>) -> Vec<String> {
    let mut query = TagQuery::default();
    query.page_size = Some(page_size);
    query.last = last.map(str::to_owned);
    let repository = client().repository(&registry.reference("r")).unwrap();
    repository.list_tags(&query).map(Result::unwrap).collect()
}

#[test]
fn pages_have_the_requested_size() {
    let registry = registry_as(RegistryProfile::default());

    assert_eq!(tags_after(&registry, 3, None), ["a", "b", "c", "d", "e"]);
    assert_eq!(
        registry.log(),
        [
            "GET /v2/r/tags/list?n=3 (no authorization)",
            "GET /v2/r/tags/list?last=c&n=3 (no authorization)",
        ]
    );
    assert_eq!(tags_after(&registry, 0, Some("c")), ["d", "e"]);
    assert_eq!(
        registry.log()[2..],
        ["GET /v2/r/tags/list?last=c (no authorization)"]
    );
}

#[test]
fn a_refused_page_size_is_dropped() {
    let registry = registry().with(on("GET", "*?*n=9999*").error(
        400,
        "PAGINATION_NUMBER_INVALID",
        "at most 1000",
    ));

    assert_eq!(tags_after(&registry, 9999, Some("b")), ["c", "d", "e"]);
    assert_eq!(
        registry.log(),
        [
            "GET /v2/r/tags/list?last=b&n=9999 (no authorization)",
            "GET /v2/r/tags/list?last=b (no authorization)",
            "GET /v2/r/tags/list?last=d (no authorization)",
        ]
    );
}

#[test]
fn the_listing_begins_after_the_last_tag_at_a_registry_that_ignores_it() {
    for last in ["a", "b", "c", "d", "e"] {
        let registry = registry_as(RegistryProfile {
            page_size: Some(2),
            page_parameter: "next_page",
            ..RegistryProfile::default()
        });

        let tags = tags_after(&registry, 0, Some(last));

        assert!(
            tags.iter()
                .map(String::as_str)
                .eq(["b", "c", "d", "e"].into_iter().filter(|tag| *tag > last)),
            "{last}: {tags:?}"
        );
        assert_eq!(registry.log().len(), 3);
    }
}

#[test]
fn tags_are_requested_when_they_are_needed_and_end_after_an_error() {
    let registry = registry().with(on("GET", "*").status(403).nth(3));
    let repository = client().repository(&registry.reference("r")).unwrap();
    let mut tags = repository.list_tags(&TagQuery::default());
    assert_eq!(registry.log(), [""; 0]);

    assert_eq!(tags.next().unwrap().unwrap(), "a");
    assert_eq!(tags.next_page().unwrap().unwrap(), ["b"]);
    assert_eq!(registry.log().len(), 1);
    assert_eq!(tags.next_page().unwrap().unwrap(), ["c", "d"]);
    assert!(tags.next().unwrap().is_err());
    assert!(tags.next().is_none());
    assert_eq!(tags.next_page().unwrap(), None);
    assert_eq!(registry.log().len(), 3);
}

#[test]
fn a_visitor_that_breaks_ends_the_requests() {
    let registry = registry();
    let client = client();
    let repository = client.repository(&registry.reference("r")).unwrap();

    repository
        .tags(None, &mut |_| ControlFlow::Break(()))
        .unwrap();

    assert_eq!(registry.log().len(), 1);
}

#[test]
fn no_tags_means_no_call_of_the_visitor() {
    for body in [
        r#"{"name":"r","tags":null}"#,
        r#"{"name":"r"}"#,
        r#"{"tags":[]}"#,
    ] {
        let registry = registry().with(on("GET", "*").body(body).without_header("Link"));

        assert!(pages(&client(), &registry).unwrap().is_empty(), "{body}");
    }
}

#[test]
fn pages_in_a_loop_are_an_error() {
    for link in [
        "</v2/r/tags/list>; rel=\"next\"",
        "</v2/r/tags/list?last=b>; rel=\"next\"",
    ] {
        let registry = registry().with(on("GET", "*").link(link));

        let error = pages(&client(), &registry).unwrap_err();

        assert!(
            text(&error).ends_with("/v2/r/tags/list\": the pages go in a circle")
                || text(&error).ends_with("/v2/r/tags/list?last=b\": the pages go in a circle"),
            "{}",
            text(&error)
        );
        assert!(registry.log().len() <= 2);
    }
}

#[test]
fn a_long_loop_of_pages_is_an_error() {
    // Three pages, of which the last leads to the second.
    let circle =
        registry().with(on("GET", "*?last=d").link("</v2/r/tags/list?last=b>; rel=\"next\""));
    let error = pages(&client(), &circle).unwrap_err();
    assert!(
        text(&error).ends_with(": the pages go in a circle"),
        "{}",
        text(&error)
    );
    assert!(circle.log().len() <= 6, "{:#?}", circle.log());
}

/// A registry that always has one more page.
struct Endless(AtomicUsize);

impl Transport for Endless {
    fn send(&self, _: Request<'_>) -> Result<Response, TransportError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let link = format!("<?last={number}>; rel=\"next\"");
        Ok(Response::new(
            200,
            Headers::new().with("Link", link),
            &b"{\"tags\":[]}"[..],
        ))
    }
}

#[test]
fn pages_are_limited() {
    let client = builder().transport(Endless(AtomicUsize::new(0))).build();
    let repository = client.repository("registry.example/r").unwrap();

    let error = repository
        .tags(None, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();

    assert_eq!(
        text(&error),
        "GET \"http://registry.example/v2/r/tags/list\": the list has more than 10000 pages"
    );
}

#[test]
fn a_page_at_another_host_is_not_requested() {
    let elsewhere = TestRegistry::start();
    let registry = registry().with(on("GET", "*").link_at(&elsewhere));

    let error = pages(&client(), &registry).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/r/tags/list\": the next page is at another host, \"{}/v2/r/tags/list?last=b\"",
            registry.url(),
            elsewhere.url()
        )
    );
    assert!(elsewhere.log().is_empty());
}

#[test]
fn a_registry_behind_a_proxy_may_link_to_itself_by_http() {
    let registry = registry();
    registry.inject(
        on("GET", "*")
            .link("<http://registry.example/v2/r/tags/list?last=b>; rel=\"next\"")
            .nth(1),
    );
    let client = builder()
        .plain_http(PlainHttp::Never)
        .transport(BehindTls::of(&registry))
        .build();
    let repository = client.repository(&format!("{TLS_HOST}/r")).unwrap();
    let mut tags = Vec::new();

    repository
        .tags(None, &mut |page| {
            tags.extend_from_slice(page);
            ControlFlow::Continue(())
        })
        .unwrap();

    assert_eq!(tags, ["a", "b", "c", "d", "e"]);
}

#[test]
fn an_invalid_listing_is_an_error_that_names_it() {
    for (fault, wanted) in [
        (
            on("GET", "*").html_page(),
            "the answer is a web page, not a tag list",
        ),
        (
            on("GET", "*").link("<http://[>; rel=\"next\""),
            "its Link is not valid: invalid URL \"http://[\": its host is not valid",
        ),
    ] {
        let registry = registry().with(fault);

        let error = pages(&client(), &registry).unwrap_err();

        assert_eq!(
            text(&error),
            format!("GET \"{}/v2/r/tags/list\": {wanted}", registry.url())
        );
    }
}

#[test]
fn a_missing_repository_has_no_tags() {
    let registry = TestRegistry::start();

    let error = pages(&client(), &registry).unwrap_err();

    assert!(error.is_not_found());
    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/r/tags/list\": response status code 404: name unknown: repository name not known to registry",
            registry.url()
        )
    );
}

#[test]
fn a_broken_page_is_requested_again() {
    let registry = registry().with(on("GET", "*").close_after(10).nth(2));

    assert_eq!(pages(&client(), &registry).unwrap(), ["a b", "c d", "e"]);
    assert_eq!(registry.log().len(), 4);
}

/// As behind a public mirror: the front end has nothing itself.
#[test]
fn a_front_end_that_redirects_everything_loses_no_page() {
    let mirror = registry();
    let front = TestRegistry::start().with(on("*", "*").redirect_to(&mirror));

    assert_eq!(pages(&client(), &front).unwrap(), ["a b", "c d", "e"]);
    assert_eq!(front.log().len(), 1);
}

#[test]
fn a_page_that_redirects_once_to_itself_is_read() {
    let page = "/v2/r/tags/list?last=b";
    let registry = registry().with(on("GET", page).redirect(302, page).nth(1));

    assert_eq!(pages(&client(), &registry).unwrap(), ["a b", "c d", "e"]);
}

/// A response that is not a page must not end the listing as if it were complete.
#[test]
fn a_page_that_is_not_a_list_is_an_error() {
    let page = |body: &str| on("GET", "*").nth(2).status(200).body(body);
    for (fault, wanted) in [
        (page(""), "the answer is no tag list: EOF"),
        (page(r#"{"message":"busy"}"#), "it has no list"),
        (page(r#"{"tags":["#), "the answer is no tag list: EOF"),
        (page(r#"{"tags":{}}"#), "the answer is no tag list"),
        (page("<html>"), "the answer is a web page, not a tag list"),
        (
            on("GET", "*").nth(2).error(200, "DENIED", "no"),
            "response status code 200: denied: no",
        ),
        (on("GET", "*").nth(2).status(204), "code 204: No Content"),
        (on("GET", "*").nth(2).status(404), "code 404: Not Found"),
        (
            on("GET", "*").nth(2).link("<>; rel=\"next\""),
            "its Link has no URL of the next page",
        ),
    ] {
        let registry = registry().with(fault);

        let error = pages(&client(), &registry).unwrap_err();

        assert!(text(&error).contains(wanted), "{wanted}: {}", text(&error));
    }
    for empty in [
        r#"{"name":"r"}"#,
        r#"{"tags":null}"#,
        r#"{"name":"r","tags":null}"#,
    ] {
        let registry = registry().with(page(empty));
        assert_eq!(pages(&client(), &registry).unwrap(), ["a b"], "{empty}");
    }
}

/// The JSON shows where a page ends, whatever length it announces.
#[test]
fn a_page_with_a_wrong_length_is_read_once() {
    let registry = registry().with(on("GET", "*").wrong_length(10));

    assert_eq!(pages(&client(), &registry).unwrap(), ["a b", "c d", "e"]);
    assert_eq!(registry.log().len(), 3, "no page is requested twice");
}
