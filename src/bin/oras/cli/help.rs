//! Help pages, made from the tables.
//!
//! Owns the layout, which is that of the reference client. Must not know where pages are printed.

use super::command::{CommandSpec, GroupSpec, Member, last_word};
use super::environment_docs::{ENVIRONMENT, EXIT_STATUS, EXIT_STATUS_TITLE};
use super::flag::{FlagSpec, Stage};
use super::page::HelpPage;

/// Minimum width of the name column in a list of commands.
const NAME_WIDTH: usize = 11;

/// The help page of a command.
pub(crate) fn command(spec: &CommandSpec, flags: &[FlagSpec]) -> HelpPage {
    let mut page = HelpPage::default();
    page.prose(format!("{}{}", spec.stage.mark(), spec.about));
    if let Some(notice) = notice(spec.stage) {
        page.prose(notice);
    }
    if !spec.details.is_empty() {
        page.prose(spec.details.trim());
    }
    for (caption, line) in spec.examples() {
        page.command(format!("Example - {caption}:"), line);
    }
    page.literal(format!("Usage:\n  {} {}\n", spec.path, usage(spec)));
    aliases(&mut page, spec.name(), spec.aliases);
    flag_list(&mut page, flags);
    page
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
pub(crate) fn program(spec: &GroupSpec, members: &[Member]) -> HelpPage {
    let mut page = group_usage(spec, members);
    let rows = |rows: &[(&str, &str)]| {
        let owned = |(term, meaning): &(&str, &str)| ((*term).to_owned(), (*meaning).to_owned());
        rows.iter().map(owned).collect()
    };
    page.table(EXIT_STATUS_TITLE, rows(EXIT_STATUS));
    page.table("Environment", rows(ENVIRONMENT));
    page
}

/// The help page of a group of commands.
pub(crate) fn group(spec: &GroupSpec, members: &[Member]) -> HelpPage {
    let mut page = HelpPage::default();
    page.prose(format!("{}{}", spec.stage.mark(), spec.about));
    page.append(group_usage(spec, members));
    page
}

/// The help page of a group without its description.
pub(crate) fn group_usage(spec: &GroupSpec, members: &[Member]) -> HelpPage {
    let rows = members
        .iter()
        .map(|member| (format!("{:NAME_WIDTH$}", member.name), member.about.clone()));
    let mut page = HelpPage::default();
    page.literal(format!("Usage:\n  {} [command]\n", spec.path));
    aliases(&mut page, last_word(spec.path), spec.aliases);
    page.commands("Available Commands", rows.collect());
    flag_list(&mut page, &[]);
    page.prose(format!(
        "Use \"{} [command] --help\" for more information about a command.",
        spec.path
    ));
    page
}

/// The notice about an unstable command.
pub(super) const fn notice(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Stable => None,
        Stage::Preview => Some("** This command is in preview and under development. **"),
        Stage::Experimental => Some("This command is experimental: it may change or be removed."),
    }
}

fn aliases(page: &mut HelpPage, name: &str, aliases: &[&str]) {
    if !aliases.is_empty() {
        page.literal(format!("Aliases:\n  {name}, {}\n", aliases.join(", ")));
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

/// Adds the list of flags.
fn flag_list(page: &mut HelpPage, flags: &[FlagSpec]) {
    let rows = shown(flags)
        .into_iter()
        .map(|flag| (head(flag), flag.description()));
    page.table("Flags", rows.collect());
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
        assert_eq!(command(&SPEC, &specs::<Table>()).render(80), expected);
    }

    #[test]
    fn empty_sections_are_omitted() {
        let spec = CommandSpec {
            path: "oras version",
            about: "Print the version",
            ..CommandSpec::BASE
        };
        let expected = "Print the version\n\nUsage:\n  oras version [flags]\n\nFlags:\n  -h, --help   show this help\n";
        assert_eq!(command(&spec, &[]).render(80), expected);
    }
}
