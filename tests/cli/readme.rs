//! The README: its commands work, and its statements about this program are true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::prerequisites::{program, static_binary};
use crate::support::readme::{Block, Session, blocks, text};
use crate::support::registry::TestRegistry;
use crate::support::skip;
use crate::support::tempdir::TempDir;

/// Kinds of blocks that are not commands to run in order, and how they are checked.
const OTHER_KINDS: &[(&str, &str)] = &[
    ("text", "compared with the output of the block before"),
    (
        "text capture",
        "the progress display, which tests/cli/progress.rs checks",
    ),
    ("sh install", "builds of this package: .ci/run"),
    (
        "sh docker",
        "needs Docker; the image is checked as a root file system below",
    ),
    ("sh openssl", "run below if openssl is installed"),
    (
        "dockerfile",
        "the image is checked as a root file system below",
    ),
    ("yaml github", "the structure, and the commands of `run`"),
    ("yaml gitlab", "the structure, and the commands of `script`"),
    (
        "yaml kubernetes",
        "the structure, and the arguments of the init container",
    ),
    ("toml", "the package and its features"),
    ("rust,no_run", "compiled by the documentation tests"),
];

fn host(registry: &TestRegistry) -> String {
    registry.host().replace("127.0.0.1", "localhost")
}

#[test]
fn all_commands_work_in_order() {
    let registry = TestRegistry::start();
    let mut kinds = vec!["sh"];
    if program("openssl").is_some() {
        kinds.push("sh openssl");
    }

    let session = Session::play(&host(&registry), &kinds);

    for block in blocks() {
        match block.kind.as_str() {
            "yaml github" => {
                let commands = listed(&block, "run:");
                let commands = commands.replace("ghcr.io/${{ github.repository }}", "$REGISTRY/me");
                run_job(
                    &session,
                    &commands,
                    "REPOSITORY=localhost:5000/me/site GITHUB_SHA=0123",
                );
            }
            "yaml gitlab" => {
                let commands = listed(&block, "script:");
                run_job(
                    &session,
                    &commands,
                    "CI_REGISTRY_IMAGE=localhost:5000/me CI_COMMIT_SHORT_SHA=0123",
                );
            }
            "yaml kubernetes" => {
                if let Some(line) = block.text.lines().find(|line| line.contains("args: [")) {
                    let (_, arguments) = line.split_once('[').expect("a list");
                    let arguments = arguments.trim_end_matches(']').replace(", ", " ");
                    let arguments = arguments.replace("registry.example/team", "localhost:5000");
                    let arguments = arguments.replace("/data", "data");
                    run_job(&session, &format!("oras {arguments}\n"), "");
                }
            }
            _ => {}
        }
    }
}

/// Runs the commands of a job, except the installation.
#[track_caller]
fn run_job(session: &Session, commands: &str, variables: &str) {
    let commands: Vec<_> = commands
        .lines()
        .filter(|line| !line.starts_with("cargo install "))
        .collect();
    assert!(!commands.is_empty());
    let script = format!("set -e\nexport {variables}\n{}\n", commands.join("\n"));
    let output = session.run(&session.commands(&script));
    assert!(output.ends_with("end\n"), "{script}\n{output}");
}

/// Returns the commands of a job: texts behind `key`, and lists and literal blocks below it.
fn listed(block: &Block, key: &str) -> String {
    let mut commands = String::new();
    let mut below: Option<usize> = None;
    for line in block.text.lines() {
        let indent = line.len() - line.trim_start().len();
        if below.is_some_and(|key| indent > key) {
            commands += line.trim_start().trim_start_matches("- ");
            commands.push('\n');
            continue;
        }
        below = None;
        if let Some(value) = line.trim_start().trim_start_matches("- ").strip_prefix(key) {
            match value.trim() {
                "" | "|" => below = Some(indent),
                command => commands.extend([command, "\n"]),
            }
        }
    }
    commands
}

#[test]
fn every_block_is_run_or_listed_here() {
    let known: BTreeSet<&str> = OTHER_KINDS.iter().map(|(kind, _)| *kind).collect();
    let mut seen = BTreeSet::new();
    for block in blocks() {
        if block.kind != "sh" {
            let (line, kind) = (block.line, block.kind.as_str());
            assert!(known.contains(kind), "README.md:{line}: {kind}");
            seen.insert(block.kind.clone());
        }
        if block.kind.starts_with("yaml ") {
            assert_yaml(&block);
        }
    }
    let seen: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(seen, known, "a kind is listed and does not occur");
}

