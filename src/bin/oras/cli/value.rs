//! Values of flags: which texts a field accepts, and the messages about others.
//!
//! Owns booleans, integers and comma-separated lists as Go reads them (`strconv`, `encoding/csv`):
//! scripts may use any spelling that the reference client accepts. Must not know the flags.

use std::time::Duration;

use super::quote;

/// The end of the message ``invalid argument "x" for "--flag" flag: …``.
pub(crate) type BadValue = String;

/// A field that a flag writes to. The type decides how a value is read.
///
/// `bool` and `Option<bool>` are switches. `String` and `i64` keep the last value, `Vec<String>`
/// keeps all values of a repeatable flag. `Option` distinguishes an absent flag from a default
/// value.
pub(crate) trait FlagValue {
    /// Reads a value and stores it.
    fn set(&mut self, text: &str) -> Result<(), BadValue>;
}

impl FlagValue for bool {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        *self = boolean(text)?;
        Ok(())
    }
}

impl FlagValue for i64 {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        *self = integer(text)?;
        Ok(())
    }
}

impl FlagValue for String {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        text.clone_into(self);
        Ok(())
    }
}

impl FlagValue for Vec<String> {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        self.push(text.to_owned());
        Ok(())
    }
}

impl<T: FlagValue + Default> FlagValue for Option<T> {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        let mut value = T::default();
        value.set(text)?;
        *self = Some(value);
        Ok(())
    }
}

/// A number of bytes, with an optional unit of 1024: `500M`, `20G`, `1TiB`.
#[derive(Default)]
pub(crate) struct ByteSize(pub(crate) u64);

impl FlagValue for ByteSize {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        self.0 = byte_size(text)
            .ok_or_else(|| format!("{} is not a size such as 500M or 20G", quote::double(text)))?;
        Ok(())
    }
}

/// Reads a number of bytes.
fn byte_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase();
    let prefix = unit.trim_end_matches('B').trim_end_matches('I');
    let exponent = ["", "K", "M", "G", "T", "P"]
        .iter()
        .position(|it| *it == prefix)?;
    let is_unit = match unit.strip_prefix(prefix)? {
        "" | "B" => true,
        "IB" => exponent > 0,
        _ => false,
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_unit && is_number)?;
    number.checked_mul(1 << (10 * exponent))
}

/// A duration: `3s`, `500ms`, `2m`, `1m30s`, or a number of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl FlagValue for Seconds {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        self.0 = duration(text).ok_or_else(|| {
            format!(
                "{} is not a duration such as 30s or 1m30s",
                quote::double(text)
            )
        })?;
        Ok(())
    }
}

/// Reads a duration other than zero.
fn duration(text: &str) -> Option<Duration> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number: u64 = rest[..rest.len() - digits.len()].parse().ok()?;
        let unit = digits.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let millis = match &digits[..digits.len() - unit.len()] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "" if unit.is_empty() && rest.len() == text.len() => 1000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(millis)?)?;
        rest = unit;
    }
    Some(Duration::from_millis(total)).filter(|total| !total.is_zero())
}

/// All values of a repeatable flag, each of which is a comma-separated list, CSV quoting included.
#[derive(Default)]
pub(crate) struct CommaSeparated(pub(crate) Vec<String>);

impl FlagValue for CommaSeparated {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        self.0.extend(list(text)?);
        Ok(())
    }
}

/// Reads one of the twelve spellings of true and false.
fn boolean(text: &str) -> Result<bool, BadValue> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(bad_value("ParseBool", text, "invalid syntax")),
    }
}

/// Reads an integer: decimal, `0x`, `0o`, `0b`, or octal after a plain `0`, with `_` between
/// digits.
fn integer(text: &str) -> Result<i64, BadValue> {
    let invalid = || bad_value("ParseInt", text, "invalid syntax");
    let (sign, unsigned) = match text.as_bytes() {
        [b'-', ..] => ("-", &text[1..]),
        [b'+', ..] => ("", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // `_` is allowed between digits and after a base prefix.
    let prefixed = digits.len() < unsigned.len();
    if (digits.starts_with('_') && !prefixed) || digits.ends_with('_') || digits.contains("__") {
        return Err(invalid());
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(invalid());
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix)
        .map_err(|_| bad_value("ParseInt", text, "value out of range"))
}

/// Reads one CSV record. An empty text has no elements.
fn list(text: &str) -> Result<Vec<String>, BadValue> {
    let mut elements = Vec::new();
    let mut rest = if text.is_empty() { None } else { Some(text) };
    while let Some(field) = rest {
        let column = |left: &str| text.len() - left.len() + 1;
        if let Some(quoted) = field.strip_prefix('"') {
            let (element, left) = unquoted(quoted).ok_or_else(|| misquoted(text.len() + 1))?;
            elements.push(element);
            rest = match left.strip_prefix(',') {
                None if !left.is_empty() => return Err(misquoted(column(left) - 1)),
                next => next,
            };
        } else {
            let (element, next) = field
                .split_once(',')
                .map_or((field, None), |(element, next)| (element, Some(next)));
            if let Some(quote) = element.find('"') {
                let column = column(field) + quote;
                return Err(format!(
                    "parse error on line 1, column {column}: bare \" in non-quoted-field"
                ));
            }
            elements.push(element.to_owned());
            rest = next;
        }
    }
    Ok(elements)
}

/// Splits at the closing quote; two quotes stand for one.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        element += part;
        match after.strip_prefix('"') {
            Some(more) => {
                element.push('"');
                rest = more;
            }
            None => return Some((element, after)),
        }
    }
}

