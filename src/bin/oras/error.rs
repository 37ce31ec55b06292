//! Errors of the command: message, usage, hints, exit status.
//!
//! Hints depend on the variant of a library error, never on its text. The library does not know
//! flags.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::path::Path;

use oras::Error;
use oras::Reference;
use oras::error::Limit;
use oras::error::{
    Conflict, Input, IoOp, RegistryErrorResponse, Responder, Side, TransportKind, Unauthorized,
};
use oras::url::Url;

use crate::cli::{self, CommandSpec, UsageError, quote};
use crate::hints::{self, ReferenceHint};
use crate::output::text::{TargetName, one_line};

/// Exit statuses by kind of error. All are non-zero.
mod status {
    /// Any other error.
    pub(super) const OTHER: u8 = 1;
    /// An invalid command line.
    pub(super) const USAGE: u8 = 2;
    /// Something does not exist.
    pub(super) const NOT_FOUND: u8 = 3;
    /// Credentials are missing or insufficient.
    pub(super) const UNAUTHORIZED: u8 = 4;
    /// The network or the server failed.
    pub(super) const NETWORK: u8 = 5;
    /// Content does not match its digest, or files or a tag are not the expected ones.
    pub(super) const VERIFICATION: u8 = 6;
    /// A broken pipe (128 + SIGPIPE), as shells report it.
    pub(super) const BROKEN_PIPE: u8 = 128 + 13;
}

/// An error of a command.
#[derive(Debug)]
pub(crate) struct CliError {
    prefix: Cow<'static, str>,
    message: String,
    /// Lines after the message: usage, recommendation, details.
    details: Vec<String>,
    /// The reference that the user may have meant. The command is added in
    /// [`with_command`](Self::with_command).
    did_you_mean: Option<String>,
    hint: Option<Box<Hint>>,
    /// The side of a copy that failed. Its flags have a prefix.
    side: Option<Side>,
    status: u8,
}

/// A recommendation of flags.
#[derive(Debug)]
enum Hint {
    PlainHttp,
    /// A missing or rejected credential for this registry.
    Login {
        host: String,
    },
    /// A flag is missing before the path of this layout.
    Layout {
        path: String,
    },
    Certificate {
        /// Host and port of the server with the certificate.
        server: Option<String>,
        /// The registry.
        host: String,
    },
}

impl Hint {
    /// Recommends to log in to the registry at `host`.
    fn login(host: &str) -> Self {
        let host = match host {
            DOCKER_HUB_HOST => DOCKER_HUB,
            host => host,
        };
        Self::Login {
            host: host.to_owned(),
        }
    }

    fn lines(&self, side: &str) -> Vec<String> {
        match self {
            Self::Login { host } => vec![format!(
                "To log in to this registry, run \"oras login {host}\""
            )],
            Self::Layout { path } => vec![format!(
                "{} is an OCI image layout. Please use --{side}oci-layout for a target in it",
                quote::double(path)
            )],
            Self::PlainHttp => vec![format!(
                "If it is meant to be reached by plain http, say so by --{side}plain-http"
            )],
            Self::Certificate {
                server: Some(server),
                host,
            } if server != host => vec![
                format!(
                    "The certificate is that of \"{server}\", to which \"{host}\" sends its clients. --{side}insecure is good for \"{host}\" only"
                ),
                format!(
                    "Please name its certificate authority by --{side}ca-file, in one file with that of the registry"
                ),
            ],
            Self::Certificate { .. } => vec![format!(
                "Please name its certificate authority by --{side}ca-file, or skip the check by --{side}insecure"
            )],
        }
    }
}

/// The name of stdout in I/O errors.
pub(crate) const STDOUT: &str = "stdout";

/// A write error on stdout, as an error of the library.
pub(crate) fn to_stdout(error: io::Error) -> Error {
    Error::io(IoOp::Write, STDOUT)(error)
}

/// Maximum length of an untrusted name in a message, in characters: `PATH_MAX` of Linux.
const MAX_NAME_CHARS: usize = 4096;

/// Docker Hub, where repositories without a namespace are in the namespace `library`.
const DOCKER_HUB: &str = "docker.io";
/// The host of Docker Hub's registry.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// The directory for temporary files if `TMPDIR` is not set.
const DEFAULT_TEMPORARY: &str = "/tmp";

const ERROR: &str = "Error:";
const REGISTRY_ERROR: &str = "Error response from registry:";

