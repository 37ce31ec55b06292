//! Times as texts: RFC 3339 for annotations and logs, HTTP dates for `Retry-After`.
//!
//! Days are counted in the proleptic Gregorian calendar, by Howard Hinnant's well-known algorithms;
//! a date library would be larger than what is left of the problem.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds in a day.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// A time with its offset from UTC.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds after the second.
    pub nanos: i64,
    /// Offset in seconds east of UTC.
    pub offset: i64,
    /// The name of the time zone, or empty.
    pub zone: Arc<str>,
}

impl Time {
    /// A time in UTC.
    pub fn utc(seconds: i64, nanos: i64) -> Self {
        Self {
            seconds,
            nanos,
            offset: 0,
            zone: "UTC".into(),
        }
    }

    /// The same point in time in UTC.
    #[must_use]
    pub fn to_utc(&self) -> Self {
        Self::utc(self.seconds, self.nanos)
    }

    /// The time so many nanoseconds later.
    #[must_use]
    pub fn add_nanos(&self, nanos: i64) -> Self {
        let nanos = i128::from(self.nanos) + i128::from(nanos);
        let seconds = i64::try_from(nanos.div_euclid(SECOND.into())).unwrap_or(0);
        Self {
            seconds: self.seconds.saturating_add(seconds),
            nanos: i64::try_from(nanos.rem_euclid(SECOND.into())).unwrap_or(0),
            ..self.clone()
        }
    }

    /// Nanoseconds since another time; saturates.
    pub fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = seconds * i128::from(SECOND) + i128::from(self.nanos - other.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// Date and time of day at the offset.
    pub fn civil(&self) -> Civil {
        Civil::from_unix_seconds(self.seconds.saturating_add(self.offset))
    }
}

/// Date and time of day in UTC, in the proleptic Gregorian calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Civil {
    /// Year; 0 is 1 BC.
    pub year: i64,
    /// Month from 1.
    pub month: i64,
    /// Day of the month from 1.
    pub day: i64,
    /// Day of the year from 1.
    pub year_day: i64,
    /// Day of the week from 0, Sunday.
    pub weekday: i64,
    /// Seconds since midnight.
    pub second_of_day: i64,
}

impl Civil {
    /// Converts seconds since 1970-01-01T00:00:00Z.
    pub fn from_unix_seconds(unix_seconds: i64) -> Self {
        let days = unix_seconds.div_euclid(SECONDS_PER_DAY);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            year_day: days - days_from_civil(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
            second_of_day: unix_seconds.rem_euclid(SECONDS_PER_DAY),
        }
    }
}

/// Formats a duration for a message: `60 s`, or `1500 ms` if it is less than 10 seconds and not a
/// number of seconds.
pub(crate) fn duration_text(duration: Duration) -> String {
    if duration.subsec_millis() == 0 || duration.as_secs() >= 10 {
        format!("{} s", duration.as_millis().div_ceil(1000))
    } else {
        format!("{} ms", duration.as_millis())
    }
}

/// Days from 1970-01-01 to a date in the proleptic Gregorian calendar.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn unix_seconds_of(year: u32, month: u32, day: u32) -> i64 {
    days_from_civil(year.into(), month.into(), day.into()) * SECONDS_PER_DAY
}

fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// `time` in UTC with a precision of seconds: `2006-01-02T15:04:05Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let Civil {
        year,
        month,
        day,
        second_of_day,
        ..
    } = Civil::from_unix_seconds(unix_seconds(time));
    let (hour, minute, second) = (
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
    );
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Formats `time` in UTC with nanoseconds, without trailing zeros of the fraction:
/// `2006-01-02T15:04:05.999999999Z`.
pub fn rfc3339_nano(time: SystemTime) -> String {
    let seconds = rfc3339(time);
    let nanos = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |after| after.subsec_nanos());
    let fraction = format!(".{nanos:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{}{fraction}Z", seconds.trim_end_matches('Z'))
}

/// Whether `text` is a time by RFC 3339 §5.6.
pub fn is_rfc3339(text: &str) -> bool {
    parse_rfc3339(text).is_some()
}

