//! Content goes out and comes back the same, through every kind of place and with either command at either end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::content::{self, Content};
use crate::docker_registry::DockerRegistry;
use crate::support::tempdir::TempDir;

/// One of the two commands.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// The exit status when it is not let in.
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

    /// Runs it in a directory and returns what it printed.
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

/// Where artifacts are.
enum Place {
    Registry(DockerRegistry),
    Layout(TempDir),
    /// A layout that is read from an archive made of it.
    Tar(TempDir),
}

impl Place {
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

/// Packs the layout as it is now.
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

/// Every content from `from` to `to`.
fn all_contents(place: &Place, from: &Program, to: &Program) {
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
        &Place::Registry(registry),
        &Program::ours(),
        &Program::ours(),
    );
}

#[test]
fn through_a_layout() {
    all_contents(
        &Place::Layout(TempDir::new()),
        &Program::ours(),
        &Program::ours(),
    );
}

#[test]
fn through_an_archive_of_a_layout() {
    all_contents(
        &Place::Tar(TempDir::new()),
        &Program::ours(),
        &Program::ours(),
    );
}

/// Ours pushes, the original pulls.
fn given(place: &Place) {
    if let Some(reference) = Program::reference() {
        all_contents(place, &Program::ours(), &reference);
    }
}

/// The original pushes, ours pulls.
fn taken(place: &Place) {
    if let Some(reference) = Program::reference() {
        all_contents(place, &reference, &Program::ours());
    }
}

#[test]
fn given_to_the_original_through_docker_registry() {
    if let Some(registry) = DockerRegistry::start() {
        given(&Place::Registry(registry));
    }
}

#[test]
fn taken_from_the_original_through_docker_registry() {
    if let Some(registry) = DockerRegistry::start() {
        taken(&Place::Registry(registry));
    }
}

#[test]
fn given_to_the_original_in_a_layout() {
    given(&Place::Layout(TempDir::new()));
}

#[test]
fn taken_from_the_original_in_a_layout() {
    taken(&Place::Layout(TempDir::new()));
}

#[test]
fn given_to_the_original_in_an_archive() {
    given(&Place::Tar(TempDir::new()));
}

#[test]
fn taken_from_the_original_in_an_archive() {
    taken(&Place::Tar(TempDir::new()));
}
