//! `oras attach`

use std::path::PathBuf;

use oras::MediaType;
use oras::attach::{AttachOptions, Attached, attach};

use super::layers::{ContentFlags, Layers, archive_times};
use crate::cli::groups::{
    Concurrency, Distribution, Format as FormatFlags, Platform, TargetFlags, Tty, Verbose,
};
use crate::commands::prelude::*;
use crate::progress::display::ProgressDisplay;
use crate::progress::{Labels, Status};

flags! {
    /// Flags of `oras attach`.
    pub(crate) struct AttachFlags {
        artifact_type: String =
            text("artifact-type", "string", "type of the attached artifact (required)"),
        concurrency: Concurrency,
        content: ContentFlags,
        distribution: Distribution,
        format: FormatFlags,
        platform: Platform,
        target: TargetFlags,
        tty: Tty,
        verbose: Verbose,
    }
}

impl Command for AttachFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras attach",
        usage: "[flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]",
        about: "Attach files or annotations to an artifact",
        details: "The attached artifact has a manifest of its own, with the other artifact as its \
                  subject. It has no tag: `oras discover` lists it. The file - (not in oras 1.3.6) \
                  is stdin, which is attached while it is read; ./- is a file of that name. \
                  `oras help push` describes the file of --annotation-file.",
        examples: r#"
            # Attach a file
            oras attach --artifact-type doc/example localhost:5000/hello:v1 hi.txt
            # Attach a file with a media type
            oras attach --artifact-type doc/example localhost:5000/hello:v1 hi.txt:application/vnd.me.hi
            # Attach the output of another command
            sha256sum hi.txt | oras attach --artifact-type doc/example localhost:5000/hello:v1 -:text/plain --title checksums.txt
            # Attach an annotation without a file
            oras attach --artifact-type doc/example --annotation "key=value" localhost:5000/hello:v1
            # Attach to the manifest for a platform
            oras attach --artifact-type doc/example --platform linux/amd64 localhost:5000/hello:v1 hi.txt
            # Attach a file whose name has a colon
            oras attach --artifact-type doc/example localhost:5000/hello:v1 hi:there.txt:
            # Attach and write the manifest to a file
            oras attach --artifact-type doc/example --export-manifest manifest.json localhost:5000/hello:v1 hi.txt
            # Attach with the annotations of a JSON file
            oras attach --artifact-type doc/example --annotation-file annotations.json localhost:5000/hello:v1 hi.txt
            # Attach and print the digest of the new manifest
            oras attach --artifact-type doc/example --format go-template='{{.digest}}' localhost:5000/hello:v1 hi.txt
            # Attach in an OCI image layout
            oras attach --oci-layout --artifact-type doc/example layout-dir:v1 hi.txt
        "#,
        positionals: Positionals::AtLeast(1, "the destination artifact for attaching."),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let layers = Layers::parse(&line.positionals[1..], &self.content, &self.target.remote)?;
        // With one argument, the user may have forgotten the reference and typed only a file.
        let suggest_reference = |error: CliError| {
            if layers.is_empty() {
                error.before_recommendation("Are you missing an artifact reference to attach to? ")
            } else {
                error
            }
        };
        let target =
            Target::parse(&line.positionals[0], &self.target, line, process).map_err(|error| {
                if self.target.layout.is_set() {
                    error
                } else {
                    suggest_reference(error)
                }
            })?;
        let format = Format::parse(&self.format, process)?;
        if !format.is_text() {
            process.disable_status();
        }
        let platform = parse_platform(&self.platform.platform)?;
        line.set.exclusive(&["config", "platform"])?;
        let reference = target.required_reference().map_err(suggest_reference)?;
        line.set.required(&["artifact-type"])?;
        if layers.is_empty() && layers.annotations.manifest.is_empty() {
            return Err(CliError::usage("neither file nor annotation provided in the command")
            .with_usage_of(line.command)
            .recommend(format!(
                "To attach to an existing artifact, please provide files via argument or annotations via flag \"--annotation\". {}",
                line.command.see_help()
            )));
        }

        let created = process.source_date_epoch()?;
        let temporary = process.variable("TMPDIR").map(PathBuf::from);
        let streams = layers.streams()?;
        let display = ProgressDisplay::new(process, self.tty, self.target.debugging);
        let status =
            Status::new(process, &Labels::PUSH, self.verbose.is_on()).with_display(display);
        let mut options = AttachOptions::default();
        options.files = layers.files();
        // Absolute paths were checked, and the original accepts those that lead out.
        options.allow_path_traversal = true;
        options.streams = streams;
        options.artifact_type = Some(self.artifact_type.as_str())
            .filter(|artifact_type| !artifact_type.is_empty())
            .map(MediaType::from);
        options.platform = platform;
        options.config = layers.config()?;
        options.annotations = layers.annotations.manifest;
        options.config_annotations = layers.annotations.config;
        options.created = created;
        options.archive_times = archive_times(created);
        options.temporary.clone_from(&temporary);
        options.observer = Some(status.observer());
        let client = target.client()?;
        let destination = target.destination_with(self.distribution.referrers, None, &client)?;
        let attached = attach(&*destination, reference, options).map_err(|error| {
            let cli_error = target.cli_error(&error);
            cli_error.with_temporary_hint(&error, temporary.as_deref())
        })?;
        report(&target, &attached, &format, process)?;
        self.content.export(&attached.manifest)
    }
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
