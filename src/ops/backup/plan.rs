//! The plan of a backup: tags, their roots, and referrers indexes.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::referrers::RecordingSource;
use crate::error::{Error, Result};
use crate::limits::{Limit, MAX_BACKUP_TAGS};
use crate::oci::{
    Descriptor, Digest, Manifest, MediaType, Referrer, Tag, is_referrers_tag, referrers_tag,
};
use crate::ops::copy::Limits;
use crate::progress::{Event, report};
use crate::store::{Source, TagLister};

/// The tags and referrers indexes to copy.
pub(super) struct Plan {
    pub(super) tags: Vec<String>,
    /// The descriptors of the tags, in the same order.
    pub(super) roots: Vec<Descriptor>,
    pub(super) referrers_indexes: Vec<ReferrersIndex>,
    /// Listed tags that cannot be resolved, with the error messages.
    skipped: Vec<(String, String)>,
    /// Bytes of all referrers indexes.
    index_bytes: u64,
}

/// A referrers index with its tag.
pub(super) struct ReferrersIndex {
    pub(super) tag: String,
    pub(super) root: Descriptor,
    pub(super) entries: Vec<Descriptor>,
}

impl Plan {
    /// Resolves the tags, or all tags of the source if `tags` is empty. `separates_indexes` says
    /// whether, of all tags, those of referrers indexes are not tags of the plan.
    pub(super) fn new(
        source: &RecordingSource<'_>,
        tags: Vec<String>,
        separates_indexes: bool,
        skip_missing: bool,
        limits: &Limits,
    ) -> Result<Self> {
        let is_all = tags.is_empty();
        let may_be_index = is_all && separates_indexes;
        let names = if is_all { all_tags(source)? } else { tags };
        let mut plan = Self {
            tags: Vec::with_capacity(names.len()),
            roots: Vec::with_capacity(names.len()),
            referrers_indexes: Vec::new(),
            skipped: Vec::new(),
            index_bytes: 0,
        };
        for tag in names {
            // A layout may contain tags that are not valid in a repository, and a registry may list
            // such tags.
            tag.parse::<Tag>()?;
            match plan.add(&tag, source, may_be_index, limits) {
                Err(error) if skip_missing && is_all && error.is_not_found() => {
                    plan.skipped.push((tag, error.chain().to_string()));
                }
                added => added?,
            }
        }
        Ok(plan)
    }

    /// Reports the tags, and those that are skipped.
    pub(super) fn report(&self) -> Result<()> {
        report(&Event::TagsFound(&self.tags))?;
        for (tag, reason) in &self.skipped {
            report(&Event::TagSkipped { tag, reason })?;
        }
        Ok(())
    }

    /// Returns the entries of all referrers indexes.
    pub(super) fn index_entries(&self) -> HashSet<Digest> {
        let indexes = self.referrers_indexes.iter();
        let entries = indexes.flat_map(|index| &index.entries);
        entries.map(|entry| entry.digest.clone()).collect()
    }

    fn add(
        &mut self,
        tag: &str,
        source: &dyn Source,
        may_be_index: bool,
        limits: &Limits,
    ) -> Result<()> {
        let resolve = || {
            let root = source.resolve(tag)?;
            let entries = if may_be_index {
                referrers_index_entries(tag, &root, source, limits)?
            } else {
                None
            };
            Ok((root, entries))
        };
        let (root, entries) = resolve()
            .map_err(|error: Error| error.context(format!("failed to resolve tag \"{tag}\"")))?;
        let tag = tag.to_owned();
        if let Some(entries) = entries {
            self.index_bytes = self.index_bytes.saturating_add(root.size);
            Error::check_limit(
                "all lists of referrers",
                self.index_bytes,
                Limit::TotalMetadataBytes,
                limits.max_metadata_bytes,
            )?;
            self.referrers_indexes
                .push(ReferrersIndex { tag, root, entries });
        } else {
            self.tags.push(tag);
            self.roots.push(root);
        }
        Ok(())
    }
}

/// Returns all tags in the order of the listing.
fn all_tags(source: &dyn TagLister) -> Result<Vec<String>> {
    let mut tags = Vec::new();
    source
        .tags(None, &mut |page| {
            tags.extend_from_slice(page);
            if tags.len() > MAX_BACKUP_TAGS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .map_err(|error| error.context("failed to find tags"))?;
    Error::check_limit(
        "number of tags",
        tags.len() as u64,
        Limit::BackupTags,
        MAX_BACKUP_TAGS as u64,
    )?;
    Ok(tags)
}

/// Returns the entries of a tagged index if it is a referrers index: its tag is derived from the
/// digest of the subject of its entries. The first entry that exists decides. If none exists, it
/// counts as a referrers index: skipping it loses nothing.
fn referrers_index_entries(
    tag: &str,
    root: &Descriptor,
    source: &dyn Source,
    limits: &Limits,
) -> Result<Option<Vec<Descriptor>>> {
    if !is_referrers_tag(tag) || root.media_type != MediaType::IMAGE_INDEX {
        return Ok(None);
    }
    let manifest = source.fetch_manifest(root, limits.max_manifest_bytes)?;
    let entries = match manifest.view()? {
        Manifest::Index(index) if index.subject.is_none() => &index.manifests,
        _ => return Ok(None),
    };
    for entry in entries {
        if !entry.media_type.is_manifest() {
            return Ok(None);
        }
        let manifest = match source.fetch_manifest(entry, limits.max_manifest_bytes) {
            Err(error) if error.is_not_found() => continue,
            manifest => manifest?,
        };
        let is_referrer = Referrer::from_manifest(&manifest)?
            .is_some_and(|referrer| referrers_tag(&referrer.subject.digest) == tag);
        return Ok(is_referrer.then(|| entries.clone()));
    }
    Ok(Some(entries.clone()))
}
