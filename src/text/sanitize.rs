//! Untrusted text in messages: one line, bounded, without characters that control a terminal.

use std::fmt;

/// A writer that puts untrusted text on one line: line breaks and tabs become spaces, control
/// characters and invisible characters are dropped, and each piece is cut at 4096 characters.
pub(crate) struct SingleLineWriter<W>(pub(crate) W);

/// Limit of one written piece, in characters: the length of the longest path that Linux accepts.
const MAX_PIECE_CHARS: usize = 4096;

impl<W: fmt::Write> fmt::Write for SingleLineWriter<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some((end, _)) = text.char_indices().nth(MAX_PIECE_CHARS) {
            self.write_str(&text[..end])?;
            return self.0.write_char('…');
        }
        if text.chars().all(is_printable) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| match character {
            '\n' | '\r' | '\t' => self.0.write_char(' '),
            other if is_printable(other) => self.0.write_char(other),
            _ => Ok(()),
        })
    }
}

/// Returns `text` as one trimmed line: white space becomes spaces, control characters and invisible
/// characters are dropped.
pub(crate) fn single_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|character| match character {
            blank if blank.is_whitespace() => ' ',
            other => other,
        })
        .filter(|&character| is_printable(character))
        .collect();
    line.trim().to_owned()
}

/// Cuts `text` after `max_chars` characters and marks the cut with `…`.
pub(crate) fn truncate(text: String, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn is_printable(character: char) -> bool {
    !character.is_control() && !is_invisible(character)
}

/// Format characters (Unicode category `Cf`), which are not displayed but change how other
/// characters are displayed, such as their direction.
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn single_line_writer_drops_control_characters_and_cuts_long_pieces() {
        let mut line = String::new();
        SingleLineWriter(&mut line)
            .write_str("a\r\n\u{1b}b")
            .unwrap();
        assert_eq!(line, "a  b");
        line.clear();
        SingleLineWriter(&mut line)
            .write_str(&"é".repeat(10_000))
            .unwrap();
        assert_eq!(line, "é".repeat(MAX_PIECE_CHARS) + "…");
    }
}
