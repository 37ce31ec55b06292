//! `oras backup`

use std::fs;

use oras::backup::{BackupOptions, backup};
use oras::http::clock::{Clock as _, SystemClock};
use oras::layout::{LayoutStore, LayoutTarWriter};
use oras::store::Target;

use crate::cli::groups::{Concurrency, RepositoryFlags, Tty};
use crate::commands::prelude::*;
use crate::output::text::{Elapsed, Size};
use crate::progress::Labels;
use crate::progress::display::ProgressDisplay;
use crate::progress::tags::{TagLabels, TagStatus};
use crate::repository::TaggedRepository;

flags! {
    /// Flags of `oras backup`.
    pub(crate) struct BackupFlags {
        output: String = text(
            "output",
            "string",
            "directory to write to, or tar archive if it ends in .tar",
        ).completes(Candidates::Files).short('o'),
        include_referrers: bool =
            switch("include-referrers", "also back up referrers, such as signatures"),
        concurrency: Concurrency,
        repository: RepositoryFlags,
        tty: Tty,
    }
}

impl Command for BackupFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras backup",
        usage: "[flags] --output <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
        about: "Back up artifacts of a repository",
        details: "The backup is an OCI image layout. Without tags, all tags of the repository are \
                  backed up. An archive is created only when it is complete; an existing layout \
                  directory keeps its content.",
        examples: "
            # Back up a tag to a tar archive
            oras backup --output hello.tar localhost:5000/hello:v1
            # Back up a tag and its referrers
            oras backup --output hello.tar --include-referrers localhost:5000/hello:v1
            # Back up several tags to a directory
            oras backup --output hello localhost:5000/hello:v1,v2
            # Back up all tags
            oras backup --output hello.tar --include-referrers localhost:5000/hello
        ",
        positionals: Positionals::Exactly(1, "the artifacts to back up"),
        stage: Stage::Experimental,
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let mut repository = TaggedRepository::parse(&self.repository, line, process)?;
        line.set.required(&["output"])?;
        let path = self.output.as_str();
        if path.is_empty() {
            return Err(CliError::usage("the output path cannot be empty"));
        }
        let start = SystemClock.now();
        let client = repository.client().map_err(|cli_error| {
            cli_error.context(&format!(
                "failed to prepare repository {} for backup",
                repository.path()
            ))
        })?;
        let source = repository.open(&client);
        let output = Output::create(path)?;

        let labels = TagLabels {
            content: &Labels::BACKUP,
            tag: "Pulled tag",
            with_tagged_root: true,
        };
        let display = ProgressDisplay::new(process, self.tty, self.repository.debugging);
        let status = TagStatus::new(process, display, &labels, repository.path());
        let notes = status.notes();
        let mut options = BackupOptions::default();
        options.tags = repository.take_tags();
        options.referrers = self.include_referrers;
        options.skip_missing = true;
        options.observer = Some(status.observer());
        let result = backup(&source, output.target(), options);
        let (tag, skipped) = (notes.current(), notes.skipped());
        let (from, to) = (quote::double(&repository.path()), quote::double(path));
        let count = result
            .map_err(|error| repository.tag_error(error, tag.as_deref(), "back up", &from, &to))?;
        if count == 0 && skipped == 0 {
            return Err(
                CliError::not_found(format!("no tags found in repository {from}")).recommend(
                    format!("If you want to list available tags in {from}, use \"oras repo tags\""),
                ),
            );
        }
        output.finish(path, process)?;
        let elapsed = SystemClock.now().duration_since(start).unwrap_or_default();
        process.print_status(&format!(
            "Successfully backed up {count} tag(s) from {from} to {to} in {}.",
            Elapsed(elapsed)
        ))?;
        CliError::check_skipped(skipped)
    }
}

/// The destination of a backup.
enum Output {
    Directory(Box<LayoutStore>),
    Archive(Box<LayoutTarWriter>),
}

impl Output {
    fn create(path: &str) -> Result<Self, CliError> {
        if !is_archive(path) {
            let store = LayoutStore::create_or_open(path).map_err(|error| {
                CliError::from(&error.context("failed to prepare OCI store for backup"))
            })?;
            return Ok(Self::Directory(Box::new(store)));
        }
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(CliError::new(format!(
                "the output path {} already exists and is a directory",
                quote::double(path)
            ))
            .recommend(
                "To back up to a tar archive, please specify a different output file name or remove the existing directory.",
            ));
        }
        let writer = LayoutTarWriter::create(path).map_err(|error| {
            CliError::from(&error.context(format!("unable to create output file {path}")))
        })?;
        Ok(Self::Archive(Box::new(writer)))
    }

    const fn target(&self) -> &dyn Target {
        match self {
            Self::Directory(store) => &**store,
            Self::Archive(writer) => &**writer,
        }
    }

    fn finish(self, path: &str, process: &mut Process) -> Result<(), CliError> {
        match self {
            Self::Directory(store) => {
                store.remove_scratch();
                Ok(())
            }
            Self::Archive(writer) => {
                process.print_status(&format!("Exporting to {path}"))?;
                let size = writer.finish()?;
                process.print_status(&format!("Exported to {path} ({})", Size(size)))
            }
        }
    }
}

/// Whether the extension of a path is that of a tar archive.
pub(super) fn is_archive(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".tar")
}
