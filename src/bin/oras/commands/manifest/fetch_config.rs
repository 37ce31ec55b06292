//! `oras manifest fetch-config`

use oras::Descriptor;
use oras::graph::resolve_config;
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::store::Source as _;

use crate::cli::groups::{Descriptor as DescriptorFlag, Platform, Pretty, TargetFlags, Verbose};
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras manifest fetch-config`.
    pub(crate) struct ManifestFetchConfigFlags {
        output: String =
            text("output", "path", "file to write the config to, - for stdout").completes(Candidates::Files).short('o'),
        descriptor: DescriptorFlag,
        platform: Platform,
        pretty: Pretty,
        target: TargetFlags,
        verbose: Verbose,
    }
}

impl Command for ManifestFetchConfigFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest fetch-config",
        aliases: &["get-config"],
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Print the config of an artifact",
        details: "If ORAS_CACHE names a directory, content is cached there.",
        examples: "
            # Print a config as it is stored
            oras manifest fetch-config localhost:5000/hello:v1
            # Print it indented
            oras manifest fetch-config --pretty localhost:5000/hello:v1
            # Print its descriptor
            oras manifest fetch-config --descriptor localhost:5000/hello:v1
            # Write it to a file
            oras manifest fetch-config --output config.json localhost:5000/hello:v1
            # Print the config for a platform
            oras manifest fetch-config --platform linux/arm64 localhost:5000/hello:v1
        ",
        positionals: Positionals::Exactly(1, "the manifest config to fetch"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let output = self.output.as_str();
        let (is_descriptor, is_pretty) = (self.descriptor.descriptor, self.pretty.pretty);
        file::check_descriptor(output, is_descriptor)?;
        let platform = parse_platform(&self.platform.platform)?;
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        let client = target.client()?;
        let source = target.source(&client)?;
        let reference = target.required_reference()?;
        let cache = process.cache();
        let source = cache.over(&*source);

        let cli_error = |error| target.cli_error(&error);
        let limit = MAX_MANIFEST_BYTES;
        let config =
            resolve_config(&source, reference, platform.as_ref(), limit).map_err(cli_error)?;
        // A config can have any size, so stream it. Only indenting needs it in memory.
        match output {
            "" if is_descriptor => {}
            "" | "-" if is_pretty => {
                check_size(&config)?;
                let content = source.fetch(&config).map_err(cli_error)?;
                let bytes = content.read_all(limit).map_err(cli_error)?;
                print_json(&bytes, true, process)?;
            }
            "" | "-" => {
                let content = source.fetch(&config).map_err(cli_error)?;
                process.print_content(content).map_err(cli_error)?;
            }
            path => {
                let content = source.fetch(&config).map_err(cli_error)?;
                file::write_with(path, |file| content.copy_to(file, path)).map_err(cli_error)?;
            }
        }
        if is_descriptor {
            return print_descriptor(&config, &self.pretty, process);
        }
        Ok(())
    }
}

/// Rejects a config that is too large to be held in memory.
fn check_size(config: &Descriptor) -> Result<(), CliError> {
    if config.size <= MAX_MANIFEST_BYTES {
        return Ok(());
    }
    Err(CliError::new(format!(
        "config size {} exceeds the limit of {MAX_MANIFEST_BYTES} bytes: size exceeds limit",
        config.size
    ))
    .recommend(format!(
        "To download a large config, use \"oras blob fetch --output <file> <repository>@{}\"",
        config.digest
    )))
}
