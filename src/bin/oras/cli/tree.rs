//! The tree of commands.
//!
//! Owns the groups of commands, and the search for a command among words and flags. Must not know
//! what commands do: the function that runs one is an opaque `R`, which the caller gets back.
//!
//! Commands are one flat list; their paths define the tree. A group without commands does not
//! exist.

use super::command::{CommandSpec, GroupSpec, Member, last_word};
use super::error::UsageError;
use super::flag::{Candidates, FlagSpec, FlagTable as _, Stage, flags, specs};
use super::manual::{self, Page};
use super::page::HelpPage;
use super::parse::Words;
use super::{help, quote, suggest};

/// The root group: the program.
const ROOT: GroupSpec = group("oras", &[], "");

/// All other groups, in the order of suggestions.
const GROUPS: &[GroupSpec] = &[
    group("oras blob", &[], "Work with blobs"),
    group("oras manifest", &[], "Work with manifests"),
    GroupSpec {
        stage: Stage::Experimental,
        ..group("oras manifest index", &[], "Work with image indexes")
    },
    group("oras repo", &["repository"], "Work with repositories"),
    group(
        "oras completion",
        &[],
        "Print a completion script for a shell",
    ),
];

/// `oras help`. The tree answers it because it knows all commands.
const HELP: &CommandSpec = &CommandSpec {
    path: "oras help",
    usage: "[command] [flags]",
    about: "Show the help of a command",
    examples: "
        # Show how to push
        oras help push
        # Show the manual page of a command
        oras help --man manifest fetch | man -l -
        # Write all manual pages to a directory
        oras help --output /usr/local/share/man/man1
    ",
    ..CommandSpec::BASE
};

flags! {
    /// Flags of `oras help`.
    pub(crate) struct HelpFlags {
        man: bool = switch("man", "print the manual page instead").addition(),
        output: Option<String> = text(
            "output",
            "directory",
            "write the manual page, and those of the members of a group, to files in this directory",
        )
        .addition()
        .completes(Candidates::Directories)
        .short('o'),
    }
}

const fn group(
    path: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
) -> GroupSpec {
    GroupSpec {
        path,
        aliases,
        about,
        stage: Stage::Stable,
    }
}

/// A command in the tree.
pub(crate) struct Entry<R: 'static> {
    /// Its description.
    pub(crate) spec: &'static CommandSpec,
    /// Its flags.
    pub(crate) flags: fn() -> Vec<FlagSpec>,
    /// The function that runs it.
    pub(crate) run: R,
}

/// All commands, in the order of suggestions.
pub(crate) struct Tree<R: 'static> {
    /// The commands.
    pub(crate) commands: &'static [Entry<R>],
}

/// The meaning of a command line.
pub(crate) enum Resolved<R: 'static> {
    /// A command and its arguments.
    Run(&'static Entry<R>, Vec<String>),
    /// A page for stdout: help was requested, or no command was named.
    Help(HelpPage),
    /// Manual pages to be written to this directory.
    Manual(Vec<Page>, String),
    /// A line and a page for stderr: help on an unknown command was requested. The exit status is
    /// 0.
    UnknownTopic(String, HelpPage),
}

/// A command or a group, for texts about the whole tree.
pub(crate) struct Node {
    /// All words of its path.
    pub(crate) path: &'static str,
    /// Its direct members, if it is a group.
    pub(crate) members: Vec<Member>,
    /// Its flags, except hidden ones.
    pub(crate) flags: Vec<FlagSpec>,
}

