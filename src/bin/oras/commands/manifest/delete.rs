//! `oras manifest delete`

use crate::cli::groups::{
    Debugging, Descriptor, Distribution, Force, Layout, Pretty, Remote, Verbose,
};
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
    distribution: Distribution,
    force: Force,
    layout: Layout,
    pretty: Pretty,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest delete",
        aliases: &["remove", "rm"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Delete a manifest",
        details: "All tags of the manifest go with it. From an OCI image layout what is attached to it goes as well, and what nothing needs any more.",
        examples: &[
            (
                "Delete a manifest",
                "oras manifest delete localhost:5000/hello:v1",
            ),
            (
                "Delete it without being asked",
                "oras manifest delete --force localhost:5000/hello:v1",
            ),
            (
                "Delete it, and print its descriptor",
                "oras manifest delete --force --descriptor localhost:5000/hello:v1",
            ),
            (
                "Delete a manifest from an OCI image layout",
                "oras manifest delete --oci-layout layout-dir:v1",
            ),
        ],
        positionals: Positionals::Exactly(1, "the manifest to delete"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.debugging.group(),
            self.descriptor.group(),
            self.distribution.group(),
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
    let reference = target.required_reference(Args::SPEC)?;
    let manifests = target.manifests_to_delete(&client, args.distribution.referrers)?;
    let deletion = Deletion {
        noun: "manifest",
        besides: " and all tags associated with it",
        target: &target,
        reference,
        force: &args.force,
        descriptor: &args.descriptor,
        pretty: &args.pretty,
    };
    deletion.run(&*manifests, process)
}
