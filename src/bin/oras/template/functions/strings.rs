//! Functions on texts. Where the original cuts bytes, what is left of a character that was cut is one that stands for any.

use gotmpl::{ToValue, Value};

use super::functions::Given;
use super::limits;
use super::values::{self, Outcome, text};
use crate::cli::quote as quoted;

pub(super) fn hello(_: &Given<'_>) -> Outcome {
    Ok("Hello!".to_value())
}

pub(super) fn fail(given: &Given<'_>) -> Outcome {
    Err(given.text(0).to_owned())
}

/// A part of the bytes of a text, as a text again.
fn cut(text: &str, start: usize, end: usize) -> String {
    let bytes = text.as_bytes().get(start..end).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

pub(super) fn abbrev(given: &Given<'_>) -> Outcome {
    Ok(abbreviated(given.text(1), 0, given.int(0)).to_value())
}

pub(super) fn abbrevboth(given: &Given<'_>) -> Outcome {
    let (left, right, text) = (given.int(0), given.int(1), given.text(2));
    if left > 0 && right < 7 {
        return Ok(text.to_value());
    }
    Ok(abbreviated(text, left, right).to_value())
}

fn abbreviated(text: &str, left: i64, width: i64) -> String {
    let length = text.len();
    let width = size(width);
    if width < 4 || length <= width {
        return text.to_owned();
    }
    let kept = width - 3;
    let offset = size(left).min(length);
    let offset = offset.min(length - kept.min(length));
    if offset <= 4 {
        return cut(text, 0, kept) + "...";
    }
    if width < 7 {
        return String::new();
    }
    let rest = if offset + kept < length {
        abbreviated(
            &cut(text, offset, length),
            0,
            i64::try_from(kept).unwrap_or(0),
        )
    } else {
        cut(text, length - kept, length)
    };
    "...".to_owned() + &rest
}

pub(super) fn trunc(given: &Given<'_>) -> Outcome {
    let (count, text) = (given.int(0), given.text(1));
    let length = text.len();
    let kept = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if kept >= length {
        text.into()
    } else if count < 0 {
        cut(text, length - kept, length).into()
    } else {
        cut(text, 0, kept).into()
    })
}

pub(super) fn trim(given: &Given<'_>) -> Outcome {
    Ok(given.text(0).trim().to_value())
}

pub(super) fn trim_all(given: &Given<'_>) -> Outcome {
    let cutset = given.text(0);
    Ok(given
        .text(1)
        .trim_matches(|c| cutset.contains(c))
        .to_value())
}

pub(super) fn trim_prefix(given: &Given<'_>) -> Outcome {
    let text = given.text(1);
    Ok(text.strip_prefix(given.text(0)).unwrap_or(text).to_value())
}

pub(super) fn trim_suffix(given: &Given<'_>) -> Outcome {
    let text = given.text(1);
    Ok(text.strip_suffix(given.text(0)).unwrap_or(text).to_value())
}

/// To Go, no letter becomes several.
fn to_upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    upper.next().filter(|_| upper.len() == 0).unwrap_or(c)
}

fn to_lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// A text with other characters, or fewer.
fn mapped(text: &str, change: &mut dyn FnMut(char) -> Option<char>) -> Outcome {
    let mut out = String::new();
    for c in text.chars() {
        out.extend(change(c));
    }
    Ok(out.to_value())
}

pub(super) fn upper(given: &Given<'_>) -> Outcome {
    mapped(given.text(0), &mut |c| Some(to_upper(c)))
}

pub(super) fn lower(given: &Given<'_>) -> Outcome {
    mapped(given.text(0), &mut |c| Some(to_lower(c)))
}

pub(super) fn title(given: &Given<'_>) -> Outcome {
    let mut before = ' ';
    mapped(given.text(0), &mut |c| {
        let begins = if before.is_ascii() {
            !before.is_ascii_alphanumeric() && before != '_'
        } else {
            before.is_whitespace()
        };
        before = c;
        Some(if begins { to_upper(c) } else { c })
    })
}

pub(super) fn untitle(given: &Given<'_>) -> Outcome {
    let mut begins = true;
    mapped(given.text(0), &mut |c| {
        let changed = if begins { to_lower(c) } else { c };
        begins = c.is_whitespace();
        Some(changed)
    })
}

