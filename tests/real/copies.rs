//! Copies with referrers between stores: the original finds the referrers it attached in every
//! copy.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::docker_registry::DockerRegistry;
use crate::round_trips::Program;
use crate::support::tempdir::TempDir;

const CREATED: &str = "org.opencontainers.image.created=2000-01-01T00:00:00Z";

/// Attaches a file to a manifest in a registry, and returns the digest of the new manifest.
pub(crate) fn attach(
    program: &Program,
    directory: &Path,
    subject: &str,
    artifact_type: &str,
) -> String {
    let printed = program.run(
        directory,
        &[
            "attach",
            "-a",
            CREATED,
            "--artifact-type",
            artifact_type,
            "--format",
            "go-template={{.digest}}",
            subject,
            "hi.txt",
        ],
    );
    String::from_utf8(printed).expect("a digest is text")
}

/// Returns the tree of referrers that the original finds, without references.
pub(crate) fn tree(program: &Program, directory: &Path, flags: &[&str], target: &str) -> Value {
    let mut arguments = vec!["discover", "--format", "json"];
    arguments.extend(flags);
    arguments.push(target);
    let printed = program.run(directory, &arguments);
    let mut tree = serde_json::from_slice(&printed).expect("it was asked for JSON");
    normalise(&mut tree);
    tree
}

fn normalise(node: &mut Value) {
    let Some(members) = node.as_object_mut() else {
        return;
    };
    members.remove("reference");
    let Some(Value::Array(referrers)) = members.get_mut("referrers") else {
        return;
    };
    referrers.iter_mut().for_each(normalise);
    // The original lists referrers in a layout in any order.
    referrers.sort_by_key(ToString::to_string);
}

#[test]
fn referrers_are_found_in_every_copy() {
    let (Some(from), Some(to), Some(original)) = (
        DockerRegistry::start(),
        DockerRegistry::start(),
        Program::reference(),
    ) else {
        return;
    };
    let (temporary, ours) = (TempDir::new(), Program::ours());
    let directory = temporary.path();
    temporary.write("hi.txt", "hi\n");
    let first = from.reference("r:v1");
    original.run(directory, &["push", "-a", CREATED, &first, "hi.txt"]);
    let signature = attach(&original, directory, &first, "a/signature");
    attach(&original, directory, &first, "a/sbom");
    let of_signature = from.reference(&format!("r@{signature}"));
    attach(&original, directory, &of_signature, "a/receipt");
    let wanted = tree(&original, directory, &[], &first);
    assert!(wanted.to_string().contains("a/receipt"), "{wanted}");

    ours.run(
        directory,
        &["cp", "-r", "--to-oci-layout", &first, "layout:v1"],
    );
    let found = tree(&original, directory, &["--oci-layout"], "layout:v1");
    assert_eq!(
        without_annotations(found),
        without_annotations(wanted.clone()),
        "in a layout"
    );

    let packed = Command::new("tar")
        .args(["-C", "layout", "-cf", "layout.tar", "."])
        .current_dir(directory)
        .status();
    assert!(packed.is_ok_and(|status| status.success()), "tar failed");
    let second = to.reference("archived:v1");
    ours.run(
        directory,
        &["cp", "-r", "--from-oci-layout", "layout.tar:v1", &second],
    );
    assert_eq!(
        tree(&original, directory, &[], &second),
        wanted,
        "in another registry"
    );

    let third = to.reference("within:v1");
    ours.run(directory, &["cp", "-r", &second, &third]);
    assert_eq!(
        tree(&original, directory, &[], &third),
        wanted,
        "in another repository"
    );

    original.run(
        directory,
        &[
            "cp",
            "-r",
            "--from-oci-layout",
            "layout:v1",
            &to.reference("theirs:v1"),
        ],
    );
    let theirs = to.reference("theirs:v1");
    ours.run(
        directory,
        &["cp", "-r", &theirs, &from.reference("back:v1")],
    );
    let back = from.reference("back:v1");
    assert_eq!(
        tree(&original, directory, &[], &back),
        wanted,
        "there and back"
    );
}

/// A layout also annotates the root with its tag.
fn without_annotations(mut tree: Value) -> Value {
    if let Some(members) = tree.as_object_mut() {
        members.remove("annotations");
    }
    tree
}
