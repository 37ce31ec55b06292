//! `oras blob push`

use oras::push::push_blob;
use oras::{Digest, Error, MediaType};

use crate::cli::groups::{Descriptor, Pretty, TargetFlags, Tty, Verbose};
use crate::commands::prelude::*;
use crate::input::{self, BlobProperties, STDIN};
use crate::progress::display::ProgressDisplay;
use crate::progress::{Labels, Status};

flags! {
    /// Flags of `oras blob push`.
    pub(crate) struct BlobPushFlags {
        size: Option<i64> = text("size", "int", "size of the blob, required for stdin (default -1)"),
        media_type: Option<String> = text(
            "media-type",
            "string",
            "media type in the descriptor (default \"application/vnd.oci.image.layer.v1.tar\")",
        ),
        descriptor: Descriptor,
        pretty: Pretty,
        target: TargetFlags,
        tty: Tty,
        verbose: Verbose,
    }
}

impl Command for BlobPushFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras blob push",
        usage: "[flags] <name>[@digest] <file>",
        about: "Push a file as a blob",
        details: "The file - is stdin. A blob that exists at the destination is not sent.",
        examples: "
            # Push a file
            oras blob push localhost:5000/hello hi.txt
            # Push a file whose digest is known
            oras blob push localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5 hi.txt
            # Push stdin
            oras blob push --size 12 localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5 -
            # Push a file and print its descriptor, with a media type
            oras blob push --descriptor --media-type application/vnd.me.config localhost:5000/hello hi.txt
            # Push a file and print its digest alone
            oras blob push --quiet localhost:5000/hello hi.txt
            # Push a file into an OCI image layout
            oras blob push --oci-layout layout-dir hi.txt
        ",
        positionals: Positionals::Exactly(
            2,
            "the destination to push to and the file to read blob content from",
        ),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let (raw, file) = (&line.positionals[0], line.positionals[1].as_str());
        input::check(file, &self.target.remote)?;
        // A negative size means unknown, as in the reference client.
        let size = self.size.and_then(|size| u64::try_from(size).ok());
        if file == STDIN && size.is_none() {
            return Err(CliError::usage(
                "`--size` must be provided if the blob is read from stdin",
            ));
        }
        let target = Target::parse(raw, &self.target, line, process)?;

        let client = target.client()?;
        let destination = target.destination(&client)?;
        let properties = BlobProperties {
            media_type: self.media_type.map_or(MediaType::LAYER, MediaType::from),
            digest: target.reference().map(parse_digest).transpose()?,
            size,
        };
        let display = if self.descriptor.descriptor {
            process.disable_status();
            None
        } else {
            ProgressDisplay::new(process, self.tty, self.target.debugging)
        };
        let status =
            Status::new(process, &Labels::PUSH, self.verbose.is_on()).with_display(display);
        let observer = status.observer();
        let blob = observer.scope(|| {
            let (blob, mut content) = input::blob(file, properties)?;
            push_blob(&*destination, &blob, &mut *content)
                .map_err(|error| target.cli_error(&error))?;
            Ok::<_, CliError>(blob)
        })?;
        drop(observer);

        if self.descriptor.descriptor {
            return print_descriptor(&blob, &self.pretty, process);
        }
        process.print_status(&format!("Pushed: {}", target.shown()))?;
        process.print_digest(&blob.digest)
    }
}

fn parse_digest(text: &str) -> Result<Digest, CliError> {
    text.parse().map_err(|error| match error {
        Error::InvalidInput { reason, .. } => {
            CliError::usage(format!("invalid digest {text}: {reason}"))
        }
        other => CliError::from(&other),
    })
}
