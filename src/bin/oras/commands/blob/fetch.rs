//! `oras blob fetch`

use std::fs::File;
use std::io::Read;

use oras::Descriptor;
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::store::content::{Content, VerifyReader};
use oras::store::{Fetched, Source};

use crate::cli::groups::{Descriptor as DescriptorFlag, Pretty, TargetFlags, Tty, Verbose};
use crate::commands::prelude::*;
use crate::progress::Status;
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
            Process::tty_next_to_content(self.tty)
        } else {
            self.tty
        };
        let blob = if output.is_empty() {
            blobs.resolve(digest).map_err(cli_error)?
        } else {
            let display = ProgressDisplay::new(process, tty, self.target.debugging);
            let observer = Status::of_references(process).observer();
            observer
                .scope(|| fetch(&blobs, digest, output, display, process))
                .map_err(cli_error)?
        };
        if self.descriptor.descriptor {
            return print_descriptor(&blob, &self.pretty, process);
        }
        Ok(())
    }
}

/// Writes a blob to a file or, if `output` is `-`, to stdout. Returns its descriptor.
fn fetch(
    source: &dyn Source,
    digest: &str,
    output: &str,
    mut display: Option<ProgressDisplay>,
    process: &mut Process,
) -> oras::Result<Descriptor> {
    // The size is needed to request the rest of the blob.
    let (blob, opened) = if file::has_beginning(output, digest) {
        (source.resolve(digest)?, None)
    } else {
        let (blob, opened) = source.fetch_reference(digest, MAX_MANIFEST_BYTES)?;
        (blob, Some(opened))
    };
    if let Some(display) = &mut display {
        display.start("Downloading", &blob);
    }
    let mut content = BlobContent {
        source: Fetched::new(source, &blob),
        blob: &blob,
        opened,
        display: display.as_mut(),
    };
    let written = if output == "-" {
        let reader = content.open_verified(&blob);
        reader.and_then(|reader| process.print_content(reader))
    } else {
        file::write_content(output, &blob, &mut content)
    };
    drop(content);
    written?;
    if let Some(display) = &mut display {
        display.finish_done("Downloaded ", &blob);
    }
    Ok(blob)
}

/// A blob that may be open already. Shows how much of it was read.
struct BlobContent<'a> {
    source: Fetched<'a, dyn Source + 'a>,
    blob: &'a Descriptor,
    opened: Option<VerifyReader<'a>>,
    display: Option<&'a mut ProgressDisplay>,
}

impl BlobContent<'_> {
    fn observe<'r>(
        reader: VerifyReader<'r>,
        display: &'r mut Option<&mut ProgressDisplay>,
        blob: &'r Descriptor,
    ) -> VerifyReader<'r> {
        match display {
            Some(display) => reader.with_progress(move |bytes| {
                display.advance(blob, bytes);
                Ok(())
            }),
            None => reader,
        }
    }
}

impl Content for BlobContent<'_> {
    fn open(&mut self) -> oras::Result<Box<dyn Read + Send + '_>> {
        self.source.open()
    }

    fn open_verified(&mut self, expected: &Descriptor) -> oras::Result<VerifyReader<'_>> {
        let reader = match self.opened.take() {
            Some(opened) => opened,
            None => self.source.open_verified(expected)?,
        };
        Ok(Self::observe(reader, &mut self.display, self.blob))
    }

    fn open_from(&mut self, offset: u64) -> oras::Result<Option<Box<dyn Read + Send + '_>>> {
        self.source.open_from(offset)
    }

    fn open_resumed(
        &mut self,
        expected: &Descriptor,
        beginning: File,
        length: u64,
    ) -> oras::Result<VerifyReader<'_>> {
        if let Some(display) = &mut self.display {
            display.resume(self.blob, length);
        }
        let reader = self.source.open_resumed(expected, beginning, length)?;
        Ok(Self::observe(reader, &mut self.display, self.blob))
    }
}
