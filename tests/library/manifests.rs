//! Manifests: one request each, trusted by their bytes and never by their headers alone.

mod pushing;
mod sharing;

use oras::Descriptor;
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::registry::Client;
use oras::store::Source;
use oras::{Error, MediaType, RawManifest, Result};

use crate::setup::{ABSENT, client, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};

/// An index without entries, the smallest manifest there is.
const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

fn index() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_INDEX, INDEX)
}

fn registry_with(personality: RegistryProfile) -> TestRegistry {
    let registry = TestRegistry::start_as(personality);
    registry.seed_manifest("a", INDEX_TYPE, INDEX, Some("v1"));
    registry
}

fn resolve(client: &Client, registry: &TestRegistry, reference: &str) -> Result<Descriptor> {
    client
        .repository(&registry.reference("a"))?
        .resolve(reference)
}

fn read(client: &Client, registry: &TestRegistry, reference: &str) -> Result<RawManifest> {
    client
        .repository(&registry.reference("a"))?
        .fetch_manifest_by_reference(reference, MAX_MANIFEST_BYTES)
}

#[test]
fn a_manifest_by_tag_is_one_get() {
    let registry = registry_with(RegistryProfile::default());

    let manifest = read(&client(), &registry, "v1").unwrap();

    assert_eq!(manifest.bytes(), INDEX);
    assert_eq!(*manifest.descriptor(), index());
    assert_eq!(
        registry.log(),
        ["GET /v2/a/manifests/v1 (no authorization)"]
    );
    assert_eq!(
        registry.requests()[0].header("Accept"),
        Some(
            "application/vnd.docker.distribution.manifest.v2+json, \
             application/vnd.docker.distribution.manifest.list.v2+json, \
             application/vnd.oci.image.manifest.v1+json, \
             application/vnd.oci.image.index.v1+json, \
             application/vnd.oci.artifact.manifest.v1+json"
        )
    );
}

#[test]
fn a_tag_is_resolved_by_one_head() {
    let registry = registry_with(RegistryProfile::default());

    assert_eq!(resolve(&client(), &registry, "v1").unwrap(), index());
    assert_eq!(
        registry.log(),
        ["HEAD /v2/a/manifests/v1 (no authorization)"]
    );
}

#[test]
fn a_reference_may_include_the_full_name() {
    let registry = registry_with(RegistryProfile::default());
    let full = registry.reference("a");

    for name in [format!("{full}:v1"), format!("{full}@{}", sha256(INDEX))] {
        assert_eq!(resolve(&client(), &registry, &name).unwrap(), index());
        assert_eq!(read(&client(), &registry, &name).unwrap().bytes(), INDEX);
    }
    let elsewhere = registry.reference("b:v1");
    let error = resolve(&client(), &registry, &elsewhere).unwrap_err();
    assert_eq!(
        text(&error),
        format!("\"{elsewhere}\": invalid reference: it is not in {full}")
    );
    let error = resolve(&client(), &registry, &full).unwrap_err();
    assert!(matches!(error, Error::InvalidReference { .. }), "{error}");
}

#[test]
fn an_insufficient_head_is_followed_by_a_get() {
    let complete = RegistryProfile::default;
    for (name, registry) in [
        (
            "no digest",
            registry_with(RegistryProfile {
                digest_header: false,
                ..complete()
            }),
        ),
        (
            "no length",
            registry_with(RegistryProfile {
                head_length: false,
                ..complete()
            }),
        ),
        (
            "no type",
            registry_with(complete()).with(on("HEAD", "*").without_header("Content-Type")),
        ),
        (
            "the type of plain files",
            registry_with(complete())
                .with(on("HEAD", "*").header("Content-Type", "application/octet-stream")),
        ),
        (
            "no HEAD",
            registry_with(complete()).with(on("HEAD", "*").status(405)),
        ),
        (
            "no liking for HEAD",
            registry_with(complete()).with(on("HEAD", "*").status(400)),
        ),
        (
            "no knowledge of HEAD",
            registry_with(complete()).with(on("HEAD", "*").status(501)),
        ),
    ] {
        assert_eq!(
            resolve(&client(), &registry, "v1").unwrap(),
            index(),
            "{name}"
        );
        assert_eq!(
            registry.log(),
            [
                "HEAD /v2/a/manifests/v1 (no authorization)",
                "GET /v2/a/manifests/v1 (no authorization)"
            ],
            "{name}"
        );
    }
}

