//! Copies within one registry: blobs are mounted instead of sent.

use oras::copy::{CopyOptions, copy};
use oras::credentials::Fixed;
use oras::progress::Event;
use oras::registry::{Client, Repository};
use oras::store::{Mount as Answer, Target};
use oras::{Credential, MediaType};

use crate::observers::collecting;
use crate::setup::{blob, builder, client, hello};
use crate::support::registry::{Bearer, Mount, RegistryProfile, TestRegistry, on, sha256};

/// Copies `from:v1` to `to:v1` within the registry, with mounts.
fn copy_within(client: &Client, registry: &TestRegistry) -> oras::Result<Vec<String>> {
    let target = client
        .repository(&registry.reference("to"))?
        .with_push_scope();
    let source = client
        .repository(&registry.reference("from"))?
        .with_scopes_of(&target);
    let target = target.with_scopes_of(&source);
    copy_events(&source, &target)
}

/// Copies and returns the events, such as `mounted a.txt`.
fn copy_events(source: &Repository, target: &Repository) -> oras::Result<Vec<String>> {
    let (observer, told) = collecting(|event| {
        let (verb, node) = match event {
            Event::Retrying { reason, .. } => return Some(format!("retried after {reason}")),
            Event::Mounted(node) => ("mounted", node),
            Event::Started(node) => ("started", node),
            Event::Transferred(node) => ("copied", node),
            Event::Exists(node) => ("existed", node),
            Event::FetchingManifest(_)
            | Event::FetchedManifest(_)
            | Event::Totals(_)
            | Event::Transferring { .. }
            | Event::Waiting { .. } => return None,
            other => panic!("{other:?}"),
        };
        let name = node.display_name().rsplit('/').next().unwrap_or_default();
        Some(format!("{verb} {name}"))
    });
    let mut options = updated!(CopyOptions {
        observer: Some(observer),
        mount_from: Some(source.name().clone()),
        ..CopyOptions::default()
    });
    copy(source, "v1", target, Some("v1"), &mut options)?;
    Ok(told.take())
}

fn seeded(registry: TestRegistry) -> TestRegistry {
    registry.seed_artifact("from", "v1", &[("a.txt", b"one"), ("b.txt", b"two")]);
    registry
}

fn with_mounts(mount: Mount) -> TestRegistry {
    seeded(TestRegistry::start_as(RegistryProfile {
        mount,
        ..RegistryProfile::default()
    }))
}

#[test]
fn a_copy_within_a_registry_mounts_blobs() {
    let registry = with_mounts(Mount::Checked);

    let told = copy_within(&client(), &registry).unwrap();

    let mount = |bytes: &[u8]| {
        let digest = sha256(bytes);
        format!("POST /v2/to/blobs/uploads/?mount={digest}&from=from (no authorization)")
    };
    let manifest = registry.resolve("from", "v1").unwrap();
    assert_eq!(
        registry.log(),
        [
            "GET /v2/from/manifests/v1 (no authorization)".to_owned(),
            format!("HEAD /v2/to/manifests/{manifest} (no authorization)"),
            mount(b"{}"),
            mount(b"one"),
            mount(b"two"),
            "PUT /v2/to/manifests/v1 (no authorization)".to_owned(),
        ]
    );
    assert_eq!(
        told,
        [
            "mounted vnd.oci.empty.v1+json",
            "mounted a.txt",
            "mounted b.txt",
            "started vnd.oci.image.manifest.v1+json",
            "copied vnd.oci.image.manifest.v1+json",
        ]
    );
    assert_eq!(registry.blob("to", &sha256(b"two")).unwrap(), b"two");
    assert_eq!(registry.resolve("to", "v1").unwrap(), manifest);
}

