//! Helper programs: `docker-credential-*`, which keep credentials where files should not, such as in a keychain.
//!
//! A program is started with one word of what to do, reads from its stdin and answers on its stdout, be it an answer or an
//! error (`docker/docker-credential-helpers`). Its stderr is the user's: it may ask for a finger on a key there. This module
//! is the door to these programs. It knows neither which program keeps what nor any file.
//!
//! # Waiting without threads
//!
//! What goes in and out is smaller than the buffer of a pipe, so it is written before the program reads it and read after the
//! program has ended, and in between there is nothing to do but to ask now and then whether it has. A program that writes more
//! than fits does not end, and counts as one that takes too long.
//!
//! The end of an answer is marked when the program has ended, because it may have left another one behind that keeps the pipe
//! open. Room for the mark is kept from the start: what fills it is written first, and read before the mark is written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::credential::Credential;
use crate::error::{Error, Result};
use crate::http::clock::{Clock, SystemClock};
use crate::limits::{HELPER_TIMEOUT, MAX_HELPER_INPUT_BYTES, MAX_HELPER_OUTPUT_BYTES};
use crate::text::json;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;

/// How long to wait before asking whether a program has ended, at first and at most. Between them the wait doubles.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];
/// The mark at the end of an answer. Neither JSON nor an error text contains it.
const MARK: u8 = 0;
/// What keeps room for the mark: a page, of which pipes are made.
const RESERVE: [u8; 4096] = [0; 4096];
/// How much of a program's error text is shown, in characters.
const MAX_SHOWN_CHARS: usize = 400;

/// The error text of a program that has no credential for what it was asked.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The user name that says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// Finds and runs helper programs.
pub struct Helpers {
    path: OsString,
    /// By which whoever works with credentials waits.
    pub(super) clock: Box<dyn Clock + Send>,
}

impl Helpers {
    /// Looks for programs in the directories of `path`, which is what the environment variable `PATH` holds. Directories that
    /// are not absolute are passed over: what lies around must not be handed secrets.
    pub fn new(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            clock: Box::new(SystemClock),
        }
    }

    /// Waits by `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + Send + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The program `docker-credential-` and `suffix`, if it is there.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`] when `suffix` is no part of a name but a path.
    pub fn find(&self, suffix: &str) -> Result<Option<Helper<'_>>> {
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
            helpers: self,
        }))
    }

    /// As [`find`](Self::find), where there must be one.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`] also when there is no such program.
    pub fn require(&self, suffix: &str) -> Result<Helper<'_>> {
        self.find(suffix)?.ok_or_else(|| missing(suffix))
    }
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helpers")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A helper program.
///
/// A registry is named by its *server*: what the user calls it, or `https://index.docker.io/v1/` for Docker Hub.
///
/// # Errors
///
/// [`Error::Credential`] when the program fails, with what it says; when it takes more than 60 seconds; when its answer makes
/// no sense. [`Error::Io`] when it cannot be run.
#[derive(Debug)]
pub struct Helper<'h> {
    name: String,
    program: PathBuf,
    helpers: &'h Helpers,
}

/// What a program is told, and what it answers.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Message {
    #[serde(rename = "ServerURL")]
    server: String,
    username: String,
    secret: String,
}

