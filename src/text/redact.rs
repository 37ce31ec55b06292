//! Redaction of secrets in text that servers and helper programs send.
//!
//! Errors, warnings and traces contain such text. It may be long, contain control characters, quote
//! signed URLs, or repeat secrets that this client sent. Everything that is displayed passes
//! through [`excerpt`] or [`Redactor::excerpt`].

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text::percent::{encode_component, encode_forbidden};
use crate::text::sanitize::{single_line, truncate};
use crate::text::secret::Secret;

/// Default limit of an excerpt, in characters.
pub(crate) const MAX_EXCERPT_CHARS: usize = 512;

/// Returns `text` as one line of at most `max_chars` characters, without control characters and
/// without the secret parts of URLs.
pub(crate) fn excerpt(text: &str, max_chars: usize) -> String {
    Redactor::default().excerpt(text, max_chars)
}

/// Minimum length of a secret that is searched for, in bytes. A shorter one occurs by chance, and
/// each redacted occurrence would reveal it.
const MIN_SECRET_BYTES: usize = 8;
/// Minimum length, in bytes, from which a secret in a URL cannot be a coincidence.
const MIN_UNMISTAKABLE_BYTES: usize = 16;
/// Number of secrets that are remembered. A client has a few secrets and a series of tokens.
const MAX_SECRETS: usize = 64;

/// The secrets that a client sent, which servers may repeat.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Values of `Authorization` and tokens, most recent last.
    authorizations: Vec<Arc<KnownSecret>>,
    /// Values that may or may not be secret, such as custom headers.
    possible_secrets: Vec<Arc<KnownSecret>>,
}

/// A secret with its encodings, which are computed once because every excerpt is searched for them.
struct KnownSecret {
    secret: Secret,
    encodings: Vec<String>,
}

impl Redactor {
    /// Creates a redactor that knows `values`.
    pub(crate) fn new(values: impl IntoIterator<Item = Secret>) -> Self {
        let mut redactor = Self::default();
        for value in values {
            redactor.add_value(&value.expose());
        }
        redactor
    }

    /// Adds the value of a header that may contain a secret.
    pub(crate) fn add_header(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("Authorization") {
            self.add_authorization(value);
        } else {
            self.add_value(value);
        }
    }

    /// Adds the value of an `Authorization` header, and the password in it.
    fn add_authorization(&mut self, value: &str) {
        let (scheme, secret) = value.split_once(' ').unwrap_or(("", value));
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(pair) = STANDARD.decode(secret)
            && let Some((_, password)) = String::from_utf8_lossy(&pair).split_once(':')
        {
            // A password may be a common word, so its occurrence in a URL proves nothing.
            remember(&mut self.possible_secrets, password);
        }
        remember(&mut self.authorizations, secret);
    }

    /// Adds a token.
    pub(crate) fn add_token(&mut self, token: &str) {
        remember(&mut self.authorizations, token);
    }

    /// Adds a value that may be a secret.
    pub(crate) fn add_value(&mut self, value: &str) {
        remember(&mut self.possible_secrets, value);
    }

    /// Whether `url` contains an `Authorization` value or token that this client sent.
    pub(crate) fn has_authorization_in(&self, url: &str) -> bool {
        self.authorizations
            .iter()
            .filter(|known| known.secret.expose_bytes().len() >= MIN_UNMISTAKABLE_BYTES)
            .flat_map(|known| &known.encodings)
            .any(|encoding| url.contains(encoding))
    }

    /// Replaces every known secret in `text` by `*****`.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut found: Vec<&String> = self
            .authorizations
            .iter()
            .chain(&self.possible_secrets)
            .flat_map(|known| &known.encodings)
            .filter(|encoding| text.contains(*encoding))
            .collect();
        // One secret may contain another one.
        found.sort_by_key(|encoding| std::cmp::Reverse(encoding.len()));
        found.iter().fold(text.to_owned(), |text, encoding| {
            text.replace(*encoding, REDACTED_SECRET)
        })
    }

    /// Same as [`excerpt`], without the known secrets.
    pub(crate) fn excerpt(&self, text: &str, max_chars: usize) -> String {
        truncate(redact_urls(&self.redact(&single_line(text))), max_chars)
    }
}

