//! `oras manifest fetch`

use oras::Descriptor;
use oras::graph;
use oras::manifest::MAX_MANIFEST_BYTES;

use crate::cli::groups::{
    Debugging, Descriptor as DescriptorFlag, Format as FormatFlags, Layout, Platform, Pretty,
    Remote, Verbose,
};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, quote};
use crate::error::CliError;
use crate::output::file;
use crate::output::format::{Format, print_json};
use crate::output::model;
use crate::process::Process;
use crate::target::{Target, TargetFlags, parse_platform};

#[derive(Default)]
struct Own {
    media_types: Vec<String>,
    output: String,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::list(
            "media-type",
            "type",
            "accept these media types only (repeatable, comma-separated)",
            |own: &mut Self, types| own.media_types.extend(types),
        ),
        Flag::text(
            "output",
            "path",
            "file to write the manifest to, - for stdout",
            |own: &mut Self, text| {
                own.output = text;
            },
        )
        .short('o'),
    ];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
    descriptor: DescriptorFlag,
    format: FormatFlags,
    layout: Layout,
    platform: Platform,
    pretty: Pretty,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest fetch",
        aliases: &["get", "show"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Print the manifest of an artifact",
        details: "If ORAS_CACHE names a directory, content is kept there, and taken from there when it is needed again.",
        examples: &[
            (
                "Print a manifest as it is stored",
                "oras manifest fetch localhost:5000/hello:v1",
            ),
            (
                "Print it indented",
                "oras manifest fetch --pretty localhost:5000/hello:v1",
            ),
            (
                "Print its descriptor",
                "oras manifest fetch --descriptor localhost:5000/hello:v1",
            ),
            (
                "Write it to a file",
                "oras manifest fetch --output manifest.json localhost:5000/hello:v1",
            ),
            (
                "Print the manifest for a platform",
                "oras manifest fetch --platform linux/arm64 localhost:5000/hello:v1",
            ),
            (
                "Print a manifest of an OCI image layout",
                "oras manifest fetch --oci-layout layout-dir:v1",
            ),
        ],
        positionals: Positionals::Exactly(1, "the manifest to fetch"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.debugging.group(),
            self.descriptor.group(),
            self.format.group(),
            self.layout.group(),
            self.platform.group(),
            self.pretty.group(),
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
    }) = super::super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    check(&args, |flag| given.contains(flag))?;
    let platform = parse_platform(&args.platform.platform)?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, process)?;
    let format = Format::parse(&args.format, process)?;

    let client = target.client_accepting(&args.own.media_types)?;
    let source = target.source(&client)?;
    let reference = target.required_reference(Args::SPEC)?;
    let cache = process.cache()?;
    let source = cache.over(&*source);
    if target.is_layout() && given.contains("media-type") {
        return Err(CliError::usage(
            "`--media-type` cannot be used with `--oci-layout` at the same time",
        ));
    }
    let raw = quote::double(target.raw());
    if args.descriptor.descriptor && args.own.output.is_empty() {
        let descriptor = graph::resolve(&source, reference, platform.as_ref(), MAX_MANIFEST_BYTES)
            .map_err(|error| target.failure(&error.context(format!("failed to find {raw}"))))?;
        return print_descriptor(&descriptor, &args, process);
    }
    let manifest = graph::fetch_manifest(&source, reference, platform.as_ref(), MAX_MANIFEST_BYTES)
        .map_err(|error| {
            target.failure(&error.context(format!("failed to fetch the content of {raw}")))
        })?;
    let to_file = !matches!(args.own.output.as_str(), "" | "-");
    if to_file {
        file::write_output(&args.own.output, manifest.bytes())?;
    }
    if args.descriptor.descriptor {
        return print_descriptor(manifest.descriptor(), &args, process);
    }
    if !format.is_text() {
        let result = model::Fetched {
            descriptor: model::Descriptor::new(&target.path(), manifest.descriptor()),
            content: serde_json::from_slice(manifest.bytes()).ok(),
        };
        return format.print(&result, process);
    }
    if to_file {
        return Ok(());
    }
    print_json(manifest.bytes(), args.pretty.pretty, process)
}

/// What excludes each other, whatever the target.
fn check(args: &Args, given: impl Fn(&str) -> bool) -> Result<(), CliError> {
    let is_text = matches!(args.format.format.as_deref(), None | Some("text"));
    if args.own.output == "-" && !is_text {
        return Err(CliError::usage(format!(
            "`--output -` cannot be used with `--format {}` at the same time",
            args.format.template
        )));
    }
    if args.own.output == "-" && args.descriptor.descriptor {
        return Err(CliError::usage(
            "`--descriptor` cannot be used with `--output -` at the same time",
        ));
    }
    for flag in ["pretty", "descriptor"] {
        if given("format") && given(flag) {
            return Err(CliError::usage(format!(
                "--format, --{flag} cannot be used at the same time"
            )));
        }
    }
    Ok(())
}

fn print_descriptor(
    descriptor: &Descriptor,
    args: &Args,
    process: &mut Process,
) -> Result<(), CliError> {
    print_json(&oras::json::to_vec(descriptor), args.pretty.pretty, process)
}
