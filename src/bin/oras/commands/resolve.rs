//! `oras resolve`

use oras::graph;
use oras::manifest::MAX_MANIFEST_BYTES;

use crate::cli::groups::{Platform, TargetFlags, Verbose};
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras resolve`.
    pub(crate) struct ResolveFlags {
        full_reference: bool = switch(
            "full-reference",
            "print the full reference instead of the digest alone",
        ).short('l'),
        platform: Platform,
        target: TargetFlags,
        verbose: Verbose,
    }
}

impl Command for ResolveFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras resolve",
        aliases: &["digest"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Print the digest of an artifact",
        examples: "
            # Print the digest of a tag
            oras resolve localhost:5000/hello:v1
            # Print it as a full reference
            oras resolve -l localhost:5000/hello:v1
            # Print the digest of the manifest for a platform
            oras resolve --platform linux/arm64 localhost:5000/hello:v1
            # Print the digest of a tag in an OCI image layout
            oras resolve --oci-layout layout-dir:v1
        ",
        positionals: Positionals::Exactly(1, "the target artifact reference to resolve"),
        stage: Stage::Preview,
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let platform = parse_platform(&self.platform.platform)?;
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;

        let client = target.client()?;
        let source = target.source(&client)?;
        let reference = target.required_reference()?;
        let descriptor = graph::resolve(&*source, reference, platform.as_ref(), MAX_MANIFEST_BYTES)
            .map_err(|error| target.cli_error(&error.context("failed to resolve digest")))?;
        if self.full_reference {
            process.print_line(&format!("{}@{}", target.path(), descriptor.digest))
        } else {
            process.print_line(descriptor.digest.as_str())
        }
    }
}
