//! Reading blobs: one request each, verified on the way, and resumed where a connection broke.

use oras::Descriptor;
use oras::Result;
use oras::http::{Request, Response, Transport, TransportError, UreqTransport};
use oras::store::{Source, TagLister};

use crate::setup::{ABSENT, HELLO, LARGE, blob, builder, client, hello, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Fault, Ranges, RegistryProfile, TestRegistry, on};
use crate::support::rng::Rng;

/// Reads a blob of repository `a` with a new client.
fn fetch(registry: &TestRegistry, target: &Descriptor) -> Result<Vec<u8>> {
    client()
        .repository(&registry.reference("a"))?
        .fetch(target)?
        .read_all(64 * 1024 * 1024)
}

fn with_hello(fault: Fault) -> TestRegistry {
    let registry = TestRegistry::start().with(fault);
    registry.seed_blob("a", b"hello");
    registry
}

fn ranges(registry: &TestRegistry) -> Vec<Option<String>> {
    registry
        .requests()
        .iter()
        .map(|request| request.header("Range").map(str::to_owned))
        .collect()
}

#[test]
fn a_blob_is_one_get() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");

    assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
    assert_eq!(
        registry.log(),
        [format!("GET /v2/a/blobs/{HELLO} (no authorization)")]
    );
}

#[test]
fn a_missing_blob_is_not_found() {
    let registry = TestRegistry::start();
    registry.seed_repository("a");
    let absent = Descriptor::new(hello().media_type, ABSENT.parse().unwrap(), 5);

    let error = fetch(&registry, &absent).unwrap_err();

    assert!(error.is_not_found());
    assert_eq!(text(&error), format!("{ABSENT}: not found"));
}

#[test]
fn other_content_than_the_blob_is_an_error() {
    let get = || on("GET", "/v2/a/blobs/*");
    for (name, fault, wanted) in [
        ("a flipped byte", get().flip_byte(1), "mismatched digest"),
        (
            "an announcement of more",
            get().wrong_length(3),
            "mismatched size",
        ),
        (
            "an announcement of less",
            get().wrong_length(-3),
            "mismatched size",
        ),
        ("no end", get().endless_body(), "trailing data"),
        (
            "more, unannounced",
            get().body("hello!").chunked(),
            "trailing data",
        ),
        ("a login page", get().html_page(), "mismatched size"),
        (
            "a login page, unannounced",
            get().html_page().chunked(),
            "mismatched digest",
        ),
    ] {
        let registry = with_hello(fault);

        let error = fetch(&registry, &hello()).unwrap_err();

        assert!(error.is_verification(), "{name}: {error:?}");
        let hint = if name.starts_with("a login page") {
            "the answer looks like a web page: "
        } else {
            ""
        };
        assert_eq!(text(&error), format!("{hint}{HELLO}: {wanted}"), "{name}");
        assert_eq!(registry.log().len(), 1, "{name}");
    }
}

#[test]
fn a_reader_that_stops_at_the_last_byte_gets_the_mismatch() {
    let registry = with_hello(on("GET", "/v2/a/blobs/*").flip_byte(4));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut reader = repository.fetch(&hello()).unwrap();

    let read = std::io::Read::read_exact(&mut reader, &mut [0; 5]);

    assert!(read.unwrap_err().to_string().contains("mismatched digest"));
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    for ranges_are in [Ranges::Honoured, Ranges::WithEnd, Ranges::Ignored] {
        let registry = TestRegistry::start_as(RegistryProfile {
            ranges: ranges_are,
            ..RegistryProfile::default()
        })
        .with(on("GET", "/v2/a/blobs/*").close_after(2).nth(1));
        registry.seed_blob("a", b"hello");

        assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
        assert_eq!(
            ranges(&registry),
            [None, Some("bytes=2-4".to_owned())],
            "{ranges_are:?}"
        );
    }
}

/// Reads the rest of the blob from an offset with a new client.
fn fetch_from(registry: &TestRegistry, target: &Descriptor, offset: u64) -> Option<Vec<u8>> {
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut rest = repository.fetch_from(target, offset).unwrap()?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut rest, &mut bytes).unwrap();
    Some(bytes)
}

#[test]
fn the_rest_of_a_blob_is_one_request() {
    for ranges_are in [Ranges::Honoured, Ranges::WithEnd, Ranges::Ignored] {
        let registry = TestRegistry::start_as(RegistryProfile {
            ranges: ranges_are,
            ..RegistryProfile::default()
        });
        registry.seed_blob("a", b"hello");

        let rest = fetch_from(&registry, &hello(), 2);

        assert_eq!(rest.as_deref(), Some(&b"llo"[..]), "{ranges_are:?}");
        assert_eq!(ranges(&registry), [Some("bytes=2-4".to_owned())]);
        assert_eq!(fetch_from(&registry, &hello(), 5), Some(Vec::new()));
        assert_eq!(registry.log().len(), 1, "nothing is left to request");
    }
}

