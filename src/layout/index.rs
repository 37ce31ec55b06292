//! The `index.json` of a layout: its manifests and their tags (image spec v1.1, "Image Layout").
//!
//! Edits keep the order of entries. A manifest loses its entry only if it is removed from the
//! layout. Where the document is stored is not known here.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::entry::{new_entry, without_tag};
use crate::error::{Error, Result, Reworded};
use crate::limits::MAX_INDEX_ENTRIES;
use crate::oci::{Descriptor, Digest, DocumentEntry, EMPTY_INDEX, ManifestDocument};

/// An `index.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    document: ManifestDocument,
    positions: Positions,
}

/// Positions of entries, ascending, by tag and by digest. They replace a search of all entries for
/// each tag that is resolved or set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Positions {
    by_tag: HashMap<String, Vec<usize>>,
    by_digest: HashMap<Digest, Vec<usize>>,
}

impl Positions {
    fn new(entries: &[DocumentEntry]) -> Self {
        let mut positions = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            positions.add(position, entry);
        }
        positions
    }

    fn add(&mut self, position: usize, entry: &DocumentEntry) {
        let insert = |positions: &mut Vec<usize>| {
            let at = positions.partition_point(|&other| other < position);
            positions.insert(at, position);
        };
        if let Some(tag) = entry.tag() {
            insert(self.by_tag.entry(tag.to_owned()).or_default());
        }
        if let Some(digest) = entry.digest() {
            insert(self.by_digest.entry(digest.clone()).or_default());
        }
    }

    fn remove(&mut self, position: usize, entry: &DocumentEntry) {
        if let Some(tag) = entry.tag() {
            remove_from(&mut self.by_tag, tag, position);
        }
        if let Some(digest) = entry.digest() {
            remove_from(&mut self.by_digest, digest, position);
        }
    }

    fn with_tag(&self, tag: &str) -> &[usize] {
        self.by_tag.get(tag).map_or(&[], Vec::as_slice)
    }

    fn with_digest(&self, digest: &Digest) -> &[usize] {
        self.by_digest.get(digest).map_or(&[], Vec::as_slice)
    }
}

fn remove_from<K, Q>(map: &mut HashMap<K, Vec<usize>>, key: &Q, position: usize)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    if let Some(positions) = map.get_mut(key) {
        positions.retain(|&other| other != position);
        if positions.is_empty() {
            map.remove(key);
        }
    }
}

impl Index {
    /// The document of an empty layout.
    pub(super) const EMPTY: &str = EMPTY_INDEX;

    /// Returns the index of an empty layout.
    #[cfg(feature = "archive")]
    pub(super) fn empty() -> Self {
        Self::from(ManifestDocument::empty())
    }

