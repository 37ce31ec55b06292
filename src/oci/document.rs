//! Manifests and indexes as JSON documents that are edited in place (image spec v1.1, "Image
//! Manifest" and "Image Index").
//!
//! A [`ManifestDocument`] keeps the order of members and entries, unknown members, and the bytes of
//! every entry that is not edited. `index.json` of layouts, referrers indexes, the indexes that
//! [`ops::index`](crate::ops::index) updates and the manifests that a
//! [`ManifestEditor`](super::editor::ManifestEditor) edits are such documents.

mod canonical;

use std::sync::Arc;

use serde::Deserialize;

use super::descriptor::{Descriptor, REF_NAME};
use super::digest::Digest;
use super::manifest::{EMPTY_INDEX, ManifestKind};
use crate::error::BoxError;
use crate::text::json::edit::{Object, elements, text_of};
use crate::text::json::{self, Annotations};

/// A manifest or index whose members and entries can be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManifestDocument {
    kind: ManifestKind,
    /// All members of the document. The list of descriptors is empty here.
    members: Object,
    /// The list of descriptors: `manifests`, `layers` or `blobs`.
    pub(crate) entries: Vec<DocumentEntry>,
}

impl ManifestDocument {
    /// Returns an index without entries.
    pub(crate) fn empty() -> Self {
        Self {
            kind: ManifestKind::Index,
            members: Object::parse(EMPTY_INDEX).unwrap_or_default(),
            entries: Vec::new(),
        }
    }

    /// Parses an index with at most `max_entries` entries.
    ///
    /// # Errors
    ///
    /// The reason why the document is not an index, or has too many entries.
    pub(crate) fn parse(bytes: &[u8], max_entries: usize) -> Result<Self, BoxError> {
        Self::parse_as(ManifestKind::Index, bytes, max_entries)
    }

    /// Same as [`parse`](Self::parse), for a manifest of any kind. An entry that is not a
    /// descriptor is kept. An index without members becomes an [`empty`](Self::empty) one.
    pub(crate) fn parse_as(
        kind: ManifestKind,
        bytes: &[u8],
        max_entries: usize,
    ) -> Result<Self, BoxError> {
        let text = str::from_utf8(bytes)?;
        let mut members = Object::parse(text)?;
        if members.is_empty() && kind == ManifestKind::Index {
            return Ok(Self::empty());
        }
        let list = members.value(kind.list()).unwrap_or("null");
        let texts = elements(list)?;
        let count = texts.len();
        if count > max_entries {
            return Err(format!("{count} entries are more than {max_entries}").into());
        }
        let entries = texts.into_iter().map(DocumentEntry::parse).collect();
        members.put_in_order(kind.list(), "[]".to_owned(), kind.members());
        Ok(Self {
            kind,
            members,
            entries,
        })
    }

    /// The kind of the manifest.
    pub(crate) const fn kind(&self) -> ManifestKind {
        self.kind
    }

    /// The text of a member's value, the list of descriptors excepted.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.members.value(name)
    }

    /// Sets the value of a member, or removes the member. A new member is inserted in the order of
    /// the specification.
    pub(crate) fn set_member(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => self.members.put_in_order(name, value, self.kind.members()),
            None => self.members.remove(name),
        }
    }

    /// The descriptors of all entries that are descriptors.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries
            .iter()
            .filter_map(|entry| entry.descriptor().ok())
    }

    /// Removes every entry whose digest `is_removed`. Returns whether there was one.
    pub(crate) fn remove(&mut self, is_removed: impl Fn(&Digest) -> bool) -> bool {
        let before = self.entries.len();
        self.entries
            .retain(|entry| !entry.digest().is_some_and(&is_removed));
        self.entries.len() < before
    }

    /// Serialises the document.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_with(&self.entries)
    }

    /// Serialises the document with other entries.
    pub(crate) fn to_bytes_with<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e DocumentEntry>,
    ) -> Vec<u8> {
        let mut entries = entries.into_iter().map(DocumentEntry::text);
        let list = self.kind.list();
        self.members
            .write_text(|name, text| {
                if name != list {
                    return false;
                }
                text.push('[');
                text.extend(entries.next());
                for entry in &mut entries {
                    text.push(',');
                    text.push_str(entry);
                }
                text.push(']');
                true
            })
            .into_bytes()
    }
}