pub(super) fn swapcase(given: &Given<'_>) -> Outcome {
    mapped(given.text(0), &mut |c| {
        let is_upper = c.is_uppercase();
        Some(if is_upper { to_lower(c) } else { to_upper(c) })
    })
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

pub(super) fn camelcase(given: &Given<'_>) -> Outcome {
    let mut chars = given.text(0).chars();
    let mut out = String::new();
    let mut last = loop {
        match chars.next() {
            Some(c) if is_connector(c) => out.push(c),
            Some(c) => break c,
            None => {
                // The library that sprig uses says the last one twice.
                out.extend(out.chars().last());
                return Ok(out.to_value());
            }
        }
    };
    let mut was_upper = last.is_uppercase();
    last = to_upper(last);
    for mut c in chars {
        let before = last;
        if is_connector(c) && is_connector(before) {
            out.push(before);
            last = c;
            continue;
        }
        if is_connector(before) {
            was_upper = c.is_uppercase();
            c = to_upper(c);
        } else {
            if was_upper {
                if c.is_uppercase() {
                    c = to_lower(c);
                } else {
                    was_upper = false;
                }
            }
            out.push(before);
        }
        last = c;
    }
    out.push(last);
    Ok(out.to_value())
}

pub(super) fn snakecase(given: &Given<'_>) -> Outcome {
    Ok(words_joined(given.text(0), '_').to_value())
}

pub(super) fn kebabcase(given: &Given<'_>) -> Outcome {
    Ok(words_joined(given.text(0), '-').to_value())
}

/// What words of identifiers are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_uppercase()
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)
}

/// The first word, and what follows it.
fn next_word(text: &str) -> (Word, &str, &str) {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return (Word::None, "", "");
    };
    let run = |belongs: &dyn Fn(char) -> bool, from: &str| {
        from.find(|c| !belongs(c)).unwrap_or(from.len()) + (text.len() - from.len())
    };
    let rest = chars.as_str();
    let (word, end) = if is_connector(first) {
        (Word::Connector, run(&is_connector, rest))
    } else if is_punctuation(first) {
        (Word::Punctuation, run(&is_punctuation, rest))
    } else if first.is_uppercase() {
        let second = rest.chars().next();
        let end = if second.is_some_and(char::is_uppercase) {
            let end = run(&|c: char| c.is_uppercase(), rest);
            // The last of several begins the next word if that goes on.
            match text[end..].chars().next() {
                Some(next) if is_letter(next) => text[..end]
                    .char_indices()
                    .last()
                    .map_or(end, |(last, _)| last),
                _ => end,
            }
        } else {
            run(&is_letter, rest)
        };
        (Word::Upper, end)
    } else if first.is_alphabetic() {
        (Word::Letters, run(&is_letter, rest))
    } else if first.is_numeric() {
        (Word::Number, run(&|c: char| c.is_numeric(), rest))
    } else {
        let other = |c: char| !(is_connector(c) || c.is_alphanumeric() || is_punctuation(c));
        (Word::Other, run(&other, rest))
    };
    (word, &text[..end], &text[end..])
}

/// Words in small letters, with `connector` between them. Numbers go with what follows.
fn words_joined(text: &str, connector: char) -> String {
    let mut out = String::new();
    let add = |out: &mut String, kind: Word, word: &str| match kind {
        Word::Upper | Word::Connector => out.extend(word.chars().map(|c| match c {
            c if is_connector(c) => connector,
            c => to_lower(c),
        })),
        _ => out.push_str(word),
    };
    let goes_on = |kind| matches!(kind, Word::Letters | Word::Number);
    let apart = |kind| !matches!(kind, Word::Connector | Word::Punctuation);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            add(&mut out, kind, word);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Word::Number => {
                while goes_on(kind) {
                    add(&mut out, kind, word);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && apart(kind) {
                    out.push(connector);
                }
            }
            Word::Connector => add(&mut out, before, last),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if apart(kind) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    add(&mut out, Word::Number, number);
                    if apart(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                add(&mut out, Word::Number, number);
                while goes_on(kind) {
                    add(&mut out, kind, word);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && apart(kind) {
                    out.push(connector);
                }
            }
        }
    }
    add(&mut out, kind, word);
    out
}

pub(super) fn substr(given: &Given<'_>) -> Outcome {
    let (start, end, text) = (given.int(0), given.int(1), given.text(2));
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (from, to) = match (start, end) {
        (..0, end) => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        both => both,
    };
    let wrong = if to < 0 {
        format!("[:{to}]")
    } else if to > length {
        format!("[:{to}] with length {length}")
    } else {
        format!("[{from}:{to}]")
    };
    if from > to || to > length {
        return Err(format!("runtime error: slice bounds out of range {wrong}"));
    }
    Ok(cut(text, size(from), size(to)).to_value())
}

pub(super) fn repeat(given: &Given<'_>) -> Outcome {
    let (count, text) = (given.int(0), given.text(1));
    let Ok(count) = usize::try_from(count) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    limits::text(count.saturating_mul(text.len()))?;
    Ok(text
        .repeat(if text.is_empty() { 0 } else { count })
        .to_value())
}

pub(super) fn nospace(given: &Given<'_>) -> Outcome {
    mapped(given.text(0), &mut |c| {
        Some(c).filter(|c| !c.is_whitespace())
    })
}

pub(super) fn initials(given: &Given<'_>) -> Outcome {
    let mut begins = true;
    mapped(given.text(0), &mut |c| {
        let is_initial = begins && !c.is_whitespace();
        begins = c.is_whitespace();
        Some(c).filter(|_| is_initial)
    })
}

pub(super) fn wrap(given: &Given<'_>) -> Outcome {
    wrapped(given.text(1), given.int(0), "\n", false)
}

