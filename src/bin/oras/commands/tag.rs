//! `oras tag`

use oras::Reference;
use oras::progress::Event;
use oras::tag::{TagOptions, tag};

use crate::cli::groups::{Concurrency, Debugging, Layout, Remote, Verbose};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Parsed, Positionals};
use crate::error::CliError;
use crate::process::Process;
use crate::progress::Status;
use crate::target::{Target, TargetFlags};

#[derive(Default)]
pub(crate) struct Args {
    concurrency: Concurrency,
    debugging: Debugging,
    layout: Layout,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras tag",
        usage: "[flags] <name>{:<tag>|@<digest>} <new_tag> [...]",
        about: "Give an artifact further tags",
        examples: &[
            (
                "Tag v1.0.1 as v1.0 and latest",
                "oras tag localhost:5000/hello:v1.0.1 v1.0 latest",
            ),
            (
                "Tag what has a digest",
                "oras tag localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2 v1",
            ),
            (
                "Tag in an OCI image layout",
                "oras tag --oci-layout layout-dir:v1.0.1 v1.0 latest",
            ),
        ],
        positionals: Positionals::AtLeast(
            1,
            "the artifact to be retagged and the tags to be added",
        ),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.concurrency.group(),
            self.debugging.group(),
            self.layout.group(),
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
    refuse_listing(&positionals[0], args.layout.oci_layout)?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let (raw, tags) = (&positionals[0], &positionals[1..]);
    let target = Target::parse(raw, &flags, process).map_err(|failure| {
        if !args.layout.is_given() && raw.parse::<Reference>().is_err() {
            failure.context(&format!("unable to add tag for '{raw}'"))
        } else {
            failure
        }
    })?;

    let client = target.client()?;
    let reference = target.required_reference(Args::SPEC)?;
    if tags.is_empty() {
        return Err(CliError::usage(
            "dstReferences cannot be empty: missing reference",
        ));
    }
    let destination = target.destination(&client)?;
    let path = target.path();
    let mut status = Status::of_references(process);
    let mut observer = |event: Event<'_>| match event {
        Event::Resolved { descriptor, .. } => {
            let shown = target.shown_as(&path);
            status.line(&format!("Tagging {shown}@{}", descriptor.digest))
        }
        event => status.report(event),
    };
    let options = TagOptions {
        observer: Some(&mut observer),
        ..TagOptions::default()
    };
    let tagged =
        tag(&*destination, reference, tags, options).map_err(|error| target.failure(&error))?;
    if process.status_enabled() {
        return Ok(());
    }
    process.print_digest(&tagged.digest)
}

/// Refuses what looks like a wish to see tags.
fn refuse_listing(first: &str, is_layout: bool) -> Result<(), CliError> {
    if !matches!(first, "list" | "ls") {
        return Ok(());
    }
    let place = if is_layout {
        "an OCI image layout"
    } else {
        "a repository"
    };
    Err(
        CliError::usage("there is no \"list\" sub-command for \"oras tag\" command")
            .with_usage_of(Args::SPEC)
            .recommend(format!(
                "If you want to list available tags in {place}, use \"oras repo tags\""
            )),
    )
}
