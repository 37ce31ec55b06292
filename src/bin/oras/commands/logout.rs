//! `oras logout`

use oras::credentials::Lookup;
use oras::login::logout;
use oras::reference::RegistryName;

use crate::cli::groups::Debugging;
use crate::commands::prelude::*;
use crate::process::credential_warnings;

flags! {
    /// Flags of `oras logout`.
    pub(crate) struct LogoutFlags {
        registry_config: Vec<String> =
            text("registry-config", "stringArray", "credential file (repeatable; the first is written)").completes(Candidates::Files),
        debugging: Debugging,
    }
}

impl Command for LogoutFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras logout",
        usage: "[flags] <registry>",
        about: "Log out from a registry",
        details: "Removes the stored credential. A missing credential is not an error.",
        examples: "
            # Log out
            oras logout localhost:5000
        ",
        positionals: Positionals::Exactly(1, "the registry you want to log out"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let locations = Process::credential_locations(&self.registry_config);
        let name = &line.positionals[0];
        let lookup = Lookup::new(&locations).on_warning(credential_warnings(process.live_line()));
        lookup.check()?;
        let registry: RegistryName = name.parse()?;
        Ok(logout(&registry, &lookup)?)
    }
}
