//! An annotation as YAML: a mapping of one string to another, as the original writes it.
//!
//! A string is written plain if YAML reads the plain form as the same string. Otherwise it takes
//! the first form that can hold it: single quotes, or a block for several lines; then double
//! quotes, with escapes for characters that do not print. A string that YAML would read as a
//! number, boolean, time or null takes double quotes at once. The output therefore contains no
//! control characters except newlines.

mod implicit_types;

use self::implicit_types::{needs_quotes_yaml11, needs_quotes_yaml12};

/// Indentation of blocks.
const INDENT: &str = "    ";
/// The longest key, in bytes, that is not marked with `?`.
const MAX_SIMPLE_KEY_BYTES: usize = 128;
/// The byte order mark. A string that starts with it is escaped completely.
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
    let traits = Traits::new(text);
    if text.contains('\n') {
        return if traits.fits_block() {
            block(text)
        } else {
            double_quoted(text)
        };
    }
    if needs_quotes_yaml12(text) {
        double_quoted(text)
    } else if traits.fits_plain() && !needs_quotes_yaml11(text) {
        text.to_owned()
    } else if traits.fits_single_quotes() {
        single_quoted(text)
    } else {
        double_quoted(text)
    }
}

/// The properties of a string that decide its form.
#[derive(Default)]
struct Traits {
    has_indicators: bool,
    has_breaks: bool,
    is_blank: bool,
    has_tabs: bool,
    has_special: bool,
    starts_with_space: bool,
    ends_with_space: bool,
    has_space_before_break: bool,
    has_space_after_break: bool,
}

impl Traits {
    fn new(text: &str) -> Self {
        let mut traits = Self {
            has_indicators: has_indicators(text),
            has_breaks: text.contains(is_break),
            is_blank: text.trim().is_empty(),
            has_tabs: text.contains('\t'),
            has_special: text.contains(|character| !prints(character) && character != '\t'),
            starts_with_space: text.starts_with(' '),
            ends_with_space: text.ends_with(' '),
            ..Self::default()
        };
        for (one, next) in text.chars().zip(text.chars().skip(1)) {
            traits.has_space_before_break |= one == ' ' && is_break(next);
            traits.has_space_after_break |= is_break(one) && next == ' ';
        }
        traits
    }

    const fn fits_plain(&self) -> bool {
        self.fits_single_quotes()
            && !self.has_indicators
            && !self.has_breaks
            && !self.starts_with_space
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

/// Returns whether a plain string would contain syntax of YAML.
fn has_indicators(text: &str) -> bool {
    let ends_word = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t']);
    let mut rest = text.chars();
    let starts_with_indicator = match rest.next() {
        Some(first) if ",[]{}#&*!|>'\"%@`".contains(first) => true,
        Some('?' | ':' | '-') => ends_word(rest.as_str()),
        _ => false,
    };
    let has_colon = text
        .match_indices(':')
        .any(|(index, _)| ends_word(&text[index + 1..]));
    let has_comment = text.contains(" #");
    starts_with_indicator
        || has_colon
        || has_comment
        || text.starts_with("---")
        || text.starts_with("...")
}

/// `|` and the indented lines, with an indicator for the line breaks at the end.
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

/// Indents the lines that follow a line break, and the first line if it `begins_line`.
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

/// Returns whether YAML allows a character without an escape.
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
    fn unambiguous_strings_are_plain() {
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
    fn strings_with_indicators_and_yaml_1_1_booleans_are_single_quoted() {
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
    fn other_types_and_unprintable_strings_are_double_quoted() {
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
    fn several_lines_are_a_block() {
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
    fn long_and_multi_line_keys_are_marked() {
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
