//! Functions on strings. Sprig cuts between bytes; a character that is cut becomes U+FFFD here.

use gotmpl::{ToValue, Value};

use crate::template::limits;
use crate::template::runtime::Runtime;
use crate::template::values::{self, text};

/// A range of the bytes of a string, as a string.
fn cut(text: &str, start: usize, end: usize) -> String {
    let bytes = text.as_bytes().get(start..end).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Converts a number to a length; negative numbers are 0.
fn length(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

pub(crate) fn abbrev(left: i64, width: i64, text: &str) -> String {
    abbreviate(text, length(left), length(width))
}

pub(crate) fn abbrevboth(left: i64, width: i64, text: &str) -> String {
    if left > 0 && width < 7 {
        return text.to_owned();
    }
    abbrev(left, width, text)
}

fn abbreviate(text: &str, left: usize, width: usize) -> String {
    let length = text.len();
    if width < 4 || length <= width {
        return text.to_owned();
    }
    let kept = width - 3;
    let offset = left.min(length - kept.min(length));
    if offset <= 4 {
        return cut(text, 0, kept) + "...";
    }
    if width < 7 {
        return String::new();
    }
    let rest = if offset + kept < length {
        abbreviate(&cut(text, offset, length), 0, kept)
    } else {
        cut(text, length - kept, length)
    };
    format!("...{rest}")
}

pub(crate) fn trunc(count: i64, text: &str) -> String {
    let length = text.len();
    let kept = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if kept >= length {
        text.to_owned()
    } else if count < 0 {
        cut(text, length - kept, length)
    } else {
        cut(text, 0, kept)
    }
}

/// The upper case of a character. Go maps each character to one character.
pub(super) fn to_upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    upper.next().filter(|_| upper.len() == 0).unwrap_or(c)
}

pub(super) fn to_lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Replaces or removes each character.
fn map_chars(text: &str, change: &mut dyn FnMut(char) -> Option<char>) -> String {
    let mut out = String::new();
    for c in text.chars() {
        out.extend(change(c));
    }
    out
}

pub(crate) fn upper(text: &str) -> String {
    map_chars(text, &mut |c| Some(to_upper(c)))
}

pub(crate) fn lower(text: &str) -> String {
    map_chars(text, &mut |c| Some(to_lower(c)))
}

pub(crate) fn title(text: &str) -> String {
    let mut before = ' ';
    map_chars(text, &mut |c| {
        let starts_word = if before.is_ascii() {
            !before.is_ascii_alphanumeric() && before != '_'
        } else {
            before.is_whitespace()
        };
        before = c;
        Some(if starts_word { to_upper(c) } else { c })
    })
}

pub(crate) fn untitle(text: &str) -> String {
    let mut starts_word = true;
    map_chars(text, &mut |c| {
        let changed = if starts_word { to_lower(c) } else { c };
        starts_word = c.is_whitespace();
        Some(changed)
    })
}

pub(crate) fn swapcase(text: &str) -> String {
    map_chars(text, &mut |c| {
        let is_upper = c.is_uppercase();
        Some(if is_upper { to_lower(c) } else { to_upper(c) })
    })
}

pub(crate) fn nospace(text: &str) -> String {
    map_chars(text, &mut |c| Some(c).filter(|c| !c.is_whitespace()))
}

pub(crate) fn initials(text: &str) -> String {
    let mut starts_word = true;
    map_chars(text, &mut |c| {
        let is_initial = starts_word && !c.is_whitespace();
        starts_word = c.is_whitespace();
        Some(c).filter(|_| is_initial)
    })
}

pub(crate) fn substr(start: i64, end: i64, text: &str) -> Result<String, String> {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (from, to) = match (start, end) {
        (..0, end) => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        both => both,
    };
    let range = if to < 0 {
        format!("[:{to}]")
    } else if to > length {
        format!("[:{to}] with length {length}")
    } else {
        format!("[{from}:{to}]")
    };
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to && to <= text.len() => Ok(cut(text, from, to)),
        _ => Err(format!("runtime error: slice bounds out of range {range}")),
    }
}

pub(crate) fn repeat(count: i64, text: &str) -> Result<String, String> {
    let Ok(count) = usize::try_from(count) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    limits::check_text(count.saturating_mul(text.len()))?;
    Ok(text.repeat(if text.is_empty() { 0 } else { count }))
}

pub(crate) fn wrap_with(width: i64, newline: &str, text: &str) -> Result<String, String> {
    let newline = if newline.is_empty() { "\n" } else { newline };
    wrap(text, width, newline, true)
}

