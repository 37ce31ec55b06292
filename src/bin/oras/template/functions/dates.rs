//! Functions on times. They are in UTC, or so far from it as a text says: no zone is known by name, and local time is UTC, as
//! it is in containers.

mod layout;

use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use gotmpl::{ToValue, Value};

use super::functions::{Given, World};
use super::values::{self, Outcome, TEXT, type_name};

const SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const HOUR: u64 = 3600;
/// Parts of times that no template can name as a field.
const OFFSET: &str = " offset";
const ZONE: &str = " zone";

/// A moment, and where.
#[derive(Clone, PartialEq)]
pub(super) struct Time {
    /// Since 1970, in UTC.
    seconds: i64,
    nanos: i64,
    /// Seconds east of UTC.
    offset: i64,
    /// The name of the zone, if it has one.
    zone: Arc<str>,
}

/// A time as clocks and calendars show it.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    /// From 1.
    year_day: i64,
    /// From Sunday, 0.
    weekday: i64,
    second_of_day: i64,
}

impl Time {
    fn utc(seconds: i64, nanos: i64) -> Self {
        Self {
            seconds,
            nanos,
            offset: 0,
            zone: "UTC".into(),
        }
    }

    fn now(world: &World) -> Self {
        let since = world.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Self::utc(seconds, since.subsec_nanos().into())
    }

    /// As a dictionary of its parts.
    fn value(&self) -> Value {
        let civil = self.civil();
        let text = self.to_string();
        values::of_parts(
            &[
                ("Month", &layout::formatted(self, "January")),
                ("Weekday", &layout::formatted(self, "Monday")),
                ("String", &text),
                (TEXT, &text),
                (ZONE, &self.zone),
            ],
            &[
                ("Year", civil.year),
                ("Day", civil.day),
                ("YearDay", civil.year_day),
                ("Hour", civil.second_of_day / 3600),
                ("Minute", civil.second_of_day / 60 % 60),
                ("Second", civil.second_of_day % 60),
                ("Nanosecond", self.nanos),
                ("Unix", self.seconds),
                (OFFSET, self.offset),
            ],
        )
    }

    /// A time from its parts.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let number = |name: &str| value.field(name)?.as_int();
        Some(Self {
            seconds: number("Unix")?,
            nanos: number("Nanosecond")?,
            offset: number(OFFSET)?,
            zone: value.field(ZONE)?.as_str()?.into(),
        })
    }

    /// The same moment in UTC.
    fn in_utc(&self) -> Self {
        Self::utc(self.seconds, self.nanos)
    }

    /// The moment so many nanoseconds later.
    fn after(&self, nanos: i64) -> Self {
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

    /// Nanoseconds since another moment; as many as there can be, if there are more.
    fn since(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = seconds * i128::from(SECOND) + i128::from(self.nanos - other.nanos);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    pub(super) fn rfc3339(&self) -> String {
        layout::formatted(self, "2006-01-02T15:04:05.999999999Z07:00")
    }

    /// By Howard Hinnant's well-known algorithms.
    fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.offset);
        let days = local.div_euclid(SECONDS_PER_DAY);
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
        Civil {
            year,
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            year_day: days - days_before(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
            second_of_day: local.rem_euclid(SECONDS_PER_DAY),
        }
    }
}

/// Days from 1970 to a date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&layout::formatted(
            self,
            "2006-01-02 15:04:05.999999999 -0700 MST",
        ))
    }
}

pub(super) fn now(given: &Given<'_>) -> Outcome {
    Ok(Time::now(given.world).value())
}

/// A time, or so many seconds since 1970. Anything else is now.
fn moment(value: &Value, world: &World) -> Time {
    match (Time::of(value), value) {
        (Some(time), _) => time,
        (None, Value::Int(seconds)) => Time::utc(*seconds, 0),
        _ => Time::now(world),
    }
}

fn in_zone(given: &Given<'_>, layout: &str, value: &Value, zone: &str) -> Outcome {
    if !matches!(zone, "" | "UTC" | "Local") {
        let zone = crate::cli::quote::double(zone);
        return Err(format!(
            "the time zone {zone} is not known here: there is only UTC"
        ));
    }
    let time = moment(value, given.world).in_utc();
    Ok(layout::formatted(&time, layout).to_value())
}

