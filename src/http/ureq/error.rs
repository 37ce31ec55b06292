//! Converts errors of ureq to [`TransportError`].

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::{fmt, io};

use super::super::TransportError;
use crate::error::{Error, TransportKind};
use crate::limits::IDLE_TIMEOUT;

/// An error while opening a connection. ureq passes it on unchanged.
#[derive(Debug)]
pub(super) struct ConnectError {
    pub(super) kind: TransportKind,
    pub(super) text: String,
}

impl ConnectError {
    pub(super) fn new(kind: TransportKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// Marks the error as one of the connection to a proxy. A certificate error of a proxy is not
    /// one of the registry, so its kind changes to [`TransportKind::Tls`].
    pub(super) fn at_proxy(self) -> Self {
        let kind = match self.kind {
            TransportKind::Certificate
            | TransportKind::UnknownAuthority
            | TransportKind::NotTls => TransportKind::Tls,
            other => other,
        };
        Self::new(kind, format!("proxyconnect tcp: {}", self.text))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ConnectError {}

impl From<ConnectError> for ureq::Error {
    fn from(error: ConnectError) -> Self {
        Self::Other(error.into())
    }
}

impl From<ureq::Error> for ConnectError {
    fn from(error: ureq::Error) -> Self {
        let TransportError { kind, source } = transport_error(error);
        Self::new(kind, source.to_string())
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        ureq::Error::from(error).into()
    }
}

pub(super) fn invalid_request(error: impl fmt::Display) -> TransportError {
    TransportError::new(TransportKind::Protocol, error.to_string())
}

/// Converts the error of a request without a response.
pub(super) fn transport_error(error: ureq::Error) -> TransportError {
    let (kind, text) = match error {
        ureq::Error::Other(error) => match error.downcast::<ConnectError>() {
            Ok(error) => (error.kind, error.text),
            Err(other) => return TransportError::new(TransportKind::Protocol, other),
        },
        ureq::Error::Io(error) => return io_transport_error(error),
        ureq::Error::Timeout(phase) => (
            TransportKind::Timeout,
            format!("no progress for too long ({phase})"),
        ),
        ureq::Error::BodyExceedsLimit(size) => {
            return TransportError::new(
                TransportKind::Io,
                Error::Protocol {
                    what: "content".to_owned(),
                    reason: format!("it has more than the {size} bytes it was said to have"),
                }
                .into_io(),
            );
        }
        other => (TransportKind::Protocol, other.to_string()),
    };
    TransportError::new(kind, text)
}

fn io_transport_error(error: io::Error) -> TransportError {
    use io::ErrorKind::{TimedOut, UnexpectedEof, WouldBlock};
    match error.kind() {
        // The request body could not be read. The error is from the caller and keeps its type.
        _ if is_library_error(&error) => TransportError::new(TransportKind::Io, error),
        TimedOut | WouldBlock => TransportError::new(TransportKind::Timeout, idle()),
        UnexpectedEof => TransportError::new(TransportKind::Io, "EOF"),
        _ => TransportError::new(TransportKind::Io, error),
    }
}

/// Returns whether the I/O error wraps an [`Error`] of this library.
fn is_library_error(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Error>())
}

/// Converts an error of a response body.
pub(super) fn body_error(error: io::Error) -> io::Error {
    match error.downcast::<ureq::Error>() {
        Ok(ureq::Error::Timeout(_)) => idle(),
        Ok(ureq::Error::Io(error)) | Err(error) => error,
        Ok(ureq::Error::Other(error)) => io::Error::new(io::ErrorKind::InvalidData, error),
        Ok(other) => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

fn idle() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("nothing came for {} seconds", IDLE_TIMEOUT.as_secs()),
    )
}
