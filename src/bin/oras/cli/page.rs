//! Pages of text, which are laid out for the width that they are printed in.
//!
//! Names of flags, commands and variables stay in one piece, and so does every example: a line that
//! is too long continues behind a backslash, and can be copied.

/// Space between the columns of a table.
const GAP: usize = 3;
/// Space between a command and its description.
const COMMAND_GAP: usize = 1;
/// Least width of a page. A narrower terminal wraps lines itself.
const MIN_WIDTH: usize = 40;

/// A page: parts with empty lines between them.
#[derive(Debug, Default)]
pub(crate) struct HelpPage(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// Text whose lines are wrapped.
    Prose(String),
    /// Text that is printed unchanged.
    Literal(String),
    /// A title, and indented below it a command line.
    Command(String, String),
    /// A title, and rows of two columns with this gap.
    Table(String, Vec<(String, String)>, usize),
}

impl HelpPage {
    /// Adds text whose lines are wrapped.
    pub(super) fn prose(&mut self, text: impl Into<String>) {
        self.0.push(Part::Prose(text.into()));
    }

    /// Adds text that is printed unchanged.
    pub(super) fn literal(&mut self, text: impl Into<String>) {
        self.0.push(Part::Literal(text.into()));
    }

    /// Adds a command line below a title.
    pub(super) fn command(&mut self, title: String, line: &str) {
        self.0.push(Part::Command(title, line.to_owned()));
    }

    /// Adds terms with their meaning.
    pub(super) fn table(&mut self, title: &str, rows: Vec<(String, String)>) {
        self.0.push(Part::Table(title.to_owned(), rows, GAP));
    }

    /// Adds commands with their description.
    pub(super) fn commands(&mut self, title: &str, rows: Vec<(String, String)>) {
        self.0
            .push(Part::Table(title.to_owned(), rows, COMMAND_GAP));
    }

    /// Adds the parts of another page.
    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Returns the text for this number of columns.
    pub(crate) fn render(&self, width: usize) -> String {
        let width = width.max(MIN_WIDTH);
        let parts = self.0.iter().map(|part| match part {
            Part::Prose(text) => wrapped(text, width, "") + "\n",
            Part::Literal(text) => text.clone(),
            Part::Command(title, line) => {
                format!("{}\n{}", wrapped(title, width, ""), command(line, width))
            }
            Part::Table(title, rows, gap) => format!("{title}:\n{}", table(rows, *gap, width)),
        });
        parts.collect::<Vec<_>>().join("\n")
    }
}

/// Lays out rows of two columns. A term that takes much of the width has a line of its own.
fn table(rows: &[(String, String)], gap: usize, width: usize) -> String {
    let columns = rows.iter().map(|(term, _)| term.chars().count());
    let first = columns.max().unwrap_or(0).min(width * 2 / 5);
    let indent = " ".repeat(2 + first + gap);
    let row = |(term, meaning): &(String, String)| {
        let meaning = wrapped(meaning, width - indent.len(), &indent);
        if term.chars().count() > first {
            format!("  {}\n{indent}{meaning}\n", wrapped(term, width - 2, "  "))
        } else {
            format!("  {term:0$}{meaning}\n", first + gap)
        }
    };
    rows.iter().map(row).collect()
}

/// Wraps each line of a text to the width. The lines after the first one get the indentation. A
/// line of a list, `term:  meaning`, is indented up to its meaning, unless the term takes most of
/// the width.
fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let hanging = list_term(line).map_or(0, |term| term.chars().count());
        let hanging = if hanging * 3 > width * 2 { 2 } else { hanging };
        let mut rest = line;
        let mut first = true;
        while !rest.is_empty() || first {
            let before = if first { 0 } else { hanging };
            // Programs look for flags at the beginning of lines.
            let may_split = |at: usize| !rest[at..].trim_start().starts_with('-');
            let (piece, after) = split(rest, width.saturating_sub(before), may_split);
            lines.push(format!("{:before$}{piece}", ""));
            rest = after;
            first = false;
        }
    }
    lines.join(&format!("\n{indent}"))
}

