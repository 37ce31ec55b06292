//! Blobs that a registry is known to have, because a manifest that it serves lists them or because
//! this client pushed them: they take no request. Knowledge that is out of date is repaired.

use std::time::{Duration, UNIX_EPOCH};

use oras::Descriptor;
use oras::copy::{CopyOptions, RootState, copy_graph, copy_graph_with_referrers};
use oras::pack::{PackOptions, pack};
use oras::registry::{Client, Repository};
use oras::store::memory::MemoryStore;
use oras::store::{Delete, Source, Target};
use oras::{MediaType, Result};

use super::{index, methods};
use crate::setup::{blob, builder, client, text};
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, Fault, RegistryProfile, TestRegistry, on, sha256};

const FILES: usize = 200;

/// The contents of files. Those with the numbers `changed` differ from those of other calls.
fn files(count: usize, changed: &[usize]) -> Vec<Vec<u8>> {
    let content = |number: usize| {
        let mark = if changed.contains(&number) {
            "changed "
        } else {
            ""
        };
        format!("{mark}file {number}")
    };
    (0..count)
        .map(|number| content(number).into_bytes())
        .collect()
}

/// Packs an artifact of these files that was created at `created` seconds.
fn pack_files(store: &MemoryStore, files: &[Vec<u8>], created: u64) -> Descriptor {
    let layers = files.iter().map(|bytes| {
        let layer = blob(bytes);
        store.push(&layer, &mut bytes.as_slice()).unwrap();
        layer
    });
    let options = updated!(PackOptions {
        artifact_type: Some("application/vnd.test".into()),
        layers: layers.collect(),
        ..PackOptions::default()
    });
    let created = UNIX_EPOCH + Duration::from_secs(created);
    let packed = pack(store, options, created).unwrap();
    packed.descriptor().clone()
}

/// Pushes an artifact of these files as a process of its own does, and returns the methods of the
/// requests.
fn push(registry: &TestRegistry, files: &[Vec<u8>], created: u64) -> String {
    let memory = MemoryStore::new();
    let root = pack_files(&memory, files, created);
    registry.clear_log();
    push_with(&client(), registry, &memory, &root, "v1").unwrap();
    for bytes in files {
        assert!(registry.blob("a", &sha256(bytes)).is_some());
    }
    assert_eq!(registry.resolve("a", "v1").unwrap(), root.digest.as_str());
    methods(registry)
}

fn push_with(
    client: &Client,
    registry: &TestRegistry,
    memory: &MemoryStore,
    root: &Descriptor,
    tag: &str,
) -> Result<()> {
    let target = client.repository(&registry.reference("a")).unwrap();
    copy_graph(
        memory,
        &target,
        root,
        Some(tag),
        &mut CopyOptions::default(),
    )
}

fn repository(registry: &TestRegistry) -> Repository {
    client().repository(&registry.reference("a")).unwrap()
}

/// Deletes a blob, as another client or a garbage collection does.
fn lose(registry: &TestRegistry, bytes: &[u8]) {
    repository(registry).delete(&blob(bytes)).unwrap();
}

#[test]
fn unchanged_files_take_no_request() {
    let registry = TestRegistry::start();
    push(&registry, &files(FILES, &[]), 1);

    // The new manifest, the old one, and the push of the new one.
    assert_eq!(push(&registry, &files(FILES, &[]), 2), "HEAD GET PUT");
    assert_eq!(push(&registry, &files(FILES, &[]), 2), "HEAD PUT");
    assert_eq!(
        push(&registry, &files(FILES, &[7]), 3),
        "HEAD GET POST PUT PUT"
    );
    assert_eq!(
        push(&registry, &files(FILES, &[7, 9]), 3),
        "HEAD GET POST PUT PUT"
    );
    // With few blobs, the old manifest is not worth a request.
    assert_eq!(
        push(&registry, &files(3, &[]), 4),
        "HEAD POST POST POST POST PUT"
    );
}

