//! Transcripts: files with command lines and their output, which tests run and compare.
//!
//! ```text
//! World: registry
//!
//! A file is pushed under a tag.
//!
//! # The first push sends everything.
//! $ oras push -a "$CREATED" $REGISTRY/hello:v1 hi.txt
//! Preparing hi.txt
//! …
//!
//! $ oras resolve $REGISTRY/hello:v2
//! [stderr]
//! Error response from registry: failed to resolve digest: [REGISTRY]/hello:v2: not found
//! [exit 3]
//! ```
//!
//! The line `World:` names the [`Scenario`]. `sh` runs each line that starts with `$ ` in its
//! working directory; lines that start with `> ` directly below continue it. Lines that start with
//! `# ` are comments. The other lines are standard output, then standard error below `[stderr]`,
//! then the exit code unless it is 0. `[no newline]` follows output that does not end with a
//! newline.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::golden;
use super::scenario::Scenario;

/// The command lines of a transcript.
#[derive(Debug)]
pub struct Transcript {
    /// Below `fixtures/cli`, such as `push/files`.
    name: String,
    world: String,
    /// The lines before the first step.
    head: Vec<String>,
    steps: Vec<Step>,
}

/// One command line.
#[derive(Debug)]
struct Step {
    remarks: Vec<String>,
    lines: Vec<String>,
}

/// The result of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The command line.
    pub command: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub code: i32,
}

/// Runs a transcript with the command under test and compares the results.
#[track_caller]
pub fn check(name: &str) {
    let transcript = Transcript::read(name);
    let seen = transcript.play(Path::new(env!("CARGO_BIN_EXE_oras")));
    for seen in &seen {
        // Such a line would be read as a command line.
        let ambiguous = seen
            .to_string()
            .lines()
            .any(|line| ["$ ", "> ", "# "].iter().any(|mark| line.starts_with(mark)));
        assert!(
            !ambiguous,
            "{name}: what \"{}\" prints looks like a command line",
            seen.command
        );
    }
    golden::assert_golden_text(
        &format!("cli/{name}.transcript"),
        &transcript.with_results(&seen),
    );
}

/// The names of all transcripts, sorted.
pub fn all() -> Vec<String> {
    let root = root();
    let mut names = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the transcripts can be listed") {
            let path = entry.expect("the transcripts can be listed").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|found| found == "transcript") {
                let name = path.with_extension("");
                let name = name
                    .strip_prefix(&root)
                    .expect("the path is below the root");
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names
}

impl Transcript {
    /// Reads the command lines of `fixtures/cli/<name>.transcript`, without the recorded results.
    #[track_caller]
    pub fn read(name: &str) -> Self {
        let path = root().join(format!("{name}.transcript"));
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("read \"{}\": {error}", path.display()));
        let mut head = Vec::new();
        let mut steps: Vec<Step> = Vec::new();
        let mut remarks = Vec::new();
        let mut is_command = false;
        for line in text.lines() {
            if line.starts_with("# ") {
                remarks.push(line.to_owned());
            } else if let Some(command) = line.strip_prefix("$ ") {
                is_command = true;
                steps.push(Step {
                    remarks: std::mem::take(&mut remarks),
                    lines: vec![command.to_owned()],
                });
                continue;
            } else if let (Some(more), true, Some(step)) =
                (line.strip_prefix("> "), is_command, steps.last_mut())
            {
                step.lines.push(more.to_owned());
                continue;
            } else if steps.is_empty() {
                head.push(line.to_owned());
            }
            is_command = false;
        }
        let world = head
            .first()
            .and_then(|line| line.strip_prefix("World: "))
            .unwrap_or_else(|| panic!("\"{}\" does not start with `World:`", path.display()))
            .to_owned();
        Self {
            name: name.to_owned(),
            world,
            head,
            steps,
        }
    }

    /// The command lines as passed to the shell.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.steps.iter().map(|step| step.lines.join("\n"))
    }

    /// Runs every command line with `program` as `oras`, in a new scenario.
    pub fn play(&self, program: &Path) -> Vec<Seen> {
        let world = Scenario::named(&self.world);
        world.install(program);
        self.steps
            .iter()
            .map(|step| world.run(&step.lines.join("\n")))
            .collect()
    }

    /// The transcript with these results.
    pub fn with_results(&self, seen: &[Seen]) -> String {
        let mut text = self.head.join("\n").trim_end().to_owned();
        text.push('\n');
        for (step, seen) in self.steps.iter().zip(seen) {
            text.push('\n');
            for remark in &step.remarks {
                let _ = writeln!(text, "{remark}");
            }
            let _ = writeln!(text, "$ {}", step.lines.join("\n> "));
            text.push_str(&seen.to_string());
        }
        text
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = |f: &mut std::fmt::Formatter<'_>, text: &str| {
            f.write_str(text)?;
            if text.is_empty() || text.ends_with('\n') {
                Ok(())
            } else {
                writeln!(f, "\n[no newline]")
            }
        };
        whole(f, &self.stdout)?;
        if !self.stderr.is_empty() {
            writeln!(f, "[stderr]")?;
            whole(f, &self.stderr)?;
        }
        if self.code == 0 {
            Ok(())
        } else {
            writeln!(f, "[exit {}]", self.code)
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli")
}
