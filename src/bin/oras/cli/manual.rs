//! Manual pages in the man(7) format, made from the tables.
//!
//! Owns the layout and the escaping. Must not know where pages are written. Pages contain no date,
//! so that the same program always makes the same pages.

use super::command::{CommandSpec, GroupSpec, Member};
use super::environment_docs::{ENVIRONMENT, EXIT_STATUS};
use super::flag::{FlagSpec, Stage};
use super::help;
use super::page::list_term;

/// A manual page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// File name, as in `oras-push.1`.
    pub(crate) file: String,
    /// The content.
    pub(crate) text: String,
}

/// The description of the program.
const ABOUT: &str =
    "Store files and artifacts in container registries and OCI image layouts, and get them back";

/// The source in the page header.
const SOURCE: &str = concat!("oras\\-rs ", env!("CARGO_PKG_VERSION"));

/// The manual page of a command.
pub(crate) fn command(spec: &CommandSpec, flags: &[FlagSpec]) -> Page {
    let mut page = Writer::begin(spec.path, spec.stage, spec.about);
    page.section("SYNOPSIS");
    page.synopsis(spec.path, &help::usage(spec));
    page.section("DESCRIPTION");
    page.paragraph(&format!("{}.", spec.about));
    page.paragraphs(help::notice(spec.stage).unwrap_or_default());
    page.paragraphs(spec.details);
    page.aliases(spec.path, spec.aliases);
    page.section("OPTIONS");
    for flag in help::shown(flags) {
        page.flag(flag);
    }
    if !spec.examples.is_empty() {
        page.section("EXAMPLES");
    }
    for (caption, line) in spec.examples() {
        page.paragraph(&format!("{caption}:"));
        page.example(line);
    }
    page.section("SEE ALSO");
    page.see_also(&["oras"], "for the exit status and the environment");
    page.end(spec.path)
}

/// The manual page of a group of commands. The root page also lists exit statuses and the
/// environment.
pub(crate) fn group(spec: &GroupSpec, members: &[Member], is_root: bool) -> Page {
    let about = if is_root { ABOUT } else { spec.about };
    let mut page = Writer::begin(spec.path, spec.stage, about);
    page.section("SYNOPSIS");
    page.synopsis(spec.path, "[command]");
    page.section("DESCRIPTION");
    page.paragraph(&format!("{about}."));
    page.paragraphs(help::notice(spec.stage).unwrap_or_default());
    page.aliases(spec.path, spec.aliases);
    page.section("COMMANDS");
    for member in members {
        page.item(&bold(member.name), &member.about);
    }
    page.section("OPTIONS");
    page.flag(&FlagSpec::HELP);
    if is_root {
        page.section("EXIT STATUS");
        page.paragraph("oras 1.3.6 has only the statuses 0 and 1.");
        for (status, meaning) in EXIT_STATUS {
            page.item(&bold(status), meaning);
        }
        page.section("ENVIRONMENT");
        for (variables, meaning) in ENVIRONMENT {
            page.item(&bold(variables), meaning);
        }
    }
    page.section("SEE ALSO");
    let mut others: Vec<_> = members
        .iter()
        .map(|member| format!("{} {}", spec.path, member.name))
        .collect();
    if !is_root {
        others.push("oras".to_owned());
    }
    page.see_also(&others, "");
    page.end(spec.path)
}

/// Builder of a page.
struct Writer(String);

impl Writer {
    /// Flags and digests are not hyphenated, and blanks are not stretched.
    fn begin(path: &str, stage: Stage, about: &str) -> Self {
        let name = escaped(&name(path));
        let title = name.to_uppercase();
        Self(format!(
            ".TH {title} 1 \"\" \"{SOURCE}\" \"ORAS for Rust\"\n.nh\n.ad l\n.SH NAME\n{name} \\- {}\n",
            escaped(&format!("{}{about}", stage.mark()))
        ))
    }

    fn end(self, path: &str) -> Page {
        Page {
            file: format!("{}.1", name(path)),
            text: self.0,
        }
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line(&format!(".SH {title}"));
    }

    fn synopsis(&mut self, path: &str, usage: &str) {
        self.line(&format!("{} {}", bold(path), escaped(usage)));
    }

    fn paragraphs(&mut self, text: &str) {
        for paragraph in text.split("\n\n").filter(|text| !text.trim().is_empty()) {
            self.paragraph(paragraph.trim());
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.line(".PP");
        self.prose(text);
    }

    /// Text whose line breaks are kept. Lines of a list become items.
    fn prose(&mut self, text: &str) {
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(term) = list_term(line) else {
                self.line(&in_prose(line));
                if lines.peek().is_some_and(|next| list_term(next).is_none()) {
                    self.line(".br");
                }
                continue;
            };
            self.line(".RS");
            let mut item = Some((term, line));
            while let Some((term, line)) = item {
                self.item(&in_prose(term.trim_end()), &line[term.len()..]);
                item = lines
                    .next_if(|next| list_term(next).is_some())
                    .and_then(|next| Some((list_term(next)?, next)));
            }
            self.line(".RE");
        }
    }

