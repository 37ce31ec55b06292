//! The `oras` command: arguments in, one library call, results out, an exit status.
#![forbid(unsafe_code)]

mod access;
mod command;
mod completion;
mod context;
mod failure;
mod flags;
mod input;
mod output;
mod repository;
mod screen;
mod status;
mod target;
mod terminal;

use std::path::Path;
use std::process::ExitCode;

use context::Context;
use failure::Failure;
use flags::tree::{Resolved, Tree};

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
        commands: command::ALL,
    };
    let arguments = flags::utf8(context.take_arguments())?;
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
