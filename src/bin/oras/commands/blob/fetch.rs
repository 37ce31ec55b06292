//! `oras blob fetch`

use std::path::Path;

use oras::manifest::MAX_MANIFEST_BYTES;
use oras::store::Source as _;

use crate::cli::groups::{Descriptor as DescriptorFlag, Pretty, TargetFlags, Tty, Verbose};
use crate::commands::prelude::*;
use crate::progress::display::ProgressDisplay;

flags! {
    /// Flags of `oras blob fetch`.
    pub(crate) struct BlobFetchFlags {
        output: String =
            text("output", "path", "file to write the blob to, - for stdout").completes(Candidates::Files).short('o'),
        descriptor: DescriptorFlag,
        pretty: Pretty,
        target: TargetFlags,
        tty: Tty,
        verbose: Verbose,
    }
}

impl Command for BlobFetchFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras blob fetch",
        aliases: &["get"],
        usage: "[flags] {--output <file> | --descriptor} <name>@<digest>",
        about: "Fetch a blob",
        details: "The output file is created or replaced only when the blob is complete and \
                  verified. If ORAS_CACHE names a directory, content is cached there.",
        examples: "
            # Write a blob to a file
            oras blob fetch --output blob.tar.gz localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5
            # Print a blob
            oras blob fetch --output - localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5
            # Print the descriptor of a blob
            oras blob fetch --descriptor localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5
            # Print a blob of an OCI image layout
            oras blob fetch --output - --oci-layout layout-dir@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5
            # Print a blob of a tar archive of a layout
            oras blob fetch --output - --oci-layout layout.tar@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5
        ",
        positionals: Positionals::Exactly(1, "the target blob to fetch"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let output = self.output.as_str();
        file::check_descriptor(output, self.descriptor.descriptor)?;
        if output.is_empty() && !self.descriptor.descriptor {
            return Err(CliError::usage(
                "either `--output` or `--descriptor` must be provided",
            ));
        }
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        let client = target.client()?;
        let blobs = target.blobs(&client)?;
        let digest = target.required_digest()?;
        let cache = process.cache();
        let blobs = cache.over(&*blobs);

        let cli_error = |error| target.cli_error(&error);
        let tty = if output == "-" {
            process.tty_next_to_content(self.tty)
        } else {
            self.tty
        };
        let blob = if output.is_empty() {
            blobs.resolve(digest).map_err(cli_error)?
        } else {
            let (blob, content) = blobs
                .fetch_reference(digest, MAX_MANIFEST_BYTES)
                .map_err(cli_error)?;
            let mut display = ProgressDisplay::new(process, tty, self.target.debugging);
            ProgressDisplay::show_transfer(
                &mut display,
                "Downloading",
                "Downloaded ",
                content,
                |content| {
                    if output == "-" {
                        process.print_content(content)
                    } else {
                        file::write_with(output, |file| content.copy_to(file, Path::new(output)))
                    }
                },
            )
            .map_err(cli_error)?;
            blob
        };
        if self.descriptor.descriptor {
            return print_descriptor(&blob, &self.pretty, process);
        }
        Ok(())
    }
}