    fn aliases(&mut self, path: &str, aliases: &[&str]) {
        let Some((parent, _)) = path.rsplit_once(' ') else {
            return;
        };
        if !aliases.is_empty() {
            let aliases: Vec<_> = aliases
                .iter()
                .map(|alias| format!("`{parent} {alias}`"))
                .collect();
            self.paragraph(&format!("Also called {}.", aliases.join(", ")));
        }
    }

    /// A term and its meaning.
    fn item(&mut self, term: &str, meaning: &str) {
        self.line(".TP");
        self.line(term);
        self.prose(meaning);
    }

    fn flag(&mut self, flag: &FlagSpec) {
        let mut term = bold(&format!("--{}", flag.long_name()));
        if let Some(short) = flag.short {
            term = format!("{}, {term}", bold(&format!("-{short}")));
        }
        if let Some(value) = flag.value {
            term = format!("{term} \\fI{}\\fR", escaped(value));
        }
        self.item(&term, &flag.description());
    }

    fn example(&mut self, line: &str) {
        self.line(&format!(".RS 4\n.nf\n{}\n.fi\n.RE", escaped(line)));
    }

    fn see_also(&mut self, paths: &[impl AsRef<str>], what_for: &str) {
        let names: Vec<_> = paths
            .iter()
            .map(|path| format!("{}(1)", bold(&name(path.as_ref()))))
            .collect();
        self.line(format!("{} {what_for}", names.join(", ")).trim_end());
    }
}

/// The name of a command's page.
fn name(path: &str) -> String {
    path.replace(' ', "-")
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// Prose, in which backquotes mark literal text.
fn in_prose(text: &str) -> String {
    let parts: Vec<_> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return escaped(text);
    }
    let part = |(index, part): (usize, &&str)| {
        if index % 2 == 1 {
            bold(part)
        } else {
            escape(part)
        }
    };
    at_line_start(parts.iter().enumerate().map(part).collect())
}

/// Escapes a line of literal text.
fn escaped(text: &str) -> String {
    at_line_start(escape(text))
}

/// Protects a line that starts like a roff request.
fn at_line_start(text: String) -> String {
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

/// Escapes all special characters. Text can be copied from a page: a hyphen stays a hyphen.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\(rs"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            '"' => out.push_str("\\(dq"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Positionals;
    use crate::cli::flag::{flags, specs};
    use crate::cli::groups::Debugging;

    flags! {
        pub(crate) struct Table {
            output: String = text("output", "path", "file to write to\n.or not (default \".\")")
                .short('o'),
            kind: String = text("kind", "string", "one of:\n'a':   the first\n'bc':  the second"),
            gone: bool = switch("gone", "not shown").deprecated("and is hidden"),
        }
    }

    const SPEC: CommandSpec = CommandSpec {
        path: "oras manifest fetch",
        aliases: &["get", "show"],
        usage: "<name>",
        about: "Print a manifest",
        details: "What `oras push` wrote.\n\n.hidden is no request.\n",
        examples: r"
            # Copy it \ as it is
            oras manifest fetch 'a~b' --output -
        ",
        positionals: Positionals::None,
        stage: Stage::Experimental,
    };

    #[test]
    fn a_command_page_has_all_sections() {
        let page = command(&SPEC, &specs::<Table>());
        assert_eq!(page.file, "oras-manifest-fetch.1");
        let expected = r#".TH ORAS\-MANIFEST\-FETCH 1 "" "oras\-rs 0.1.0" "ORAS for Rust"
.nh
.ad l
.SH NAME
oras\-manifest\-fetch \- [Experimental] Print a manifest
.SH SYNOPSIS
\fBoras manifest fetch\fR <name> [flags]
.SH DESCRIPTION
.PP
Print a manifest.
.PP
This command is experimental: it may change or be removed.
.PP
What \fBoras push\fR wrote.
.PP
\&.hidden is no request.
.PP
Also called \fBoras manifest get\fR, \fBoras manifest show\fR.
.SH OPTIONS
.TP
\fB\-h\fR, \fB\-\-help\fR
show this help
.TP
\fB\-\-kind\fR \fIstring\fR
one of:
.RS
.TP
\(aqa\(aq:
the first
.TP
\(aqbc\(aq:
the second
.RE
.TP
\fB\-o\fR, \fB\-\-output\fR \fIpath\fR
file to write to
.br
\&.or not (default \(dq.\(dq)
.SH EXAMPLES
.PP
Copy it \(rs as it is:
.RS 4
.nf
oras manifest fetch \(aqa\(tib\(aq \-\-output \-
.fi
.RE
.SH SEE ALSO
\fBoras\fR(1) for the exit status and the environment
"#
        .replace("0.1.0", env!("CARGO_PKG_VERSION"));
        assert_eq!(page.text, expected);
    }

    #[test]
    fn unpaired_backquotes_are_literal() {
        assert_eq!(in_prose("a `b` c` d"), "a \\(gab\\(ga c\\(ga d");
        assert_eq!(in_prose("`--a` b"), "\\fB\\-\\-a\\fR b");
    }

    #[test]
    fn pages_are_ascii() {
        let page = command(&SPEC, &specs::<Debugging>());
        assert!(page.text.is_ascii());
    }
}
