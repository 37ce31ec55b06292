//! JSON in the form of Go's `encoding/json`.
//!
//! Digests depend on bytes, so new documents must equal those of other OCI tools: compact, fields
//! in the order of their structs, maps sorted by key, and `<`, `>`, `&`, U+2028 and U+2029 escaped.

mod annotations;
pub(crate) mod edit;
mod unicode;
mod value;

pub use self::annotations::Annotations;
pub(crate) use self::unicode::from_slice;
pub(crate) use self::value::any;
pub use self::value::parse;

use std::io::{self, Write};

use serde::ser::Serialize;
use serde::{Deserialize, Deserializer};
use serde_json::ser::{Formatter, Serializer};

use crate::limits::MAX_INDENTED_DEPTH;

/// Serialises `value` compactly, with no newline at the end.
///
/// # Panics
///
/// If a map key is not a string. The types of this library have string keys only.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut out, Canonical))
        .expect("writing to memory does not fail, and keys are strings");
    out
}

/// Whether `document` is a whole JSON value.
pub(crate) fn is_complete(document: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(document).is_ok()
}

/// Re-indents a JSON document by two spaces a level, changing nothing but the white space between
/// its tokens.
///
/// Numbers, escapes and unknown members stay as they were written. There is no newline at the end.
///
/// # Errors
///
/// An error if `document` is not JSON, or is nested deeper than 128 levels.
pub fn indent(document: &[u8]) -> serde_json::Result<Vec<u8>> {
    indent_by("  ", document)
}

/// Same as [`indent`], with `unit` for each level.
pub(crate) fn indent_by(unit: &str, document: &[u8]) -> serde_json::Result<Vec<u8>> {
    serde_json::from_slice::<serde::de::IgnoredAny>(document)?;
    let mut out = Vec::with_capacity(document.len() * 2);
    let mut depth = 0;
    let mut rest = document;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                let end = string_end(rest);
                out.push(b'"');
                out.extend_from_slice(&rest[..end]);
                rest = &rest[end..];
            }
            b'{' | b'[' => {
                out.push(byte);
                let inside = rest.trim_ascii_start();
                if inside.first() == Some(&(byte + 2)) {
                    out.push(byte + 2);
                    rest = &inside[1..];
                } else {
                    depth += 1;
                    if depth > MAX_INDENTED_DEPTH {
                        return Err(serde::de::Error::custom(format!(
                            "nested deeper than {MAX_INDENTED_DEPTH} levels"
                        )));
                    }
                    new_line(&mut out, unit, depth);
                }
            }
            b'}' | b']' => {
                depth -= 1;
                new_line(&mut out, unit, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(&mut out, unit, depth);
            }
            b':' => out.extend_from_slice(b": "),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Returns the end of the string that starts at `rest`, with its closing quote. The document is
/// valid JSON.
fn string_end(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (index, &byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

fn new_line(out: &mut Vec<u8>, unit: &str, depth: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(unit.as_bytes(), depth).flatten());
}

/// Reads `null` as the empty value. Go tools write `null` for empty lists and maps.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads annotations. `null` instead of a value is an empty string, as Go reads it.
pub(crate) fn annotations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Annotations, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

struct Canonical;

impl Formatter for Canonical {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut written = 0;
        for (index, character) in fragment.char_indices() {
            let escape: &[u8] = match character {
                '<' => br"\u003c",
                '>' => br"\u003e",
                '&' => br"\u0026",
                '\u{2028}' => br"\u2028",
                '\u{2029}' => br"\u2029",
                _ => continue,
            };
            writer.write_all(&fragment.as_bytes()[written..index])?;
            writer.write_all(escape)?;
            written = index + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_the_reference_encoder_does() {
        let value = "a<b>&\"c\"\\d\t\u{1}\u{7f}\u{2028}é/";
        assert_eq!(
            to_vec(value),
            "\"a\\u003cb\\u003e\\u0026\\\"c\\\"\\\\d\\t\\u0001\u{7f}\\u2028é/\"".as_bytes()
        );
    }

    #[test]
    fn keys_are_escaped_and_sorted_by_their_bytes() {
        let map = Annotations::from([("k<", "1"), ("Z", "2"), ("a", "3")]);
        assert_eq!(to_vec(&map), br#"{"Z":"2","a":"3","k\u003c":"1"}"#);
    }

    #[test]
    fn indenting_changes_only_white_space() {
        let document = br#" {"a":[1.50,{"b" : "x, {\"y\": 1}"}],"c":{ },"d":[
        ],"e":null} "#;
        let wanted = r#"{
  "a": [
    1.50,
    {
      "b": "x, {\"y\": 1}"
    }
  ],
  "c": {},
  "d": [],
  "e": null
}"#;
        assert_eq!(
            String::from_utf8(indent(document).unwrap()).unwrap(),
            wanted
        );
        assert!(indent(b"{").is_err());
        assert!(indent(b"{}{}").is_err());
        let nested = |depth| "[".repeat(depth) + "0" + &"]".repeat(depth);
        assert!(indent(nested(128).as_bytes()).is_ok());
        assert!(indent(nested(129).as_bytes()).is_err());
    }
}
