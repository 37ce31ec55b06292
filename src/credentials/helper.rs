//! Helper programs: `docker-credential-*`, which store credentials outside of files, for example in
//! a keychain.
//!
//! A program gets the operation as its argument, reads its input from stdin and writes its result
//! or an error message to stdout (`docker/docker-credential-helpers`). Its stderr is that of the
//! process, because it may prompt the user there, for example to touch a security key.
//!
//! # Waiting without threads
//!
//! Input and output are smaller than the buffer of a pipe. The input is therefore written before
//! the program reads it, and the output is read after the program has exited. In between, the exit
//! status is polled. A program that writes more than the buffer holds never exits and runs into the
//! timeout.
//!
//! After the program has exited, an end mark is written to the pipe, because a child process of the
//! program may keep the pipe open, so that no end of file arrives. Space for the mark is reserved
//! by filling a page of the pipe before the program starts and reading it before the mark is
//! written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::auths_key::server;
use super::lenient_json::{decode, first_value, string, string_field};
use super::{CredentialStore, Stored};
use crate::auth::credential::Credential;
use crate::error::{Error, IoOp, Result};
use crate::http::clock::{Clock, SystemClock};
use crate::http::environment;
use crate::limits::{HELPER_TIMEOUT, Limit, MAX_HELPER_INPUT_BYTES, MAX_HELPER_OUTPUT_BYTES};
use crate::oci::{RegistryName, RepositoryName};
use crate::progress::Wait;
use crate::text::json;
use crate::text::json::edit::Object;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;

/// First and longest wait between two polls of the exit status. The wait doubles each time.
const POLL_INTERVALS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];
/// Byte that marks the end of the output. Neither JSON nor an error message contains it.
const END_MARK: u8 = 0;
/// Bytes that reserve space for the end mark: one page, the unit of pipe buffers.
const RESERVED: [u8; 4096] = [0; 4096];
/// Maximum number of characters of a program's error message in an error.
const MAX_SHOWN_CHARS: usize = 400;

/// Error message of a program that has no credential for a server.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// User name that marks the secret as an identity token.
const TOKEN_USER: &str = "<token>";

/// Finds and runs helper programs.
pub struct Helpers {
    path: OsString,
    /// Clock for waiting for programs and file locks.
    pub(super) clock: Arc<dyn Clock>,
}

