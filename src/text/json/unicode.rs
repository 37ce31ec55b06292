//! JSON documents with text that is not Unicode.

use std::iter;

use serde::de::DeserializeOwned;

/// Parses a document. Where it has text that is not Unicode, U+FFFD is read instead, as Go does:
/// other tools write file names in any encoding.
///
/// # Errors
///
/// An error if the document is not JSON otherwise, or not a `T`.
pub(crate) fn from_slice<T: DeserializeOwned>(document: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(document).or_else(|error| {
        let unicode = to_unicode(document);
        if unicode.as_bytes() == document {
            return Err(error);
        }
        serde_json::from_str(&unicode)
    })
}

/// Replaces bytes that are not UTF-8, and escapes of lone surrogates.
fn to_unicode(document: &[u8]) -> String {
    let mut text = String::with_capacity(document.len());
    for chunk in document.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(iter::repeat_n('\u{fffd}', chunk.invalid().len()));
    }
    let mut unicode = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        unicode.push_str(before);
        let is_low = |unit| matches!(unit, 0xdc00..=0xdfff);
        let length = match unit(escape) {
            Some(0xd800..=0xdbff) if unit(&escape[6..]).is_some_and(is_low) => 12,
            Some(0xd800..=0xdfff) => {
                unicode.push('\u{fffd}');
                rest = &escape[6..];
                continue;
            }
            _ => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        unicode.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    unicode.push_str(rest);
    unicode
}

/// The UTF-16 code unit of the escape `\uXXXX` at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_unicode_is_replaced() {
        for (document, text) in [
            (&br#""a\u00e9\ud83d\ude00""#[..], Some("aé😀")),
            (br#""a\udce9b""#, Some("a\u{fffd}b")),
            (br#""\ud83d\u0041""#, Some("\u{fffd}A")),
            (br#""\ud83d\ud83d\ude00""#, Some("\u{fffd}😀")),
            (br#""\ud83d""#, Some("\u{fffd}")),
            (br#""\\udce9\udce9""#, Some("\\udce9\u{fffd}")),
            (b"\"a\xe9\xe6\x97\"", Some("a\u{fffd}\u{fffd}\u{fffd}")),
            (b"\"a\xe9", None),
            (br#""\ud83d"#, None),
            (br#""\uzzzz""#, None),
            ("\"\\é\"".as_bytes(), None),
            (br#""\u+123""#, None),
        ] {
            let parsed = from_slice::<String>(document).ok();
            let shown = String::from_utf8_lossy(document);
            assert_eq!(parsed.as_deref(), text, "{shown}");
        }
    }
}