#[test]
fn small_blobs_of_a_first_push_take_one_request_where_the_registry_stores_them() {
    let small = files(FILES, &[]);
    let requests = |registry: &TestRegistry, tag: &str| {
        let memory = MemoryStore::new();
        let root = pack_files(&memory, &small, 1);
        registry.clear_log();
        let mut options = updated!(CopyOptions {
            root: RootState::New,
            ..CopyOptions::default()
        });
        let target = repository(registry);
        copy_graph(&memory, &target, &root, Some(tag), &mut options).unwrap();
        methods(registry)
    };
    let posts = |count: usize| "POST ".repeat(count);

    // The repository does not exist, and so has no blob.
    let registry = TestRegistry::start();
    let new = format!("GET {}PUT", posts(FILES + 1));
    assert_eq!(requests(&registry, "v1"), new);

    // The empty config is new, and so are the files, probably.
    let registry = TestRegistry::start();
    registry.seed_repository("a");
    let new = format!("GET POST PUT {}PUT", posts(FILES));
    assert_eq!(requests(&registry, "v1"), new);
    // They exist in the repository, although the tag does not.
    let existing = format!("GET {}{}PUT", posts(4), "HEAD ".repeat(FILES - 3));
    assert_eq!(requests(&registry, "v2"), existing);

    // This registry answers with a session.
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let new = format!("GET {}PUT", "POST PUT ".repeat(FILES + 1));
    assert_eq!(requests(&registry, "v1"), new);
}

#[test]
fn a_registry_that_rejects_a_blob_in_one_request_loses_nothing() {
    let post = || on("POST", "/v2/a/blobs/uploads/?digest=*");
    for (name, fault) in [
        ("an error", post().error(400, "UNSUPPORTED", "")),
        ("a missing page", post().status(404)),
        ("another method", post().status(405)),
        ("a failure", post().status(500)),
        ("a web page", post().html_page()),
        ("a redirect", post().redirect(307, "/elsewhere")),
        ("no connection", post().close()),
        ("no response", post().lose_response()),
        ("a closed body", post().close_after_receiving(1)),
        ("a session without a location", post().status(202)),
    ] {
        let registry = TestRegistry::start().with(fault);
        let requests = push(&registry, &files(10, &[]), 1);
        // One attempt, and two requests for each of eleven blobs.
        let posts = requests.matches("POST").count();
        let puts = requests.matches("PUT").count();
        assert_eq!((posts, puts), (12, 12), "{name}: {requests}");
    }
}

#[test]
fn a_blob_in_one_request_is_sent_again_after_a_rate_limit() {
    let post = || on("POST", "/v2/a/blobs/uploads/?digest=*");
    let registry = TestRegistry::start().with(post().times(3).status(429).retry_after(1));
    let requests = push(&registry, &files(10, &[]), 1);
    let posts = requests.matches("POST").count();
    assert_eq!(posts, 3 + 11, "{requests}");

    // The registry does not accept another request for longer than the client waits.
    let registry = TestRegistry::start().with(post().times(100).status(429));
    let memory = MemoryStore::new();
    let root = pack_files(&memory, &files(10, &[]), 1);
    let error = push_with(&client(), &registry, &memory, &root, "v1").unwrap_err();
    assert!(text(&error).contains("429"), "{}", text(&error));
    assert_eq!(methods(&registry).matches("POST").count(), 6);
}

/// A session that received the body of its `POST` as a chunk.
#[test]
fn a_session_that_has_the_blob_already_is_not_used() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let registry = registry.with(
        on("POST", "/v2/a/blobs/uploads/?digest=*")
            .nth(1)
            .status(202)
            .header("Location", "/v2/a/blobs/uploads/unknown")
            .header("Range", "0-1"),
    );
    let requests = push(&registry, &files(10, &[]), 1);
    assert!(requests.starts_with("HEAD GET POST POST PUT"), "{requests}");

    // The response does not show it; the commit fails.
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let registry = registry.with(
        on("POST", "/v2/a/blobs/uploads/?digest=*")
            .nth(1)
            .status(202)
            .header("Location", "/v2/a/blobs/uploads/unknown"),
    );
    let requests = push(&registry, &files(10, &[]), 1);
    assert!(
        requests.starts_with("HEAD GET POST PUT POST PUT"),
        "{requests}"
    );
}

#[test]
fn a_lost_blob_is_sent_again() {
    for (profile, name) in [
        (RegistryProfile::default(), "default"),
        (RegistryProfile::distribution(), "distribution"),
    ] {
        let registry = TestRegistry::start_as(profile);
        push(&registry, &files(FILES, &[]), 1);
        lose(&registry, &files(FILES, &[])[100]);

        // The registry refuses the manifest, and names the blob.
        let requests = push(&registry, &files(FILES, &[]), 2);
        assert_eq!(requests, "HEAD GET PUT HEAD POST PUT PUT", "{name}");

        // The manifest exists. Only the blobs that the refusal names are checked.
        lose(&registry, b"{}");
        lose(&registry, &files(FILES, &[])[0]);
        let requests = push(&registry, &files(FILES, &[]), 2);
        assert_eq!(requests, "HEAD PUT HEAD POST PUT POST PUT PUT", "{name}");
        assert!(registry.blob("a", &sha256(b"{}")).is_some(), "{name}");
    }
}

