//! Pushing blobs: two requests for a new one, one for one that is there, and no surprise about
//! where they go.

mod chunks;
mod failures;
mod files;
mod interim;
mod streams;

use oras::Descriptor;
use oras::Digest;
use oras::Result;
use oras::digest::Algorithm;
use oras::registry::{Client, PlainHttp};
use oras::store::{Pushed, Target};

use crate::setup::{BehindTls, HELLO, LARGE, TLS_HOST, blob, builder, client, hello, text};
use crate::support::registry::{Mount, RegistryProfile, TestRegistry, on, sha256};
use crate::support::rng::Rng;

fn push(
    client: &Client,
    registry: &TestRegistry,
    expected: &Descriptor,
    mut bytes: &[u8],
) -> Result<Pushed> {
    client
        .repository(&registry.reference("a"))?
        .push(expected, &mut bytes)
}

fn push_bytes(client: &Client, registry: &TestRegistry, bytes: &[u8]) -> Result<Pushed> {
    push(client, registry, &blob(bytes), bytes)
}

/// The log, with the digests of `contents` as `{0}`, `{1}` …
fn log(registry: &TestRegistry, contents: &[&[u8]]) -> Vec<String> {
    let digests: Vec<_> = contents.iter().map(|bytes| sha256(bytes)).collect();
    let short = |line: String| {
        digests.iter().enumerate().fold(line, |line, (i, digest)| {
            line.replace(digest.as_str(), &format!("{{{i}}}"))
        })
    };
    let lines = registry.log().into_iter();
    lines
        .map(|line| short(line.replace(" (no authorization)", "")))
        .collect()
}

fn registry_that(mount: Mount) -> TestRegistry {
    TestRegistry::start_as(RegistryProfile {
        mount,
        ..RegistryProfile::default()
    })
}

/// The `Expect` of every PUT.
fn expectations(registry: &TestRegistry) -> Vec<Option<String>> {
    let requests = registry.requests();
    let puts = requests.iter().filter(|request| request.method == "PUT");
    puts.map(|request| request.header("Expect").map(str::to_owned))
        .collect()
}

/// Three large blobs.
fn large() -> [Vec<u8>; 3] {
    [1, 2, 3].map(|seed| Rng::new(seed).bytes(LARGE))
}

#[test]
fn an_empty_body_is_sent_with_its_length() {
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.push(&hello(), &mut &b"hello"[..]).unwrap();

    let requests = registry.requests();
    let posts: Vec<_> = requests
        .iter()
        .filter(|request| request.method == "POST")
        .collect();
    assert!(!posts.is_empty());
    for post in posts {
        assert_eq!(post.header("Content-Length"), Some("0"));
        assert_eq!(post.header("Transfer-Encoding"), None);
    }
}

#[test]
fn a_new_blob_is_two_requests_and_a_known_one_is_one() {
    let registry = registry_that(Mount::Checked);
    let client = client();

    assert_eq!(
        push_bytes(&client, &registry, b"hello").unwrap(),
        Pushed::Stored
    );
    assert_eq!(
        push_bytes(&client, &registry, b"hello").unwrap(),
        Pushed::AlreadyThere
    );

    assert_eq!(
        log(&registry, &[b"hello"]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
        ]
    );
    assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");
    let put = &registry.requests()[1];
    assert_eq!(
        (put.header("Content-Length"), put.header("Content-Type")),
        (Some("5"), Some("application/octet-stream"))
    );
}

#[test]
fn a_small_blob_is_sent_again_to_a_registry_that_does_not_check() {
    let registry = registry_that(Mount::Ignored);
    registry.seed_blob("a", b"hello");

    assert_eq!(
        push_bytes(&client(), &registry, b"hello").unwrap(),
        Pushed::Stored
    );

    assert_eq!(
        log(&registry, &[b"hello"]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
        ]
    );
}

#[test]
fn a_large_existing_blob_is_not_sent_and_later_blobs_are_checked_with_head() {
    let [first, second, _] = large();
    let registry = registry_that(Mount::Ignored);
    registry.seed_blob("a", &first);
    registry.seed_blob("a", &second);
    let client = client();

    for bytes in [&first, &second] {
        assert_eq!(
            push_bytes(&client, &registry, bytes).unwrap(),
            Pushed::AlreadyThere
        );
    }

    assert_eq!(
        log(&registry, &[&first, &second]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "HEAD /v2/a/blobs/{0}",
            "HEAD /v2/a/blobs/{1}",
        ]
    );
}

