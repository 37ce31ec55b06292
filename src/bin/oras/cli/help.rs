//! Help pages, made from the tables.
//!
//! Owns the layout, which is that of the reference client. Must not know where pages are printed.

use super::command::{CommandSpec, GroupSpec, Member, last_word};
use super::environment_docs::{ENVIRONMENT, EXIT_STATUS};
use super::flag::{FlagSpec, Stage};

/// Minimum width of the name column in a list of commands.
const NAME_WIDTH: usize = 11;

/// The help page of a command.
pub(crate) fn command(spec: &CommandSpec, flags: &[FlagSpec]) -> String {
    let mut sections = vec![format!("{}{}\n", spec.stage.mark(), spec.about)];
    sections.extend(caution(spec.stage));
    if !spec.details.is_empty() {
        sections.push(format!("{}\n", spec.details.trim()));
    }
    sections.extend(
        spec.examples()
            .map(|(caption, line)| format!("Example - {caption}:\n  {line}\n")),
    );
    sections.push(format!("Usage:\n  {} {}\n", spec.path, usage(spec)));
    sections.extend(aliases(spec.name(), spec.aliases));
    sections.push(flag_list(flags));
    sections.join("\n")
}

/// The usage after the path of a command, always with `[flags]`.
pub(super) fn usage(spec: &CommandSpec) -> String {
    if spec.usage.contains("[flags]") {
        spec.usage.to_owned()
    } else {
        format!("{} [flags]", spec.usage)
    }
}

/// The help page of the program: usage, exit statuses and environment variables.
pub(crate) fn program(spec: &GroupSpec, members: &[Member]) -> String {
    format!(
        "{}\n{}\n{}",
        group_usage(spec, members),
        table("Exit status", EXIT_STATUS),
        table("Environment", ENVIRONMENT)
    )
}

/// The help page of a group of commands.
pub(crate) fn group(spec: &GroupSpec, members: &[Member]) -> String {
    format!(
        "{}{}\n\n{}",
        spec.stage.mark(),
        spec.about,
        group_usage(spec, members)
    )
}

/// The help page of a group without its description.
pub(crate) fn group_usage(spec: &GroupSpec, members: &[Member]) -> String {
    let width = members
        .iter()
        .map(|member| member.name.len())
        .max()
        .unwrap_or(0)
        .max(NAME_WIDTH);
    let members: Vec<_> = members
        .iter()
        .map(|member| format!("  {:width$} {}\n", member.name, member.about))
        .collect();
    let mut sections = vec![format!("Usage:\n  {} [command]\n", spec.path)];
    sections.extend(aliases(last_word(spec.path), spec.aliases));
    sections.push(format!("Available Commands:\n{}", members.concat()));
    sections.push(flag_list(&[]));
    sections.push(format!(
        "Use \"{} [command] --help\" for more information about a command.\n",
        spec.path
    ));
    sections.join("\n")
}

/// A table of terms and their meaning.
fn table(title: &str, rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(term, _)| term.len()).max().unwrap_or(0);
    let rows: Vec<_> = rows
        .iter()
        .map(|(term, meaning)| format!("  {term:width$}   {meaning}\n"))
        .collect();
    format!("{title}:\n{}", rows.concat())
}

/// The notice about an unstable command.
pub(super) fn caution(stage: Stage) -> Option<String> {
    match stage {
        Stage::Stable => None,
        Stage::Preview => {
            Some("** This command is in preview and under development. **\n".to_owned())
        }
        Stage::Experimental => {
            Some("This command is experimental: it may change or be removed.\n".to_owned())
        }
    }
}

fn aliases(name: &str, aliases: &[&str]) -> Option<String> {
    if aliases.is_empty() {
        None
    } else {
        Some(format!("Aliases:\n  {name}, {}\n", aliases.join(", ")))
    }
}

/// The visible flags of a command in alphabetical order: all except deprecated ones.
pub(super) fn shown(flags: &[FlagSpec]) -> Vec<&FlagSpec> {
    let mut shown: Vec<_> = (flags.iter().chain([&FlagSpec::HELP]))
        .filter(|flag| flag.deprecated.is_none())
        .collect();
    shown.sort_unstable_by_key(|flag| flag.long_name());
    shown
}

/// The list of flags with aligned descriptions.
fn flag_list(flags: &[FlagSpec]) -> String {
    let rows: Vec<_> = shown(flags)
        .into_iter()
        .map(|flag| (head(flag), flag.description()))
        .collect();
    let width = rows
        .iter()
        .map(|(head, _)| head.chars().count())
        .max()
        .unwrap_or(0);
    let indent = format!("\n{:1$}", "", width + 5);
    let row = |(head, help): (String, String)| {
        format!("  {head:width$}   {}\n", help.replace('\n', &indent))
    };
    let rows: String = rows.into_iter().map(row).collect();
    format!("Flags:\n{rows}")
}

/// The left column, as in `-o, --output path`.
fn head(flag: &FlagSpec) -> String {
    let short = flag
        .short
        .map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let value = flag
        .value
        .map_or_else(String::new, |value| format!(" {value}"));
    format!("{short}--{}{value}", flag.long_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Positionals;
    use crate::cli::flag::{flags, specs};

    flags! {
        pub(crate) struct Table {
            output: String = text("output", "path", "file to write to\n(default \".\")").short('o'),
            debug: bool = switch("debug", "log requests").short('d').stage(Stage::Preview),
            gone: bool = switch("gone", "not shown").deprecated("and is hidden"),
            username: String = text("username", "name", "user name for the {side}registry"),
        }
    }

    const SPEC: CommandSpec = CommandSpec {
        path: "oras manifest fetch",
        aliases: &["get", "show"],
        usage: "<name>",
        about: "Print a manifest",
        details: "One paragraph.\n\nAnother.\n",
        examples: "
            # One thing
            oras manifest fetch one
            # Two
            oras manifest fetch two
        ",
        positionals: Positionals::None,
        stage: Stage::Experimental,
    };

    #[test]
    fn a_command_page_has_all_sections() {
        let expected = "\
[Experimental] Print a manifest

This command is experimental: it may change or be removed.

One paragraph.

Another.

Example - One thing:
  oras manifest fetch one

Example - Two:
  oras manifest fetch two

Usage:
  oras manifest fetch <name> [flags]

Aliases:
  fetch, get, show

Flags:
  -d, --debug           [Preview] log requests
  -h, --help            show this help
  -o, --output path     file to write to
                        (default \".\")
      --username name   user name for the registry
";
        assert_eq!(command(&SPEC, &specs::<Table>()), expected);
    }

    #[test]
    fn empty_sections_are_omitted() {
        let spec = CommandSpec {
            path: "oras version",
            about: "Print the version",
            ..CommandSpec::BASE
        };
        let expected = "Print the version\n\nUsage:\n  oras version [flags]\n\nFlags:\n  -h, --help   show this help\n";
        assert_eq!(command(&spec, &[]), expected);
    }
}
