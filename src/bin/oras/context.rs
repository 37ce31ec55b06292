//! What surrounds the process: arguments, streams, environment, directory. The only reader of all these.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _, Write};
use std::time::{Duration, SystemTime};

use crate::failure::Failure;

/// A secret on stdin is at most this long, in bytes: longer than any token, shorter than a file given by mistake.
const MAX_SECRET_BYTES: u64 = 1024 * 1024;

/// What surrounds the process.
pub(crate) struct Context {
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    stdin: io::Stdin,
    stdout: io::Stdout,
    stderr: io::Stderr,
}

impl Context {
    /// The surroundings of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            arguments: env::args_os().skip(1).collect(),
            variables: env::vars_os().collect(),
            stdin: io::stdin(),
            stdout: io::stdout(),
            stderr: io::stderr(),
        }
    }

    /// The arguments, without the name of the program.
    pub(crate) fn take_arguments(&mut self) -> Vec<OsString> {
        std::mem::take(&mut self.arguments)
    }

    /// Where results go.
    pub(crate) const fn stdout(&mut self) -> &mut impl Write {
        &mut self.stdout
    }

    /// Where everything else goes.
    pub(crate) const fn stderr(&mut self) -> &mut impl Write {
        &mut self.stderr
    }

    /// Writes a result as it is.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a line of a result.
    pub(crate) fn print_line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.stdout, "{line}").map_err(Failure::of_stdout)
    }

    /// Writes a result as it is.
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes).map_err(Failure::of_stdout)
    }

    /// Writes what is not a result. When nobody listens there is nothing left to be done about it.
    pub(crate) fn warn(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes());
    }

    /// Writes a log record of the level `WARNING`.
    pub(crate) fn warn_record(&mut self, message: &str) {
        let time = oras::time::rfc3339(SystemTime::now());
        self.warn(&format!("[{time}][WARNING]: {message}\n\n\n"));
    }

    /// Makes sure that all results are out.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(Failure::of_stdout)
    }

    /// All of stdin as a secret, without the line end.
    pub(crate) fn read_secret(&mut self) -> Result<String, Failure> {
        let mut text = String::new();
        self.stdin
            .lock()
            .take(MAX_SECRET_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| {
                Failure::new(format!("failed to read the secret from stdin: {error}"))
            })?;
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        Ok(secret.strip_suffix('\r').unwrap_or(secret).to_owned())
    }

    /// A variable that is set to something, as text.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let (_, value) = self.variables.iter().find(|(other, _)| other == name)?;
        value.to_str().filter(|value| !value.is_empty())
    }

    /// The moment that artifacts are said to be made at, if the environment decides it: `SOURCE_DATE_EPOCH`, in seconds.
    pub(crate) fn source_date_epoch(&self) -> Result<Option<SystemTime>, Failure> {
        let Some(value) = self.variable("SOURCE_DATE_EPOCH") else {
            return Ok(None);
        };
        value
            .parse()
            .ok()
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
            .map(Some)
            .ok_or_else(|| {
                Failure::new(format!(
                    "invalid SOURCE_DATE_EPOCH \"{value}\": it is no number of seconds"
                ))
            })
    }
}