#[test]
fn a_refused_range_is_reported_as_such() {
    for fault in [
        on("GET", "/v2/a/blobs/*").status(416),
        on("GET", "/v2/a/blobs/*")
            .status(206)
            .header("Content-Range", "bytes 1-4/5"),
    ] {
        assert_eq!(fetch_from(&with_hello(fault), &hello(), 2), None);
    }
}

#[test]
fn a_broken_connection_is_resumed_behind_an_offset() {
    let registry = with_hello(on("GET", "/v2/a/blobs/*").close_after(1).nth(1));

    assert_eq!(
        fetch_from(&registry, &hello(), 2).as_deref(),
        Some(&b"llo"[..])
    );
    assert_eq!(
        ranges(&registry),
        [Some("bytes=2-4".to_owned()), Some("bytes=3-4".to_owned())]
    );
}

#[test]
fn a_body_that_ends_early_is_resumed() {
    let registry = with_hello(on("GET", "/v2/a/blobs/*").no_length().close_after(3).nth(1));

    assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
    assert_eq!(ranges(&registry), [None, Some("bytes=3-4".to_owned())]);
}

#[test]
fn a_break_after_the_last_byte_is_ignored() {
    let registry = with_hello(on("GET", "/v2/a/blobs/*").chunked().close_after(5));

    assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
    assert_eq!(registry.log().len(), 1);
}

#[test]
fn a_blob_is_complete_after_many_breaks() {
    let content = Rng::new(1).bytes(7 * LARGE);
    let target = blob(&content);
    let more_than_a_mebibyte = 1024 * 1024 + 1;
    let registry =
        TestRegistry::start().with(on("GET", "/v2/a/blobs/*").close_after(more_than_a_mebibyte));
    registry.seed_blob("a", &content);

    let got = fetch(&registry, &target).unwrap();

    assert!(got == content);
    assert_eq!(
        registry.log().len(),
        7,
        "more breaks than there are retries"
    );
}

#[test]
fn a_break_while_skipping_is_resumed() {
    let registry = TestRegistry::start_as(RegistryProfile {
        ranges: Ranges::Ignored,
        ..RegistryProfile::default()
    })
    .with(on("GET", "/v2/a/blobs/*").close_after(3).nth(1))
    .with(on("GET", "/v2/a/blobs/*").close_after(1).nth(2));
    registry.seed_blob("a", b"hello");

    assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
    assert_eq!(registry.log().len(), 3);
}

#[test]
fn connections_without_progress_fail() {
    let registry = with_hello(on("GET", "/v2/a/blobs/*").close_after(0));
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository.fetch(&hello()).unwrap().read_all(5).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "Get \"{}/v2/a/blobs/{HELLO}\": unexpected EOF",
            registry.url()
        )
    );
    assert_eq!(registry.log().len(), 6);
    assert_eq!(clock.waits().len(), 5);
}

#[test]
fn an_invalid_range_response_is_replaced_by_the_whole_blob() {
    let get = || on("GET", "/v2/a/blobs/*");
    for (name, fault) in [
        (
            "another start",
            get().header("Content-Range", "bytes 0-4/5"),
        ),
        ("another size", get().header("Content-Range", "bytes 2-4/6")),
        ("another unit", get().header("Content-Range", "pages 2-4/5")),
        (
            "no range at all",
            get().header("Content-Range", "bytes */5"),
        ),
        ("an unnamed range", get().without_header("Content-Range")),
        ("no such range", get().error(416, "RANGE_INVALID", "no")),
        ("a header that is not known", get().status(400)),
        ("a header that is not allowed", get().status(405)),
        ("a failed condition", get().status(412)),
        ("ranges are not implemented", get().status(501)),
    ] {
        let registry = with_hello(get().close_after(2).nth(1)).with(fault.nth(2));

        assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello", "{name}");
        assert_eq!(
            ranges(&registry),
            [None, Some("bytes=2-4".to_owned()), None],
            "{name}"
        );
    }
}

#[test]
fn a_range_of_unknown_total_size_is_accepted() {
    let get = || on("GET", "/v2/a/blobs/*");
    let registry = with_hello(get().close_after(2).nth(1))
        .with(get().header("Content-Range", "bytes 2-4/*").nth(2));

    assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
    assert_eq!(registry.log().len(), 2);
}

#[test]
fn a_registry_without_ranges_gets_no_second_range_request() {
    let get = || on("GET", "/v2/a/blobs/*");
    let registry = with_hello(get().close_after(2).nth(1))
        .with(get().status(416).nth(2))
        .with(get().close_after(3).nth(3));

    assert_eq!(fetch(&registry, &hello()).unwrap(), b"hello");
    assert_eq!(
        ranges(&registry),
        [None, Some("bytes=2-4".to_owned()), None, None]
    );
}

#[test]
fn a_refused_whole_blob_after_a_range_is_an_error() {
    let get = || on("GET", "/v2/a/blobs/*");
    let registry = with_hello(get().close_after(2).nth(1)).with(get().status(416).after(1));

    let error = fetch(&registry, &hello()).unwrap_err();

    assert!(
        text(&error).ends_with("response status code 416: Requested Range Not Satisfiable"),
        "{}",
        text(&error)
    );
    assert_eq!(registry.log().len(), 3);
}

