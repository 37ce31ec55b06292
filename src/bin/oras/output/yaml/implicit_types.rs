//! Plain strings that YAML reads as another type: numbers, times, booleans and null.

use oras::internal::time::is_rfc3339;

/// Returns whether YAML 1.2 reads a plain string as another type.
pub(super) fn needs_quotes_yaml12(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", ".nan",
        ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf",
        "-.INF",
    ];
    NAMES.contains(&text) || is_number(text) || is_time(text)
}

/// Returns whether YAML 1.1 reads a plain string as another type, or as a merge key.
pub(super) fn needs_quotes_yaml11(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
        "OFF", "<<",
    ];
    NAMES.contains(&text) || is_sexagesimal(text)
}

/// Matches decimal numbers with optional fraction and exponent, and integers in base 2, 8 or 16.
/// `_` may occur anywhere but first; in a number that starts with `.`, only between digits.
fn is_number(text: &str) -> bool {
    let has_valid_start = match text.chars().next() {
        Some('.') => text
            .split('_')
            .zip(text.split('_').skip(1))
            .all(|(left, right)| {
                left.ends_with(|end: char| end.is_ascii_digit())
                    && right.starts_with(|start: char| start.is_ascii_digit())
            }),
        Some(first) => first.is_ascii_digit() || "+-".contains(first),
        None => false,
    };
    if !has_valid_start {
        return false;
    }
    let text = text.replace('_', "");
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let radix = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        // A number that overflows is a string.
        _ => return is_decimal(unsigned) && text.parse().is_ok_and(f64::is_finite),
    };
    let digits = &unsigned[2..];
    let value = u64::from_str_radix(digits, radix).ok();
    let limit = match text.as_bytes() {
        [b'+', ..] => i64::MAX.unsigned_abs(),
        [b'-', ..] => i64::MIN.unsigned_abs(),
        _ => u64::MAX,
    };
    digits.starts_with(|first: char| first.is_digit(radix))
        && value.is_some_and(|value| value <= limit)
}

/// Matches `1`, `1.5`, `.5` and `5.`, each optionally with `e3`, `E+3` or `e-3`.
fn is_decimal(text: &str) -> bool {
    let (number, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, None), |(number, exponent)| (number, Some(exponent)));
    let (whole, fraction) = number
        .split_once('.')
        .map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let has_digits = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    has_digits
        && are_digits(whole)
        && are_digits(fraction.unwrap_or_default())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && are_digits(exponent))
}

/// Matches numbers in base 60, such as `12:30`.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let are_loose_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    whole.contains(':')
        && first.starts_with(|digit: char| digit.is_ascii_digit())
        && are_loose_digits(first)
        && are_loose_digits(fraction)
        && parts.all(|part| match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        })
}

/// Matches `2006-1-2`, `2006-1-2 15:4:5.9` and `2006-1-2T15:4:5.9Z`, also with `t` or an offset
/// such as `+07:00`.
fn is_time(text: &str) -> bool {
    let (date, rest) = text
        .split_once(['T', 't', ' '])
        .map_or((text, None), |(date, rest)| (date, Some(rest)));
    let mut fields: Vec<&str> = date.split('-').collect();
    let Some(rest) = rest else {
        fields.extend(["0", "0", "0"]);
        return is_valid_date_time(&fields);
    };
    let clock = if text.as_bytes().get(date.len()) == Some(&b' ') {
        Some(rest)
    } else {
        strip_zone(rest)
    };
    let Some(clock) = clock else {
        return false;
    };
    let (clock, fraction) = clock
        .split_once(['.', ','])
        .map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    fields.extend(clock.split(':'));
    is_valid_date_time(&fields)
        && fraction.is_none_or(|fraction| !fraction.is_empty() && are_digits(fraction))
}

/// Checks year, month, day, hour, minute and second.
fn is_valid_date_time(fields: &[&str]) -> bool {
    let [year, rest @ ..] = fields else {
        return false;
    };
    let [month, day, hour, minute, second] = rest else {
        return false;
    };
    let is_short = |field: &&str| (1..=2).contains(&field.len()) && are_digits(field);
    year.len() == 4
        && are_digits(year)
        && rest.iter().all(is_short)
        && is_rfc3339(&format!(
            "{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}Z"
        ))
}

/// Removes `Z` or an offset from the end.
fn strip_zone(text: &str) -> Option<&str> {
    if let Some(before) = text.strip_suffix('Z') {
        return Some(before);
    }
    let (before, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (hours, minutes) = offset.strip_prefix(['+', '-'])?.split_once(':')?;
    let is_at_most = |field: &str, limit: u8| {
        field.len() == 2 && are_digits(field) && field.parse::<u8>().is_ok_and(|n| n <= limit)
    };
    (is_at_most(hours, 24) && is_at_most(minutes, 60)).then_some(before)
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
