//! JSON read as leniently as by Go's decoder, which users' files and helper programs are written
//! for.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::text::json::edit::Object;

/// Decodes text in UTF-8 or, behind a byte order mark, in UTF-16. Invalid bytes are replaced by
/// U+FFFD.
///
/// PowerShell writes a byte order mark, and version 5 writes UTF-16.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|unit_bytes| match *unit_bytes {
            [first, second] => unit([first, second]),
            _ => u16::from(b'?'),
        });
        char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes).into(),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes).into(),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8_lossy(rest),
    }
}

/// Returns the text of the first JSON value in `text`, or an empty text if there is none. Text
/// behind the value is ignored.
pub(super) fn first_value(text: &str) -> serde_json::Result<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values
        .next()
        .map_or(Ok(""), |value| value.map(RawValue::get))
}

/// Returns the string value of a field, or an empty string if the field is missing or null.
///
/// Case is ignored in the name. Of several fields with this name, the last one is used.
pub(super) fn string_field(object: &Object, name: &str) -> Result<String, String> {
    let fields = object
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name));
    string(fields.last().map(|(_, value)| value))
        .map_err(|()| format!("\"{name}\" is not a string"))
}

/// Parses a string. A missing value or null is an empty string.
pub(super) fn string(value: Option<&str>) -> Result<String, ()> {
    serde_json::from_str::<Option<String>>(value.unwrap_or("null"))
        .map(Option::unwrap_or_default)
        .map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_are_recognized() {
        for (bytes, wanted) in [
            (&b"{}"[..], "{}"),
            (b"", ""),
            (b"\xef\xbb\xbf{}", "{}"),
            (b"\xef\xbb\xbf", ""),
            (b"\xff\xfe{\0\xe4\0}\0", "{\u{e4}}"),
            (b"\xff\xfe{\0=\xd8\0\xde}\0", "{\u{1f600}}"),
            (b"\xff\xfe{\0\0\xd8}\0}", "{\u{fffd}}?"),
            (b"\xfe\xff\0{\0}", "{}"),
            (b"{\xe4}", "{\u{fffd}}"),
        ] {
            assert_eq!(decode(bytes), wanted, "{bytes:?}");
        }
    }

    #[test]
    fn text_behind_the_first_value_is_ignored() {
        for (text, wanted) in [
            ("", Some("")),
            (" \n", Some("")),
            (" {\"a\": 1} \n", Some("{\"a\": 1}")),
            ("{\"a\": 1} x", Some("{\"a\": 1}")),
            ("{}{}", Some("{}")),
            ("null", Some("null")),
            ("{\"a\": 1,}", None),
            ("x {}", None),
            ("{", None),
        ] {
            assert_eq!(first_value(text).ok(), wanted, "{text:?}");
        }
    }

    #[test]
    fn names_of_fields_ignore_case() {
        for (object, wanted) in [
            (r#"{"Auth":"a"}"#, Some("a")),
            (r#"{"auth":"a","AUTH":"b"}"#, Some("b")),
            (r#"{"AUTH":"b","auth":"a"}"#, Some("a")),
            (r#"{"auth":null}"#, Some("")),
            (r#"{"auths":"a"}"#, Some("")),
            (r#"{"Auth":1}"#, None),
        ] {
            let object = Object::parse(object).unwrap();
            assert_eq!(string_field(&object, "auth").ok().as_deref(), wanted);
        }
    }
}