#[test]
fn a_mount_of_the_last_stored_blob_shows_whether_the_registry_checks() {
    let [first, second, third] = large();
    let registry = registry_that(Mount::Ignored);
    let client = client();

    for bytes in [&first, &second, &third] {
        assert_eq!(
            push_bytes(&client, &registry, bytes).unwrap(),
            Pushed::Stored
        );
    }

    assert_eq!(
        log(&registry, &[&first, &second, &third]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "HEAD /v2/a/blobs/{0}",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            // The upload that opens although the blob is there serves for the next.
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "HEAD /v2/a/blobs/{1}",
            "PUT /v2/a/blobs/uploads/session-2?_state=s1&digest={1}",
            "HEAD /v2/a/blobs/{2}",
            "POST /v2/a/blobs/uploads/",
            "PUT /v2/a/blobs/uploads/session-3?_state=s1&digest={2}",
        ]
    );
}

#[test]
fn a_registry_that_rejects_self_mounts_gets_one() {
    for status in [400, 401, 403, 405] {
        let registry = registry_that(Mount::Refused(status));
        let client = client();

        for bytes in [&b"hello"[..], b"world"] {
            assert_eq!(
                push_bytes(&client, &registry, bytes).unwrap(),
                Pushed::Stored
            );
        }

        let mut log = log(&registry, &[b"hello", b"world"]);
        // A 401 that does not say what is wanted is asked about once.
        log.retain(|line| status != 401 || line != "GET /v2/");
        assert_eq!(
            log,
            [
                "POST /v2/a/blobs/uploads/?mount={0}&from=a",
                "HEAD /v2/a/blobs/{0}",
                "POST /v2/a/blobs/uploads/",
                "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
                "HEAD /v2/a/blobs/{1}",
                "POST /v2/a/blobs/uploads/",
                "PUT /v2/a/blobs/uploads/session-2?_state=s1&digest={1}",
            ],
            "{status}"
        );
    }
}

#[test]
fn a_location_may_be_absolute_relative_or_have_a_query() {
    let post = || on("POST", "*");
    for (name, registry, put) in [
        (
            "absolute",
            TestRegistry::start_as(RegistryProfile::distribution()),
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
        ),
        (
            "without a query",
            TestRegistry::start_as(RegistryProfile::zot()),
            "PUT /v2/a/blobs/uploads/session-1?digest={0}",
        ),
        (
            "relative to the request",
            TestRegistry::start().with(post().location("session-1?_state=s1")),
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
        ),
        (
            "without a scheme",
            {
                let registry = TestRegistry::start();
                let location = format!(
                    "//{}/v2/a/blobs/uploads/session-1?_state=s1",
                    registry.host()
                );
                registry.with(post().location(&location))
            },
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
        ),
    ] {
        assert_eq!(
            push_bytes(&client(), &registry, b"hello").unwrap(),
            Pushed::Stored,
            "{name}"
        );
        assert_eq!(log(&registry, &[b"hello"])[1], put, "{name}");
    }
}

#[test]
fn a_storage_that_accepts_large_bodies_is_remembered() {
    let [first, second, _] = large();
    let storage = TestRegistry::start().with(on("PUT", "*").status(201));
    let registry = TestRegistry::start().with(on("POST", "*").location_at(&storage));
    let client = client();

    push_bytes(&client, &registry, &first).unwrap();
    push_bytes(&client, &registry, &second).unwrap();

    assert_eq!(
        expectations(&storage),
        [Some("100-continue".to_owned()), None]
    );
}

#[test]
fn an_http_location_of_an_https_registry_is_requested_by_https() {
    let registry = TestRegistry::start().with(
        on("POST", "*").location("http://registry.example/v2/a/blobs/uploads/session-1?_state=s1"),
    );
    let client = builder()
        .plain_http(PlainHttp::Never)
        .transport(BehindTls::of(&registry))
        .build();
    let repository = client.repository(&format!("{TLS_HOST}/a")).unwrap();

    repository.push(&hello(), &mut &b"hello"[..]).unwrap();

    assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");
}

#[test]
fn a_large_body_expects_100_continue_until_one_was_accepted() {
    let [first, second, _] = large();
    let registry = registry_that(Mount::Checked);
    let client = client();

    push_bytes(&client, &registry, &first).unwrap();
    push_bytes(&client, &registry, &second).unwrap();
    push_bytes(&client, &registry, b"hello").unwrap();

    assert_eq!(
        expectations(&registry),
        [Some("100-continue".to_owned()), None, None]
    );
}

