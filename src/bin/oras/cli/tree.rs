//! Which command a command line names.
//!
//! Owns the groups of commands, and the search for a command among words and flags. Must not know what commands do: how one is
//! run is an opaque `R` here, which the caller gets back.
//!
//! Commands are one flat list; their paths say where they belong. A group without commands is not there.

use super::command::{Command, CommandSpec, flags, last_word};
use super::error::UsageError;
use super::manual::{self, Page};
use super::parse::Line;
use super::spec::{Flag, Stage};
use super::table::{FlagTable, Listed};
use super::{help, quote, suggest};

/// A word that only groups commands.
#[derive(Debug, PartialEq)]
pub(crate) struct GroupSpec {
    /// All words of it.
    pub(crate) path: &'static str,
    /// Other last words it can be called by.
    pub(crate) aliases: &'static [&'static str],
    /// One line: upper case first, no full stop.
    pub(crate) about: &'static str,
    /// How settled it is.
    pub(crate) stage: Stage,
}

/// The program itself, as a group.
const ROOT: GroupSpec = group("oras", &[], "");

/// The groups below it, in the order in which suggestions name them.
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

/// `oras help`, which is answered here since it is about the tree.
const HELP: &CommandSpec = &CommandSpec {
    path: "oras help",
    usage: "[command] [flags]",
    about: "Show the help of a command",
    examples: &[
        ("Show how to push", "oras help push"),
        (
            "Show the manual page of a command",
            "oras help --man manifest fetch | man -l -",
        ),
        (
            "Write all manual pages to a directory",
            "oras help --output /usr/local/share/man/man1",
        ),
    ],
    ..CommandSpec::BASE
};

/// What `oras help` takes.
#[derive(Default)]
struct HelpFlags {
    man: bool,
    output: Option<String>,
}

impl FlagTable for HelpFlags {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::switch(
            "man",
            "print the manual page instead",
            |help: &mut Self, on| help.man = on,
        ),
        Flag::text(
            "output",
            "directory",
            "write the manual page, of a group also those of what is in it, to files there",
            |help: &mut Self, directory| help.output = Some(directory),
        )
        .short('o'),
    ];
}

impl HelpFlags {
    fn listed() -> Vec<Listed> {
        Self::default().group().listed()
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
    /// What it is.
    pub(crate) spec: &'static CommandSpec,
    /// The flags it takes.
    pub(crate) flags: fn() -> Vec<Listed>,
    /// How to run it.
    pub(crate) run: R,
}

impl<R> Entry<R> {
    /// The command `C`.
    pub(crate) const fn new<C: Command>(run: R) -> Self {
        Self {
            spec: C::SPEC,
            flags: flags::<C>,
            run,
        }
    }
}

/// All commands. Suggestions name them in this order.
pub(crate) struct Tree<R: 'static> {
    /// The commands.
    pub(crate) commands: &'static [Entry<R>],
}

/// What a command line comes to.
pub(crate) enum Resolved<R: 'static> {
    /// A command and its arguments.
    Run(&'static Entry<R>, Vec<String>),
    /// Help was asked for, or there was nothing to run: a text for stdout.
    Help(String),
    /// Manual pages were asked for, to be written to this directory.
    Manual(Vec<Page>, String),
    /// Help was asked for on something unknown: a text for stderr. Even that is a success.
    UnknownTopic(String),
}

/// A command or a group, for texts about the whole tree.
pub(crate) struct Node {
    /// All words of it.
    pub(crate) path: &'static str,
    /// What is directly in it, if it is a group.
    pub(crate) members: Vec<Member>,
    /// The flags it takes, but for those that are hidden.
    pub(crate) flags: Vec<Listed>,
}

/// What is in a group.
pub(crate) struct Member {
    /// Its last word.
    pub(crate) name: &'static str,
    /// Other last words it can be called by.
    pub(crate) aliases: &'static [&'static str],
    /// Its description.
    pub(crate) about: String,
}

