//! What others say, made fit for a message.
//!
//! Servers and helper programs have their say in errors and in traces. Their words may be without end, move the cursor of a
//! terminal, name signed addresses, or repeat the secrets that they were told. This module is the one place where they are
//! stripped of that. It does not know who spoke.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text::secret::Secret;
use crate::text::url::{encode_component, encode_forbidden, without_secrets};

/// How much of a longer text is quoted, in characters.
pub(crate) const MAX_QUOTED_CHARS: usize = 512;

/// One line of at most `max_chars` characters, without control characters and without the secret parts of addresses.
pub(crate) fn quoted(text: &str, max_chars: usize) -> String {
    Told::default().quoted(text, max_chars)
}

/// Writes what it is given as one line without control characters, and of no piece more than anybody reads.
pub(crate) struct OneLine<W>(pub(crate) W);

/// How much of one piece is written, in characters: the longest path there is, or a few quotations.
const MAX_PIECE_CHARS: usize = 4096;

impl<W: fmt::Write> fmt::Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_fine = |character: char| !character.is_control() && !is_invisible(character);
        if let Some((end, _)) = text.char_indices().nth(MAX_PIECE_CHARS) {
            self.write_str(&text[..end])?;
            return self.0.write_char('…');
        }
        if text.chars().all(is_fine) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| match character {
            '\n' | '\r' | '\t' => self.0.write_char(' '),
            other if is_fine(other) => self.0.write_char(other),
            _ => Ok(()),
        })
    }
}

/// Characters that show nothing and change how others are shown, such as their direction (Unicode's category `Cf`).
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Shorter secrets are not looked for, in bytes: they turn up by chance, and what is hidden then tells what they are.
const MIN_SECRET_BYTES: usize = 8;
/// Secrets from this length on turn up in an address only because somebody put them there, in bytes.
const MIN_UNMISTAKABLE_BYTES: usize = 16;
/// How many secrets are remembered. A client has a few, and tokens that follow one another.
const MAX_SECRETS: usize = 64;

/// Secrets that were told to servers, and that these may repeat.
#[derive(Clone, Default)]
pub(crate) struct Told {
    /// What proved who we are; the last one told comes last.
    authorizations: Vec<Arc<Known>>,
    /// Values of which nobody knows how secret they are.
    others: Vec<Arc<Known>>,
}

/// A secret, and how it may be written. That is found out once: whatever is said is searched for all of them.
struct Known {
    secret: Secret,
    spellings: Vec<String>,
}

impl Told {
    /// These are known from the start.
    pub(crate) fn of(values: impl IntoIterator<Item = Secret>) -> Self {
        let mut told = Self::default();
        for value in values {
            told.value(value.expose());
        }
        told
    }

