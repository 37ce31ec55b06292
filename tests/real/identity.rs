//! Both commands create the same bytes from the same files.

use crate::content;
use crate::round_trips::Program;
use crate::support::scenario;
use crate::support::tempdir::TempDir;
use crate::support::tree::{self, Entry};

const CREATED: &str = "org.opencontainers.image.created=2000-01-01T00:00:00Z";

/// Arguments of the golden examples, and further ones.
#[rustfmt::skip]
const COMMAND_LINES: &[&[&str]] = &[
    &[],
    &["--artifact-type", "application/vnd.example+type", "hello.txt"],
    &["-a", r#"k<&>=a<b>&"c"\d"#, "-a", "Zed=é", "-a", "ctl=x\ty\u{2028}z", "-a", "del=\u{7f}\u{8}\u{c}", "hello.txt"],
    &["--image-spec", "v1.0", "hello.txt"],
    &["--image-spec", "v1.0"],
    &["--image-spec", "v1.0", "--artifact-type", "a/b", "hello.txt"],
    &["--image-spec", "v1.0", "--artifact-platform", "linux/amd64", "hello.txt"],
    &["--artifact-platform", "linux/arm/v7", "hello.txt"],
    &["--artifact-platform", "windows/amd64:10.0.17763", "hello.txt"],
    &["--config", "config.json:application/vnd.me.config", "--artifact-type", "application/vnd.example+type", "hello.txt"],
    &["--config", "config.json:application/vnd.me.config", "hello.txt"],
    &["--config", "config.json", "hello.txt", "hi.txt:text/plain", "./d/a.txt"],
    &["--disable-path-validation", "d/../hello.txt", "d//sub/b.sh:"],
];

#[test]
fn both_commands_write_the_same_layout() {
    let Some(reference) = Program::reference() else {
        return;
    };
    for command_line in COMMAND_LINES {
        let layouts = [Program::ours(), reference.clone()].map(|program| {
            let temp = TempDir::new();
            scenario::standard_files(temp.path());
            let push = ["push", "-a", CREATED, "--oci-layout", "layout:v1"];
            program.run(temp.path(), &[&push, *command_line].concat());
            layout_files(&temp)
        });
        let [ours, theirs] = layouts;
        let differences = tree::differences(&theirs, &ours);
        assert!(
            differences.is_empty(),
            "{command_line:?}:\n{}",
            differences.join("\n")
        );
    }
}

/// Returns all files but those of the scratch directory.
fn layout_files(temp: &TempDir) -> Vec<Entry> {
    let layout = temp.join("layout");
    let _ = std::fs::remove_dir_all(layout.join("ingest"));
    tree::snapshot(&layout)
}

/// Compares the tar archives. Their compression may differ.
#[test]
fn archives_of_a_directory_are_the_same() {
    let Some(reference) = Program::reference() else {
        return;
    };
    let temp = TempDir::new();
    tree::build(temp.path(), &content::rich_tree());
    scenario::golden_directory(temp.path());
    for directory in ["tree", "d", "tree/a", "./tree//", "."] {
        let [ours, theirs] = [Program::ours(), reference.clone()].map(|program| {
            // Written outside of the directory, so that the second command does not pack the output
            // of the first.
            let layout = TempDir::new();
            let target = format!("{}:v1", layout.join("layout").display());
            program.run(temp.path(), &["push", "--oci-layout", &target, directory]);
            let manifest =
                program.run(temp.path(), &["manifest", "fetch", "--oci-layout", &target]);
            let manifest: serde_json::Value =
                serde_json::from_slice(&manifest).expect("a manifest is JSON");
            let layer = &manifest["layers"][0];
            assert!(layer["annotations"]["io.deis.oras.content.digest"].is_string());
            (layer["annotations"].clone(), layer["mediaType"].clone())
        });
        assert_eq!(ours, theirs, "{directory}");
    }
}

/// Both commands write to one layout in turn, and read it.
#[test]
fn both_commands_share_a_layout() {
    let Some(reference) = Program::reference() else {
        return;
    };
    let temp = TempDir::new();
    scenario::standard_files(temp.path());
    let both = [Program::ours(), reference];
    for (number, program) in [&both[0], &both[1], &both[0], &both[1]]
        .into_iter()
        .enumerate()
    {
        let target = format!("layout:v{number}");
        let note = format!("number={number}");
        let push = [
            "push",
            "-a",
            CREATED,
            "-a",
            &note,
            "--oci-layout",
            &target,
            "hello.txt",
        ];
        program.run(temp.path(), &push);
    }
    for arguments in [
        &["repo", "tags", "--oci-layout", "layout"][..],
        &["resolve", "--oci-layout", "layout:v0"],
        &["resolve", "--oci-layout", "layout:v3"],
        &["manifest", "fetch", "--oci-layout", "layout:v2"],
        &[
            "manifest",
            "fetch",
            "--descriptor",
            "--oci-layout",
            "layout:v1",
        ],
    ] {
        let [ours, theirs] = [0, 1].map(|program| both[program].run(temp.path(), arguments));
        assert_eq!(
            String::from_utf8_lossy(&ours),
            String::from_utf8_lossy(&theirs),
            "{arguments:?}"
        );
    }
}
