//! Backup of tags of a repository with their graphs to a layout, and restore from it.
//!
//! A backup is an ordinary OCI image layout: any tool that reads layouts reads it. This module
//! depends on the store traits only.
//!
//! # Referrers tags
//!
//! If a registry has no referrers API, clients keep the referrers of a manifest in an index under a
//! tag derived from its digest (distribution spec v1.1, "Referrers Tag Schema"). Such an index
//! describes the source registry. A backup without referrers copies it as a tag like any other. A
//! backup with referrers, and a restore, copy it as a tag only if the caller names the tag: its
//! entries are copied like other referrers, and the destination creates an index where it needs
//! one.
//!
//! # Missing content
//!
//! A referrer can outlive its subject, and a referrers index its entries. A backup does not fail
//! for that: it copies what exists, and reports each missing manifest as [`Event::MissingSkipped`].
//!
//! # Interruption
//!
//! A backup or restore is one [batch](Batch). If it fails, a layout contains the tags that were
//! completed. If the process is killed, the layout may contain none of the tags; the next backup
//! finds the content that was copied.

use std::collections::HashMap;

use self::dry_run::DryRun;
use self::plan::{Plan, ReferrersIndex};
use self::referrers::{RecordingSource, count_referrers};
use crate::error::{Error, Result, Side};
use crate::oci::{Descriptor, Digest};
use crate::ops::copy::{
    CopyOptions, Limits, MissingReferrer, copy_graph, copy_graph_with_referrers,
};
use crate::progress::{Event, Observer, Scope, report};
use crate::store::{Batch, Inventory, Source, Target};

mod dry_run;
mod plan;
mod referrers;

/// Options of a backup or restore.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct BackupOptions {
    /// The tags to copy, in this order. Empty means all tags that the source lists.
    pub tags: Vec<String>,
    /// Copies referrers too.
    pub referrers: bool,
    /// Skips tags whose content is missing at the source, if there are others, and reports each as
    /// [`Event::TagSkipped`]. By default they are errors. A tag in [`tags`](Self::tags) that cannot
    /// be resolved is always an error.
    pub skip_missing: bool,
    /// Bounds on the graph of a tag.
    pub limits: Limits,
    /// Receives the events.
    pub observer: Option<Observer>,
}

/// Copies tags of a repository with their graphs to a layout. Returns the number of tags.
///
/// All tags are resolved before content is copied. Content that the layout has is kept and not
/// copied again.
///
/// ```
/// use oras::backup::{BackupOptions, backup, restore};
/// use oras::layout::{LayoutTar, LayoutTarWriter};
/// use oras::store::memory::MemoryStore;
/// use oras::store::{Source, Target};
/// use oras::{Descriptor, MediaType};
/// # let path = std::env::temp_dir().join(format!("oras-doc-backup-{}.tar", std::process::id()));
///
/// let repository = MemoryStore::new();
/// let index = br#"{"schemaVersion":2,"manifests":[]}"#;
/// let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index);
/// repository.push_reference(&descriptor, &mut &index[..], "v1")?;
///
/// let tar = LayoutTarWriter::create(&path)?;
/// assert_eq!(backup(&repository, &tar, BackupOptions::default())?, 1);
/// tar.finish()?;
///
/// let elsewhere = MemoryStore::new();
/// restore(&LayoutTar::open(&path)?, &elsewhere, BackupOptions::default())?;
/// assert_eq!(elsewhere.resolve("v1")?.digest, descriptor.digest);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`InvalidReference`](crate::Error::InvalidReference) if a tag is not valid in a repository.
/// - [`NotFound`](crate::Error::NotFound) if a tag does not exist.
/// - [`TooLarge`](crate::Error::TooLarge) if there are more than 100,000 tags.
/// - [`Copy`](crate::Error::Copy) for the tag of the last [`Event::TagStarted`].
pub fn backup(
    source: &dyn Inventory,
    target: &dyn Target,
    options: BackupOptions,
) -> Result<usize> {
    copy_tags(source, target, Direction::Backup, options)
}

/// Copies tags of a layout with their graphs to a repository. Returns the number of tags.
///
/// All tags are resolved before content is copied. Content that the repository has is not copied
/// again, so that a restore that failed can be repeated.
///
/// # Errors
///
/// Same as [`backup`].
pub fn restore(
    source: &dyn Inventory,
    target: &dyn Target,
    options: BackupOptions,
) -> Result<usize> {
    copy_tags(source, target, Direction::Restore, options)
}

/// Reports the tags that [`backup`] or [`restore`] would copy. Requests go to the source only.
///
/// All manifests are read, and each blob must exist with the right size. Blobs are not read.
///
/// # Errors
///
/// Same as [`restore`], without those of the target.
pub fn dry_run(source: &dyn Inventory, mut options: BackupOptions) -> Result<usize> {
    let observer = options.observer.take().or_else(Observer::current);
    options.observer = observer.map(|observer| {
        observer.filtered(|event| {
            matches!(
                event,
                Event::TagsFound(_)
                    | Event::TagStarted(_)
                    | Event::TagFinished { .. }
                    | Event::TagSkipped { .. }
                    | Event::MissingSkipped(_)
                    | Event::MissingSubjectSkipped(_)
            )
        })
    });
    copy_tags(source, &DryRun(source), Direction::Restore, options)
}

