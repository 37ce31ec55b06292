//! Commands and groups of commands as data.
//!
//! Owns the description of a command ([`CommandSpec`]) and of a group ([`GroupSpec`]). Must not
//! know what any command does.

use super::flag::Stage;

/// The description of a command. Set what differs from [`CommandSpec::BASE`].
#[derive(Debug)]
pub(crate) struct CommandSpec {
    /// All words of the command, as in `oras manifest fetch`. Messages use it, whichever alias was
    /// typed.
    pub(crate) path: &'static str,
    /// Other names of the last word.
    pub(crate) aliases: &'static [&'static str],
    /// The part of the usage line after the path.
    pub(crate) usage: &'static str,
    /// One line: upper case first, no full stop.
    pub(crate) about: &'static str,
    /// Further paragraphs of the help page.
    pub(crate) details: &'static str,
    /// Examples, each as a line `# caption` and a command line. See [`examples`](Self::examples).
    pub(crate) examples: &'static str,
    /// Number of positional arguments.
    pub(crate) positionals: Positionals,
    /// Stability.
    pub(crate) stage: Stage,
}

impl CommandSpec {
    /// A stable command without aliases and examples that takes any arguments.
    pub(crate) const BASE: Self = Self {
        path: "oras",
        aliases: &[],
        usage: "[flags]",
        about: "",
        details: "",
        examples: "",
        positionals: Positionals::Any,
        stage: Stage::Stable,
    };

    /// The last word of the path.
    pub(crate) fn name(&self) -> &'static str {
        last_word(self.path)
    }

    /// The line `Usage: …` at the end of some errors.
    pub(crate) fn usage_line(&self) -> String {
        format!("Usage: {} {}", self.path, self.usage)
    }

    /// The sentence at the end of some recommendations.
    pub(crate) fn see_help(&self) -> String {
        format!("Run \"{} -h\" for more options and examples", self.path)
    }

    /// Pairs of a caption and a command line.
    pub(crate) fn examples(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let mut lines = (self.examples.lines())
            .map(str::trim)
            .filter(|line| !line.is_empty());
        std::iter::from_fn(move || Some((lines.next()?.trim_start_matches("# "), lines.next()?)))
    }
}

/// Number of positional arguments of a command, and their description: the end of the sentence
/// `Please specify exactly 1 argument as …`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Positionals {
    /// Any number; the command checks them.
    Any,
    /// None.
    None,
    /// This many.
    Exactly(usize, &'static str),
    /// This many or more.
    AtLeast(usize, &'static str),
    /// At least the first and at most the second number.
    Between(usize, usize, &'static str),
}

/// The description of a group of commands, such as `oras manifest`.
#[derive(Debug, PartialEq)]
pub(crate) struct GroupSpec {
    /// All words of the group.
    pub(crate) path: &'static str,
    /// Other names of the last word.
    pub(crate) aliases: &'static [&'static str],
    /// One line: upper case first, no full stop.
    pub(crate) about: &'static str,
    /// Stability.
    pub(crate) stage: Stage,
}

/// A member of a group, as help and completion list it.
pub(crate) struct Member {
    /// The last word of its path.
    pub(crate) name: &'static str,
    /// Other names of the last word.
    pub(crate) aliases: &'static [&'static str],
    /// Its description.
    pub(crate) about: String,
}

/// The last word of the path of a command or group.
pub(super) fn last_word(path: &'static str) -> &'static str {
    path.rsplit(' ').next().unwrap_or(path)
}