    /// Remembers the value of a header that may hold a secret, and what is secret in it, if it authorizes.
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("Authorization") {
            self.authorization(value);
        } else {
            self.value(value);
        }
    }

    /// Remembers the value of an `Authorization` header, and the password in it.
    fn authorization(&mut self, value: &str) {
        let (scheme, secret) = value.split_once(' ').unwrap_or(("", value));
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(pair) = STANDARD.decode(secret)
            && let Ok(pair) = String::from_utf8(pair)
            && let Some((_, password)) = pair.split_once(':')
        {
            // Only to be hidden: nobody knows how common a word it is.
            remember(&mut self.others, password);
        }
        remember(&mut self.authorizations, secret);
    }

    /// Remembers a token or the like.
    pub(crate) fn token(&mut self, token: &str) {
        remember(&mut self.authorizations, token);
    }

    /// Remembers a value that may be a secret.
    pub(crate) fn value(&mut self, value: &str) {
        remember(&mut self.others, value);
    }

    /// Whether an address repeats what proved who we are.
    pub(crate) fn is_in_address(&self, address: &str) -> bool {
        self.authorizations
            .iter()
            .filter(|known| known.secret.expose().len() >= MIN_UNMISTAKABLE_BYTES)
            .flat_map(|known| &known.spellings)
            .any(|spelling| address.contains(spelling))
    }

    /// The text with stars for every secret in it.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut found: Vec<&String> = self
            .authorizations
            .iter()
            .chain(&self.others)
            .flat_map(|known| &known.spellings)
            .filter(|spelling| text.contains(*spelling))
            .collect();
        // A secret may be part of another one.
        found.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        found.iter().fold(text.to_owned(), |text, spelling| {
            text.replace(*spelling, HIDDEN)
        })
    }

    /// As [`quoted`], without these secrets.
    pub(crate) fn quoted(&self, text: &str, max_chars: usize) -> String {
        let line: String = text
            .chars()
            .map(|character| match character {
                blank if blank.is_whitespace() => ' ',
                other => other,
            })
            .filter(|&character| !character.is_control() && !is_invisible(character))
            .collect();
        let line = without_secrets(&self.hide(line.trim()));
        match line.char_indices().nth(max_chars) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

/// What a secret is shown as.
const HIDDEN: &str = "*****";

fn remember(all: &mut Vec<Arc<Known>>, secret: &str) {
    if secret.len() < MIN_SECRET_BYTES {
        return;
    }
    let known = match all.iter().position(|known| known.secret.expose() == secret) {
        Some(index) => all.remove(index),
        None => Arc::new(Known {
            secret: secret.into(),
            spellings: spellings(secret),
        }),
    };
    all.push(known);
    if all.len() > MAX_SECRETS {
        all.remove(0);
    }
}

/// A secret as it is, in an address, in the base64 of addresses, and in JSON.
fn spellings(secret: &str) -> Vec<String> {
    // What pads a token is no part of it to those who write tokens without.
    let plain = secret.trim_end_matches('=');
    let component = encode_component(plain);
    let json = serde_json::Value::from(plain).to_string();
    let json = json.trim_matches('"').to_owned();
    // In an address, a question mark ends it.
    let start = plain.split(['?', '#']).next().unwrap_or_default();
    let mut all = vec![
        with_small_digits(&component),
        component,
        encode_forbidden(plain),
        plain.replace('+', "-").replace('/', "_"),
        json.replace('/', "\\/"),
        json,
        plain.to_owned(),
    ];
    if start.len() >= MIN_SECRET_BYTES {
        all.extend([start.to_owned(), encode_forbidden(start)]);
    }
    all.sort();
    all.dedup();
    all
}

/// `a%2Fb` as `a%2fb`.
fn with_small_digits(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let (digits, rest) = part.split_at(2.min(part.len()));
        format!("{all}%{}{rest}", digits.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn a_quotation_is_one_line_of_a_limited_length() {
        for (text, wanted) in [
            (" a\nb\tc ", "a b c"),
            ("\u{1b}[31mred\u{9b}0m\u{7f}", "[31mred0m"),
            ("\u{202e}txt.exe\u{200b}", "txt.exe"),
            ("äöü日本語x", "äöü日本語x"),
            ("0123456789a", "0123456789…"),
        ] {
            assert_eq!(quoted(text, 10), wanted, "{text:?}");
        }
        let mut line = String::new();
        OneLine(&mut line).write_str("a\r\n\u{1b}b").unwrap();
        assert_eq!(line, "a  b");
        line.clear();
        OneLine(&mut line).write_str(&"é".repeat(10_000)).unwrap();
        assert_eq!(line, "é".repeat(MAX_PIECE_CHARS) + "…");
    }

    #[test]
    fn what_was_told_is_hidden_however_it_is_spelled() {
        let mut told = Told::default();
        // me:pa/ss+w?ord~~ — with characters that encodings write differently.
        told.authorization("Basic bWU6cGEvc3Mrdz9vcmR+fg==");
        told.value("key=a/b c\"d");
        for text in [
            "Basic bWU6cGEvc3Mrdz9vcmR+fg==",
            "bWU6cGEvc3Mrdz9vcmR+fg",
            "bWU6cGEvc3Mrdz9vcmR-fg",
            "bWU6cGEvc3Mrdz9vcmR%2Bfg%3D%3D",
            "bWU6cGEvc3Mrdz9vcmR%2bfg%3d%3d",
            "pa/ss+w?ord~~",
            "pa%2Fss%2Bw%3Ford~~",
            "pa\\/ss+w?ord~~",
            "key=a/b c\"d",
            "key=a/b c\\\"d",
            "key=a/b%20c%22d",
            "bWU6cGEv\u{0}c3Mrdz9vcmR+fg==",
        ] {
            let shown = told.quoted(&format!("no: {text}."), 100);
            assert!(shown.contains("*****"), "{text}: {shown}");
            for secret in ["bWU6", "ss", "c\"d", "c%22d"] {
                assert!(!shown.contains(secret), "{text}: {shown}");
            }
        }
        assert_eq!(told.quoted("no secret", 100), "no secret");
    }

    #[test]
    fn nothing_of_a_secret_is_left_where_a_text_is_cut() {
        let mut told = Told::default();
        told.token("0123456789abcdef");
        assert_eq!(told.quoted("at 0123456789abcdef", 7), "at ****…");
    }

    #[test]
    fn an_address_repeats_a_token_but_a_common_word_is_no_repetition() {
        let mut told = Told::default();
        told.authorization("Basic bWU6cmVnaXN0cnk=");
        told.value("storage.example.com");
        assert!(told.is_in_address("https://a/x?b=bWU6cmVnaXN0cnk%3D"));
        assert!(!told.is_in_address("https://storage.example.com/registry"));
    }

    #[test]
    fn short_secrets_and_old_ones_are_not_remembered() {
        let mut told = Told::default();
        told.value("a");
        assert_eq!(told.hide("a bad day"), "a bad day");
        for number in 0..1000 {
            told.token(&format!("token-number-{number:04}"));
            told.authorization("Basic bWU6cmVnaXN0cnk=");
        }
        assert!(told.authorizations.len() <= MAX_SECRETS);
        assert_eq!(told.hide("bWU6cmVnaXN0cnk="), "*****=");
    }
}