/// The direction of a copy between repository and layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Backup,
    Restore,
}

fn copy_tags(
    source: &dyn Inventory,
    target: &dyn Target,
    direction: Direction,
    options: BackupOptions,
) -> Result<usize> {
    let BackupOptions {
        tags,
        referrers: with_referrers,
        skip_missing,
        limits,
        observer,
    } = options;
    let _scope = Scope::of_verb(observer.as_ref());
    let recording = RecordingSource::new(source);
    let separates_indexes = direction == Direction::Restore || with_referrers;
    let plan = Plan::new(&recording, tags, separates_indexes, skip_missing, &limits)?;
    let mut transfer = Transfer {
        source: &recording,
        target,
        layout: match direction {
            Direction::Backup => target,
            Direction::Restore => source,
        },
        limits,
    };
    plan.report()?;
    let mut copied_tags = plan.tags.len();
    let batch = Batch::start(target);
    let mut unreached = plan.index_entries();
    // A manifest with several tags is copied once; its further tags are only set.
    let mut referrer_counts: HashMap<&Digest, usize> = HashMap::new();
    for (tag, root) in plan.tags.iter().zip(&plan.roots) {
        report(&Event::TagStarted(tag))?;
        let known = referrer_counts.get(&root.digest).copied();
        let copied = if with_referrers && known.is_none() {
            transfer.copy_with_referrers(root, tag)
        } else {
            let copied = transfer.copy(root, Some(tag));
            copied.map(|()| known.unwrap_or_default())
        };
        let referrers = match copied {
            Err(error) if skip_missing && is_missing_at_source(&error) && plan.tags.len() > 1 => {
                let reason = &error.chain().to_string();
                report(&Event::TagSkipped { tag, reason })?;
                copied_tags -= 1;
                continue;
            }
            copied => copied?,
        };
        referrer_counts.insert(&root.digest, referrers);
        recording.take_listed(|found| {
            unreached.remove(found);
        });
        report(&Event::TagFinished {
            tag,
            digest: &root.digest,
            referrers,
        })?;
    }
    if with_referrers {
        for list in &plan.referrers_indexes {
            let is_unreached = |entry: &&Descriptor| unreached.contains(&entry.digest);
            let rest: Vec<&Descriptor> = list.entries.iter().filter(is_unreached).collect();
            if !rest.is_empty() {
                report(&Event::TagStarted(&list.tag))?;
                transfer.copy_entries(&rest)?;
                if direction == Direction::Backup {
                    transfer.tag_index(list)?;
                }
            }
        }
    }
    batch.finish()?;
    Ok(copied_tags)
}

/// Whether a copy failed because the source lacks content that it lists.
fn is_missing_at_source(error: &Error) -> bool {
    match error {
        Error::Copy { side, .. } => *side == Side::Source && error.is_not_found(),
        _ => false,
    }
}

/// A running backup or restore.
struct Transfer<'t> {
    source: &'t RecordingSource<'t>,
    target: &'t dyn Target,
    /// The source or target that is a layout: reading it costs no requests.
    layout: &'t dyn Source,
    limits: Limits,
}

impl Transfer<'_> {
    /// Calls `copy` with source, target and options.
    fn with_options(
        &mut self,
        copy: impl FnOnce(&RecordingSource<'_>, &dyn Target, &mut CopyOptions<'_>) -> Result<()>,
    ) -> Result<()> {
        let (source, target, limits) = (self.source, self.target, self.limits.clone());
        let mut options = CopyOptions {
            limits,
            missing_referrers: MissingReferrer::Skip,
            ..CopyOptions::default()
        };
        copy(source, target, &mut options)
    }

    /// Copies the graph of a manifest.
    fn copy(&mut self, root: &Descriptor, tag: Option<&str>) -> Result<()> {
        self.with_options(|source, target, options| copy_graph(source, target, root, tag, options))
    }

    /// Same as [`copy`](Self::copy), with referrers. Returns their number.
    fn copy_with_referrers(&mut self, root: &Descriptor, tag: &str) -> Result<usize> {
        self.with_options(|source, target, options| {
            copy_graph_with_referrers(source, target, root, Some(tag), options)
        })?;
        count_referrers(root, self.layout, &self.limits, |subject| {
            Ok(self.source.listed(subject))
        })
    }

    /// Copies entries of a referrers index that were not copied as referrers of a tag.
    fn copy_entries(&mut self, entries: &[&Descriptor]) -> Result<()> {
        for referrer in entries {
            match self.copy(referrer, None) {
                Err(error) if error.is_not_found() && self.source.is_missing(referrer) => {
                    report(&Event::MissingSkipped(referrer))?;
                }
                copied => copied?,
            }
        }
        Ok(())
    }

    /// Copies a referrers index with its tag, so that its entries can be found.
    fn tag_index(&self, list: &ReferrersIndex) -> Result<()> {
        let limit = self.limits.max_manifest_bytes;
        let manifest = self.source.fetch_manifest(&list.root, limit)?;
        self.target
            .push_reference(&list.root, &mut &manifest, &list.tag)?;
        Ok(())
    }
}
