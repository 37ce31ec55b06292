//! `oras blob delete`

use crate::commands::deletion::{Deletion, DeletionFlags};
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras blob delete`.
    pub(crate) struct BlobDeleteFlags {
        deletion: DeletionFlags,
    }
}

impl Command for BlobDeleteFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras blob delete",
        aliases: &["remove", "rm"],
        usage: "[flags] <name>@<digest>",
        about: "Delete a blob",
        details: "Whether a manifest in the registry still refers to the blob is not checked. In \
                  an OCI image layout, a blob that is still in use is not deleted.",
        examples: "
            # Delete a blob
            oras blob delete localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2
            # Delete it without confirmation
            oras blob delete --force localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2
            # Delete it and print its descriptor
            oras blob delete --force --descriptor localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2
            # Delete a blob from an OCI image layout
            oras blob delete --oci-layout layout-dir@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2
        ",
        positionals: Positionals::Exactly(1, "the target blob to delete"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        self.deletion.check()?;
        let target = Target::parse(&line.positionals[0], &self.deletion.target, line, process)?;

        let client = target.client()?;
        let reference = target.required_digest()?;
        let blobs = target.blobs_to_delete(&client)?;
        let deletion = Deletion {
            noun: "blob",
            side_effects: "",
            target: &target,
            reference,
            flags: &self.deletion,
        };
        deletion.run(&*blobs, process)
    }
}
