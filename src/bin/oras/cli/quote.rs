//! Quoting of what the user typed, as Go's `strconv` does it.
//!
//! Owns three notations that messages of the reference client use. Must not know the messages.

/// `"…"`, with everything escaped that does not print.
pub(crate) fn double(text: &str) -> String {
    format!("\"{}\"", escaped(text, '"'))
}

/// `'c'`
pub(crate) fn single(character: char) -> String {
    format!("'{}'", escaped(character.encode_utf8(&mut [0; 4]), '\''))
}

/// Between backquotes if that is possible, otherwise as [`double`].
pub(crate) fn back(text: &str) -> String {
    if text.contains(|c: char| c == '`' || c == '\u{feff}' || (c.is_ascii_control() && c != '\t')) {
        double(text)
    } else {
        format!("`{text}`")
    }
}

fn escaped(text: &str, quote: char) -> String {
    text.chars().map(|c| escape(c, quote)).collect()
}

fn escape(c: char, quote: char) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0b' => "\\v".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ if c == quote => format!("\\{c}"),
        _ if prints(c) => c.to_string(),
        '\0'..='\x7f' => format!("\\x{:02x}", u32::from(c)),
        '\u{80}'..='\u{ffff}' => format!("\\u{:04x}", u32::from(c)),
        _ => format!("\\U{:08x}", u32::from(c)),
    }
}

fn prints(c: char) -> bool {
    // std knows which characters do not print, but shows it only by escaping them. Quotes are the exception it makes for
    // itself; combining characters it escapes unless they follow something.
    matches!(c, '"' | '\'') || format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_print_is_escaped() {
        for (text, quoted) in [
            ("", r#""""#),
            ("plain 'text'", r#""plain 'text'""#),
            ("a\nb\"\\\x1b\u{e9}\u{200b}", r#""a\nb\"\\\x1bé\u200b""#),
            ("\0\x7f\u{7}\t", r#""\x00\x7f\a\t""#),
            (
                "e\u{301}\u{1f980}\u{e0001}",
                "\"e\u{301}\u{1f980}\\U000e0001\"",
            ),
        ] {
            assert_eq!(double(text), quoted);
        }
    }

    #[test]
    fn a_character_is_quoted_like_a_text_of_its_own() {
        for (character, quoted) in [
            ('x', "'x'"),
            ('\n', r"'\n'"),
            ('\'', r"'\''"),
            ('"', "'\"'"),
            ('\u{c3}', "'Ã'"),
        ] {
            assert_eq!(single(character), quoted);
        }
    }

    #[test]
    fn backquotes_are_used_where_they_can_be() {
        assert_eq!(back("foo"), "`foo`");
        assert_eq!(back("a`b"), "\"a`b\"");
        assert_eq!(back("a\nb"), r#""a\nb""#);
    }
}
