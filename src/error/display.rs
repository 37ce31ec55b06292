//! Messages of errors: one line each, without the message of the source.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io;

use super::Error;
use super::kinds::{Conflict, Expected, Input, Unauthorized};
use crate::limits::Limit;
use crate::text::sanitize::SingleLineWriter;

impl Error {
    /// Displays the error with all its sources in one line: `message: source: source of the
    /// source`.
    pub fn chain(&self) -> impl fmt::Display + '_ {
        Chain(self)
    }

    fn write(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::InvalidReference {
                reference,
                reason,
                suggestion,
            } => {
                if !reference.is_empty() {
                    write!(f, "\"{reference}\": ")?;
                }
                write!(f, "invalid reference: {reason}")?;
                match suggestion {
                    Some(suggestion) => write!(f, ", did you mean \"{suggestion}\"?"),
                    None => Ok(()),
                }
            }
            Self::InvalidInput {
                input,
                value,
                reason,
            } => write_invalid_input(f, *input, value, reason),
            Self::NotFound {
                what,
                index: Some(index),
                ..
            } => write!(f, "{what} does not exist in the index {index}"),
            Self::NotFound { what, reason, .. } => {
                if !what.is_empty() {
                    write!(f, "{what}: ")?;
                }
                f.write_str("not found")?;
                reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
            Self::Refused(response) => write!(f, "{response}"),
            Self::Unauthorized { registry, reason } => match reason {
                Unauthorized::UntrustedRealm { .. } | Unauthorized::NoToken { .. } => {
                    write!(f, "{reason}")
                }
                _ => write!(f, "{registry}: {reason}"),
            },
            Self::Transport { method, url, .. } => write!(f, "{} \"{url}\"", title_case(method)),
            Self::Protocol { what, reason } | Self::Credential { what, reason } => {
                write!(f, "{what}: {reason}")
            }
            Self::WrongKind { name, expected } => match expected {
                Expected::Manifest => write!(f, "{name} is not a manifest"),
                Expected::Index => write!(f, "{name} is not an index"),
                Expected::Config => write!(
                    f,
                    "\"{name}\" is not an image manifest and does not have a config"
                ),
                Expected::Archive(reason) => {
                    write!(f, "\"{name}\" does not look like a tar archive: {reason}")
                }
            },
            Self::Verification { digest, mismatch } => write!(f, "{digest}: {mismatch}"),
            Self::TooLarge {
                what,
                size,
                limit,
                kind,
            } => match kind {
                Limit::CallerBytes => write!(
                    f,
                    "{what} size {size} exceeds the limit of {limit} bytes: size exceeds limit"
                ),
                _ => write!(
                    f,
                    "{what} size {size} exceeds {kind} {limit}: size exceeds limit"
                ),
            },
            Self::Malformed { what, reason, .. } => write!(f, "invalid {what}: {reason}"),
            Self::Io {
                operation, path, ..
            } => write!(f, "{operation} {}", path.display()),
            Self::Conflict { name, conflict } => match conflict {
                Conflict::DuplicateName => write!(f, "{name}: duplicate name"),
                Conflict::Exists => write!(f, "{name}: overwrite disallowed"),
                Conflict::ReferencedBy(user) => write!(f, "{name} is still in use by {user}"),
                Conflict::TagExists(digest) => write!(f, "tag {name} exists with {digest}"),
                Conflict::Changed(digest) => write!(f, "{name} was changed to {digest}"),
            },
            Self::PathTraversal { name, reason } => {
                write!(f, "\"{name}\" {reason}: path traversal disallowed")
            }
            Self::Unsupported { what } => write!(f, "{what}: unsupported"),
            Self::Cancelled { .. } => f.write_str("cancelled"),
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

fn write_invalid_input(
    f: &mut impl fmt::Write,
    input: Input,
    value: &str,
    reason: &str,
) -> fmt::Result {
    match input {
        Input::Digest => write!(f, "invalid digest \"{value}\": {reason}"),
        Input::MediaType(field) => write!(f, "invalid {field} format: {value}: {reason}"),
        Input::ArtifactType | Input::Platform => f.write_str(reason),
        Input::Created => write!(f, "invalid date and time format: {reason}"),
        Input::Option(name) => write!(f, "invalid {name}: {reason}"),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&mut SingleLineWriter(f))
    }
}

struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = SingleLineWriter(f);
        write!(f, "{}", self.0)?;
        let mut source = unprinted_source(self.0);
        while let Some(cause) = source {
            match cause.downcast_ref::<io::Error>() {
                Some(error) => write!(f, ": {}", os_error_text(error))?,
                None => write!(f, ": {cause}")?,
            }
            source = unprinted_source(cause);
        }
        Ok(())
    }
}

/// Returns the source of an error, unless the message of the error contains it.
fn unprinted_source<'a>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a (dyn StdError + 'static)> {
    let own = match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => inner.downcast_ref(),
        None => error.downcast_ref(),
    };
    match own {
        Some(Error::Malformed { .. }) => None,
        None if error.is::<Reworded>() => None,
        _ => error.source(),
    }
}

/// An error in other words: its message replaces that of its source.
#[derive(Debug)]
pub(crate) struct Reworded {
    message: String,
    source: Box<dyn StdError + Send + Sync>,
}

impl Reworded {
    pub(crate) fn new(
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            message: message.into(),
            source: source.into(),
        }
    }
}

impl fmt::Display for Reworded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Reworded {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// Capitalises a method: `GET` becomes `Get`. The original program does so in messages about failed
/// requests.
fn title_case(method: &str) -> String {
    let (first, rest) = method.split_at(1.min(method.len()));
    first.to_owned() + &rest.to_ascii_lowercase()
}

/// Formats an error of the operating system as Unix programs do, in lower case and without its
/// number: `no such file or directory`.
pub(crate) fn os_error_text(error: &io::Error) -> String {
    let text = error.to_string();
    if error.raw_os_error().is_none() {
        return text;
    }
    let end = text.rfind(" (os error").unwrap_or(text.len());
    let (first, rest) = text.split_at(1.min(end));
    first.to_lowercase() + &rest[..end - first.len()]
}
