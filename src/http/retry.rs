//! The retry policy of all requests: whether to repeat one, and how long to wait before that.
//!
//! Pure functions. The caller waits, and passes the current time and the jitter. Two repetitions
//! for other reasons have waits of their own: manifests whose blobs are reported as unknown
//! (`registry/manifest_retry.rs`), and concurrent updates of a referrers tag
//! (`registry/referrers/referrers_tag.rs`).

use std::time::{Duration, SystemTime};

use crate::error::{TransportKind, is_transient_status};
use crate::text::time::parse_http_date;

/// Wait before the first retry. Each further wait is twice as long.
const INITIAL_BACKOFF: Duration = Duration::from_millis(250);

/// The retries of requests that failed in a way that may pass.
///
/// | Failure | Retried |
/// |---|---|
/// | status 408, 425, 429, 499, 500, 502, 503, 504 or 520 to 524 | yes |
/// | a connection that breaks, also within a response | yes |
/// | silence of the server, as in [`Timeouts`] | [`timeout_retries`] times |
/// | a refused connection | if the server responded before |
/// | an unknown host, a certificate or TLS error | no |
/// | any other status | no |
///
/// The waits before the retries are 250 ms, 500 ms, 1 s and so on, with a jitter of 20 %. A server
/// can request a longer wait with `Retry-After`. Content that can be read only once, such as a
/// pipe, is sent once; a stream in chunks is resumed at the chunk that failed.
///
/// [`Timeouts`]: super::Timeouts
/// [`timeout_retries`]: Self::timeout_retries
///
/// ```
/// use oras::http::RetryPolicy;
///
/// let never = RetryPolicy::default().with_retries(0);
/// assert_eq!(RetryPolicy::default().retries, 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Maximum number of retries after the first attempt. The default is 5.
    pub retries: u32,
    /// Maximum number of retries after an attempt that ended with a timeout, within
    /// [`retries`](Self::retries). The default is 2.
    pub timeout_retries: u32,
    /// Longest wait that the server did not request. The default is 10 seconds.
    pub max_backoff: Duration,
    /// Longest wait that a server may request. If it requests a longer one, the request fails at
    /// once, and the error contains the requested wait. The default is 60 seconds.
    pub max_retry_after: Duration,
    /// Longest time without a response, over all requests of an operation. When it has passed, a
    /// request that ended with a timeout is not retried. The default is 3 minutes.
    pub max_silence: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            timeout_retries: 2,
            max_backoff: Duration::from_secs(10),
            max_retry_after: Duration::from_secs(60),
            max_silence: Duration::from_secs(3 * 60),
        }
    }
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A response with this status and `Retry-After`.
    Status(u16, Option<Duration>),
    /// No response.
    Failed(TransportKind),
}

/// The retries of a request so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retries {
    pub(crate) count: u32,
    /// Retries after a timeout.
    timeouts: u32,
}

/// The earlier responses of a server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reachability {
    /// Whether the server responded to a request of this client.
    pub(crate) has_responded: bool,
    /// The time without a response.
    pub(crate) silence: Duration,
}

/// The next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextAttempt {
    pub(crate) wait: Duration,
    /// Its number, from 2.
    pub(crate) number: u32,
    /// The highest number.
    pub(crate) last: u32,
}

impl RetryPolicy {
    /// Sets [`retries`](Self::retries).
    #[must_use]
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets [`timeout_retries`](Self::timeout_retries).
    #[must_use]
    pub const fn with_timeout_retries(mut self, retries: u32) -> Self {
        self.timeout_retries = retries;
        self
    }

    /// Sets [`max_backoff`](Self::max_backoff).
    #[must_use]
    pub const fn with_max_backoff(mut self, wait: Duration) -> Self {
        self.max_backoff = wait;
        self
    }

    /// Sets [`max_retry_after`](Self::max_retry_after).
    #[must_use]
    pub const fn with_max_retry_after(mut self, wait: Duration) -> Self {
        self.max_retry_after = wait;
        self
    }

    /// Sets [`max_silence`](Self::max_silence).
    #[must_use]
    pub const fn with_max_silence(mut self, silence: Duration) -> Self {
        self.max_silence = silence;
        self
    }

    /// Decides about a retry, and counts it. `None` if the request must not be repeated.
    ///
    /// `jitter` is in `0.0..1.0` and changes the wait by up to ±20 %, so that many clients do not
    /// retry at the same time.
    pub(crate) fn next_attempt(
        &self,
        retries: &mut Retries,
        outcome: Outcome,
        server: Reachability,
        jitter: f64,
    ) -> Option<NextAttempt> {
        let mut requested = Duration::ZERO;
        let mut limit = self.retries;
        let is_timeout = outcome == Outcome::Failed(TransportKind::Timeout);
        match outcome {
            Outcome::Status(status, retry_after) if is_transient_status(status) => {
                requested = retry_after.unwrap_or_default();
            }
            Outcome::Failed(TransportKind::Io) => {}
            Outcome::Failed(TransportKind::Timeout) if server.silence < self.max_silence => {
                limit = limit.min(self.timeout_retries);
            }
            Outcome::Failed(TransportKind::Connect) if server.has_responded => {}
            // Unknown hosts and bad certificates do not change within seconds.
            _ => return None,
        }
        let count = if is_timeout {
            retries.timeouts
        } else {
            retries.count
        };
        if retries.count >= self.retries || count >= limit || requested > self.max_retry_after {
            return None;
        }
        let backoff = INITIAL_BACKOFF.saturating_mul(1 << retries.count.min(16));
        let backoff = backoff.mul_f64(0.8 + 0.4 * jitter).min(self.max_backoff);
        retries.count += 1;
        retries.timeouts += u32::from(is_timeout);
        Some(NextAttempt {
            wait: backoff.max(requested),
            number: count.saturating_add(2),
            last: limit.saturating_add(1),
        })
    }
}

