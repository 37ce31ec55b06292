//! Registry profiles: permitted differences between registries, and requests that none accepts.

use crate::support::registry::{Mount, Ranges, RegistryProfile, TestRegistry};

use super::wire::Wire;
use super::{HELLO, INDEX};

#[test]
fn profiles_differ() {
    let mut cases: Vec<(&str, RegistryProfile, String, u16)> = Vec::new();
    let mut case = |name, personality, ask: &str, status| {
        cases.push((name, personality, ask.replace("{hello}", HELLO), status));
    };
    let default = RegistryProfile::default;
    let mount = "POST /v2/b/blobs/uploads/?mount={hello}&from=a";
    case(
        "single post ignored",
        RegistryProfile::distribution(),
        "POST /v2/a/blobs/uploads/?digest={hello}",
        202,
    );
    case(
        "no referrers",
        RegistryProfile::distribution(),
        "GET /v2/a/referrers/{hello}",
        404,
    );
    case(
        "blind mount",
        RegistryProfile {
            mount: Mount::Ignored,
            ..default()
        },
        mount,
        202,
    );
    case(
        "refused mount",
        RegistryProfile {
            mount: Mount::Refused(401),
            ..default()
        },
        mount,
        401,
    );
    case(
        "mount without from",
        default(),
        "POST /v2/b/blobs/uploads/?mount={hello}",
        202,
    );
    let anywhere = RegistryProfile {
        mount: Mount::Anywhere,
        ..default()
    };
    case(
        "mount from anywhere",
        anywhere,
        "POST /v2/b/blobs/uploads/?mount={hello}",
        201,
    );
    case(
        "no tag deletion",
        RegistryProfile::ghcr(),
        "DELETE /v2/a/manifests/v1",
        405,
    );
    case(
        "no blob deletion",
        RegistryProfile::ghcr(),
        "DELETE /v2/a/blobs/{hello}",
        405,
    );
    case(
        "no catalog",
        RegistryProfile::ghcr(),
        "GET /v2/_catalog",
        404,
    );
    let fixed = RegistryProfile {
        creates_repositories: false,
        ..default()
    };
    case(
        "repositories must exist",
        fixed,
        "POST /v2/b/blobs/uploads/",
        404,
    );
    for (name, personality, ask, status) in cases {
        let registry = TestRegistry::start_as(personality);
        registry.seed_blob("a", b"hello");
        registry.seed_manifest("a", INDEX, b"{}", Some("v1"));
        assert_eq!(
            Wire::to(&registry).send(&ask, &[], b"").status,
            status,
            "{name}"
        );
    }
}

#[test]
fn profiles_have_their_own_error_messages() {
    let registry = TestRegistry::start_as(RegistryProfile {
        absolute_locations: true,
        digest_header: false,
        head_length: false,
        ranges: Ranges::Ignored,
        min_chunk_bytes: Some(1024),
        ..RegistryProfile::default()
    });
    registry.seed_blob("a", b"hello");
    let mut wire = Wire::to(&registry);
    let opened = wire.send("POST /v2/a/blobs/uploads/", &[], b"");
    let location = format!("{}/v2/a/blobs/uploads/session-1?_state=s1", registry.url());
    assert_eq!(opened.header("Location"), Some(location.as_str()));
    assert_eq!(opened.header("OCI-Chunk-Min-Length"), Some("1024"));
    let head = wire.send(&format!("HEAD /v2/a/blobs/{HELLO}"), &[], b"");
    assert_eq!(
        (
            head.header("Content-Length"),
            head.header("Docker-Content-Digest")
        ),
        (None, None)
    );
    let got = wire.send(
        &format!("GET /v2/a/blobs/{HELLO}"),
        &["Range: bytes=1-2"],
        b"",
    );
    assert_eq!((got.status, got.text().as_str()), (200, "hello"));
}

#[test]
fn invalid_requests_are_recorded() {
    let registry = TestRegistry::start();
    let mut wire = Wire::to(&registry);
    assert_eq!(wire.send("GET /v1/search", &[], b"").status, 404);
    assert_eq!(wire.send("PUT /v2/a/tags/list", &[], b"").status, 405);
    wire.write(b"hello\r\n\r\n");
    assert_eq!(wire.reply(false).status, 400);
    let expected = [
        "GET /v1/search",
        "PUT /v2/a/tags/list",
        "not HTTP: no request line in \"hello\"",
    ];
    assert_eq!(registry.take_unexpected(), expected);
}

#[test]
fn profiles_limit_the_size_of_requests() {
    let registry = TestRegistry::start_as(RegistryProfile {
        min_chunk_bytes: Some(3),
        max_patch_bytes: Some(4),
        max_put_bytes: Some(1),
        upload_state: false,
        ..RegistryProfile::default()
    });
    let mut wire = Wire::to(&registry);
    wire.send("POST /v2/a/blobs/uploads/", &[], b"");
    let session = "/v2/a/blobs/uploads/session-1";
    assert_eq!(
        wire.send(&format!("PATCH {session}"), &[], b"hello").status,
        416,
        "too big"
    );
    assert_eq!(
        wire.send(&format!("PUT {session}?digest={HELLO}"), &[], b"hello")
            .status,
        413
    );
    assert_eq!(
        wire.send(&format!("PATCH {session}"), &[], b"hel").status,
        202
    );
    assert_eq!(
        wire.send(&format!("PATCH {session}"), &[], b"l").status,
        202,
        "the last may be small"
    );
    assert_eq!(
        wire.send(&format!("PATCH {session}"), &[], b"o").status,
        416,
        "so it was not the last"
    );
    assert_eq!(
        wire.send(&format!("PUT {session}?digest={HELLO}"), &[], b"o")
            .status,
        201
    );
}
