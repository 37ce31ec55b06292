//! The retry rule of all requests: whether to repeat one, and how long to wait before that.
//!
//! Pure functions. The caller waits, and passes the current time and the jitter. Two repetitions
//! for other reasons have waits of their own: manifests whose blobs are reported as unknown
//! (`registry/manifest_retry.rs`), and concurrent updates of a referrers tag
//! (`registry/referrers/referrers_tag.rs`).

use std::time::{Duration, SystemTime};

use crate::error::TransportKind;
use crate::text::time::parse_http_date;

/// Maximum number of retries after the first attempt.
pub(crate) const MAX_RETRIES: u32 = 5;
/// Wait before the first retry. Each further wait is twice as long; the longest has 4 seconds.
const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
/// Maximum `Retry-After`. If the server requests a longer wait, the request fails at once, so that
/// the user learns the reason.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A response with this status and `Retry-After`.
    Status(u16, Option<Duration>),
    /// No response.
    Failed(TransportKind),
}

/// Returns how long to wait before the next attempt, or `None` if the request must not be repeated.
///
/// `retries` is the number of retries so far. `jitter` is in `0.0..1.0` and changes the wait by up
/// to ±20 %, so that many clients do not retry at the same time.
pub(crate) fn wait_before_retry(retries: u32, outcome: Outcome, jitter: f64) -> Option<Duration> {
    let requested = match outcome {
        Outcome::Status(status, retry_after) if is_transient(status) => {
            retry_after.unwrap_or_default()
        }
        // Refused connections, unknown hosts and bad certificates do not change within seconds.
        Outcome::Failed(TransportKind::Timeout | TransportKind::Io) => Duration::ZERO,
        _ => return None,
    };
    if retries >= MAX_RETRIES || requested > MAX_RETRY_AFTER {
        return None;
    }
    let backoff = INITIAL_BACKOFF.saturating_mul(1 << retries);
    let backoff = backoff.mul_f64(0.8 + 0.4 * jitter);
    Some(backoff.max(requested))
}

/// Returns whether a status reports an error that may be temporary. 499 and 520 to 524 are those of
/// nginx and Cloudflare.
const fn is_transient(status: u16) -> bool {
    matches!(
        status,
        408 | 425 | 429 | 499 | 500 | 502 | 503 | 504 | 520..=524
    )
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

    #[test]
    fn a_server_error_is_retried_and_a_client_error_is_not() {
        assert_eq!(
            wait_before_retry(0, Outcome::Status(503, None), 0.5),
            Some(Duration::from_millis(250))
        );
        assert_eq!(wait_before_retry(0, Outcome::Status(404, None), 0.5), None);
    }

    #[test]
    fn only_transient_errors_are_retried() {
        for status in [408, 425, 429, 499, 500, 502, 503, 504, 520, 524] {
            assert!(
                wait_before_retry(0, Outcome::Status(status, None), 0.0).is_some(),
                "{status}"
            );
        }
        for status in [200, 301, 400, 401, 403, 404, 416, 501, 505, 507] {
            assert!(
                wait_before_retry(0, Outcome::Status(status, None), 0.0).is_none(),
                "{status}"
            );
        }
        for (kind, retried) in [
            (TransportKind::Io, true),
            (TransportKind::Timeout, true),
            (TransportKind::Connect, false),
            (TransportKind::Dns, false),
            (TransportKind::Tls, false),
            (TransportKind::Certificate, false),
            (TransportKind::NotTls, false),
            (TransportKind::Protocol, false),
        ] {
            assert_eq!(
                wait_before_retry(0, Outcome::Failed(kind), 0.0).is_some(),
                retried,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn waits_double_up_to_the_maximum_number_of_retries() {
        let wait = |retries| {
            wait_before_retry(retries, Outcome::Status(500, None), 0.5).map(|wait| wait.as_millis())
        };
        let waits: Vec<_> = (0..6).map(wait).collect();
        assert_eq!(
            waits,
            [
                Some(250),
                Some(500),
                Some(1000),
                Some(2000),
                Some(4000),
                None
            ]
        );
    }

    #[test]
    fn a_server_may_request_a_longer_wait_up_to_a_limit() {
        let wait = |seconds| {
            wait_before_retry(
                0,
                Outcome::Status(429, Some(Duration::from_secs(seconds))),
                0.5,
            )
        };
        assert_eq!(wait(0), Some(Duration::from_millis(250)));
        assert_eq!(wait(7), Some(Duration::from_secs(7)));
        assert_eq!(wait(61), None);
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
