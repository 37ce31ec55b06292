//! Uploads that go wrong: what is tried again, and what is said where nothing helps.

use oras::Error;
use oras::error::Responder;
use oras::registry::PlainHttp;
use oras::store::{Pushed, Target};

use super::{large, log, push, push_bytes};
use crate::setup::{BehindTls, HELLO, TLS_HOST, builder, client, hello, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{RegistryProfile, TestRegistry, on};

#[test]
fn an_upload_location_must_not_leave_https_or_be_more_local() {
    for (location, reason) in [
        ("http://storage.example/x", "it would leave https"),
        (
            "https://127.0.0.1/x",
            "host \"127.0.0.1\" is 127.0.0.1, in blocked prefix 127.0.0.0/8",
        ),
        (
            "https://169.254.169.254/latest",
            "host \"169.254.169.254\" is 169.254.169.254, in blocked prefix 169.254.0.0/16",
        ),
    ] {
        let registry = TestRegistry::start().with(on("POST", "*").location(location));
        let client = builder()
            .plain_http(PlainHttp::Never)
            .transport(BehindTls::of(&registry))
            .build();
        let repository = client.repository(&format!("{TLS_HOST}/a")).unwrap();

        let error = repository.push(&hello(), &mut &b"hello"[..]).unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "POST \"https://registry.example/v2/a/blobs/uploads/?mount=sha256%3A{}&from=a\": \
                 refusing to upload to \"{location}\": {reason}",
                &HELLO["sha256:".len()..]
            )
        );
    }
}

#[test]
fn an_upload_without_a_usable_location_is_an_error_that_names_the_request() {
    for (fault, wanted) in [
        (
            on("POST", "*").without_header("Location"),
            "the upload has no Location",
        ),
        (
            on("POST", "*").location("ftp://storage/x"),
            "its Location is not valid: invalid URL \"ftp://storage/x\": its scheme is neither http nor https",
        ),
    ] {
        let registry = TestRegistry::start().with(fault);

        let error = push_bytes(&client(), &registry, b"hello").unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "POST \"{}/v2/a/blobs/uploads/?mount=sha256%3A{}&from=a\": {wanted}",
                registry.url(),
                &HELLO["sha256:".len()..]
            )
        );
    }
}

#[test]
fn a_broken_upload_starts_again_in_a_new_session() {
    let registry = TestRegistry::start().with(on("PUT", "*").close_after_receiving(3).times(1));
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();

    assert_eq!(
        push_bytes(&client, &registry, b"hello").unwrap(),
        Pushed::Stored
    );

    assert_eq!(
        log(&registry, &[b"hello"]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "HEAD /v2/a/blobs/{0}",
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-2?_state=s1&digest={0}",
        ]
    );
    assert_eq!(clock.waits().len(), 1);
}

#[test]
fn a_blob_whose_response_was_lost_is_not_sent_again() {
    let registry = TestRegistry::start().with(on("PUT", "*").lose_response());

    assert_eq!(
        push_bytes(&client(), &registry, b"hello").unwrap(),
        Pushed::Stored
    );

    assert_eq!(
        log(&registry, &[b"hello"]),
        [
            "POST /v2/a/blobs/uploads/?mount={0}&from=a",
            "PUT /v2/a/blobs/uploads/session-1?_state=s1&digest={0}",
            "HEAD /v2/a/blobs/{0}",
        ]
    );
}

#[test]
fn an_upload_that_always_breaks_fails() {
    let registry = TestRegistry::start().with(on("PUT", "*").close_after_receiving(3));

    let error = push_bytes(&client(), &registry, b"hello").unwrap_err();

    let puts = registry
        .log()
        .iter()
        .filter(|line| line.starts_with("PUT"))
        .count();
    assert_eq!(puts, 6);
    assert!(
        text(&error).starts_with(&format!(
            "Put \"{}/v2/a/blobs/uploads/session-6?_state=REDACTED&digest=sha256%3A",
            registry.url()
        )),
        "{}",
        text(&error)
    );
}

#[test]
fn a_session_that_is_gone_is_replaced() {
    let registry = TestRegistry::start().with(
        on("PUT", "*")
            .error(404, "BLOB_UPLOAD_UNKNOWN", "who are you")
            .times(1),
    );

    assert_eq!(
        push_bytes(&client(), &registry, b"hello").unwrap(),
        Pushed::Stored
    );
    assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");
}

