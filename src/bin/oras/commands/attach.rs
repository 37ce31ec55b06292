//! `oras attach`

use std::path::PathBuf;

use oras::MediaType;
use oras::attach::{AttachOptions, Attached, attach};
use oras::progress::Event;

use super::annotations::All;
use super::push::{Layers, config};
use crate::cli::groups::{
    Annotations, Concurrency, Debugging, Distribution, Format as FormatFlags, Layout, Pack,
    Platform, Remote, Title, Tty, Verbose,
};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals};
use crate::error::CliError;
use crate::output::file;
use crate::output::format::Format;
use crate::output::model;
use crate::process::Process;
use crate::progress::display::Bars;
use crate::progress::{Labels, Status};
use crate::target::{Target, TargetFlags, parse_platform};

#[derive(Default)]
struct Own {
    artifact_type: String,
    config: String,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "artifact-type",
            "type",
            "type of what is attached (required)",
            |own: &mut Self, text| own.artifact_type = text,
        ),
        Flag::text(
            "config",
            "path[:type]",
            "file that becomes the config",
            |own: &mut Self, text| own.config = text,
        ),
    ];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    annotations: Annotations,
    concurrency: Concurrency,
    debugging: Debugging,
    distribution: Distribution,
    format: FormatFlags,
    layout: Layout,
    pack: Pack,
    platform: Platform,
    remote: Remote,
    title: Title,
    tty: Tty,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras attach",
        usage: "[flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]",
        about: "Attach files or annotations to an artifact",
        details: "What is attached is an artifact of its own that names the other one as its subject. It gets no tag: `oras discover` finds it. \
                  With - as a file, stdin is attached while it is read; a file of that name is ./-.",
        examples: &[
            (
                "Attach a file",
                "oras attach --artifact-type doc/example localhost:5000/hello:v1 hi.txt",
            ),
            (
                "Attach a file with a media type",
                "oras attach --artifact-type doc/example localhost:5000/hello:v1 hi.txt:application/vnd.me.hi",
            ),
            (
                "Attach what another command writes",
                "sha256sum hi.txt | oras attach --artifact-type doc/example localhost:5000/hello:v1 -:text/plain --title checksums.txt",
            ),
            (
                "Attach an annotation and no file",
                "oras attach --artifact-type doc/example --annotation \"key=value\" localhost:5000/hello:v1",
            ),
            (
                "Attach to the manifest for a platform",
                "oras attach --artifact-type doc/example --platform linux/amd64 localhost:5000/hello:v1 hi.txt",
            ),
            (
                "Attach a file whose name has a colon",
                "oras attach --artifact-type doc/example localhost:5000/hello:v1 hi:there.txt:",
            ),
            (
                "Attach and write the manifest to a file",
                "oras attach --artifact-type doc/example --export-manifest manifest.json localhost:5000/hello:v1 hi.txt",
            ),
            (
                "Attach in an OCI image layout",
                "oras attach --oci-layout --artifact-type doc/example layout-dir:v1 hi.txt",
            ),
        ],
        positionals: Positionals::AtLeast(1, "the destination artifact for attaching."),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.annotations.group(),
            self.concurrency.group(),
            self.debugging.group(),
            self.distribution.group(),
            self.format.group(),
            self.layout.group(),
            self.pack.group(),
            self.platform.group(),
            self.remote.group(),
            self.title.group(),
            self.tty.group(),
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
    let layers = Layers::parse(&positionals[1..], &args.title, &args.remote)?;
    layers.check_paths(&args.pack)?;
    let annotations = All::parse(&args.annotations, &args.pack.annotation_file)?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    // Whoever gives one argument may have given a file only.
    let about_reference = |failure: CliError| {
        if layers.is_empty() {
            failure.before_recommendation("Are you missing an artifact reference to attach to? ")
        } else {
            failure
        }
    };
    let target = Target::parse(&positionals[0], &flags, process).map_err(|failure| {
        if args.layout.is_given() {
            failure
        } else {
            about_reference(failure)
        }
    })?;
    let format = Format::parse(&args.format, process)?;
    if !format.is_text() {
        process.disable_status();
    }
    let platform = parse_platform(&args.platform.platform)?;
    given.exclusive(&["config", "platform"])?;
    let reference = target
        .required_reference(Args::SPEC)
        .map_err(about_reference)?;
    given.required(&["artifact-type"])?;
    if layers.is_empty() && annotations.manifest.is_empty() {
        return Err(CliError::usage("neither file nor annotation provided in the command")
            .with_usage_of(Args::SPEC)
            .recommend(format!(
                "To attach to an existing artifact, please provide files via argument or annotations via flag \"--annotation\". {}",
                Args::SPEC.see_help()
            )));
    }

    let created = process.source_date_epoch()?;
    let temporary = process.variable("TMPDIR").map(PathBuf::from);
    let streams = layers.streams(&args.title, &annotations, process)?;
    let bars = Bars::new(process, args.tty, &args.debugging);
    let mut status = Status::new(process, &Labels::PUSH, args.verbose.is_on()).with_display(bars);
    let mut observer = |event: Event<'_>| status.report(event);
    let options = AttachOptions {
        files: layers.files(&annotations),
        streams,
        artifact_type: Some(args.own.artifact_type.as_str())
            .filter(|artifact_type| !artifact_type.is_empty())
            .map(MediaType::from),
        platform,
        config: config(&args.own.config)?,
        annotations: annotations.manifest,
        config_annotations: annotations.config,
        created,
        temporary,
        observer: Some(&mut observer),
    };
    let client = target.client()?;
    let destination = target.destination_with(args.distribution.referrers, None, &client)?;
    let attached =
        attach(&*destination, reference, options).map_err(|error| target.failure(&error))?;
    drop(status);
    report(&target, &attached, &format, process)?;
    if !args.pack.export_manifest.is_empty() {
        let path = &args.pack.export_manifest;
        file::write(path, attached.manifest.bytes())
            .map_err(|error| CliError::from_library(&error))?;
    }
    Ok(())
}

fn report(
    target: &Target,
    attached: &Attached,
    format: &Format,
    process: &mut Process,
) -> Result<(), CliError> {
    let descriptor = attached.manifest.descriptor();
    let path = target.path();
    if !format.is_text() {
        return format.print(&model::Descriptor::new(&path, descriptor), process);
    }
    let subject = &attached.subject.digest;
    let name = if target.raw().ends_with(subject.as_str()) {
        target.raw().to_owned()
    } else {
        format!("{path}@{subject}")
    };
    process.print_status(&format!("Attached to {}", target.shown_as(&name)))?;
    process.print_digest(&descriptor.digest)
}
