//! Go's layouts of times: each shows how the reference time `Mon Jan 2 15:04:05 MST 2006` is
//! written.

use std::fmt::Write as _;

use oras::internal::{Civil, days_from_civil};

use super::time::{SECONDS_PER_DAY, Time};
use crate::cli::quote;

/// The elements of a layout. If one is a prefix of another, the longer one comes first.
const ELEMENTS: &str = "January Jan Monday Mon MST 01 02 03 04 05 06 002 15 1 2006 2 _2 __2 3 4 5 PM pm -070000 -07:00:00 -0700 \
    -07:00 -07 Z070000 Z07:00:00 Z0700 Z07:00 Z07";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Splits a layout at its first element, which may be a fraction of seconds such as `.000` or
/// `,999`.
fn next_element(layout: &str) -> (&str, &str, &str) {
    for (start, c) in layout.char_indices() {
        let rest = &layout[start..];
        let length = if c == '.' || c == ',' {
            fraction_length(&rest[1..])
        } else {
            let found = ELEMENTS.split(' ').find(|element| {
                let after = rest.strip_prefix(*element);
                after.is_some_and(|after| match *element {
                    "Jan" | "Mon" => !after.starts_with(|c: char| c.is_ascii_lowercase()),
                    "_2" => !after.starts_with("006"),
                    _ => true,
                })
            });
            found.map_or(0, str::len)
        };
        if length > 0 {
            return (&layout[..start], &rest[..length], &rest[length..]);
        }
    }
    (layout, "", "")
}

/// The length of a fraction of seconds with its point, or 0 if there is none.
fn fraction_length(digits: &str) -> usize {
    let first = digits.chars().next().filter(|c| matches!(c, '0' | '9'));
    let Some(first) = first else {
        return 0;
    };
    let rest = digits.trim_start_matches(first);
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    1 + digits.len() - rest.len()
}

#[inline(never)]
fn name(names: &[&'static str], index: impl TryInto<usize>) -> &'static str {
    let index = index.try_into().ok();
    index
        .and_then(|index| names.get(index).copied())
        .unwrap_or("?")
}

/// Formats a time.
pub(super) fn format(time: &Time, layout: &str) -> String {
    let civil = time.civil();
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (before, element, after) = next_element(rest);
        out.push_str(before);
        if element.is_empty() {
            return out;
        }
        out.push_str(&format_element(time, &civil, element));
        rest = after;
    }
}

fn format_element(time: &Time, civil: &Civil, element: &str) -> String {
    let (hour, minute) = (civil.second_of_day / 3600, civil.second_of_day / 60 % 60);
    let second = civil.second_of_day % 60;
    let short_hour = (hour + 11) % 12 + 1;
    match element {
        "January" => name(&MONTHS, civil.month - 1).to_owned(),
        "Jan" => name(&MONTHS, civil.month - 1)[..3].to_owned(),
        "Monday" => name(&DAYS, civil.weekday).to_owned(),
        "Mon" => name(&DAYS, civil.weekday)[..3].to_owned(),
        "1" => civil.month.to_string(),
        "01" => format!("{:02}", civil.month),
        "2" => civil.day.to_string(),
        "_2" => format!("{:2}", civil.day),
        "02" => format!("{:02}", civil.day),
        "__2" => format!("{:3}", civil.year_day),
        "002" => format!("{:03}", civil.year_day),
        "2006" if civil.year < 0 => format!("-{:04}", -civil.year),
        "2006" => format!("{:04}", civil.year),
        "06" => format!("{:02}", civil.year.abs() % 100),
        "15" => format!("{hour:02}"),
        "3" => short_hour.to_string(),
        "03" => format!("{short_hour:02}"),
        "4" => minute.to_string(),
        "04" => format!("{minute:02}"),
        "5" => second.to_string(),
        "05" => format!("{second:02}"),
        "PM" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        "pm" => if hour < 12 { "am" } else { "pm" }.to_owned(),
        "MST" if time.zone.is_empty() => format_offset(time.offset, "-0700"),
        "MST" => time.zone.to_string(),
        _ if element.starts_with('Z') && time.offset == 0 => "Z".to_owned(),
        _ if element.starts_with(['Z', '-']) => format_offset(time.offset, element),
        _ => {
            let digits = format!("{:09}", time.nanos);
            let wanted = &digits[..(element.len() - 1).min(9)];
            if element.ends_with('0') {
                return format!("{}{wanted:0<1$}", &element[..1], element.len() - 1);
            }
            match wanted.trim_end_matches('0') {
                "" => String::new(),
                wanted => format!("{}{wanted}", &element[..1]),
            }
        }
    }
}

fn format_offset(seconds: i64, element: &str) -> String {
    let colon = if element.contains(':') { ":" } else { "" };
    let size = seconds.abs();
    let mut out = format!("{}{:02}", if seconds < 0 { '-' } else { '+' }, size / 3600);
    if element.len() > 3 {
        let _ = write!(out, "{colon}{:02}", size / 60 % 60);
    }
    if element.len() > 6 {
        let _ = write!(out, "{colon}{:02}", size % 60);
    }
    out
}

/// The parts of a time that have been read.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    /// Whether the time is PM, if it contains AM or PM.
    afternoon: Option<bool>,
    offset: Option<i64>,
    zone: String,
}

