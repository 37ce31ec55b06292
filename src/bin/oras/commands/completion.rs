//! `oras completion …`

use crate::cli::tree::{Node, Tree};
use crate::commands::prelude::*;
use crate::completion::{bash, fish, powershell, zsh};

flags! {
    /// Flags of all `oras completion` commands.
    pub(crate) struct CompletionFlags {
        no_descriptions: bool = switch("no-descriptions", "show no descriptions"),
    }
}

impl CompletionFlags {
    /// Prints the script that `generate` makes, with or without descriptions.
    fn print(
        &self,
        generate: fn(&[Node], bool) -> String,
        process: &mut Process,
    ) -> Result<(), CliError> {
        if !cfg!(feature = "completion") {
            return Err(CliError::missing_feature(
                "completion scripts",
                "completion",
            ));
        }
        let tree = Tree {
            commands: super::ALL,
        };
        process.print(&generate(&tree.outline(), !self.no_descriptions))
    }
}

/// The parts that the descriptions of all `oras completion` commands have in common.
const BASE: CommandSpec = CommandSpec {
    positionals: Positionals::None,
    ..CommandSpec::BASE
};

/// Declares the command that prints the script of a module of [`completion`](crate::completion).
macro_rules! completion {
    ($command:ident, $shell:ident, $spec:expr) => {
        flags! {
            /// Flags of a command that prints a completion script.
            pub(crate) struct $command {
                common: CompletionFlags,
            }
        }

        impl Command for $command {
            const SPEC: &'static CommandSpec = &$spec;

            fn run(self, _: &CommandLine, process: &mut Process) -> Result<(), CliError> {
                self.common.print($shell::script, process)
            }
        }
    };
}

completion!(
    Bash,
    bash,
    CommandSpec {
        path: "oras completion bash",
        about: "Print a completion script for bash",
        details: "Nothing else has to be installed. Bash shows no descriptions.",
        examples: "
            # Complete in this session
            source <(oras completion bash)
            # Complete in every session (Linux)
            oras completion bash > /etc/bash_completion.d/oras
            # Complete in every session (macOS)
            oras completion bash > $(brew --prefix)/etc/bash_completion.d/oras
        ",
        ..BASE
    }
);

completion!(
    Zsh,
    zsh,
    CommandSpec {
        path: "oras completion zsh",
        about: "Print a completion script for zsh",
        details: "Completion must be on in zsh: `autoload -U compinit; compinit` in ~/.zshrc turns it on.",
        examples: r#"
            # Complete in this session
            source <(oras completion zsh)
            # Complete in every session (Linux)
            oras completion zsh > "${fpath[1]}/_oras"
            # Complete in every session (macOS)
            oras completion zsh > $(brew --prefix)/share/zsh/site-functions/_oras
        "#,
        ..BASE
    }
);

completion!(
    Fish,
    fish,
    CommandSpec {
        path: "oras completion fish",
        about: "Print a completion script for fish",
        examples: "
            # Complete in this session
            oras completion fish | source
            # Complete in every session
            oras completion fish > ~/.config/fish/completions/oras.fish
        ",
        ..BASE
    }
);

completion!(
    PowerShell,
    powershell,
    CommandSpec {
        path: "oras completion powershell",
        about: "Print a completion script for PowerShell",
        details: "To complete in every session, add the line of the example to your profile.",
        examples: "
            # Complete in this session
            oras completion powershell | Out-String | Invoke-Expression
        ",
        ..BASE
    }
);

#[cfg(all(test, not(feature = "completion")))]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_an_error_that_names_the_feature() {
        let flags = CompletionFlags {
            no_descriptions: false,
        };
        let error = flags.print(bash::script, &mut Process::new()).unwrap_err();
        assert_eq!(error.status(), 2);
        assert_eq!(
            error.to_text(),
            "Error: this build of oras has no completion scripts: it lacks the feature \
             \"completion\"\n"
        );
    }
}
