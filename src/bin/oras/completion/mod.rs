//! Completion scripts for bash, zsh, fish and `PowerShell`, generated from the flag tables.
//!
//! A script contains all commands, flags and values and does not run `oras`. It first follows the
//! words of the line that are commands, to a command path such as `oras manifest fetch`. The
//! candidates depend on that path and on the flag before the cursor. No particular flag or command
//! is named here.

pub(crate) mod bash;
pub(crate) mod fish;
pub(crate) mod powershell;
pub(crate) mod zsh;

use std::fmt::Display;

use crate::cli::FlagSpec;
use crate::cli::tree::Node;

/// The command that prints help for the command in its arguments.
const HELP: &str = "help";

/// The long form of a flag, and the short form if there is one: `--output`, `-o`.
fn spellings(flag: &FlagSpec) -> Vec<String> {
    let mut spellings = vec![format!("--{}", flag.long_name())];
    spellings.extend(flag.short.map(|short| format!("-{short}")));
    spellings
}

/// The first line of a flag's help.
fn summary(flag: &FlagSpec) -> String {
    let help = flag.description();
    let line = help.lines().next().unwrap_or_default();
    line.trim_end_matches(':').to_owned()
}

/// Quotes each word together with the command path before it: `'oras copy'`, `'oras cp'`.
fn patterns<W: Display>(path: &str, words: &[W]) -> Vec<String> {
    let quote = |word: &W| format!("'{path} {word}'");
    words.iter().map(quote).collect()
}

/// Every step from one command path to the next: the [`patterns`] of the names of a command, and
/// its path.
fn steps(nodes: &[Node]) -> impl Iterator<Item = (Vec<String>, String)> {
    let members = nodes
        .iter()
        .flat_map(|node| node.members.iter().map(|member| (node.path, member)));
    members
        .filter(|(_, member)| member.name != HELP)
        .map(|(path, member)| {
            let words = [&[member.name], member.aliases].concat();
            (patterns(path, &words), format!("{path} {}", member.name))
        })
}