    /// Parses an `index.json`. An entry that is not a descriptor is kept; it is an error only if
    /// its tag is resolved.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let document = ManifestDocument::parse(bytes, MAX_INDEX_ENTRIES).map_err(|error| {
            let reason = format!("failed to decode index file: {error}");
            Error::malformed_by(Reworded::new(reason, error), "OCI Image Index")
        })?;
        Ok(Self::from(document))
    }

    /// Serialises the document.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.document.to_bytes()
    }

    /// Returns the entry of a tag. If several entries have the tag, the last one counts.
    pub(super) fn tagged(&self, tag: &str) -> Option<Result<Descriptor>> {
        let entry = self.entry(*self.positions.with_tag(tag).last()?);
        Some(entry.descriptor().cloned().map_err(|reason| {
            let reason = format!("the entry of tag \"{tag}\" cannot be read: {reason}");
            Error::malformed("OCI Image Index", reason)
        }))
    }

    /// Returns the entry of a digest.
    pub(super) fn listed(&self, digest: &Digest) -> Option<&Descriptor> {
        let position = *self.positions.with_digest(digest).last()?;
        self.entry(position).descriptor().ok()
    }

    /// The descriptors of all entries that are descriptors.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.document.descriptors()
    }

    /// The digests that garbage collection keeps: those with a tag, and those that are not
    /// manifests. A manifest without a tag may be listed only because another manifest needs it.
    pub(super) fn gc_roots(&self) -> HashSet<Digest> {
        let is_root = |entry: &&DocumentEntry| {
            entry.tag().is_some()
                || entry
                    .descriptor()
                    .is_ok_and(|descriptor| !descriptor.media_type.is_manifest())
        };
        let roots = self.document.entries.iter().filter(is_root);
        roots.filter_map(DocumentEntry::digest).cloned().collect()
    }

    /// The tags, sorted.
    pub(super) fn tags(&self) -> BTreeSet<&str> {
        let entries = self.document.entries.iter();
        entries.filter_map(DocumentEntry::tag).collect()
    }

    /// Adds an entry without a tag, unless the digest has an entry.
    pub(super) fn list(&mut self, target: &Descriptor) {
        if self.listed(&target.digest).is_none() {
            self.push(new_entry(target, None, None));
        }
    }

    /// Adds a tag to content, and removes the tag from all other content.
    ///
    /// The entry replaces the one that had the tag; otherwise the entry of the digest without a
    /// tag; otherwise it is added at the end. Content that loses its last tag gets an entry without
    /// one at the end.
    pub(super) fn tag(&mut self, target: &Descriptor, tag: &str) {
        let tagged = self.positions.with_tag(tag).to_vec();
        let with_digest = self.positions.with_digest(&target.digest);
        let untagged = |&&position: &&usize| self.entry(position).tag().is_none();
        let untagged: Vec<usize> = with_digest.iter().filter(untagged).copied().collect();
        // Members of the replaced entry are kept. Entries with other tags keep theirs.
        let known = (tagged.iter().rev())
            .find(|&&position| self.entry(position).digest() == Some(&target.digest))
            .or(untagged.last());
        let entry = new_entry(
            target,
            known.map(|&position| self.entry(position)),
            Some(tag),
        );
        let displaced: Vec<DocumentEntry> = (tagged.iter())
            .map(|&position| self.entry(position).clone())
            .collect();

        let mut replaced = tagged.into_iter().chain(untagged);
        match replaced.next() {
            Some(position) => self.replace(position, entry),
            None => self.push(entry),
        }
        self.remove_positions(&replaced.collect());
        for entry in displaced {
            let is_listed = |digest: &Digest| self.listed(digest).is_some();
            if !entry.digest().is_some_and(is_listed) {
                self.push(without_tag(&entry));
            }
        }
    }

    /// Removes a tag. The content that had it stays listed. Returns whether the tag existed.
    pub(super) fn untag(&mut self, tag: &str) -> bool {
        if self.positions.with_tag(tag).is_empty() {
            return false;
        }
        let has_tag = |entry: &DocumentEntry| entry.tag() == Some(tag);
        let entries = std::mem::take(&mut self.document.entries);
        let others = entries.iter().filter(|entry| !has_tag(entry));
        let mut listed: HashSet<Digest> =
            others.filter_map(DocumentEntry::digest).cloned().collect();
        let entries = entries.into_iter().filter_map(|entry| {
            if !has_tag(&entry) {
                return Some(entry);
            }
            let is_only_entry = entry
                .digest()
                .is_none_or(|digest| listed.insert(digest.clone()));
            is_only_entry.then(|| without_tag(&entry))
        });
        self.document.entries = entries.collect();
        self.update_positions();
        true
    }

    /// Removes all entries of the digests, with and without tags.
    pub(super) fn remove(&mut self, digests: &HashSet<&Digest>) {
        self.document.remove(|digest| digests.contains(digest));
        self.update_positions();
    }

    fn entry(&self, position: usize) -> &DocumentEntry {
        &self.document.entries[position]
    }

    fn push(&mut self, entry: DocumentEntry) {
        self.positions.add(self.document.entries.len(), &entry);
        self.document.entries.push(entry);
    }

    fn replace(&mut self, position: usize, entry: DocumentEntry) {
        self.positions
            .remove(position, &self.document.entries[position]);
        self.positions.add(position, &entry);
        self.document.entries[position] = entry;
    }

    fn remove_positions(&mut self, positions: &HashSet<usize>) {
        if positions.is_empty() {
            return;
        }
        let mut position = 0..;
        self.document.entries.retain(|_| {
            position
                .next()
                .is_none_or(|position| !positions.contains(&position))
        });
        self.update_positions();
    }

    fn update_positions(&mut self) {
        self.positions = Positions::new(&self.document.entries);
    }
}

impl From<ManifestDocument> for Index {
    fn from(document: ManifestDocument) -> Self {
        Self {
            positions: Positions::new(&document.entries),
            document,
        }
    }
}

#[cfg(test)]
mod tests;
