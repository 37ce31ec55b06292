//! `oras manifest fetch`

use oras::graph;
use oras::internal::json;
use oras::manifest::MAX_MANIFEST_BYTES;
use serde_json::Value;

use crate::cli::groups::{
    Descriptor as DescriptorFlag, Format as FormatFlags, Platform, Pretty, TargetFlags, Verbose,
};
use crate::cli::value::CommaSeparated;
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras manifest fetch`.
    pub(crate) struct ManifestFetchFlags {
        media_types: CommaSeparated = text(
            "media-type",
            "strings",
            "accept these media types only (repeatable, comma-separated)",
        ),
        output: String =
            text("output", "path", "file to write the manifest to, - for stdout").completes(Candidates::Files).short('o'),
        descriptor: DescriptorFlag,
        format: FormatFlags,
        platform: Platform,
        pretty: Pretty,
        target: TargetFlags,
        verbose: Verbose,
    }
}

impl Command for ManifestFetchFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest fetch",
        aliases: &["get", "show"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Print the manifest of an artifact",
        details: "If ORAS_CACHE names a directory, content is cached there.",
        examples: "
            # Print a manifest as it is stored
            oras manifest fetch localhost:5000/hello:v1
            # Print it indented
            oras manifest fetch --pretty localhost:5000/hello:v1
            # Print its descriptor
            oras manifest fetch --descriptor localhost:5000/hello:v1
            # Write it to a file
            oras manifest fetch --output manifest.json localhost:5000/hello:v1
            # Print the manifest for a platform
            oras manifest fetch --platform linux/arm64 localhost:5000/hello:v1
            # Print a manifest of an OCI image layout
            oras manifest fetch --oci-layout layout-dir:v1
        ",
        positionals: Positionals::Exactly(1, "the manifest to fetch"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        self.check(&line.set)?;
        let platform = parse_platform(&self.platform.platform)?;
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        let format = Format::parse(&self.format, process)?;

        let client = target.client_accepting(&self.media_types.0)?;
        let source = target.source(&client)?;
        let reference = target.required_reference()?;
        let cache = process.cache();
        let source = cache.over(&*source);
        if target.is_layout() && line.set.contains("media-type") {
            return Err(CliError::usage(
                "`--media-type` cannot be used with `--oci-layout` at the same time",
            ));
        }
        let raw = quote::double(target.raw());
        if self.descriptor.descriptor && self.output.is_empty() {
            let descriptor =
                graph::resolve(&source, reference, platform.as_ref(), MAX_MANIFEST_BYTES).map_err(
                    |error| target.cli_error(&error.context(format!("failed to find {raw}"))),
                )?;
            return print_descriptor(&descriptor, &self.pretty, process);
        }
        let manifest =
            graph::fetch_manifest(&source, reference, platform.as_ref(), MAX_MANIFEST_BYTES)
                .map_err(|error| {
                    target
                        .cli_error(&error.context(format!("failed to fetch the content of {raw}")))
                })?;
        let to_file = !matches!(self.output.as_str(), "" | "-");
        if to_file {
            file::write_output(&self.output, manifest.bytes())?;
        }
        if self.descriptor.descriptor {
            return print_descriptor(manifest.descriptor(), &self.pretty, process);
        }
        if !format.is_text() {
            let result = model::Fetched {
                descriptor: model::Descriptor::new(&target.path(), manifest.descriptor()),
                content: json::parse(manifest.bytes()).ok().filter(Value::is_object),
            };
            return format.print(&result, process);
        }
        if to_file {
            return Ok(());
        }
        print_json(manifest.bytes(), self.pretty.pretty, process)
    }
}

impl ManifestFetchFlags {
    /// Rejects exclusive flags.
    fn check(&self, set: &SetFlags) -> Result<(), CliError> {
        let is_text = matches!(self.format.format.as_deref(), None | Some("text"));
        if self.output == "-" && !is_text {
            return Err(CliError::usage(format!(
                "`--output -` cannot be used with `--format {}` at the same time",
                self.format.format.as_deref().unwrap_or_default()
            )));
        }
        if self.output == "-" && self.descriptor.descriptor {
            return Err(CliError::usage(
                "`--descriptor` cannot be used with `--output -` at the same time",
            ));
        }
        for flag in ["pretty", "descriptor"] {
            if set.contains("format") && set.contains(flag) {
                return Err(CliError::usage(format!(
                    "--format, --{flag} cannot be used at the same time"
                )));
            }
        }
        Ok(())
    }
}
