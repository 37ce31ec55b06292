//! Referrers that one command attaches and deletes, as the other command discovers them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::thread;

use oras::layout::LayoutStore;
use oras::pack::{PackOptions, pack};
use oras::registry::Client;
use oras::store::{Delete, Referrers, Source, Target};
use oras::{Descriptor, Digest};

use crate::docker_registry::DockerRegistry;
use crate::round_trips::Program;
use crate::support::registry::TestRegistry;
use crate::support::tempdir::TempDir;

/// Number of concurrent attaches.
const CLIENTS: usize = 20;

/// Creates an artifact without files, with an optional subject.
fn artifact(store: &dyn Target, name: &str, subject: Option<&Descriptor>) -> Descriptor {
    let options = updated!(PackOptions {
        artifact_type: Some("test/attached".into()),
        subject: subject.map(Descriptor::plain),
        annotations: [("name".to_owned(), name.to_owned())].into(),
        ..PackOptions::default()
    });
    let packed = pack(store, options, std::time::UNIX_EPOCH).expect("it can be stored");
    packed.descriptor().plain()
}

/// Returns the referrers that this library finds.
fn referrers_found_by_library(store: &impl Referrers, subject: &Descriptor) -> BTreeSet<Digest> {
    let mut all = BTreeSet::new();
    store
        .referrers(subject, None, &mut |page| {
            all.extend(page.iter().map(|found| found.digest.clone()));
            ControlFlow::Continue(())
        })
        .expect("it can be listed");
    all
}

/// Returns the referrers that the original finds. `further` are arguments before the reference.
fn referrers_found_by_original(
    theirs: &Program,
    directory: &Path,
    further: &[&str],
    name: &str,
) -> BTreeSet<Digest> {
    let mut arguments = vec!["discover", "--format", "json", "--depth", "1"];
    arguments.extend(further);
    arguments.push(name);
    let found = theirs.run(directory, &arguments);
    let found: serde_json::Value = serde_json::from_slice(&found).expect("it prints JSON");
    let found = found["referrers"].as_array().expect("it lists referrers");
    found
        .iter()
        .filter_map(|found| found["digest"].as_str()?.parse().ok())
        .collect()
}

/// CNCF distribution has no referrers API, and rejects an index that lists missing manifests.
#[test]
fn concurrent_attaches_and_deletes_keep_the_referrers_tag_complete() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    let reference = registry.reference("attached");
    let client = Client::new();
    let repository = client.repository(&reference).expect("it is a name");
    let subject = artifact(&repository, "subject", None);
    let attach_all = |age: &str| -> BTreeSet<Digest> {
        thread::scope(|scope| {
            let attach = |number| {
                let client = Client::new();
                let repository = client.repository(&reference).expect("it is a name");
                artifact(&repository, &format!("{age} {number}"), Some(&subject)).digest
            };
            let threads: Vec<_> = (0..CLIENTS)
                .map(|number| scope.spawn(move || attach(number)))
                .collect();
            let attached = threads.into_iter().map(thread::ScopedJoinHandle::join);
            attached.map(|it| it.expect("it is attached")).collect()
        })
    };

    let mut attached = attach_all("one");
    assert_eq!(referrers_found_by_library(&repository, &subject), attached);

    let deleted = attached.pop_first().expect("there are many");
    let target = repository.resolve(deleted.as_str()).expect("it is there");
    repository.delete(&target).expect("it can be deleted");
    assert_eq!(referrers_found_by_library(&repository, &subject), attached);

    let Some(theirs) = Program::reference() else {
        return;
    };
    let directory = TempDir::new();
    let name = format!("{reference}@{}", subject.digest);
    let by_them = || referrers_found_by_original(&theirs, directory.path(), &[], &name);
    assert_eq!(by_them(), attached);

    theirs.run(
        directory.path(),
        &[
            "attach",
            "--artifact-type",
            "test/theirs",
            &name,
            "--annotation",
            "a=b",
        ],
    );
    let with_theirs = by_them();
    assert_eq!(with_theirs.len(), attached.len() + 1);
    assert_eq!(
        referrers_found_by_library(&repository, &subject),
        with_theirs
    );
    for digest in &with_theirs {
        let target = repository.resolve(digest.as_str()).expect("it is there");
        repository.delete(&target).expect("it can be deleted");
    }
    assert!(by_them().is_empty());
}

/// Returns the tree of referrers that a command finds, sorted by digest.
fn discovered(program: &Program, directory: &Path, target: &[&str]) -> serde_json::Value {
    fn sort(found: &mut serde_json::Value) {
        if let Some(referrers) = found["referrers"].as_array_mut() {
            referrers.iter_mut().for_each(sort);
            referrers.sort_by_key(|found| found["digest"].to_string());
        }
    }
    let found = program.run(
        directory,
        &[&["discover", "--format", "json"], target].concat(),
    );
    let mut found = serde_json::from_slice(&found).expect("it prints JSON");
    sort(&mut found);
    found
}

