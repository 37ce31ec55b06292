//! Answers about an error that a caller acts on: its status, and whether it is worth a retry.

use std::io;
use std::time::Duration;

use super::{Error, TransportKind, is_transient_status};

impl Error {
    /// Returns the HTTP status of the response that refused the request. A missing credential has
    /// 401.
    ///
    /// Returns `None` for [`NotFound`](Self::NotFound), which stores without HTTP report as well:
    /// see [`is_not_found`](Self::is_not_found).
    pub fn status(&self) -> Option<u16> {
        match self.root() {
            Self::Refused(response) => Some(response.status),
            Self::Unauthorized { .. } => Some(401),
            _ => None,
        }
    }

    /// Returns the first error code in the response of a registry, such as `NAME_UNKNOWN`
    /// (distribution spec v1.1, "Error Codes").
    pub fn registry_code(&self) -> Option<&str> {
        match self.root() {
            Self::Refused(response) => Some(&response.errors.first()?.code),
            _ => None,
        }
    }

    /// Returns the wait that the server asked for with `Retry-After`, counted from its response.
    ///
    /// The client waits by itself unless the wait is too long. Its message contains the wait then.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.root() {
            Self::Refused(response) => response.wait,
            _ => None,
        }
    }

    /// Whether the registry refused too many requests, by its status or by an error code.
    pub fn is_rate_limited(&self) -> bool {
        match self.root() {
            Self::Refused(response) => {
                response.status == 429 || response.has_code("TOOMANYREQUESTS")
            }
            _ => false,
        }
    }

    /// Whether a timeout elapsed.
    pub fn is_timeout(&self) -> bool {
        match self.root() {
            Self::Transport { kind, .. } => *kind == TransportKind::Timeout,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// Whether the same operation may succeed later: the server cannot be reached, the connection
    /// broke, a timeout elapsed, or the status reports a temporary problem. The client has used up
    /// its own retries then.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(!Error::not_found("v1").is_transient());
    /// ```
    pub fn is_transient(&self) -> bool {
        match self.root() {
            Self::Refused(response) => is_transient_status(response.status),
            Self::Transport { kind, .. } => matches!(
                kind,
                TransportKind::Connect
                    | TransportKind::Dns
                    | TransportKind::Timeout
                    | TransportKind::Io
            ),
            _ => self.is_timeout(),
        }
    }

    /// Whether the root is that content, a tag or a repository does not exist.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(Error::not_found("localhost:5000/hello:v1").is_not_found());
    /// ```
    pub fn is_not_found(&self) -> bool {
        match self.root() {
            Self::NotFound { .. } => true,
            Self::Refused(response) => response.is_not_found(),
            _ => false,
        }
    }

    /// Whether the root is content that does not match its digest or size.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(!Error::not_found("v1").is_verification());
    /// ```
    pub fn is_verification(&self) -> bool {
        matches!(self.root(), Self::Verification { .. })
    }

    /// Whether the registry refused access, by its status or by an error code in the body.
    ///
    /// ```
    /// use oras::Error;
    ///
    /// assert!(!Error::not_found("v1").is_unauthorized());
    /// ```
    pub fn is_unauthorized(&self) -> bool {
        match self.root() {
            Self::Unauthorized { .. } => true,
            Self::Refused(response) => response.is_unauthorized(),
            _ => false,
        }
    }
}
