//! Annotations as YAML: a mapping of one key to one value, both texts, as the original writes it.
//!
//! A text is written as it is where YAML reads it as the same text again, and otherwise in the first of these forms that can
//! hold it: single quotes, or a block for several lines; double quotes, with escapes for all that does not print. Double
//! quotes come first for what would be read as a number, a truth value, a time or nothing. So what is written never moves the
//! cursor of a terminal, but to the next line.

use oras::time::is_rfc3339;

/// How far blocks are indented.
const INDENT: &str = "    ";
/// Longer keys, in bytes, are marked as such.
const MAX_SIMPLE_KEY_BYTES: usize = 128;
/// The byte order mark. A text that begins with it is escaped to its end.
const BOM: char = '\u{feff}';

/// `key: value`
pub(super) fn pair(key: &str, value: &str) -> String {
    let is_simple = key.len() <= MAX_SIMPLE_KEY_BYTES && !key.contains(is_break);
    let text = if is_simple {
        format!("{}: {}", scalar(key), scalar(value))
    } else {
        let key = scalar(key);
        let end = if key.ends_with('\n') { "" } else { "\n" };
        format!("? {key}{end}: {}", scalar(value))
    };
    text.trim().to_owned()
}

fn scalar(text: &str) -> String {
    let shape = Shape::of(text);
    if text.contains('\n') {
        return if shape.fits_block() {
            block(text)
        } else {
            double_quoted(text)
        };
    }
    if is_something_else(text) {
        double_quoted(text)
    } else if shape.fits_plain() && !was_something_else(text) {
        text.to_owned()
    } else if shape.fits_single_quotes() {
        single_quoted(text)
    } else {
        double_quoted(text)
    }
}

/// What decides about the form of a text.
#[derive(Default)]
struct Shape {
    has_indicators: bool,
    has_breaks: bool,
    is_blank: bool,
    has_tabs: bool,
    has_special: bool,
    begins_with_space: bool,
    ends_with_space: bool,
    has_space_before_break: bool,
    has_space_after_break: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self {
            has_indicators: has_indicators(text),
            has_breaks: text.contains(is_break),
            is_blank: text.trim().is_empty(),
            has_tabs: text.contains('\t'),
            has_special: text.contains(|character| !prints(character) && character != '\t'),
            begins_with_space: text.starts_with(' '),
            ends_with_space: text.ends_with(' '),
            ..Self::default()
        };
        for (one, next) in text.chars().zip(text.chars().skip(1)) {
            shape.has_space_before_break |= one == ' ' && is_break(next);
            shape.has_space_after_break |= is_break(one) && next == ' ';
        }
        shape
    }

    const fn fits_plain(&self) -> bool {
        self.fits_single_quotes()
            && !self.has_indicators
            && !self.has_breaks
            && !self.begins_with_space
            && !self.ends_with_space
    }

    const fn fits_single_quotes(&self) -> bool {
        !self.has_special
            && !self.has_tabs
            && !self.has_space_before_break
            && !self.has_space_after_break
    }

    const fn fits_block(&self) -> bool {
        !self.has_special && !self.has_space_before_break && !self.ends_with_space && !self.is_blank
    }
}

/// Whether there is something in a text that means something else in YAML.
fn has_indicators(text: &str) -> bool {
    let ends_word = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t']);
    let mut rest = text.chars();
    let begins_badly = match rest.next() {
        Some(first) if ",[]{}#&*!|>'\"%@`".contains(first) => true,
        Some('?' | ':' | '-') => ends_word(rest.as_str()),
        _ => false,
    };
    let has_colon = text
        .match_indices(':')
        .any(|(index, _)| ends_word(&text[index + 1..]));
    let has_comment = text.contains(" #");
    begins_badly || has_colon || has_comment || text.starts_with("---") || text.starts_with("...")
}

/// Whether a plain text would be read as something else than a text.
fn is_something_else(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", ".nan",
        ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf",
        "-.INF",
    ];
    NAMES.contains(&text) || is_number(text) || is_time(text)
}