/// Parses a `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3). Returns `None` for
/// any other value and for a date in the past.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => parse_http_date(value.trim())?.duration_since(now).ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// The waits of a request that always ends with `outcome`, in milliseconds.
    fn waits(policy: RetryPolicy, outcome: Outcome, server: Reachability) -> Vec<u128> {
        let mut retries = Retries::default();
        let next = || policy.next_attempt(&mut retries, outcome, server, 0.5);
        std::iter::from_fn(next)
            .map(|next| next.wait.as_millis())
            .collect()
    }

    fn retries_of(outcome: Outcome) -> usize {
        waits(RetryPolicy::default(), outcome, Reachability::default()).len()
    }

    #[test]
    fn only_failures_that_may_pass_are_retried() {
        for status in [408, 425, 429, 499, 500, 502, 503, 504, 520, 524] {
            assert_eq!(retries_of(Outcome::Status(status, None)), 5, "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 416, 501, 505, 507] {
            assert_eq!(retries_of(Outcome::Status(status, None)), 0, "{status}");
        }
        for (kind, retries) in [
            (TransportKind::Io, 5),
            (TransportKind::Timeout, 2),
            (TransportKind::Connect, 0),
            (TransportKind::Dns, 0),
            (TransportKind::Tls, 0),
            (TransportKind::Certificate, 0),
            (TransportKind::NotTls, 0),
            (TransportKind::Protocol, 0),
        ] {
            assert_eq!(retries_of(Outcome::Failed(kind)), retries, "{kind:?}");
        }
    }

    #[test]
    fn the_server_and_the_policy_decide_about_waits() {
        let second = Duration::from_secs(1);
        let default = RetryPolicy::default();
        let new = Reachability::default();
        let known = Reachability {
            has_responded: true,
            ..new
        };
        let silent = |silence| Reachability { silence, ..known };
        let busy = |seconds| Outcome::Status(429, Some(second * seconds));
        let failed = Outcome::Failed;
        let timeout = failed(TransportKind::Timeout);
        for (policy, outcome, server, wanted) in [
            (
                default,
                failed(TransportKind::Io),
                new,
                &[250, 500, 1000, 2000, 4000][..],
            ),
            (
                default,
                failed(TransportKind::Connect),
                known,
                &[250, 500, 1000, 2000, 4000],
            ),
            (default, busy(0), new, &[250, 500, 1000, 2000, 4000]),
            (default.with_retries(2), busy(7), new, &[7000, 7000]),
            (default, busy(61), new, &[]),
            (
                default.with_retries(1).with_max_retry_after(second * 61),
                busy(61),
                new,
                &[61_000],
            ),
            (
                default.with_max_backoff(second),
                busy(0),
                new,
                &[250, 500, 1000, 1000, 1000],
            ),
            (default, timeout, silent(second * 179), &[250, 500]),
            (default, timeout, silent(second * 180), &[]),
            (
                default.with_timeout_retries(9),
                timeout,
                new,
                &[250, 500, 1000, 2000, 4000],
            ),
            (default.with_retries(1), timeout, new, &[250]),
            (
                default.with_retries(0),
                failed(TransportKind::Io),
                known,
                &[],
            ),
        ] {
            assert_eq!(
                waits(policy, outcome, server),
                wanted,
                "{policy:?} {outcome:?}"
            );
        }
    }

    #[test]
    fn attempts_are_numbered() {
        let mut retries = Retries::default();
        let mut next = |kind| {
            let outcome = Outcome::Failed(kind);
            let server = Reachability::default();
            let next = RetryPolicy::default().next_attempt(&mut retries, outcome, server, 0.5);
            next.map(|next| (next.number, next.last))
        };
        assert_eq!(next(TransportKind::Timeout), Some((2, 3)));
        assert_eq!(next(TransportKind::Io), Some((3, 6)));
        assert_eq!(next(TransportKind::Timeout), Some((3, 3)));
        assert_eq!(next(TransportKind::Timeout), None);
    }

    #[test]
    fn the_largest_policy_retries() {
        let largest = RetryPolicy::default()
            .with_retries(u32::MAX)
            .with_timeout_retries(u32::MAX)
            .with_max_backoff(Duration::MAX);
        let mut retries = Retries::default();
        let outcome = Outcome::Failed(TransportKind::Io);
        let server = Reachability::default();
        let next = largest.next_attempt(&mut retries, outcome, server, 0.5);
        assert_eq!(next.map(|next| next.last), Some(u32::MAX));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(parse_retry_after(" 5 ", now), Some(Duration::from_secs(5)));
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1990 08:49:37 GMT", now),
            None
        );
        assert_eq!(parse_retry_after("-5", now), None);
        assert_eq!(parse_retry_after("soon", now), None);
    }
}