pub(crate) fn wrap(
    text: &str,
    width: i64,
    newline: &str,
    cut_words: bool,
) -> Result<String, String> {
    let width = length(width).max(1);
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut offset = 0;
    while bytes.len() - offset > width {
        limits::check_text(out.len())?;
        if bytes[offset] == b' ' {
            offset += 1;
            continue;
        }
        let line = &bytes[offset..];
        let last_space = line[..=width].iter().rposition(|byte| *byte == b' ');
        let next_space = || {
            let found = line[width..].iter().position(|byte| *byte == b' ');
            found.map(|space| width + space)
        };
        let (end, next) = match last_space {
            Some(space) => (space, space + 1),
            None if cut_words => (width, width),
            None => match next_space() {
                Some(space) => (space, space + 1),
                None => break,
            },
        };
        out.extend_from_slice(&line[..end]);
        out.extend_from_slice(newline.as_bytes());
        offset += next;
    }
    out.extend_from_slice(&bytes[offset..]);
    limits::check_text(out.len())?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Joins the values that are not nil, each changed by `write`, with spaces.
pub(crate) fn join_with(values: &[Value], write: fn(&str) -> String) -> Result<String, String> {
    let mut texts = Vec::new();
    let mut length = 0;
    for value in values.iter().filter(|value| !matches!(value, Value::Nil)) {
        let text = write(&text(value));
        length += text.len();
        limits::check_text(length)?;
        texts.push(text);
    }
    Ok(texts.join(" "))
}

pub(crate) fn indent(spaces: i64, text: &str) -> Result<String, String> {
    let pad = repeat(spaces, " ")?;
    Ok(pad.clone() + &replace("\n", &format!("\n{pad}"), text)?)
}

pub(crate) fn nindent(spaces: i64, text: &str) -> Result<String, String> {
    Ok(format!("\n{}", indent(spaces, text)?))
}

pub(crate) fn replace(old: &str, new: &str, text: &str) -> Result<String, String> {
    let added = text.matches(old).count().saturating_mul(new.len());
    limits::check_text(text.len().saturating_add(added))?;
    Ok(text.replace(old, new))
}

pub(crate) fn regex_quote_meta(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The items of a list, or a single value, as strings. Skips nil.
pub(crate) fn to_strings(value: &Value) -> Vec<String> {
    let items = match value {
        Value::List(list) => list,
        other => std::slice::from_ref(other),
    };
    let items = items.iter().filter(|item| !matches!(item, Value::Nil));
    items.map(text).collect()
}

pub(crate) fn join(separator: &str, list: &Value) -> Result<String, String> {
    let texts = to_strings(list);
    let size = texts.iter().map(|text| text.len() + separator.len());
    limits::check_text(size.sum())?;
    Ok(texts.join(separator))
}

/// Splits a string into at most `most` parts; without a separator, into characters.
pub(crate) fn split<'a>(
    text: &'a str,
    separator: &str,
    most: usize,
) -> Result<Vec<&'a str>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < most {
        limits::check_items(parts.len())?;
        let (part, after) = if separator.is_empty() {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            if first == rest.len() {
                break;
            }
            rest.split_at(first)
        } else {
            match rest.split_once(separator) {
                Some(found) => found,
                None => break,
            }
        };
        parts.push(part);
        rest = after;
    }
    if !(separator.is_empty() && text.is_empty()) {
        parts.push(rest);
    }
    Ok(parts)
}

/// Returns the parts as members `_0`, `_1`, …
pub(crate) fn splitn(separator: &str, most: i64, text: &str) -> Result<Value, String> {
    let parts = match most {
        0 => Vec::new(),
        _ => split(text, separator, usize::try_from(most).unwrap_or(usize::MAX))?,
    };
    let members = parts.iter().enumerate();
    let members = members.map(|(index, part)| (format!("_{index}").into(), part.to_value()));
    Ok(values::dict(members))
}

/// Replaces `$name` and `${name}` as Go's `os.ExpandEnv`.
pub(crate) fn expandenv(text: &str, runtime: &Runtime) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, length) = variable_name(after);
        if length == 0 {
            out.push('$');
        }
        out.push_str(runtime.variable(name));
        limits::check_text(out.len())?;
        rest = &after[length..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The name at the start of a string, and its length including braces.
fn variable_name(text: &str) -> (&str, usize) {
    if let Some(inside) = text.strip_prefix('{') {
        return match inside.split_once('}') {
            Some((name, _)) => (name, name.len() + 2),
            None => ("", 1),
        };
    }
    if text.starts_with(|c: char| "*#$@!?-".contains(c) || c.is_ascii_digit()) {
        return (&text[..1], 1);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let name = &text[..end.unwrap_or(text.len())];
    (name, name.len())
}
