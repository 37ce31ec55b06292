//! `oras resolve`

use oras::graph;
use oras::manifest::MAX_MANIFEST_BYTES;

use crate::cli::groups::{Debugging, Layout, Platform, Remote, Verbose};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, Stage};
use crate::error::CliError;
use crate::process::Process;
use crate::target::{Target, TargetFlags, parse_platform};

#[derive(Default)]
struct Own {
    full_reference: bool,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
        "full-reference",
        "print the full reference instead of the digest alone",
        |own: &mut Self, on| own.full_reference = on,
    )
    .short('l')];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
    layout: Layout,
    platform: Platform,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras resolve",
        aliases: &["digest"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Print the digest of an artifact",
        examples: &[
            (
                "Print the digest of a tag",
                "oras resolve localhost:5000/hello:v1",
            ),
            (
                "Print it as a full reference",
                "oras resolve -l localhost:5000/hello:v1",
            ),
            (
                "Print the digest of the manifest for a platform",
                "oras resolve --platform linux/arm64 localhost:5000/hello:v1",
            ),
            (
                "Print the digest of a tag in an OCI image layout",
                "oras resolve --oci-layout layout-dir:v1",
            ),
        ],
        positionals: Positionals::Exactly(1, "the target artifact reference to resolve"),
        stage: Stage::Preview,
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.debugging.group(),
            self.layout.group(),
            self.platform.group(),
            self.remote.group(),
            self.verbose.group(),
        ]
    }
}

pub(crate) fn run(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let platform = parse_platform(&args.platform.platform)?;
    let target = Target::parse(&positionals[0], &flags, process)?;

    let client = target.client()?;
    let source = target.source(&client)?;
    let reference = target.required_reference(Args::SPEC)?;
    let descriptor = graph::resolve(&*source, reference, platform.as_ref(), MAX_MANIFEST_BYTES)
        .map_err(|error| target.failure(&error.context("failed to resolve digest")))?;
    if args.own.full_reference {
        process.print_line(&format!("{}@{}", target.path(), descriptor.digest))
    } else {
        process.print_line(descriptor.digest.as_str())
    }
}
