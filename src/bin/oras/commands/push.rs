//! `oras push`

use std::path::PathBuf;

use oras::pack::ImageSpec;
use oras::push::{PushOptions, push};
use oras::store::Target as WritableStore;
use oras::store::memory::MemoryStore;
use oras::tag::add_tags;
use oras::{Digest, MediaType, RawManifest};

use super::layers::{ContentFlags, Layers, archive_times};
use super::tag;
use crate::cli::groups::{Concurrency, Format as FormatFlags, TargetFlags, Tty, Verbose};
use crate::cli::value::{BadValue, FlagValue};
use crate::commands::prelude::*;
use crate::progress::display::ProgressDisplay;
use crate::progress::{Labels, Status};

flags! {
    /// Flags of `oras push`.
    pub(crate) struct PushFlags {
        artifact_type: String = text("artifact-type", "string", "type of the artifact"),
        image_spec: Option<ImageSpec> = text(
            "image-spec",
            "string",
            "version of the image spec to follow: v1.1 or v1.0 (default v1.1, or v1.0 with --config and without --artifact-type)",
        ).completes(Candidates::OneOf(&["v1.1", "v1.0"])).stage(Stage::Preview),
        artifact_platform: String = text(
            "artifact-platform",
            "os[/arch][/variant][:os_version]",
            "platform of the artifact",
        ).stage(Stage::Experimental),
        force: bool = switch("force", "send the manifest again even if it exists at the destination"),
        if_absent: bool = switch(
            "if-absent",
            "fail if a tag exists with another digest, instead of moving it",
        )
        .addition(),
        preserve_mode: bool = switch(
            "preserve-mode",
            "record which files are executable, so that pull makes them executable",
        )
        .addition(),
        concurrency: Concurrency,
        content: ContentFlags,
        format: FormatFlags,
        target: TargetFlags,
        tty: Tty,
        verbose: Verbose,
    }
}

impl FlagValue for ImageSpec {
    fn set(&mut self, text: &str) -> Result<(), BadValue> {
        *self = match text {
            "v1.1" => Self::V1_1,
            "v1.0" => Self::V1_0,
            _ => {
                return Err(format!(
                    "unknown image specification flag: {text}\nAvailable options: v1.1, v1.0"
                ));
            }
        };
        Ok(())
    }
}

impl Command for PushFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras push",
        usage: "[flags] <name>[:<tag>[,<tag>][...]] <file>[:<type>] [...]",
        about: "Push files to a registry or an OCI image layout",
        details: "A directory is packed into a layer, which pull unpacks. Without files, an empty \
                  artifact is pushed. The file - (not in oras 1.3.6) is stdin, which is pushed \
                  while it is read; ./- is a file of that name.\n\
                  \n\
                  The file of --annotation-file is a JSON object. Its members are objects of \
                  annotations:\n\
                  $manifest  for the manifest, such as {\"$manifest\": {\"key\": \"value\"}}\n\
                  $config    for the config\n\
                  <file>     for the file of that name\n\
                  \n\
                  A config has no name, so pull does not write it unless --config asks for it. \
                  Without --artifact-type, the media type of the config tells the type of the \
                  artifact.\n\
                  \n\
                  With --if-absent, tags are checked before files are sent, and each again right \
                  before it is set. A registry cannot do both in one step: if another client sets \
                  the tag in between, its tag is moved. A tag that exists with the same digest is \
                  not an error.",
        examples: r#"
            # Push a file
            oras push localhost:5000/hello:v1 hi.txt
            # Push a file with a media type
            oras push localhost:5000/hello:v1 hi.txt:application/vnd.me.hi
            # Push files with an artifact type
            oras push --artifact-type application/vnd.me.config localhost:5000/hello:v1 hi.txt bye.txt
            # Push a directory under several tags
            oras push localhost:5000/hello:v1,latest some-directory
            # Push a release, whose tag must be new, with an executable file
            oras push --if-absent --preserve-mode localhost:5000/hello:v1.0.1 program
            # Push a file whose name has a colon
            oras push localhost:5000/hello:v1 hi:there.txt:
            # Push the output of another command
            tar c some-directory | oras push localhost:5000/hello:v1 -:application/x-tar --title some-directory.tar
            # Push with an annotation
            oras push --annotation "key=value" localhost:5000/hello:v1 hi.txt
            # Push with the annotations of a JSON file
            oras push --annotation-file annotations.json localhost:5000/hello:v1 hi.txt
            # Push with a config and its media type
            oras push --config config.json:application/vnd.me.config localhost:5000/hello:v1 hi.txt
            # Push and write the manifest to a file
            oras push --export-manifest manifest.json localhost:5000/hello:v1 hi.txt
            # Push and print the result as JSON
            oras push --format json localhost:5000/hello:v1 hi.txt
            # Push and print only the reference with the digest
            oras push --format go-template='{{.reference}}' localhost:5000/hello:v1 hi.txt
            # Push into an OCI image layout
            oras push --oci-layout layout-dir:v1 hi.txt
        "#,
        positionals: Positionals::AtLeast(1, "the destination for pushing"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let layers = Layers::parse(&line.positionals[1..], &self.content, &self.target.remote)?;
        let platform = parse_platform(&self.artifact_platform)?;
        let (target, further_tags) =
            Target::parse_with_tags(&line.positionals[0], &self.target, line, process)?;
        let format = Format::parse(&self.format, process)?;
        check_further_tags(&further_tags)?;
        if !format.is_text() {
            process.disable_status();
        }
        let (image_spec, artifact_type) = self.image_spec(&line.set)?;

        let created = process.source_date_epoch()?;
        let temporary = process.variable("TMPDIR").map(PathBuf::from);
        let streams = layers.streams()?;
        let display = ProgressDisplay::new(process, self.tty, self.target.debugging);
        let status = Status::new(process, &Labels::PUSH, self.verbose.is_on())
            .report_tagged_root(target.is_layout())
            .with_display(display);
        let mut options = PushOptions::default();
        options.files = layers.files();
        // Absolute paths were checked, and the original accepts those that lead out.
        options.allow_path_traversal = true;
        options.streams = streams;
        options.artifact_type = artifact_type;
        options.config = layers.config()?;
        options.platform = platform;
        options.image_spec = image_spec;
        options.annotations = layers.annotations.manifest;
        options.config_annotations = layers.annotations.config;
        options.created = created;
        options.archive_times = archive_times(created);
        options.temporary.clone_from(&temporary);
        options.force = self.force;
        options.if_absent = self.if_absent;
        options.further_tags.clone_from(&further_tags);
        options.preserve_mode = self.preserve_mode;
        options.observer = Some(status.observer());
        let client = target.client()?;
        let mut files = options.files.iter().chain(&options.config);
        let is_missing = files.any(|file| !file.path.exists());
        let destination: Box<dyn WritableStore + '_> = if is_missing && target.is_layout() {
            // The push fails, and must not make a layout.
            Box::new(MemoryStore::new())
        } else {
            target.destination(&client)?
        };
        let manifest = push(&*destination, target.reference(), options).map_err(|error| {
            let cli_error = target.cli_error(&error);
            cli_error.with_temporary_hint(&error, temporary.as_deref())
        })?;
        process.print_status(&format!("Pushed {}", target.shown()))?;
        // In the index of a layout, only the first tag has the annotations of the manifest.
        let plain = manifest.descriptor().media_type.clone();
        let plain = RawManifest::new(plain, manifest.bytes().to_vec());
        let mut tagging = tag::further_tags(process);
        tagging.if_absent = self.if_absent;
        add_tags(&*destination, &plain, &further_tags, tagging)
            .map_err(|error| target.cli_error(&error))?;
        report(&target, &manifest, further_tags, &format, process)?;
        self.content.export(&manifest)
    }
}

