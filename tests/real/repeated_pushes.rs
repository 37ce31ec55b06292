//! Requests of pushes of many files that differ in few, in the log of a registry.

use std::path::Path;

use crate::docker_registry::DockerRegistry;
use crate::round_trips::Program;
use crate::support::tempdir::TempDir;

const FILES: usize = 200;

/// Runs a command, and returns the requests.
fn run(registry: &DockerRegistry, directory: &Path, arguments: &[&str]) -> Vec<String> {
    registry.take_requests();
    Program::ours().run(directory, arguments);
    registry.take_requests()
}

#[test]
fn a_repeated_push_takes_as_many_requests_as_files_changed() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    let directory = TempDir::new();
    let names: Vec<_> = (0..FILES).map(|number| format!("{number}.txt")).collect();
    for name in &names {
        directory.write(name, format!("content of {name}"));
    }
    let target = registry.reference("many:v1");
    let push = |created: &str| -> Vec<String> {
        let created = format!("org.opencontainers.image.created={created}");
        let mut arguments = vec!["push", "--annotation", &created, &target];
        arguments.extend(names.iter().map(String::as_str));
        run(&registry, directory.path(), &arguments)
    };
    let (old, new) = ("2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z");

    // The manifest, the tag, two for each blob, and the push of the manifest.
    assert_eq!(push(old).len(), 1 + 1 + 2 * (FILES + 1) + 1);
    assert_eq!(push(old).len(), 2);
    assert_eq!(push(new).len(), 3);
    directory.write(&names[100], "changed");
    let changed = push(new);
    assert_eq!(changed.len(), 5, "{changed:#?}");

    let copied = registry.reference("copied:v1");
    run(&registry, directory.path(), &["cp", &target, &copied]);
    let again = run(&registry, directory.path(), &["cp", &target, &copied]);
    assert_eq!(again.len(), 3, "{again:#?}");
}

#[test]
fn a_blob_that_the_registry_lost_is_sent_by_the_next_push() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    let directory = TempDir::new();
    let names: Vec<_> = (0..9).map(|number| format!("{number}.txt")).collect();
    for name in &names {
        directory.write(name, format!("content of {name}"));
    }
    let target = registry.reference("lost:v1");
    let repository = registry.reference("lost");
    let mut push = vec!["push", &target];
    push.extend(names.iter().map(String::as_str));
    run(&registry, directory.path(), &push);
    let lost = oras::Digest::of(b"content of 3.txt");
    let lost = format!("{repository}@{lost}");
    run(
        &registry,
        directory.path(),
        &["blob", "delete", "--force", &lost],
    );

    let requests = run(&registry, directory.path(), &push);

    // The tag, the manifest that is refused, the check of the blob, its upload, the manifest.
    assert_eq!(requests.len(), 6, "{requests:#?}");
    run(
        &registry,
        directory.path(),
        &["blob", "fetch", "--descriptor", &lost],
    );
}
