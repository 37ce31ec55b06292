//! Backups: the tags of a repository with all they lead to, into a layout and back.
//!
//! A backup is a plain layout and nothing else: whatever reads layouts reads it. This module names no store; what it does is
//! told to an observer as it happens.
//!
//! # Lists of referrers
//!
//! Where a registry does not list referrers itself, clients keep the list as an index under a tag that is made of the
//! subject's digest (distribution spec v1.1, "Referrers Tag Schema"). Such a list says what is attached *there*. So it is
//! copied as a tag only if it was asked for by name. What it lists is copied with the other referrers, and whoever stores a
//! referrer keeps a list where one is needed.
//!
//! # What is gone
//!
//! A referrer may outlive what it was attached to, and a list what it lists. No backup fails for that: what there is is
//! copied, and what is left out is told as [`Event::MissingSkipped`].
//!
//! # When it ends early
//!
//! A backup or restoration is one [batch](Batch). When it fails, a layout names the tags that were completed. When it is killed,
//! the layout may name none of them yet: what was copied is found when it is done again.

use std::collections::HashMap;

use self::plan::{List, Plan};
use self::referrers::{Listening, count_referrers};
use crate::error::Result;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::ops::copy::{
    CopyOptions, Limits, MissingReferrer, copy_graph, copy_graph_with_referrers,
};
use crate::store::progress::{Event, Observer, Reporter};
use crate::store::{Batch, Inventory, Source, Target};

mod plan;
mod referrers;

/// What is copied, and how.
#[derive(Default)]
pub struct BackupOptions<'a> {
    /// The tags, in this order. None stands for all that the source lists.
    pub tags: Vec<String>,
    /// Whether everything that is attached is copied as well.
    pub referrers: bool,
    /// How much the graph of a tag may be.
    pub limits: Limits,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

/// Copies tags of a repository, with all they lead to, into a layout. Returns how many.
///
/// All tags are resolved before anything is copied. What the layout has already is not copied again, and stays.
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
/// let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
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
/// [`InvalidReference`](crate::Error::InvalidReference) for what cannot be a tag of a repository,
/// [`NotFound`](crate::Error::NotFound) for a tag that names nothing, [`TooLarge`](crate::Error::TooLarge) when there are more
/// than 100,000 tags, and [`Copy`](crate::Error::Copy) about the last [`Event::TagStarted`].
pub fn backup(
    source: &dyn Inventory,
    target: &dyn Target,
    options: BackupOptions<'_>,
) -> Result<usize> {
    copy_tags(source, target, Way::There, options)
}

/// Copies tags of a layout, with all they lead to, into a repository. Returns how many.
///
/// All tags are resolved before anything is copied. What the repository has already is not copied again. If this fails it
/// can be done again.
///
/// # Errors
///
/// As for [`backup`].
pub fn restore(
    source: &dyn Inventory,
    target: &dyn Target,
    options: BackupOptions<'_>,
) -> Result<usize> {
    copy_tags(source, target, Way::Back, options)
}

/// Tells what [`backup`] or [`restore`] would copy. Nothing is asked but the source.
///
/// # Errors
///
/// As for [`backup`], as far as they show without copying.
pub fn rehearse(source: &dyn Inventory, options: BackupOptions<'_>) -> Result<usize> {
    let BackupOptions {
        tags,
        referrers,
        limits,
        observer,
    } = options;
    let mut reporter = Reporter::new(observer);
    let source = Listening::new(source);
    let plan = Plan::new(&source, tags, &limits)?;
    reporter.report(Event::TagsFound(&plan.tags))?;
    for (tag, root) in plan.tags.iter().zip(&plan.roots) {
        reporter.report(Event::TagStarted(tag))?;
        let referrers = if referrers {
            count_referrers(root, &source, &limits, |subject| source.list(subject))?
        } else {
            0
        };
        reporter.report(Event::TagFinished { tag, referrers })?;
    }
    Ok(plan.tags.len())
}

/// Whether tags are backed up or restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Into a layout.
    There,
    /// Out of a layout.
    Back,
}

