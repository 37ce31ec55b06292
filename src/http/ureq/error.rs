//! What went wrong, from ureq's terms to ours.

#![expect(clippy::disallowed_types, reason = "this is the door")]

use std::fmt;
use std::io;

use super::super::TransportError;
use crate::error::{Error, TransportKind};
use crate::limits::IDLE_TIMEOUT;

/// A failure that is ours, on its way through ureq.
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

    /// The same, of a proxy: what it lacks the server may have.
    pub(super) fn at_proxy(self) -> Self {
        let kind = match self.kind {
            TransportKind::Certificate | TransportKind::NotTls => TransportKind::Tls,
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
    fn from(fault: ConnectError) -> Self {
        Self::Other(fault.into())
    }
}

/// A failure while a connection is made, ours or not. What is not known better has broken the connection.
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

/// Why there is no answer.
pub(super) fn transport_error(error: ureq::Error) -> TransportError {
    let (kind, text) = match error {
        ureq::Error::Other(error) => match error.downcast::<ConnectError>() {
            Ok(fault) => (fault.kind, fault.text),
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
        // The body could not be read: the cause is the caller's, and keeps its type.
        _ if is_ours(&error) => TransportError::new(TransportKind::Io, error),
        TimedOut | WouldBlock => TransportError::new(TransportKind::Timeout, idle()),
        UnexpectedEof => TransportError::new(TransportKind::Io, "EOF"),
        _ => TransportError::new(TransportKind::Io, error),
    }
}

/// Whether this is an error of this library, on its way through the I/O of another.
fn is_ours(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Error>())
}

/// Why a body goes no further.
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
