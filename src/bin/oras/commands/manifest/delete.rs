//! `oras manifest delete`

use crate::cli::groups::Distribution;
use crate::commands::deletion::{Deletion, DeletionFlags};
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras manifest delete`.
    pub(crate) struct ManifestDeleteFlags {
        deletion: DeletionFlags,
        distribution: Distribution,
    }
}

impl Command for ManifestDeleteFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest delete",
        aliases: &["remove", "rm"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Delete a manifest",
        details: "All tags of the manifest are deleted too. In an OCI image layout, its referrers \
                  and content that becomes unreachable are deleted as well.",
        examples: "
            # Delete a manifest
            oras manifest delete localhost:5000/hello:v1
            # Delete it without confirmation
            oras manifest delete --force localhost:5000/hello:v1
            # Delete it and print its descriptor
            oras manifest delete --force --descriptor localhost:5000/hello:v1
            # Delete a manifest from an OCI image layout
            oras manifest delete --oci-layout layout-dir:v1
        ",
        positionals: Positionals::Exactly(1, "the manifest to delete"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        self.deletion.check()?;
        let target = Target::parse(&line.positionals[0], &self.deletion.target, line, process)?;

        let client = target.client()?;
        let reference = target.required_reference()?;
        let manifests = target.manifests_to_delete(&client, self.distribution.referrers)?;
        let deletion = Deletion {
            noun: "manifest",
            side_effects: " and all tags associated with it",
            target: &target,
            reference,
            flags: &self.deletion,
        };
        deletion.run(&*manifests, process)
    }
}
