//! The `index.json` of a layout: which manifests it holds and what they are called (image spec v1.1, "Image Layout").
//!
//! An [`Index`] is a document that is edited, not rewritten: what is not ours to change stays as it was read, entries keep
//! their order, and a change drops a manifest only when it is to be removed. It does not know where the document is kept.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::entry::Entry;
use crate::error::{Error, Result};
use crate::limits::MAX_INDEX_ENTRIES;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::EMPTY_INDEX;
use crate::text::json::edit::{Object, elements};

/// An `index.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// Everything, with an empty list in the place of the entries.
    document: Object,
    entries: Vec<Entry>,
    places: Places,
}

/// Where in a list the entries are, in order. Who asks for every tag, or tags much, would otherwise search all entries for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    by_tag: HashMap<String, Vec<usize>>,
    by_digest: HashMap<Digest, Vec<usize>>,
}

impl Places {
    fn of(entries: &[Entry]) -> Self {
        let mut places = Self::default();
        for (place, entry) in entries.iter().enumerate() {
            places.add(place, entry);
        }
        places
    }

    fn add(&mut self, place: usize, entry: &Entry) {
        let insert = |places: &mut Vec<usize>| {
            let position = places.partition_point(|&other| other < place);
            places.insert(position, place);
        };
        if let Some(tag) = entry.tag() {
            insert(self.by_tag.entry(tag.to_owned()).or_default());
        }
        if let Some(digest) = entry.digest() {
            insert(self.by_digest.entry(digest).or_default());
        }
    }

    fn remove(&mut self, place: usize, entry: &Entry) {
        if let Some(tag) = entry.tag() {
            remove_from(&mut self.by_tag, tag, place);
        }
        if let Some(digest) = entry.digest() {
            remove_from(&mut self.by_digest, &digest, place);
        }
    }

    fn of_tag(&self, tag: &str) -> &[usize] {
        self.by_tag.get(tag).map_or(&[], Vec::as_slice)
    }

    fn of_digest(&self, digest: &Digest) -> &[usize] {
        self.by_digest.get(digest).map_or(&[], Vec::as_slice)
    }
}

fn remove_from<K, Q>(map: &mut HashMap<K, Vec<usize>>, key: &Q, place: usize)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    if let Some(places) = map.get_mut(key) {
        places.retain(|&other| other != place);
        if places.is_empty() {
            map.remove(key);
        }
    }
}

impl Index {
    /// The document of a layout that holds nothing.
    pub(super) const EMPTY: &str = EMPTY_INDEX;

