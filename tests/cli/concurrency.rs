//! Concurrent commands: none undoes the changes of another.

use std::collections::BTreeSet;
use std::thread;

use crate::support::cli::Oras;
use crate::support::registry::{RegistryProfile, TestRegistry};

const COMMANDS: usize = 20;

/// Runs commands concurrently and returns their outputs.
#[track_caller]
fn run_concurrently(oras: &Oras, lines: &[Vec<String>]) -> BTreeSet<String> {
    thread::scope(|scope| {
        let threads: Vec<_> = (lines.iter())
            .map(|line| scope.spawn(move || oras.run(line).success().stdout()))
            .collect();
        let printed = threads.into_iter().map(thread::ScopedJoinHandle::join);
        printed.map(|it| it.expect("it succeeds")).collect()
    })
}

fn line(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// An attach with its own annotation that prints the digest.
fn attach(target: &[&str], number: usize) -> Vec<String> {
    let annotation = format!("number={number}");
    let attach = ["attach", "--artifact-type", "test/attached"];
    let print = ["--format", "go-template={{.digest}}", "-a", &annotation];
    line(&[&attach, target, &print].concat())
}

/// A push of a file with its own tag.
fn push(number: usize) -> Vec<String> {
    let target = format!("layout:v{number}");
    let annotation = format!("number={number}");
    line(&["push", "--oci-layout", &target, "a.txt", "-a", &annotation])
}

/// Returns the digests of the referrers.
fn found(oras: &Oras, target: &[&str]) -> BTreeSet<String> {
    let each = "--format=go-template={{range .referrers}}{{.digest}}\n{{end}}";
    let outcome = oras.run([&["discover", each], target].concat());
    outcome
        .success()
        .stdout()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn concurrent_attaches_all_stay_in_the_referrers_tag() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let oras = Oras::new();
    let target = ["--plain-http", &registry.reference("a:v1")];
    oras.run([&["push"], &target[..]].concat()).success();

    let lines: Vec<_> = (0..COMMANDS)
        .map(|number| attach(&target, number))
        .collect();
    let attached = run_concurrently(&oras, &lines);

    assert_eq!(attached.len(), COMMANDS);
    assert_eq!(found(&oras, &target), attached);
}

#[test]
fn concurrent_pushes_and_attaches_all_stay_in_a_layout() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let target = ["--oci-layout", "layout:v0"];
    oras.run([&["push"], &target[..], &["a.txt"]].concat())
        .success();

    let tags: BTreeSet<_> = (0..=COMMANDS).map(|number| format!("v{number}")).collect();
    let lines: Vec<_> = (0..COMMANDS)
        .flat_map(|number| [attach(&target, number), push(number + 1)])
        .collect();
    let printed = run_concurrently(&oras, &lines);

    let attached: BTreeSet<_> = (printed.into_iter())
        .filter(|printed| printed.starts_with("sha256:"))
        .collect();
    assert_eq!(attached.len(), COMMANDS);
    assert_eq!(found(&oras, &target), attached);
    let listed = oras.run(["repo", "tags", "--oci-layout", "layout"]);
    let listed: BTreeSet<_> = listed
        .success()
        .stdout()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, tags);
    for tag in &tags {
        let target = format!("layout:{tag}");
        for command in [
            &["resolve"][..],
            &["manifest", "fetch"],
            &["pull", "-o", "out"],
        ] {
            oras.run([command, &["--oci-layout", &target]].concat())
                .success();
        }
    }
}