/// One of the `manifests` of an index, `layers` of an image or `blobs` of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DocumentEntry {
    /// Shared by clones.
    text: Arc<str>,
    descriptor: Result<Descriptor, Unreadable>,
}

/// An entry that is not a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unreadable {
    reason: String,
    tag: Option<String>,
}

impl DocumentEntry {
    /// Parses an entry. Any JSON value is accepted.
    pub(crate) fn parse(text: &str) -> Self {
        /// The part of an entry that contains its tag.
        #[derive(Default, Deserialize)]
        struct Annotated {
            #[serde(default, deserialize_with = "json::annotations")]
            annotations: Annotations,
        }

        let descriptor = serde_json::from_str(text).map_err(|error| {
            let entry: Annotated = serde_json::from_str(text).unwrap_or_default();
            Unreadable {
                reason: error.to_string(),
                tag: tag_in(&entry.annotations).map(str::to_owned),
            }
        });
        Self {
            text: text.into(),
            descriptor,
        }
    }

    /// Returns a new entry for `descriptor`.
    pub(crate) fn from_descriptor(descriptor: &Descriptor) -> Self {
        Self {
            text: text_of(descriptor).into(),
            descriptor: Ok(descriptor.clone()),
        }
    }

    /// Returns an entry for `descriptor`: this one, if it is a descriptor of the same digest, with
    /// the members that differ replaced. Unknown members are kept.
    pub(crate) fn edited(&self, descriptor: &Descriptor) -> Self {
        let Some(old) =
            (self.descriptor.as_ref().ok()).filter(|old| old.digest == descriptor.digest)
        else {
            return Self::from_descriptor(descriptor);
        };
        if old == descriptor {
            return self.clone();
        }
        let mut members = self.members();
        let (Ok(old), Ok(new)) = (Object::of(old), Object::of(descriptor)) else {
            return Self::from_descriptor(descriptor);
        };
        for name in Descriptor::MEMBERS {
            match (old.value(name), new.value(name)) {
                (old, new) if old == new => {}
                (_, Some(new)) => members.put_in_order(name, new.to_owned(), Descriptor::MEMBERS),
                (_, None) => members.remove(name),
            }
        }
        Self {
            text: members.to_text().into(),
            descriptor: Ok(descriptor.clone()),
        }
    }

    /// The JSON text of the entry.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The members of the entry, for editing. No members if the entry is not an object.
    pub(crate) fn members(&self) -> Object {
        Object::parse(&self.text).unwrap_or_default()
    }

    /// The descriptor, or the reason why the entry is not one.
    pub(crate) fn descriptor(&self) -> Result<&Descriptor, &str> {
        self.descriptor
            .as_ref()
            .map_err(|unreadable| unreadable.reason.as_str())
    }

    /// The digest, if the entry is a descriptor.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        let descriptor = self.descriptor.as_ref().ok()?;
        Some(&descriptor.digest)
    }

    /// The annotation `org.opencontainers.image.ref.name`, unless it is empty. Entries that are not
    /// descriptors can have one as well.
    pub(crate) fn tag(&self) -> Option<&str> {
        match &self.descriptor {
            Ok(descriptor) => tag_in(&descriptor.annotations),
            Err(unreadable) => unreadable.tag.as_deref(),
        }
    }

    /// Whether the entry is an object without members, as some clients leave behind.
    pub(crate) fn is_empty(&self) -> bool {
        self.descriptor.is_err() && Object::parse(&self.text).is_ok_and(|entry| entry.is_empty())
    }
}

fn tag_in(annotations: &Annotations) -> Option<&str> {
    let tag = annotations.get(REF_NAME)?;
    Some(tag.as_str()).filter(|tag| !tag.is_empty())
}
