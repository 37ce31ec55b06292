//! The error type of the library, its details, and the error responses of registries.
//!
//! Each variant is named for what a caller can do about it, and names its subject. The original
//! value of a cause is the [`source`](std::error::Error::source). A message does not repeat its
//! source, except in [`Error::Malformed`], so a program prints the whole [chain](Error::chain).
//! Errors contain no advice and know no flags: a program adds them.

mod display;
mod kinds;
mod predicates;
mod response;

#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use self::display::{Reworded, os_error_text};
pub use self::kinds::{
    Conflict, Expected, Input, IoOp, Mismatch, Operation, Side, TransportKind, Unauthorized,
};
pub use self::response::{RegistryError, RegistryErrorResponse, Responder};
pub(crate) use self::response::{is_transient_status, status_text};
pub use crate::limits::Limit;
use crate::text::redact::{MAX_EXCERPT_CHARS, excerpt};
use crate::text::url::InvalidUrl;

/// A result with the error type of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error value of an observer.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An error of this library.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A string is not a reference to an artifact, repository or registry. Pass another reference.
    #[non_exhaustive]
    InvalidReference {
        /// The reference; empty if only a part of one was parsed, which the reason contains.
        reference: String,
        /// The rule that the reference breaks.
        reason: String,
        /// The reference that was probably meant, if there is one.
        suggestion: Option<String>,
    },
    /// A value that the caller passed is not valid. Pass another value.
    #[non_exhaustive]
    InvalidInput {
        /// The kind of the value.
        input: Input,
        /// The value, without secrets; empty if it is missing.
        value: String,
        /// The rule that the value breaks.
        reason: String,
    },
    /// Content or a tag does not exist.
    #[non_exhaustive]
    NotFound {
        /// The digest, tag or name.
        what: String,
        /// Further explanation, if the name exists but the content is not in it.
        reason: Option<&'static str>,
        /// The reference of the index that has no entry for the content.
        index: Option<String>,
    },
    /// The registry, its token service or its storage responded with an error status.
    Refused(Box<RegistryErrorResponse>),
    /// The registry requires credentials that are missing, or rejects the credentials.
    #[non_exhaustive]
    Unauthorized {
        /// Host and port of the registry.
        registry: String,
        /// The reason.
        reason: Unauthorized,
    },
    /// No complete HTTP response arrived. The request may be retried later.
    #[non_exhaustive]
    Transport {
        /// The method of the request.
        method: &'static str,
        /// The URL of the request, without secrets.
        url: String,
        /// The kind of failure.
        kind: TransportKind,
        /// The error of the connection or of TLS.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The response of a server violates the protocol.
    #[non_exhaustive]
    Protocol {
        /// The request or the server.
        what: String,
        /// The violation.
        reason: String,
    },
    /// Content or a file is of another kind than the operation needs. Pass another name.
    #[non_exhaustive]
    WrongKind {
        /// The name, digest or path.
        name: String,
        /// The kind that is needed.
        expected: Expected,
    },
    /// Content does not match its descriptor.
    #[non_exhaustive]
    Verification {
        /// The digest of the descriptor.
        digest: String,
        /// The difference.
        mismatch: Mismatch,
    },
    /// Outside data exceeds a limit. Some limits can be raised by an option.
    #[non_exhaustive]
    TooLarge {
        /// The content or file.
        what: String,
        /// Its size in the unit of the limit, as far as it was read.
        size: u64,
        /// The value of the limit.
        limit: u64,
        /// The kind of the limit.
        kind: Limit,
    },
    /// A document or file cannot be parsed.
    #[non_exhaustive]
    Malformed {
        /// The kind of document and its name.
        what: String,
        /// The defect, including the message of the source.
        reason: String,
        /// The error of the parser, if one reported the defect.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The operating system reported an error.
    #[non_exhaustive]
    Io {
        /// The operation.
        operation: IoOp,
        /// The file or directory.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// Existing content or another file is in the way. Choose another name, or remove it first.
    #[non_exhaustive]
    Conflict {
        /// The name, path or digest.
        name: String,
        /// The kind of conflict.
        conflict: Conflict,
    },
    /// A name points out of the directory that it must stay in.
    #[non_exhaustive]
    PathTraversal {
        /// The name.
        name: String,
        /// The place it points to.
        reason: &'static str,
    },
    /// The store or this build does not support the operation.
    #[non_exhaustive]
    Unsupported {
        /// The operation.
        what: String,
    },
    /// A source of credentials failed. The error of the parser is not kept, because its message may
    /// quote secrets.
    #[non_exhaustive]
    Credential {
        /// The configuration file or helper program.
        what: String,
        /// The failure.
        reason: String,
    },
    /// The observer stopped the operation. No other error wraps this one.
    #[non_exhaustive]
    Cancelled {
        /// The error value of the [observer](crate::progress::Observer).
        source: Box<dyn StdError + Send + Sync>,
    },
    /// One side of a copy failed.
    #[non_exhaustive]
    Copy {
        /// The side.
        side: Side,
        /// The operation.
        operation: Operation,
        /// The digest of the content, if it was known.
        digest: Option<String>,
        /// The error of the store.
        source: Box<Self>,
    },
    /// A larger operation failed because of the source.
    #[non_exhaustive]
    Context {
        /// The message, such as `failed to resolve digest`.
        doing: String,
        /// The cause.
        source: Box<Self>,
    },
}

impl Error {
    /// Creates a [`NotFound`](Self::NotFound) error.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound {
            what: what.into(),
            reason: None,
            index: None,
        }
    }

    /// Creates an [`InvalidReference`](Self::InvalidReference) error.
    pub(crate) fn invalid_reference(reference: &str, reason: impl Into<String>) -> Self {
        Self::InvalidReference {
            reference: reference.to_owned(),
            reason: reason.into(),
            suggestion: None,
        }
    }

    /// Creates a [`NotFound`](Self::NotFound) error for a name that exists without the content.
    pub(crate) fn not_found_because(what: impl Into<String>, reason: &'static str) -> Self {
        Self::NotFound {
            what: what.into(),
            reason: Some(reason),
            index: None,
        }
    }

    /// Creates an [`InvalidInput`](Self::InvalidInput) error for an option. The reason contains the
    /// value.
    pub(crate) fn invalid_option(name: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidInput {
            input: Input::Option(name),
            value: String::new(),
            reason: reason.into(),
        }
    }

    /// Creates an [`InvalidInput`](Self::InvalidInput) error for a string that is not a digest.
    pub(crate) fn invalid_digest(value: &str, reason: &str) -> Self {
        Self::InvalidInput {
            input: Input::Digest,
            value: excerpt(value, MAX_EXCERPT_CHARS),
            reason: reason.to_owned(),
        }
    }

    /// Creates a [`Malformed`](Self::Malformed) error.
    pub fn malformed(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed {
            what: what.into(),
            reason: excerpt(&reason.into(), MAX_EXCERPT_CHARS),
            source: None,
        }
    }

    /// Creates a [`Malformed`](Self::Malformed) error from the error of a parser.
    pub fn malformed_by(
        source: impl Into<Box<dyn StdError + Send + Sync>>,
        what: impl Into<String>,
    ) -> Self {
        let source = source.into();
        Self::Malformed {
            what: what.into(),
            reason: excerpt(&source.to_string(), MAX_EXCERPT_CHARS),
            source: Some(source),
        }
    }

    /// Creates a [`TooLarge`](Self::TooLarge) error.
    pub(crate) fn too_large(what: impl Into<String>, size: u64, kind: Limit, limit: u64) -> Self {
        Self::TooLarge {
            what: what.into(),
            size,
            limit,
            kind,
        }
    }

    /// Checks that `size` is at most `limit`.
    pub(crate) fn check_limit(
        what: impl fmt::Display,
        size: u64,
        kind: Limit,
        limit: u64,
    ) -> Result<()> {
        if size <= limit {
            return Ok(());
        }
        Err(Self::too_large(what.to_string(), size, kind, limit))
    }

    /// Creates an [`Unsupported`](Self::Unsupported) error.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// Creates a [`Conflict`](Self::Conflict) error.
    pub(crate) fn conflict(name: impl Into<String>, conflict: Conflict) -> Self {
        Self::Conflict {
            name: name.into(),
            conflict,
        }
    }

    /// Returns a function for `map_err` that creates an [`Io`](Self::Io) error. If the
    /// [`io::Error`] was created by [`Error::into_io`], the function returns the original error.
    pub fn io(operation: IoOp, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.downcast::<Self>() {
            Ok(error) => error,
            Err(source) => Self::Io {
                operation,
                path: path.as_ref().to_owned(),
                source,
            },
        }
    }

    /// Converts the error into an [`io::Error`], for implementations of [`io::Read`] and
    /// [`io::Write`]. [`Error::io`] converts it back.
    pub fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::Verification {
                mismatch: Mismatch::Truncated,
                ..
            } => io::ErrorKind::UnexpectedEof,
            // `Read::read_to_end` and others retry on `Interrupted`, which would drop the error.
            Self::Io { source, .. } if source.kind() == io::ErrorKind::Interrupted => {
                io::ErrorKind::Other
            }
            Self::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, self)
    }

    /// Whether an observer stopped the read or write that failed.
    pub(crate) fn is_cancelled(error: &io::Error) -> bool {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        matches!(inner, Some(Self::Cancelled { .. }))
    }

    /// Wraps the error in the message of a larger operation, except
    /// [`Cancelled`](Self::Cancelled).
    #[must_use]
    pub fn context(self, doing: impl Into<String>) -> Self {
        match self {
            Self::Cancelled { .. } => self,
            error => Self::Context {
                doing: doing.into(),
                source: Box::new(error),
            },
        }
    }

    /// Returns the error without the layers of [`Context`](Self::Context) and [`Copy`](Self::Copy).
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
}

impl From<InvalidUrl> for Error {
    fn from(error: InvalidUrl) -> Self {
        Self::malformed(format!("URL \"{}\"", error.url), error.reason)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Transport { source, .. }
            | Self::Cancelled { source }
            | Self::Malformed {
                source: Some(source),
                ..
            } => Some(source.as_ref()),
            Self::Io { source, .. } => Some(source),
            Self::Copy { source, .. } | Self::Context { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}