    /// Reads a document. An entry that makes no sense is kept, and is an error only to whoever asks for it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let malformed = |reason: String| {
            Error::malformed(
                "OCI Image Index",
                format!("failed to decode index file: {reason}"),
            )
        };
        let text = str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        let parse = || -> serde_json::Result<Self> {
            let mut document = Object::parse(text)?;
            if document.is_empty() {
                document = Object::parse(Self::EMPTY)?;
            }
            let entries = elements(document.value("manifests").unwrap_or("null"))?;
            if entries.len() > MAX_INDEX_ENTRIES {
                let count = entries.len();
                return Err(serde::de::Error::custom(format!(
                    "{count} entries are more than {MAX_INDEX_ENTRIES}"
                )));
            }
            let entries: Vec<Entry> = entries
                .into_iter()
                .map(|entry| Entry::read(entry.to_owned()))
                .collect();
            document.put("manifests", "[]".to_owned(), |_| false);
            let places = Places::of(&entries);
            Ok(Self {
                document,
                entries,
                places,
            })
        };
        parse().map_err(|error| malformed(error.to_string()))
    }

    /// The document to write.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let entries: Vec<&str> = self.entries.iter().map(Entry::text).collect();
        let mut document = self.document.clone();
        let list = format!("[{}]", entries.join(","));
        document.put("manifests", list, |_| false);
        document.to_text().into_bytes()
    }

    /// What a tag names: the whole entry. Of several entries with one tag the last counts.
    pub(super) fn tagged(&self, tag: &str) -> Option<Result<Descriptor>> {
        let entry = &self.entries[*self.places.of_tag(tag).last()?];
        Some(entry.descriptor().cloned().map_err(|reason| {
            let reason = format!("the entry of tag \"{tag}\" cannot be read: {reason}");
            Error::malformed("OCI Image Index", reason)
        }))
    }

    /// The content of a digest, if it is listed.
    pub(super) fn listed(&self, digest: &Digest) -> Option<&Descriptor> {
        let place = *self.places.of_digest(digest).last()?;
        self.entries[place].descriptor().ok()
    }

    /// Everything that is listed, as far as that can be read.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries
            .iter()
            .filter_map(|entry| entry.descriptor().ok())
    }

    /// What is listed for its own sake: what has a tag, and what is no manifest. Manifests without a tag are listed whether
    /// somebody wants them or something else needs them.
    pub(super) fn kept(&self) -> HashSet<Digest> {
        self.entries
            .iter()
            .filter(|entry| {
                entry.tag().is_some()
                    || entry
                        .descriptor()
                        .is_ok_and(|descriptor| !descriptor.media_type.is_manifest())
            })
            .filter_map(Entry::digest)
            .collect()
    }

    /// The tags, sorted.
    pub(super) fn tags(&self) -> BTreeSet<&str> {
        self.entries.iter().filter_map(Entry::tag).collect()
    }

    /// Makes sure that content is listed. New content gets an entry without a tag.
    pub(super) fn list(&mut self, target: &Descriptor) {
        if self.listed(&target.digest).is_none() {
            self.push(Entry::new(target, None, None));
        }
    }

    /// Gives content a tag, and takes the tag from whatever else had it.
    ///
    /// The entry takes the place that the tag had, or that of the content's entry without a tag, or the last. What lost the
    /// tag is listed without one, at the end, unless it has another.
    pub(super) fn tag(&mut self, target: &Descriptor, tag: &str) {
        let tagged = self.places.of_tag(tag).to_vec();
        let of_digest = self.places.of_digest(&target.digest);
        let untagged = |&&place: &&usize| self.entries[place].tag().is_none();
        let untagged: Vec<usize> = of_digest.iter().filter(untagged).copied().collect();
        // What the entry that is replaced says of the content is kept. What entries with other tags say is said by them.
        let known = (tagged.iter().rev())
            .find(|&&place| self.entries[place].is_of(&target.digest))
            .or(untagged.last());
        let entry = Entry::new(target, known.map(|&place| &self.entries[place]), Some(tag));
        let displaced: Vec<Entry> = (tagged.iter())
            .map(|&place| self.entries[place].clone())
            .collect();

        let mut replaced = tagged.into_iter().chain(untagged);
        match replaced.next() {
            Some(place) => self.replace(place, entry),
            None => self.push(entry),
        }
        self.remove_places(&replaced.collect());
        for entry in displaced {
            let is_listed = |digest: Digest| self.listed(&digest).is_some();
            if !entry.digest().is_some_and(is_listed) {
                self.push(entry.without_tag());
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        self.places.add(self.entries.len(), &entry);
        self.entries.push(entry);
    }

    fn replace(&mut self, place: usize, entry: Entry) {
        self.places.remove(place, &self.entries[place]);
        self.places.add(place, &entry);
        self.entries[place] = entry;
    }

    fn remove_places(&mut self, places: &HashSet<usize>) {
        if places.is_empty() {
            return;
        }
        let mut place = 0..;
        self.entries
            .retain(|_| place.next().is_none_or(|place| !places.contains(&place)));
        self.places = Places::of(&self.entries);
    }

    /// Takes a tag from what has it, which stays listed. Returns whether anything had it.
    pub(super) fn untag(&mut self, tag: &str) -> bool {
        if self.places.of_tag(tag).is_empty() {
            return false;
        }
        let others = self.entries.iter().filter(|entry| !entry.has_tag(tag));
        let mut listed: HashSet<Digest> = others.filter_map(Entry::digest).collect();
        let entries = std::mem::take(&mut self.entries);
        self.entries = entries
            .into_iter()
            .filter_map(|entry| {
                if !entry.has_tag(tag) {
                    return Some(entry);
                }
                let is_new = entry.digest().is_none_or(|digest| listed.insert(digest));
                is_new.then(|| entry.without_tag())
            })
            .collect();
        self.places = Places::of(&self.entries);
        true
    }

    /// Lists content no more, under any tag.
    pub(super) fn remove(&mut self, digests: &HashSet<&Digest>) {
        self.entries.retain(|entry| {
            entry
                .descriptor()
                .map_or(true, |descriptor| !digests.contains(&descriptor.digest))
        });
        self.places = Places::of(&self.entries);
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

    /// What a document becomes.
    fn edited(before: &str, edit: impl FnOnce(&mut Index)) -> String {
        let mut index = Index::parse(before.as_bytes()).unwrap();
        edit(&mut index);
        String::from_utf8(index.to_bytes()).unwrap()
    }

    #[test]
    fn more_entries_than_any_real_index_has_are_refused() {
        let document = format!(r#"{{"manifests":[{}0]}}"#, "0,".repeat(MAX_INDEX_ENTRIES));
        let error = Index::parse(document.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains("250001 entries are more than 250000"),
            "{error}"
        );
    }

    #[test]
    fn tagging_keeps_the_order_and_never_drops_a_manifest() {
        for (rule, before, target, tag, after) in [
            (
                "new content comes last",
                vec![tagged(A, "v1")],
                b(),
                "v2",
                vec![tagged(A, "v1"), tagged(B, "v2")],
            ),
            (
                "the entry without a tag gets it, in its place",
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
                "a tag moves in its place, and what lost it stays without one",
                vec![tagged(A, "v1"), tagged(B, "v2")],
                b(),
                "v1",
                vec![tagged(B, "v1"), tagged(B, "v2"), plain(A)],
            ),
            (
                "what lost a tag and has another needs no entry without one",
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
                "a tag that several entries have is one tag afterwards",
                vec![tagged(A, "v1"), tagged(B, "v1")],
                b(),
                "v1",
                vec![tagged(B, "v1"), plain(A)],
            ),
            (
                "an empty tag is none",
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
    fn what_loses_its_tag_stays_listed_in_its_place() {
        for (rule, before, after) in [
            (
                "the entry stays without the tag",
                vec![tagged(A, "v1"), plain(B)],
                vec![plain(A), plain(B)],
            ),
            (
                "what has another tag needs no entry without one",
                vec![tagged(A, "v1"), tagged(A, "v2")],
                vec![tagged(A, "v2")],
            ),
            (
                "everything that has the tag loses it",
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
    fn what_is_removed_is_listed_under_no_tag() {
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
    fn listing_adds_an_entry_only_where_there_is_none() {
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
    fn a_new_tag_says_what_is_known_of_the_content() {
        let known = r#""annotations":{"a":"1","z":"2"},"platform":{"architecture":"arm","os":"linux","features":["x"]},"artifactType":"t/t","unknown":1.0"#;
        let before = document(&[format!("{{{A},{known}}}")]);
        let named = known.replace(
            r#","z""#,
            r#","org.opencontainers.image.ref.name":"v1","z""#,
        );
        let after = document(&[format!("{{{A},{named}}}")]);
        assert_eq!(edited(&before, |index| index.tag(&a(), "v1")), after);

        let told = Index::parse(before.as_bytes()).unwrap();
        let told = told.listed(&a().digest).unwrap().clone();
        assert_eq!(edited(&before, |index| index.tag(&told, "v1")), after);

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
    fn what_is_not_changed_stays_as_it_was_written() {
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
    fn a_document_that_says_nothing_is_one_without_manifests() {
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
    fn an_entry_that_cannot_be_read_is_an_error_only_to_who_asks_for_it() {
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
