//! `oras manifest index update`

use oras::Digest;
use oras::index::{ArtifactTypeChange, UpdateOptions, update};

use super::{Order, parse_artifact_type};
use crate::cli::groups::{Debugging, Layout, Pretty, Remote};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, Stage};
use crate::commands::arguments;
use crate::error::CliError;
use crate::process::Process;
use crate::target::{Target, TargetFlags};

#[derive(Default)]
struct Own {
    add: Vec<String>,
    merge: Vec<String>,
    remove: Vec<String>,
    /// None if it is to stay, empty if it is to go.
    artifact_type: Option<String>,
    tags: Vec<String>,
    output: String,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "add",
            "reference",
            "tag or digest of a manifest to add to the index (repeatable)",
            |own: &mut Self, text| own.add.push(text),
        ),
        Flag::text(
            "merge",
            "reference",
            "tag or digest of an index whose manifests are added to the index (repeatable)",
            |own: &mut Self, text| own.merge.push(text),
        ),
        Flag::text(
            "remove",
            "digest",
            "manifest to remove from the index (repeatable)",
            |own: &mut Self, text| own.remove.push(text),
        ),
        Flag::text(
            "artifact-type",
            "type",
            "type of the artifact; an empty one removes it",
            |own: &mut Self, text| own.artifact_type = Some(text),
        ),
        Flag::text(
            "tag",
            "tag",
            "further tag for the index (repeatable)",
            |own: &mut Self, text| own.tags.push(text),
        ),
        Flag::text(
            "output",
            "path",
            "file to write the index to instead of pushing it, - for stdout",
            |own: &mut Self, text| own.output = text,
        )
        .short('o'),
    ];
}

impl Own {
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

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
    layout: Layout,
    pretty: Pretty,
    remote: Remote,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest index update",
        usage: "<index>{:<tag>|@<digest>} [{--add|--merge|--remove} <manifest>{<tag>|<digest>}] [...]",
        about: "Change an index and push it",
        details: "The index gets the tag by which it was named. Named by its digest, it gets none but those given with --tag.",
        examples: &[
            (
                "Replace one manifest of an index by another",
                "oras manifest index update localhost:5000/hello:v1 --add linux-arm64 \
                 --remove sha256:9463e0d192846bc994279417b507c1beb7f9d5df7a3a5ea2c8a0d0c0a0e9e6a2",
            ),
            (
                "Add all manifests of another index",
                "oras manifest index update localhost:5000/hello:v1 --merge v2",
            ),
            (
                "Change an index under another tag as well",
                "oras manifest index update localhost:5000/hello:v1 --add linux-arm64 --tag latest",
            ),
            (
                "Show what an index would become",
                "oras manifest index update localhost:5000/hello:v1 --add linux-arm64 --output - --pretty",
            ),
            (
                "Change an index in an OCI image layout",
                "oras manifest index update --oci-layout layout-dir:v1 --add linux-arm64",
            ),
        ],
        positionals: Positionals::Exactly(1, "the target index to update"),
        stage: Stage::Experimental,
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.debugging.group(),
            self.layout.group(),
            self.pretty.group(),
            self.remote.group(),
        ]
    }
}

pub(crate) fn run(process: &mut Process, line: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = arguments::<Args>(process, line)?
    else {
        return Ok(());
    };
    given.exclusive(&["tag", "output"])?;
    let remove = args.own.remove()?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, process)?;
    if args.own.changes_nothing() {
        return process.print_status("Nothing to update as no change is requested");
    }
    let reference = target.required_reference(Args::SPEC)?;
    let artifact_type = args.own.artifact_type()?;

    let path = target.path();
    let is_by_digest = reference.parse::<Digest>().is_ok();
    let order = Order {
        target: &target,
        shown: if is_by_digest {
            target.shown_as(&path)
        } else {
            target.shown()
        },
        tags: &args.own.tags,
        output: &args.own.output,
        pretty: args.pretty.pretty,
        made: |index| format!("Updated   {}", index.digest),
    };
    order.run(
        |source, observer| {
            let options = UpdateOptions {
                artifact_type,
                remove,
                add: args.own.add.clone(),
                merge: args.own.merge.clone(),
                observer: Some(observer),
                ..UpdateOptions::default()
            };
            update(source, reference, options)
        },
        process,
    )
}
