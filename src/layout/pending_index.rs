//! Edits of `index.json` that are deferred to the end of a batch.
//!
//! They are applied in the order in which they were requested, so that the index becomes what it
//! would be if each edit had been saved. Other processes may remove content that an edit depends
//! on; the digests of content that was reported as existing are therefore kept as well. Where the
//! index and the content are stored is not known here.
//!
//! If edits could not be saved, later ones of the batch may depend on them, and the caller that got
//! the error may have ignored it. The rest of that batch is then not saved, and its end fails as
//! well.

use std::collections::HashSet;

use super::index::Index;
use crate::error::{self, Conflict, Error};
use crate::oci::{Descriptor, Digest};
use crate::progress::sync::Deferred;

/// Limit of deferred edits. It bounds memory, and the number of manifests without an entry after a
/// killed batch.
const MAX_DEFERRED: usize = 4096;

/// An edit of `index.json`.
#[derive(Debug)]
pub(super) enum IndexEdit {
    /// Adds an entry.
    List(Descriptor),
    /// Adds a tag.
    Tag(Descriptor, String),
    /// Adds a tag, unless other content has it.
    NewTag(Descriptor, String),
}

impl IndexEdit {
    pub(super) fn apply(self, index: &mut Index) -> error::Result<()> {
        match self {
            Self::List(target) => index.list(&target),
            Self::Tag(target, tag) => index.tag(&target, &tag),
            Self::NewTag(target, tag) => {
                if let Some(found) = index.tagged(&tag).transpose()?
                    && found.digest != target.digest
                {
                    let conflict = Conflict::TagExists(found.digest.to_string());
                    return Err(Error::conflict(tag, conflict));
                }
                index.tag(&target, &tag);
            }
        }
        Ok(())
    }
}

/// The deferred edits of a batch.
#[derive(Debug, Default)]
pub(super) struct PendingEdits(Deferred<Batch>);

/// The edits of a batch.
#[derive(Debug, Default)]
struct Batch {
    edits: Vec<IndexEdit>,
    /// Digests that get an entry.
    listed: HashSet<Digest>,
    /// Digests that were reported as existing, which the edits may depend on.
    found: HashSet<Digest>,
    /// Tags that no other content may have when they are saved.
    new_tags: HashSet<String>,
    /// Reason why some of this batch could not be saved.
    failure: Option<String>,
}

impl PendingEdits {
    /// Adds an edit. Returns whether it can be deferred.
    pub(super) fn add(&self, edit: IndexEdit) -> bool {
        let (IndexEdit::List(target) | IndexEdit::Tag(target, _) | IndexEdit::NewTag(target, _)) =
            &edit;
        let digest = target.digest.clone();
        let count = self.0.with(|batch| {
            batch.listed.insert(digest);
            batch.edits.push(match edit {
                IndexEdit::Tag(target, tag) if batch.new_tags.remove(&tag) => {
                    IndexEdit::NewTag(target, tag)
                }
                edit => edit,
            });
            batch.edits.len()
        });
        self.0.is_open() && count < MAX_DEFERRED
    }

    /// Takes all edits, and the digests that they may depend on. Returns the reason instead if
    /// nothing more can be saved.
    pub(super) fn take(&self) -> Result<(Vec<IndexEdit>, HashSet<Digest>), String> {
        let batch = self.0.take();
        // Their edits follow.
        for tag in &batch.new_tags {
            self.require_new(tag);
        }
        match batch.failure {
            None => Ok((batch.edits, batch.found)),
            Some(reason) => {
                self.fail(|| reason.clone());
                Err(reason)
            }
        }
    }

    /// Records that content was reported as existing.
    pub(super) fn record_found(&self, digest: &Digest) {
        if self.0.is_open() {
            self.0.with(|batch| batch.found.insert(digest.clone()));
        }
    }

    /// Makes the next edit of the batch that adds the tag fail if other content has it. Returns
    /// whether there is a batch.
    pub(super) fn require_new(&self, tag: &str) -> bool {
        if self.0.is_open() {
            self.0.with(|batch| batch.new_tags.insert(tag.to_owned()));
        }
        self.0.is_open()
    }

    /// Whether a deferred edit lists the digest.
    pub(super) fn will_list(&self, digest: &Digest) -> bool {
        self.0.is_open() && self.0.with(|batch| batch.listed.contains(digest))
    }

    /// Records until the end of the batch that edits could not be saved.
    pub(super) fn fail(&self, reason: impl FnOnce() -> String) {
        if self.0.is_open() {
            self.0.with(|batch| {
                batch.failure.get_or_insert_with(reason);
            });
        }
    }

    pub(super) fn start_batch(&self) {
        self.0.start_batch();
    }

    /// Ends a batch. Returns whether the edits must be saved now.
    pub(super) fn finish_batch(&self) -> bool {
        self.0.finish_batch()
    }
}
