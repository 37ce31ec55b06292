//! The `index.json` of a layout: its manifests and their tags (image spec v1.1, "Image Layout").
//!
//! Edits keep the order of entries. A manifest loses its entry only if it is removed from the
//! layout. Where the document is stored is not known here.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::entry::{new_entry, without_tag};
use crate::error::{Error, Result};
use crate::limits::MAX_INDEX_ENTRIES;
use crate::oci::{Descriptor, Digest, EMPTY_INDEX, IndexDocument, IndexEntry};

/// An `index.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    document: IndexDocument,
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
    fn new(entries: &[IndexEntry]) -> Self {
        let mut positions = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            positions.add(position, entry);
        }
        positions
    }

    fn add(&mut self, position: usize, entry: &IndexEntry) {
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

    fn remove(&mut self, position: usize, entry: &IndexEntry) {
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
        Self::from(IndexDocument::empty())
    }

    /// Parses an `index.json`. An entry that is not a descriptor is kept; it is an error only if
    /// its tag is resolved.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let document = IndexDocument::parse(bytes, MAX_INDEX_ENTRIES).map_err(|reason| {
            let reason = format!("failed to decode index file: {reason}");
            Error::malformed("OCI Image Index", reason)
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
        let is_root = |entry: &&IndexEntry| {
            entry.tag().is_some()
                || entry
                    .descriptor()
                    .is_ok_and(|descriptor| !descriptor.media_type.is_manifest())
        };
        let roots = self.document.entries.iter().filter(is_root);
        roots.filter_map(IndexEntry::digest).cloned().collect()
    }

    /// The tags, sorted.
    pub(super) fn tags(&self) -> BTreeSet<&str> {
        let entries = self.document.entries.iter();
        entries.filter_map(IndexEntry::tag).collect()
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
        let displaced: Vec<IndexEntry> = (tagged.iter())
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
        let has_tag = |entry: &IndexEntry| entry.tag() == Some(tag);
        let entries = std::mem::take(&mut self.document.entries);
        let others = entries.iter().filter(|entry| !has_tag(entry));
        let mut listed: HashSet<Digest> = others.filter_map(IndexEntry::digest).cloned().collect();
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

    fn entry(&self, position: usize) -> &IndexEntry {
        &self.document.entries[position]
    }

    fn push(&mut self, entry: IndexEntry) {
        self.positions.add(self.document.entries.len(), &entry);
        self.document.entries.push(entry);
    }

    fn replace(&mut self, position: usize, entry: IndexEntry) {
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

impl From<IndexDocument> for Index {
    fn from(document: IndexDocument) -> Self {
        Self {
            positions: Positions::new(&document.entries),
            document,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::descriptor::REF_NAME;
    use crate::oci::media_type::MediaType;

    const A: &str = r#""mediaType":"a/a","digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","size":1"#;
    const B: &str = r#""mediaType":"b/b","digest":"sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","size":1"#;

    fn a() -> Descriptor {
        Descriptor::of(MediaType::from("a/a"), b"a")
    }

    fn b() -> Descriptor {
        Descriptor::of(MediaType::from("b/b"), b"b")
    }

    fn document(entries: &[String]) -> String {
        Index::EMPTY.replace("[]", &format!("[{}]", entries.join(",")))
    }

    fn plain(members: &str) -> String {
        format!("{{{members}}}")
    }

    fn tagged(members: &str, tag: &str) -> String {
        format!(r#"{{{members},"annotations":{{"org.opencontainers.image.ref.name":"{tag}"}}}}"#)
    }

    /// Returns the document after an edit.
    fn edited(before: &str, edit: impl FnOnce(&mut Index)) -> String {
        let mut index = Index::parse(before.as_bytes()).unwrap();
        edit(&mut index);
        String::from_utf8(index.to_bytes()).unwrap()
    }

    #[test]
    fn documents_with_too_many_entries_are_refused() {
        let document = format!(r#"{{"manifests":[{}0]}}"#, "0,".repeat(MAX_INDEX_ENTRIES));
        let error = Index::parse(document.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains("250001 entries are more than 250000"),
            "{error}"
        );
    }

    #[test]
    fn tagging_keeps_the_order_and_all_manifests() {
        for (rule, before, target, tag, after) in [
            (
                "new content is added at the end",
                vec![tagged(A, "v1")],
                b(),
                "v2",
                vec![tagged(A, "v1"), tagged(B, "v2")],
            ),
            (
                "an entry without a tag is replaced in its position",
                vec![plain(A), plain(B)],
                a(),
                "v1",
                vec![tagged(A, "v1"), plain(B)],
            ),
            (
                "a second tag is a second entry",
                vec![tagged(A, "v1"), plain(B)],
                a(),
                "v2",
                vec![tagged(A, "v1"), plain(B), tagged(A, "v2")],
            ),
            (
                "a moved tag keeps its position, and the content that lost it stays listed",
                vec![tagged(A, "v1"), tagged(B, "v2")],
                b(),
                "v1",
                vec![tagged(B, "v1"), tagged(B, "v2"), plain(A)],
            ),
            (
                "content that has another tag gets no entry without one",
                vec![tagged(A, "v1"), tagged(A, "v2"), plain(B)],
                b(),
                "v1",
                vec![tagged(B, "v1"), tagged(A, "v2")],
            ),
            (
                "the same tag again changes nothing",
                vec![tagged(A, "v1"), plain(B)],
                a(),
                "v1",
                vec![tagged(A, "v1"), plain(B)],
            ),
            (
                "several entries with one tag become one",
                vec![tagged(A, "v1"), tagged(B, "v1")],
                b(),
                "v1",
                vec![tagged(B, "v1"), plain(A)],
            ),
            (
                "an empty tag counts as no tag",
                vec![tagged(A, "")],
                a(),
                "v1",
                vec![tagged(A, "v1")],
            ),
        ] {
            let got = edited(&document(&before), |index| index.tag(&target, tag));
            assert_eq!(got, document(&after), "{rule}");
        }
    }

    #[test]
    fn untagged_content_keeps_its_entry_and_position() {
        for (rule, before, after) in [
            (
                "the entry stays without the tag",
                vec![tagged(A, "v1"), plain(B)],
                vec![plain(A), plain(B)],
            ),
            (
                "content that has another tag gets no entry without one",
                vec![tagged(A, "v1"), tagged(A, "v2")],
                vec![tagged(A, "v2")],
            ),
            (
                "all entries with the tag lose it",
                vec![tagged(A, "v1"), tagged(B, "v1"), tagged(A, "v1")],
                vec![plain(A), plain(B)],
            ),
        ] {
            let got = edited(&document(&before), |index| assert!(index.untag("v1")));
            assert_eq!(got, document(&after), "{rule}");
        }
        let other = document(&[tagged(A, "v2")]);
        assert_eq!(edited(&other, |index| assert!(!index.untag("v1"))), other);
    }

    #[test]
    fn removed_content_has_no_entry_with_any_tag() {
        let before = document(&[tagged(A, "v1"), tagged(B, "v2"), plain(A), tagged(A, "v3")]);
        let mut index = Index::parse(before.as_bytes()).unwrap();
        index.remove(&HashSet::from([&a().digest]));
        assert_eq!(
            index,
            Index::parse(document(&[tagged(B, "v2")]).as_bytes()).unwrap()
        );
        assert!(index.tagged("v1").is_none());
        assert_eq!(index.tagged("v2").unwrap().unwrap().plain(), b());
    }

    #[test]
    fn listing_adds_an_entry_only_if_the_digest_has_none() {
        let one = document(&[tagged(A, "v1")]);
        assert_eq!(edited(&one, |index| index.list(&a())), one);
        let mut from_elsewhere = b();
        from_elsewhere
            .annotations
            .insert(REF_NAME.to_owned(), "its tag there".to_owned());
        assert_eq!(
            edited(&one, |index| index.list(&from_elsewhere)),
            document(&[tagged(A, "v1"), plain(B)])
        );
    }

    #[test]
    fn a_new_tag_keeps_known_members_of_the_entry() {
        let known = r#""annotations":{"a":"1","z":"2"},"platform":{"architecture":"arm","os":"linux","features":["x"]},"artifactType":"t/t","unknown":1.0"#;
        let before = document(&[format!("{{{A},{known}}}")]);
        let named = known.replace(
            r#","z""#,
            r#","org.opencontainers.image.ref.name":"v1","z""#,
        );
        let after = document(&[format!("{{{A},{named}}}")]);
        assert_eq!(edited(&before, |index| index.tag(&a(), "v1")), after);

        let known_index = Index::parse(before.as_bytes()).unwrap();
        let known_descriptor = known_index.listed(&a().digest).unwrap().clone();
        assert_eq!(
            edited(&before, |index| index.tag(&known_descriptor, "v1")),
            after
        );

        let mut other = a();
        other.annotations.insert("b".to_owned(), "3".to_owned());
        other.artifact_type = Some(MediaType::from("u/u"));
        let index = edited(&before, |index| index.tag(&other, "v1"));
        assert!(
            index.contains(
                r#""annotations":{"b":"3","org.opencontainers.image.ref.name":"v1"},"platform""#
            ),
            "{index}"
        );
        assert!(
            index.contains(r#""artifactType":"u/u","unknown":1.0"#),
            "{index}"
        );
    }

    #[test]
    fn unedited_members_and_entries_keep_their_bytes() {
        let before = format!(
            "{{\n \"x\": 1.50, \"manifests\": [ {{\"y\": [ ], {A}}}, {{\"digest\":\"blake3:00\"}}, null ],\n\"schemaVersion\":2,\"z\":\"\\u0041\"}}"
        );
        let after = format!(
            r#"{{"x":1.50,"manifests":[{{"y": [ ], {A}}},{{"digest":"blake3:00"}},null,{}],"schemaVersion":2,"z":"\u0041"}}"#,
            tagged(B, "v1")
        );
        assert_eq!(edited(&before, |index| index.tag(&b(), "v1")), after);
    }

    #[test]
    fn a_document_without_members_is_an_empty_index() {
        for text in [
            "null",
            "{}",
            " { } ",
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}"#,
        ] {
            assert_eq!(edited(text, |_| ()), Index::EMPTY, "{text}");
        }
        assert_eq!(
            edited(r#"{"schemaVersion":2}"#, |_| ()),
            r#"{"schemaVersion":2,"manifests":[]}"#
        );
    }

    #[test]
    fn an_invalid_entry_is_an_error_only_when_its_tag_is_resolved() {
        let bad = r#"{"mediaType":"a/a","digest":"blake3:00","size":1,"annotations":{"org.opencontainers.image.ref.name":"bad"}}"#;
        let before = document(&[tagged(A, "v1"), bad.to_owned()]);
        let index = Index::parse(before.as_bytes()).unwrap();
        assert_eq!(index.tagged("v1").unwrap().unwrap().plain(), a());
        let error = index.tagged("bad").unwrap().unwrap_err().to_string();
        assert!(error.contains("the entry of tag \"bad\""), "{error}");
        assert_eq!(index.tags(), BTreeSet::from(["bad", "v1"]));
        assert_eq!(
            edited(&before, |index| index.tag(&b(), "bad")),
            document(&[
                tagged(A, "v1"),
                tagged(B, "bad"),
                r#"{"mediaType":"a/a","digest":"blake3:00","size":1}"#.to_owned()
            ])
        );
    }

    #[test]
    fn every_prefix_of_a_document_is_an_error() {
        let text = document(&[tagged(A, "v1"), plain(B)]);
        for end in 0..text.len() {
            let error = Index::parse(&text.as_bytes()[..end]).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("invalid OCI Image Index: failed to decode index file: "),
                "{error}"
            );
        }
        assert!(Index::parse(b"[]").is_err());
        assert!(Index::parse(b"\xff").is_err());
    }
}