#[test]
fn one_token_covers_both_repositories() {
    let registry = seeded(TestRegistry::start()).with_tokens(Bearer::new().user("alice", "secret"));
    let client = builder()
        .credentials(Fixed(Credential::password("alice", "secret")))
        .build();

    copy_within(&client, &registry).unwrap();

    let log = registry.log();
    let tokens: Vec<_> = log.iter().filter(|line| line.contains("/token")).collect();
    assert_eq!(tokens.len(), 1, "{log:#?}");
    for scope in ["repository:from:pull", "repository:to:pull%2Cpush"] {
        assert!(tokens[0].contains(scope), "{scope} in {tokens:?}");
    }
    // The 401 with the challenge, the token, and the six requests of the copy.
    assert_eq!(log.len(), 8, "{log:#?}");
}

#[test]
fn the_session_of_a_mount_that_was_not_honoured_is_used() {
    let registry = with_mounts(Mount::Ignored);

    let told = copy_within(&client(), &registry).unwrap();

    let methods: Vec<_> = registry
        .requests()
        .iter()
        .map(|request| request.method.clone())
        .collect();
    assert_eq!(
        methods,
        [
            "GET", "HEAD", "POST", "GET", "PUT", "POST", "GET", "PUT", "POST", "GET", "PUT", "PUT"
        ],
        "{:#?}",
        registry.log()
    );
    assert_eq!(
        told[..2],
        [
            "started vnd.oci.empty.v1+json",
            "copied vnd.oci.empty.v1+json"
        ]
    );
    assert_eq!(registry.blob("to", &sha256(b"two")).unwrap(), b"two");
}

#[test]
fn a_rejected_mount_is_not_tried_again() {
    for status in [400, 401, 403, 404, 405, 500] {
        let registry = with_mounts(Mount::Checked).with(
            on("POST", "/v2/to/blobs/uploads/?mount=*&from=from").error(status, "DENIED", "no"),
        );

        let told = copy_within(&client(), &registry).unwrap();

        assert!(
            !told.iter().any(|line| line.starts_with("mounted")),
            "{status}: {told:?}"
        );
        assert_eq!(
            registry.blob("to", &sha256(b"two")).unwrap(),
            b"two",
            "{status}"
        );
        let asked = registry
            .log()
            .iter()
            .filter(|line| line.contains("from=from"))
            .count();
        // Server errors are retried.
        assert_eq!(asked, if status == 500 { 6 } else { 1 }, "{status}");
    }
}

#[test]
fn a_mount_without_permission_becomes_an_upload() {
    let registry =
        with_mounts(Mount::Refused(401)).with_tokens(Bearer::new().user("alice", "secret"));
    let client = builder()
        .credentials(Fixed(Credential::password("alice", "secret")))
        .build();

    copy_within(&client, &registry).unwrap();

    assert_eq!(registry.blob("to", &sha256(b"two")).unwrap(), b"two");
    assert_eq!(registry.tags("to"), ["v1"]);
}

#[test]
fn a_broken_upload_of_a_mount_is_repeated() {
    let registry = with_mounts(Mount::Ignored).with(on("PUT", "/v2/to/blobs/*").nth(1).status(500));

    let told = copy_within(&client(), &registry).unwrap();

    let retry = "retried after 500 Internal Server Error".to_owned();
    assert!(told.contains(&retry), "{told:?}");
    assert_eq!(registry.blob("to", &sha256(b"{}")).unwrap(), b"{}");
    assert_eq!(registry.tags("to"), ["v1"]);
}

#[test]
fn manifests_are_not_mounted_and_other_stores_do_not_mount() {
    let registry = with_mounts(Mount::Checked);
    let client = client();
    let target = client.repository(&registry.reference("to")).unwrap();
    let from = "from".parse().unwrap();
    let bytes = br#"{"schemaVersion":2,"manifests":[]}"#;
    let index = oras::Descriptor::of(MediaType::IMAGE_INDEX, bytes);

    let answer = target.mount(&index, &mut &bytes[..], &from).unwrap();
    assert_eq!(answer, Answer::Unsupported);
    assert!(registry.log().is_empty());

    let memory = oras::store::memory::MemoryStore::new();
    let answer = memory.mount(&hello(), &mut &b"hello"[..], &from).unwrap();
    assert_eq!(answer, Answer::Unsupported);
    assert!(!oras::store::Source::exists(&memory, &blob(b"hello")).unwrap());
}
