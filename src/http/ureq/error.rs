//! Converts errors of ureq to [`TransportError`].

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::{fmt, io};

use super::super::{DEADLINE_PASSED, TransportError};
use crate::error::{Error, Reworded, TransportKind};

/// Marks an error as one of the connection to a proxy. A certificate error of a proxy is not one of
/// the registry, so its kind changes to [`TransportKind::Tls`].
pub(super) fn at_proxy(error: TransportError) -> TransportError {
    let kind = match error.kind {
        TransportKind::Certificate | TransportKind::UnknownAuthority | TransportKind::NotTls => {
            TransportKind::Tls
        }
        other => other,
    };
    if is_of_caller(&*error.source) {
        return error;
    }
    let message = format!("proxyconnect tcp: {error}");
    TransportError::new(kind, Reworded::new(message, error.source))
}

/// Wraps an error for ureq, which passes it on unchanged to [`transport_error`]. Not a `From`,
/// which would make ureq part of the API.
pub(super) fn ureq_error(error: TransportError) -> ureq::Error {
    ureq::Error::Other(error.into())
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        transport_error(error.into())
    }
}

pub(super) fn invalid_request(error: impl fmt::Display) -> TransportError {
    TransportError::new(TransportKind::Protocol, error.to_string())
}

/// Converts the error of a request without a response.
pub(super) fn transport_error(error: ureq::Error) -> TransportError {
    let (kind, text) = match error {
        ureq::Error::Other(error) => {
            return match error.downcast::<TransportError>() {
                Ok(error) => *error,
                Err(other) => TransportError::new(TransportKind::Protocol, other),
            };
        }
        ureq::Error::Io(error) => return io_transport_error(error),
        ureq::Error::Timeout(ureq::Timeout::Global) => {
            return TransportError::new(TransportKind::Timeout, DEADLINE_PASSED);
        }
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
    if is_of_caller(&error) {
        return TransportError::new(TransportKind::Io, error);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            TransportError::new(TransportKind::Io, Reworded::new("EOF", error))
        }
        _ => TransportError::new(TransportKind::Io, error),
    }
}

/// Returns whether the error is an [`io::Error`] with an [`Error`] of this library: the content to
/// send could not be read, or the observer stops the operation. It keeps its type.
pub(super) fn is_of_caller(error: &(dyn std::error::Error + 'static)) -> bool {
    let inner = error.downcast_ref().and_then(io::Error::get_ref);
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>)
}

/// Converts an error of a response body.
pub(super) fn body_error(error: io::Error) -> io::Error {
    match error.downcast::<ureq::Error>() {
        Ok(ureq::Error::Io(error)) | Err(error) => error,
        Ok(other) => {
            let TransportError { kind, source } = transport_error(other);
            let kind = match kind {
                TransportKind::Timeout => io::ErrorKind::TimedOut,
                _ => io::ErrorKind::InvalidData,
            };
            io::Error::new(kind, source)
        }
    }
}
