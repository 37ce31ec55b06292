//! `oras completion …`

use crate::cli::table::{FlagTable, Group};
use crate::cli::tree::{Node, Tree};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals};
use crate::completion::{bash, fish, powershell, zsh};
use crate::error::CliError;
use crate::process::Process;

/// A shell that completes.
pub(crate) trait Shell: Default {
    /// Its command.
    const SPEC: &'static CommandSpec;
    /// Makes its script, with or without descriptions.
    const SCRIPT: fn(&[Node], bool) -> String;
}

#[derive(Default)]
pub(crate) struct Bash;

impl Shell for Bash {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras completion bash",
        about: "Print a completion script for bash",
        details: "Nothing else has to be installed. Bash shows no descriptions.",
        examples: &[
            ("Complete in this session", "source <(oras completion bash)"),
            (
                "Complete in every session (Linux)",
                "oras completion bash > /etc/bash_completion.d/oras",
            ),
            (
                "Complete in every session (macOS)",
                "oras completion bash > $(brew --prefix)/etc/bash_completion.d/oras",
            ),
        ],
        positionals: Positionals::None,
        ..CommandSpec::BASE
    };
    const SCRIPT: fn(&[Node], bool) -> String = bash::script;
}

#[derive(Default)]
pub(crate) struct Zsh;

impl Shell for Zsh {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras completion zsh",
        about: "Print a completion script for zsh",
        details: "Completion must be on in zsh: `autoload -U compinit; compinit` in ~/.zshrc turns it on.",
        examples: &[
            ("Complete in this session", "source <(oras completion zsh)"),
            (
                "Complete in every session (Linux)",
                "oras completion zsh > \"${fpath[1]}/_oras\"",
            ),
            (
                "Complete in every session (macOS)",
                "oras completion zsh > $(brew --prefix)/share/zsh/site-functions/_oras",
            ),
        ],
        positionals: Positionals::None,
        ..CommandSpec::BASE
    };
    const SCRIPT: fn(&[Node], bool) -> String = zsh::script;
}

#[derive(Default)]
pub(crate) struct Fish;

impl Shell for Fish {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras completion fish",
        about: "Print a completion script for fish",
        examples: &[
            ("Complete in this session", "oras completion fish | source"),
            (
                "Complete in every session",
                "oras completion fish > ~/.config/fish/completions/oras.fish",
            ),
        ],
        positionals: Positionals::None,
        ..CommandSpec::BASE
    };
    const SCRIPT: fn(&[Node], bool) -> String = fish::script;
}

#[derive(Default)]
pub(crate) struct PowerShell;

impl Shell for PowerShell {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras completion powershell",
        about: "Print a completion script for PowerShell",
        details: "To complete in every session, add the line of the example to your profile.",
        examples: &[(
            "Complete in this session",
            "oras completion powershell | Out-String | Invoke-Expression",
        )],
        positionals: Positionals::None,
        ..CommandSpec::BASE
    };
    const SCRIPT: fn(&[Node], bool) -> String = powershell::script;
}

#[derive(Default)]
struct Own {
    no_descriptions: bool,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "no-descriptions",
        "show no descriptions",
        |own: &mut Self, on| own.no_descriptions = on,
    )];
}

#[derive(Default)]
pub(crate) struct Args<S> {
    own: Own,
    _shell: S,
}

impl<S: Shell> Command for Args<S> {
    const SPEC: &'static CommandSpec = S::SPEC;

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![self.own.group()]
    }
}

pub(crate) fn run<S: Shell>(process: &mut Process, line: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed { command: args, .. }) = super::arguments::<Args<S>>(process, line)? else {
        return Ok(());
    };
    let tree = Tree {
        commands: super::ALL,
    };
    let script = S::SCRIPT(&tree.outline(), !args.own.no_descriptions);
    process.print(&script)
}
