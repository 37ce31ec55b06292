//! `oras discover`

use oras::discover::{DiscoverOptions, Discovered, discover};

use crate::cli::flag::reworded;
use crate::cli::groups::{
    Distribution, Format as FormatFlags, Platform, TargetFlags, Tty, Verbose,
};
use crate::commands::prelude::*;
use crate::output::format::{SupportedFormats, TABLE};
use crate::output::{table, tree};

const TREE: &str = "tree";

const FORMATS: SupportedFormats = SupportedFormats {
    default: TREE,
    command_specific: &[TREE, TABLE],
    all: "table, json, go-template, tree",
};

const FORMAT_HELP: &str = "print the result in this form:\n\
     'table':        [Deprecated] a table\n\
     'json':         a JSON object\n\
     'go-template':  the JSON object through a Go template\n\
     'tree':         a tree (default \"tree\")";

const FORMAT_VALUES: Candidates = Candidates::OneOf(&[TREE, TABLE, "json", "go-template"]);

flags! {
    /// Flags of `oras discover`.
    pub(crate) struct DiscoverFlags {
        artifact_type: String =
            text("artifact-type", "string", "list only referrers of this artifact type, on every level"),
        depth: Option<i64> =
            text("depth", "int", "number of levels to list, all if not set").stage(Stage::Experimental),
        output: String = text(
            "output",
            "string",
            "[Deprecated] former name of --format, for tree, table and json (default \"tree\")",
        ).completes(Candidates::OneOf(&[TREE, TABLE, "json"])).short('o'),
        distribution: Distribution,
        format: FormatFlags => |flags| {
            reworded(flags, "format", FORMAT_HELP, FORMAT_VALUES)
        },
        platform: Platform,
        target: TargetFlags,
        tty: Tty => |flags| reworded(flags, "no-tty", "disable colors", Candidates::NoValue),
        verbose: Verbose,
    }
}

impl Command for DiscoverFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras discover",
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "List the referrers of an artifact",
        details: "The list comes from the registry and is not verified.",
        examples: "
            # List the referrers of an artifact, on all levels
            oras discover localhost:5000/hello:v1
            # List only direct referrers
            oras discover --depth 1 localhost:5000/hello:v1
            # List referrers of one artifact type
            oras discover --artifact-type doc/example localhost:5000/hello:v1
            # List referrers as JSON
            oras discover localhost:5000/hello:v1 --format json
            # Print the digests of the direct referrers
            oras discover --depth 1 --format go-template='{{range .referrers}}{{println .digest}}{{end}}' localhost:5000/hello:v1
            # List the referrers of the manifest for a platform
            oras discover --platform linux/amd64 localhost:5000/hello:v1
            # List referrers in an OCI image layout
            oras discover --oci-layout layout-dir:v1
        ",
        positionals: Positionals::Exactly(1, "the target artifact to discover referrers from"),
        stage: Stage::Preview,
        ..CommandSpec::BASE
    };

    fn run(mut self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        line.set.exclusive(&["format", "output"])?;
        let depth = self.depth()?;
        let platform = parse_platform(&self.platform.platform)?;
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        if line.set.contains("output") {
            self.format.format = Some(self.output);
        }
        let format = Format::parse_with(&FORMATS, &self.format, process)?;
        if line.set.contains("output") {
            if !matches!(format, Format::CommandSpecific(_) | Format::Json) {
                return Err(CliError::usage(
                    "output type can only be tree, table or json",
                ));
            }
            process.warn("[DEPRECATED] --output is deprecated, try `--format ` instead\n");
        }

        let client = target.client()?;
        let source = target.source_with(self.distribution.referrers, None, &client)?;
        let reference = target.required_reference()?;
        let mut options = DiscoverOptions::default();
        options.platform = platform;
        options.artifact_type = Some(self.artifact_type).filter(|wanted| !wanted.is_empty());
        options.depth = if format == Format::CommandSpecific(TABLE) {
            Some(1)
        } else {
            depth
        };
        let found =
            discover(&*source, reference, &options).map_err(|error| target.cli_error(&error))?;
        let path = target.path();
        let is_verbose = self.verbose.is_on();
        match format {
            Format::CommandSpecific(_) if process.is_quiet() => print_digests(&found, process),
            Format::CommandSpecific(TABLE) => {
                table::print(target.raw(), &found, is_verbose, process)
            }
            Format::Text | Format::CommandSpecific(_) => {
                let is_silent = self.tty.no_tty == Some(true) || self.target.debugging.debug;
                let mut terminal = process.stdout_style();
                terminal.is_coloured &= !is_silent;
                let annotations = is_verbose;
                let style = tree::Style {
                    annotations,
                    terminal,
                };
                tree::print(&path, &found, &style, process)
            }
            _ => format.print(&model::Discovered::new(&path, &found), process),
        }
    }
}

/// Prints the digests of referrers, each followed by those of its own referrers.
fn print_digests(found: &Discovered, process: &mut Process) -> Result<(), CliError> {
    for referrer in &found.referrers {
        process.print_line(referrer.descriptor.digest.as_str())?;
        print_digests(referrer, process)?;
    }
    Ok(())
}

impl DiscoverFlags {
    /// The number of levels to list, if it is limited.
    fn depth(&self) -> Result<Option<usize>, CliError> {
        self.depth
            .map(|depth| {
                usize::try_from(depth)
                    .ok()
                    .filter(|depth| *depth > 0)
                    .ok_or_else(|| CliError::usage("depth value should be at least 1"))
            })
            .transpose()
    }
}
