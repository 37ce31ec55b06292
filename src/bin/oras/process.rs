//! What surrounds the process: arguments, streams, environment, directory. The only reader of all these.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oras::credentials::{Locations, Warning};
use oras::http::Proxies;
use oras::layout::cache::Cache;
use oras::reference::RegistryName;
use oras::store::content::VerifyReader;
use oras::{Digest, Error, Secret};

use crate::error::{CliError, STDOUT};
use crate::output::text::one_line;
use crate::progress::live_line::Screen;
use crate::terminal::Silence;

/// A secret on stdin is at most this long, in bytes: longer than any token, shorter than a file given by mistake.
const MAX_SECRET_BYTES: u64 = 1024 * 1024;

/// What surrounds the process.
pub(crate) struct Process {
    arguments: Vec<OsString>,
    /// Whether lines for people are written, besides results.
    status_enabled: bool,
    /// Whether nothing is shown to people but results and what is wrong.
    is_quiet: bool,
    variables: Vec<(OsString, OsString)>,
    stdin: io::Stdin,
    stdout: io::Stdout,
    stderr: io::Stderr,
    screen: Screen,
}

impl Process {
    /// The surroundings of this process.
    pub(crate) fn new() -> Self {
        Self {
            arguments: env::args_os().skip(1).collect(),
            status_enabled: true,
            is_quiet: false,
            variables: env::vars_os().collect(),
            stdin: io::stdin(),
            stdout: io::stdout(),
            stderr: io::stderr(),
            screen: Screen::default(),
        }
    }

    /// The arguments, without the name of the program.
    pub(crate) fn take_arguments(&mut self) -> Vec<OsString> {
        std::mem::take(&mut self.arguments)
    }

    /// Where results go.
    pub(crate) fn stdout(&mut self) -> &mut impl Write {
        self.screen.clear();
        &mut self.stdout
    }

    /// Where everything else goes.
    pub(crate) fn stderr(&mut self) -> &mut impl Write {
        self.screen.clear();
        &mut self.stderr
    }

    /// What is on the terminal that is stderr.
    pub(crate) const fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Writes no lines but results from now on.
    pub(crate) const fn disable_status(&mut self) {
        self.status_enabled = false;
    }

    /// Shows nothing but results from now on, and what is wrong.
    pub(crate) const fn set_quiet(&mut self) {
        self.status_enabled = false;
        self.is_quiet = true;
    }

    /// Whether nothing is shown but results, and what is wrong.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Whether lines for people are written, besides results.
    pub(crate) const fn status_enabled(&self) -> bool {
        self.status_enabled
    }

    /// Writes a line for people.
    pub(crate) fn print_status(&mut self, line: &str) -> Result<(), CliError> {
        if self.status_enabled {
            self.print_line(line)
        } else {
            Ok(())
        }
    }

    /// Writes the digest that a command comes to: to people as such.
    pub(crate) fn print_digest(&mut self, digest: &Digest) -> Result<(), CliError> {
        if self.status_enabled {
            self.print_line(&format!("Digest: {digest}"))
        } else {
            self.print_line(digest.as_str())
        }
    }

    /// Whether people see at once what is written to stdout.
    pub(crate) fn is_stdout_terminal(&self) -> bool {
        self.stdout.is_terminal()
    }

    /// Whether what is written to stderr can be drawn over.
    pub(crate) fn can_redraw_stderr(&self) -> bool {
        self.stderr.is_terminal() && self.variable("TERM") != Some("dumb")
    }

    /// Whether there are colours where stderr is seen, and nobody objects to them.
    pub(crate) fn can_colour_stderr(&self) -> bool {
        self.can_redraw_stderr() && self.variable("NO_COLOR").is_none()
    }

    /// Writes a result as it is.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), CliError> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a line of a result.
    pub(crate) fn print_line(&mut self, line: &str) -> Result<(), CliError> {
        writeln!(self.stdout(), "{}", one_line(line)).map_err(CliError::stdout)
    }

