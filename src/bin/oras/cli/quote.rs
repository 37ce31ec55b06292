//! Quoting of user input, same as in Go's `strconv`.
//!
//! Owns the three notations in messages of the reference client. Must not know the messages.

/// `"…"`, with non-printable characters escaped.
pub(crate) fn double(text: &str) -> String {
    format!("\"{}\"", escaped(text, '"'))
}

/// `'c'`
pub(crate) fn single(character: char) -> String {
    format!("'{}'", escaped(character.encode_utf8(&mut [0; 4]), '\''))
}

/// Between backquotes if possible, otherwise same as [`double`].
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
    // std knows which characters are printable, but exposes it only through `escape_debug`. That
    // escapes quotes too, and combining characters unless they follow another character.
    matches!(c, '"' | '\'') || format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_printable_characters_are_escaped() {
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
    fn single_quotes_a_character() {
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
    fn backquotes_are_used_if_possible() {
        assert_eq!(back("foo"), "`foo`");
        assert_eq!(back("a`b"), "\"a`b\"");
        assert_eq!(back("a\nb"), r#""a\nb""#);
    }
}
