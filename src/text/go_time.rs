//! Go's layouts of times: each shows how the reference time `Mon Jan 2 15:04:05 MST 2006` is
//! written.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::time::{Civil, SECONDS_PER_DAY, Time, days_from_civil};

/// The elements of a layout. If one is a prefix of another, the longer one comes first.
const ELEMENTS: &str = "January Jan Monday Mon MST 01 02 03 04 05 06 002 15 1 2006 2 _2 __2 3 4 5 PM pm -070000 -07:00:00 -0700 \
    -07:00 -07 Z070000 Z07:00:00 Z0700 Z07:00 Z07";

const MONTHS: &str = "January February March April May June July August September October November \
    December";

const DAYS: &str = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday";

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

fn name(names: &'static str, index: i64) -> &'static str {
    let index = usize::try_from(index).ok();
    index
        .and_then(|index| names.split(' ').nth(index))
        .unwrap_or("?")
}

/// Formats a time.
pub fn format(time: &Time, layout: &str) -> String {
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
    // A leading zero or underscore fills the number to the length of the element.
    let width = element.len();
    let number = |number: i64| match element.as_bytes()[0] {
        b'0' => format!("{number:0width$}"),
        b'_' => format!("{number:width$}"),
        _ => number.to_string(),
    };
    match element {
        "January" => name(MONTHS, civil.month - 1).to_owned(),
        "Jan" => name(MONTHS, civil.month - 1)[..3].to_owned(),
        "Monday" => name(DAYS, civil.weekday).to_owned(),
        "Mon" => name(DAYS, civil.weekday)[..3].to_owned(),
        "1" | "01" => number(civil.month),
        "2" | "_2" | "02" => number(civil.day),
        "__2" | "002" => number(civil.year_day),
        "2006" if civil.year < 0 => format!("-{:04}", -civil.year),
        "2006" => format!("{:04}", civil.year),
        "06" => number(civil.year.abs() % 100),
        "15" => format!("{hour:02}"),
        "3" | "03" => number(short_hour),
        "4" | "04" => number(minute),
        "5" | "05" => number(second),
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
///
/// # Errors
///
/// The message of Go's `time.Parse` if the text does not have the layout, or is not a valid time.
pub fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let quoted = quote(text);
    let cannot = |rest: &str, element: &str| {
        format!(
            "parsing time {quoted} as {}: cannot parse {} as {}",
            quote(layout),
            quote(rest),
            quote(element)
        )
    };
    let invalid = |what: &str| format!("parsing time {quoted}: {what}");
    let mut parts = Parts::default();
    let (mut input, mut layout_rest) = (Input(text), layout);
    loop {
        let (before, element, after) = next_element(layout_rest);
        input.skip(before).map_err(|rest| cannot(rest, before))?;
        let start = input.0;
        if element.is_empty() {
            if !start.is_empty() {
                return Err(invalid(&format!("extra text: {}", quote(start))));
            }
            break;
        }
        parts
            .read(&mut input, element, after)
            .map_err(|mismatch| match mismatch {
                Mismatch::Text => cannot(start, element),
                Mismatch::Range(what) => invalid(&format!("{what} out of range")),
            })?;
        layout_rest = after;
    }
    parts.time().map_err(|what| invalid(&what))
}

/// The unread part of a time.
struct Input<'a>(&'a str);

impl<'a> Input<'a> {
    /// Skips the characters of a layout between two elements. A space matches any number of spaces.
    /// Fails with the part that does not match.
    fn skip(&mut self, mut literal: &str) -> Result<(), &'a str> {
        while let Some(c) = literal.chars().next() {
            if c != ' ' {
                self.0 = self.0.strip_prefix(c).ok_or(self.0)?;
                literal = &literal[c.len_utf8()..];
            } else if self.0.is_empty() || self.0.starts_with(' ') {
                literal = literal.trim_start_matches(' ');
                self.0 = self.0.trim_start_matches(' ');
            } else {
                return Err(self.0);
            }
        }
        Ok(())
    }

    /// Reads `length` bytes.
    fn take(&mut self, length: usize) -> Result<&'a str, Mismatch> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Mismatch::Text)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a number of up to `most` digits, or of exactly `most` if it is `fixed`.
    #[inline(never)]
    fn number(&mut self, most: usize, fixed: bool) -> Result<i64, Mismatch> {
        let digits = self.0.bytes().take(most).take_while(u8::is_ascii_digit);
        let digits = digits.count();
        if fixed && digits < most {
            return Err(Mismatch::Text);
        }
        self.take(digits)?.parse().map_err(|_| Mismatch::Text)
    }

    /// Reads a number after up to `spaces` spaces.
    fn padded(&mut self, spaces: usize) -> Result<i64, Mismatch> {
        let count = self.0.bytes().take(spaces).take_while(|byte| *byte == b' ');
        self.take(count.count())?;
        self.number(spaces + 1, false)
    }

    /// Reads a number of up to two digits within bounds.
    #[inline(never)]
    fn bounded(
        &mut self,
        fixed: bool,
        bounds: RangeInclusive<i64>,
        what: &'static str,
    ) -> Result<i64, Mismatch> {
        let number = self.number(2, fixed)?;
        if bounds.contains(&number) {
            Ok(number)
        } else {
            Err(Mismatch::Range(what))
        }
    }

    /// Reads one of `names`, shortened to `letters`, in any case. Returns its index.
    #[inline(never)]
    fn name(&mut self, names: &str, letters: usize) -> Result<i64, Mismatch> {
        for (index, name) in (0..).zip(names.split(' ')) {
            let name = &name[..letters.min(name.len())];
            let start = self.0.get(..name.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.take(name.len())?;
                return Ok(index);
            }
        }
        Err(Mismatch::Text)
    }

    fn starts_with_fraction(&self) -> bool {
        let digits = self.0.strip_prefix(['.', ',']);
        digits.is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Reads a fraction of a second as nanoseconds: all digits, or `exactly` so many.
    #[inline(never)]
    fn fraction(&mut self, exactly: Option<usize>) -> Result<i64, Mismatch> {
        self.0 = self.0.strip_prefix(['.', ',']).ok_or(Mismatch::Text)?;
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let count = exactly.unwrap_or(digits);
        if digits < count {
            return Err(Mismatch::Text);
        }
        let digits = self.take(count)?;
        let nanos = format!("{:0<9}", &digits[..count.min(9)]);
        nanos.parse().map_err(|_| Mismatch::Text)
    }

    /// Reads an abbreviated name of a time zone.
    fn zone(&mut self) -> Result<&'a str, Mismatch> {
        let letters = self.0.bytes().take_while(u8::is_ascii_uppercase).count();
        let name = self.take(letters)?;
        let is_zone = match letters {
            3 => true,
            4 => name.ends_with('T') || name == "WITA",
            5 => name.ends_with('T'),
            _ => false,
        };
        is_zone.then_some(name).ok_or(Mismatch::Text)
    }

    /// Reads an offset, in seconds east of UTC.
    #[inline(never)]
    fn offset(&mut self, element: &str) -> Result<i64, Mismatch> {
        let sign = match self.take(1)? {
            "+" => 1,
            "-" => -1,
            _ => return Err(Mismatch::Text),
        };
        let mut parts = [0; 3];
        let count = element.bytes().filter(u8::is_ascii_digit).count() / 2;
        for (index, part) in parts.iter_mut().take(count).enumerate() {
            if index > 0 && element.contains(':') && self.take(1)? != ":" {
                return Err(Mismatch::Text);
            }
            *part = self.number(2, true)?;
        }
        for (part, (limit, what)) in parts.iter().zip([
            (24, "time zone offset hour"),
            (60, "time zone offset minute"),
            (60, "time zone offset second"),
        ]) {
            if *part > limit {
                return Err(Mismatch::Range(what));
            }
        }
        let [hours, minutes, seconds] = parts;
        Ok(sign * (hours * 3600 + minutes * 60 + seconds))
    }
}

