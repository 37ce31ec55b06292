//! `oras blob fetch`

use std::path::Path;

use oras::manifest::MAX_MANIFEST_BYTES;
use oras::store::Source as _;

use crate::cli::groups::{
    Debugging, Descriptor as DescriptorFlag, Layout, Pretty, Remote, Tty, Verbose,
};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals};
use crate::commands::arguments;
use crate::error::CliError;
use crate::output::file;
use crate::output::format::print_json;
use crate::process::Process;
use crate::progress::display::Bars;
use crate::target::{Target, TargetFlags};

#[derive(Default)]
struct Own {
    output: String,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[Flag::text(
        "output",
        "path",
        "file to write the blob to, - for stdout",
        |own: &mut Self, text| own.output = text,
    )
    .short('o')];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
    descriptor: DescriptorFlag,
    layout: Layout,
    pretty: Pretty,
    remote: Remote,
    tty: Tty,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras blob fetch",
        aliases: &["get"],
        usage: "[flags] {--output <file> | --descriptor} <name>@<digest>",
        about: "Fetch a blob",
        details: "The file appears when the blob is complete and verified, and replaces an existing one only then. \
                  If ORAS_CACHE names a directory, content is kept there, and taken from there when it is needed again.",
        examples: &[
            (
                "Write a blob to a file",
                "oras blob fetch --output blob.tar.gz \
                 localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5",
            ),
            (
                "Print a blob",
                "oras blob fetch --output - \
                 localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5",
            ),
            (
                "Print the descriptor of a blob",
                "oras blob fetch --descriptor \
                 localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5",
            ),
            (
                "Print a blob of an OCI image layout",
                "oras blob fetch --output - --oci-layout \
                 layout-dir@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5",
            ),
            (
                "Print a blob of an archive of one",
                "oras blob fetch --output - --oci-layout \
                 layout.tar@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5",
            ),
        ],
        positionals: Positionals::Exactly(1, "the target blob to fetch"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.debugging.group(),
            self.descriptor.group(),
            self.layout.group(),
            self.pretty.group(),
            self.remote.group(),
            self.tty.group(),
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
    let output = args.own.output.as_str();
    file::check_descriptor(output, args.descriptor.descriptor)?;
    if output.is_empty() && !args.descriptor.descriptor {
        return Err(CliError::usage(
            "either `--output` or `--descriptor` must be provided",
        ));
    }
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, process)?;
    let client = target.client()?;
    let blobs = target.blobs(&client)?;
    let digest = target.required_digest(Args::SPEC)?;
    let cache = process.cache()?;
    let blobs = cache.over(&*blobs);

    let failure = |error| target.failure(&error);
    let tty = if output == "-" {
        args.tty.beside_content(process)
    } else {
        args.tty
    };
    let blob = if output.is_empty() {
        blobs.resolve(digest).map_err(failure)?
    } else {
        let (blob, content) = blobs
            .fetch_reference(digest, MAX_MANIFEST_BYTES)
            .map_err(failure)?;
        let mut bars = Bars::new(process, tty, &args.debugging);
        Bars::around(
            &mut bars,
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
        .map_err(failure)?;
        blob
    };
    if args.descriptor.descriptor {
        return print_json(&oras::json::to_vec(&blob), args.pretty.pretty, process);
    }
    Ok(())
}