/// A copy with referrers sets the tag of the root at the end.
#[test]
fn a_lost_blob_of_an_existing_root_is_sent_before_its_tag() {
    let registry = TestRegistry::start();
    let memory = MemoryStore::new();
    let root = pack_files(&memory, &files(FILES, &[]), 1);
    push_with(&client(), &registry, &memory, &root, "v1").unwrap();
    lose(&registry, &files(FILES, &[])[7]);
    registry.clear_log();

    let mut options = CopyOptions::default();
    let target = repository(&registry);
    copy_graph_with_referrers(&memory, &target, &root, Some("v2"), &mut options).unwrap();

    assert!(registry.blob("a", &sha256(b"file 7")).is_some());
    assert_eq!(registry.resolve("a", "v2").unwrap(), root.digest.as_str());
    let requests = methods(&registry);
    assert!(
        requests.ends_with("HEAD PUT HEAD POST PUT PUT"),
        "{requests}"
    );
}

#[test]
fn all_blobs_are_checked_if_a_refusal_names_none() {
    let all = files(10, &[]);
    for (status, code) in [
        (400, "MANIFEST_INVALID"),
        (404, "MANIFEST_BLOB_UNKNOWN"),
        (404, "BLOB_UNKNOWN"),
        (422, "WHATEVER"),
    ] {
        let registry = TestRegistry::start();
        push(&registry, &all, 1);
        lose(&registry, &all[3]);
        lose(&registry, &all[9]);
        registry.inject(
            on("PUT", "/v2/a/manifests/v1")
                .nth(1)
                .error(status, code, ""),
        );

        let requests = push(&registry, &all, 2);

        // Eleven blobs, two of which are sent.
        assert_eq!(
            requests,
            "HEAD GET PUT POST POST POST POST HEAD POST PUT POST POST POST POST HEAD HEAD POST PUT PUT",
            "{status} {code}"
        );
    }
}

#[test]
fn a_manifest_that_is_refused_for_good_is_refused_twice_at_most() {
    let registry = TestRegistry::start();
    push(&registry, &files(10, &[]), 1);
    registry.inject(on("PUT", "/v2/a/manifests/v1").error(400, "MANIFEST_INVALID", ""));
    registry.clear_log();
    let memory = MemoryStore::new();
    let root = pack_files(&memory, &files(10, &[]), 2);

    let error = push_with(&client(), &registry, &memory, &root, "v1").unwrap_err();

    assert!(error.chain().to_string().contains("400: manifest invalid"));
    let puts = methods(&registry).matches("PUT").count();
    assert_eq!(puts, 2, "{}", methods(&registry));
    for (status, code) in [
        (401, "UNAUTHORIZED"),
        (403, "DENIED"),
        (413, "SIZE_INVALID"),
    ] {
        registry.heal();
        registry.inject(on("PUT", "/v2/a/manifests/v1").error(status, code, ""));
        registry.clear_log();
        push_with(&client(), &registry, &memory, &root, "v1").unwrap_err();
        let puts = methods(&registry).matches("PUT").count();
        assert_eq!(puts, 1, "{status}");
    }
}

#[test]
fn a_tag_that_another_process_moves_shows_what_it_named_when_it_was_read() {
    let registry = TestRegistry::start();
    push(&registry, &files(10, &[]), 1);
    let old = registry.manifest("a", "v1").unwrap();
    // While this push runs, another process moves the tag, and the registry collects the blobs.
    for bytes in files(10, &[]) {
        lose(&registry, &bytes);
    }
    registry.inject(on("GET", "/v2/a/manifests/v1").nth(1).body(old));

    let requests = push(&registry, &files(10, &[]), 2);

    assert!(
        requests.starts_with("HEAD GET PUT HEAD POST PUT"),
        "{requests}"
    );
    assert_eq!(registry.blobs("a").len(), 11);
}

/// Seeds what the tag `v1` names.
type SeedTag = fn(&TestRegistry);

