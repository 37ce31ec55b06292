//! `oras manifest index update`

use oras::Digest;
use oras::index::{ArtifactTypeChange, UpdateOptions, update};

use super::{Order, parse_artifact_type};
use crate::cli::groups::{Pretty, TargetFlags};
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras manifest index update`.
    pub(crate) struct IndexUpdateFlags {
        add: Vec<String> = text(
            "add",
            "stringArray",
            "tag or digest of a manifest to add to the index (repeatable)",
        ),
        merge: Vec<String> = text(
            "merge",
            "stringArray",
            "tag or digest of an index whose manifests are added to the index (repeatable)",
        ),
        remove: Vec<String> =
            text("remove", "stringArray", "digest of a manifest to remove from the index (repeatable)"),
        /// `None` keeps it, an empty type removes it.
        artifact_type: Option<String> =
            text("artifact-type", "string", "type of the artifact; an empty one removes it"),
        tags: Vec<String> = text("tag", "stringArray", "extra tags for the updated index (repeatable)"),
        output: String = text(
            "output",
            "path",
            "file to write the index to instead of pushing it, - for stdout",
        ).completes(Candidates::Files).short('o'),
        pretty: Pretty,
        target: TargetFlags,
    }
}

impl Command for IndexUpdateFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest index update",
        usage: "<index>{:<tag>|@<digest>} [{--add|--merge|--remove} <manifest>{<tag>|<digest>}] [...]",
        about: "Update an index and push it",
        details: "If the index is named by a tag, the tag moves to the new index. If it is named \
                  by its digest, the new index has only the tags from --tag.",
        examples: "
            # Replace a manifest of an index
            oras manifest index update localhost:5000/hello:v1 --add linux-arm64 --remove sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2
            # Add all manifests of another index
            oras manifest index update localhost:5000/hello:v1 --merge v2
            # Update an index and add another tag
            oras manifest index update localhost:5000/hello:v1 --add linux-arm64 --tag latest
            # Print the updated index without pushing it
            oras manifest index update localhost:5000/hello:v1 --add linux-arm64 --output - --pretty
            # Update an index in an OCI image layout
            oras manifest index update --oci-layout layout-dir:v1 --add linux-arm64
        ",
        positionals: Positionals::Exactly(1, "the target index to update"),
        stage: Stage::Experimental,
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        line.set.exclusive(&["tag", "output"])?;
        let remove = self.remove()?;
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        check_further_tags(&self.tags)?;
        if self.changes_nothing() {
            return process.print_status("Nothing to update as no change is requested");
        }
        let reference = target.required_reference()?;
        let artifact_type = self.artifact_type()?;

        let path = target.path();
        let is_by_digest = reference.parse::<Digest>().is_ok();
        let order = Order {
            target: &target,
            shown: if is_by_digest {
                target.shown_as(&path)
            } else {
                target.shown()
            },
            tags: &self.tags,
            output: &self.output,
            pretty: self.pretty.pretty,
            made: |index| format!("Updated   {}", index.digest),
        };
        order.run(
            |source, observer| {
                let mut options = UpdateOptions::default();
                options.artifact_type = artifact_type;
                options.remove = remove;
                options.add.clone_from(&self.add);
                options.merge.clone_from(&self.merge);
                options.observer = Some(observer);
                update(source, reference, options)
            },
            process,
        )
    }
}

impl IndexUpdateFlags {
    fn changes_nothing(&self) -> bool {
        self.add.is_empty()
            && self.merge.is_empty()
            && self.remove.is_empty()
            && self.artifact_type.is_none()
    }

    fn artifact_type(&self) -> Result<ArtifactTypeChange, CliError> {
        let Some(text) = &self.artifact_type else {
            return Ok(ArtifactTypeChange::Keep);
        };
        let artifact_type = parse_artifact_type(text)?;
        Ok(artifact_type.map_or(ArtifactTypeChange::Remove, ArtifactTypeChange::Set))
    }

    fn remove(&self) -> Result<Vec<Digest>, CliError> {
        let digest = |text: &String| {
            text.parse()
                .map_err(|_| CliError::usage(format!("remove: {text} is not a digest")))
        };
        self.remove.iter().map(digest).collect()
    }
}