impl PushFlags {
    /// The version of the image spec to follow, and the artifact type.
    fn image_spec(&self, set: &SetFlags) -> Result<(ImageSpec, Option<MediaType>), CliError> {
        let has_config = !self.content.config.is_empty();
        let has_platform = !self.artifact_platform.is_empty();
        let artifact_type = Some(self.artifact_type.as_str())
            .filter(|text| !text.is_empty())
            .map(MediaType::from);
        let image_spec = match self.image_spec {
            // In v1.0, the media type of the config is the type of the artifact.
            None if has_config && artifact_type.is_none() => ImageSpec::V1_0,
            None => ImageSpec::V1_1,
            Some(ImageSpec::V1_1) if has_config && artifact_type.is_none() => {
                return Err(CliError::usage(
                    "missing artifact type for OCI image-spec v1.1 artifacts",
                )
                .recommend(
                    "set an artifact type via `--artifact-type` or consider image spec v1.0",
                ));
            }
            Some(image_spec) => image_spec,
        };
        set.exclusive(&["config", "artifact-platform"])?;
        if image_spec == ImageSpec::V1_0 {
            if has_config && artifact_type.is_some() {
                return Err(CliError::usage(
                    "--artifact-type and --config cannot both be provided for 1.0 OCI image",
                ));
            }
            if has_platform && artifact_type.is_some() {
                return Err(
                CliError::usage("artifact type cannot be customized for OCI image-spec v1.0 when platform is specified")
                    .recommend("consider using image spec v1.1 or remove --artifact-type"),
            );
            }
            return Ok((image_spec, artifact_type));
        }
        Ok((
            image_spec,
            artifact_type.or(Some(MediaType::UNKNOWN_ARTIFACT)),
        ))
    }
}

fn report(
    target: &Target,
    manifest: &RawManifest,
    further_tags: Vec<String>,
    format: &Format,
    process: &mut Process,
) -> Result<(), CliError> {
    let descriptor = manifest.descriptor();
    if format.is_text() {
        if let Some(artifact_type) = &descriptor.artifact_type {
            process.print_status(&format!("ArtifactType: {artifact_type}"))?;
        }
        return process.print_digest(&descriptor.digest);
    }
    let path = target.path();
    let first = match target.reference() {
        Some(name) if name.parse::<Digest>().is_ok() => None,
        // Only a layout of `--oci-layout-path` has an empty name.
        None if target.raw().is_empty() => None,
        tag => Some(tag.unwrap_or_default().to_owned()),
    };
    let mut reference_as_tags: Vec<String> = first
        .into_iter()
        .chain(further_tags)
        .map(|tag| format!("{path}:{tag}"))
        .collect();
    reference_as_tags.sort();
    let result = model::Push {
        descriptor: model::Descriptor::new(&path, descriptor),
        reference_as_tags,
    };
    format.print(&result, process)
}