fn misquoted(column: usize) -> BadValue {
    format!("parse error on line 1, column {column}: extraneous or missing \" in quoted-field")
}

fn bad_value(function: &str, text: &str, reason: &str) -> BadValue {
    format!(
        "strconv.{function}: parsing {}: {reason}",
        quote::double(text)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("123", Some(123)),
            ("1B", Some(1)),
            ("500M", Some(500 << 20)),
            ("20g", Some(20 << 30)),
            ("1KB", Some(1024)),
            ("1TiB", Some(1 << 40)),
            ("2P", Some(2 << 50)),
            ("", None),
            ("M", None),
            ("1iB", None),
            ("1Mi", None),
            ("1X", None),
            ("1BB", None),
            ("-1", None),
            ("+1", None),
            ("1.5G", None),
            ("1 G", None),
            ("16384P", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(byte_size(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn durations_have_units_and_are_seconds_without_one() {
        for (text, wanted) in [
            ("3", Some(3000)),
            ("3s", Some(3000)),
            ("500ms", Some(500)),
            ("2m", Some(120_000)),
            ("1m30s", Some(90_000)),
            ("1h1ms", Some(3_600_001)),
            ("", None),
            ("0", None),
            ("0s", None),
            ("s", None),
            ("-1", None),
            ("1.5s", None),
            ("1m30", None),
            ("3 s", None),
            ("3d", None),
            ("18446744073709551615h", None),
        ] {
            assert_eq!(
                duration(text),
                wanted.map(Duration::from_millis),
                "{text:?}"
            );
        }
    }

    #[test]
    fn booleans_have_twelve_spellings() {
        for text in "1 t T TRUE true True".split(' ') {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in "0 f F FALSE false False".split(' ') {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "tRUE", " true"] {
            assert_eq!(
                boolean(text),
                Err(format!(
                    "strconv.ParseBool: parsing \"{text}\": invalid syntax"
                ))
            );
        }
    }

    #[test]
    fn integers_have_bases_and_underscores() {
        for (text, value) in [
            ("0", 0),
            ("5", 5),
            ("-3", -3),
            ("+3", 3),
            ("0x1F", 31),
            ("-0X10", -16),
            ("0b101", 5),
            ("0o7", 7),
            ("010", 8),
            ("1_000", 1000),
            ("0x_1", 1),
            ("0_7", 7),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_integers() {
        for text in [
            "", "-", "+", "abc", "1.5", "08", "0x", "0b2", "_1", "1_", "1__0", "--1", "+-1",
            "0x-1", " 1",
        ] {
            assert_eq!(
                integer(text),
                Err(format!(
                    "strconv.ParseInt: parsing \"{text}\": invalid syntax"
                ))
            );
        }
        for text in [
            "9223372036854775808",
            "99999999999999999999",
            "-0x8000000000000001",
        ] {
            assert_eq!(
                integer(text),
                Err(format!(
                    "strconv.ParseInt: parsing \"{text}\": value out of range"
                ))
            );
        }
    }

    #[test]
    fn lists_are_csv_records() {
        for (text, elements) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("a,,b,", &["a", "", "b", ""]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#""say ""hi""","#, &["say \"hi\"", ""]),
        ] {
            assert_eq!(
                list(text),
                Ok(elements.iter().map(ToString::to_string).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn misplaced_quotes_are_reported_with_their_column() {
        for (text, error) in [
            (
                r#"a"b"#,
                "parse error on line 1, column 2: bare \" in non-quoted-field",
            ),
            (
                r#"x,a"b"#,
                "parse error on line 1, column 4: bare \" in non-quoted-field",
            ),
            (
                r#""a"#,
                "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
            ),
            (
                r#""a"b"#,
                "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
            ),
        ] {
            assert_eq!(list(text), Err(error.to_owned()), "{text}");
        }
    }
}
