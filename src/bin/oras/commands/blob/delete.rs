//! `oras blob delete`

use crate::cli::groups::{Debugging, Descriptor, Force, Layout, Pretty, Remote, Verbose};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Parsed, Positionals};
use crate::commands::arguments;
use crate::commands::deletion::{self, Deletion};
use crate::error::CliError;
use crate::process::Process;
use crate::target::{Target, TargetFlags};

#[derive(Default)]
pub(crate) struct Args {
    debugging: Debugging,
    descriptor: Descriptor,
    force: Force,
    layout: Layout,
    pretty: Pretty,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras blob delete",
        aliases: &["remove", "rm"],
        usage: "[flags] <name>@<digest>",
        about: "Delete a blob",
        details: "A registry is not asked whether a manifest still needs the blob. From an OCI image layout only what nothing needs is deleted.",
        examples: &[
            (
                "Delete a blob",
                "oras blob delete localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2",
            ),
            (
                "Delete it without being asked",
                "oras blob delete --force localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2",
            ),
            (
                "Delete it, and print its descriptor",
                "oras blob delete --force --descriptor \
                 localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2",
            ),
            (
                "Delete a blob from an OCI image layout",
                "oras blob delete --oci-layout layout-dir@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2",
            ),
        ],
        positionals: Positionals::Exactly(1, "the target blob to delete"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.debugging.group(),
            self.descriptor.group(),
            self.force.group(),
            self.layout.group(),
            self.pretty.group(),
            self.remote.group(),
            self.verbose.group(),
        ]
    }
}

pub(crate) fn run(process: &mut Process, line: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = arguments::<Args>(process, line)?
    else {
        return Ok(());
    };
    deletion::check(&args.force, &args.descriptor)?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, process)?;

    let client = target.client()?;
    let reference = target.required_digest(Args::SPEC)?;
    let blobs = target.blobs_to_delete(&client)?;
    let deletion = Deletion {
        noun: "blob",
        besides: "",
        target: &target,
        reference,
        force: &args.force,
        descriptor: &args.descriptor,
        pretty: &args.pretty,
    };
    deletion.run(&*blobs, process)
}
