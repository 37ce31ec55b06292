//! The one error type of the library.
//!
//! Variants are named for what a caller can do about them. Every error names the thing it is about; causes are kept as
//! [`source`](std::error::Error::source), and a variant's own text never repeats its source, so a program prints the chain
//! (see [`Error::chain`]). The library gives no advice and knows no flags; that is the caller's part.

use std::error::Error as StdError;
use std::fmt;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::text::redact::{MAX_EXCERPT_CHARS, excerpt};
use crate::text::sanitize::SingleLineWriter;
use crate::text::url::InvalidUrl;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A text is not a reference to an artifact, repository or registry.
    InvalidReference {
        /// The text; empty if it was only a part of one, which the reason names.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value that the caller passed is not valid. Pass another value.
    InvalidInput {
        /// The kind of the value.
        input: Input,
        /// The value, without secrets; empty if it is missing.
        value: String,
        /// The rule that the value breaks.
        reason: String,
    },
    /// Content or a name does not exist.
    NotFound {
        /// What was looked for; may be empty.
        what: String,
        /// Why nothing was found, where there is more to say.
        reason: Option<&'static str>,
    },
    /// The registry, or a service it sent us to, answered with an error.
    Refused(Box<Refusal>),
    /// The registry asks for credentials that are missing, or does not take those it was given.
    Unauthorized {
        /// The registry.
        registry: String,
        /// What is missing or wrong.
        reason: Unauthorized,
    },
    /// No complete answer came.
    Transport {
        /// The method of the request.
        method: &'static str,
        /// Where it went, without secrets.
        url: String,
        /// What kind of failure it was.
        kind: TransportKind,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A server's answer breaks the protocol.
    Protocol {
        /// Who answered, or what was asked.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// What a name stands for is something else than what is needed.
    WrongKind {
        /// The name.
        name: String,
        /// What is needed, such as `a manifest`.
        wanted: &'static str,
    },
    /// An index has no entry for a manifest.
    NotInIndex {
        /// The digest of the manifest.
        digest: String,
        /// What the index was called.
        index: String,
    },
    /// Content is not what its descriptor says.
    Verification {
        /// The digest that the content should have.
        digest: String,
        /// How it differs.
        mismatch: Mismatch,
    },
    /// Something is larger than a limit allows.
    TooLarge {
        /// What it is.
        what: String,
        /// Its size in bytes, as far as known.
        size: u64,
        /// The limit in bytes.
        limit: u64,
        /// The name of the limit.
        limit_name: &'static str,
    },
    /// A document or file cannot be read as what it is.
    Malformed {
        /// What it is.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is not an archive of the kind it is read as.
    NotAnArchive {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused something.
    Io {
        /// What was being done, such as `open`.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Two files would have the same name.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A name leads out of the directory that it must stay in.
    PathTraversal {
        /// The name.
        name: String,
        /// Where it leads out.
        reason: &'static str,
    },
    /// Something exists that was not to be overwritten.
    Overwrite {
        /// Its path.
        path: PathBuf,
    },
    /// A config is asked for of something that has none.
    NoConfig {
        /// The digest of what was asked.
        digest: String,
    },
    /// Content cannot be removed because something else is made of it.
    InUse {
        /// What was to be removed.
        what: String,
        /// What refers to it.
        user: String,
    },
    /// This store or build cannot do that.
    Unsupported {
        /// What cannot be done.
        what: String,
    },
    /// A source of credentials failed.
    Credential {
        /// Which source, such as a file or a helper program.
        what: String,
        /// What went wrong.
        reason: String,
    },
    /// One side of a copy failed.
    Copy {
        /// Which side.
        side: Side,
        /// What was being done.
        operation: Operation,
        /// The digest of the content, if it was known.
        digest: Option<String>,
        /// The cause.
        source: Box<Self>,
    },
    /// Something larger failed because of something smaller.
    Context {
        /// What was being done, such as `failed to resolve digest`.
        doing: String,
        /// The cause.
        source: Box<Self>,
    },
}

impl Error {
    /// Content or a name that does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound {
            what: what.into(),
            reason: None,
        }
    }

    /// Content that exists, but nothing in it is what was looked for.
    pub(crate) fn not_found_because(what: impl Into<String>, reason: &'static str) -> Self {
        Self::NotFound {
            what: what.into(),
            reason: Some(reason),
        }
    }

    /// A value of an option that is not valid, for a reason that contains the value.
    pub(crate) fn invalid_option(name: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidInput {
            input: Input::Option(name),
            value: String::new(),
            reason: reason.into(),
        }
    }

    /// A string that is not a digest.
    pub(crate) fn invalid_digest(value: &str, reason: &str) -> Self {
        Self::InvalidInput {
            input: Input::Digest,
            value: excerpt(value, MAX_EXCERPT_CHARS),
            reason: reason.to_owned(),
        }
    }

    /// A document or file that cannot be read as what it is.
    pub fn malformed(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed {
            what: what.into(),
            reason: excerpt(&reason.into(), MAX_EXCERPT_CHARS),
        }
    }

    /// Something this store or build cannot do.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// A failure of the operating system, for use with `map_err`.
    pub fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.downcast::<Self>() {
            Ok(error) => error,
            Err(source) => Self::Io {
                doing,
                path: path.as_ref().to_owned(),
                source,
            },
        }
    }

    /// The error as an [`io::Error`], for code that reads or writes on behalf of a standard trait. [`Error::io`] takes it
    /// out again.
    pub fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::Verification {
                mismatch: Mismatch::Truncated,
                ..
            } => io::ErrorKind::UnexpectedEof,
            // By its kind a reader would take it for something to be tried again, and lose what was read.
            Self::Io { source, .. } if source.kind() == io::ErrorKind::Interrupted => {
                io::ErrorKind::Other
            }
            Self::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, self)
    }

    /// Says what larger thing failed.
    #[must_use]
    pub fn context(self, doing: impl Into<String>) -> Self {
        Self::Context {
            doing: doing.into(),
            source: Box::new(self),
        }
    }

    /// This error without the layers that only say where it happened.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// let error = Error::not_found("v1").context("failed to resolve digest");
    /// assert!(matches!(error.root(), Error::NotFound { .. }));
    /// ```
    pub fn root(&self) -> &Self {
        match self {
            Self::Context { source, .. } | Self::Copy { source, .. } => source.root(),
            other => other,
        }
    }

    /// Whether the cause is that something does not exist.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(Error::not_found("localhost:5000/hello:v1").is_not_found());
    /// ```
    pub fn is_not_found(&self) -> bool {
        match self.root() {
            Self::NotFound { .. } | Self::NotInIndex { .. } => true,
            Self::Refused(refusal) => refusal.says_not_found(),
            _ => false,
        }
    }

    /// Whether the cause is content that does not match its digest or size.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(!Error::not_found("v1").is_verification());
    /// ```
    pub fn is_verification(&self) -> bool {
        matches!(self.root(), Self::Verification { .. })
    }

    /// Whether the registry refused for lack of credentials or rights, by whatever status it says so.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(!Error::not_found("v1").is_unauthorized());
    /// ```
    pub fn is_unauthorized(&self) -> bool {
        match self.root() {
            Self::Unauthorized { .. } => true,
            Self::Refused(refusal) => refusal.says_unauthorized(),
            _ => false,
        }
    }

    /// The error with all its causes, in one line: `what failed: why: and why that`.
    pub fn chain(&self) -> impl fmt::Display + '_ {
        Chain(self)
    }
}

struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = SingleLineWriter(f);
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            match cause.downcast_ref::<io::Error>() {
                Some(error) => write!(f, ": {}", os_error_text(error))?,
                None => write!(f, ": {cause}")?,
            }
            source = cause.source();
        }
        Ok(())
    }
}

/// One line, whatever names and words of others are in it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&mut SingleLineWriter(f))
    }
}

impl Error {
    fn write(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::InvalidReference { reference, reason } if reference.is_empty() => {
                write!(f, "invalid reference: {reason}")
            }
            Self::InvalidReference { reference, reason } => {
                write!(f, "\"{reference}\": invalid reference: {reason}")
            }
            Self::InvalidInput {
                input,
                value,
                reason,
            } => match input {
                Input::Digest => write!(f, "invalid digest \"{value}\": {reason}"),
                Input::MediaType(field) => write!(f, "invalid {field} format: {value}: {reason}"),
                Input::ArtifactType | Input::Platform => f.write_str(reason),
                Input::Created => write!(f, "invalid date and time format: {reason}"),
                Input::Option(name) => write!(f, "invalid {name}: {reason}"),
            },
            Self::NotFound { what, reason } => {
                if !what.is_empty() {
                    write!(f, "{what}: ")?;
                }
                f.write_str("not found")?;
                reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Unauthorized { reason, .. } => write!(f, "{reason}"),
            Self::Transport { method, url, .. } => write!(f, "{} \"{url}\"", title_case(method)),
            Self::Protocol { what, reason } | Self::Credential { what, reason } => {
                write!(f, "{what}: {reason}")
            }
            Self::WrongKind { name, wanted } => write!(f, "{name} is not {wanted}"),
            Self::NotInIndex { digest, index } => {
                write!(f, "{digest} does not exist in the index {index}")
            }
            Self::Verification { digest, mismatch } => write!(f, "{digest}: {mismatch}"),
            Self::TooLarge {
                what,
                size,
                limit,
                limit_name,
            } => write!(
                f,
                "{what} size {size} exceeds {limit_name} {limit}: size exceeds limit"
            ),
            Self::Malformed { what, reason } => write!(f, "invalid {what}: {reason}"),
            Self::NotAnArchive { path, reason } => write!(
                f,
                "\"{}\" does not look like a tar archive: {reason}",
                path.display()
            ),
            Self::Io { doing, path, .. } => write!(f, "{doing} {}", path.display()),
            Self::DuplicateName { name } => write!(f, "{name}: duplicate name"),
            Self::PathTraversal { name, reason } => {
                write!(f, "\"{name}\" {reason}: path traversal disallowed")
            }
            Self::Overwrite { path } => write!(f, "{}: overwrite disallowed", path.display()),
            Self::NoConfig { digest } => write!(
                f,
                "\"{digest}\" is not an image manifest and does not have a config"
            ),
            Self::InUse { what, user } => write!(f, "{what} is still in use by {user}"),
            Self::Unsupported { what } => write!(f, "{what}: unsupported"),
            Self::Copy {
                side,
                operation,
                digest,
                ..
            } => {
                write!(f, "failed to {operation}")?;
                if let Some(digest) = digest {
                    write!(f, " {digest}")?;
                }
                write!(f, " {} {side}", operation.preposition())
            }
            Self::Context { doing, .. } => f.write_str(doing),
        }
    }
}

