//! `oras manifest push`

use oras::manifest::MAX_MANIFEST_BYTES;
use oras::push::push_manifest;
use oras::tag::add_tags;
use oras::{MediaType, RawManifest};

use crate::cli::groups::{Concurrency, Descriptor, Distribution, Pretty, TargetFlags, Verbose};
use crate::commands::prelude::*;
use crate::commands::tag;
use crate::input;
use crate::progress::{Labels, Status};

flags! {
    /// Flags of `oras manifest push`.
    pub(crate) struct ManifestPushFlags {
        media_type: String =
            text("media-type", "string", "media type of the manifest (default: its mediaType field)"),
        concurrency: Concurrency,
        descriptor: Descriptor,
        distribution: Distribution,
        pretty: Pretty,
        target: TargetFlags,
        verbose: Verbose,
    }
}

impl Command for ManifestPushFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest push",
        usage: "[flags] <name>[:<tag>[,<tag>][...]|@<digest>] <file>",
        about: "Push a file as a manifest",
        details: "The file - is stdin. The content that the manifest refers to must exist at the \
                  destination.",
        examples: "
            # Push a manifest under a tag
            oras manifest push localhost:5000/hello:v1 manifest.json
            # Push it under several tags
            oras manifest push localhost:5000/hello:v1,v1.0,latest manifest.json
            # Push stdin
            oras manifest push localhost:5000/hello:v1 -
            # Push a manifest without a mediaType field
            oras manifest push --media-type application/vnd.oci.image.manifest.v1+json localhost:5000/hello:v1 manifest.json
            # Push a manifest and print its descriptor
            oras manifest push --descriptor localhost:5000/hello:v1 manifest.json
            # Push a manifest and print its digest alone
            oras manifest push --quiet localhost:5000/hello:v1 manifest.json
            # Push a manifest to a registry that keeps referrers under tags
            oras manifest push --distribution-spec v1.1-referrers-tag localhost:5000/hello:v1 manifest.json
            # Push a manifest into an OCI image layout
            oras manifest push --oci-layout layout-dir:v1 manifest.json
        ",
        positionals: Positionals::Exactly(
            2,
            "the destination to push to and the file to read manifest content from",
        ),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let (raw, file) = (&line.positionals[0], line.positionals[1].as_str());
        input::check(file, &self.target.remote)?;
        let (target, further_tags) = Target::parse_with_tags(raw, &self.target, line, process)?;
        check_further_tags(&further_tags)?;

        let client = target.client()?;
        let destination = target.manifests_to_write(&client, self.distribution.referrers)?;
        let bytes = input::read(file, MAX_MANIFEST_BYTES)?;
        let media_type = media_type(&self.media_type, &bytes, file, line.command)?;
        let manifest = RawManifest::new(media_type, bytes);
        let descriptor = manifest.descriptor();

        let cli_error = |error| target.cli_error(&error);
        if self.descriptor.descriptor {
            process.disable_status();
        }
        let observer = Status::new(process, &Labels::PUSH, self.verbose.is_on()).observer();
        observer
            .scope(|| push_manifest(&*destination, &manifest, target.reference()))
            .map_err(cli_error)?;
        process.print_status(&format!("Pushed: {}", target.shown()))?;
        let tagging = tag::further_tags(process);
        add_tags(&*destination, &manifest, &further_tags, tagging).map_err(cli_error)?;

        if self.descriptor.descriptor {
            return print_descriptor(descriptor, &self.pretty, process);
        }
        process.print_digest(&descriptor.digest)
    }
}

/// The media type as typed, or else the `mediaType` of the manifest.
fn media_type(
    typed: &str,
    bytes: &[u8],
    file: &str,
    command: &CommandSpec,
) -> Result<MediaType, CliError> {
    if !typed.is_empty() {
        return Ok(typed.into());
    }
    match RawManifest::media_type_in(bytes) {
        Err(_) => Err(CliError::new("not a valid json file")),
        Ok(Some(media_type)) => Ok(media_type),
        Ok(None) => Err(CliError::usage(format!(
            "media type is not specified via the flag \"--media-type\" nor in {}",
            quote::double(file)
        ))
        .with_usage_of(command)
        .recommend(
            "Please specify a valid media type in the manifest JSON or via the \"--media-type\" flag",
        )),
    }
}
