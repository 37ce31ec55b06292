//! Connections: one for each origin, whatever the responses, and one segment for a small request.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oras::attach::{AttachOptions, attach};
use oras::copy::{CopyOptions, copy};
use oras::discover::{DiscoverOptions, discover};
use oras::pull::{PullOptions, pull};
use oras::push::{PushOptions, push};
use oras::registry::{Client, Repository};
use oras::store::{Delete, Source, Target};
use oras::{Annotations, Credential, Descriptor, MediaType};

use crate::setup::{ABSENT, LARGE, blob, builder, client};
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, RegistryProfile, TestRegistry, on};
use crate::support::relay::Listener;
use crate::support::tempdir::TempDir;

/// Does most of what a program does with a registry, with responses of all kinds.
fn use_registry(client: &Client, registry: &TestRegistry) {
    let directory = TempDir::new();
    let open = |name: &str| -> Repository {
        let repository = client.repository(&registry.reference(name));
        repository.unwrap().with_push_scope()
    };
    let repository = open("a");
    let missing = Descriptor::new(MediaType::OCTET_STREAM, ABSENT.parse().unwrap(), 5);
    assert!(!repository.exists(&missing).unwrap());
    assert!(repository.fetch(&missing).is_err());
    assert!(repository.resolve("absent").is_err());
    for _ in 0..2 {
        let files = (0..9).map(|number| {
            let name = format!("{number}.txt");
            let mut file = oras::push::PushFile::from(directory.write(&name, &name));
            file.title = Some(name);
            file
        });
        let options = updated!(PushOptions {
            files: files.collect(),
            artifact_type: Some("test/artifact".into()),
            ..PushOptions::default()
        });
        push(&repository, Some("v1"), options).unwrap();
    }
    let large = vec![7; LARGE + 1];
    let large_blob = blob(&large);
    repository.push(&large_blob, &mut large.as_slice()).unwrap();
    assert!(repository.exists(&large_blob).unwrap());
    let mut stream = &large[..];
    (repository.push_stream(&MediaType::OCTET_STREAM, &mut stream)).unwrap();
    let options = updated!(AttachOptions {
        artifact_type: Some("test/attached".into()),
        annotations: Annotations::from([("a", "b")]),
        ..AttachOptions::default()
    });
    attach(&repository, "v1", options).unwrap();
    discover(&repository, "v1", &DiscoverOptions::default()).unwrap();
    let options = updated!(PullOptions {
        output: directory.join("out"),
        ..PullOptions::default()
    });
    pull(&repository, "v1", options).unwrap();
    repository.delete(&large_blob).unwrap();
    repository.untag("absent").unwrap_err();
    let _ = repository.untag("v1");
}

fn connections(registry: &TestRegistry) -> Vec<usize> {
    let requests = registry.requests();
    let mut numbers: Vec<_> = requests.iter().map(|request| request.connection).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[test]
fn all_requests_to_an_origin_use_one_connection() {
    for (name, profile) in [
        ("default", RegistryProfile::default()),
        ("distribution", RegistryProfile::distribution()),
        ("zot", RegistryProfile::zot()),
        ("go-containerregistry", RegistryProfile::ggcr()),
    ] {
        let registry = TestRegistry::start_as(profile);
        use_registry(&client(), &registry);
        assert_eq!(connections(&registry), [1], "{name}");
    }
}

/// Some servers and load balancers close each connection after a response, and do not announce it.
/// The next request may be on its way by then.
#[test]
fn connections_that_break_when_they_are_reused_are_used_once() {
    for profile in [RegistryProfile::default(), RegistryProfile::distribution()] {
        let registry = TestRegistry::start_as(RegistryProfile {
            keeps_connections: false,
            ..profile
        });
        let clock = FakeClock::new();
        use_registry(&builder().clock(clock.clone()).build(), &registry);
        let waited: Duration = clock.waits().iter().sum();
        assert!(waited <= Duration::from_secs(3), "{waited:?}");
    }
}

/// A blob that is not mounted is read and sent at once.
#[test]
fn a_copy_within_a_registry_uses_two_connections() {
    let registry = TestRegistry::start();
    use_registry(&client(), &registry);
    registry.clear_log();
    let client = client();
    let open = |name: &str| client.repository(&registry.reference(name)).unwrap();
    registry.seed_artifact(
        "a",
        "v2",
        &[("one", b"one"), ("two", b"two"), ("three", b"three")],
    );
    let mut options = CopyOptions::default();
    copy(&open("a"), "v2", &open("b"), Some("v2"), &mut options).unwrap();
    assert_eq!(connections(&registry).len(), 2);
}

#[test]
fn error_responses_keep_the_connection() {
    let registry = TestRegistry::start()
        .with(on("POST", "*").nth(1).status(503))
        .with(on("HEAD", "*").nth(2).status(405))
        .with(
            on("GET", "/v2/a/manifests/v1")
                .nth(1)
                .error(500, "UNKNOWN", "no"),
        )
        .with(on("PUT", "*").nth(3).error(503, "UNAVAILABLE", "no"));
    use_registry(&client(), &registry);
    assert_eq!(connections(&registry), [1]);
}

#[test]
fn authentication_uses_the_connections_of_registry_and_token_service() {
    let basic = TestRegistry::requiring_basic("user", "password");
    let with_password = || {
        let credential = Credential::password("user", "password");
        builder()
            .credentials(oras::credentials::Fixed(credential))
            .build()
    };
    use_registry(&with_password(), &basic);
    assert_eq!(connections(&basic), [1]);

    let tokens = TestRegistry::start();
    let policy = Bearer::new().user("user", "password").at(&tokens);
    let registry = TestRegistry::start().with_tokens(policy);
    use_registry(&with_password(), &registry);
    assert_eq!(connections(&registry), [1]);
    assert_eq!(connections(&tokens), [1]);

    // A token service at the registry itself.
    let policy = Bearer::new().user("user", "password");
    let registry = TestRegistry::start().with_tokens(policy);
    use_registry(&with_password(), &registry);
    assert_eq!(connections(&registry), [1]);
}

/// The bytes of each read at the server.
type Reads = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server that responds to each request with 201, and records what each read returns.
fn recording_server() -> (Listener, Reads) {
    let reads = Reads::default();
    let recorded = Arc::clone(&reads);
    let server = Listener::start(move |mut stream, _| {
        let mut buffer = vec![0; 64 * 1024];
        let mut request = Vec::new();
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            recorded.lock().unwrap().push(buffer[..count].to_vec());
            request.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&request);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.parse::<usize>().ok())?
            });
            if body.len() < length.unwrap_or_default() {
                continue;
            }
            request.clear();
            let response = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(response);
        }
    });
    (server, reads)
}

#[test]
fn a_small_request_with_a_body_arrives_at_once() {
    let (server, reads) = recording_server();
    let address = server.address();
    let client = client();
    let repository = client.repository(&format!("{address}/a")).unwrap();
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index);
    for tag in ["v1", "v2", "v3", "v4"] {
        repository
            .push_reference(&descriptor, &mut &index[..], tag)
            .unwrap();
    }
    let reads = reads.lock().unwrap();
    assert_eq!(reads.len(), 4);
    for read in reads.iter() {
        assert!(read.starts_with(b"PUT ") && read.ends_with(index));
    }
}