/// Attaches with each command, also to the referrer of the other command. Each command must find
/// all referrers.
fn attach_and_find(theirs: &Program, target: &[&str], path: &str) {
    let directory = TempDir::new();
    directory.write("a.txt", "a");
    let run = |program: &Program, arguments: &[&str]| program.run(directory.path(), arguments);
    let attach = |program: &Program, target: &[&str]| {
        let name = format!("name={}", program.name);
        let attach = ["attach", "--artifact-type", "test/attached", "-a", &name];
        let print = ["a.txt", "--format", "go-template={{.digest}}"];
        let digest = run(program, &[&attach, target, &print].concat());
        String::from_utf8(digest).expect("a digest is text")
    };
    let ours = Program::ours();
    run(theirs, &[&["push"], target, &["a.txt"]].concat());
    for (one, other) in [(&ours, theirs), (theirs, &ours)] {
        let attached = format!("{path}@{}", attach(one, target));
        let (name, flags) = target.split_last().expect("there is a name");
        attach(other, &[flags, &[&attached]].concat());

        let found = discovered(&ours, directory.path(), &[flags, &[name]].concat());
        assert_eq!(found, discovered(theirs, directory.path(), target));
        let nested = found["referrers"].as_array().expect("it lists referrers");
        assert!(
            nested.iter().all(|found| found["referrers"]
                .as_array()
                .is_some_and(|it| it.len() == 1)),
            "{found:#}"
        );
    }
    let found = discovered(&ours, directory.path(), target);
    assert_eq!(found["referrers"].as_array().map(Vec::len), Some(2));
}

#[test]
fn each_command_finds_the_referrers_of_the_other() {
    let Some(theirs) = Program::reference() else {
        return;
    };
    let directory = TempDir::new();
    let layout = directory.join("layout").display().to_string();
    attach_and_find(&theirs, &["--oci-layout", &format!("{layout}:v1")], &layout);

    // Both commands use plain http for this name.
    let with_api = TestRegistry::start();
    let path = with_api
        .reference("attached")
        .replace("127.0.0.1", "localhost");
    attach_and_find(&theirs, &["--no-tty", &format!("{path}:v1")], &path);

    if let Some(registry) = DockerRegistry::start() {
        let path = registry.reference("attached");
        attach_and_find(&theirs, &["--no-tty", &format!("{path}:v1")], &path);
    }
}

/// Same with concurrent processes, which share no state.
#[test]
fn both_commands_find_all_referrers_of_concurrent_attaches() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    let directory = TempDir::new();
    let ours = Program::ours();
    let name = registry.reference("attached:v1");
    ours.run(directory.path(), &["push", &name]);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (ours, name, directory) = (&ours, &name, directory.path());
            scope.spawn(move || {
                let annotation = format!("number={number}");
                let attach = ["attach", "--artifact-type", "test/attached"];
                ours.run(
                    directory,
                    &[&attach[..], &["-a", &annotation, name]].concat(),
                );
            });
        }
    });

    let target = ["--no-tty", &name];
    let found = discovered(&ours, directory.path(), &target);
    assert_eq!(found["referrers"].as_array().map(Vec::len), Some(CLIENTS));
    if let Some(theirs) = Program::reference() {
        assert_eq!(discovered(&theirs, directory.path(), &target), found);
    }
}

#[test]
fn each_command_finds_the_referrers_of_the_other_in_a_layout() {
    let Some(theirs) = Program::reference() else {
        return;
    };
    let directory = TempDir::new();
    let layout = directory.join("layout");
    let run = |arguments: &[&str]| theirs.run(directory.path(), arguments);
    directory.write("a.txt", "a");
    run(&["push", "--oci-layout", "layout:v1", "a.txt"]);
    run(&[
        "attach",
        "--oci-layout",
        "--artifact-type",
        "test/theirs",
        "layout:v1",
        "--annotation",
        "a=b",
    ]);
    let store = LayoutStore::create_or_open(&layout).expect("it is a layout");
    let subject = store.resolve("v1").expect("it is there").plain();
    let by_them =
        || referrers_found_by_original(&theirs, directory.path(), &["--oci-layout"], "layout:v1");
    let by_us = || referrers_found_by_library(&store, &subject);
    assert_eq!(by_us().len(), 1);
    assert_eq!(by_us(), by_them());

    let ours = artifact(&store, "ours", Some(&subject));
    assert_eq!(by_us().len(), 2);
    assert_eq!(by_us(), by_them());

    store.delete(&ours).expect("it can be deleted");
    assert_eq!(by_us().len(), 1);
    assert_eq!(by_us(), by_them());
    run(&["pull", "--oci-layout", "layout:v1", "-o", "out"]);
    assert_eq!(directory.read("out/a.txt"), b"a");

    store.delete(&subject).expect("it can be deleted");
    let left = std::fs::read_dir(layout.join("blobs/sha256")).expect("it is a layout");
    assert_eq!(left.count(), 0);
}
