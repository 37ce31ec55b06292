//! `oras restore`

use std::fs::{self, File};
use std::io::Read as _;
use std::ops::ControlFlow;

use oras::Error;
use oras::backup::{BackupOptions, dry_run, restore};
use oras::error::{Expected, IoOp};
use oras::http::clock::{Clock as _, SystemClock};
use oras::layout::{LayoutStore, LayoutTar};
use oras::store::Inventory;

use super::backup::is_archive;
use crate::cli::groups::{Concurrency, RepositoryFlags, Tty};
use crate::commands::prelude::*;
use crate::hints;
use crate::output::text::{Elapsed, Size};
use crate::progress::Labels;
use crate::progress::display::ProgressDisplay;
use crate::progress::tags::{TagLabels, TagStatus};
use crate::repository::TaggedRepository;

flags! {
    /// Flags of `oras restore`.
    pub(crate) struct RestoreFlags {
        input: String = text(
            "input",
            "string",
            "OCI image layout to restore from: a directory, or a tar archive",
        ).completes(Candidates::Files),
        exclude_referrers: bool =
            switch("exclude-referrers", "do not restore referrers, such as signatures"),
        dry_run: bool = switch(
            "dry-run",
            "list what would be restored and check that it exists, without any request to the registry",
        ),
        concurrency: Concurrency,
        repository: RepositoryFlags,
        tty: Tty,
    }
}

impl Command for RestoreFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras restore",
        usage: "[flags] --input <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
        about: "Restore artifacts of a backup to a repository",
        details: "Without tags, all tags of the backup are restored. Content that exists in the \
                  repository is not sent again, so a failed restore can be repeated.",
        examples: "
            # Restore all tags of an archive
            oras restore --input hello.tar localhost:5000/hello
            # Restore some tags of a directory
            oras restore --input hello localhost:5000/hello:v1,v2
            # Restore without referrers
            oras restore --input hello.tar --exclude-referrers localhost:5000/hello
            # List the tags that would be restored
            oras restore --input hello.tar --dry-run localhost:5000/hello
        ",
        positionals: Positionals::Exactly(1, "the targets to restore to"),
        stage: Stage::Experimental,
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let mut repository = TaggedRepository::parse(&self.repository, line, process)?;
        line.set.required(&["input"])?;
        let path = self.input.as_str();
        if path.is_empty() {
            return Err(CliError::usage("the input path cannot be empty"));
        }
        let start = SystemClock.now();
        let client = repository.client().map_err(|cli_error| {
            cli_error.context(&format!(
                "failed to prepare target repository {}",
                quote::double(&repository.path())
            ))
        })?;
        let source = open(path, process)?;
        let labels = TagLabels {
            content: &Labels::RESTORE,
            tag: if self.dry_run {
                "Dry run: would push tag"
            } else {
                "Pushed tag"
            },
            with_tagged_root: !self.exclude_referrers,
        };
        let display = ProgressDisplay::new(process, self.tty, self.repository.debugging);
        let status = TagStatus::new(process, display, &labels, "the backup".to_owned());
        let notes = status.notes();
        let mut options = BackupOptions::default();
        options.tags = repository.take_tags();
        let names_tags = !options.tags.is_empty();
        options.referrers = !self.exclude_referrers;
        options.skip_missing = true;
        options.observer = Some(status.observer());
        let result = if self.dry_run {
            dry_run(&*source, options)
        } else {
            let target = repository.open(&client).with_push_scope();
            restore(&*source, &target, options)
        };
        let (tag, skipped) = (notes.current(), notes.skipped());
        let (from, to) = (quote::double(path), quote::double(&repository.path()));
        let count = result.map_err(|error| {
            let is_missing_tag = names_tags && tag.is_none() && error.is_not_found();
            let error = repository.tag_error(error, tag.as_deref(), "restore", &from, &to);
            if is_missing_tag {
                error.recommend(format!("The tags of {from} are: {}", list_tags(&*source)))
            } else {
                error
            }
        })?;
        if count == 0 && skipped == 0 {
            return Err(no_tags(path, CliError::not_found));
        }
        if self.dry_run {
            process.print_status(&format!(
                "Dry run complete: {count} tag(s) would be restored to {to} (no data pushed)"
            ))?;
            return CliError::check_missing(
                skipped,
                "Everything else can be restored. To restore without this error, name the tags to restore",
            );
        }
        let elapsed = SystemClock.now().duration_since(start).unwrap_or_default();
        process.print_status(&format!(
            "Successfully restored {count} tag(s) to {to} in {}",
            Elapsed(elapsed)
        ))?;
        CliError::check_skipped(skipped)
    }
}

/// Lists the first tags of a backup, for an error about another tag.
fn list_tags(source: &dyn Inventory) -> String {
    const MAX_LISTED: usize = 20;

    let mut tags = Vec::new();
    // The error about the tag is reported, not this one.
    let _ = source.tags(None, &mut |page| {
        tags.extend_from_slice(page);
        ControlFlow::Continue(())
    });
    let more = tags.len().saturating_sub(MAX_LISTED);
    tags.truncate(MAX_LISTED);
    match (tags.join(", "), more) {
        (listed, 0) if listed.is_empty() => "none".to_owned(),
        (listed, 0) => listed,
        (listed, more) => format!("{listed} and {more} more"),
    }
}

/// The error about a backup without tags.
fn no_tags(path: &str, error: fn(String) -> CliError) -> CliError {
    let shown = quote::double(path);
    error(format!("no tags found in OCI layout {shown}")).recommend(format!(
        "If you want to list available tags in {shown}, use \"oras repo tags --oci-layout\""
    ))
}

/// Opens the backup for reading.
fn open(path: &str, process: &mut Process) -> Result<Box<dyn Inventory>, CliError> {
    let shown = quote::double(path);
    let metadata = fs::metadata(path).map_err(|error| {
        let error = Error::io(IoOp::Stat, path)(error);
        CliError::from(&error.context(format!("failed to access input path {shown}")))
    })?;
    if metadata.is_dir() {
        if hints::not_a_layout(path).is_some() {
            return Err(no_tags(path, CliError::new));
        }
        let store = LayoutStore::open(path).map_err(|error| {
            CliError::from(&error.context(format!(
                "failed to prepare OCI store from directory {shown}"
            )))
        })?;
        return Ok(Box::new(store));
    }
    if !metadata.is_file() {
        return Err(CliError::new(format!(
            "input path {shown} must be a directory or a tar archive"
        )));
    }
    if !is_archive(path) && !has_magic(path) {
        return Err(CliError::new(format!(
            "input path {shown} is not a tar archive"
        )));
    }
    let doing = format!("failed to prepare OCI store from tar archive {shown}");
    let archive = LayoutTar::open(path).map_err(|error| match &error {
        // The message already contains the path.
        Error::WrongKind {
            expected: Expected::Archive(reason),
            ..
        } => CliError::new(format!("{doing}: {reason}")),
        _ => CliError::from(&error.context(doing)),
    })?;
    process.print_status(&format!(
        "Loaded backup archive: {path} ({})",
        Size(metadata.len())
    ))?;
    Ok(Box::new(archive))
}

/// Whether a file has the magic of a tar archive.
fn has_magic(path: &str) -> bool {
    const OFFSET: usize = 257;
    const MAGIC: &[u8] = b"ustar";

    let mut start = [0; OFFSET + MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && &start[OFFSET..] == MAGIC
}