impl CliError {
    /// An error with this message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            prefix: ERROR.into(),
            message: message.into(),
            details: Vec::new(),
            did_you_mean: None,
            hint: None,
            side: None,
            status: status::OTHER,
        }
    }

    /// A usage error.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            status: status::USAGE,
            ..Self::new(message)
        }
    }

    /// This build lacks a feature of `Cargo.toml`.
    pub(crate) fn missing_feature(what: &str, feature: &str) -> Self {
        Self::usage(format!(
            "this build of oras has no {what}: it lacks the feature \"{feature}\""
        ))
    }

    /// Something does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: status::NOT_FOUND,
            ..Self::new(message)
        }
    }

    /// Files differ from an artifact.
    pub(crate) fn difference(message: impl Into<String>) -> Self {
        Self {
            status: status::VERIFICATION,
            ..Self::new(message)
        }
    }

    /// Returns an error if a command skipped tags or referrers, which it named before.
    pub(crate) fn check_skipped(skipped: usize) -> Result<(), Self> {
        Self::check_missing(
            skipped,
            "Everything else was copied. To copy without this error, delete what is missing at the source, or name the tags to copy",
        )
    }

    /// Same as [`check_skipped`](Self::check_skipped), with another recommendation.
    pub(crate) fn check_missing(skipped: usize, recommendation: &str) -> Result<(), Self> {
        if skipped == 0 {
            return Ok(());
        }
        let message = format!("{skipped} tag(s) or referrer(s) are missing at the source");
        Err(Self::new(message).recommend(recommendation))
    }

    /// Adds the usage line of the command.
    pub(crate) fn with_usage_of(mut self, command: &CommandSpec) -> Self {
        self.details.push(command.usage_line());
        self
    }

    /// Adds a recommendation.
    pub(crate) fn recommend(mut self, recommendation: impl Into<String>) -> Self {
        self.details.push(recommendation.into());
        self
    }

    /// Inserts a question before the recommendation.
    pub(crate) fn before_recommendation(mut self, question: &str) -> Self {
        if let Some(recommendation) = self.details.last_mut() {
            recommendation.insert_str(0, question);
        }
        self
    }

    /// Prefixes the message with the operation that failed.
    pub(crate) fn context(mut self, doing: &str) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Prefixes the message with a name, unless it starts with that name.
    pub(crate) fn with_subject(self, name: &str) -> Self {
        if self.message.starts_with(name) {
            self
        } else {
            self.context(name)
        }
    }

    /// Makes `headline` the message and moves the present message below it.
    pub(crate) fn with_headline(mut self, headline: impl Into<String>) -> Self {
        let message = std::mem::replace(&mut self.message, headline.into());
        self.details.insert(0, message);
        self
    }

    /// Names the side of a copy and its target.
    pub(crate) fn at_side(mut self, side: Side, target: &TargetName<'_>) -> Self {
        let (kind, name) = (target.kind, quote::double(target.name));
        self.prefix = format!("Error from {side} {kind} for {name}:").into();
        self.with_side_flags(side)
    }

    /// Recommends the flags of this side, without naming the side.
    pub(crate) const fn with_side_flags(mut self, side: Side) -> Self {
        self.side = Some(side);
        self
    }

    /// A write error on stdout.
    pub(crate) fn stdout(error: io::Error) -> Self {
        Self::from(&to_stdout(error))
    }

    /// An error of the library at the repository of a target.
    pub(crate) fn at_repository(
        error: &Error,
        reference: &Reference,
        credential_hint: &str,
    ) -> Self {
        let host = reference.registry().host_and_port();
        let mut cli_error = Self::at_registry(error, host, credential_hint);
        // Docker Hub responds with 401 for repositories that do not exist. The `docker` command
        // adds the namespace `library`.
        let may_be_official_image = reference.registry().as_str() == DOCKER_HUB
            && !reference.repository().as_str().contains('/');
        match error.root() {
            Error::Refused(refusal)
                if may_be_official_image && refusal.host == host && refusal.status == 401 =>
            {
                let shown = reference.to_string();
                let (registry, name) = shown.split_once('/').unwrap_or_default();
                cli_error.did_you_mean = Some(format!("{registry}/library/{name}"));
            }
            _ => {}
        }
        cli_error
    }

    /// An error of the library at the registry of a target.
    pub(crate) fn at_registry(error: &Error, host: &str, credential_hint: &str) -> Self {
        let mut cli_error = match error.root() {
            Error::Refused(refusal) if refusal.host != host => Self::from(error),
            _ => Self::at_any_registry(error, host, credential_hint),
        };
        // A missing entry of an index is not a response of the registry.
        if let Error::NotFound { index: None, .. } = error.root() {
            cli_error.prefix = REGISTRY_ERROR.into();
        }
        cli_error
    }

    /// An error of the library at any registry, including one that a redirect or token request led
    /// to.
    pub(crate) fn at_any_registry(error: &Error, host: &str, credential_hint: &str) -> Self {
        let mut cli_error = Self::from(error);
        match error.root() {
            Error::Unauthorized {
                reason: Unauthorized::NoBasicCredential,
                ..
            } => {
                cli_error.details.push(credential_hint.to_owned());
                cli_error.hint = Some(Box::new(Hint::login(host)));
            }
            Error::Refused(refusal) => {
                cli_error.prefix = REGISTRY_ERROR.into();
                cli_error.message = refusal_message(refusal);
                if let Some(excerpt) = &refusal.excerpt {
                    cli_error
                        .details
                        .push(format!("The server says: {excerpt}"));
                }
                if refusal.status == 401 {
                    cli_error.hint = Some(Box::new(Hint::login(host)));
                }
            }
            Error::Transport {
                kind: TransportKind::UnknownAuthority,
                url,
                ..
            } => {
                let server = Url::parse(url).ok();
                cli_error.hint = Some(Box::new(Hint::Certificate {
                    server: server.map(|url| url.host_and_port().to_owned()),
                    host: host.to_owned(),
                }));
            }
            Error::Transport {
                kind: TransportKind::NotTls,
                ..
            } => cli_error.hint = Some(Box::new(Hint::PlainHttp)),
            _ => {}
        }
        cli_error
    }

    /// Recommends what the user may have meant by an invalid reference.
    pub(crate) fn with_reference_hint(mut self, raw: &str) -> Self {
        match hints::for_reference(raw, hints::is_layout) {
            Some(ReferenceHint::Text(text)) => self.recommend(text),
            Some(ReferenceHint::Layout(path)) => {
                self.hint = Some(Box::new(Hint::Layout { path }));
                self
            }
            None => self,
        }
    }

    /// Recommends to leave out the scheme of a registry, if it has one.
    pub(crate) fn with_scheme_hint(self, raw: &str) -> Self {
        match hints::scheme(raw) {
            Some(hint) => self.recommend(hint),
            None => self,
        }
    }

    /// Recommends another directory for temporary files if `error` is about `directory`.
    pub(crate) fn with_temporary_hint(self, error: &Error, directory: Option<&Path>) -> Self {
        let directory = directory.unwrap_or(Path::new(DEFAULT_TEMPORARY));
        match error.root() {
            Error::Io { path, .. } if path == directory => self.recommend(format!(
                "Temporary files are written to {}. Please set TMPDIR to a directory that is writable and has enough space",
                quote::double(&directory.display().to_string())
            )),
            _ => self,
        }
    }

    /// Removes the recommendation to log in.
    pub(crate) fn without_login_hint(mut self) -> Self {
        self.hint = self
            .hint
            .filter(|hint| !matches!(**hint, Hint::Login { .. }));
        self
    }

    /// No file is known to store credentials in.
    pub(crate) fn nowhere_to_store() -> Self {
        Self::new("no file to store credentials in: neither a file nor a home directory is known")
            .recommend("Please name a file by --registry-config, or set HOME")
    }

    /// Completes the suggestion with the command that was called.
    pub(crate) fn with_command(mut self, command: &CommandSpec) -> Self {
        if let Some(suggestion) = self.did_you_mean.take() {
            self.details.push(format!(
                "Namespace seems missing. Do you mean `{} {suggestion}`?",
                command.path
            ));
        }
        self
    }

    /// The exit status.
    pub(crate) const fn status(&self) -> u8 {
        self.status
    }

    /// The lines for stderr. A broken pipe is not reported.
    pub(crate) fn to_text(&self) -> String {
        if self.status == status::BROKEN_PIPE {
            return String::new();
        }
        let mut text = format!("{} {}\n", self.prefix, self.message);
        let side = self.side.map_or("", |side| match side {
            Side::Source => cli::Side::Source.prefix(),
            Side::Destination => cli::Side::Destination.prefix(),
        });
        let hints = self.hint.as_ref().map(|hint| hint.lines(side));
        for line in self.details.iter().chain(hints.iter().flatten()) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// An error of the library that does not concern the registry of a target.
impl From<&Error> for CliError {
    fn from(error: &Error) -> Self {
        if let Error::Cancelled { source, .. } = error
            && let Some(shown) = source.downcast_ref::<Error>()
        {
            // A status line could not be written.
            return Self::from(shown);
        }
        let mut cli_error = Self {
            status: status_of(error),
            ..Self::new(one_line(&message(error)))
        };
        match error.root() {
            Error::PathTraversal { name, .. } if !is_archive_entry(error) => {
                cli_error.message =
                    "failed to resolve path for writing: path traversal disallowed".into();
                cli_error.details.push(
                    "Pulling files outside of working directory is insecure and blocked by default. If you trust the content \
                     producer, use --allow-path-traversal to bypass this check."
                        .to_owned(),
                );
                let name: String = name.chars().take(MAX_NAME_CHARS).collect();
                cli_error
                    .details
                    .push(format!("The name is {}", quote::double(&one_line(&name))));
            }
            Error::PathTraversal { .. } => cli_error.details.push(
                "If you trust the content producer, unpack the archive with tar: \
                 oras pull --output - <name> | tar xz"
                    .to_owned(),
            ),
            Error::TooLarge { kind, .. } => cli_error.details.extend(limit_hint(*kind)),
            Error::Io { path, source, .. }
                if path == Path::new(STDOUT) && source.kind() == io::ErrorKind::BrokenPipe =>
            {
                cli_error.status = status::BROKEN_PIPE;
            }
            Error::Conflict {
                conflict: Conflict::TagExists(_),
                ..
            } => (cli_error.details).push("Without --if-absent, the tag would be moved".to_owned()),
            Error::Conflict {
                name,
                conflict: Conflict::Exists,
                ..
            } => {
                cli_error.message =
                    "failed to resolve path for writing: overwrite disallowed".into();
                let name = one_line(name);
                cli_error.details.push(format!("What exists is \"{name}\""));
            }
            _ => {}
        }
        cli_error
    }
}

impl From<UsageError> for CliError {
    fn from(error: UsageError) -> Self {
        Self::usage(error.to_string())
    }
}

/// The flag that changes a limit, if there is one.
fn limit_hint(limit: Limit) -> Option<String> {
    let hint = match limit {
        Limit::ArchiveDepth => "Use --max-depth to allow deeper directories",
        Limit::UnpackedBytes => "Use --max-unpacked-size to allow larger directories",
        Limit::FreeSpace => {
            "The file system of the output directory has not enough free space. Use --output to \
             write to another one, or --max-unpacked-size to set another limit"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The error messages of the registry's response, or else its status.
fn refusal_message(refusal: &RegistryErrorResponse) -> String {
    refusal.errors_in_one_line().unwrap_or_else(|| {
        let mut refusal = refusal.clone();
        refusal.excerpt = None;
        refusal.to_string()
    })
}

/// The message of a library error, without the side of a copy: the caller names the side if there
/// are two.
fn message(error: &Error) -> String {
    match error {
        Error::Copy { source, .. } => message(source),
        Error::Context { doing, source, .. } if matches!(**source, Error::PathTraversal { .. }) => {
            doing.clone()
        }
        Error::Context { doing, source, .. } => format!("{doing}: {}", message(source)),
        // The original program does not name the registry here.
        Error::Unauthorized { reason, .. } => reason.to_string(),
        other => other.chain().to_string(),
    }
}

/// Whether a path traversal concerns an archive entry instead of a title. No flag permits that.
fn is_archive_entry(error: &Error) -> bool {
    match error {
        Error::Copy { source, .. } => is_archive_entry(source),
        Error::Context { .. } => true,
        _ => false,
    }
}

fn status_of(error: &Error) -> u8 {
    if error.is_not_found() {
        return status::NOT_FOUND;
    }
    match error.root() {
        // As for a redirect that is not allowed: the server is wrong, and a login does not help.
        Error::Unauthorized {
            reason: Unauthorized::UntrustedRealm { .. },
            ..
        } => status::NETWORK,
        _ if error.is_unauthorized() => status::UNAUTHORIZED,
        Error::Verification { .. }
        | Error::Conflict {
            conflict: Conflict::TagExists(_),
            ..
        } => status::VERIFICATION,
        Error::Refused(refusal) if refusal.by == Responder::UploadSession => status::NETWORK,
        Error::Refused(refusal) => status_of_response(refusal.status),
        Error::Transport { .. } | Error::Protocol { .. } => status::NETWORK,
        Error::InvalidReference { .. }
        | Error::InvalidInput {
            input: Input::Digest | Input::MediaType(_) | Input::Platform | Input::Option(_),
            ..
        } => status::USAGE,
        other => match other
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>())
        {
            Some(error) if error.kind() == io::ErrorKind::NotFound => status::NOT_FOUND,
            _ => status::OTHER,
        },
    }
}

/// The exit status for an error response. Only the status of a server error, a timeout or too many
/// requests means that the same command may succeed later.
const fn status_of_response(status: u16) -> u8 {
    match status {
        401 | 403 => status::UNAUTHORIZED,
        404 => status::NOT_FOUND,
        408 | 429 => status::NETWORK,
        400..=499 => status::OTHER,
        _ => status::NETWORK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_network_means_that_a_retry_can_help() {
        for (response, exit) in [
            (400, status::OTHER),
            (401, status::UNAUTHORIZED),
            (403, status::UNAUTHORIZED),
            (404, status::NOT_FOUND),
            (405, status::OTHER),
            (408, status::NETWORK),
            (409, status::OTHER),
            (413, status::OTHER),
            (416, status::OTHER),
            (422, status::OTHER),
            (429, status::NETWORK),
            (451, status::OTHER),
            (499, status::OTHER),
            (500, status::NETWORK),
            (503, status::NETWORK),
        ] {
            assert_eq!(status_of_response(response), exit, "{response}");
        }
    }
}