impl Parts {
    /// Reads the value of an element. `after` is the rest of the layout.
    fn read(&mut self, input: &mut Input<'_>, element: &str, after: &str) -> Result<(), Mismatch> {
        let fixed = element.starts_with('0');
        match element {
            "2006" => self.year = input.number(4, true)?,
            "06" => {
                let year = input.number(2, true)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            "January" => self.month = Some(input.name(MONTHS, usize::MAX)? + 1),
            "Jan" => self.month = Some(input.name(MONTHS, 3)? + 1),
            "1" | "01" => self.month = Some(input.bounded(fixed, 1..=12, "month")?),
            "Monday" => drop(input.name(DAYS, usize::MAX)?),
            "Mon" => drop(input.name(DAYS, 3)?),
            "2" | "02" => self.day = Some(input.number(2, fixed)?),
            "_2" => self.day = Some(input.padded(1)?),
            "002" => self.year_day = Some(input.number(3, true)?),
            "__2" => self.year_day = Some(input.padded(2)?),
            "15" => self.hour = input.bounded(false, 0..=23, "hour")?,
            "3" | "03" => self.hour = input.bounded(fixed, 0..=12, "hour")?,
            "4" | "04" => self.minute = input.bounded(fixed, 0..=59, "minute")?,
            "5" | "05" => {
                self.second = input.bounded(fixed, 0..=59, "second")?;
                // Go accepts a fraction after the seconds even if the layout has none.
                let is_expected = next_element(after).1.starts_with(['.', ',']);
                if input.starts_with_fraction() && !is_expected {
                    self.nanos = input.fraction(None)?;
                }
            }
            "PM" | "pm" => {
                let text = input.take(2)?;
                let lower = text.to_ascii_lowercase();
                if (element == "pm") != (text == lower) || !matches!(&*lower, "am" | "pm") {
                    return Err(Mismatch::Text);
                }
                self.afternoon = Some(lower == "pm");
            }
            "MST" => match input.zone()? {
                "UTC" => self.set_utc(),
                zone => zone.clone_into(&mut self.zone),
            },
            _ if element.starts_with('Z') && input.0.starts_with('Z') => {
                input.take(1)?;
                self.set_utc();
            }
            _ if element.starts_with(['Z', '-']) => self.offset = Some(input.offset(element)?),
            _ if !element.ends_with('9') => self.nanos = input.fraction(Some(element.len() - 1))?,
            _ if input.starts_with_fraction() => self.nanos = input.fraction(None)?,
            _ => {}
        }
        Ok(())
    }

    fn set_utc(&mut self) {
        (self.offset, self.zone) = (Some(0), "UTC".to_owned());
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

/// The layout of RFC 3339.
const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// Returns the reason why `text` is not an RFC 3339 time, in the words of Go's `time.Parse`. For a
/// text that Go parses although RFC 3339 forbids it, such as hours of one digit, the reason names
/// the whole text.
pub(crate) fn rfc3339_parse_error(text: &str) -> String {
    let error = parse(RFC3339, text).err();
    error.unwrap_or_else(|| format!("\"{text}\" is not an RFC 3339 time"))
}

/// Quoted as the reference client does it in messages about times.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='\x7f' => quoted.push(c),
            _ => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(quoted, "\\x{byte:02x}");
                }
            }
        }
    }
    quoted.push('"');
    quoted
}
