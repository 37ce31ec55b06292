//! `oras discover`

use oras::discover::{DiscoverOptions, discover};

use crate::cli::groups::{
    Debugging, Distribution, Format as FormatFlags, Layout, Platform, Remote, Tty, Verbose,
};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, Stage};
use crate::error::CliError;
use crate::output::format::{Format, SupportedFormats, TABLE};
use crate::output::{model, table, tree};
use crate::process::Process;
use crate::target::{Target, TargetFlags, parse_platform};

const TREE: &str = "tree";

const FORMATS: SupportedFormats = SupportedFormats {
    default: TREE,
    command_specific: &[TREE, TABLE],
    all: "table, json, go-template, tree",
};

#[derive(Default)]
struct Own {
    artifact_type: String,
    depth: Option<i64>,
    output: String,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "artifact-type",
            "type",
            "list only what is of this type, on every level",
            |own: &mut Self, text| own.artifact_type = text,
        ),
        Flag::integer(
            "depth",
            "n",
            "list so many levels (default all)",
            |own: &mut Self, n| own.depth = Some(n),
        )
        .stage(Stage::Experimental),
        Flag::text(
            "output",
            "name",
            "former name of --format, for tree, table and json",
            |own: &mut Self, text| own.output = text,
        )
        .values(&[TREE, TABLE, "json"])
        .short('o'),
    ];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
    distribution: Distribution,
    format: FormatFlags,
    layout: Layout,
    platform: Platform,
    remote: Remote,
    tty: Tty,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras discover",
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "List what is attached to an artifact",
        details: "The list is that of the registry. It says what is attached, and is not verified.",
        examples: &[
            (
                "List what is attached to an artifact, and what is attached to that",
                "oras discover localhost:5000/hello:v1",
            ),
            (
                "List what is attached to the artifact itself",
                "oras discover --depth 1 localhost:5000/hello:v1",
            ),
            (
                "List what is of one type",
                "oras discover --artifact-type doc/example localhost:5000/hello:v1",
            ),
            (
                "List it as JSON",
                "oras discover --format json localhost:5000/hello:v1",
            ),
            (
                "List what is attached to the manifest for a platform",
                "oras discover --platform linux/amd64 localhost:5000/hello:v1",
            ),
            (
                "List what is attached in an OCI image layout",
                "oras discover --oci-layout layout-dir:v1",
            ),
        ],
        positionals: Positionals::Exactly(1, "the target artifact to discover referrers from"),
        stage: Stage::Preview,
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.debugging.group(),
            self.distribution.group(),
            self.format
                .group()
                .revalued(&[("format", &[TREE, TABLE, "json", "go-template"])])
                .reworded(&[(
                    "format",
                    "print the result in this form:\n\
                 tree          a tree\n\
                 table         a table (deprecated)\n\
                 json          a JSON object\n\
                 go-template   the JSON object through a Go template\n\
                 (default tree)",
                )]),
            self.layout.group(),
            self.platform.group(),
            self.remote.group(),
            self.tty.group().reworded(&[("no-tty", "use no colours")]),
            self.verbose.group(),
        ]
    }
}

pub(crate) fn run(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: mut args,
        given,
        positionals,
    }) = super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    given.exclusive(&["format", "output"])?;
    let depth = depth(&args.own)?;
    let platform = parse_platform(&args.platform.platform)?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, process)?;
    if given.contains("output") {
        args.format.format = Some(args.own.output);
    }
    let format = Format::parse_with(&FORMATS, &args.format, process)?;
    if given.contains("output") {
        if !matches!(format, Format::CommandSpecific(_) | Format::Json) {
            return Err(CliError::usage(
                "output type can only be tree, table or json",
            ));
        }
        process.warn("[DEPRECATED] --output is deprecated, try `--format ` instead\n");
    }

    let client = target.client()?;
    let source = target.source_with(args.distribution.referrers, None, &client)?;
    let reference = target.required_reference(Args::SPEC)?;
    let options = DiscoverOptions {
        platform,
        artifact_type: Some(args.own.artifact_type).filter(|wanted| !wanted.is_empty()),
        depth: if format == Format::CommandSpecific(TABLE) {
            Some(1)
        } else {
            depth
        },
    };
    let found = discover(&*source, reference, &options).map_err(|error| target.failure(&error))?;
    let path = target.path();
    let is_verbose = args.verbose.is_on();
    match format {
        Format::Text => Err(CliError::usage("unsupported format type: text")),
        Format::CommandSpecific(TABLE) => table::print(target.raw(), &found, is_verbose, process),
        Format::CommandSpecific(_) => {
            let is_silent = args.tty.no_tty == Some(true) || args.debugging.debug;
            let style = tree::Style {
                annotations: is_verbose,
                colours: process.can_colour_stderr() && !is_silent,
            };
            tree::print(&path, &found, &style, process)
        }
        Format::Json | Format::Template(_) => {
            format.print(&model::Discovered::new(&path, &found), process)
        }
    }
}

/// How many levels are wanted, if that was said.
fn depth(own: &Own) -> Result<Option<usize>, CliError> {
    own.depth
        .map(|depth| {
            usize::try_from(depth)
                .ok()
                .filter(|depth| *depth > 0)
                .ok_or_else(|| CliError::usage("depth value should be at least 1"))
        })
        .transpose()
}