pub(super) fn date(given: &Given<'_>) -> Outcome {
    in_zone(given, given.text(0), given.get(1), "Local")
}

pub(super) fn date_in_zone(given: &Given<'_>) -> Outcome {
    in_zone(given, given.text(0), given.get(1), given.text(2))
}

pub(super) fn html_date(given: &Given<'_>) -> Outcome {
    in_zone(given, "2006-01-02", given.get(0), "Local")
}

pub(super) fn html_date_in_zone(given: &Given<'_>) -> Outcome {
    in_zone(given, "2006-01-02", given.get(0), given.text(1))
}

fn time(given: &Given<'_>, index: usize) -> Result<Time, String> {
    let value = given.get(index);
    Time::of(value).ok_or_else(|| format!("{} is no time", type_name(value)))
}

pub(super) fn date_modify(given: &Given<'_>) -> Outcome {
    Ok(must_date_modify(given).unwrap_or_else(|_| given.get(1).clone()))
}

pub(super) fn must_date_modify(given: &Given<'_>) -> Outcome {
    let by = parsed_duration(given.text(0))?;
    Ok(time(given, 1)?.after(by).value())
}

pub(super) fn to_date(given: &Given<'_>) -> Outcome {
    let zero = || Time::utc(days_before(1, 1, 1) * SECONDS_PER_DAY, 0).value();
    Ok(must_to_date(given).unwrap_or_else(|_| zero()))
}

pub(super) fn must_to_date(given: &Given<'_>) -> Outcome {
    layout::parsed(given.text(0), given.text(1)).map(|time| time.value())
}

pub(super) fn unix_epoch(given: &Given<'_>) -> Outcome {
    Ok(time(given, 0)?.seconds.to_string().to_value())
}

pub(super) fn ago(given: &Given<'_>) -> Outcome {
    let since = Time::now(given.world).since(&moment(given.get(0), given.world));
    let half = if since < 0 { -SECOND / 2 } else { SECOND / 2 };
    let rounded = since.saturating_add(half) / SECOND * SECOND;
    Ok(duration_text(rounded).to_value())
}

pub(super) fn duration(given: &Given<'_>) -> Outcome {
    let seconds = match given.get(0) {
        Value::String(text) => text.parse().unwrap_or(0),
        Value::Int(number) => *number,
        _ => 0,
    };
    Ok(duration_text(seconds.wrapping_mul(SECOND)).to_value())
}

pub(super) fn duration_round(given: &Given<'_>) -> Outcome {
    let nanos = match (Time::of(given.get(0)), given.get(0)) {
        (Some(time), _) => Time::now(given.world).since(&time),
        (None, Value::String(text)) => parsed_duration(text).unwrap_or(0),
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
    Ok(match found {
        Some((unit, name)) => format!("{}{name}", seconds / unit).into(),
        None => "0s".into(),
    })
}

/// `1h15m30.5s`
fn duration_text(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let decimal = |unit: u64, name: &str, above: &str| {
        let fraction = format!("{:0width$}", size % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() || unit == 1 {
            ""
        } else {
            "."
        };
        let fraction = if point.is_empty() { "" } else { fraction };
        let whole = if unit == second {
            size / unit % 60
        } else {
            size / unit
        };
        format!("{sign}{above}{whole}{point}{fraction}{name}")
    };
    let (minutes, hours) = (size / second / 60, size / second / 3600);
    match size {
        0 => "0s".to_owned(),
        1..1_000 => decimal(1, "ns", ""),
        1_000..1_000_000 => decimal(1_000, "µs", ""),
        1_000_000..1_000_000_000 => decimal(1_000_000, "ms", ""),
        _ if hours > 0 => decimal(second, "s", &format!("{hours}h{}m", minutes % 60)),
        _ if minutes > 0 => decimal(second, "s", &format!("{minutes}m")),
        _ => decimal(second, "s", ""),
    }
}

fn parsed_duration(text: &str) -> Result<i64, String> {
    let quoted = crate::cli::quote::double(text);
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
                let name = crate::cli::quote::double(name);
                return Err(format!("time: unknown unit {name} in duration {quoted}"));
            }
        };
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        // No more digits than there are nanoseconds in an hour.
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

pub(super) fn format(given: &Given<'_>) -> Outcome {
    Ok(layout::formatted(&time(given, 0)?, given.text(1)).to_value())
}