impl From<InvalidUrl> for Error {
    fn from(error: InvalidUrl) -> Self {
        Self::malformed(format!("URL \"{}\"", error.url), error.reason)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Transport { source, .. } => Some(source.as_ref()),
            Self::Io { source, .. } => Some(source),
            Self::Copy { source, .. } | Self::Context { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// `GET` as `Get`: how transport failures have always been reported.
fn title_case(method: &str) -> String {
    let (first, rest) = method.split_at(1.min(method.len()));
    first.to_owned() + &rest.to_ascii_lowercase()
}

/// What the operating system says, as Unix programs print it: `no such file or directory`, without a number.
pub(crate) fn os_error_text(error: &io::Error) -> String {
    let text = error.to_string();
    if error.raw_os_error().is_none() {
        return text;
    }
    let end = text.rfind(" (os error").unwrap_or(text.len());
    let (first, rest) = text.split_at(1.min(end));
    first.to_lowercase() + &rest[..end - first.len()]
}

/// An error answer of a server (distribution spec v1.1, "Error Codes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The method of the request.
    pub method: &'static str,
    /// Where it went, without secrets.
    pub url: String,
    /// The host and port that answered.
    pub host: String,
    /// The HTTP status.
    pub status: u16,
    /// The errors in the body, if it had the form of the specification.
    pub errors: Vec<RegistryError>,
    /// What an answer of another form said, cut short.
    pub excerpt: Option<String>,
    /// Who answered.
    pub by: Refuser,
}

/// Who refused something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refuser {
    /// Who has the content: the registry, or a storage behind it.
    #[default]
    Registry,
    /// The service that the registry sends its clients to for tokens. It says nothing about content.
    TokenService,
}

impl Refusal {
    fn says_not_found(&self) -> bool {
        self.status == 404 && self.by == Refuser::Registry
    }

