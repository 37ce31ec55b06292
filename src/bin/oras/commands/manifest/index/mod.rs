//! `oras manifest index …`

pub(crate) mod create;
pub(crate) mod update;

use oras::index::push;
use oras::progress::Observer;
use oras::store::{Source, Target as Destination};
use oras::tag::add_tags;
use oras::{Descriptor, RawManifest};

use crate::commands::prelude::*;
use crate::commands::tag;
use crate::output::text::TargetName;
use crate::progress::Status;

/// The output of a new index: pushed to the target, or written to a file or stdout.
struct Order<'a> {
    target: &'a Target,
    /// The name of the target in the status line of the push.
    shown: TargetName<'a>,
    /// Further tags.
    tags: &'a [String],
    /// The output file, `-` for stdout, empty to push.
    output: &'a str,
    /// Whether to indent JSON on stdout.
    pretty: bool,
    /// Formats the status line for the new index.
    made: fn(&Descriptor) -> String,
}

impl Order<'_> {
    fn run(
        &self,
        make: impl FnOnce(&dyn Source, Observer) -> oras::Result<RawManifest>,
        process: &mut Process,
    ) -> Result<(), CliError> {
        let client = self.target.client()?;
        let index = if self.output.is_empty() {
            let destination = self.target.destination(&client)?;
            let index = self.make(make, &*destination, process)?;
            self.push(&*destination, &index, process)?;
            index
        } else {
            let source = self.target.source_or_empty(&client)?;
            let index = self.make(make, &*source, process)?;
            if self.output == "-" {
                return print_json(index.bytes(), self.pretty, process);
            }
            file::write_output(self.output, index.bytes())?;
            index
        };
        process.print_digest(&index.descriptor().digest)
    }

    fn make(
        &self,
        make: impl FnOnce(&dyn Source, Observer) -> oras::Result<RawManifest>,
        source: &dyn Source,
        process: &mut Process,
    ) -> Result<RawManifest, CliError> {
        let is_silent = self.output == "-";
        let status = Status::of_references(process).silent_if(is_silent);
        let notes = status.notes();
        let index = make(source, status.observer()).map_err(|error| {
            // An error may be about any of the references.
            let resolving = notes.current();
            self.target.cli_error_about(&error, resolving.as_deref())
        })?;
        if is_silent {
            return Ok(index);
        }
        process.print_status(&(self.made)(index.descriptor()))?;
        Ok(index)
    }

    fn push(
        &self,
        destination: &dyn Destination,
        index: &RawManifest,
        process: &mut Process,
    ) -> Result<(), CliError> {
        let cli_error = |error| self.target.cli_error(&error);
        push(destination, index, self.target.reference()).map_err(cli_error)?;
        process.print_status(&format!("Pushed    {}", self.shown))?;
        let tagging = tag::further_tags(process);
        add_tags(destination, index, self.tags, tagging).map_err(cli_error)
    }
}

/// Parses an artifact type; empty means none.
fn parse_artifact_type(text: &str) -> Result<Option<oras::MediaType>, CliError> {
    let artifact_type = oras::MediaType::from(text);
    if text.is_empty() {
        Ok(None)
    } else if artifact_type.is_valid() {
        Ok(Some(artifact_type))
    } else {
        Err(CliError::usage(format!("{text}: invalid media type")))
    }
}