/// Whether a plain text meant something else in YAML 1.1, or merges mappings.
fn was_something_else(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
        "OFF", "<<",
    ];
    NAMES.contains(&text) || is_sexagesimal(text)
}

/// Decimal with or without fraction and exponent, or an integer in base 2, 8 or 16; `_` may stand anywhere but in front.
/// In a number that begins with `.` it must stand between digits.
fn is_number(text: &str) -> bool {
    let begins_well = match text.chars().next() {
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
    if !begins_well {
        return false;
    }
    let text = text.replace('_', "");
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let radix = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        // Too large a number is none.
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

/// `1`, `1.5`, `.5`, `5.`, each perhaps with `e3`, `E+3` or `e-3`.
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

/// A number in base 60, such as `12:30`.
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

/// `2006-1-2`, `2006-1-2 15:4:5.9`, `2006-1-2T15:4:5.9Z` or with `t` or an offset such as `+07:00`.
fn is_time(text: &str) -> bool {
    let (date, rest) = text
        .split_once(['T', 't', ' '])
        .map_or((text, None), |(date, rest)| (date, Some(rest)));
    let mut fields: Vec<&str> = date.split('-').collect();
    let Some(rest) = rest else {
        fields.extend(["0", "0", "0"]);
        return are_fields_of_time(&fields);
    };
    let clock = if text.as_bytes().get(date.len()) == Some(&b' ') {
        Some(rest)
    } else {
        without_zone(rest)
    };
    let Some(clock) = clock else {
        return false;
    };
    let (clock, fraction) = clock
        .split_once(['.', ','])
        .map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    fields.extend(clock.split(':'));
    are_fields_of_time(&fields)
        && fraction.is_none_or(|fraction| !fraction.is_empty() && are_digits(fraction))
}

/// Year, month, day, hour, minute, second.
fn are_fields_of_time(fields: &[&str]) -> bool {
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

/// What stands before `Z` or an offset.
fn without_zone(text: &str) -> Option<&str> {
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

/// `|` and the lines below it, with a sign for what becomes of the breaks at the end.
fn block(text: &str) -> String {
    let hint = if text.starts_with(' ') { "4" } else { "" };
    let chomp = match text
        .chars()
        .rev()
        .take_while(|&last| is_break(last))
        .count()
    {
        0 => "-",
        1 => "",
        _ => "+",
    };
    format!("|{hint}{chomp}\n{}", indented(text, true))
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", indented(&text.replace('\'', "''"), false))
}

/// A text with [`INDENT`] before what follows a break, and before the first line if that stands alone.
fn indented(text: &str, begins_line: bool) -> String {
    let mut out = String::new();
    let mut begins_line = begins_line;
    for character in text.chars() {
        if begins_line && !is_break(character) {
            out.push_str(INDENT);
        }
        begins_line = is_break(character);
        out.push(character);
    }
    out
}

fn double_quoted(text: &str) -> String {
    let is_all_escaped = text.starts_with(BOM);
    let mut out = String::from('"');
    for character in text.chars() {
        let is_plain = prints(character) && !is_break(character) && !"\"\\".contains(character);
        if is_plain && !is_all_escaped {
            out.push(character);
        } else {
            out.push_str(&escaped(character));
        }
    }
    out.push('"');
    out
}

fn escaped(character: char) -> String {
    let short = match character {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            return match u32::from(character) {
                code @ ..=0xff => format!("\\x{code:02X}"),
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

const fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether YAML takes a character as it is.
const fn prints(character: char) -> bool {
    matches!(
        character,
        '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_can_only_be_texts_are_written_as_they_are() {
        for text in [
            "plain",
            "two words",
            "a:b",
            "a#b",
            "a[",
            "a,b",
            "it's",
            "-a",
            "--",
            "?a",
            ":a",
            "=",
            "<a>",
            "\\",
            "é",
            "日本",
            "http://example.com/a?b=c#d",
            "tRUE",
            "nULL",
            "oN",
            "1e",
            "1..2",
            "0xg",
            "0b2",
            "0x1FFFFFFFFFFFFFFFF",
            "-0x8000000000000001",
            "1e400",
            ".1_",
            "_1",
            "inf",
            "+.nan",
            "1:60",
            "1:002",
            "2000-13-01",
            "2000-02-30",
            "2000-1-1T1:2:3",
            "2000-1-1T1:2:3+25:00",
            "2001-12-14 21:59:43.10 -5",
            "2000-01-01T00:00:00.Z",
        ] {
            assert_eq!(pair("k", text), format!("k: {text}"));
            assert_eq!(pair(text, "v"), format!("{text}: v"));
        }
    }

    #[test]
    fn texts_with_marks_and_former_truth_values_are_between_single_quotes() {
        for text in [
            "yes", "No", "ON", "y", "12:30", "-1:2.5_", "<<", " lead", "trail ", "a: b", "a:",
            "a #b", "#a", "[a", "{}", "}a", ",a", "*a", "&a", "!a", "%a", "@a", "`a", "|a", ">a",
            "\"a", "- a", "-", "---", "...a", "? a", "?:", ":",
        ] {
            assert_eq!(pair("k", text), format!("k: '{text}'"));
            assert_eq!(pair(text, "v"), format!("'{text}': v"));
        }
        assert_eq!(pair("k", "'a"), "k: '''a'");
        assert_eq!(pair("k", "a\u{2028}b"), "k: 'a\u{2028}    b'");
    }

    #[test]
    fn what_is_something_else_or_does_not_print_is_between_double_quotes() {
        for text in [
            "",
            "~",
            "null",
            "True",
            "FALSE",
            ".NaN",
            "-.inf",
            "0",
            "08",
            "1_000",
            "-1",
            "+.5",
            "5.",
            "1E+5",
            "0x1F",
            "-0o7",
            "0B1_0",
            "0xFFFFFFFFFFFFFFFF",
            ".1_0",
            "2000-1-1",
            "2000-02-29",
            "2000-01-01T00:00:00Z",
            "2000-1-1t1:2:3.5+24:00",
            "2000-1-1 1:2:3,5",
        ] {
            assert_eq!(pair("k", text), format!("k: \"{text}\""));
            assert_eq!(pair(text, "v"), format!("\"{text}\": v"));
        }
        for (text, written) in [
            ("a\tb", r"a\tb"),
            ("\x1b[2J", r"\e[2J"),
            ("\0\x07\x08\x0b\x0c\r\x7f", r"\0\a\b\v\f\r\x7F"),
            ("\\\x01\"", r#"\\\x01\""#),
            ("\u{85}\u{2028} ", r"\N\L "),
            ("💩", r"\U0001F4A9"),
            ("a\u{feff}", r"a\uFEFF"),
            ("\u{feff}a b", r"\uFEFF\x61\x20\x62"),
            ("a \nb", r"a \nb"),
            ("a\n ", r"a\n "),
            ("\n\n", r"\n\n"),
            ("a\r\nb", r"a\r\nb"),
        ] {
            assert_eq!(pair("k", text), format!("k: \"{written}\""));
        }
    }

    #[test]
    fn lines_are_a_block() {
        for (text, block) in [
            ("a\nb", "|-\n    a\n    b"),
            ("a\n\n b\n", "|\n    a\n\n     b"),
            ("\n\ta\n\n", "|+\n\n    \ta"),
            (" a\nb", "|4-\n     a\n    b"),
            ("# a: b\n---", "|-\n    # a: b\n    ---"),
        ] {
            assert_eq!(pair("k", text), format!("k: {block}"));
        }
    }

    #[test]
    fn keys_that_are_long_or_of_several_lines_are_marked() {
        let long = "x".repeat(129);
        assert_eq!(pair(&long[1..], "v"), format!("{}: v", &long[1..]));
        for (key, value, wanted) in [
            (long.as_str(), "v", format!("? {long}\n: v")),
            (
                "k\nl",
                "v\nw",
                "? |-\n    k\n    l\n: |-\n    v\n    w".to_owned(),
            ),
            ("k\n", "", "? |\n    k\n: \"\"".to_owned()),
        ] {
            assert_eq!(pair(key, value), wanted);
        }
    }
}