    /// What a token service refuses is access, whatever it says of the reason, unless it only is too busy.
    fn says_unauthorized(&self) -> bool {
        match self.by {
            Refuser::Registry => {
                matches!(self.status, 401 | 403)
                    || ["DENIED", "UNAUTHORIZED"]
                        .iter()
                        .any(|code| self.has_code(code))
            }
            Refuser::TokenService => {
                matches!(self.status, 400..=499) && !matches!(self.status, 408 | 425 | 429)
            }
        }
    }

    /// Whether one of the errors has this code, whatever its case.
    pub fn has_code(&self, code: &str) -> bool {
        self.errors
            .iter()
            .any(|error| error.code.eq_ignore_ascii_case(code))
    }

    /// The errors of the registry in one line, if it gave any.
    pub fn errors_in_one_line(&self) -> Option<String> {
        let texts: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} \"{}\": response status code {}",
            self.method, self.url, self.status
        )?;
        if let Some(errors) = self.errors_in_one_line() {
            return write!(f, ": {errors}");
        }
        let phrase = Some(status_text(self.status)).filter(|phrase| !phrase.is_empty());
        for words in [phrase, self.excerpt.as_deref()].into_iter().flatten() {
            write!(f, ": {words}")?;
        }
        Ok(())
    }
}

/// One error of a registry's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The code, such as `NAME_UNKNOWN`. Unknown codes are kept.
    pub code: String,
    /// The message; may be empty.
    pub message: String,
    /// More, as text; may be empty.
    pub detail: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code.to_lowercase().replace('_', " "))?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
            if !self.detail.is_empty() {
                write!(f, ": {}", self.detail)?;
            }
        }
        Ok(())
    }
}

/// What is missing or wrong about credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unauthorized {
    /// The registry asks for user name and password, and there are none.
    NoBasicCredential,
    /// There is a user name or a password, and the registry asks for both.
    IncompleteBasicCredential,
    /// The credentials were sent and not accepted.
    Rejected,
    /// The registry asks for a token of a service that must not be trusted with credentials.
    UntrustedRealm {
        /// The address of the service, without secrets.
        realm: String,
        /// Why not.
        reason: &'static str,
    },
    /// The token service answered, but with no token.
    NoToken {
        /// The address of the service, without secrets.
        realm: String,
        /// What was wrong with the answer.
        reason: String,
    },
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBasicCredential => f.write_str("basic credential not found"),
            Self::IncompleteBasicCredential => {
                f.write_str("missing username or password for basic auth")
            }
            Self::Rejected => f.write_str("credentials were not accepted"),
            Self::UntrustedRealm { realm, reason } => {
                write!(f, "refusing to ask \"{realm}\" for a token: {reason}")
            }
            Self::NoToken { realm, reason } => write!(f, "no token from \"{realm}\": {reason}"),
        }
    }
}

/// A kind of value that a caller passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A digest.
    Digest,
    /// A media type in the field of this name, such as `artifactType`.
    MediaType(&'static str),
    /// The artifact type, which an artifact of the image spec v1.1 requires.
    ArtifactType,
    /// A platform.
    Platform,
    /// The annotation `org.opencontainers.image.created`, which must be an RFC 3339 time.
    Created,
    /// The option of this name.
    Option(&'static str),
}

/// What kind of failure kept an answer from coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// No connection.
    Connect,
    /// The host has no address.
    Dns,
    /// No encrypted connection.
    Tls,
    /// The certificate of the server that was asked is not trusted.
    Certificate,
    /// The server that was asked for TLS does not speak it.
    NotTls,
    /// Nothing came for too long.
    Timeout,
    /// The connection broke.
    Io,
    /// What came was not HTTP, or could not be sent as such.
    Protocol,
}

