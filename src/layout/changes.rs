//! Changes of `index.json` that wait for the end of a batch.
//!
//! They are kept in the order in which they were asked for, and made in that order when the index is saved. So the index becomes
//! what it would have become by saving each. This module does not know where the index is kept.

use std::cell::RefCell;
use std::collections::HashSet;

use super::index::Index;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::store::Batches;

/// How many changes may wait. It bounds memory, and how much of a long batch a killed process leaves unnamed.
const MAX_WAITING: usize = 4096;

/// A change of `index.json`.
#[derive(Debug)]
pub(super) enum Change {
    /// Lists content.
    List(Descriptor),
    /// Gives it a tag.
    Tag(Descriptor, String),
}

impl Change {
    pub(super) fn make(self, index: &mut Index) {
        match self {
            Self::List(target) => index.list(&target),
            Self::Tag(target, tag) => index.tag(&target, &tag),
        }
    }
}

/// The changes that wait.
#[derive(Debug, Default)]
pub(super) struct Changes {
    batches: Batches,
    waiting: RefCell<Vec<Change>>,
    /// What they list, tagged or not.
    listed: RefCell<HashSet<Digest>>,
}

impl Changes {
    /// Adds a change, and returns whether it may wait.
    pub(super) fn put(&self, change: Change) -> bool {
        let (Change::List(target) | Change::Tag(target, _)) = &change;
        self.listed.borrow_mut().insert(target.digest.clone());
        let mut waiting = self.waiting.borrow_mut();
        waiting.push(change);
        self.batches.is_open() && waiting.len() < MAX_WAITING
    }

    /// Takes all changes that wait.
    pub(super) fn take(&self) -> Vec<Change> {
        self.listed.take();
        self.waiting.take()
    }

    /// Whether content will be listed.
    pub(super) fn list(&self, digest: &Digest) -> bool {
        self.listed.borrow().contains(digest)
    }

    pub(super) fn begin_batch(&self) {
        self.batches.begin();
    }

    /// Ends a batch, and returns whether nothing may wait any longer.
    pub(super) fn end_batch(&self) -> bool {
        self.batches.end()
    }
}