/// Returns the beginning of a line of a list: a term, and at least two blanks.
pub(super) fn list_term(line: &str) -> Option<&str> {
    let blanks = line.find("  ")?;
    let meaning = line[blanks..].find(|character| character != ' ')?;
    Some(&line[..blanks + meaning])
}

/// Lays out a command line with an indentation of two blanks. It is only split between arguments.
fn command(line: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut rest = line;
    let mut indent = 2;
    while rest.len() + indent > width {
        let is_quoted = |at: usize| {
            let before = &rest[..at];
            let single = before.matches('\'').count() % 2 == 1;
            single || before.matches('"').count() % 2 == 1
        };
        // The backslash and the blank before it need room.
        let (piece, after) = split(rest, width - indent - 2, |at| !is_quoted(at));
        if after.is_empty() {
            break;
        }
        lines.push(format!("{:indent$}{piece} \\\n", ""));
        rest = after;
        indent = 4;
    }
    lines.push(format!("{:indent$}{rest}\n", ""));
    lines.concat()
}

/// Splits text at the last blank that `may_split` accepts within the width, or else at the first
/// one behind it.
fn split(text: &str, width: usize, may_split: impl Fn(usize) -> bool) -> (&str, &str) {
    if text.chars().count() <= width {
        return (text, "");
    }
    let mut best = None;
    for (column, (at, character)) in text.char_indices().enumerate() {
        if character != ' ' || text[..at].trim().is_empty() || !may_split(at) {
            continue;
        }
        if column <= width || best.is_none() {
            best = Some(at);
        }
        if column > width {
            break;
        }
    }
    best.map_or((text, ""), |at| {
        (text[..at].trim_end(), text[at..].trim_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> HelpPage {
        let mut page = HelpPage::default();
        page.prose("Some words that are wrapped at forty columns and no more.");
        page.command(
            "Example:".to_owned(),
            "oras push --title 'a b c d e f' localhost:5000/hello:v1 -",
        );
        page.table(
            "Flags",
            vec![
                (
                    "-a, --all".to_owned(),
                    "everything that there is".to_owned(),
                ),
                (
                    "--a-long-name string".to_owned(),
                    "kinds:\n'a':  the first kind of all".to_owned(),
                ),
            ],
        );
        page.literal("A literal line is never wrapped, whatever its length is.\n");
        page
    }

    #[test]
    fn a_page_is_wrapped_to_the_width() {
        let narrow = r"Some words that are wrapped at forty
columns and no more.

Example:
  oras push --title 'a b c d e f' \
    localhost:5000/hello:v1 -

Flags:
  -a, --all          everything that
                     there is
  --a-long-name string
                     kinds:
                     'a':  the first
                           kind of all

A literal line is never wrapped, whatever its length is.
";
        assert_eq!(page().render(40), narrow);
        assert_eq!(page().render(1), narrow);
        let wide = r"Some words that are wrapped at forty columns and no more.

Example:
  oras push --title 'a b c d e f' localhost:5000/hello:v1 -

Flags:
  -a, --all              everything that there is
  --a-long-name string   kinds:
                         'a':  the first kind of all

A literal line is never wrapped, whatever its length is.
";
        assert_eq!(page().render(80), wide);
    }

    #[test]
    fn a_long_term_of_a_list_leaves_room_for_its_meaning() {
        assert_eq!(
            wrapped(
                "'go-template':  the JSON object through a template",
                19,
                "  "
            ),
            "'go-template':  the\n    JSON object\n    through a\n    template"
        );
    }

    #[test]
    fn quoted_arguments_stay_in_one_piece() {
        let quoted =
            "oras pull --format go-template='{{range .files}}{{println .path}}{{end}}' hello";
        assert_eq!(
            command(quoted, 40),
            "  oras pull --format \\\n    go-template='{{range .files}}{{println .path}}{{end}}' \\\n    hello\n"
        );
        assert_eq!(
            command("one-word-that-is-longer-than-the-width", 10),
            "  one-word-that-is-longer-than-the-width\n"
        );
    }
}