#[test]
fn a_head_by_digest_needs_no_digest_header() {
    let registry = registry_with(RegistryProfile {
        digest_header: false,
        ..RegistryProfile::default()
    });
    let digest = sha256(INDEX);

    assert_eq!(resolve(&client(), &registry, &digest).unwrap(), index());
    assert_eq!(
        registry.log(),
        [format!("HEAD /v2/a/manifests/{digest} (no authorization)")]
    );
}

#[test]
fn a_head_about_another_manifest_is_refused() {
    let digest = sha256(INDEX);
    let registry =
        registry_with(RegistryProfile::default()).with(on("HEAD", "*").wrong_digest_header());

    let error = resolve(&client(), &registry, &digest).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "HEAD \"{}/v2/a/manifests/{digest}\": the answer is about another manifest, {ABSENT}",
            registry.url()
        )
    );
}

#[test]
fn an_invalid_digest_header_is_ignored_when_resolving() {
    let digest = sha256(INDEX);
    for header in ["sha256:beef", "nonsense"] {
        let registry = registry_with(RegistryProfile::default())
            .with(on("HEAD", "*").header("Docker-Content-Digest", header));

        let by_digest = resolve(&client(), &registry, &digest).unwrap();
        let by_tag = resolve(&client(), &registry, "v1").unwrap();

        assert_eq!((by_digest, by_tag), (index(), index()), "{header}");
        assert_eq!(
            registry.log(),
            [
                format!("HEAD /v2/a/manifests/{digest} (no authorization)"),
                "HEAD /v2/a/manifests/v1 (no authorization)".to_owned(),
                "GET /v2/a/manifests/v1 (no authorization)".to_owned(),
            ],
            "{header}"
        );
    }
}

#[test]
fn a_manifest_by_tag_must_match_the_digest_header() {
    for fault in [
        on("GET", "*").header("Docker-Content-Digest", ABSENT),
        on("GET", "*").flip_byte(20),
    ] {
        let registry = registry_with(RegistryProfile::default()).with(fault);

        let error = read(&client(), &registry, "v1").unwrap_err();

        assert!(error.is_verification(), "{error:?}");
    }
}

#[test]
fn an_invalid_digest_header_is_ignored_when_reading() {
    for header in ["sha256:beef", "nonsense"] {
        let registry = registry_with(RegistryProfile::default())
            .with(on("GET", "*").header("Docker-Content-Digest", header));

        let manifest = read(&client(), &registry, "v1").unwrap();

        assert_eq!(*manifest.descriptor(), index(), "{header}");
    }
}

#[test]
fn a_web_page_is_never_content() {
    let registry = TestRegistry::start().with(on("*", "*").html_page());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
    let manifest = Descriptor::of(MediaType::IMAGE_INDEX, INDEX);

    for error in [
        repository.exists(&blob).unwrap_err(),
        repository.exists(&manifest).unwrap_err(),
        repository.resolve("v1").unwrap_err(),
    ] {
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    }
}

#[test]
fn a_manifest_by_digest_must_match_it() {
    let digest = sha256(INDEX);
    let registry = registry_with(RegistryProfile::default()).with(on("GET", "*").flip_byte(20));

    let error = read(&client(), &registry, &digest).unwrap_err();

    assert!(error.is_verification());
    assert_eq!(text(&error), format!("{digest}: mismatched digest"));
}

