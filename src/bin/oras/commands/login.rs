//! `oras login`

use oras::Error;
use oras::login::login;
use oras::reference::RegistryName;

use crate::cli::groups::{Debugging, Remote, Verbose};
use crate::client::ClientConfig;
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras login`.
    pub(crate) struct LoginFlags {
        debugging: Debugging,
        remote: Remote,
        verbose: Verbose,
    }
}

impl Command for LoginFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras login",
        usage: "[flags] <registry>",
        about: "Log in to a registry",
        details: "Prompts for a missing user name or secret. The credential is tested, then stored \
                  in the credential file, or by the helper program that the file names.",
        examples: "
            # Log in with user name and password
            oras login -u alice --password-stdin localhost:5000 < password.txt
            # Log in with an identity token
            oras login --identity-token-stdin localhost:5000 < token.txt
            # Log in with a prompt for the credential
            oras login localhost:5000
        ",
        positionals: Positionals::Exactly(1, "the registry to log in to"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let mut access = ClientConfig::parse(&self.remote, self.debugging, &line.set, process)?;
        let credential = access.ask_for_credential(process)?;
        let lookup = access.lookup()?;
        let raw = &line.positionals[0];
        let registry: RegistryName = raw
            .parse()
            .map_err(|error: Error| CliError::from(error).with_scheme_hint(raw))?;
        if lookup.file().is_none() {
            return Err(CliError::nowhere_to_store());
        }
        login(&access.client()?, &registry, &credential, &lookup).map_err(|error| {
            let hint = access.credential_hint();
            CliError::at_any_registry(&error, registry.host_and_port(), &hint).without_login_hint()
        })?;
        process.print_status("Login Succeeded")
    }
}
