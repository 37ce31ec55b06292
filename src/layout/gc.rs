//! Garbage collection when content of a layout is deleted.
//!
//! A layout collects no garbage by itself, so deleting a manifest also removes its referrers and
//! the content that it refers to. Of these are kept, with everything they need:
//!
//! - content with a tag, and listed content that is not a manifest,
//! - successors of a manifest that is kept,
//! - content that has a referrer that is kept.
//!
//! The subject of a deleted manifest is not one of its parts and is kept. If a manifest of the
//! layout cannot be read, its successors are unknown; then only the deleted content itself is
//! removed.

use std::collections::{HashMap, HashSet};

use super::graph::walk;
use super::index::Index;
use super::reader::LayoutFiles;
use super::referrer_index::ReferrerIndex;
use crate::error::{Conflict, Error, Result};
use crate::limits::{Limit, MAX_LAYOUT_REFERENCES};
use crate::oci::{Descriptor, Digest};

/// Returns the content to remove when `target` is deleted, `target` first.
///
/// # Errors
///
/// [`Error::Conflict`] if a manifest refers to `target`.
pub(super) fn plan<F: LayoutFiles>(
    files: &F,
    index: &Index,
    target: &Descriptor,
) -> Result<Vec<Digest>> {
    let graph = Graph::read(files, index, target)?;
    if let Some(user) = graph.user_of(&target.digest) {
        return Err(Error::conflict(
            target.digest.as_str(),
            Conflict::ReferencedBy(user.to_string()),
        ));
    }
    if !graph.is_complete {
        return Ok(vec![target.digest.clone()]);
    }
    let roots = index.gc_roots();
    let mut collection = Collection {
        users: graph.count_users(),
        removed: HashSet::new(),
        order: Vec::new(),
    };
    collection.remove(&target.digest);
    let mut next = 0;
    while let Some(digest) = collection.order.get(next).cloned() {
        next += 1;
        for referrer in graph.referrers.of_subject(&digest) {
            if !roots.contains(&referrer.digest) && collection.is_unused(&referrer.digest) {
                collection.remove(&referrer.digest);
            }
        }
        for part in graph.parts_of(&digest) {
            let has_referrer = graph
                .referrers
                .of_subject(part)
                .iter()
                .any(|referrer| !collection.removed.contains(&referrer.digest));
            collection.release(part);
            if !roots.contains(part) && !has_referrer && collection.is_unused(part) {
                collection.remove(part);
            }
        }
    }
    Ok(collection.order)
}

/// The parts and referrers of all manifests of a layout.
struct Graph {
    /// By manifest, sorted and without duplicates.
    parts: HashMap<Digest, Vec<Digest>>,
    referrers: ReferrerIndex,
    /// Whether every existing manifest could be read.
    is_complete: bool,
}

impl Graph {
    /// Reads all manifests, including `target`, which may have no entry in `index`.
    fn read<F: LayoutFiles>(files: &F, index: &Index, target: &Descriptor) -> Result<Self> {
        let mut parts = HashMap::new();
        let mut referrers = ReferrerIndex::default();
        let mut references = 0;
        let roots = index.descriptors().chain([target]);
        let unreadable = walk(files, roots, |node| {
            referrers.add(node.subject.as_ref(), &node.descriptor);
            let mut of_node: Vec<Digest> = node.parts.into_iter().map(|part| part.digest).collect();
            of_node.sort_unstable();
            of_node.dedup();
            references += of_node.len();
            Error::check_limit(
                "number of references in the layout",
                references as u64,
                Limit::LayoutReferences,
                MAX_LAYOUT_REFERENCES as u64,
            )?;
            parts.insert(node.descriptor.digest, of_node);
            Ok(())
        })?;
        Ok(Self {
            parts,
            referrers,
            is_complete: unreadable.damaged.is_empty(),
        })
    }

    fn parts_of(&self, digest: &Digest) -> &[Digest] {
        self.parts.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Returns the manifest that refers to `part`; of several the one with the smallest digest.
    fn user_of(&self, part: &Digest) -> Option<&Digest> {
        self.parts
            .iter()
            .filter(|(_, parts)| parts.binary_search(part).is_ok())
            .map(|(user, _)| user)
            .min()
    }

    /// Counts the manifests that refer to each part.
    fn count_users(&self) -> HashMap<&Digest, usize> {
        let mut users = HashMap::new();
        for part in self.parts.values().flatten() {
            *users.entry(part).or_default() += 1;
        }
        users
    }
}

/// The state of a collection.
struct Collection<'g> {
    /// Number of remaining manifests that refer to each part.
    users: HashMap<&'g Digest, usize>,
    removed: HashSet<Digest>,
    order: Vec<Digest>,
}

impl Collection<'_> {
    fn remove(&mut self, digest: &Digest) {
        if self.removed.insert(digest.clone()) {
            self.order.push(digest.clone());
        }
    }

    /// Records that a manifest with this part is removed.
    fn release(&mut self, part: &Digest) {
        if let Some(users) = self.users.get_mut(part) {
            *users = users.saturating_sub(1);
        }
    }

    fn is_unused(&self, digest: &Digest) -> bool {
        self.users.get(digest).is_none_or(|&users| users == 0)
    }
}