    /// Writes a result as it is.
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.stdout().write_all(bytes).map_err(CliError::stdout)
    }

    /// Writes content as it comes. What was written before a failure is out.
    pub(crate) fn print_content(&mut self, content: VerifyReader<'_>) -> oras::Result<()> {
        content.copy_to(self.stdout(), Path::new(STDOUT))
    }

    /// Content that a command sends.
    pub(crate) fn stdin(&self) -> io::StdinLock<'static> {
        self.stdin.lock()
    }

    /// Writes what is not a result. When nobody listens there is nothing left to be done about it.
    pub(crate) fn warn(&mut self, text: &str) {
        self.screen.write(text);
    }

    /// Writes a log record of the level `WARNING`.
    pub(crate) fn warn_record(&mut self, message: &str) {
        self.warn(&record(message, ""));
    }

    /// Makes sure that all results are out.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.stdout.flush().map_err(CliError::stdout)
    }

    /// All of stdin as a secret, without the line end.
    pub(crate) fn read_secret(&mut self) -> Result<String, CliError> {
        let mut text = String::new();
        self.stdin
            .lock()
            .take(MAX_SECRET_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|error| {
                CliError::new(format!("failed to read the secret from stdin: {error}"))
            })?;
        if text.len() as u64 > MAX_SECRET_BYTES {
            return Err(CliError::new(format!(
                "the secret on stdin has more than {MAX_SECRET_BYTES} bytes"
            )));
        }
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        Ok(secret.strip_suffix('\r').unwrap_or(secret).to_owned())
    }

    /// Asks a question on stdout and reads a line of stdin.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, CliError> {
        self.print(question)?;
        self.flush()?;
        let mut line = String::new();
        self.stdin
            .lock()
            .take(MAX_SECRET_BYTES)
            .read_line(&mut line)
            .map_err(|error| CliError::new(format!("failed to read from stdin: {error}")))?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }

    /// As [`ask`](Self::ask). What is typed at a terminal is not shown.
    pub(crate) fn ask_secret(&mut self, question: &str) -> Result<Secret, CliError> {
        if !self.stdin.is_terminal() {
            return self.ask(question).map(Secret::from);
        }
        let failed = |error| CliError::new(format!("failed to read from the terminal: {error}"));
        let silence = Silence::begin().map_err(failed)?;
        self.print(question)?;
        self.flush()?;
        let secret = silence.read_line();
        // Nor was the end of the line shown.
        self.print("\n")?;
        secret.map_err(failed)
    }

    /// A variable that is set to something, as text.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.raw_variable(name)?.to_str()
    }

    /// All variables that are texts.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let texts = self.variables.iter().filter_map(|(name, value)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        });
        texts.collect()
    }

    /// What time it is.
    #[expect(
        clippy::unused_self,
        reason = "the clock is among what surrounds the process"
    )]
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Returns the locations of credentials: the files that the user named, or the default ones.
    pub(crate) fn locations(&self, config_files: &[String]) -> Locations {
        let path = |name: &str| self.raw_variable(name).map(PathBuf::from);
        Locations {
            config_files: config_files.iter().map(PathBuf::from).collect(),
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            docker_auth_config: self.variable("DOCKER_AUTH_CONFIG").map(Secret::from),
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            uid: uid(),
            config_home: path("XDG_CONFIG_HOME"),
            username: self.variable("ORAS_USER").map(str::to_owned),
            password: self.variable("ORAS_PASS").map(Secret::from),
            path: self.raw_variable("PATH").cloned(),
        }
    }

    /// The cache of content that the environment names.
    pub(crate) fn cache(&self) -> Result<Cache, CliError> {
        let Some(path) = self.raw_variable("ORAS_CACHE") else {
            return Ok(Cache::none());
        };
        let cache = std::path::absolute(path)
            .map_err(Error::io("find", path))
            .and_then(Cache::open)?;
        Ok(cache.on_failure(warn_of_cache(&self.screen)))
    }

    /// The proxies that the environment names.
    pub(crate) fn proxies(&self) -> Proxies {
        Proxies::from_variables(|name| self.variable(name).map(str::to_owned))
    }

    /// Where the certificate authorities of the system are.
    #[cfg(feature = "tls")]
    pub(crate) fn system_roots(&self) -> oras::http::SystemRoots {
        let variable = |name| self.raw_variable(name).map(OsString::as_os_str);
        oras::http::SystemRoots::new(variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"))
    }

    fn raw_variable(&self, name: &str) -> Option<&OsString> {
        let (_, value) = self.variables.iter().find(|(other, _)| other == name)?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// The moment that artifacts are said to be made at, if the environment decides it: `SOURCE_DATE_EPOCH`, in seconds.
    pub(crate) fn source_date_epoch(&self) -> Result<Option<SystemTime>, CliError> {
        let Some(value) = self.variable("SOURCE_DATE_EPOCH") else {
            return Ok(None);
        };
        value
            .parse()
            .ok()
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
            .map(Some)
            .ok_or_else(|| {
                CliError::new(format!(
                    "invalid SOURCE_DATE_EPOCH \"{value}\": it is no number of seconds"
                ))
            })
    }
}

/// Tells of credentials that cannot be asked for.
pub(crate) fn warn_of(screen: &Screen) -> impl FnMut(Warning) + Send + use<> {
    let screen = screen.clone();
    move |warning| screen.write(&format!("Warning: {warning}\n"))
}

/// Tells why the cache cannot be written.
fn warn_of_cache(screen: &Screen) -> impl FnOnce(&Error) + Send + use<> {
    let screen = screen.clone();
    move |error| {
        let cause = error.chain();
        screen.write(&format!("Warning: the cache cannot be written: {cause}\n"));
    }
}

/// Tells what a registry wants to be told to people.
pub(crate) fn warn_of_registry(screen: &Screen) -> impl FnMut(&RegistryName, &str) + Send + use<> {
    let screen = screen.clone();
    move |registry, text| {
        let data = format!("[Data]:\n  registry={registry}\n");
        screen.write(&record(text, &data));
    }
}

/// A log record of the level `WARNING`.
fn record(message: &str, data: &str) -> String {
    let time = oras::time::rfc3339_nano(SystemTime::now());
    format!("[{time}][WARNING]: {message}\n{data}\n\n")
}

/// The number of the user, where the system tells it as that of a file.
#[cfg(unix)]
fn uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata("/proc/self")
        .ok()
        .map(|metadata| metadata.uid())
}

#[cfg(not(unix))]
const fn uid() -> Option<u32> {
    None
}
