//! `oras manifest index create`

use oras::index::{CreateOptions, create};

use super::{Order, parse_artifact_type};
use crate::cli::groups::{Annotations, Pretty, TargetFlags};
use crate::commands::annotations;
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras manifest index create`.
    pub(crate) struct IndexCreateFlags {
        artifact_type: String = text("artifact-type", "string", "type of the artifact"),
        output: String = text(
            "output",
            "path",
            "file to write the index to instead of pushing it, - for stdout",
        ).completes(Candidates::Files).short('o'),
        annotations: Annotations,
        pretty: Pretty,
        target: TargetFlags,
    }
}

impl Command for IndexCreateFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest index create",
        aliases: &["pack"],
        usage: "[flags] <target>[:<tag[,<tag>][...]] <sources>[{<tag>|<digest>}...]",
        about: "Create an index of manifests and push it",
        details: "The sources are tags or digests in the repository of the target. The platform of \
                  each manifest is read from its config.",
        examples: "
            # Create an index of two manifests
            oras manifest index create localhost:5000/hello:v1 linux-amd64 linux-arm64
            # Create an index with several tags
            oras manifest index create localhost:5000/hello:v1,latest linux-amd64 linux-arm64
            # Create an index with an annotation and a type
            oras manifest index create --annotation key=value --artifact-type application/vnd.me.set localhost:5000/hello:v1 linux-amd64
            # Write an index to a file instead of pushing it
            oras manifest index create --output index.json localhost:5000/hello linux-amd64
            # Create an index in an OCI image layout
            oras manifest index create --oci-layout layout-dir:v1 linux-amd64 linux-arm64
        ",
        positionals: Positionals::AtLeast(1, "the destination index to create."),
        stage: Stage::Experimental,
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let (target, tags) =
            Target::parse_with_tags(&line.positionals[0], &self.target, line, process)?;
        let annotations = annotations::parse(&self.annotations, "")?.manifest;
        check_further_tags(&tags)?;
        let artifact_type = parse_artifact_type(&self.artifact_type)?;

        let order = Order {
            target: &target,
            shown: target.shown(),
            tags: &tags,
            output: &self.output,
            pretty: self.pretty.pretty,
            made: |index| format!("Packed    {} {}", index.digest.short(), index.media_type),
        };
        order.run(
            |source, observer| {
                let mut options = CreateOptions::default();
                options.manifests = line.positionals[1..].to_vec();
                options.artifact_type = artifact_type;
                options.annotations = annotations;
                options.observer = Some(observer);
                create(source, options)
            },
            process,
        )
    }
}
