//! Functions on times and durations.
//!
//! There is no time zone database: local time is UTC, as in containers, and other offsets occur
//! only in times that contain one.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use gotmpl::Value;
use oras::internal::go_time;
use oras::internal::time::{SECOND, SECONDS_PER_DAY, Time, days_from_civil};

use crate::cli::quote;
use crate::template::runtime::Runtime;
use crate::template::values::{self, Outcome, TEXT, type_name};

/// Seconds in an hour.
const HOUR: u64 = 3600;
/// Hidden members of times, which cannot be named as fields.
const OFFSET: &str = " offset";
const ZONE: &str = " zone";

/// The time at which the command started.
fn start(runtime: &Runtime) -> Time {
    let since = runtime.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Time::utc(seconds, since.subsec_nanos().into())
}

/// The dictionary of the parts of a time.
fn to_value(time: &Time) -> Value {
    let civil = time.civil();
    let text = go_time::format(time, "2006-01-02 15:04:05.999999999 -0700 MST");
    values::parts(
        &[
            ("Month", &go_time::format(time, "January")),
            ("Weekday", &go_time::format(time, "Monday")),
            ("String", &text),
            (TEXT, &text),
            (ZONE, &time.zone),
        ],
        &[
            ("Year", civil.year),
            ("Day", civil.day),
            ("YearDay", civil.year_day),
            ("Hour", civil.second_of_day / 3600),
            ("Minute", civil.second_of_day / 60 % 60),
            ("Second", civil.second_of_day % 60),
            ("Nanosecond", time.nanos),
            ("Unix", time.seconds),
            (OFFSET, time.offset),
        ],
    )
}

/// The time of a dictionary made by [`to_value`].
fn from_value(value: &Value) -> Option<Time> {
    let number = |name: &str| value.field(name)?.as_int();
    Some(Time {
        seconds: number("Unix")?,
        nanos: number("Nanosecond")?,
        offset: number(OFFSET)?,
        zone: value.field(ZONE)?.as_str()?.into(),
    })
}

/// The JSON text of a value, if it is a time.
pub(super) fn json_text(value: &Value) -> Option<String> {
    let time = from_value(value)?;
    Some(go_time::format(
        &time,
        "2006-01-02T15:04:05.999999999Z07:00",
    ))
}

pub(crate) fn now(runtime: &Runtime) -> Value {
    to_value(&start(runtime))
}

/// Converts a time or an integer of seconds since 1970. Any other value is the current time.
fn to_time(value: &Value, runtime: &Runtime) -> Time {
    match (from_value(value), value) {
        (Some(time), _) => time,
        (None, Value::Int(seconds)) => Time::utc(*seconds, 0),
        _ => start(runtime),
    }
}

/// Returns the time of a parameter of that type.
fn expect_time(value: &Value) -> Result<Time, String> {
    from_value(value).ok_or_else(|| format!("{} is no time", type_name(value)))
}

pub(crate) fn date_in_zone(
    layout: &str,
    value: &Value,
    zone: &str,
    runtime: &Runtime,
) -> Result<String, String> {
    if !matches!(zone, "" | "UTC" | "Local") {
        let zone = quote::double(zone);
        return Err(format!(
            "the time zone {zone} is not known here: there is only UTC"
        ));
    }
    Ok(date(layout, value, runtime))
}

pub(crate) fn date(layout: &str, value: &Value, runtime: &Runtime) -> String {
    go_time::format(&to_time(value, runtime).to_utc(), layout)
}

/// The layout of dates in HTML.
pub(crate) const HTML: &str = "2006-01-02";

pub(crate) fn modify(duration: &str, time: &Value) -> Outcome {
    let nanos = parse_duration(duration)?;
    Ok(to_value(&expect_time(time)?.add_nanos(nanos)))
}

/// Go's zero time, the start of year 1.
pub(crate) fn zero() -> Value {
    to_value(&Time::utc(days_from_civil(1, 1, 1) * SECONDS_PER_DAY, 0))
}

