//! The timeouts of requests.

use std::fmt;
use std::time::Duration;

use super::Method;
use crate::limits::{CONNECT_TIMEOUT, IDLE_TIMEOUT, RESPONSE_TIMEOUTS, UPLOAD_RESPONSE_TIMEOUT};
use crate::text::time::duration_text;

/// The timeouts of a request, or of all requests of a client.
///
/// A transfer that makes progress is never cut, however slow it is.
///
/// ```
/// use std::time::Duration;
/// use oras::http::Timeouts;
///
/// let timeouts = Timeouts::default().with_idle(Duration::from_secs(5));
/// assert_eq!(timeouts.upload_response, Duration::from_secs(15 * 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Time to connect to a server, to one of its addresses. The default is 10 seconds.
    pub connect: Duration,
    /// Silence of the server: while data is sent or received, during a handshake with TLS or a
    /// proxy, and before the response to a request other than an upload. The default is
    /// 60 seconds. A handshake has to be complete within twice this time, and the head of a
    /// response within five times.
    pub idle: Duration,
    /// Silence of the server after it received the complete body of a `PUT` or `PATCH`: a blob, a
    /// chunk or a manifest. The default is 15 minutes.
    pub upload_response: Duration,
    /// Total time of an operation since its first request: of all requests of a verb with options,
    /// or of a call of a store, with retries and the waits before them. The error is a timeout. The
    /// client passes the rest of it with each request. The default is none.
    pub deadline: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: CONNECT_TIMEOUT,
            idle: IDLE_TIMEOUT,
            upload_response: UPLOAD_RESPONSE_TIMEOUT,
            deadline: None,
        }
    }
}

impl Timeouts {
    /// Sets [`connect`](Self::connect).
    #[must_use]
    pub const fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets [`upload_response`](Self::upload_response).
    #[must_use]
    pub const fn with_upload_response(mut self, upload_response: Duration) -> Self {
        self.upload_response = upload_response;
        self
    }

    /// Sets [`deadline`](Self::deadline).
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Returns the silence that is accepted before the response to a request with this method.
    pub fn response(&self, method: Method) -> Duration {
        match method {
            Method::Put | Method::Patch => self.upload_response.max(self.idle),
            Method::Get | Method::Head | Method::Post | Method::Delete => self.idle,
        }
    }

    /// Returns the time for the final response to a request, with interim responses before it.
    pub(super) fn final_response(&self) -> Duration {
        self.response(Method::Put).saturating_mul(RESPONSE_TIMEOUTS)
    }
}

/// The error after [`Timeouts::deadline`].
pub(crate) const DEADLINE_PASSED: &str = "the deadline of the operation has passed";

/// The error of a server that sent too little for longer than a limit.
#[derive(Debug)]
pub(crate) struct SilentServer {
    /// The thing that did not come: [`NO_DATA`] or [`NO_RESPONSE`].
    pub(crate) missing: &'static str,
    /// Host and port.
    pub(crate) host: String,
    pub(crate) limit: Duration,
}

/// No byte arrived.
pub(crate) const NO_DATA: &str = "no data";
/// Bytes arrived, but not the whole head of a response.
pub(crate) const NO_RESPONSE: &str = "no complete response";

impl fmt::Display for SilentServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = duration_text(self.limit);
        write!(f, "{} for {limit} from {}", self.missing, self.host)
    }
}

impl std::error::Error for SilentServer {}
