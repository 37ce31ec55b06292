//! Functions that find the words of an identifier: `camelcase`, `snakecase`, `kebabcase`.
//!
//! The rules are those of xstrings, the library that sprig uses.

use super::strings::{to_lower, to_upper};

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

pub(crate) fn camelcase(text: &str) -> String {
    let mut chars = text.chars();
    let mut out = String::new();
    let mut last = loop {
        match chars.next() {
            Some(c) if is_connector(c) => out.push(c),
            Some(c) => break c,
            None => {
                // xstrings, the library of sprig, repeats the last character.
                out.extend(out.chars().last());
                return out;
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
    out
}

/// The kind of a word in an identifier.
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

/// Splits off the first word of a string.
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
            // The last upper-case letter starts the next word if a lower-case letter follows.
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

/// Joins the words of a string in lower case with `connector`. A number joins the word that
/// follows.
pub(crate) fn join(text: &str, connector: char) -> String {
    let mut out = String::new();
    let add = |out: &mut String, kind: Word, word: &str| match kind {
        Word::Upper | Word::Connector => out.extend(word.chars().map(|c| match c {
            c if is_connector(c) => connector,
            c => to_lower(c),
        })),
        _ => out.push_str(word),
    };
    let continues = |kind| matches!(kind, Word::Letters | Word::Number);
    let is_separate = |kind| !matches!(kind, Word::Connector | Word::Punctuation);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            add(&mut out, kind, word);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Word::Number => {
                while continues(kind) {
                    add(&mut out, kind, word);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && is_separate(kind) {
                    out.push(connector);
                }
            }
            Word::Connector => add(&mut out, before, last),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if is_separate(kind) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    add(&mut out, Word::Number, number);
                    if is_separate(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                add(&mut out, Word::Number, number);
                while continues(kind) {
                    add(&mut out, kind, word);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && is_separate(kind) {
                    out.push(connector);
                }
            }
        }
    }
    add(&mut out, kind, word);
    out
}