/// Reads a time by RFC 3339 §5.6, with a precision of seconds.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = bytes.get(range)?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let is = |index: usize, byte: u8| bytes.get(index) == Some(&byte);
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let separators = is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':');
    let in_range = (1..=12).contains(&month)
        && day >= 1
        && day <= days_in(year, month)
        && hour < 24
        && minute < 60
        && second < 60;
    let mut zone = 19;
    if is(zone, b'.') {
        let digits = bytes[zone + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (digits > 0).then_some(())?;
        zone += 1 + digits;
    }
    let offset = match bytes.get(zone)? {
        b'Z' if bytes.len() == zone + 1 => 0,
        sign @ (b'+' | b'-') if is(zone + 3, b':') && bytes.len() == zone + 6 => {
            let (hours, minutes) = (number(zone + 1..zone + 3)?, number(zone + 4..zone + 6)?);
            (hours < 24 && minutes < 60).then_some(())?;
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    (separators && in_range).then_some(())?;
    let second_of_day = i64::from(hour * 3600 + minute * 60 + second);
    time_of(unix_seconds_of(year, month, day) + second_of_day - offset)
}

fn time_of(unix_seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(unix_seconds.unsigned_abs());
    if unix_seconds < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    }
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Reads an HTTP date of the preferred form (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day: u32 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = u32::try_from(months.iter().position(|&month| month == name)?).ok()? + 1;
    let year: u32 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(str::parse::<u32>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    let in_range = (1970..=9999).contains(&year)
        && day >= 1
        && day <= days_in(year, month)
        && hour < 24
        && minute < 60
        && second <= 60;
    (in_range && parts.next() == Some("GMT")).then_some(())?;
    let seconds = unix_seconds_of(year, month, day) + i64::from(hour * 3600 + minute * 60 + second);
    time_of(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> SystemTime {
        time_of(seconds).unwrap()
    }

    #[test]
    fn short_durations_are_written_in_milliseconds() {
        for (milliseconds, wanted) in [
            (0, "0 s"),
            (50, "50 ms"),
            (1500, "1500 ms"),
            (3000, "3 s"),
            (59_313, "60 s"),
            (60_000, "60 s"),
        ] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(duration_text(duration), wanted);
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, wanted) in [
            (0, "1970-01-01T00:00:00Z"),
            (946_684_800, "2000-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_466_096, "2026-11-23T20:34:56Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(at(seconds)), wanted);
        }
    }

    #[test]
    fn times_are_as_precise_as_they_are() {
        for (nanos, wanted) in [
            (0, "1970-01-01T00:00:01Z"),
            (500_000_000, "1970-01-01T00:00:01.5Z"),
            (120_003_400, "1970-01-01T00:00:01.1200034Z"),
            (1, "1970-01-01T00:00:01.000000001Z"),
        ] {
            let time = UNIX_EPOCH + Duration::new(1, nanos);
            assert_eq!(rfc3339_nano(time), wanted);
        }
    }

    #[test]
    fn every_day_of_four_centuries_round_trips() {
        for day in -80_000..80_000 {
            let Civil {
                year,
                month,
                day: d,
                ..
            } = Civil::from_unix_seconds(day * SECONDS_PER_DAY);
            assert_eq!(days_from_civil(year, month, d), day);
        }
    }

    #[test]
    fn rfc_3339_is_recognised() {
        for (text, valid) in [
            ("2000-01-01T00:00:00Z", true),
            ("2000-01-01T00:00:00.123Z", true),
            ("2000-02-29T23:59:59+14:00", true),
            ("2001-02-29T00:00:00Z", false),
            ("2000-01-01t00:00:00z", false),
            ("2000-01-01 00:00:00Z", false),
            ("2000-01-01T00:00:00", false),
            ("2000-01-01T24:00:00Z", false),
            ("2000-13-01T00:00:00Z", false),
            ("2000-01-01T00:00:00.Z", false),
            ("2000-01-01T00:00:00+1:00", false),
            ("+200-01-01T00:00:00Z", false),
            ("2000-01-01T00:00:00Zé", false),
            ("", false),
        ] {
            assert_eq!(is_rfc3339(text), valid, "{text}");
        }
    }

    #[test]
    fn rfc_3339_is_read_in_any_zone() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-01-01T02:30:00.999+02:30", 946_684_800),
            ("1999-12-31T23:59:00-00:01", 946_684_800),
        ] {
            assert_eq!(parse_rfc3339(text), Some(at(seconds)), "{text}");
        }
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(
            parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(at(784_111_777))
        );
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 40 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }
}
