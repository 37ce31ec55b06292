//! `oras restore`

use std::fs::{self, File};
use std::io::Read as _;

use oras::Error;
use oras::backup::{BackupOptions, rehearse, restore};
use oras::http::clock::{Clock as _, SystemClock};
use oras::layout::{LayoutStore, LayoutTar};
use oras::progress::Event;
use oras::store::Inventory;

use super::backup::is_archive;
use crate::cli::groups::{Concurrency, Debugging, Distribution, Remote, Tty};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, Stage, quote};
use crate::error::CliError;
use crate::output::text::{Elapsed, Size};
use crate::process::Process;
use crate::progress::Labels;
use crate::progress::display::Bars;
use crate::progress::tags::{TagLabels, TagStatus};
use crate::repository::{RepositoryFlags, TaggedRepository};

#[derive(Default)]
struct Own {
    input: String,
    exclude_referrers: bool,
    dry_run: bool,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "input",
            "path",
            "OCI image layout to restore from: a directory, or a tar archive",
            |own: &mut Self, text| own.input = text,
        ),
        Flag::switch(
            "exclude-referrers",
            "do not restore what is attached, such as signatures",
            |own: &mut Self, on| own.exclude_referrers = on,
        ),
        Flag::switch(
            "dry-run",
            "tell what would be restored, without asking the registry for anything",
            |own: &mut Self, on| own.dry_run = on,
        ),
    ];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    concurrency: Concurrency,
    debugging: Debugging,
    distribution: Distribution,
    remote: Remote,
    tty: Tty,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras restore",
        usage: "[flags] --input <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
        about: "Restore artifacts of a backup to a repository",
        details: "Without tags, all tags of the backup are restored. What the repository has is not sent again, so a restoration \
                  that failed can be repeated.",
        examples: &[
            (
                "Restore all tags of an archive",
                "oras restore --input hello.tar localhost:5000/hello",
            ),
            (
                "Restore some tags of a directory",
                "oras restore --input hello localhost:5000/hello:v1,v2",
            ),
            (
                "Restore without what is attached",
                "oras restore --input hello.tar --exclude-referrers localhost:5000/hello",
            ),
            (
                "See what would be restored",
                "oras restore --input hello.tar --dry-run localhost:5000/hello",
            ),
        ],
        positionals: Positionals::Exactly(1, "the targets to restore to"),
        stage: Stage::Experimental,
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.concurrency.group(),
            self.debugging.group(),
            self.distribution.group(),
            self.remote.group(),
            self.tty.group(),
        ]
    }
}

pub(crate) fn run(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    let mut repository = TaggedRepository::parse(
        &positionals[0],
        &RepositoryFlags {
            remote: &args.remote,
            distribution: &args.distribution,
            debugging: &args.debugging,
            given: &given,
        },
        process,
    )?;
    given.required(&["input"])?;
    let path = args.own.input.as_str();
    if path.is_empty() {
        return Err(CliError::usage("the input path cannot be empty"));
    }
    let start = SystemClock.now();
    let client = repository.client().map_err(|failure| {
        failure.context(&format!(
            "failed to prepare target repository {}",
            quote::double(repository.path())
        ))
    })?;
    let source = open(path, process)?;
    let labels = TagLabels {
        content: &Labels::RESTORE,
        tag: if args.own.dry_run {
            "Dry run: would push tag"
        } else {
            "Pushed tag"
        },
        with_tagged_root: !args.own.exclude_referrers,
    };
    let bars = Bars::new(process, args.tty, &args.debugging);
    let mut status = TagStatus::new(process, bars, &labels, "the backup".to_owned());
    let mut observer = |event: Event<'_>| status.report(event);
    let options = BackupOptions {
        tags: repository.take_tags(),
        referrers: !args.own.exclude_referrers,
        observer: Some(&mut observer),
        ..BackupOptions::default()
    };
    let result = if args.own.dry_run {
        rehearse(&*source, options)
    } else {
        let target = repository.open(&client)?.for_writing();
        restore(&*source, &target, options)
    };
    let tag = status.into_current_tag();
    let (from, to) = (quote::double(path), quote::double(repository.path()));
    let count = result.map_err(|error| match tag {
        Some(tag) => {
            let tag = quote::double(&tag);
            let doing = format!("failed to restore tag {tag} from {from} to {to}");
            repository.failure(&error.context(doing))
        }
        None => repository.failure(&error),
    })?;
    if count == 0 {
        return Err(
            CliError::not_found(format!("no tags found in OCI layout {from}")).recommend(format!(
                "If you want to list available tags in {from}, use \"oras repo tags --oci-layout\""
            )),
        );
    }
    if args.own.dry_run {
        return process.print_status(&format!(
            "Dry run complete: {count} tag(s) would be restored to {to} (no data pushed)"
        ));
    }
    let elapsed = SystemClock.now().duration_since(start).unwrap_or_default();
    process.print_status(&format!(
        "Successfully restored {count} tag(s) to {to} in {}",
        Elapsed(elapsed)
    ))
}

/// Opens the backup, to be read only.
fn open(path: &str, process: &mut Process) -> Result<Box<dyn Inventory>, CliError> {
    let shown = quote::double(path);
    let metadata = fs::metadata(path).map_err(|error| {
        let error = Error::io("stat", path)(error);
        CliError::from_library(&error.context(format!("failed to access input path {shown}")))
    })?;
    if metadata.is_dir() {
        let store = LayoutStore::open(path).map_err(|error| {
            CliError::from_library(&error.context(format!(
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
        // The path is named already.
        Error::NotAnArchive { reason, .. } => CliError::new(format!("{doing}: {reason}")),
        _ => CliError::from_library(&error.context(doing)),
    })?;
    process.print_status(&format!(
        "Loaded backup archive: {path} ({})",
        Size(metadata.len())
    ))?;
    Ok(Box::new(archive))
}

/// Whether a file says that it is a tar archive.
fn has_magic(path: &str) -> bool {
    const OFFSET: usize = 257;
    const MAGIC: &[u8] = b"ustar";

    let mut start = [0; OFFSET + MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && &start[OFFSET..] == MAGIC
}