/// Where words lead to.
enum Place<R: 'static> {
    Group(&'static GroupSpec),
    Command(&'static Entry<R>),
    Help,
}

impl<R> Tree<R> {
    /// Finds the command that arguments name, or answers what is answered without one.
    ///
    /// # Errors
    ///
    /// An unknown command, or a flag where only a command can be. An unknown word after a *group* is no error, its help is shown.
    pub(crate) fn resolve(&self, mut arguments: Vec<String>) -> Result<Resolved<R>, UsageError> {
        match self.locate(&mut arguments) {
            Place::Command(entry) => Ok(Resolved::Run(entry, arguments)),
            Place::Help => self.help(arguments),
            Place::Group(group) => {
                if let Some(index) = unknown_command(group, &arguments) {
                    let name = arguments.swap_remove(index);
                    let similar = suggest::similar(&name, self.names());
                    return Err(UsageError::UnknownCommand { name, similar });
                }
                Line::read(&mut [], arguments)?;
                Ok(Resolved::Help(self.group_help(group)))
            }
        }
    }

    /// All groups and commands, each behind the group it is in.
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
            flags: vec![Listed::HELP],
        });
        for entry in self.commands {
            if parent(entry.spec.path) == Some(group.path) {
                nodes.push(Node::of_command(entry.spec, (entry.flags)()));
            }
        }
        if group == &ROOT {
            nodes.push(Node::of_command(HELP, HelpFlags::listed()));
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
        let line = Line::read(&mut [flags.group()], arguments)?;
        if line.help {
            return Ok(Resolved::Help(help::command(HELP, &HelpFlags::listed())));
        }
        let mut rest = line.positionals.clone();
        let place = self.locate(&mut rest);
        if let Place::Group(group) = place
            && unknown_command(group, &rest).is_some()
        {
            let topic: Vec<_> = (line.positionals.iter())
                .map(|word| quote::back(word))
                .collect();
            let usage = help::group_usage(&ROOT, &self.members(&ROOT));
            return Ok(Resolved::UnknownTopic(format!(
                "Unknown help topic [{}]\n{usage}",
                topic.join(" ")
            )));
        }
        if !flags.man && flags.output.is_none() {
            return Ok(Resolved::Help(match place {
                Place::Command(entry) => help::command(entry.spec, &(entry.flags)()),
                Place::Help => help::command(HELP, &HelpFlags::listed()),
                Place::Group(group) => self.group_help(group),
            }));
        }
        let page = self.page(&place);
        let Some(directory) = flags.output else {
            return Ok(Resolved::Help(page.text));
        };
        let mut pages = vec![page];
        if let Place::Group(group) = place {
            self.pages_below(group, &mut pages);
        }
        Ok(Resolved::Manual(pages, directory))
    }

    fn group_help(&self, group: &GroupSpec) -> String {
        let members = self.members(group);
        if group == &ROOT {
            help::program(group, &members)
        } else {
            help::group(group, &members)
        }
    }

    fn page(&self, place: &Place<R>) -> Page {
        match place {
            Place::Command(entry) => manual::command(entry.spec, &(entry.flags)()),
            Place::Help => manual::command(HELP, &HelpFlags::listed()),
            Place::Group(group) => manual::group(group, &self.members(group), *group == &ROOT),
        }
    }

    fn pages_below(&self, group: &GroupSpec, pages: &mut Vec<Page>) {
        for member in self.members(group) {
            let Some(place) = self.child(group, member.name) else {
                continue;
            };
            pages.push(self.page(&place));
            if let Place::Group(child) = place {
                self.pages_below(child, pages);
            }
        }
    }

    /// Follows words as far as they lead, and takes them out of the arguments.
    fn locate(&self, arguments: &mut Vec<String>) -> Place<R> {
        let mut group = &ROOT;
        while let Some(index) = first_word(arguments) {
            match self.child(group, &arguments[index]) {
                None => break,
                Some(Place::Group(child)) => group = child,
                Some(found) => {
                    arguments.remove(index);
                    return found;
                }
            }
            arguments.remove(index);
        }
        Place::Group(group)
    }

    fn child(&self, group: &GroupSpec, word: &str) -> Option<Place<R>> {
        let is = |path: &'static str, aliases: &[&str]| {
            parent(path) == Some(group.path) && (last_word(path) == word || aliases.contains(&word))
        };
        if is(HELP.path, HELP.aliases) {
            return Some(Place::Help);
        }
        let command = self
            .commands
            .iter()
            .find(|entry| is(entry.spec.path, entry.spec.aliases))
            .map(Place::Command);
        command.or_else(|| {
            self.groups()
                .find(|group| is(group.path, group.aliases))
                .map(Place::Group)
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

    /// What can be called a command at the top, without `help`.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let paths = self
            .commands
            .iter()
            .map(|entry| entry.spec.path)
            .chain(self.groups().map(|group| group.path));
        paths
            .filter(|path| parent(path) == Some(ROOT.path))
            .map(last_word)
    }

    /// What is directly in a group, sorted.
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
    fn of_command(spec: &CommandSpec, mut flags: Vec<Listed>) -> Self {
        flags.retain(|flag| flag.deprecated().is_none());
        flags.push(Listed::HELP);
        flags.sort_unstable_by_key(Listed::long);
        Self {
            path: spec.path,
            members: Vec::new(),
            flags,
        }
    }
}

/// A word left where a command was expected. Only at the top is it an error.
fn unknown_command(group: &GroupSpec, arguments: &[String]) -> Option<usize> {
    if group == &ROOT {
        first_word(arguments)
    } else {
        None
    }
}

/// The path of the group something is in.
fn parent(path: &'static str) -> Option<&'static str> {
    path.rsplit_once(' ').map(|(parent, _)| parent)
}

/// The first argument that can be the name of a command.
///
/// Flags may precede it, and nobody knows yet which of them take a value. Like the reference client, this takes `--flag` and `-f`
/// as followed by one, and anything with `=` or with several letters as complete.
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
