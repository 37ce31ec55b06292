//! `oras tag`

use oras::Reference;
use oras::progress::Event;
use oras::tag::{TagOptions, tag};

use crate::cli::groups::{Concurrency, TargetFlags, Verbose};
use crate::cli::parse::check_count;
use crate::commands::prelude::*;
use crate::progress::{Status, observer};

flags! {
    /// Flags of `oras tag`.
    pub(crate) struct TagFlags {
        if_absent: bool = switch(
            "if-absent",
            "fail if a tag exists with another digest, instead of moving it",
        )
        .addition(),
        concurrency: Concurrency,
        target: TargetFlags,
        verbose: Verbose,
    }
}

/// The positional arguments. `oras tag list` has an error of its own, whatever their number.
const POSITIONALS: Positionals =
    Positionals::AtLeast(2, "the artifact to be retagged and the tags to be added");

impl Command for TagFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras tag",
        usage: "[flags] <name>{:<tag>|@<digest>} <new_tag> [...]",
        about: "Add tags to an artifact",
        details: "With --if-absent, all tags are checked before the first is set, and each again \
                  right before it is set. A registry cannot do both in one step: if another \
                  client sets the tag in between, its tag is moved.",
        examples: "
            # Tag v1.0.1 as v1.0 and latest
            oras tag localhost:5000/hello:v1.0.1 v1.0 latest
            # Tag a manifest by digest
            oras tag localhost:5000/hello@sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2 v1
            # Tag a release, whose tag must be new
            oras tag --if-absent localhost:5000/hello:latest v1.0.1
            # Tag in an OCI image layout
            oras tag --oci-layout layout-dir:v1.0.1 v1.0 latest
        ",
        positionals: Positionals::Any,
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let is_layout = self.target.layout.oci_layout;
        reject_list(line.positionals.first(), is_layout, line.command)?;
        check_count(line.command, POSITIONALS, &line.positionals)?;
        let (raw, tags) = (&line.positionals[0], &line.positionals[1..]);
        let target = Target::parse(raw, &self.target, line, process).map_err(|cli_error| {
            if !self.target.layout.is_set() && raw.parse::<Reference>().is_err() {
                cli_error.context(&format!("unable to add tag for '{raw}'"))
            } else {
                cli_error
            }
        })?;

        let client = target.client()?;
        let reference = target.required_reference()?;
        let destination = target.destination(&client)?;
        let path = target.path();
        let shown = target.shown_as(&path).to_string();
        let mut status = Status::of_references(process);
        let observer = observer(process.console(), move |event| match event {
            Event::Resolved { descriptor, .. } => {
                status.line(&format!("Tagging {shown}@{}", descriptor.digest))
            }
            event => status.report(event),
        });
        let mut options = TagOptions::default();
        options.if_absent = self.if_absent;
        options.observer = Some(observer);
        let tagged = tag(&*destination, reference, tags, options)
            .map_err(|error| target.cli_error(&error))?;
        if process.status_enabled() {
            return Ok(());
        }
        process.print_digest(&tagged.digest)
    }
}

/// The options for further tags of a command, which are reported.
pub(crate) fn further_tags(process: &Process) -> TagOptions {
    let mut options = TagOptions::default();
    options.observer = Some(Status::of_references(process).observer());
    options
}

/// Rejects `oras tag list`, which is probably meant as `oras repo tags`.
fn reject_list(
    first: Option<&String>,
    is_layout: bool,
    command: &CommandSpec,
) -> Result<(), CliError> {
    if !first.is_some_and(|first| matches!(first.as_str(), "list" | "ls")) {
        return Ok(());
    }
    let place = if is_layout {
        "an OCI image layout"
    } else {
        "a repository"
    };
    Err(
        CliError::usage("there is no \"list\" sub-command for \"oras tag\" command")
            .with_usage_of(command)
            .recommend(format!(
                "If you want to list available tags in {place}, use \"oras repo tags\""
            )),
    )
}