const REDACTED_SECRET: &str = "*****";

fn remember(secrets: &mut Vec<Arc<KnownSecret>>, secret: &str) {
    if secret.len() < MIN_SECRET_BYTES {
        return;
    }
    let position = secrets
        .iter()
        .position(|known| known.secret.expose_bytes() == secret.as_bytes());
    let known = match position {
        Some(index) => secrets.remove(index),
        None => Arc::new(KnownSecret {
            secret: secret.into(),
            encodings: encodings(secret),
        }),
    };
    secrets.push(known);
    if secrets.len() > MAX_SECRETS {
        secrets.remove(0);
    }
}

/// The forms in which a server may repeat a secret: plain, percent-encoded, base64url and JSON.
fn encodings(secret: &str) -> Vec<String> {
    // Some servers drop the base64 padding of a token.
    let plain = secret.trim_end_matches('=');
    let component = encode_component(plain);
    let json = serde_json::Value::from(plain).to_string();
    let json = json.trim_matches('"').to_owned();
    // In a path, a question mark or hash ends the secret.
    let start = plain.split(['?', '#']).next().unwrap_or_default();
    let mut all = vec![
        with_lowercase_escapes(&component),
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

/// Lowercases percent escapes: `a%2Fb` becomes `a%2fb`.
fn with_lowercase_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let (digits, rest) = part.split_at(2.min(part.len()));
        format!("{all}%{}{rest}", digits.to_ascii_lowercase())
    })
}

/// Query parameters of the registry protocol whose values are not secret.
const PUBLIC_PARAMETERS: [&str; 11] = [
    "artifactType",
    "digest",
    "digest-algorithm",
    "from",
    "last",
    "mount",
    "n",
    "ns",
    "scope",
    "service",
    "tag",
];

/// Replaces the values of all query parameters but [`PUBLIC_PARAMETERS`] by `REDACTED`.
pub(crate) fn redact_query(query: &str) -> String {
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        };
        match value {
            Some(value) if PUBLIC_PARAMETERS.contains(&name) && is_single_value(value) => {
                parameter.to_owned()
            }
            Some(_) if is_parameter_name(name) => format!("{name}=REDACTED"),
            None if parameter.is_empty() => String::new(),
            // A parameter without `=` may be a token as a whole.
            Some(_) | None => "REDACTED".to_owned(),
        }
    });
    parameters.collect::<Vec<_>>().join("&")
}

/// Whether `value` contains no separator of further parameters, neither `;` nor an encoded `&`.
fn is_single_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%:/,+@*".contains(&byte))
}

/// Whether `name` looks like the name of a parameter. A longer string, or one with other
/// characters, may be a token.
fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 32
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Removes user information, query values and fragments from all URLs in `text`.
pub(crate) fn redact_urls(text: &str) -> String {
    let is_delimiter =
        |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '<' | '>');
    text.split_inclusive(is_delimiter)
        .map(|word| {
            let (word, delimiter) = word.split_at(word.trim_end_matches(is_delimiter).len());
            redact_url(word) + delimiter
        })
        .collect()
}

