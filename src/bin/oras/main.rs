//! The `oras` command: arguments in, one library call, results out, an exit status.
#![forbid(unsafe_code)]

mod cli;
mod client;
mod commands;
mod completion;
mod error;
mod input;
mod output;
mod process;
mod progress;
mod repository;
mod target;
mod template;
mod terminal;

use std::path::Path;
use std::process::ExitCode;

use cli::tree::{Resolved, Tree};
use error::Failure;
use process::Context;

fn main() -> ExitCode {
    let mut context = Context::of_process();
    let result = run(&mut context);
    match result.and_then(|()| context.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(failure.report(&mut context)),
    }
}

fn run(context: &mut Context) -> Result<(), Failure> {
    let tree = Tree {
        commands: commands::ALL,
    };
    let arguments = cli::utf8(context.take_arguments())?;
    match tree.resolve(arguments)? {
        Resolved::Run(entry, arguments) => {
            (entry.run)(context, arguments).map_err(|failure| failure.of_command(entry.spec))
        }
        Resolved::Help(text) => context.print(&text),
        Resolved::Manual(pages, directory) => pages.iter().try_for_each(|page| {
            let path = Path::new(&directory).join(&page.file);
            output::file::write_output(&path.to_string_lossy(), page.text.as_bytes())
        }),
        Resolved::UnknownTopic(text) => {
            context.warn(&text);
            Ok(())
        }
    }
}
