//! A point in time with an offset from UTC.

use std::sync::Arc;

use oras::internal::Civil;

/// Nanoseconds in a second.
pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// A time with its offset from UTC.
#[derive(Clone)]
pub(super) struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub(super) seconds: i64,
    pub(super) nanos: i64,
    /// Offset in seconds east of UTC.
    pub(super) offset: i64,
    /// The name of the time zone, or empty.
    pub(super) zone: Arc<str>,
}

impl Time {
    pub(super) fn utc(seconds: i64, nanos: i64) -> Self {
        Self {
            seconds,
            nanos,
            offset: 0,
            zone: "UTC".into(),
        }
    }

    pub(super) fn to_utc(&self) -> Self {
        Self::utc(self.seconds, self.nanos)
    }

    pub(super) fn add_nanos(&self, nanos: i64) -> Self {
        let nanos = i128::from(self.nanos) + i128::from(nanos);
        let (seconds, nanos) = (
            nanos.div_euclid(SECOND.into()),
            nanos.rem_euclid(SECOND.into()),
        );
        Self {
            seconds: self
                .seconds
                .saturating_add(i64::try_from(seconds).unwrap_or(0)),
            nanos: i64::try_from(nanos).unwrap_or(0),
            ..self.clone()
        }
    }

    /// Nanoseconds since another time; saturates.
    pub(super) fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = seconds * i128::from(SECOND) + i128::from(self.nanos - other.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// Date and time of day at the offset.
    pub(super) fn civil(&self) -> Civil {
        Civil::from_unix_seconds(self.seconds.saturating_add(self.offset))
    }
}