/// Checks the structure of YAML: keys, lists, and indentation by two blanks below them.
#[track_caller]
fn assert_yaml(block: &Block) {
    let mut before = 0;
    let mut opens = true;
    let mut literal: Option<usize> = None;
    for line in block.text.lines().filter(|line| !line.is_empty()) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if literal.is_some_and(|start| indent > start) {
            continue;
        }
        literal = None;
        let item = line.trim_start().trim_start_matches("- ");
        let is_item = line.trim_start().starts_with("- ");
        assert!(indent % 2 == 0 && !line.contains('\t'), "{line}");
        assert!(indent <= before + if opens { 2 } else { 0 }, "{line}");
        let is_pair = item.contains(": ") || item.ends_with(':');
        assert!(is_pair || is_item, "{line}");
        opens = item.ends_with(':');
        if item.ends_with(": |") {
            literal = Some(indent);
        }
        before = indent + if is_item { 2 } else { 0 };
    }
}

#[test]
fn links_lead_to_headings() {
    let text = text();
    let mut headings = BTreeSet::new();
    let mut is_block = false;
    for line in text.lines() {
        is_block ^= line.starts_with("```");
        let heading = line.trim_start_matches('#').strip_prefix(' ');
        if let Some(heading) = heading.filter(|_| line.starts_with('#') && !is_block) {
            let kept = heading
                .chars()
                .filter(|character| character.is_alphanumeric() || " -".contains(*character));
            let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
            assert!(headings.insert(anchor), "\"{heading}\" occurs twice");
        }
    }
    let links = text
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let links: BTreeSet<&str> = links.collect();
    assert!(links.len() > 30, "{links:?}");
    for link in links {
        assert!(headings.contains(link), "{link}: {headings:#?}");
    }
}

#[test]
fn messages_of_the_section_troubleshooting_exist() {
    let text = text();
    let (_, rows) = text
        .split_once("| Message | Cause and remedy |\n|---|---|\n")
        .expect("the table");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut printed = String::new();
    for directory in ["src", "fixtures/cli"] {
        read_all(&root.join(directory), &mut printed);
    }
    for row in rows.lines().take_while(|row| row.starts_with('|')) {
        let message = row.split('`').nth(1).expect("a message");
        assert!(printed.contains(message), "{message}");
    }
}

fn read_all(directory: &Path, into: &mut String) {
    for entry in fs::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            read_all(&path, into);
        } else if let Ok(text) = fs::read_to_string(&path) {
            into.push_str(&text);
        }
    }
}

#[test]
fn every_addition_to_the_original_is_described() {
    let text = text();
    for (command, page) in crate::help::pages() {
        for (flag, help) in crate::help::flags(&page) {
            let is_addition = help.contains("not in oras 1.3.6");
            let flag = format!("`--{flag}`");
            assert!(!is_addition || text.contains(&flag), "{command}: {flag}");
        }
    }
}

#[test]
fn the_package_has_the_features_that_the_readme_names() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let manifest = manifest.expect("it can be read");
    let toml = blocks()
        .into_iter()
        .find(|block| block.kind == "toml")
        .expect("it exists");
    let version =
        env!("CARGO_PKG_VERSION_MAJOR").to_owned() + "." + env!("CARGO_PKG_VERSION_MINOR");
    for part in ["package = \"oras-rs\"", &format!("version = \"{version}\"")] {
        assert!(toml.text.contains(part), "{part}");
    }
    let readme = text();
    let (_, features) = manifest.split_once("[features]\n").expect("the features");
    let features = features.lines().take_while(|line| !line.is_empty());
    let names = features
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name);
    for name in names.filter(|name| *name != "default") {
        assert!(readme.contains(&format!("\n| `{name}` |")), "{name}");
    }
    assert!(readme.contains(&format!("Rust {} or later", env!("CARGO_PKG_RUST_VERSION"))));
}

#[test]
fn the_static_binary_runs_in_an_empty_root_file_system() {
    let (Some(binary), Some(unshare)) = (static_binary(), program("unshare")) else {
        return;
    };
    let root = TempDir::new();
    fs::copy(binary, root.join("oras")).expect("it can be copied");
    fs::create_dir(root.join("work")).expect("it can be created");
    root.write("work/hello.txt", b"hello\n");
    let chroot = |arguments: &[&str]| {
        let output = Command::new(&unshare)
            .args(["--map-root-user", "--root"])
            .arg(root.path())
            .args(["--wd", "/work", "/oras"])
            .args(arguments)
            .env_clear()
            .output()
            .expect("unshare can be started");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    };
    let (works, text) = chroot(&["version"]);
    if !works {
        return skip(&format!("no user namespaces: {text}"));
    }
    for arguments in [
        &["push", "--oci-layout", "layout:v1", "hello.txt"][..],
        &["pull", "--oci-layout", "layout:v1", "-o", "out"],
    ] {
        let (works, text) = chroot(arguments);
        assert!(works, "{arguments:?}: {text}");
    }
    assert_eq!(root.read("work/out/hello.txt"), b"hello\n");
}