fn copy_tags(
    source: &dyn Inventory,
    target: &dyn Target,
    way: Way,
    options: BackupOptions<'_>,
) -> Result<usize> {
    let BackupOptions {
        tags,
        referrers: with_referrers,
        limits,
        observer,
    } = options;
    let listening = Listening::new(source);
    let plan = Plan::new(&listening, tags, &limits)?;
    let mut transfer = Transfer {
        source: &listening,
        target,
        layout: match way {
            Way::There => target,
            Way::Back => source,
        },
        limits,
        reporter: Reporter::new(observer),
    };
    transfer.reporter.report(Event::TagsFound(&plan.tags))?;
    let batch = Batch::start(target);
    let mut unfound = plan.listed();
    // What has several tags is copied once, and then named again.
    let mut counts: HashMap<&Digest, usize> = HashMap::new();
    for (tag, root) in plan.tags.iter().zip(&plan.roots) {
        transfer.reporter.report(Event::TagStarted(tag))?;
        let known = counts.get(&root.digest).copied();
        let referrers = if with_referrers && known.is_none() {
            transfer.copy_with_referrers(root, tag)?
        } else {
            transfer.copy(root, Some(tag))?;
            known.unwrap_or_default()
        };
        counts.insert(&root.digest, referrers);
        listening.forget(|found| {
            unfound.remove(found);
        });
        transfer
            .reporter
            .report(Event::TagFinished { tag, referrers })?;
    }
    if with_referrers {
        for list in &plan.lists {
            let is_unfound = |listed: &&Descriptor| unfound.contains(&listed.digest);
            let rest: Vec<&Descriptor> = list.entries.iter().filter(is_unfound).collect();
            if !rest.is_empty() {
                transfer.reporter.report(Event::TagStarted(&list.tag))?;
                transfer.copy_listed(&rest)?;
                if way == Way::There {
                    transfer.keep(list)?;
                }
            }
        }
    }
    batch.finish()?;
    Ok(plan.tags.len())
}

/// A backup or a restoration under way.
struct Transfer<'t, 'o> {
    source: &'t Listening<'t>,
    target: &'t dyn Target,
    /// The one of the two that is a layout, and costs little to ask.
    layout: &'t dyn Source,
    limits: Limits,
    reporter: Reporter<'o>,
}

impl Transfer<'_, '_> {
    /// Hands options to `copy`.
    fn with_options(
        &mut self,
        copy: impl FnOnce(&Listening<'_>, &dyn Target, &mut CopyOptions<'_>) -> Result<()>,
    ) -> Result<()> {
        let (source, target, limits) = (self.source, self.target, self.limits.clone());
        let mut options = CopyOptions {
            observer: self.reporter.observer(),
            limits,
            missing_referrers: MissingReferrer::Skip,
            ..CopyOptions::default()
        };
        copy(source, target, &mut options)
    }

    /// Copies what a manifest leads to.
    fn copy(&mut self, root: &Descriptor, tag: Option<&str>) -> Result<()> {
        self.with_options(|source, target, options| copy_graph(source, target, root, tag, options))
    }

    /// As [`copy`](Self::copy), with all that is attached. Returns how many referrers there are.
    fn copy_with_referrers(&mut self, root: &Descriptor, tag: &str) -> Result<usize> {
        self.with_options(|source, target, options| {
            copy_graph_with_referrers(source, target, root, Some(tag), options)
        })?;
        count_referrers(root, self.layout, &self.limits, |subject| {
            Ok(self.source.listed(subject))
        })
    }

    /// Copies referrers that no tag leads to.
    fn copy_listed(&mut self, listed: &[&Descriptor]) -> Result<()> {
        for referrer in listed {
            match self.copy(referrer, None) {
                Err(error) if error.is_not_found() && self.source.is_gone(referrer) => {
                    self.reporter.report(Event::MissingSkipped(referrer))?;
                }
                copied => copied?,
            }
        }
        Ok(())
    }

    /// Keeps a list of referrers, by which they can be found.
    fn keep(&self, list: &List) -> Result<()> {
        let limit = self.limits.max_manifest_bytes;
        let manifest = self.source.fetch_manifest(&list.root, limit)?;
        self.target
            .push_reference(&list.root, &mut &manifest, &list.tag)?;
        Ok(())
    }
}
