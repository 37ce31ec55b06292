//! `oras logout`

use oras::credentials::Lookup;
use oras::reference::RegistryName;

use crate::cli::groups::Debugging;
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals};
use crate::error::CliError;
use crate::process::{Process, warn_of};

#[derive(Default)]
struct Own {
    registry_config: Vec<String>,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[Flag::text(
        "registry-config",
        "path",
        "credential file (repeatable; the first is written)",
        |own: &mut Self, text| own.registry_config.push(text),
    )];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras logout",
        usage: "[flags] <registry>",
        about: "Log out from a registry",
        details: "The stored credential is removed. That there is none is no error.",
        examples: &[("Log out", "oras logout localhost:5000")],
        positionals: Positionals::Exactly(1, "the registry you want to log out"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![self.own.group(), self.debugging.group()]
    }
}

pub(crate) fn run(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: args,
        positionals,
        ..
    }) = super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    let places = process.places(&args.own.registry_config);
    let name = &positionals[0];
    let lookup = Lookup::new(&places).on_warning(warn_of(process.screen()));
    lookup
        .check()
        .map_err(|error| CliError::from_library(&error))?;
    let registry: RegistryName = name
        .parse()
        .map_err(|error| CliError::from_library(&error))?;
    lookup.erase(&registry).map_err(|error| {
        CliError::from_library(&error)
            .context(&format!("failed to delete the credential for {name}"))
    })
}