pub(super) fn wrap_with(given: &Given<'_>) -> Outcome {
    let newline = match given.text(1) {
        "" => "\n",
        text => text,
    };
    wrapped(given.text(2), given.int(0), newline, true)
}

fn wrapped(text: &str, width: i64, newline: &str, cut_words: bool) -> Outcome {
    let width = size(width).max(1);
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut offset = 0;
    while bytes.len() - offset > width {
        limits::text(out.len())?;
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
    limits::text(out.len())?;
    Ok(String::from_utf8_lossy(&out).into_owned().to_value())
}

pub(super) fn contains(given: &Given<'_>) -> Outcome {
    Ok(given.text(1).contains(given.text(0)).to_value())
}

pub(super) fn has_prefix(given: &Given<'_>) -> Outcome {
    Ok(given.text(1).starts_with(given.text(0)).to_value())
}

pub(super) fn has_suffix(given: &Given<'_>) -> Outcome {
    Ok(given.text(1).ends_with(given.text(0)).to_value())
}

/// The values that are there, each as `written`, with spaces between them.
fn each(values: &[Value], written: impl Fn(&str) -> String) -> Outcome {
    let mut texts = Vec::new();
    let mut length = 0;
    for value in values.iter().filter(|value| !matches!(value, Value::Nil)) {
        let text = written(&text(value));
        length += text.len();
        limits::text(length)?;
        texts.push(text);
    }
    Ok(texts.join(" ").to_value())
}

pub(super) fn quote(given: &Given<'_>) -> Outcome {
    each(given.values, quoted::double)
}

pub(super) fn squote(given: &Given<'_>) -> Outcome {
    each(given.values, |text| format!("'{text}'"))
}

pub(super) fn cat(given: &Given<'_>) -> Outcome {
    each(given.values, str::to_owned)
}

pub(super) fn indent(given: &Given<'_>) -> Outcome {
    Ok(indented(given)?.to_value())
}

pub(super) fn nindent(given: &Given<'_>) -> Outcome {
    Ok(("\n".to_owned() + &indented(given)?).to_value())
}

fn indented(given: &Given<'_>) -> Result<String, String> {
    let Ok(spaces) = usize::try_from(given.int(0)) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    limits::text(spaces)?;
    let pad = " ".repeat(spaces);
    Ok(pad.clone() + &replaced(given.text(1), "\n", &format!("\n{pad}"))?)
}

pub(super) fn replace(given: &Given<'_>) -> Outcome {
    Ok(replaced(given.text(2), given.text(0), given.text(1))?.to_value())
}

fn replaced(text: &str, old: &str, new: &str) -> Result<String, String> {
    let times = text.matches(old).count();
    limits::text(text.len().saturating_add(times.saturating_mul(new.len())))?;
    Ok(text.replace(old, new))
}

pub(super) fn plural(given: &Given<'_>) -> Outcome {
    Ok(given.get(usize::from(given.int(2) != 1)).clone())
}

pub(super) fn regex_quote_meta(given: &Given<'_>) -> Outcome {
    let mut out = String::new();
    for c in given.text(0).chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(out.to_value())
}

pub(super) fn to_string(given: &Given<'_>) -> Outcome {
    Ok(text(given.get(0)).to_value())
}

pub(super) fn to_strings(given: &Given<'_>) -> Outcome {
    Ok(texts_of(given.get(0)).to_value())
}

/// What is in a list, as texts; without what is missing.
pub(super) fn texts_of(value: &Value) -> Vec<String> {
    let items = match value {
        Value::List(list) => list,
        other => std::slice::from_ref(other),
    };
    let there = items.iter().filter(|item| !matches!(item, Value::Nil));
    there.map(text).collect()
}

pub(super) fn join(given: &Given<'_>) -> Outcome {
    let (separator, texts) = (given.text(0), texts_of(given.get(1)));
    let size = texts.iter().map(|text| text.len() + separator.len());
    limits::text(size.sum())?;
    Ok(texts.join(separator).to_value())
}

/// As many parts as there can be, or `most`; between characters if there is no separator.
fn parts<'a>(text: &'a str, separator: &str, most: usize) -> Result<Vec<&'a str>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < most {
        limits::items(parts.len())?;
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

/// Parts by number: `_0`, `_1`, …
fn numbered(parts: &[&str]) -> Outcome {
    let members = parts.iter().enumerate();
    let members = members.map(|(index, part)| (format!("_{index}").into(), part.to_value()));
    Ok(values::dict(members))
}

pub(super) fn split(given: &Given<'_>) -> Outcome {
    numbered(&parts(given.text(1), given.text(0), usize::MAX)?)
}

pub(super) fn split_list(given: &Given<'_>) -> Outcome {
    Ok(parts(given.text(1), given.text(0), usize::MAX)?.to_value())
}

pub(super) fn splitn(given: &Given<'_>) -> Outcome {
    match given.int(1) {
        0 => numbered(&[]),
        most => numbered(&parts(
            given.text(2),
            given.text(0),
            usize::try_from(most).unwrap_or(usize::MAX),
        )?),
    }
}
