//! Backups of one command, restored by the other, as archives and as directories.

use std::path::Path;

use crate::copies::{attach, tree};
use crate::docker_registry::DockerRegistry;
use crate::round_trips::Program;
use crate::support::tempdir::TempDir;

/// Returns the tags of a repository with their manifests, as the original fetches them.
fn tags(original: &Program, directory: &Path, repository: &str) -> Vec<(String, String)> {
    let listed = original.run(directory, &["repo", "tags", repository]);
    let listed = String::from_utf8(listed).expect("tags are text");
    let mut tags: Vec<_> = listed
        .lines()
        .map(|tag| {
            let digest = original.run(directory, &["resolve", &format!("{repository}:{tag}")]);
            let digest = String::from_utf8(digest).expect("a digest is text");
            // A referrers index may be in any order.
            let digest = if tag.starts_with("sha256-") {
                String::new()
            } else {
                digest
            };
            (tag.to_owned(), digest)
        })
        .collect();
    tags.sort();
    tags
}

#[test]
fn each_command_restores_the_backups_of_the_other() {
    let (Some(from), Some(original)) = (DockerRegistry::start(), Program::reference()) else {
        return;
    };
    let ours = Program::ours();
    let temporary = TempDir::new();
    let directory = temporary.path();
    temporary.write("hi.txt", "hi\n");
    temporary.write("large", vec![7; 5 << 20]);
    let repository = from.reference("r");
    let first = from.reference("r:v1");
    original.run(directory, &["push", &format!("{first},latest"), "hi.txt"]);
    original.run(directory, &["push", &from.reference("r:large"), "large"]);
    let index = from.reference("r:index");
    original.run(
        directory,
        &["manifest", "index", "create", &index, "v1", "large"],
    );
    for subject in [&first, &index] {
        let signature = attach(&original, directory, subject, "a/signature");
        let of_signature = from.reference(&format!("r@{signature}"));
        attach(&original, directory, &of_signature, "a/receipt");
    }
    let wanted = tags(&original, directory, &repository);
    assert_eq!(wanted.len(), 4 + 4, "{wanted:?}");

    for (number, (one, other)) in [(&ours, &original), (&original, &ours), (&ours, &ours)]
        .into_iter()
        .enumerate()
    {
        let Some(to) = DockerRegistry::start() else {
            return;
        };
        for (name, path) in [
            ("archive", format!("{number}.tar")),
            ("directory", number.to_string()),
        ] {
            let ways = format!("{name}: {} to {}", one.name, other.name);
            one.run(
                directory,
                &[
                    "backup",
                    "--include-referrers",
                    "--output",
                    &path,
                    &repository,
                ],
            );
            let restored = to.reference(name);
            other.run(directory, &["restore", "--input", &path, &restored]);

            assert_eq!(tags(&original, directory, &restored), wanted, "{ways}");
            for tag in ["v1", "index"] {
                let there = |repository: &str| {
                    tree(&original, directory, &[], &format!("{repository}:{tag}"))
                };
                assert_eq!(there(&restored), there(&repository), "{ways}: {tag}");
            }
            let out = format!("out-{number}-{name}");
            let large = format!("{restored}:large");
            original.run(directory, &["pull", "-o", &out, &large]);
            assert!(
                temporary.read(format!("{out}/large")) == vec![7; 5 << 20],
                "{ways}"
            );
        }
    }
}

/// The archives of both commands differ only in the order of entries and in owners and times.
#[test]
fn archives_of_both_commands_have_the_same_files() {
    let (Some(registry), Some(original)) = (DockerRegistry::start(), Program::reference()) else {
        return;
    };
    let temporary = TempDir::new();
    let directory = temporary.path();
    temporary.write("hi.txt", "hi\n");
    let name = registry.reference("r:v1");
    original.run(directory, &["push", &name, "hi.txt"]);
    let files = [Program::ours(), original].map(|program| {
        let archive = format!("{}.tar", program.name);
        program.run(directory, &["backup", "-o", &archive, &name]);
        let bytes = temporary.read(&archive);
        let mut archive = tar::Archive::new(&*bytes);
        let mut files: Vec<_> = archive
            .entries()
            .expect("it is an archive")
            .map(|entry| {
                let mut entry = entry.expect("it is an archive");
                let mut content = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut content).expect("it is whole");
                let name = entry.path().expect("it has a name").display().to_string();
                let header = entry.header();
                let mode = header.mode().expect("it has permissions") & 0o777;
                (name, header.entry_type().as_byte(), mode, content)
            })
            .collect();
        files.sort();
        (files, bytes.len())
    });
    let [(ours, our_size), (theirs, their_size)] = files;
    assert_eq!(ours, theirs);
    assert_eq!(our_size, their_size);
}