#[test]
fn a_tag_that_names_something_else_shows_nothing() {
    let seeds: [(&str, SeedTag); 6] = [
        ("nothing", |_| {}),
        ("an index", |registry| {
            let memory = MemoryStore::new();
            let image = pack_files(&memory, &files(1, &[]), 1);
            push_with(&client(), registry, &memory, &image, "x").unwrap();
            registry.seed_index("a", "v1", &[image.digest.as_str()]);
        }),
        ("no JSON", |registry| {
            let media_type = MediaType::IMAGE_MANIFEST;
            registry.seed_manifest("a", media_type.as_str(), b"\xff{", Some("v1"));
        }),
        ("wrong members", |registry| {
            let text = br#"{"schemaVersion":2,"config":7,"layers":{"a":1}}"#;
            let media_type = MediaType::IMAGE_MANIFEST;
            registry.seed_manifest("a", media_type.as_str(), text, Some("v1"));
        }),
        ("another type", |registry| {
            registry.seed_manifest("a", "text/html", b"<html>", Some("v1"));
        }),
        ("a large manifest", |registry| {
            let text = format!(r#"{{"schemaVersion":2,"x":"{}"}}"#, "x".repeat(5 << 20));
            let media_type = MediaType::IMAGE_MANIFEST;
            registry.seed_manifest("a", media_type.as_str(), text.as_bytes(), Some("v1"));
        }),
    ];
    for (name, seed) in seeds {
        let registry = TestRegistry::start();
        seed(&registry);
        let requests = push(&registry, &files(10, &[]), 2);
        assert!(requests.starts_with("HEAD GET POST"), "{name}: {requests}");
    }
}

#[test]
fn the_read_of_the_tag_requests_a_token_for_the_push() {
    let tokens = Bearer::new().anonymous(&["repository:*:pull,push"]);
    let registry = TestRegistry::start().with_tokens(tokens);
    let memory = MemoryStore::new();
    let root = pack_files(&memory, &files(10, &[]), 1);
    let mut options = updated!(CopyOptions {
        root: RootState::New,
        ..CopyOptions::default()
    });

    let target = repository(&registry);
    copy_graph(&memory, &target, &root, Some("v1"), &mut options).unwrap();

    let tokens = registry.log().into_iter();
    assert_eq!(tokens.filter(|line| line.contains("scope=")).count(), 1);
}

#[test]
fn a_manifest_of_docker_shows_its_blobs() {
    let registry = TestRegistry::start();
    let all = files(10, &[]);
    let mut layers = Vec::new();
    for bytes in &all {
        registry.seed_blob("a", bytes);
        layers.push(blob(bytes));
    }
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": blob(b"{}"),
        "layers": layers,
    });
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    registry.seed_blob("a", b"{}");
    registry.seed_manifest("a", media_type, manifest.to_string().as_bytes(), Some("v1"));

    assert_eq!(push(&registry, &all, 1), "HEAD GET PUT");
}

#[test]
fn a_refused_read_of_the_tag_does_not_fail_the_push() {
    let read = || on("GET", "/v2/a/manifests/v1");
    let refusals: [(&str, Fault); 9] = [
        ("401", read().error(401, "UNAUTHORIZED", "")),
        ("403", read().error(403, "DENIED", "")),
        ("404", read().error(404, "NAME_UNKNOWN", "")),
        ("429", read().status(429).retry_after(7)),
        ("500", read().status(500)),
        ("503", read().status(503).retry_after(7)),
        ("closed", read().close()),
        ("a web page", read().html_page()),
        ("cut", read().close_after(7)),
    ];
    for (name, refusal) in refusals {
        let registry = TestRegistry::start();
        push(&registry, &files(10, &[]), 1);
        registry.inject(refusal);
        let memory = MemoryStore::new();
        let root = pack_files(&memory, &files(10, &[1]), 2);
        registry.clear_log();
        let clock = FakeClock::new();
        let client = builder().clock(clock.clone()).build();

        push_with(&client, &registry, &memory, &root, "v1").unwrap();

        let requests = registry.log();
        let reads = (requests.iter()).filter(|line| line.starts_with("GET /v2/a/manifests/v1"));
        assert_eq!(reads.count(), 1, "{name}: {requests:#?}");
        assert!(clock.waits().is_empty(), "{name}");
        assert_eq!(registry.resolve("a", "v1").unwrap(), root.digest.as_str());
    }
}

