//! The trait of commands, and the steps before a command runs.

use crate::cli::flag::specs;
use crate::cli::groups::Quiet;
use crate::cli::tree::Entry;
use crate::cli::{CommandLine, CommandSpec, FlagSpec, FlagTable, Outcome, parse};
use crate::error::CliError;
use crate::process::Process;
use crate::terminal::stdout_columns;

/// A command: the struct of its flags, its description, and the function that runs it.
pub(crate) trait Command: FlagTable {
    /// The description.
    const SPEC: &'static CommandSpec;

    /// Runs the command with these flags. Help and `--quiet` are handled already.
    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError>;
}

/// Runs a command with its arguments.
pub(crate) type Run = fn(&mut Process, Vec<String>) -> Result<(), CliError>;

/// The entry of a command in the list of commands.
pub(super) const fn entry<C: Command>() -> Entry<Run> {
    Entry {
        spec: C::SPEC,
        flags: flag_specs::<C>,
        run: run::<C>,
    }
}

/// The flags of a command, including those that every command has.
fn flag_specs<C: Command>() -> Vec<FlagSpec> {
    let mut flags = specs::<C>();
    flags.extend(specs::<Quiet>());
    flags
}

/// Parses the arguments of a command, then prints its help or runs it.
fn run<C: Command>(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    match parse::<C>(C::SPEC, arguments, process.stderr())? {
        Outcome::Help(page) => process.print(&page.render(stdout_columns().into())),
        Outcome::Run(command, line) => {
            if line.quiet {
                process.set_quiet();
            }
            command.run(&line, process)
        }
    }
}