/// The reason that a string does not match an element.
enum Mismatch {
    Text,
    /// The number of the named part is out of range.
    Range(&'static str),
}

/// Parses a time.
pub(super) fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let mut parts = Parts::default();
    let (mut layout_rest, mut rest) = (layout, text);
    let quoted = quote::double(text);
    let cannot = |rest: &str, element: &str| {
        format!(
            "parsing time {quoted} as {}: cannot parse {} as {}",
            quote::double(layout),
            quote::double(rest),
            quote::double(element)
        )
    };
    let invalid = |what: &str| format!("parsing time {quoted}: {what}");
    loop {
        let (before, element, after) = next_element(layout_rest);
        rest = skip(rest, before).map_err(|rest| cannot(rest, before))?;
        if element.is_empty() {
            if !rest.is_empty() {
                return Err(invalid(&format!("extra text: {}", quote::double(rest))));
            }
            break;
        }
        rest = parts.read(rest, element, after).map_err(|why| match why {
            Mismatch::Text => cannot(rest, element),
            Mismatch::Range(what) => invalid(&format!("{what} out of range")),
        })?;
        layout_rest = after;
    }
    parts.time().map_err(|what| invalid(&what))
}

/// Skips the characters of a layout between two elements. A space matches any number of spaces.
fn skip<'a>(text: &'a str, before: &str) -> Result<&'a str, &'a str> {
    let (mut rest, mut before) = (text, before);
    while let Some(c) = before.chars().next() {
        if c == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return Err(rest);
            }
            before = before.trim_start_matches(' ');
            rest = rest.trim_start_matches(' ');
            continue;
        }
        rest = rest.strip_prefix(c).ok_or(rest)?;
        before = &before[c.len_utf8()..];
    }
    Ok(rest)
}

/// Reads a number of up to `most` digits, or of exactly `most` if it is `fixed`.
#[inline(never)]
fn number(text: &str, most: usize, fixed: bool) -> Result<(i64, &str), Mismatch> {
    let digits = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits == 0 || fixed && digits < most {
        return Err(Mismatch::Text);
    }
    let (digits, rest) = text.split_at(digits);
    Ok((digits.parse().map_err(|_| Mismatch::Text)?, rest))
}

/// Reads a number of up to two digits within bounds.
#[inline(never)]
fn bounded<'a>(
    text: &'a str,
    fixed: bool,
    bounds: std::ops::RangeInclusive<i64>,
    what: &'static str,
) -> Result<(i64, &'a str), Mismatch> {
    let (number, rest) = number(text, 2, fixed)?;
    if bounds.contains(&number) {
        Ok((number, rest))
    } else {
        Err(Mismatch::Range(what))
    }
}

