//! Process environment: arguments, standard streams, environment variables. Nothing else in the
//! command reads them.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use oras::credentials::{Locations, Warning};
use oras::error::IoOp;
use oras::layout::cache::Cache;
use oras::reference::RegistryName;
use oras::store::content::VerifyReader;
use oras::{Digest, Error, Secret};

use crate::cli::groups::Tty;
use crate::console::Console;
use crate::error::{CliError, STDOUT};
use crate::progress::layout::Style;
use crate::progress::live_line::LiveLine;
use crate::streams::{Stdin, Stdout, is_stdout_read};
use crate::terminal::EchoGuard;

/// Maximum length of a secret on stdin, in bytes: more than any token has, and less than a file
/// that was redirected by mistake.
const MAX_SECRET_BYTES: u64 = 1024 * 1024;

/// The end of the year 9999 in seconds since 1970: RFC 3339 has no later times.
const MAX_EPOCH: u64 = 253_402_300_799;

/// The process environment, and the console with its output settings.
pub(crate) struct Process {
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    /// Lines and secrets; content is read from [`Stdin`] itself.
    stdin: BufReader<Stdin>,
    stdout: Stdout,
    stderr: io::Stderr,
    console: Console,
}

impl Process {
    /// Reads the environment of this process.
    pub(crate) fn new() -> Self {
        Self {
            arguments: env::args_os().skip(1).collect(),
            variables: env::vars_os().collect(),
            stdin: BufReader::new(Stdin),
            stdout: Stdout,
            stderr: io::stderr(),
            console: Console::default(),
        }
    }

    /// Returns the arguments without the program name. A second call returns none.
    pub(crate) fn take_arguments(&mut self) -> Vec<OsString> {
        std::mem::take(&mut self.arguments)
    }

    /// The stream for results.
    pub(crate) fn stdout(&mut self) -> &mut impl Write {
        self.console.live_line.clear();
        &mut self.stdout
    }

    /// The stream for everything except results.
    pub(crate) fn stderr(&mut self) -> &mut impl Write {
        self.console.live_line.clear();
        &mut self.stderr
    }

    /// The console, for observers.
    pub(crate) const fn console(&self) -> &Console {
        &self.console
    }

    /// The progress line on stderr.
    pub(crate) const fn live_line(&self) -> &LiveLine {
        &self.console.live_line
    }

    /// Stops printing status lines.
    pub(crate) const fn disable_status(&mut self) {
        self.console.is_silent = true;
    }

    /// Stops printing everything except results and errors.
    pub(crate) const fn set_quiet(&mut self) {
        self.console.is_silent = true;
        self.console.is_quiet = true;
    }