impl Helper<'_> {
    /// The name of the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The credential for a registry. `None` when the program has none.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`] when the program cannot be run, fails, or answers what cannot be read.
    pub fn get(&self, server: &str) -> Result<Option<Credential>> {
        let Some(answer) = self.run("get", server.as_bytes())? else {
            return Ok(None);
        };
        let message: Message = self.parse(&answer)?;
        Ok(match (message.username.as_str(), message.secret) {
            ("", secret) if secret.is_empty() => None,
            (TOKEN_USER, token) => Some(Credential::IdentityToken(token.into())),
            (username, password) => Some(Credential::password(username, password)),
        })
    }

    /// Keeps a credential for a registry.
    ///
    /// # Errors
    ///
    /// Also [`Error::Unsupported`] for a registry token, which programs cannot tell from a password, and [`Error::TooLarge`]
    /// for more than 32 KiB.
    pub fn store(&self, server: &str, credential: &Credential) -> Result<()> {
        let (username, secret) = match credential {
            Credential::Password { username, password } => (username.as_str(), password),
            Credential::IdentityToken(token) => (TOKEN_USER, token),
            Credential::RegistryToken(_) => {
                return Err(Error::unsupported(format!(
                    "keeping a registry token by {}",
                    self.name
                )));
            }
        };
        let message = json::to_vec(&Message {
            server: server.to_owned(),
            username: username.to_owned(),
            secret: secret.expose().to_owned(),
        });
        let mut redactor = Redactor::default();
        redactor.add_value(secret.expose());
        match self.run_redacted("store", &message, &redactor)? {
            Some(_) => Ok(()),
            None => Err(failure(self.name.clone(), NOT_FOUND)),
        }
    }

    /// Forgets the credential for a registry. That there is none is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`] when the program cannot be run or fails.
    pub fn erase(&self, server: &str) -> Result<()> {
        self.run("erase", server.as_bytes()).map(drop)
    }

    /// The servers that the program has credentials for, and the user names of these.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`] when the program cannot be run, fails, or answers what cannot be read.
    pub fn list(&self) -> Result<BTreeMap<String, String>> {
        let answer = self.run("list", b"")?;
        answer.map_or_else(|| Ok(BTreeMap::new()), |answer| self.parse(&answer))
    }

    /// Runs the program. What it answers, or `None` when it says that it has no credential.
    fn run(&self, verb: &'static str, input: &[u8]) -> Result<Option<Secret>> {
        self.run_redacted(verb, input, &Redactor::default())
    }

    /// As [`run`](Self::run), with secrets in the input, which the program may repeat.
    fn run_redacted(
        &self,
        verb: &'static str,
        input: &[u8],
        redactor: &Redactor,
    ) -> Result<Option<Secret>> {
        if input.len() > MAX_HELPER_INPUT_BYTES {
            return Err(Error::TooLarge {
                what: format!("{}: input", self.name),
                size: input.len() as u64,
                limit: MAX_HELPER_INPUT_BYTES as u64,
                limit_name: "MaxHelperInputBytes",
            });
        }
        let (mut output, mut end) = io::pipe().map_err(Error::io("run", &self.program))?;
        end.write_all(&RESERVE)
            .map_err(Error::io("run", &self.program))?;
        let spawn = || -> io::Result<Child> {
            Command::new(&self.program)
                .arg(verb)
                .env("PATH", &self.helpers.path)
                .stdin(Stdio::piped())
                .stdout(end.try_clone()?)
                .spawn()
        };
        let mut child = spawn().map_err(Error::io("run", &self.program))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that has no need to read may have ended.
            let _ = stdin.write_all(input);
        }
        let status = self.wait(child)?;
        let mut read = || {
            output.read_exact(&mut RESERVE.clone())?;
            end.write_all(&[MARK])?;
            read_to_mark(&output)
        };
        let output = read().map_err(Error::io("read from", &self.program))?;
        if status.success() {
            return match String::from_utf8(output) {
                Ok(answer) => Ok(Some(answer.into())),
                Err(_) => Err(self.makes_no_sense()),
            };
        }
        let said = String::from_utf8_lossy(&output);
        match said.trim() {
            NOT_FOUND => Ok(None),
            said if said.is_empty() || is_answer(said) => {
                Err(failure(self.name.clone(), status.to_string()))
            }
            said => Err(failure(
                self.name.clone(),
                redactor.excerpt(said, MAX_SHOWN_CHARS),
            )),
        }
    }

    /// Waits for the end of the program, or makes it end.
    fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        let [mut pause, longest] = PAUSES;
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(Error::io("wait for", &self.program))?
            {
                return Ok(status);
            }
            if waited >= HELPER_TIMEOUT {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = HELPER_TIMEOUT.as_secs();
                let reason = format!("no answer within {seconds} seconds");
                return Err(failure(self.name.clone(), reason));
            }
            self.helpers.clock.sleep(pause);
            waited += pause;
            pause = longest.min(pause * 2);
        }
    }

    fn parse<'a, T: Deserialize<'a>>(&self, answer: &'a Secret) -> Result<T> {
        // What is wrong with it is not said in serde's words, which may quote it.
        serde_json::from_str(answer.expose()).map_err(|_| self.makes_no_sense())
    }

    fn makes_no_sense(&self) -> Error {
        failure(self.name.clone(), "its answer makes no sense")
    }
}

/// Without such a program.
pub(super) fn missing(suffix: &str) -> Error {
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

fn read_to_mark(output: &PipeReader) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    BufReader::new(output.take(MAX_HELPER_OUTPUT_BYTES)).read_until(MARK, &mut bytes)?;
    bytes.pop_if(|last| *last == MARK);
    Ok(bytes)
}

/// Whether what a program says is an answer, which holds a secret, and no error text.
fn is_answer(said: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(said).is_ok() || said.contains("\"Secret\"")
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