/// Reads one of `names`, shortened to `letters`, in any case.
#[inline(never)]
fn named<'a>(text: &'a str, names: &[&str], letters: usize) -> Result<(i64, &'a str), Mismatch> {
    for (index, name) in (0..).zip(names) {
        let name = &name[..letters.min(name.len())];
        if let Some(start) = text.get(..name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return Ok((index, &text[name.len()..]));
        }
    }
    Err(Mismatch::Text)
}

/// Reads a fraction of a second as nanoseconds: all digits, or `exactly` so many.
#[inline(never)]
fn fraction(text: &str, exactly: Option<usize>) -> Result<(i64, &str), Mismatch> {
    let inside = text.strip_prefix(['.', ',']).ok_or(Mismatch::Text)?;
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let count = exactly.unwrap_or(digits);
    if digits < count {
        return Err(Mismatch::Text);
    }
    let (digits, rest) = inside.split_at(count);
    let nanos = format!("{:0<9}", &digits[..count.min(9)]);
    Ok((nanos.parse().map_err(|_| Mismatch::Text)?, rest))
}

fn starts_with_fraction(text: &str) -> bool {
    let digits = text.strip_prefix(['.', ',']);
    digits.is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
}

impl Parts {
    fn read<'a>(&mut self, text: &'a str, element: &str, after: &str) -> Result<&'a str, Mismatch> {
        let fixed = element.starts_with('0');
        let spaced = |count: usize| {
            let spaces = text.bytes().take(count).take_while(|byte| *byte == b' ');
            &text[spaces.count()..]
        };
        let rest;
        match element {
            "2006" => (self.year, rest) = number(text, 4, true)?,
            "06" => {
                (self.year, rest) = number(text, 2, true)?;
                self.year += if self.year >= 69 { 1900 } else { 2000 };
            }
            "January" | "Jan" => {
                let letters = if element == "Jan" { 3 } else { usize::MAX };
                let (month, after) = named(text, &MONTHS, letters)?;
                (self.month, rest) = (Some(month + 1), after);
            }
            "1" | "01" => {
                let (month, after) = bounded(text, fixed, 1..=12, "month")?;
                (self.month, rest) = (Some(month), after);
            }
            "Monday" | "Mon" => {
                let letters = if element == "Mon" { 3 } else { usize::MAX };
                (_, rest) = named(text, &DAYS, letters)?;
            }
            "2" | "02" | "_2" => {
                let text = if element == "_2" { spaced(1) } else { text };
                let (day, after) = number(text, 2, fixed)?;
                (self.day, rest) = (Some(day), after);
            }
            "002" | "__2" => {
                let text = if element == "__2" { spaced(2) } else { text };
                let (day, after) = number(text, 3, fixed)?;
                (self.year_day, rest) = (Some(day), after);
            }
            "15" => (self.hour, rest) = bounded(text, false, 0..=23, "hour")?,
            "3" | "03" => (self.hour, rest) = bounded(text, fixed, 0..=12, "hour")?,
            "4" | "04" => (self.minute, rest) = bounded(text, fixed, 0..=59, "minute")?,
            "5" | "05" => {
                let (second, seconds_rest) = bounded(text, fixed, 0..=59, "second")?;
                self.second = second;
                // Go accepts a fraction after the seconds even if the layout has none.
                let is_expected = next_element(after).1.starts_with(['.', ',']);
                if starts_with_fraction(seconds_rest) && !is_expected {
                    (self.nanos, rest) = fraction(seconds_rest, None)?;
                } else {
                    rest = seconds_rest;
                }
            }
            "PM" | "pm" => {
                let (start, after) = text.split_at_checked(2).ok_or(Mismatch::Text)?;
                let lower = start.to_ascii_lowercase();
                if (element == "pm") != (start == lower) || !matches!(&*lower, "am" | "pm") {
                    return Err(Mismatch::Text);
                }
                (self.afternoon, rest) = (Some(lower == "pm"), after);
            }
            "MST" => {
                if let Some(after) = text.strip_prefix("UTC") {
                    (self.offset, self.zone) = (Some(0), "UTC".to_owned());
                    return Ok(after);
                }
                let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
                let is_name = match letters {
                    3 => true,
                    4 => text.as_bytes()[3] == b'T' || text.starts_with("WITA"),
                    5 => text.as_bytes()[4] == b'T',
                    _ => false,
                };
                if !is_name {
                    return Err(Mismatch::Text);
                }
                text[..letters].clone_into(&mut self.zone);
                rest = &text[letters..];
            }
            _ if element.starts_with('Z') && text.starts_with('Z') => {
                (self.offset, self.zone) = (Some(0), "UTC".to_owned());
                rest = &text[1..];
            }
            _ if element.starts_with(['Z', '-']) => {
                let (offset, after) = parse_offset(text, element)?;
                (self.offset, rest) = (Some(offset), after);
            }
            _ if element.ends_with('9') => {
                if !starts_with_fraction(text) {
                    return Ok(text);
                }
                (self.nanos, rest) = fraction(text, None)?;
            }
            _ => (self.nanos, rest) = fraction(text, Some(element.len() - 1))?,
        }
        Ok(rest)
    }

    fn time(self) -> Result<Time, String> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let second_of_day = hour * 3600 + self.minute * 60 + self.second;
        let offset = self.offset.unwrap_or(0);
        let is_utc = offset == 0 && (self.zone.is_empty() || self.zone == "UTC");
        Ok(Time {
            seconds: self.days()? * SECONDS_PER_DAY + second_of_day - offset,
            nanos: self.nanos,
            offset,
            zone: if is_utc {
                "UTC".into()
            } else {
                self.zone.into()
            },
        })
    }

    /// The days since 1970-01-01.
    fn days(&self) -> Result<i64, String> {
        let Some(year_day) = self.year_day else {
            let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
            let days = days_from_civil(self.year, month, 1) + day - 1;
            // A day that the month does not have is in another month.
            if civil(days).day != day {
                return Err("day out of range".to_owned());
            }
            return Ok(days);
        };
        let days = days_from_civil(self.year, 1, 1) + year_day - 1;
        let civil = civil(days);
        if civil.year != self.year {
            return Err("day-of-year out of range".to_owned());
        }
        if self.month.is_some_and(|month| month != civil.month) {
            return Err("day-of-year does not match month".to_owned());
        }
        if self.day.is_some_and(|day| day != civil.day) {
            return Err("day-of-year does not match day".to_owned());
        }
        Ok(days)
    }
}

fn civil(days: i64) -> Civil {
    Civil::from_unix_seconds(days * SECONDS_PER_DAY)
}

/// Reads an offset, in seconds east of UTC.
#[inline(never)]
fn parse_offset<'a>(text: &'a str, element: &str) -> Result<(i64, &'a str), Mismatch> {
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Mismatch::Text),
    };
    let mut parts = [0; 3];
    let mut rest = &text[1..];
    let count = element.bytes().filter(u8::is_ascii_digit).count() / 2;
    for (index, part) in parts.iter_mut().take(count).enumerate() {
        if index > 0 && element.contains(':') {
            rest = rest.strip_prefix(':').ok_or(Mismatch::Text)?;
        }
        (*part, rest) = number(rest, 2, true)?;
    }
    let names = ["hour", "minute", "second"];
    for (index, part) in parts.iter().enumerate() {
        if *part > [24, 60, 60][index] {
            return Err(Mismatch::Range(match names[index] {
                "hour" => "time zone offset hour",
                "minute" => "time zone offset minute",
                _ => "time zone offset second",
            }));
        }
    }
    Ok((sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]), rest))
}
