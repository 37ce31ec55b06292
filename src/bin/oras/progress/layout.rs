//! Lines of the progress display, fitted to the width of the terminal.

#[cfg(feature = "progress")]
use unicode_width::UnicodeWidthChar as _;

/// Maximum number of characters of a name that are considered: no terminal shows more.
const MAX_NAME_CHARS: usize = 1000;

/// The characters and colours that a terminal shows.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// Whether the terminal has colours, and the user wants them.
    pub(crate) is_coloured: bool,
    /// Whether the locale of the process has only ASCII characters for certain.
    pub(crate) is_ascii: bool,
}

impl Style {
    /// Adds a colour if the terminal has colours.
    pub(crate) fn coloured(self, text: &str, colour: &str) -> String {
        if self.is_coloured {
            format!("{colour}{text}\x1b[m")
        } else {
            text.to_owned()
        }
    }

    const fn ellipsis(self) -> &'static str {
        if self.is_ascii { "..." } else { "…" }
    }

    /// Removes characters that would move the cursor, or would make the width of the name differ
    /// from the sum of its characters' widths. Replaces those that the locale does not have.
    pub(super) fn sanitize(self, name: &str) -> String {
        let is_shown = |character: &char| {
            !character.is_control()
                && !matches!(
                    character,
                    '\u{61c}'
                        | '\u{200b}'..='\u{200f}'
                        | '\u{2028}'..='\u{202e}'
                        | '\u{2060}'..='\u{206f}'
                        | '\u{fe00}'..='\u{fe0f}'
                        | '\u{feff}'
                        | '\u{e0000}'..='\u{e007f}'
                )
        };
        let shown = |character: char| {
            if self.is_ascii && !character.is_ascii() {
                '?'
            } else {
                character
            }
        };
        let name = name.chars().filter(is_shown).map(shown);
        name.take(MAX_NAME_CHARS).collect()
    }

    /// Pads text to the width, or truncates it with an ellipsis at the end.
    fn fit(self, text: &str, width: usize) -> String {
        let columns = columns(text);
        if columns <= width {
            return format!("{text}{:1$}", "", width - columns);
        }
        let ellipsis = self.ellipsis();
        let room = width.saturating_sub(ellipsis.chars().count());
        let mut used = 0;
        let kept = text.chars().take_while(|character| {
            used += cells(*character);
            used <= room
        });
        let kept: String = kept.collect();
        let shortened = format!("{}{ellipsis}", kept.trim_end());
        let shortened: String = shortened.chars().take(width).collect();
        let padding = width.saturating_sub(self::columns(&shortened));
        format!("{shortened}{:padding$}", "")
    }

    /// Returns a line of `width` columns: a mark of one column in its colour, text, and
    /// right-aligned amounts. Blanks at its end are removed.
    pub(super) fn line(
        self,
        width: usize,
        mark: (&str, &str),
        text: &str,
        amounts: &str,
    ) -> String {
        let (mark, colour) = mark;
        let amounts = match amounts {
            "" => String::new(),
            amounts => format!(" {amounts}"),
        };
        let room = width.saturating_sub(2 + columns(&amounts));
        let rest = format!(" {}{amounts}", self.fit(text, room));
        let rest: String = rest.chars().take(width.saturating_sub(1)).collect();
        self.coloured(mark, colour) + rest.trim_end()
    }
}

/// The number of columns that text takes, without control characters.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(cells).sum()
}

/// The number of columns that a character takes.
#[cfg(feature = "progress")]
fn cells(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// A build without the progress display fits no lines.
#[cfg(not(feature = "progress"))]
const fn cells(_: char) -> usize {
    1
}

/// A bar of this width between its ends, as in `[====>     ]`.
pub(super) fn bar(done: u64, total: u64, width: usize) -> String {
    let cells = u128::from(done) * width as u128 / u128::from(total.max(1));
    let cells = usize::try_from(cells).unwrap_or(width).min(width);
    let head = if cells < width { ">" } else { "" };
    format!("[{}{head:1$}]", "=".repeat(cells), width - cells)
}

#[cfg(feature = "progress")]
#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style {
        is_coloured: false,
        is_ascii: false,
    };
    const ASCII: Style = Style {
        is_ascii: true,
        ..PLAIN
    };

    #[test]
    fn control_and_format_characters_are_removed_from_names() {
        for (name, wanted) in [
            ("plain name.txt", "plain name.txt"),
            ("文字 é 👍", "文字 é 👍"),
            ("\x1b[2J\r\n\t\u{9b}m", "[2Jm"),
            ("a\u{202e}b\u{200d}c\u{fe0f}d\u{feff}", "abcd"),
        ] {
            assert_eq!(PLAIN.sanitize(name), wanted, "{name:?}");
        }
        assert_eq!(ASCII.sanitize("文é.txt"), "??.txt");
        assert_eq!(PLAIN.sanitize(&"x".repeat(1_000_000)).len(), MAX_NAME_CHARS);
    }

    #[test]
    fn long_names_end_in_an_ellipsis() {
        for (style, text, width, wanted) in [
            (PLAIN, "name", 6, "name  "),
            (PLAIN, "name", 4, "name"),
            (PLAIN, "name", 3, "na…"),
            (PLAIN, "文字文字", 6, "文字… "),
            (PLAIN, "文字文字", 5, "文字…"),
            (PLAIN, "文字文字", 4, "文… "),
            (PLAIN, "a name", 3, "a… "),
            (PLAIN, "name", 1, "…"),
            (PLAIN, "name", 0, ""),
            (ASCII, "long name", 7, "long..."),
            (ASCII, "name", 2, ".."),
        ] {
            let fitted = style.fit(text, width);
            assert_eq!(fitted, wanted, "{text} {width}");
            assert_eq!(columns(&fitted), width, "{text} {width}");
        }
    }

    #[test]
    fn lines_have_their_amounts_at_the_right() {
        let coloured = Style {
            is_coloured: true,
            ..PLAIN
        };
        let mark = ("✓", "\x1b[32m");
        for (style, width, amounts, wanted) in [
            (PLAIN, 20, "5%", "✓ Pulled name     5%"),
            (coloured, 20, "5%", "\x1b[32m✓\x1b[m Pulled name     5%"),
            (PLAIN, 20, "", "✓ Pulled name"),
            (PLAIN, 14, "5%", "✓ Pulled n… 5%"),
            (PLAIN, 1, "", "✓"),
            (PLAIN, 2, "", "✓"),
        ] {
            let line = style.line(width, mark, "Pulled name", amounts);
            assert_eq!(line, wanted);
        }
    }

    #[test]
    fn a_bar_grows_with_the_bytes() {
        for (done, total, wanted) in [
            (0, 0, "[>    ]"),
            (0, 10, "[>    ]"),
            (9, 10, "[====>]"),
            (10, 10, "[=====]"),
            (11, 10, "[=====]"),
            (u64::MAX, u64::MAX, "[=====]"),
        ] {
            assert_eq!(bar(done, total, 5), wanted, "{done} of {total}");
        }
    }
}