#[test]
fn a_session_that_is_always_lost_does_not_count_as_missing_content() {
    let lost = on("PUT", "*").error(404, "BLOB_UPLOAD_UNKNOWN", "who are you");
    let registry = TestRegistry::start().with(lost);

    let error = push_bytes(&client(), &registry, b"hello").unwrap_err();

    let Error::Refused(response) = error.root() else {
        panic!("{error:?}");
    };
    assert_eq!(response.by, Responder::UploadSession);
    assert!(!error.is_not_found());
}

#[test]
fn a_registry_that_restarts_during_an_upload_is_waited_for() {
    let registry = TestRegistry::start().with(on("PUT", "*").status(503).times(5));
    let clock = FakeClock::new();
    let client = builder().clock(clock.clone()).build();

    push_bytes(&client, &registry, b"hello").unwrap();

    assert_eq!(clock.waits().len(), 5);
}

#[test]
fn a_rejected_upload_is_an_error_with_the_message_of_the_registry() {
    let put = || on("PUT", "*");
    for (name, registry, wanted) in [
        (
            "another digest",
            TestRegistry::start().with(put().error(400, "DIGEST_INVALID", "corrupted on the way")),
            "400: digest invalid: corrupted on the way",
        ),
        (
            "not yours",
            TestRegistry::start().with(put().error(403, "DENIED", "read only")),
            "403: denied: read only",
        ),
    ] {
        let error = push_bytes(&client(), &registry, b"hello").unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "PUT \"{}/v2/a/blobs/uploads/session-1?_state=REDACTED&digest=sha256%3A{}\": response status code {wanted}",
                registry.url(),
                &HELLO["sha256:".len()..]
            ),
            "{name}"
        );
        assert_eq!(registry.log().len(), 2, "{name}: once");
    }
}

#[test]
fn a_missing_repository_is_reported_with_the_message_of_the_registry() {
    let registry = TestRegistry::start_as(RegistryProfile {
        creates_repositories: false,
        ..RegistryProfile::default()
    });

    let error = push_bytes(&client(), &registry, b"hello").unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "POST \"{}/v2/a/blobs/uploads/\": response status code 404: name unknown: repository name not known to registry",
            registry.url()
        )
    );
}

#[test]
fn a_refusal_before_the_body_is_not_taken_for_a_broken_connection() {
    let [first, _, _] = large();
    let registry = TestRegistry::start().with(on("PUT", "*").error(403, "DENIED", "not for you"));

    let error = push_bytes(&client(), &registry, &first).unwrap_err();

    assert!(
        text(&error).ends_with("403: denied: not for you"),
        "{}",
        text(&error)
    );
    assert_eq!(registry.requests().last().unwrap().body_bytes, 0);
}

#[test]
fn a_token_that_expires_during_an_upload_is_replaced_and_the_content_sent_again() {
    let registry = TestRegistry::requiring_token("t0k3n");
    let challenge = format!(
        "Bearer realm=\"{}/token\",service=\"test-registry\"",
        registry.url()
    );
    registry.inject(
        on("PUT", "*")
            .error(401, "UNAUTHORIZED", "expired")
            .header("WWW-Authenticate", &challenge)
            .times(1),
    );

    push_bytes(&client(), &registry, b"hello").unwrap();

    assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");
    let methods: Vec<_> = registry
        .requests()
        .iter()
        .map(|request| request.method.clone())
        .collect();
    assert_eq!(methods, ["POST", "GET", "POST", "PUT", "GET", "PUT"]);
}

#[test]
fn content_that_changed_is_not_pushed() {
    for (name, bytes, wanted) in [
        ("other bytes", &b"hellO"[..], "mismatched digest"),
        ("fewer bytes", b"hell", "unexpected EOF"),
        ("more bytes", b"hello!", "trailing data"),
    ] {
        let registry = TestRegistry::start();

        let error = push(&client(), &registry, &hello(), bytes).unwrap_err();

        assert!(error.is_verification(), "{name}: {error:?}");
        assert_eq!(text(&error), format!("{HELLO}: {wanted}"), "{name}");
        assert!(registry.blobs("a").is_empty(), "{name}");
        // The request may be given up before its first byte leaves.
        assert!(registry.log().len() <= 2, "{name}: {:#?}", registry.log());
    }
}
