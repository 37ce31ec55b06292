//! Golden files below `fixtures/`, and the normalisation of output for comparison.
//!
//! `ORAS_UPDATE_GOLDEN=1 cargo test` rewrites them. Review the difference like code.

use std::path::PathBuf;
use std::{env, fs};

/// Compares the normalised `actual` with the file `fixtures/<name>`.
///
/// `known` contains values of this run and their placeholders, such as `(registry.host(),
/// "[REGISTRY]")` or `(directory.path(), "[DIR]")`. [`normalise`] lists further values that are
/// replaced.
#[track_caller]
pub fn assert_golden(name: &str, actual: &str, known: &[(&str, &str)]) {
    assert_golden_text(name, &normalise(actual, known));
}

/// Compares `actual` without normalisation with the file `fixtures/<name>`.
#[track_caller]
pub fn assert_golden_text(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    if env::var_os("ORAS_UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("the fixtures can be written");
        }
        fs::write(&path, actual).expect("the fixtures can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "read \"{}\": {error}; ORAS_UPDATE_GOLDEN=1 writes it",
            path.display()
        )
    });
    assert!(
        actual == expected,
        "\"{}\" differs (ORAS_UPDATE_GOLDEN=1 rewrites it)\n{}",
        path.display(),
        difference(&expected, actual)
    );
}

/// Compares `actual` with the file `fixtures/<name>`, which is never rewritten because its content
/// is specified.
#[track_caller]
pub fn assert_fixture(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    let expected = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("read \"{}\": {error}", path.display()));
    assert!(
        actual == expected,
        "not what \"{}\" prescribes\n{}",
        path.display(),
        difference(&expected, actual)
    );
}

/// Replaces values that differ between two runs of the same test.
///
/// First the `known` values, longer ones first; then loopback addresses with a port (`[REGISTRY]`),
/// RFC 3339 times (`[TIME]`), and short durations such as `1.23s` or `45ms` (`[ELAPSED]`).
pub fn normalise(text: &str, known: &[(&str, &str)]) -> String {
    let mut known: Vec<_> = known
        .iter()
        .filter(|(value, _)| !value.is_empty())
        .collect();
    known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let text = known
        .iter()
        .fold(text.to_owned(), |text, (value, placeholder)| {
            text.replace(value, placeholder)
        });
    let text = replace_all(&text, "[REGISTRY]", loopback);
    let text = replace_all(&text, "[TIME]", time);
    replace_all(&text, "[ELAPSED]", elapsed)
}

/// Replaces times, except those in the year 2000, which tests set themselves.
pub fn normalise_times(text: &str) -> String {
    replace_all(text, "[TIME]", |text| {
        time(text).filter(|_| !text.starts_with("2000-"))
    })
}

/// Replaces the duration at the end of lines that report success.
pub fn normalise_elapsed(text: &str) -> String {
    let normalised = text.split_inclusive('\n').map(|line| {
        let (told, last) = line.rsplit_once(" in ").unwrap_or((line, ""));
        match elapsed(last) {
            Some(length) if line.starts_with("Successfully ") => {
                format!("{told} in [ELAPSED]{}", &last[length..])
            }
            _ => line.to_owned(),
        }
    });
    normalised.collect()
}

/// The lines that differ, without equal lines before and after: `-` is expected, `+` is actual.
pub fn difference(expected: &str, actual: &str) -> String {
    let (mut old, mut new): (Vec<_>, Vec<_>) =
        (expected.lines().collect(), actual.lines().collect());
    let equal = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let before = old.iter().zip(&new).take_while(equal).count();
    old.drain(..before);
    new.drain(..before);
    let after = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(equal)
        .count();
    old.truncate(old.len() - after);
    new.truncate(new.len() - after);
    if old.is_empty() && new.is_empty() {
        return "only the ends of lines differ".to_owned();
    }
    let mut lines = vec![format!("@@ after {before} equal lines, before {after} @@")];
    lines.extend(old.iter().map(|line| format!("-{line}")));
    lines.extend(new.iter().map(|line| format!("+{line}")));
    lines.join("\n")
}

/// Replaces every match of `matcher`, which returns the length of a match at the start of its text.
/// A match does not start or end inside a word.
fn replace_all(text: &str, placeholder: &str, matcher: fn(&str) -> Option<usize>) -> String {
    let word =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '-');
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let begins = !replaced.chars().next_back().is_some_and(word);
        let length = matcher(rest).filter(|length| {
            let next = rest[*length..].chars().next();
            begins && !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
        });
        if let Some(length) = length {
            replaced.push_str(placeholder);
            rest = &rest[length..];
        } else {
            replaced.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    replaced
}

/// `127.0.0.1:40123`
fn loopback(text: &str) -> Option<usize> {
    let port = text
        .strip_prefix("127.0.0.1:")
        .or_else(|| text.strip_prefix("localhost:"))?;
    let length = digits(port);
    (length > 0).then(|| text.len() - port.len() + length)
}

/// `2026-01-31T23:59:59Z`, with or without a fraction, with `Z` or an offset.
fn time(text: &str) -> Option<usize> {
    let shape = "0000-00-00T00:00:00";
    let fits = |(pattern, byte): (u8, u8)| {
        if pattern == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == pattern
        }
    };
    if text.len() < shape.len() || !shape.bytes().zip(text.bytes()).all(fits) {
        return None;
    }
    let mut length = shape.len();
    if let Some(fraction) = text[length..].strip_prefix('.') {
        length += 1 + digits(fraction);
    }
    let zone = &text[length..];
    if zone.starts_with('Z') {
        return Some(length + 1);
    }
    let offset = zone.as_bytes().get(..6)?;
    let valid = matches!(offset[0], b'+' | b'-')
        && "00:00".bytes().zip(offset[1..].iter().copied()).all(fits);
    valid.then_some(length + 6)
}

/// `12ms`, `1.5s`, `1m5s`, `800µs`.
fn elapsed(text: &str) -> Option<usize> {
    let minutes = digits(text);
    if minutes > 0 && text[minutes..].starts_with('m') && !text[minutes..].starts_with("ms") {
        return Some(minutes + 1 + elapsed(&text[minutes + 1..])?);
    }
    let mut length = digits(text);
    if length == 0 {
        return None;
    }
    if let Some(fraction) = text[length..].strip_prefix('.') {
        length += 1 + digits(fraction);
    }
    let unit = ["ms", "µs", "ns", "s"]
        .into_iter()
        .find(|unit| text[length..].starts_with(unit))?;
    Some(length + unit.len())
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