/// Same as [`redact_urls`], for text without white space and quotes.
fn redact_url(word: &str) -> String {
    let Some(start) = word.find('/') else {
        return word.to_owned();
    };
    let end = word[start..]
        .find(['?', '#'])
        .map_or(word.len(), |end| start + end);
    let (path, rest) = word.split_at(end);
    let mut parts = path.split("://");
    let mut redacted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('/').unwrap_or(part.len());
        let host = part[..end].rfind('@').map_or(0, |at| at + 1);
        redacted.push_str(if host > 0 { "://…@" } else { "://" });
        redacted.push_str(&part[host..]);
    }
    let (query, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    if let Some(query) = query.strip_prefix('?') {
        redacted.push('?');
        redacted.push_str(&redact_query(query));
    }
    if !fragment.is_empty() {
        redacted.push_str("#…");
    }
    redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_line_of_limited_length() {
        for (text, wanted) in [
            (" a\nb\tc ", "a b c"),
            ("\u{1b}[31mred\u{9b}0m\u{7f}", "[31mred0m"),
            ("\u{202e}txt.exe\u{200b}", "txt.exe"),
            ("äöü日本語x", "äöü日本語x"),
            ("0123456789a", "0123456789…"),
        ] {
            assert_eq!(excerpt(text, 10), wanted, "{text:?}");
        }
    }

    #[test]
    fn known_secrets_are_redacted_in_every_encoding() {
        let mut redactor = Redactor::default();
        // me:pa/ss+w?ord~~ contains characters that each encoding writes differently.
        redactor.add_authorization("Basic bWU6cGEvc3Mrdz9vcmR+fg==");
        redactor.add_value("key=a/b c\"d");
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
            let shown = redactor.excerpt(&format!("no: {text}."), 100);
            assert!(shown.contains("*****"), "{text}: {shown}");
            for secret in ["bWU6", "ss", "c\"d", "c%22d"] {
                assert!(!shown.contains(secret), "{text}: {shown}");
            }
        }
        assert_eq!(redactor.excerpt("no secret", 100), "no secret");
    }

    #[test]
    fn truncation_leaves_no_part_of_a_secret() {
        let mut redactor = Redactor::default();
        redactor.add_token("0123456789abcdef");
        assert_eq!(redactor.excerpt("at 0123456789abcdef", 7), "at ****…");
    }

    #[test]
    fn a_url_with_a_token_is_detected_but_not_one_with_a_common_word() {
        let mut redactor = Redactor::default();
        redactor.add_authorization("Basic bWU6cmVnaXN0cnk=");
        redactor.add_value("storage.example.com");
        assert!(redactor.has_authorization_in("https://a/x?b=bWU6cmVnaXN0cnk%3D"));
        assert!(!redactor.has_authorization_in("https://storage.example.com/registry"));
    }

    #[test]
    fn short_secrets_and_old_secrets_are_not_remembered() {
        let mut redactor = Redactor::default();
        redactor.add_value("a");
        assert_eq!(redactor.redact("a bad day"), "a bad day");
        for number in 0..1000 {
            redactor.add_token(&format!("token-number-{number:04}"));
            redactor.add_authorization("Basic bWU6cmVnaXN0cnk=");
        }
        assert!(redactor.authorizations.len() <= MAX_SECRETS);
        assert_eq!(redactor.redact("bWU6cmVnaXN0cnk="), "*****=");
    }

    #[test]
    fn urls_in_text_are_redacted() {
        for (text, wanted) in [
            ("no address here?", "no address here?"),
            ("https://r/x", "https://r/x"),
            (
                "GET \"https://s3/x?X-Amz-Signature=canary&n=1\": no",
                "GET \"https://s3/x?X-Amz-Signature=REDACTED&n=1\": no",
            ),
            (
                "Bearer realm=\"/token?key=canary\",service=\"s\"",
                "Bearer realm=\"/token?key=REDACTED\",service=\"s\"",
            ),
            (
                "Bearer realm=https://me:canary@r/t,x=http://canary@s",
                "Bearer realm=https://…@r/t,x=http://…@s",
            ),
            (
                "see </a#canary> and\n/b?canary",
                "see </a#…> and\n/b?REDACTED",
            ),
            (
                "{\"u\":\"http:\\/\\/h\\/?s=canary\"}",
                "{\"u\":\"http:\\/\\/h\\/?s=REDACTED\"}",
            ),
        ] {
            assert_eq!(redact_urls(text), wanted);
        }
    }
}
