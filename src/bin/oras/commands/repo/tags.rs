//! `oras repo tags`

use std::ops::ControlFlow;

use oras::{Digest, Reference};

use crate::cli::groups::{Debugging, Format as FormatFlags, Layout, Remote, Verbose};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, Stage};
use crate::error::CliError;
use crate::output::format::Format;
use crate::output::model;
use crate::process::Process;
use crate::target::{ReadableStore, Target, TargetFlags};

#[derive(Default)]
struct Own {
    last: String,
    exclude_digest_tags: bool,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "last",
            "tag",
            "start after this tag",
            |own: &mut Self, text| own.last = text,
        ),
        Flag::switch(
            "exclude-digest-tags",
            "leave out tags that are digests, such as those of referrers",
            |own: &mut Self, on| own.exclude_digest_tags = on,
        )
        .stage(Stage::Preview),
    ];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    debugging: Debugging,
    format: FormatFlags,
    layout: Layout,
    remote: Remote,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras repo tags",
        aliases: &["show-tags"],
        usage: "[flags] <name>",
        about: "List the tags of a repository",
        details: "With a tag or digest behind the name, only tags of the same content are listed.",
        examples: &[
            (
                "List the tags of a repository",
                "oras repo tags localhost:5000/hello",
            ),
            (
                "List the tags of the same content",
                "oras repo tags localhost:5000/hello:v1",
            ),
            (
                "List the tags after v1",
                "oras repo tags --last v1 localhost:5000/hello",
            ),
            (
                "List the tags of an OCI image layout",
                "oras repo tags --oci-layout layout-dir",
            ),
        ],
        positionals: Positionals::Exactly(1, "the target repository to list tags from"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.debugging.group(),
            self.format.group(),
            self.layout.group(),
            self.remote.group(),
            self.verbose.group(),
        ]
    }
}

pub(crate) fn run(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = super::super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, process)?;
    let format = Format::parse(&args.format, process)?;
    // In a layout, a name without a tag stands for the tags that start with it.
    let prefix = if args.layout.oci_layout_path.is_empty() {
        None
    } else {
        positionals[0]
            .parse::<Reference>()
            .ok()
            .filter(|reference| reference.name().is_none())
            .map(|reference| format!("{}:", reference.path()))
    };
    let reference = target.reference().filter(|_| prefix.is_none());

    let client = target.client()?;
    let source = target.source(&client)?;
    let digest = match reference {
        Some(reference) => Some(digest_of(&*source, reference, &target, process)?),
        None => None,
    };
    let mut tags = Vec::new();
    let last = Some(args.own.last.as_str()).filter(|last| !last.is_empty());
    let mut result = Ok(());
    source
        .tags(last, &mut |page| {
            for tag in page {
                let Some(tag) = tag.strip_prefix(prefix.as_deref().unwrap_or_default()) else {
                    continue;
                };
                if args.own.exclude_digest_tags && is_digest_tag(tag) {
                    continue;
                }
                result = emit(
                    tag,
                    &*source,
                    digest.as_ref(),
                    &format,
                    &mut tags,
                    process,
                    &target,
                );
                if result.is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })
        .map_err(|error| target.failure(&error))?;
    result?;
    format.print(&model::Tags { tags }, process)
}

/// Prints a tag or keeps it for the end, if it is one of those asked for.
fn emit(
    tag: &str,
    source: &dyn ReadableStore,
    digest: Option<&Digest>,
    format: &Format,
    tags: &mut Vec<String>,
    process: &mut Process,
    target: &Target,
) -> Result<(), CliError> {
    if let Some(digest) = digest {
        let descriptor = source
            .resolve(tag)
            .map_err(|error| target.failure(&error))?;
        if descriptor.digest != *digest {
            return Ok(());
        }
    }
    if format.is_text() {
        process.print_line(tag)
    } else {
        tags.push(tag.to_owned());
        Ok(())
    }
}

/// The digest whose tags are asked for. Finding them takes a request for each tag.
fn digest_of(
    source: &dyn ReadableStore,
    reference: &str,
    target: &Target,
    process: &mut Process,
) -> Result<Digest, CliError> {
    let digest = match reference.parse() {
        Ok(digest) => digest,
        Err(_) => {
            source
                .resolve(reference)
                .map_err(|error| target.failure(&error))?
                .digest
        }
    };
    if process.status_enabled() {
        process.warn_record(&format!(
            "[Experimental] querying tags associated to {digest}, it may take a while...\n"
        ));
    }
    Ok(digest)
}

/// Whether a tag becomes a digest when its first dash becomes a colon.
fn is_digest_tag(tag: &str) -> bool {
    tag.replacen('-', ":", 1).parse::<Digest>().is_ok()
}