    /// Whether only results and errors are printed.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.console.is_quiet
    }

    /// Whether status lines are printed.
    pub(crate) const fn status_enabled(&self) -> bool {
        !self.console.is_silent
    }

    /// Prints a status line, unless status lines are disabled.
    pub(crate) fn print_status(&mut self, line: &str) -> Result<(), CliError> {
        if self.status_enabled() {
            self.print_line(line)
        } else {
            Ok(())
        }
    }

    /// Prints the digest of a result, with a label if status lines are enabled.
    pub(crate) fn print_digest(&mut self, digest: &Digest) -> Result<(), CliError> {
        if self.status_enabled() {
            self.print_line(&format!("Digest: {digest}"))
        } else {
            self.print_line(digest.as_str())
        }
    }

    /// The setting of the progress bar for a command that writes content to stdout. The bar is
    /// never on the same terminal as the content. By default it is not shown either if another
    /// program reads the content, because that may use the terminal too.
    pub(crate) fn tty_next_to_content(tty: Tty) -> Tty {
        Tty {
            no_tty: Some(io::stdout().is_terminal() || tty.no_tty.unwrap_or_else(is_stdout_read)),
        }
    }

    /// Whether stderr is a terminal that can redraw a line.
    pub(crate) fn can_redraw_stderr(&self) -> bool {
        self.stderr.is_terminal() && self.variable("TERM") != Some("dumb")
    }

    /// The characters and colours for stderr.
    pub(crate) fn stderr_style(&self) -> Style {
        self.style(self.stderr.is_terminal())
    }

    /// The characters and colours for stdout. A file or another program gets all characters.
    pub(crate) fn stdout_style(&self) -> Style {
        self.style(io::stdout().is_terminal())
    }

    fn style(&self, is_terminal: bool) -> Style {
        let is_dumb = self.variable("TERM") == Some("dumb");
        Style {
            is_coloured: is_terminal && !is_dumb && self.variable("NO_COLOR").is_none(),
            is_ascii: is_terminal && self.is_ascii_locale(),
        }
    }

    /// Whether the locale is not known to have Unicode. Without any variable it is the POSIX
    /// locale, except on Windows, whose terminals do not depend on variables.
    fn is_ascii_locale(&self) -> bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"];
        let locale = names.iter().find_map(|name| self.variable(name));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        cfg!(unix) && !locale.contains("utf-8") && !locale.contains("utf8")
    }

    /// Prints a result unchanged.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), CliError> {
        self.print_bytes(text.as_bytes())
    }

    /// Prints a result line. Control characters are removed.
    pub(crate) fn print_line(&mut self, line: &str) -> Result<(), CliError> {
        self.console.print_line(line).map_err(CliError::stdout)
    }

    /// Prints a result unchanged.
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.stdout().write_all(bytes).map_err(CliError::stdout)
    }

    /// Streams content to stdout. Bytes written before an error are not taken back.
    pub(crate) fn print_content(&mut self, content: VerifyReader<'_>) -> oras::Result<()> {
        content.copy_to(self.stdout(), STDOUT)
    }

    /// Writes text to stderr. Write errors are ignored: there is no other stream to report them on.
    pub(crate) fn warn(&mut self, text: &str) {
        self.console.warn(text);
    }

    /// Writes a log record of the level `WARNING`.
    pub(crate) fn warn_record(&mut self, message: &str) {
        self.warn(&record(message, ""));
    }

    /// Flushes stdout.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.stdout.flush().map_err(CliError::stdout)
    }

    /// Reads all of stdin as a secret, and removes the line end.
    pub(crate) fn read_secret(&mut self) -> Result<Secret, CliError> {
        let mut text = Vec::new();
        (&mut self.stdin)
            .take(MAX_SECRET_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|error| {
                CliError::new(format!("failed to read the secret from stdin: {error}"))
            })?;
        if text.len() as u64 > MAX_SECRET_BYTES {
            return Err(CliError::new(format!(
                "the secret on stdin has more than {MAX_SECRET_BYTES} bytes"
            )));
        }
        let secret = text.strip_suffix(b"\n").unwrap_or(&text);
        Ok(Secret::new(secret.strip_suffix(b"\r").unwrap_or(secret)))
    }

    /// Prints a question and reads a line from stdin.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, CliError> {
        self.print(question)?;
        self.flush()?;
        let mut line = String::new();
        (&mut self.stdin)
            .take(MAX_SECRET_BYTES)
            .read_line(&mut line)
            .map_err(|error| CliError::new(format!("failed to read from stdin: {error}")))?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }

    /// Same as [`ask`](Self::ask), but a terminal does not echo the input.
    pub(crate) fn ask_secret(&mut self, question: &str) -> Result<Secret, CliError> {
        if !io::stdin().is_terminal() {
            return self.ask(question).map(Secret::from);
        }
        let failed = |error| CliError::new(format!("failed to read from the terminal: {error}"));
        let guard = EchoGuard::new().map_err(failed)?;
        self.print(question)?;
        self.flush()?;
        let secret = guard.read_line();
        // The line end was not echoed either. After a signal, nothing is written to stdout.
        if self.print("\n").is_err() {
            self.warn("\n");
        }
        secret.map_err(failed)
    }

    /// The value of a variable. Unset, empty and non-UTF-8 variables are `None`.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.os_variable(name)?.to_str()
    }

    /// All variables whose name and value are UTF-8.
    #[cfg(feature = "templates")]
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let texts = self.variables.iter().filter_map(|(name, value)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        });
        texts.collect()
    }

    /// Returns the locations of credentials: the files that the user named, or the default ones.
    pub(crate) fn credential_locations(config_files: &[String]) -> Locations {
        let mut locations = Locations::from_env();
        locations.config_files = config_files.iter().map(PathBuf::from).collect();
        locations
    }

    /// Opens the cache that `ORAS_CACHE` names, if any.
    pub(crate) fn cache(&self) -> Cache {
        let Some(path) = self.os_variable("ORAS_CACHE") else {
            return Cache::none();
        };
        let cache = std::path::absolute(path)
            .map_err(Error::io(IoOp::Find, path))
            .and_then(Cache::open);
        match cache {
            Ok(cache) => cache.on_failure(cache_warning(self.live_line())),
            Err(error) => {
                cache_warning(self.live_line())(&error);
                Cache::none()
            }
        }
    }

    fn os_variable(&self, name: &str) -> Option<&OsString> {
        let (_, value) = self.variables.iter().find(|(other, _)| other == name)?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// The creation time of artifacts, if `SOURCE_DATE_EPOCH` sets it (seconds since 1970).
    pub(crate) fn source_date_epoch(&self) -> Result<Option<SystemTime>, CliError> {
        let Some(value) = self.variable("SOURCE_DATE_EPOCH") else {
            return Ok(None);
        };
        value
            .parse()
            .ok()
            .filter(|seconds| *seconds <= MAX_EPOCH)
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
            .map(Some)
            .ok_or_else(|| {
                CliError::new(format!(
                    "invalid SOURCE_DATE_EPOCH \"{value}\": it is not a number of seconds from 1970 to 9999"
                ))
            })
    }
}

/// Returns a callback that prints warnings of credential lookups.
pub(crate) fn credential_warnings(live_line: &LiveLine) -> impl Fn(Warning) + Send + Sync + use<> {
    let live_line = live_line.clone();
    move |warning| live_line.write(&format!("Warning: {warning}\n"))
}

/// Returns a callback that prints the reason why the cache is not writable.
fn cache_warning(live_line: &LiveLine) -> impl FnOnce(&Error) + Send + use<> {
    let live_line = live_line.clone();
    move |error| {
        let cause = error.chain();
        live_line.write(&format!("Warning: the cache cannot be written: {cause}\n"));
    }
}

/// Returns a callback that prints `Warning` headers of registries.
pub(crate) fn registry_warnings(
    live_line: &LiveLine,
) -> impl Fn(&RegistryName, &str) + Send + Sync + use<> {
    let live_line = live_line.clone();
    move |registry, text| {
        let data = format!("[Data]:\n  registry={registry}\n");
        live_line.write(&record(text, &data));
    }
}

/// Formats a log record of the level `WARNING`.
pub(crate) fn record(message: &str, data: &str) -> String {
    let time = oras::internal::time::rfc3339_nano(SystemTime::now());
    format!("[{time}][WARNING]: {message}\n{data}\n\n")
}