/// How content differs from its descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// It has another digest.
    Digest,
    /// It ends early.
    Truncated,
    /// It goes on after the end.
    Trailing,
    /// The sender announced another size than the descriptor's.
    Size,
    /// What it unpacks to has another digest.
    UnpackedDigest,
    /// It changed after its digest was computed.
    Changed,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "mismatched digest",
            Self::Truncated => "unexpected EOF",
            Self::Trailing => "trailing data",
            Self::Size => "mismatched size",
            Self::UnpackedDigest => "content digest mismatch",
            Self::Changed => "the file changed after its digest was computed",
        })
    }
}

/// One side of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where content comes from.
    Source,
    /// Where it goes.
    Destination,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

/// One step of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Finding what a reference names.
    Resolve,
    /// Asking whether content exists.
    Exists,
    /// Reading content.
    Fetch,
    /// Writing content.
    Push,
    /// Naming content.
    Tag,
    /// Finding what is attached to content.
    ListReferrers,
}

impl Operation {
    const fn preposition(self) -> &'static str {
        match self {
            Self::Resolve | Self::Exists | Self::Tag | Self::ListReferrers => "at",
            Self::Fetch => "from",
            Self::Push => "to",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Exists => "find",
            Self::Fetch => "fetch",
            Self::Push => "push",
            Self::Tag => "tag",
            Self::ListReferrers => "list the referrers of",
        })
    }
}

/// The reason phrase of a status (RFC 9110 §15), for servers that send none.
pub(crate) fn status_text(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        425 => "Too Early",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_and_travels_between_threads() {
        fn assert_send_and_sync<T: Send + Sync>() {}
        assert_send_and_sync::<Error>();
        assert!(size_of::<Error>() <= 96, "{}", size_of::<Error>());
    }

    #[test]
    fn an_error_is_one_line_whatever_names_are_in_it() {
        let name = || "a\u{1b}[2J\r\nb\u{9b}\u{202e}".repeat(100_000);
        for error in [
            Error::not_found(name()),
            Error::unsupported(name()),
            Error::malformed(name(), name()),
            Error::DuplicateName { name: name() },
            Error::PathTraversal {
                name: name(),
                reason: "leads out",
            },
            Error::Overwrite {
                path: name().into(),
            },
            Error::InvalidReference {
                reference: name(),
                reason: name(),
            },
            Error::io("open", name())(io::Error::other(name())),
            Error::not_found("").context(name()),
        ] {
            for shown in [error.to_string(), error.chain().to_string()] {
                assert!(!shown.contains(char::is_control), "{shown:?}");
                assert!(!shown.contains('\u{202e}'), "{shown:?}");
                assert!(shown.chars().count() < 20_000);
            }
        }
    }

    #[test]
    fn a_chain_says_each_thing_once() {
        let error = Error::io("open", "/a/b")(io::Error::other("boom")).context("failed to push");
        assert_eq!(error.chain().to_string(), "failed to push: open /a/b: boom");
    }

    #[test]
    fn a_library_error_survives_a_trip_through_io() {
        let error = Error::io("read", "x")(Error::not_found("y").into_io());
        assert!(matches!(error, Error::NotFound { .. }));
    }

    #[test]
    fn a_refusal_prefers_the_words_of_the_registry() {
        let mut refusal = Refusal {
            method: "GET",
            url: "http://r/v2/".to_owned(),
            host: "r".to_owned(),
            status: 401,
            errors: vec![],
            excerpt: None,
            by: Refuser::Registry,
        };
        assert_eq!(
            refusal.to_string(),
            r#"GET "http://r/v2/": response status code 401: Unauthorized"#
        );
        let error = |code: &str, message: &str, detail: &str| RegistryError {
            code: code.to_owned(),
            message: message.to_owned(),
            detail: detail.to_owned(),
        };
        refusal.errors = vec![
            error("NAME_UNKNOWN", "", "lost"),
            error("DENIED", "no", "[why]"),
        ];
        assert_eq!(
            refusal.errors_in_one_line().unwrap(),
            "name unknown; denied: no: [why]"
        );
        assert!(refusal.has_code("name_unknown"));
        refusal.status = 400;
        assert!(Error::Refused(Box::new(refusal.clone())).is_unauthorized());
        refusal.errors.pop();
        assert!(!Error::Refused(Box::new(refusal)).is_unauthorized());
    }
}
