//! `oras login`

use oras::reference::RegistryName;

use crate::cli::groups::{Debugging, Remote, Verbose};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Parsed, Positionals};
use crate::client::Access;
use crate::error::Failure;
use crate::process::Context;

#[derive(Default)]
pub(crate) struct Args {
    debugging: Debugging,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras login",
        usage: "[flags] <registry>",
        about: "Log in to a registry",
        details: "What is not given is asked for. The credential is tested, then stored in the credential file, or by the helper \
                  program that the file names.",
        examples: &[
            (
                "Log in with user name and password",
                "oras login -u alice --password-stdin localhost:5000 < password.txt",
            ),
            (
                "Log in with an identity token",
                "oras login --identity-token-stdin localhost:5000 < token.txt",
            ),
            (
                "Log in and be asked for the rest",
                "oras login localhost:5000",
            ),
        ],
        positionals: Positionals::Exactly(1, "the registry to log in to"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.debugging.group(),
            self.remote.group(),
            self.verbose.group(),
        ]
    }
}

pub(crate) fn run(context: &mut Context, arguments: Vec<String>) -> Result<(), Failure> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = super::arguments::<Args>(context, arguments)?
    else {
        return Ok(());
    };
    let mut access = Access::parse(&args.remote, &args.debugging, &given, context)?;
    let credential = access.ask_for_credential(context)?;
    let lookup = access.lookup()?;
    let registry: RegistryName = positionals[0]
        .parse()
        .map_err(|error| Failure::of(&error))?;
    if lookup.file().is_none() {
        return Err(Failure::nowhere_to_store());
    }
    access.client()?.check(&registry).map_err(|error| {
        let doing = format!("failed to validate the credentials for {registry}");
        Failure::at_any_registry(
            &error.context(doing),
            registry.host_and_port(),
            &access.credential_hint(),
        )
    })?;
    lookup.store(&registry, &credential).map_err(|error| {
        Failure::of(&error).context(&format!("failed to store the credentials for {registry}"))
    })?;
    context.tell("Login Succeeded")
}