#[test]
fn a_broken_manifest_is_requested_again() {
    let registry =
        registry_with(RegistryProfile::default()).with(on("GET", "*").close_after(20).times(2));

    let manifest = read(&client(), &registry, "v1").unwrap();

    assert_eq!(manifest.bytes(), INDEX);
    assert_eq!(registry.log().len(), 3);
}

#[test]
fn media_types_of_responses_have_no_case() {
    let registry = TestRegistry::start();
    registry.seed_manifest("a", INDEX_TYPE, INDEX, Some("v1"));
    let content_type = format!("{}; charset=UTF-8", INDEX_TYPE.to_uppercase());
    registry.inject(on("*", "*").header("Content-Type", &content_type));

    let manifest = read(&client(), &registry, "v1").unwrap();
    let repository = client().repository(&registry.reference("a")).unwrap();
    let resolved = repository.resolve("v1").unwrap();

    assert_eq!(manifest.descriptor().media_type, MediaType::IMAGE_INDEX);
    assert_eq!(resolved, *manifest.descriptor());
}

#[test]
fn without_a_content_type_the_document_decides() {
    for (name, bytes, wanted) in [
        ("by its own type", INDEX, MediaType::IMAGE_INDEX),
        (
            "by its entries",
            br#"{"schemaVersion":2,"manifests":[]}"#,
            MediaType::IMAGE_INDEX,
        ),
        (
            "by its config",
            br#"{"schemaVersion":2,"config":{}}"#,
            MediaType::IMAGE_MANIFEST,
        ),
    ] {
        for content_type in ["", "text/plain; charset=utf-8", "application/octet-stream"] {
            let registry = TestRegistry::start();
            registry.seed_manifest("a", content_type, bytes, Some("v1"));
            // What has no type is no answer to a request for certain types, so the request is not
            // understood as one.
            registry.inject(on("GET", "*").ignoring("Accept"));

            let manifest = read(&client(), &registry, "v1").unwrap();

            assert_eq!(manifest.descriptor().media_type, wanted, "{name}");
        }
    }
}

#[test]
fn other_content_than_a_manifest_is_an_error() {
    let get = || on("GET", "*").no_digest_header();
    for (fault, wanted) in [
        (
            get().html_page(),
            "the answer is a web page, not a manifest",
        ),
        (
            get().body("not JSON"),
            "the answer is said to be \"application/vnd.oci.image.index.v1+json\" and is not JSON of that form",
        ),
        (
            get().without_header("Content-Type").body("{}"),
            "the answer does not say what it is",
        ),
        (
            get().header("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
            "the answer is said to be \"application/vnd.oci.image.manifest.v1+json\" \
             and says it is \"application/vnd.oci.image.index.v1+json\"",
        ),
    ] {
        let registry = registry_with(RegistryProfile::default()).with(fault);

        let error = read(&client(), &registry, "v1").unwrap_err();

        assert_eq!(
            text(&error),
            format!("GET \"{}/v2/a/manifests/v1\": {wanted}", registry.url())
        );
    }
}

#[test]
fn a_manifest_must_have_the_type_of_its_descriptor() {
    let bytes = br#"{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}"#;
    let registry = TestRegistry::start();
    registry.seed_manifest("a", INDEX_TYPE, bytes, None);
    let as_image = Descriptor::of(MediaType::IMAGE_MANIFEST, bytes);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = repository
        .fetch(&as_image)
        .and_then(|reader| reader.read_all(1000))
        .unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "{}: the registry has it as \"application/vnd.oci.image.index.v1+json\", \
             not \"application/vnd.oci.image.manifest.v1+json\"",
            as_image.digest
        )
    );
}

#[test]
fn a_missing_manifest_is_named_in_full() {
    let registry = registry_with(RegistryProfile::default());

    for error in [
        resolve(&client(), &registry, "v2").unwrap_err(),
        read(&client(), &registry, "v2").unwrap_err(),
    ] {
        assert!(error.is_not_found());
        assert_eq!(
            text(&error),
            format!("{}: not found", registry.reference("a:v2"))
        );
    }
}