/// The command or group that words name.
enum Found<R: 'static> {
    Group(&'static GroupSpec),
    Command(&'static Entry<R>),
    Help,
}

impl<R> Tree<R> {
    /// Finds the command that the arguments name.
    ///
    /// # Errors
    ///
    /// An unknown command, or a flag where a command is expected.
    pub(crate) fn resolve(&self, mut arguments: Vec<String>) -> Result<Resolved<R>, UsageError> {
        match self.locate(&mut arguments) {
            Found::Command(entry) => Ok(Resolved::Run(entry, arguments)),
            Found::Help => self.help(arguments),
            Found::Group(group) => {
                if group == &ROOT
                    && let Some(index) = first_word(&arguments)
                {
                    return Err(self.unknown_command(group, &arguments[index]));
                }
                let words = Words::read(Vec::new(), arguments)?;
                match words.positionals.into_iter().next() {
                    Some(name) if group != &ROOT && !words.help && name != HELP.name() => {
                        Err(self.unknown_command(group, &name))
                    }
                    _ => Ok(Resolved::Help(self.group_help(group))),
                }
            }
        }
    }

    /// All groups and commands. The members of a group follow it.
    pub(crate) fn outline(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        self.outline_of(&ROOT, &mut nodes);
        nodes
    }

    fn outline_of(&self, group: &'static GroupSpec, nodes: &mut Vec<Node>) {
        let members = self.members(group);
        nodes.push(Node {
            path: group.path,
            members,
            flags: vec![FlagSpec::HELP],
        });
        for entry in self.commands {
            if parent(entry.spec.path) == Some(group.path) {
                nodes.push(Node::of_command(entry.spec, (entry.flags)()));
            }
        }
        if group == &ROOT {
            nodes.push(Node::of_command(HELP, specs::<HelpFlags>()));
        }
        for child in self
            .groups()
            .filter(|child| parent(child.path) == Some(group.path))
        {
            self.outline_of(child, nodes);
        }
    }

    /// `oras help …`
    fn help(&self, arguments: Vec<String>) -> Result<Resolved<R>, UsageError> {
        let mut flags = HelpFlags::default();
        let words = Words::read(flags.flags(), arguments)?;
        if words.help {
            return Ok(Resolved::Help(help::command(HELP, &specs::<HelpFlags>())));
        }
        let mut rest = words.positionals.clone();
        let found = self.locate(&mut rest);
        if let Found::Group(group) = found
            && group == &ROOT
            && first_word(&rest).is_some()
        {
            let topic: Vec<_> = (words.positionals.iter())
                .map(|word| quote::back(word))
                .collect();
            let usage = help::group_usage(&ROOT, &self.members(&ROOT));
            let line = format!("Unknown help topic [{}]\n", topic.join(" "));
            return Ok(Resolved::UnknownTopic(line, usage));
        }
        if !flags.man && flags.output.is_none() {
            return Ok(Resolved::Help(match found {
                Found::Command(entry) => help::command(entry.spec, &(entry.flags)()),
                Found::Help => help::command(HELP, &specs::<HelpFlags>()),
                Found::Group(group) => self.group_help(group),
            }));
        }
        let page = self.page(&found);
        let Some(directory) = flags.output else {
            let mut text = HelpPage::default();
            text.literal(page.text);
            return Ok(Resolved::Help(text));
        };
        let mut pages = vec![page];
        if let Found::Group(group) = found {
            self.pages_below(group, &mut pages);
        }
        Ok(Resolved::Manual(pages, directory))
    }

    fn group_help(&self, group: &GroupSpec) -> HelpPage {
        let members = self.members(group);
        if group == &ROOT {
            help::program(group, &members)
        } else {
            help::group(group, &members)
        }
    }

    fn page(&self, found: &Found<R>) -> Page {
        match found {
            Found::Command(entry) => manual::command(entry.spec, &(entry.flags)()),
            Found::Help => manual::command(HELP, &specs::<HelpFlags>()),
            Found::Group(group) => manual::group(group, &self.members(group), *group == &ROOT),
        }
    }

    fn pages_below(&self, group: &GroupSpec, pages: &mut Vec<Page>) {
        for member in self.members(group) {
            let Some(found) = self.child(group, member.name) else {
                continue;
            };
            pages.push(self.page(&found));
            if let Found::Group(child) = found {
                self.pages_below(child, pages);
            }
        }
    }

    /// Follows the words that name groups and a command, and removes them from the arguments.
    fn locate(&self, arguments: &mut Vec<String>) -> Found<R> {
        let mut group = &ROOT;
        while let Some(index) = first_word(arguments) {
            match self.child(group, &arguments[index]) {
                None => break,
                Some(Found::Group(child)) => group = child,
                Some(found) => {
                    arguments.remove(index);
                    return found;
                }
            }
            arguments.remove(index);
        }
        Found::Group(group)
    }

    fn child(&self, group: &GroupSpec, word: &str) -> Option<Found<R>> {
        let is = |path: &'static str, aliases: &[&str]| {
            parent(path) == Some(group.path) && (last_word(path) == word || aliases.contains(&word))
        };
        if is(HELP.path, HELP.aliases) {
            return Some(Found::Help);
        }
        let command = self
            .commands
            .iter()
            .find(|entry| is(entry.spec.path, entry.spec.aliases))
            .map(Found::Command);
        command.or_else(|| {
            self.groups()
                .find(|group| is(group.path, group.aliases))
                .map(Found::Group)
        })
    }

    /// The groups that have commands.
    fn groups(&self) -> impl Iterator<Item = &'static GroupSpec> {
        let below = |path: &str, group: &str| {
            path.strip_prefix(group)
                .is_some_and(|rest| rest.starts_with(' '))
        };
        GROUPS.iter().filter(move |group| {
            self.commands
                .iter()
                .any(|entry| below(entry.spec.path, group.path))
        })
    }

    /// The error about a word after a group that is not one of its members. Suggests members other
    /// than `help`.
    fn unknown_command(&self, group: &GroupSpec, name: &str) -> UsageError {
        let paths = self
            .commands
            .iter()
            .map(|entry| entry.spec.path)
            .chain(self.groups().map(|group| group.path));
        let members = paths
            .filter(|path| parent(path) == Some(group.path))
            .map(last_word);
        UsageError::unknown_command(group.path, name, &suggest::similar(name, members))
    }

    /// The direct members of a group, sorted by name.
    fn members(&self, group: &GroupSpec) -> Vec<Member> {
        let command = |spec: &CommandSpec| (spec.path, spec.aliases, spec.stage, spec.about);
        let commands = self
            .commands
            .iter()
            .map(|entry| command(entry.spec))
            .chain([command(HELP)]);
        let groups = self
            .groups()
            .map(|group| (group.path, group.aliases, group.stage, group.about));
        let mut members: Vec<_> = (commands.chain(groups))
            .filter(|(path, ..)| parent(path) == Some(group.path))
            .map(|(path, aliases, stage, about)| Member {
                name: last_word(path),
                aliases,
                about: format!("{}{about}", stage.mark()),
            })
            .collect();
        members.sort_unstable_by_key(|member| member.name);
        members
    }
}

impl Node {
    fn of_command(spec: &CommandSpec, mut flags: Vec<FlagSpec>) -> Self {
        flags.retain(|flag| flag.deprecated.is_none());
        flags.push(FlagSpec::HELP);
        flags.sort_unstable_by_key(FlagSpec::long_name);
        Self {
            path: spec.path,
            members: Vec::new(),
            flags,
        }
    }
}

/// The path of the parent group.
fn parent(path: &'static str) -> Option<&'static str> {
    path.rsplit_once(' ').map(|(parent, _)| parent)
}

/// The first argument that can be the name of a command.
///
/// Flags may precede it, and which of them take a value is not known yet. Like the reference
/// client, this function assumes a value after `--flag` and `-f`, and none after a flag with `=` or
/// several letters.
fn first_word(arguments: &[String]) -> Option<usize> {
    let mut index = 0;
    loop {
        let argument = arguments.get(index)?;
        if argument == "--" {
            return None;
        }
        let long = argument.starts_with("--");
        index += match argument.strip_prefix('-') {
            Some(flag) if !argument.contains('=') && (long || flag.len() == 1) => 2,
            None if !argument.is_empty() => return Some(index),
            _ => 1,
        };
    }
}

#[cfg(test)]
mod tests;
