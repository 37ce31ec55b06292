//! `oras repo tags`

use std::ops::ControlFlow;

use oras::{Digest, Reference};

use crate::cli::groups::{Format as FormatFlags, TargetFlags, Verbose};
use crate::commands::prelude::*;
use crate::target::ReadableStore;

flags! {
    /// Flags of `oras repo tags`.
    pub(crate) struct RepoTagsFlags {
        last: String = text("last", "last", "start after this tag"),
        exclude_digest_tags: bool = switch(
            "exclude-digest-tags",
            "omit tags that are digests, such as referrers tags",
        ).stage(Stage::Preview),
        format: FormatFlags,
        target: TargetFlags,
        verbose: Verbose,
    }
}

impl Command for RepoTagsFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras repo tags",
        aliases: &["show-tags"],
        usage: "[flags] <name>",
        about: "List the tags of a repository",
        details: "With a tag or digest after the name, only tags of the same content are listed.",
        examples: "
            # List the tags of a repository
            oras repo tags localhost:5000/hello
            # List the tags of the same content
            oras repo tags localhost:5000/hello:v1
            # List the tags after v1
            oras repo tags --last v1 localhost:5000/hello
            # Print the tags as JSON
            oras repo tags --format json localhost:5000/hello
            # List the tags of an OCI image layout
            oras repo tags --oci-layout layout-dir
        ",
        positionals: Positionals::Exactly(1, "the target repository to list tags from"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        let format = Format::parse(&self.format, process)?;
        // In a layout, a repository name without tag selects the tags that start with it.
        let prefix = if self.target.layout.oci_layout_path.is_empty() {
            None
        } else {
            line.positionals[0]
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
        let last = Some(self.last.as_str()).filter(|last| !last.is_empty());
        let mut result = Ok(());
        source
            .tags(last, &mut |page| {
                for tag in page {
                    let Some(tag) = tag.strip_prefix(prefix.as_deref().unwrap_or_default()) else {
                        continue;
                    };
                    if self.exclude_digest_tags && is_digest_tag(tag) {
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
            .map_err(|error| target.cli_error(&error))?;
        result?;
        format.print(&model::Tags { tags }, process)
    }
}

/// Prints a tag, or collects it for the result, if it has the requested digest.
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
            .map_err(|error| target.cli_error(&error))?;
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

/// Resolves the digest whose tags are listed. Finding them takes a request per tag.
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
                .map_err(|error| target.cli_error(&error))?
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

/// Whether a tag is a digest with a dash instead of the colon, as in the referrers tag schema.
fn is_digest_tag(tag: &str) -> bool {
    tag.replacen('-', ":", 1).parse::<Digest>().is_ok()
}