impl Helpers {
    /// Searches programs in the directories of `path`, the value of the environment variable
    /// `PATH`. Relative directories are skipped, so that a program in the current directory does
    /// not receive secrets.
    pub fn new(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Searches programs in the directories of `PATH` in the environment of this process.
    pub fn from_env() -> Self {
        Self::new(environment::variable("PATH").unwrap_or_default())
    }

    /// Sets the clock. The default is the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns the program `docker-credential-<suffix>`, or `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`] if `suffix` is empty or contains a path separator.
    pub fn find(&self, suffix: &str) -> Result<Option<Helper>> {
        let name = program_name(suffix);
        if suffix.is_empty() || suffix.contains(['/', '\\', '\0']) {
            return Err(failure(name, "not the name of a helper program"));
        }
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let program = std::env::split_paths(&self.path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(&file))
            .find(|program| is_executable(program));
        Ok(program.map(|program| Helper {
            name,
            program,
            path: self.path.clone(),
            clock: Arc::clone(&self.clock),
        }))
    }

    /// Returns the program `docker-credential-<suffix>`.
    ///
    /// # Errors
    ///
    /// Same as [`find`](Self::find), plus [`Error::Credential`] if the program does not exist.
    pub fn require(&self, suffix: &str) -> Result<Helper> {
        self.find(suffix)?.ok_or_else(|| missing_helper(suffix))
    }
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helpers")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A helper program. As a [`CredentialStore`], it has credentials for whole registries.
///
/// ```no_run
/// use oras::credentials::Helpers;
/// use oras::registry::Client;
///
/// let helper = Helpers::from_env().require("secretservice")?;
/// let client = Client::builder().credentials(helper).build();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// The *server* is the name of a registry, or `https://index.docker.io/v1/` for Docker Hub.
///
/// # Errors
///
/// - [`Error::Credential`] if the program fails, with its message; if it runs for more than 60
///   seconds; or if its output is malformed.
/// - [`Error::Io`] if it cannot be started.
pub struct Helper {
    name: String,
    program: PathBuf,
    /// The value of `PATH` for the program.
    path: OsString,
    clock: Arc<dyn Clock>,
}

/// Input of `store`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

impl Helper {
    /// Returns the name of the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the credential for a server, or `None` if the program has none.
    ///
    /// # Errors
    ///
    /// See [`Helper`].
    pub(crate) fn get_for(&self, server: &str) -> Result<Option<Credential>> {
        let Some(answer) = self.run("get", server.as_bytes())? else {
            return Ok(None);
        };
        let answer = self.object(&answer)?;
        let field = |name| string_field(&answer, name).map_err(|_| self.invalid_response());
        Ok(match (field("Username")?.as_str(), field("Secret")?) {
            ("", secret) if secret.is_empty() => None,
            (TOKEN_USER, token) => Some(Credential::IdentityToken(token.into())),
            (username, password) => Some(Credential::password(username, password)),
        })
    }

    /// Stores a credential for a server.
    ///
    /// # Errors
    ///
    /// Same as [`Helper`], plus:
    /// - [`Error::Unsupported`] for a registry token, because the protocol cannot distinguish it
    ///   from a password.
    /// - [`Error::Unsupported`] for a user name or password that is not UTF-8, because the protocol
    ///   cannot represent it.
    /// - [`Error::TooLarge`] if the input has more than 32 KiB.
    pub(crate) fn store_for(&self, server: &str, credential: &Credential) -> Result<()> {
        let (username, secret) = match credential {
            Credential::Password { username, password } => (username, password),
            Credential::IdentityToken(token) => (&TOKEN_USER.into(), token),
            Credential::RegistryToken(_) => {
                return Err(Error::unsupported(format!(
                    "keeping a registry token by {}",
                    self.name
                )));
            }
        };
        let texts = [username, secret].map(|text| str::from_utf8(text.expose_bytes()));
        let [Ok(username), Ok(secret)] = texts else {
            return Err(Error::unsupported(format!(
                "keeping a password that is not UTF-8 by {}",
                self.name
            )));
        };
        let message = json::to_vec(&Message {
            server,
            username,
            secret,
        });
        let mut redactor = Redactor::default();
        redactor.add_value(secret);
        match self.run_redacted("store", &message, &redactor)? {
            Some(_) => Ok(()),
            None => Err(failure(self.name.clone(), NOT_FOUND)),
        }
    }

    /// Removes the credential for a server. A missing credential is not an error.
    ///
    /// # Errors
    ///
    /// See [`Helper`].
    pub(crate) fn erase_for(&self, server: &str) -> Result<()> {
        self.run("erase", server.as_bytes()).map(drop)
    }

    /// Returns all servers with their user names.
    ///
    /// # Errors
    ///
    /// See [`Helper`].
    pub fn list(&self) -> Result<BTreeMap<String, String>> {
        let answer = self.run("list", b"")?;
        let Some(answer) = answer else {
            return Ok(BTreeMap::new());
        };
        let answer = self.object(&answer)?;
        let users = answer.iter().map(|(server, username)| {
            let username = string(Some(username)).map_err(|()| self.invalid_response())?;
            Ok((server.to_owned(), username))
        });
        users.collect()
    }

    /// Runs the program. Returns its output, or `None` if it has no credential.
    fn run(&self, verb: &'static str, input: &[u8]) -> Result<Option<Secret>> {
        self.run_redacted(verb, input, &Redactor::default())
    }

    /// Same as [`run`](Self::run), with an input that contains secrets, which the program may
    /// repeat.
    fn run_redacted(
        &self,
        verb: &'static str,
        input: &[u8],
        redactor: &Redactor,
    ) -> Result<Option<Secret>> {
        Error::check_limit(
            format_args!("{}: input", self.name),
            input.len() as u64,
            Limit::HelperInputBytes,
            MAX_HELPER_INPUT_BYTES as u64,
        )?;
        let (mut output, mut end) = io::pipe().map_err(Error::io(IoOp::Run, &self.program))?;
        end.write_all(&RESERVED)
            .map_err(Error::io(IoOp::Run, &self.program))?;
        let spawn = || -> io::Result<Child> {
            Command::new(&self.program)
                .arg(verb)
                .env("PATH", &self.path)
                .stdin(Stdio::piped())
                .stdout(end.try_clone()?)
                .spawn()
        };
        let mut child = spawn().map_err(Error::io(IoOp::Run, &self.program))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input may have exited.
            let _ = stdin.write_all(input);
        }
        let status = self.wait(child)?;
        let mut read = || {
            output.read_exact(&mut RESERVED.clone())?;
            end.write_all(&[END_MARK])?;
            read_to_end_mark(&output)
        };
        let output = read().map_err(Error::io(IoOp::ReadFrom, &self.program))?;
        if status.success() {
            return Ok(Some(output.into()));
        }
        let said = String::from_utf8_lossy(&output);
        match said.trim() {
            NOT_FOUND => Ok(None),
            said if said.is_empty() || is_response(said) => {
                Err(failure(self.name.clone(), status.to_string()))
            }
            said => Err(failure(
                self.name.clone(),
                redactor.excerpt(said, MAX_SHOWN_CHARS),
            )),
        }
    }

    /// Waits until the program exits, and kills it after the timeout.
    fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        let [mut pause, longest] = POLL_INTERVALS;
        let mut waited = Duration::ZERO;
        let mut wait = Wait::new(&self.name);
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(Error::io(IoOp::WaitFor, &self.program))?
            {
                return Ok(status);
            }
            let go_on = if waited < HELPER_TIMEOUT {
                wait.advance(pause)
            } else {
                let seconds = HELPER_TIMEOUT.as_secs();
                let reason = format!("no answer within {seconds} seconds");
                Err(failure(self.name.clone(), reason))
            };
            if let Err(error) = go_on {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
            self.clock.sleep(pause);
            waited += pause;
            pause = longest.min(pause * 2);
        }
    }

