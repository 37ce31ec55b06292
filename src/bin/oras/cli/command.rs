//! What a command is, as data.
//!
//! Owns [`CommandSpec`], the count rule of positional arguments, and the trait that ties a command's description to its flags.
//! Must not know what any command does.

use super::error::UsageError;
use super::groups::Quiet;
use super::spec::Stage;
use super::table::{FlagTable as _, Group, Listed};

/// A command's arguments: the struct that flags write to, and how the command is described.
pub(crate) trait Command: Default {
    /// The description.
    const SPEC: &'static CommandSpec;

    /// The groups of flags it takes. `-h/--help` and `-q/--quiet` are not among them, every command has them.
    fn groups(&mut self) -> Vec<Group<'_>>;
}

/// The flags of a command, in the order of its groups.
pub(crate) fn flags<C: Command>() -> Vec<Listed> {
    let (mut command, mut quiet) = (C::default(), Quiet::default());
    groups(&mut command, &mut quiet)
        .iter()
        .flat_map(Group::listed)
        .collect()
}

/// The groups of flags of a command, with the one that every command has.
pub(super) fn groups<'a>(command: &'a mut impl Command, quiet: &'a mut Quiet) -> Vec<Group<'a>> {
    let mut groups = command.groups();
    groups.push(quiet.group());
    groups
}

/// The description of a command. Fill in what differs from [`CommandSpec::BASE`].
#[derive(Debug)]
pub(crate) struct CommandSpec {
    /// All words of it, as in `oras manifest fetch`. Messages use this, whichever alias was typed.
    pub(crate) path: &'static str,
    /// Other last words it can be called by.
    pub(crate) aliases: &'static [&'static str],
    /// What follows the path in a usage line.
    pub(crate) usage: &'static str,
    /// One line: upper case first, no full stop.
    pub(crate) about: &'static str,
    /// Further paragraphs of its help page.
    pub(crate) details: &'static str,
    /// Pairs of a caption and a command line.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// How many positional arguments it takes.
    pub(crate) positionals: Positionals,
    /// How settled it is.
    pub(crate) stage: Stage,
}

impl CommandSpec {
    /// A settled command without aliases and examples that takes any arguments.
    pub(crate) const BASE: Self = Self {
        path: "oras",
        aliases: &[],
        usage: "[flags]",
        about: "",
        details: "",
        examples: &[],
        positionals: Positionals::Any,
        stage: Stage::Stable,
    };

    /// The last word of the path.
    pub(crate) fn name(&self) -> &'static str {
        last_word(self.path)
    }

    /// The line `Usage: …` that some errors end with.
    pub(crate) fn usage_line(&self) -> String {
        format!("Usage: {} {}", self.path, self.usage)
    }

    /// The sentence that ends the recommendation of some errors.
    pub(crate) fn see_help(&self) -> String {
        format!("Run \"{} -h\" for more options and examples", self.path)
    }
}

/// How many positional arguments a command takes, and what they are: the end of `Please specify exactly 1 argument as …`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Positionals {
    /// Any number; the command itself looks at them.
    Any,
    /// None at all.
    None,
    /// This many.
    Exactly(usize, &'static str),
    /// This many or more.
    AtLeast(usize, &'static str),
}

impl Positionals {
    /// Checks the number of arguments given to `command`.
    pub(crate) fn check(
        self,
        command: &'static CommandSpec,
        positionals: &[String],
    ) -> Result<(), UsageError> {
        let got = positionals.len();
        match (self, positionals) {
            (Self::None, [first, ..]) => Err(UsageError::UnexpectedArgument {
                command,
                argument: first.clone(),
            }),
            (Self::Exactly(wanted, what), _) if got != wanted => Err(UsageError::ArgumentCount {
                command,
                rule: "exactly",
                wanted,
                what,
                got,
            }),
            (Self::AtLeast(wanted, what), _) if got < wanted => Err(UsageError::ArgumentCount {
                command,
                rule: "at least",
                wanted,
                what,
                got,
            }),
            _ => Ok(()),
        }
    }
}

/// The last word of the path of a command or group.
pub(super) fn last_word(path: &'static str) -> &'static str {
    path.rsplit(' ').next().unwrap_or(path)
}