#[test]
fn content_of_two_responses_is_verified_as_one() {
    let get = || on("GET", "/v2/a/blobs/*");
    let registry =
        with_hello(get().close_after(2).flip_byte(0).nth(1)).with(get().status(416).nth(2));

    let error = fetch(&registry, &hello()).unwrap_err();

    assert_eq!(text(&error), format!("{HELLO}: mismatched digest"));
}

#[test]
fn a_refused_range_has_the_message_of_the_registry() {
    let get = || on("GET", "/v2/a/blobs/*");
    let registry = with_hello(get().close_after(2).nth(1));
    registry.inject(get().error(403, "DENIED", "no more today").nth(2));

    let error = fetch(&registry, &hello()).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/a/blobs/{HELLO}\": response status code 403: denied: no more today",
            registry.url()
        )
    );
}

#[test]
fn blob_existence_is_one_head() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    assert!(repository.exists(&hello()).unwrap());
    assert!(!repository.exists(&blob(b"jello")).unwrap());
    assert_eq!(
        registry.log()[0],
        format!("HEAD /v2/a/blobs/{HELLO} (no authorization)")
    );
    assert_eq!(registry.log().len(), 2);
}

#[test]
fn without_head_the_first_byte_is_requested() {
    for status in [400, 405, 501] {
        let registry = with_hello(on("HEAD", "*").status(status));
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        assert!(repository.exists(&hello()).unwrap(), "{status}");
        assert!(!repository.exists(&blob(b"jello")).unwrap(), "{status}");
        assert_eq!(
            ranges(&registry)[..2],
            [None, Some("bytes=0-0".to_owned())],
            "{status}"
        );
    }
}

#[test]
fn a_web_page_without_a_length_is_not_a_blob() {
    let rng_bytes = Rng::new(1).bytes(1000);
    for content in [&b"hello"[..], &rng_bytes] {
        let pages: [fn(Fault) -> Fault; 2] = [Fault::no_length, Fault::chunked];
        for framed in pages {
            let fault = framed(on("GET", "*").html_page());
            let registry = TestRegistry::start().with(fault);
            let target = blob(content);
            registry.seed_blob("a", content);

            let error = fetch(&registry, &target).unwrap_err();

            let error = text(&error);
            let prefix = format!("the answer looks like a web page: {}: ", target.digest);
            assert!(error.starts_with(&prefix), "{error}");
            assert_eq!(registry.log().len(), 1, "{error}");
        }
    }
}

#[test]
fn a_body_without_a_length_that_always_ends_early_is_a_network_error() {
    let registry = TestRegistry::start();
    let target = blob(b"hello");
    registry.inject(on("GET", "*").status(200).body("hel").no_length());

    let error = fetch(&registry, &target).unwrap_err();

    let url = format!("{}/v2/a/blobs/{HELLO}", registry.url());
    assert_eq!(text(&error), format!("Get \"{url}\": unexpected EOF"));
}

/// A transport that changes the status of responses with 200.
struct WithStatus(UreqTransport, u16);

impl Transport for WithStatus {
    fn send(&self, request: Request<'_>) -> std::result::Result<Response, TransportError> {
        let response = self.0.send(request)?;
        if response.status != 200 {
            return Ok(response);
        }
        let mut headers = response.headers;
        if let (206, Some(size)) = (self.1, headers.get("Content-Length")) {
            let last: u64 = size.parse().unwrap();
            headers.add("Content-Range", format!("bytes 0-{}/{size}", last - 1));
        }
        Ok(Response::new(self.1, headers, response.body))
    }
}

#[test]
fn a_whole_blob_may_have_another_status_than_200() {
    for status in [203, 206] {
        let registry = TestRegistry::start();
        registry.seed_blob("a", b"hello");
        let transport = WithStatus(UreqTransport::new(), status);
        let client = builder().transport(transport).build();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let content = repository.fetch(&hello()).unwrap().read_all(5);
        assert_eq!(content.unwrap(), b"hello", "{status}");
        let (_, content) = (repository.into_blobs())
            .fetch_reference(HELLO, 5)
            .map(|(found, content)| (found, content.read_all(5).unwrap()))
            .unwrap();
        assert_eq!(content, b"hello", "{status}");
    }
}

#[test]
fn documents_may_have_the_status_of_a_transformed_response() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    let transport = WithStatus(UreqTransport::new(), 203);
    let client = builder().transport(transport).build();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let resolved = repository.resolve("v1").unwrap();
    repository
        .fetch(&resolved)
        .unwrap()
        .read_all(10_000)
        .unwrap();
    let mut tags = Vec::new();
    let listed = repository.tags(None, &mut |page| {
        tags.extend_from_slice(page);
        std::ops::ControlFlow::Continue(())
    });
    listed.unwrap();

    assert_eq!(tags, ["v1"]);
}