    fn object(&self, answer: &Secret) -> Result<Object> {
        // serde's message may quote the output, which contains secrets.
        first_value(&decode(answer.expose_bytes()))
            .and_then(Object::parse)
            .map_err(|_| self.invalid_response())
    }

    fn invalid_response(&self) -> Error {
        failure(self.name.clone(), "its answer makes no sense")
    }
}

impl CredentialStore for Helper {
    fn get(
        &self,
        registry: &RegistryName,
        _: Option<&RepositoryName>,
    ) -> Result<Option<Credential>> {
        self.get_for(server(registry))
    }

    fn store(&self, registry: &RegistryName, credential: &Credential) -> Result<Stored> {
        self.store_for(server(registry), credential)?;
        Ok(Stored::ByHelper {
            program: self.name.clone(),
        })
    }

    fn erase(&self, registry: &RegistryName) -> Result<()> {
        self.erase_for(server(registry))
    }

    /// Runs the program again.
    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        let found = self.get(registry, repository)?;
        Ok(found.filter(|credential| credential != rejected))
    }

    fn allows_anonymous_pulls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Helper").field(&self.program).finish()
    }
}

/// Returns the error for a missing program.
pub(super) fn missing_helper(suffix: &str) -> Error {
    let what = format!("exec: \"{}\"", program_name(suffix));
    failure(what, "executable file not found in $PATH")
}

pub(super) fn program_name(suffix: &str) -> String {
    format!("docker-credential-{suffix}")
}

fn failure(what: String, reason: impl Into<String>) -> Error {
    Error::Credential {
        what,
        reason: reason.into(),
    }
}

fn read_to_end_mark(output: &PipeReader) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    BufReader::new(output.take(MAX_HELPER_OUTPUT_BYTES)).read_until(END_MARK, &mut bytes)?;
    bytes.pop_if(|last| *last == END_MARK);
    Ok(bytes)
}

/// Returns whether output of a failed program is a result, which contains a secret, and not an
/// error message.
fn is_response(output: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(output).is_ok() || output.contains("\"Secret\"")
}

#[cfg(unix)]
fn is_executable(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    program
        .metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(program: &Path) -> bool {
    program.is_file()
}

#[cfg(test)]
mod tests;
