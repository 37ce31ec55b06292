//! `oras logout`

use oras::credentials::Lookup;
use oras::reference::RegistryName;

use crate::cli::groups::Debugging;
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals};
use crate::error::Failure;
use crate::process::{Context, warn_of};

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

pub(crate) fn run(context: &mut Context, arguments: Vec<String>) -> Result<(), Failure> {
    let Some(Parsed {
        command: args,
        positionals,
        ..
    }) = super::arguments::<Args>(context, arguments)?
    else {
        return Ok(());
    };
    let places = context.places(&args.own.registry_config);
    let name = &positionals[0];
    let lookup = Lookup::new(&places).on_warning(warn_of(context.screen()));
    lookup.check().map_err(|error| Failure::of(&error))?;
    let registry: RegistryName = name.parse().map_err(|error| Failure::of(&error))?;
    lookup.erase(&registry).map_err(|error| {
        Failure::of(&error).context(&format!("failed to delete the credential for {name}"))
    })
}
