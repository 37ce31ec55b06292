//! A terminal emulator for the escape sequences that the progress display uses.
//!
//! Other escape sequences are failures, so that no unintended one reaches a terminal.

use std::fmt;

/// The screen after all output.
pub struct Screen {
    columns: usize,
    /// All lines, including those scrolled out.
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// Whether the cursor is visible.
    pub shows_cursor: bool,
    /// Whether long lines wrap instead of being cut.
    pub wraps: bool,
    /// Number of wrapped lines.
    pub wrapped: Vec<String>,
    /// The line with the cursor, each time the cursor became visible.
    pub frames: Vec<String>,
    /// Number of coloured characters.
    pub coloured: usize,
}

/// The second cell of a wide character.
const HALF: char = '\0';

impl Screen {
    /// Renders `text` on a screen with `columns` columns.
    #[track_caller]
    pub fn showing(text: &str, columns: usize) -> Self {
        let mut screen = Self {
            columns,
            rows: vec![Vec::new()],
            row: 0,
            column: 0,
            shows_cursor: true,
            wraps: true,
            wrapped: Vec::new(),
            frames: Vec::new(),
            coloured: 0,
        };
        let mut rest = text;
        let mut is_coloured = false;
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            match character {
                '\r' => screen.column = 0,
                '\n' => screen.next_row(),
                '\x1b' => {
                    let end = rest
                        .find(char::is_alphabetic)
                        .expect("an escape sequence is complete");
                    let (sequence, after) = rest.split_at(end + 1);
                    rest = after;
                    match sequence {
                        "[J" => screen.clear(),
                        "[?25l" => screen.shows_cursor = false,
                        "[?25h" => {
                            screen.shows_cursor = true;
                            screen.frames.push(screen.line(screen.row));
                        }
                        "[?7l" => screen.wraps = false,
                        "[?7h" => screen.wraps = true,
                        "[m" => is_coloured = false,
                        colour if colour.ends_with('m') => is_coloured = true,
                        other => panic!("unexpected escape sequence {other:?} in {text:?}"),
                    }
                }
                other if other.is_control() => {
                    panic!("unexpected escape sequence {other:?} in {text:?}")
                }
                other => {
                    screen.coloured += usize::from(is_coloured);
                    screen.put(other);
                }
            }
        }
        screen
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = (0..self.rows.len()).map(|row| self.line(row)).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    fn line(&self, row: usize) -> String {
        let characters = self.rows[row].iter().filter(|it| **it != HALF);
        let line: String = characters.collect();
        line.trim_end().to_owned()
    }

    fn put(&mut self, character: char) {
        let width = width(character);
        if self.column + width > self.columns && !self.wraps {
            self.column = self.columns.saturating_sub(width);
        } else if self.column + width > self.columns {
            self.wrapped.push(self.line(self.row));
            self.next_row();
            self.column = 0;
        }
        let row = &mut self.rows[self.row];
        row.resize(row.len().max(self.column + width), ' ');
        row[self.column] = character;
        if width == 2 {
            row[self.column + 1] = HALF;
        }
        self.column += width;
    }

    fn next_row(&mut self) {
        self.row += 1;
        self.rows
            .resize(self.rows.len().max(self.row + 1), Vec::new());
    }

    fn clear(&mut self) {
        self.rows[self.row].truncate(self.column);
        self.rows.truncate(self.row + 1);
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#?}, drawn: {:#?}", self.lines(), self.frames)
    }
}

/// The number of columns of a character, for the characters that tests use.
const fn width(character: char) -> usize {
    let is_wide = matches!(
        character,
        '\u{1100}'..='\u{115f}'
            | '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{ff00}'..='\u{ff60}'
            | '\u{1f300}'..='\u{1faff}'
    );
    if is_wide { 2 } else { 1 }
}
