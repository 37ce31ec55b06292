//! The `oras` command: parses arguments, calls the library, prints results, returns an exit status.
#![forbid(unsafe_code)]

mod cli;
mod client;
mod commands;
mod completion;
mod console;
mod error;
mod hints;
mod input;
mod output;
mod process;
mod progress;
mod repository;
mod signals;
mod streams;
mod target;
#[cfg(feature = "templates")]
mod template;
mod terminal;

use std::path::Path;
use std::process::ExitCode;

use cli::tree::{Resolved, Tree};
use error::CliError;
use process::Process;

fn main() -> ExitCode {
    signals::install();
    let mut process = Process::new();
    // Commands that show no progress are observed too: a signal ends them.
    let observer = progress::observer(process.console(), |_| Ok(()));
    let result = observer.scope(|| run(&mut process));
    let result = result.and_then(|()| process.flush());
    if let (Err(_), Err(interrupted)) = (&result, signals::check()) {
        process.warn(&format!(
            "Error: {interrupted}: what was complete is kept\n"
        ));
    }
    signals::end();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            process.warn(&error.to_text());
            ExitCode::from(error.status())
        }
    }
}

fn run(process: &mut Process) -> Result<(), CliError> {
    let tree = Tree {
        commands: commands::ALL,
    };
    let arguments = cli::utf8(process.take_arguments())?;
    match tree.resolve(arguments)? {
        Resolved::Run(entry, arguments) => {
            (entry.run)(process, arguments).map_err(|cli_error| cli_error.with_command(entry.spec))
        }
        Resolved::Help(page) => process.print(&page.render(terminal::stdout_columns().into())),
        Resolved::Manual(pages, directory) => pages.iter().try_for_each(|page| {
            let path = Path::new(&directory).join(&page.file);
            output::file::write_output(&path.to_string_lossy(), page.text.as_bytes())
        }),
        Resolved::UnknownTopic(line, page) => {
            process.warn(&(line + &page.render(terminal::stderr_columns().into())));
            Ok(())
        }
    }
}
