//! Edits of `index.json` that wait for the end of a batch.
//!
//! They are kept in the order in which they were asked for, and made in that order when the index is saved. So the index becomes
//! what it would have become by saving each. Meanwhile others may remove content that they depend on without having pushed it;
//! that is remembered as well. This module does not know where the index and the content are kept.
//!
//! When they could not be saved, later ones of the batch may depend on them, and whoever happened to be told may have taken it for
//! something else. So nothing more of that batch is saved, and its end fails too.

use std::cell::RefCell;
use std::collections::HashSet;

use super::index::Index;
use crate::error::Error;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::store::Batches;

/// How many changes may wait. It bounds memory, and how much of a long batch a killed process leaves unnamed.
const MAX_WAITING: usize = 4096;

/// A change of `index.json`.
#[derive(Debug)]
pub(super) enum IndexEdit {
    /// Lists content.
    List(Descriptor),
    /// Gives it a tag.
    Tag(Descriptor, String),
}

impl IndexEdit {
    pub(super) fn make(self, index: &mut Index) {
        match self {
            Self::List(target) => index.list(&target),
            Self::Tag(target, tag) => index.tag(&target, &tag),
        }
    }
}

/// The changes that wait.
#[derive(Debug, Default)]
pub(super) struct PendingEdits {
    batches: Batches,
    waiting: RefCell<Vec<IndexEdit>>,
    /// What they list, tagged or not.
    listed: RefCell<HashSet<Digest>>,
    /// What they may depend on, because it was said to be there.
    found: RefCell<HashSet<Digest>>,
    /// Why some of this batch could not be saved.
    failure: RefCell<Option<String>>,
}

impl PendingEdits {
    /// Adds a change, and returns whether it may wait.
    pub(super) fn put(&self, change: IndexEdit) -> bool {
        let (IndexEdit::List(target) | IndexEdit::Tag(target, _)) = &change;
        self.listed.borrow_mut().insert(target.digest.clone());
        let mut waiting = self.waiting.borrow_mut();
        waiting.push(change);
        self.batches.is_open() && waiting.len() < MAX_WAITING
    }

    /// Takes all changes that wait, and what they may depend on.
    pub(super) fn take(&self) -> (Vec<IndexEdit>, HashSet<Digest>) {
        self.listed.take();
        (self.waiting.take(), self.found.take())
    }

    /// Remembers that content was said to be there.
    pub(super) fn found(&self, digest: &Digest) {
        if self.batches.is_open() {
            self.found.borrow_mut().insert(digest.clone());
        }
    }

    /// Whether content will be listed.
    pub(super) fn will_list(&self, digest: &Digest) -> bool {
        self.listed.borrow().contains(digest)
    }

    /// Remembers until the end of the batch that changes could not be saved.
    pub(super) fn fail(&self, error: &Error) {
        if self.batches.is_open() {
            let mut failure = self.failure.borrow_mut();
            failure.get_or_insert_with(|| error.chain().to_string());
        }
    }

    /// Why nothing more can be saved.
    pub(super) fn failure(&self) -> Option<String> {
        if self.batches.is_open() {
            self.failure.borrow().clone()
        } else {
            self.failure.take()
        }
    }

    pub(super) fn start_batch(&self) {
        self.batches.start();
    }

    /// Ends a batch, and returns whether nothing may wait any longer.
    pub(super) fn finish_batch(&self) -> bool {
        self.batches.finish()
    }
}
