//! Round trips through every kind of store, with either command at either end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::content::{self, Content};
use crate::docker_registry::DockerRegistry;
use crate::support::tempdir::TempDir;

/// One of the two commands, with the flags it needs.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// Exit status if access is denied.
    pub(crate) refused: i32,
}

impl Program {
    pub(crate) fn ours() -> Self {
        Self {
            name: "ours",
            path: env!("CARGO_BIN_EXE_oras").into(),
            refused: 4,
        }
    }

    pub(crate) fn reference() -> Option<Self> {
        Some(Self {
            name: "theirs",
            path: crate::prerequisites::reference()?,
            refused: 1,
        })
    }

    /// Runs the command in a directory and returns its output.
    #[track_caller]
    pub(crate) fn run(&self, directory: &Path, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(&self.path)
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .env("HOME", directory)
            .stdin(Stdio::null())
            .output()
            .expect("the command can be started");
        assert!(
            output.status.success(),
            "{}: oras {}\n{}{}",
            self.name,
            arguments.join(" ").chars().take(300).collect::<String>(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

/// The store of the artifacts.
enum Store {
    Registry(DockerRegistry),
    Layout(TempDir),
    /// A layout that is read from a tar archive.
    Tar(TempDir),
}

impl Store {
    fn push(&self, program: &Program, directory: &Path, tag: &str, content: &Content) {
        let (flag, target) = match self {
            Self::Registry(registry) => ("--no-tty", registry.reference(&format!("r:{tag}"))),
            Self::Layout(temp) | Self::Tar(temp) => ("--oci-layout", layout(temp, tag)),
        };
        let mut arguments = vec!["push", flag, &target, "--"];
        arguments.extend(content.arguments.iter().map(String::as_str));
        program.run(directory, &arguments);
    }

    fn pull(&self, program: &Program, directory: &Path, tag: &str) {
        let (flag, target) = match self {
            Self::Registry(registry) => ("--no-tty", registry.reference(&format!("r:{tag}"))),
            Self::Layout(temp) => ("--oci-layout", layout(temp, tag)),
            Self::Tar(temp) => ("--oci-layout", archive(temp, tag)),
        };
        program.run(directory, &["pull", flag, &target]);
    }
}

fn layout(temp: &TempDir, tag: &str) -> String {
    format!("{}:{tag}", temp.join("layout").display())
}

/// Packs the layout in its current state.
fn archive(temp: &TempDir, tag: &str) -> String {
    let file = temp.join("layout.tar");
    let packed = Command::new("tar")
        .arg("-C")
        .arg(temp.join("layout"))
        .args(["-cf".as_ref(), file.as_os_str(), ".".as_ref()])
        .status();
    assert!(packed.is_ok_and(|status| status.success()), "tar failed");
    format!("{}:{tag}", file.display())
}

/// Pushes all content with `from` and pulls it with `to`.
fn all_contents(place: &Store, from: &Program, to: &Program) {
    for (number, content) in content::all().iter().enumerate() {
        let (out, back) = (TempDir::new(), TempDir::new());
        content.build(out.path());
        let tag = format!("v{number}");
        place.push(from, out.path(), &tag, content);
        place.pull(to, back.path(), &tag);
        let differences = content.differences(out.path(), back.path());
        assert!(
            differences.is_empty(),
            "{} from {} to {}:\n{}",
            content.name,
            from.name,
            to.name,
            differences.join("\n")
        );
    }
}

#[test]
fn through_docker_registry() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    all_contents(
        &Store::Registry(registry),
        &Program::ours(),
        &Program::ours(),
    );
}

#[test]
fn through_a_layout() {
    all_contents(
        &Store::Layout(TempDir::new()),
        &Program::ours(),
        &Program::ours(),
    );
}

#[test]
fn through_an_archive_of_a_layout() {
    all_contents(
        &Store::Tar(TempDir::new()),
        &Program::ours(),
        &Program::ours(),
    );
}

/// Pushes with this command, pulls with the original.
fn push_ours_pull_original(place: &Store) {
    if let Some(reference) = Program::reference() {
        all_contents(place, &Program::ours(), &reference);
    }
}

/// Pushes with the original, pulls with this command.
fn push_original_pull_ours(place: &Store) {
    if let Some(reference) = Program::reference() {
        all_contents(place, &reference, &Program::ours());
    }
}

#[test]
fn the_original_pulls_from_docker_registry() {
    if let Some(registry) = DockerRegistry::start() {
        push_ours_pull_original(&Store::Registry(registry));
    }
}

#[test]
fn the_original_pushes_to_docker_registry() {
    if let Some(registry) = DockerRegistry::start() {
        push_original_pull_ours(&Store::Registry(registry));
    }
}

#[test]
fn the_original_pulls_from_a_layout() {
    push_ours_pull_original(&Store::Layout(TempDir::new()));
}

#[test]
fn the_original_pushes_to_a_layout() {
    push_original_pull_ours(&Store::Layout(TempDir::new()));
}

#[test]
fn the_original_pulls_from_an_archive() {
    push_ours_pull_original(&Store::Tar(TempDir::new()));
}

#[test]
fn the_original_pushes_to_an_archive() {
    push_original_pull_ours(&Store::Tar(TempDir::new()));
}
