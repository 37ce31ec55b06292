//! Runs the built command in a directory and environment of its own. Failures show command, status
//! and both streams.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fmt, fs, thread};

use super::tempdir::TempDir;
use super::{golden, tree};

/// A working directory for commands, and a home directory.
#[derive(Debug)]
pub struct Oras {
    directory: TempDir,
}

impl Oras {
    /// An empty working directory and an empty home.
    pub fn new() -> Self {
        let directory = TempDir::new();
        tree::build(
            directory.path(),
            &[tree::directory("work"), tree::directory("home")],
        );
        Self { directory }
    }

    /// The working directory.
    pub fn directory(&self) -> PathBuf {
        self.directory.join("work")
    }

    /// The directory in `HOME`, for configuration files.
    pub fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    /// Writes a file below the working directory.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.directory
            .write(Path::new("work").join(relative), content)
    }

    /// Reads a file below the working directory.
    pub fn read(&self, relative: &str) -> Vec<u8> {
        self.directory.read(Path::new("work").join(relative))
    }

    /// Runs the command with these arguments.
    pub fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Outcome {
        self.command(arguments).run()
    }

    /// Runs a command line with `sh`, for which `oras` is the built command.
    pub fn shell(&self, line: &str) -> Outcome {
        self.shell_command(line).run()
    }

    /// Prepares a run of a command line with `sh`.
    pub fn shell_command(&self, line: &str) -> Invocation {
        let program = Path::new(env!("CARGO_BIN_EXE_oras"));
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        self.prepared(command, vec![line.into()]).finding(
            program
                .parent()
                .expect("the program has a parent directory"),
        )
    }

    /// Prepares a run of the command.
    pub fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Invocation {
        self.command_of(env!("CARGO_BIN_EXE_oras"), arguments)
    }

    /// Prepares a run of another program, such as the original.
    pub fn command_of<I: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = I>,
    ) -> Invocation {
        let arguments: Vec<_> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let mut command = with_default_signals(program);
        command.args(&arguments);
        self.prepared(command, arguments)
    }

    fn prepared(&self, mut command: Command, arguments: Vec<OsString>) -> Invocation {
        // Isolates the command from the machine's proxies, credentials and locale.
        command
            .current_dir(self.directory())
            .env_clear()
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8");
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        Invocation {
            command,
            arguments,
            directory: self.directory(),
            input: Vec::new(),
        }
    }
}

/// A command that has not been started.
#[derive(Debug)]
pub struct Invocation {
    command: Command,
    arguments: Vec<OsString>,
    directory: PathBuf,
    input: Vec<u8>,
}

impl Invocation {
    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Puts a directory first in `PATH`.
    pub fn finding(self, directory: &Path) -> Self {
        let mut search = vec![directory.to_owned()];
        search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        self.env(
            "PATH",
            env::join_paths(search).expect("entries of PATH can be joined"),
        )
    }

    /// Removes an environment variable, such as `HOME`.
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sets the working directory.
    pub fn in_directory(mut self, directory: impl AsRef<Path>) -> Self {
        directory.as_ref().clone_into(&mut self.directory);
        self.command.current_dir(directory);
        self
    }

    /// Sets standard input.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Starts the command without input and output.
    pub fn spawn(mut self) -> Child {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built command can be started")
    }

    /// Starts the command on a terminal.
    #[cfg(unix)]
    pub fn start_at(self, terminal: &super::terminal::Terminal) -> Child {
        terminal.start(self.command)
    }

    /// Same as [`start_at`](Self::start_at), with a pipe for standard output.
    #[cfg(unix)]
    pub fn start_apart_from_stdout(self, terminal: &super::terminal::Terminal) -> Child {
        terminal.start_without_stdout(self.command)
    }

    /// Same as [`start_at`](Self::start_at), with a pipe for standard error.
    #[cfg(unix)]
    pub fn start_apart_from_stderr(self, terminal: &super::terminal::Terminal) -> Child {
        terminal.start_without_stderr(self.command)
    }

    /// Runs the command and waits for its end.
    pub fn run(mut self) -> Outcome {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .expect("the built command can be started");
        let stdin = child.stdin.take();
        let input = self.input;
        // A thread writes the input: a command that prints before it has read everything would
        // deadlock.
        let writer = thread::spawn(move || {
            // A command may end without reading its input.
            stdin.map(|mut stdin| stdin.write_all(&input))
        });
        let output = child
            .wait_with_output()
            .expect("the output of a child can be read");
        drop(writer.join());
        Outcome {
            arguments: self.arguments,
            directory: self.directory,
            // None if a signal ended the process.
            code: output.status.code().unwrap_or(-1),
            stdout_bytes: output.stdout,
            stderr_bytes: output.stderr,
        }
    }
}

/// The result of a command.
pub struct Outcome {
    /// The exit code; -1 if a signal ended the process.
    pub code: i32,
    /// Standard output as bytes.
    pub stdout_bytes: Vec<u8>,
    stderr_bytes: Vec<u8>,
    arguments: Vec<OsString>,
    directory: PathBuf,
}

impl Outcome {
    /// Standard output as text.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout_bytes).into_owned()
    }

    /// Standard error as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr_bytes).into_owned()
    }

    /// Fails unless the command succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        self.fails_with(0)
    }

    /// Fails unless the command ended with this code.
    #[track_caller]
    pub fn fails_with(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit code {code}\n{self}");
        self
    }

    /// Fails unless standard output is this.
    #[track_caller]
    pub fn prints(self, expected: &str) -> Self {
        let stdout = self.stdout();
        assert!(
            stdout == expected,
            "{}\n{self}",
            golden::difference(expected, &stdout)
        );
        self
    }

    /// Fails unless standard error contains this.
    #[track_caller]
    pub fn complains(self, expected: &str) -> Self {
        assert!(
            self.stderr().contains(expected),
            "expected {expected:?} on standard error\n{self}"
        );
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = "=".repeat(79);
        let arguments: Vec<_> = self
            .arguments
            .iter()
            .map(|argument| argument.to_string_lossy())
            .collect();
        writeln!(formatter, "{rule}\ncommand: oras {}", arguments.join(" "))?;
        writeln!(formatter, "directory: {}", self.directory.display())?;
        for entry in tree::snapshot(&self.directory) {
            writeln!(formatter, "  {entry}")?;
        }
        writeln!(formatter, "exit code: {}", self.code)?;
        writeln!(formatter, "stdout:\n{}", self.stdout())?;
        write!(formatter, "stderr:\n{}\n{rule}", self.stderr())
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A command that ends by signals, although a test that runs in the background may ignore them.
pub fn with_default_signals(program: impl AsRef<OsStr>) -> Command {
    if !ignores_signals() {
        return Command::new(program);
    }
    let mut command = Command::new("/usr/bin/env");
    command
        .arg("--default-signal=HUP,INT,TERM")
        .arg(program.as_ref());
    command
}

/// Whether the process ignores `SIGHUP`, `SIGINT` or `SIGTERM`, as Linux reports it.
fn ignores_signals() -> bool {
    const MASK: u64 = 1 << 0 | 1 << 1 | 1 << 14;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & MASK != 0)
}
