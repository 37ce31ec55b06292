//! `oras manifest index create`

use oras::index::{CreateOptions, create};

use super::{Order, parse_artifact_type};
use crate::cli::groups::{Annotations, Debugging, Layout, Pretty, Remote};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, Stage};
use crate::commands::annotations::All;
use crate::commands::arguments;
use crate::error::CliError;
use crate::process::Process;
use crate::target::{Target, TargetFlags};

#[derive(Default)]
struct Own {
    artifact_type: String,
    output: String,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "artifact-type",
            "type",
            "type of the artifact",
            |own: &mut Self, text| own.artifact_type = text,
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

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    annotations: Annotations,
    debugging: Debugging,
    layout: Layout,
    pretty: Pretty,
    remote: Remote,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras manifest index create",
        aliases: &["pack"],
        usage: "[flags] <target>[:<tag[,<tag>][...]] <sources>[{<tag>|<digest>}...]",
        about: "Make an index of manifests and push it",
        details: "The sources are tags or digests in the repository of the target. For which platform each one is, its config says.",
        examples: &[
            (
                "Make an index of two manifests",
                "oras manifest index create localhost:5000/hello:v1 linux-amd64 linux-arm64",
            ),
            (
                "Make it under several tags",
                "oras manifest index create localhost:5000/hello:v1,latest linux-amd64 linux-arm64",
            ),
            (
                "Make an index with an annotation and a type",
                "oras manifest index create --annotation key=value --artifact-type application/vnd.me.set \
                 localhost:5000/hello:v1 linux-amd64",
            ),
            (
                "Write an index to a file instead",
                "oras manifest index create --output index.json localhost:5000/hello linux-amd64",
            ),
            (
                "Make an index in an OCI image layout",
                "oras manifest index create --oci-layout layout-dir:v1 linux-amd64 linux-arm64",
            ),
        ],
        positionals: Positionals::AtLeast(1, "the destination index to create."),
        stage: Stage::Experimental,
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.annotations.group(),
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
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let (target, tags) = Target::parse_with_tags(&positionals[0], &flags, process)?;
    let annotations = All::parse(&args.annotations, "")?.manifest;
    let artifact_type = parse_artifact_type(&args.own.artifact_type)?;

    let order = Order {
        target: &target,
        shown: target.shown(),
        tags: &tags,
        output: &args.own.output,
        pretty: args.pretty.pretty,
        made: |index| format!("Packed    {} {}", index.digest.short(), index.media_type),
    };
    order.run(
        |source, observer| {
            let options = CreateOptions {
                manifests: positionals[1..].to_vec(),
                artifact_type,
                annotations,
                observer: Some(observer),
                ..CreateOptions::default()
            };
            create(source, options)
        },
        process,
    )
}
