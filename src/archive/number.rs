//! Numbers in headers and records.

use std::io;

use crate::error::{Error, Result};

/// Parses ASCII digits.
pub(super) fn parse_decimal(digits: &[u8]) -> Option<u64> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    digits.parse().ok()
}

/// Parses a time such as `-1.25` into seconds, rounded down, and nanoseconds.
pub(super) fn parse_time(text: &[u8]) -> Option<(i64, u32)> {
    let (sign, text) = match text.strip_prefix(b"-") {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let dot = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = text.split_at(dot.unwrap_or(text.len()));
    let seconds = sign * i64::try_from(parse_decimal(whole)?).ok()?;
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for digit in fraction.iter().skip(1) {
        nanos += unit * char::from(*digit).to_digit(10)?;
        unit /= 10;
    }
    Some(match (sign, nanos) {
        (-1, 1..) => (seconds - 1, 1_000_000_000 - nanos),
        _ => (seconds, nanos),
    })
}

/// Parses a numeric field. Go reads an empty field as 0; the `tar` crate does not.
pub(super) fn parse_number(field: &[u8], decode: impl FnOnce() -> io::Result<u64>) -> Result<u64> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    decode().map_err(|error| Error::malformed_by(error, "tar"))
}
