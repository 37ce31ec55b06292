//! Runs the commands of the README in order, in an empty directory with an empty home.
//!
//! A block of the language `sh` is run, and a block `text` behind it is its output on both streams.
//! `…` stands for any text within a line, and as a line of its own for any lines. Blocks with a
//! further word in their first line are not run, or not always: see [`Block::kind`].

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use super::tempdir::TempDir;

/// The registry of the README.
const REGISTRY: &str = "localhost:5000";
/// Line between the outputs of two blocks.
const MARK_LINE: &str = "@@block@@\n";

/// A block of the README.
#[derive(Debug)]
pub struct Block {
    /// Number of its first line.
    pub line: usize,
    /// The language, and a further word if it is special, as in `sh install`.
    pub kind: String,
    /// The text.
    pub text: String,
}

/// Returns the README.
pub fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    fs::read_to_string(path).expect("the README can be read")
}

/// Returns all blocks of the README.
pub fn blocks() -> Vec<Block> {
    let text = text();
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let block = lines.by_ref().map(|(_, line)| line);
        let block: Vec<_> = block.take_while(|line| *line != "```").collect();
        blocks.push(Block {
            line: number + 1,
            kind: kind.to_owned(),
            text: block.join("\n") + "\n",
        });
    }
    blocks
}

/// The working directory after all commands were run.
#[derive(Debug)]
pub struct Session {
    directory: TempDir,
    host: String,
}

impl Session {
    /// Runs the blocks of the kinds `kinds` with the registry at `host`, and compares their outputs.
    #[track_caller]
    pub fn play(host: &str, kinds: &[&str]) -> Self {
        let session = Self {
            directory: TempDir::new(),
            host: host.to_owned(),
        };
        for directory in ["bin", "home", "blocks", "new"] {
            fs::create_dir(session.directory.join(directory))
                .expect("a new directory can be filled");
        }
        let program = session.directory.join("bin/oras");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_oras"), program)
            .expect("a new directory can be filled");
        let mut script = "set -e\n".to_owned();
        let mut expected = Vec::new();
        let mut blocks = blocks().into_iter().peekable();
        while let Some(block) = blocks.next() {
            if !kinds.contains(&block.kind.as_str()) {
                continue;
            }
            let output = blocks.next_if(|next| next.kind == "text");
            let path = session.directory.join(format!("blocks/{}", block.line));
            fs::write(&path, session.commands(&block.text)).expect("a new file can be written");
            let _ = writeln!(script, ". {}\nprintf {MARK_LINE:?}", path.display());
            expected.push((block, output.map(|output| output.text)));
        }
        let output = session.run(&script);
        let mut outputs = output.split(MARK_LINE);
        for (block, expected) in expected {
            let output = outputs.next().unwrap_or_default();
            let expected = expected.unwrap_or_else(|| "…".to_owned());
            assert!(
                matches(&expected, output),
                "README.md:{}: {}\nexpected:\n{expected}\nprinted:\n{output}",
                block.line,
                block.text
            );
        }
        let rest = outputs.next();
        assert_eq!(rest, Some("end\n"), "a command failed: {output}");
        session
    }

    /// Runs a script with `bash` in the directory of the README, and returns its output.
    pub fn run(&self, script: &str) -> String {
        let path = self.directory.join("script");
        fs::write(&path, format!("{script}\necho end\n")).expect("a new file can be written");
        let mut search = vec![self.directory.join("bin")];
        search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let output = fs::File::create(self.directory.join("output")).expect("it can be created");
        let errors = output.try_clone().expect("a file handle can be duplicated");
        let hello = self.directory.join("new/hello");
        let directory = if hello.exists() {
            hello
        } else {
            self.directory.join("new")
        };
        Command::new("bash")
            .arg(path)
            .current_dir(directory)
            .env_clear()
            .env("HOME", self.directory.join("home"))
            .env("LANG", "C.UTF-8")
            .env(
                "PATH",
                env::join_paths(search).expect("entries of PATH can be joined"),
            )
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .status()
            .expect("bash can be started");
        let output = fs::read(self.directory.join("output")).expect("it was written");
        String::from_utf8_lossy(&output).replace(&self.host, REGISTRY)
    }

    /// Returns commands with the registry of the test. It runs already.
    pub fn commands(&self, text: &str) -> String {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("docker run -d -p 5000:5000 "));
        let lines: Vec<_> = lines.collect();
        lines.join("\n").replace(REGISTRY, &self.host) + "\n"
    }

    /// The directory of the README.
    pub fn directory(&self) -> PathBuf {
        self.directory.join("new/hello")
    }
}

/// Whether output is that of a block. `…` matches any text.
fn matches(expected: &str, output: &str) -> bool {
    let lines: Vec<&str> = expected.lines().collect();
    let printed: Vec<&str> = output.lines().collect();
    lines_match(&lines, &printed)
}

fn lines_match(expected: &[&str], printed: &[&str]) -> bool {
    match expected {
        [] => printed.is_empty(),
        ["…", rest @ ..] => {
            (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..]))
        }
        [line, rest @ ..] => {
            printed
                .first()
                .is_some_and(|first| line_matches(line, first))
                && lines_match(rest, &printed[1..])
        }
    }
}

fn line_matches(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        last = Some(part);
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    last.map_or(rest.is_empty(), |last| {
        last.is_empty() || printed.ends_with(last)
    })
}
