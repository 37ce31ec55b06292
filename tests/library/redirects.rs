//! Redirects: followed by hand, and a few times. What goes along is a matter of
//! [`hostile`](crate::hostile).

use oras::registry::{Client, PlainHttp};
use oras::store::{Source, Target};
use oras::{Error, Result};

use crate::setup::{BehindTls, HELLO, TLS_HOST, builder, client, hello, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on};

fn pull(client: &Client, registry: &TestRegistry) -> Result<Vec<u8>> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.fetch(&hello())?.read_all(5)
}

/// A client of a registry that is reached by https.
fn tls_client(registry: &TestRegistry) -> Client {
    builder()
        .plain_http(PlainHttp::Never)
        .transport(BehindTls::of(registry))
        .build()
}

fn pull_by_tls(client: &Client) -> Result<Vec<u8>> {
    let repository = client.repository(&format!("{TLS_HOST}/a"))?;
    repository.fetch(&hello())?.read_all(5)
}

#[test]
fn every_kind_of_redirect_is_followed_for_a_read() {
    for status in [301, 302, 303, 307, 308] {
        let cdn = TestRegistry::start();
        cdn.seed_blob("a", b"hello");
        let location = format!("{}/v2/a/blobs/{HELLO}", cdn.url());
        let registry = TestRegistry::start().with(on("GET", "*").redirect(status, &location));

        assert_eq!(pull(&client(), &registry).unwrap(), b"hello", "{status}");
    }
}

#[test]
fn a_broken_blob_is_requested_from_the_registry_again() {
    let cdn = TestRegistry::start().with(on("GET", "*").close_after(2).nth(1));
    cdn.seed_blob("a", b"hello");
    let registry = TestRegistry::start().with(on("GET", "*").redirect_to(&cdn));

    assert_eq!(pull(&client(), &registry).unwrap(), b"hello");

    // An address at the storage may be good for a moment only.
    assert_eq!(registry.log().len(), 2);
    assert_eq!(
        cdn.requests()[1].header("Range"),
        Some("bytes=2-4"),
        "the range goes along"
    );
}

#[test]
fn redirects_are_limited() {
    let registry =
        TestRegistry::start().with(on("GET", "*").redirect(302, &format!("/v2/a/blobs/{HELLO}")));

    let error = pull(&client(), &registry).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "GET \"{}/v2/a/blobs/{HELLO}\": more than 10 redirects",
            registry.url()
        )
    );
    assert_eq!(registry.log().len(), 11);
}

#[test]
fn a_redirect_without_a_usable_location_is_an_error() {
    for (fault, wanted) in [
        (on("GET", "*").status(307), "the redirect has no Location"),
        (
            on("GET", "*").redirect(307, "http://user@host/x?secret=canary"),
            "its Location is not valid: invalid URL \"http://…@host/x\": its host is not valid",
        ),
    ] {
        let registry = TestRegistry::start().with(fault);

        let error = pull(&client(), &registry).unwrap_err();

        assert_eq!(
            text(&error),
            format!("GET \"{}/v2/a/blobs/{HELLO}\": {wanted}", registry.url())
        );
    }
}

#[test]
fn a_redirect_must_not_leave_https_or_be_more_local() {
    let mismatch =
        |host: &str, prefix: &str| format!("host \"{host}\" is {host}, in blocked prefix {prefix}");
    for (location, reason) in [
        ("http://cdn.example/x", "it would leave https".to_owned()),
        (
            "http://registry.example/x",
            "it would leave https".to_owned(),
        ),
        (
            "https://169.254.169.254/x",
            mismatch("169.254.169.254", "169.254.0.0/16"),
        ),
        ("https://[::1]/x", mismatch("::1", "::1/128")),
    ] {
        let registry = TestRegistry::start().with(on("HEAD", "*").redirect(307, location));
        let client = tls_client(&registry);
        let repository = client.repository(&format!("{TLS_HOST}/a")).unwrap();

        let error = repository.resolve("v1").unwrap_err();

        assert_eq!(
            text(&error),
            format!(
                "HEAD \"https://registry.example/v2/a/manifests/v1\": refusing to follow the redirect to \"{location}\": {reason}"
            )
        );
    }
}

#[test]
fn a_realm_that_leaves_https_or_is_more_local_is_not_requested() {
    for (realm, reason) in [
        (
            "http://auth.example/token",
            "bearer realm \"http://auth.example/token\" uses http but registry was contacted over https",
        ),
        (
            "https://localhost/token",
            "bearer realm host \"localhost\" resolves to 127.0.0.1, in blocked prefix 127.0.0.0/8",
        ),
        (
            "https://[64:ff9b::7f00:1]/token",
            "bearer realm host \"64:ff9b::7f00:1\" is 127.0.0.1, in blocked prefix 127.0.0.0/8",
        ),
    ] {
        let registry = TestRegistry::start().with(
            on("GET", "*")
                .error(401, "UNAUTHORIZED", "authentication required")
                .header("WWW-Authenticate", &format!("Bearer realm=\"{realm}\"")),
        );

        let error = pull_by_tls(&tls_client(&registry)).unwrap_err();

        assert!(error.is_unauthorized());
        assert_eq!(
            text(&error),
            format!("GET \"https://registry.example/v2/a/blobs/{HELLO}\": {reason}")
        );
    }
}

#[test]
fn content_follows_redirects_within_the_registry_only() {
    let elsewhere = TestRegistry::start();
    let registry = TestRegistry::start_as(RegistryProfile {
        upload_state: false,
        ..RegistryProfile::default()
    });
    let moved = format!("/v2/a/blobs/uploads/session-1?digest={HELLO}");
    registry.inject(on("PUT", "*").redirect(307, &moved).nth(1));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    repository.push(&hello(), &mut &b"hello"[..]).unwrap();
    assert_eq!(registry.blob("a", HELLO).unwrap(), b"hello");

    registry.heal();
    registry.inject(on("PUT", "*").redirect_to(&elsewhere));
    let world = crate::setup::blob(b"world");
    let error = repository.push(&world, &mut &b"world"[..]).unwrap_err();

    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert!(
        text(&error).ends_with("it would send content to another host"),
        "{}",
        text(&error)
    );
    assert!(elsewhere.log().is_empty());
}

#[test]
fn existence_checks_do_not_follow_redirects() {
    let cdn = TestRegistry::start();
    let registry = TestRegistry::start().with(on("HEAD", "/v2/a/blobs/*").redirect_to(&cdn));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    assert!(repository.exists(&hello()).unwrap());

    assert!(cdn.log().is_empty());
}

/// A redirect of a check would otherwise look like one to the storage of an existing blob.
#[test]
fn a_front_end_that_redirects_everything_stores_no_blob() {
    for status in [301, 302, 303, 307, 308] {
        let registry = TestRegistry::start()
            .with(on("*", "/v2/*").redirect(status, "/login"))
            .with(on("*", "/login").html_page());
        let repository = client().repository(&registry.reference("a")).unwrap();

        let error = repository.push(&hello(), &mut &b"hello"[..]).unwrap_err();

        assert!(!error.is_transient(), "{error:?}");
        assert!(text(&error).starts_with("POST"), "{status}: {error:?}");
    }
}