pub(crate) fn parse(layout: &str, text: &str) -> Outcome {
    go_time::parse(layout, text).map(|time| to_value(&time))
}

pub(crate) fn unix_epoch(time: &Value) -> Result<String, String> {
    Ok(expect_time(time)?.seconds.to_string())
}

/// The method `Format` of a time.
pub(crate) fn format(time: &Value, layout: &str) -> Result<String, String> {
    Ok(go_time::format(&expect_time(time)?, layout))
}

pub(crate) fn ago(value: &Value, runtime: &Runtime) -> String {
    let since = start(runtime).since(&to_time(value, runtime));
    let half = if since < 0 { -SECOND / 2 } else { SECOND / 2 };
    let rounded = since.saturating_add(half) / SECOND * SECOND;
    format_duration(rounded)
}

/// Formats a number of seconds.
pub(crate) fn duration(value: &Value) -> String {
    let seconds = match value {
        Value::String(text) => text.parse().unwrap_or(0),
        Value::Int(number) => *number,
        _ => 0,
    };
    format_duration(seconds.wrapping_mul(SECOND))
}

/// The largest unit of a duration, or of the time since a time: `2d`.
pub(crate) fn duration_round(value: &Value, runtime: &Runtime) -> String {
    let nanos = match (from_value(value), value) {
        (Some(time), _) => start(runtime).since(&time),
        (None, Value::String(text)) => parse_duration(text).unwrap_or(0),
        (None, Value::Int(number)) => *number,
        _ => 0,
    };
    let seconds = nanos.unsigned_abs() / SECOND.unsigned_abs();
    let more = nanos.unsigned_abs() % SECOND.unsigned_abs() > 0;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let found = units
        .iter()
        .find(|(unit, _)| seconds > *unit || seconds == *unit && more);
    match found {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => "0s".to_owned(),
    }
}

/// Formats a duration as Go: `1h15m30.5s`.
fn format_duration(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let (unit, name) = match size {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (second, "s"),
    };
    let (hours, minutes) = (size / second / 3600, size / second / 60);
    let mut out = if nanos < 0 { "-" } else { "" }.to_owned();
    if hours > 0 {
        let _ = write!(out, "{hours}h");
    }
    if minutes > 0 {
        let _ = write!(out, "{}m", minutes % 60);
    }
    let whole = if unit == second {
        size / unit % 60
    } else {
        size / unit
    };
    let decimals = unit.ilog10() as usize;
    let fraction = format!(".{:0decimals$}", size % unit);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    let _ = write!(out, "{whole}{fraction}{name}");
    out
}

/// Parses a duration as Go: `1h15m30.5s`, `-2h`.
fn parse_duration(text: &str) -> Result<i64, String> {
    let quoted = quote::double(text);
    let invalid = || format!("time: invalid duration {quoted}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let is_unit = |c: char| c != '.' && !c.is_ascii_digit();
        let (number, after) = rest.split_at(rest.find(is_unit).unwrap_or(rest.len()));
        let (name, after) = after.split_at(after.find(|c| !is_unit(c)).unwrap_or(after.len()));
        rest = after;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(invalid());
        }
        let unit = match name {
            "" => return Err(format!("time: missing unit in duration {quoted}")),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => i128::from(SECOND),
            "m" => i128::from(60 * SECOND),
            "h" => i128::from(3600 * SECOND),
            name => {
                let name = quote::double(name);
                return Err(format!("time: unknown unit {name} in duration {quoted}"));
            }
        };
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        // An hour has 13 digits of nanoseconds; further digits do not count.
        let fraction = &fraction[..fraction.len().min(13)];
        let parts: i128 = format!("0{fraction}").parse().map_err(|_| invalid())?;
        let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
        let sum = whole
            .checked_mul(unit)
            .and_then(|whole| whole.checked_add(parts * unit / scale));
        nanos = sum
            .and_then(|sum| nanos.checked_add(sum))
            .ok_or_else(invalid)?;
    }
    i64::try_from(if negative { -nanos } else { nanos }).map_err(|_| invalid())
}