#[test]
fn a_417_is_followed_by_the_body_without_expect() {
    let [first, second, _] = large();
    let registry = registry_that(Mount::Checked).with(on("PUT", "*").status(417).times(1));
    let client = client();

    push_bytes(&client, &registry, &first).unwrap();
    push_bytes(&client, &registry, &second).unwrap();

    assert_eq!(
        log(&registry, &[&first, &second]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "HEAD /v2/a/blobs/{0}",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "POST /v2/a/blobs/uploads/?mount={1}&from=a",
            "PUT /v2/a/blobs/uploads/session-2?_state=s1&digest={1}",
        ]
    );
    assert_eq!(
        expectations(&registry),
        [Some("100-continue".to_owned()), None, None]
    );
}

#[test]
fn a_417_without_expect_is_not_retried() {
    let [first, _, _] = large();
    let registry = registry_that(Mount::Checked).with(on("PUT", "*").status(417));

    let error = push_bytes(&client(), &registry, &first).unwrap_err();

    assert!(
        text(&error).ends_with("417: Expectation Failed"),
        "{}",
        text(&error)
    );
    assert_eq!(
        expectations(&registry),
        [Some("100-continue".to_owned()), None]
    );
}

#[test]
fn content_of_other_algorithms_is_pushed_under_its_own_digest() {
    for algorithm in [Algorithm::Sha384, Algorithm::Sha512] {
        for mount in [Mount::Checked, Mount::Ignored, Mount::Refused(405)] {
            let registry = registry_that(mount);
            let digest = Digest::with(algorithm, b"hello");
            let expected = Descriptor::new(hello().media_type, digest.clone(), 5);

            let pushed = push(&client(), &registry, &expected, b"hello").unwrap();

            assert_eq!(pushed, Pushed::Stored, "{mount:?}");
            assert_eq!(registry.blobs("a"), [digest.to_string()], "{mount:?}");
        }
    }
}

#[test]
fn an_upload_of_another_algorithm_names_it_in_every_start_request() {
    let digest = Digest::with(Algorithm::Sha512, b"hello");
    let expected = Descriptor::new(hello().media_type, digest.clone(), 5);
    for (mount, opening) in [
        (
            Mount::Checked,
            format!(
                "POST /v2/a/blobs/uploads/?mount={digest}&from=a&digest-algorithm=sha512 (no authorization)"
            ),
        ),
        (
            Mount::Refused(405),
            "POST /v2/a/blobs/uploads/?digest-algorithm=sha512 (no authorization)".to_owned(),
        ),
    ] {
        let registry = registry_that(mount);

        push(&client(), &registry, &expected, b"hello").unwrap();

        let log = registry.log();
        let opened = log.iter().rfind(|line| line.starts_with("POST"));
        assert_eq!(opened, Some(&opening));
    }
}

#[test]
fn a_mount_of_the_last_stored_blob_names_the_algorithm_of_the_new_blob() {
    let [first, second, _] = large();
    let registry = registry_that(Mount::Ignored);
    let client = client();
    let digest = Digest::with(Algorithm::Sha512, &second);
    let expected = Descriptor::new(hello().media_type, digest, LARGE as u64);

    push_bytes(&client, &registry, &first).unwrap();
    push(&client, &registry, &expected, &second).unwrap();

    let posts: Vec<_> = log(&registry, &[&first])
        .into_iter()
        .filter(|line| line.starts_with("POST"))
        .collect();
    assert_eq!(
        posts,
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "POST /v2/a/blobs/uploads/?mount={0}&from=a&digest-algorithm=sha512",
        ]
    );
}

/// A 201 or 204 shows that the blob was stored, an upload starts with every success that has a
/// location, and any other success is confirmed with a HEAD.
#[test]
fn an_unusual_success_is_believed_if_the_registry_has_the_blob() {
    let page = |status: u16| {
        on("PUT", "*")
            .status(status)
            .header("Content-Type", "text/html")
            .body("<html>")
    };
    for (fault, stored) in [
        (on("PUT", "*").header("Content-Type", "text/html"), true),
        (on("PUT", "*").without_header("Location"), true),
        (on("PUT", "*").no_digest_header(), true),
        (page(200), false),
        (page(202), false),
        (on("PUT", "*").status(200), false),
    ] {
        let registry = TestRegistry::start().with(fault);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let pushed = repository.push(&hello(), &mut &b"hello"[..]);

        match pushed {
            Ok(_) => assert!(stored),
            Err(error) => {
                assert!(!stored, "{}", text(&error));
                assert!(
                    text(&error)
                        .ends_with("the registry accepted the content but does not have it"),
                    "{}",
                    text(&error)
                );
            }
        }
        assert_eq!(registry.blob("a", HELLO).is_some(), stored);
    }
}