#[test]
fn blobs_that_the_process_pushed_take_no_request() {
    let registry = TestRegistry::start();
    let (memory, client) = (MemoryStore::new(), client());
    let first = pack_files(&memory, &files(3, &[]), 1);
    let second = pack_files(&memory, &files(3, &[1]), 1);
    push_with(&client, &registry, &memory, &first, "v1").unwrap();
    registry.clear_log();

    push_with(&client, &registry, &memory, &second, "v2").unwrap();

    assert_eq!(methods(&registry), "HEAD POST PUT PUT");
    // Another client does not know them.
    registry.clear_log();
    let third = pack_files(&memory, &files(3, &[1]), 3);
    push_with(&crate::setup::client(), &registry, &memory, &third, "v3").unwrap();
    assert_eq!(methods(&registry), "HEAD POST POST POST POST PUT");
}

#[test]
fn the_knowledge_of_a_process_ends_with_time_and_with_a_deletion() {
    type Ending = fn(&Client, &TestRegistry, &FakeClock);
    let endings: [(&str, Ending); 3] = [
        ("time", |_, _, clock| clock.pass(Duration::from_secs(301))),
        ("a deletion", |client, registry, _| {
            let repository = client.repository(&registry.reference("a")).unwrap();
            repository.delete(&blob(b"file 0")).unwrap();
        }),
        ("a raw deletion", |client, registry, _| {
            let path = format!("/v2/a/blobs/{}", sha256(b"file 0"));
            let name = registry.host().parse().unwrap();
            let method = oras::http::Method::Delete;
            client
                .request(&name, method, &path)
                .unwrap()
                .send()
                .unwrap();
        }),
    ];
    for (name, end) in endings {
        // This registry does not notice that a blob is missing.
        let registry = TestRegistry::start_as(RegistryProfile {
            verifies_references: false,
            ..RegistryProfile::default()
        });
        let clock = FakeClock::new();
        let client = builder().clock(clock.clone()).build();
        let memory = MemoryStore::new();
        let first = pack_files(&memory, &files(3, &[]), 1);
        let second = pack_files(&memory, &files(3, &[]), 2);
        push_with(&client, &registry, &memory, &first, "v1").unwrap();
        end(&client, &registry, &clock);
        registry.clear_log();

        push_with(&client, &registry, &memory, &second, "v2").unwrap();

        let posts = methods(&registry).matches("POST").count();
        assert_eq!(posts, 4, "{name}: {}", methods(&registry));
        assert!(registry.blob("a", &sha256(b"file 0")).is_some(), "{name}");
    }
}

#[test]
fn a_direct_push_checks_the_blob() {
    let registry = TestRegistry::start();
    let target = repository(&registry);
    target.push(&blob(b"one"), &mut &b"one"[..]).unwrap();
    lose(&registry, b"one");
    target.push(&blob(b"one"), &mut &b"one"[..]).unwrap();
    assert!(registry.blob("a", &sha256(b"one")).is_some());
    assert!(target.exists(&blob(b"one")).unwrap());
}

#[test]
fn a_forced_copy_checks_all_blobs() {
    let registry = TestRegistry::start_as(RegistryProfile::ggcr());
    let all = files(10, &[]);
    push(&registry, &all, 1);
    lose(&registry, &all[3]);
    let memory = MemoryStore::new();
    let root = pack_files(&memory, &all, 2);
    let mut options = updated!(CopyOptions {
        force: true,
        ..CopyOptions::default()
    });

    copy_graph(
        &memory,
        &repository(&registry),
        &root,
        Some("v1"),
        &mut options,
    )
    .unwrap();

    assert!(registry.blob("a", &sha256(&all[3])).is_some());
}

#[test]
fn the_entries_of_an_index_are_checked_although_the_current_index_lists_them() {
    // A sparse index: the registry accepts it although one of its manifests is missing.
    let registry = TestRegistry::start_as(RegistryProfile {
        verifies_references: false,
        ..RegistryProfile::default()
    });
    let memory = MemoryStore::new();
    let images: Vec<_> = (0..7)
        .map(|number| pack_files(&memory, &files(1, &[]), number))
        .collect();
    let sparse = memory.fetch(&index(&memory, &images[..6])).unwrap();
    let sparse = sparse.read_all(1 << 20).unwrap();
    registry.seed_manifest("a", MediaType::IMAGE_INDEX.as_str(), &sparse, Some("v1"));
    let root = index(&memory, &images);

    push_with(&client(), &registry, &memory, &root, "v1").unwrap();

    for image in &images {
        assert!(registry.manifest("a", image.digest.as_str()).is_some());
    }
}
