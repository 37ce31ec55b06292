//! Whether to try again, and after how long. Pure: it never waits, and chance is an argument.

use std::time::{Duration, SystemTime};

use crate::error::TransportKind;
use crate::text::time::parse_http_date;

/// How often a request is tried again after the first time.
pub(crate) const MAX_RETRIES: u32 = 5;
/// The wait before the first retry; it doubles with each further one.
const BASE: Duration = Duration::from_millis(250);
/// No wait of our own is longer than this.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// A server that asks for a longer wait than this gets no second try: a person should hear of it instead.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With an answer of this status, which may have asked to wait.
    Status(u16, Option<Duration>),
    /// Without an answer.
    Failed(TransportKind),
}

/// Says how long to wait before the next try, or `None` if there is no point.
///
/// `retries` counts those already made; `chance` is in `0.0..1.0` and spreads the waits of many clients by ±20 %.
pub(crate) fn wait_before_retry(retries: u32, outcome: Outcome, chance: f64) -> Option<Duration> {
    let asked = match outcome {
        Outcome::Status(status, asked) if is_worth_retrying(status) => asked.unwrap_or_default(),
        // A refused connection or an unknown host stays so for the next seconds, and a bad certificate for longer.
        Outcome::Failed(TransportKind::Timeout | TransportKind::Io) => Duration::ZERO,
        _ => return None,
    };
    if retries >= MAX_RETRIES || asked > MAX_RETRY_AFTER {
        return None;
    }
    let backoff = BASE
        .saturating_mul(1 << retries)
        .min(MAX_BACKOFF)
        .mul_f64(0.8 + 0.4 * chance);
    Some(backoff.max(asked))
}

/// 408, 425, 429, and the failures of servers and of the proxies before them that pass.
const fn is_worth_retrying(status: u16) -> bool {
    matches!(
        status,
        408 | 425 | 429 | 499 | 500 | 502 | 503 | 504 | 520..=524
    )
}

/// Reads a `Retry-After` header: seconds, or an HTTP date. Anything else counts as absent.
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
    fn what_is_retried_is_what_may_pass() {
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
    fn waits_double_and_end() {
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
    fn a_server_may_ask_for_more_but_not_for_ever() {
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
