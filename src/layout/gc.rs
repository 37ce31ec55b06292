//! What goes when content of a layout is deleted, and what stays because something else needs it.
//!
//! A layout has no garbage collection of its own, so deleting a manifest also removes what was there for its sake: what is
//! attached to it, and what it is made of. Of these stays, with all that belongs to it, what
//!
//! - has a tag, or is listed and no manifest,
//! - is a part of a manifest that stays,
//! - or has something attached to it that stays.
//!
//! What a manifest is attached to is no part of it, and stays. When a manifest of the layout cannot be read, nobody knows
//! what it needs: then nothing goes but what was asked for.

use std::collections::{HashMap, HashSet};

use super::graph::{Attached, check_bound, walk};
use super::index::Index;
use super::reader::Files;
use crate::error::{Error, Result};
use crate::limits::MAX_LAYOUT_REFERENCES;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;

/// What is to be removed when `target` is deleted, `target` first.
///
/// # Errors
///
/// [`Error::InUse`] when `target` is a part of something.
pub(super) fn plan<F: Files>(files: &F, index: &Index, target: &Descriptor) -> Result<Vec<Digest>> {
    let graph = Graph::read(files, index, target)?;
    if let Some(user) = graph.user_of(&target.digest) {
        return Err(Error::InUse {
            what: target.digest.to_string(),
            user: user.to_string(),
        });
    }
    if !graph.is_whole {
        return Ok(vec![target.digest.clone()]);
    }
    let kept = index.gc_roots();
    let mut removal = Removal {
        users: graph.count_users(),
        removed: HashSet::new(),
        order: Vec::new(),
    };
    removal.remove(&target.digest);
    let mut next = 0;
    while let Some(digest) = removal.order.get(next).cloned() {
        next += 1;
        for referrer in graph.attached.to(&digest) {
            if !kept.contains(&referrer.digest) && removal.is_unused(&referrer.digest) {
                removal.remove(&referrer.digest);
            }
        }
        for part in graph.parts_of(&digest) {
            let has_attached = graph
                .attached
                .to(part)
                .iter()
                .any(|referrer| !removal.removed.contains(&referrer.digest));
            removal.release(part);
            if !kept.contains(part) && !has_attached && removal.is_unused(part) {
                removal.remove(part);
            }
        }
    }
    Ok(removal.order)
}

/// What a layout's manifests are made of and attached to.
struct Graph {
    /// By manifest. A part that a manifest has twice is there once.
    parts: HashMap<Digest, Vec<Digest>>,
    attached: Attached,
    /// Whether every manifest that is there could be read.
    is_whole: bool,
}

impl Graph {
    /// Reads all manifests, and `target`, which may have lost its entry.
    fn read<F: Files>(files: &F, index: &Index, target: &Descriptor) -> Result<Self> {
        let mut parts = HashMap::new();
        let mut attached = Attached::default();
        let mut references = 0;
        let roots = index.descriptors().chain([target]);
        let gaps = walk(files, roots, |node| {
            attached.note(&node);
            let mut of_node: Vec<Digest> = node.parts.into_iter().map(|part| part.digest).collect();
            of_node.sort_unstable();
            of_node.dedup();
            references += of_node.len();
            check_bound(
                "number of references in the layout",
                references,
                MAX_LAYOUT_REFERENCES,
                "MAX_LAYOUT_REFERENCES",
            )?;
            parts.insert(node.descriptor.digest, of_node);
            Ok(())
        })?;
        Ok(Self {
            parts,
            attached,
            is_whole: gaps.unreadable.is_empty(),
        })
    }

    fn parts_of(&self, digest: &Digest) -> &[Digest] {
        self.parts.get(digest).map_or(&[], Vec::as_slice)
    }

    /// A manifest that `part` is a part of: of several always the same one.
    fn user_of(&self, part: &Digest) -> Option<&Digest> {
        self.parts
            .iter()
            .filter(|(_, parts)| parts.binary_search(part).is_ok())
            .map(|(user, _)| user)
            .min()
    }

    /// Of how many manifests each piece of content is a part.
    fn count_users(&self) -> HashMap<&Digest, usize> {
        let mut users = HashMap::new();
        for part in self.parts.values().flatten() {
            *users.entry(part).or_default() += 1;
        }
        users
    }
}

/// A removal on its way.
struct Removal<'g> {
    /// Of how many manifests that stay each piece of content is a part.
    users: HashMap<&'g Digest, usize>,
    removed: HashSet<Digest>,
    order: Vec<Digest>,
}

impl Removal<'_> {
    fn remove(&mut self, digest: &Digest) {
        if self.removed.insert(digest.clone()) {
            self.order.push(digest.clone());
        }
    }

    /// Notes that a manifest with this part goes.
    fn release(&mut self, part: &Digest) {
        if let Some(users) = self.users.get_mut(part) {
            *users = users.saturating_sub(1);
        }
    }

    fn is_unused(&self, digest: &Digest) -> bool {
        self.users.get(digest).is_none_or(|&users| users == 0)
    }
}
