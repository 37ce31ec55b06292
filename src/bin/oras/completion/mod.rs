//! Completion scripts, made of the tables of commands and flags.
//!
//! | Module | Owns |
//! |---|---|
//! | [`bash`], [`zsh`], [`fish`], [`powershell`] | the language of one shell, and how it completes |
//!
//! A script knows all commands, flags and values by itself and runs nothing. It first follows the words of the line as far as
//! they are commands, to its *place*, such as `oras manifest fetch`. What is offered there depends on the place, and on the
//! flag before the cursor. Must not know any particular flag or command.

pub(crate) mod bash;
pub(crate) mod fish;
pub(crate) mod powershell;
pub(crate) mod zsh;

use crate::cli::table::Listed;
use crate::cli::tree::{Member, Node};

/// The word before others that asks for the help of what they name.
const HELP: &str = "help";

/// What follows a flag.
enum Takes {
    /// Nothing: it is a switch.
    Nothing,
    OneOf(&'static [&'static str]),
    File,
    Directory,
    /// Something that cannot be completed.
    Text,
}

fn takes(flag: &Listed) -> Takes {
    match (flag.value(), flag.values()) {
        (None, _) => Takes::Nothing,
        (_, values) if !values.is_empty() => Takes::OneOf(values),
        (Some("directory"), _) => Takes::Directory,
        (Some(value), _) if value.starts_with("path") => Takes::File,
        (Some(_), _) => Takes::Text,
    }
}

/// `--output`, and `-o` where there is such a form.
fn spellings(flag: &Listed) -> Vec<String> {
    let mut spellings = vec![format!("--{}", flag.long())];
    spellings.extend(flag.short().map(|short| format!("-{short}")));
    spellings
}

/// What a flag does, in one line.
fn summary(flag: &Listed) -> String {
    let help = flag.help();
    let line = help.lines().next().unwrap_or_default();
    line.trim_end_matches(':').to_owned()
}

/// The lines that lead from one place to the next: `oras`, the words `copy` and `cp`, `oras cp`.
fn steps(nodes: &[Node]) -> impl Iterator<Item = (&'static str, Vec<&'static str>, String)> {
    let groups = nodes.iter().flat_map(|node| {
        node.members
            .iter()
            .map(|member: &Member| (node.path, member))
    });
    groups
        .filter(|(_, member)| member.name != HELP)
        .map(|(path, member)| {
            let words = [&[member.name], member.aliases].concat();
            (path, words, format!("{path} {}", member.name))
        })
}
