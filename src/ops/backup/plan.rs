//! What a backup is going to copy.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::referrers::Listening;
use crate::error::{Error, Result};
use crate::limits::MAX_BACKUP_TAGS;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::Manifest;
use crate::oci::media_type::MediaType;
use crate::oci::reference::Tag;
use crate::oci::referrers::{Referrer, is_referrers_tag, referrers_tag};
use crate::ops::copy::Limits;
use crate::store::{Source, TagLister};

/// What is going to be copied.
pub(super) struct Plan {
    pub(super) tags: Vec<String>,
    /// What they name.
    pub(super) roots: Vec<Descriptor>,
    pub(super) lists: Vec<List>,
    /// How many bytes the lists have together.
    list_bytes: u64,
}

/// A list of referrers that is kept under a tag.
pub(super) struct List {
    pub(super) tag: String,
    /// The list itself.
    pub(super) root: Descriptor,
    /// What it lists.
    pub(super) entries: Vec<Descriptor>,
}

impl Plan {
    /// Resolves the tags; all of them, if there are none.
    pub(super) fn new(source: &Listening<'_>, tags: Vec<String>, limits: &Limits) -> Result<Self> {
        let are_all = tags.is_empty();
        let names = if are_all { all(source)? } else { tags };
        let mut plan = Self {
            tags: Vec::with_capacity(names.len()),
            roots: Vec::with_capacity(names.len()),
            lists: Vec::new(),
            list_bytes: 0,
        };
        for tag in names {
            // A layout may call things as it likes, and a registry may list what is none.
            tag.parse::<Tag>()?;
            plan.add(tag, source, are_all, limits)?;
        }
        Ok(plan)
    }

    /// All that is in lists of referrers.
    pub(super) fn listed(&self) -> HashSet<Digest> {
        let listed = self.lists.iter().flat_map(|list| &list.entries);
        listed.map(|listed| listed.digest.clone()).collect()
    }

    fn add(
        &mut self,
        tag: String,
        source: &dyn Source,
        may_be_list: bool,
        limits: &Limits,
    ) -> Result<()> {
        let resolve = || {
            let root = source.resolve(&tag)?;
            let listed = if may_be_list {
                list_at(&tag, &root, source, limits)?
            } else {
                None
            };
            Ok((root, listed))
        };
        let (root, listed) = resolve()
            .map_err(|error: Error| error.context(format!("failed to resolve tag \"{tag}\"")))?;
        if let Some(entries) = listed {
            self.list_bytes = self.list_bytes.saturating_add(root.size);
            if self.list_bytes > limits.max_metadata_bytes {
                return Err(Error::TooLarge {
                    what: "all lists of referrers".to_owned(),
                    size: self.list_bytes,
                    limit: limits.max_metadata_bytes,
                    limit_name: "MaxTotalMetadataBytes",
                });
            }
            self.lists.push(List { tag, root, entries });
        } else {
            self.tags.push(tag);
            self.roots.push(root);
        }
        Ok(())
    }
}

/// All tags, as they are listed.
fn all(source: &dyn TagLister) -> Result<Vec<String>> {
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
    if tags.len() > MAX_BACKUP_TAGS {
        return Err(Error::TooLarge {
            what: "number of tags".to_owned(),
            size: tags.len() as u64,
            limit: MAX_BACKUP_TAGS as u64,
            limit_name: "MAX_BACKUP_TAGS",
        });
    }
    Ok(tags)
}

/// What is listed under a tag, if that is a list of referrers: an index whose tag is made of the digest that what it lists
/// is attached to. The first manifest that is there decides; where none is, there is nothing that could be lost.
fn list_at(
    tag: &str,
    root: &Descriptor,
    source: &dyn Source,
    limits: &Limits,
) -> Result<Option<Vec<Descriptor>>> {
    if !is_referrers_tag(tag) || root.media_type != MediaType::IMAGE_INDEX {
        return Ok(None);
    }
    let manifest = source.fetch_manifest(root, limits.max_manifest_bytes)?;
    let listed = match manifest.view()? {
        Manifest::Index(index) if index.subject.is_none() => &index.manifests,
        _ => return Ok(None),
    };
    for entry in listed {
        if !entry.media_type.is_manifest() {
            return Ok(None);
        }
        let manifest = match source.fetch_manifest(entry, limits.max_manifest_bytes) {
            Err(error) if error.is_not_found() => continue,
            manifest => manifest?,
        };
        let is_attached = Referrer::from_manifest(&manifest)?
            .is_some_and(|referrer| referrers_tag(&referrer.subject.digest) == tag);
        return Ok(is_attached.then(|| listed.clone()));
    }
    Ok(Some(listed.clone()))
}
