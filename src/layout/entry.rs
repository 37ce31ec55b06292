//! One entry of a layout's `index.json`: a descriptor, and what it is called.
//!
//! An entry is its text. What it says is read from that; a change of it changes only the members that it is about.

use serde::Deserialize;

use crate::oci::descriptor::{Descriptor, REF_NAME};
use crate::oci::digest::Digest;
use crate::text::json::edit::{Object, text_of};
use crate::text::json::{Annotations, null_as_default};

/// One of the `manifests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    text: String,
    tag: Option<String>,
    /// What the text says, or why it says nothing.
    descriptor: Result<Descriptor, String>,
}

impl Entry {
    /// Reads an entry, whatever it is.
    pub(super) fn read(text: String) -> Self {
        let descriptor = serde_json::from_str::<Descriptor>(&text);
        let annotations = match &descriptor {
            Ok(descriptor) => descriptor.annotations.clone(),
            Err(_) => serde_json::from_str::<Annotated>(&text)
                .map(|entry| entry.annotations)
                .unwrap_or_default(),
        };
        Self {
            tag: annotations
                .get(REF_NAME)
                .filter(|tag| !tag.is_empty())
                .cloned(),
            descriptor: descriptor.map_err(|error| error.to_string()),
            text,
        }
    }

    /// An entry for `target`. What `target` does not say stays as it is `known`.
    pub(super) fn new(target: &Descriptor, known: Option<&Self>, tag: Option<&str>) -> Self {
        let mut target = target.clone();
        target.annotations.remove(REF_NAME);
        let before = known.and_then(|known| known.descriptor.as_ref().ok());
        let object = |descriptor: &Descriptor| Object::of(descriptor).unwrap_or_default();
        let before = before.map(object).unwrap_or_default();
        let mut entry = known.map_or_else(Object::default, Self::object);
        let mut annotations = object_in(&entry, "annotations");
        annotations.remove(REF_NAME);
        for (name, value) in object(&target).iter() {
            if name == "annotations" {
                if annotations_of(&annotations) != target.annotations {
                    annotations = Object::of(&target.annotations).unwrap_or_default();
                }
            } else if before.value(name) != Some(value) {
                put_member(&mut entry, name, value.to_owned());
            }
        }
        if let Some(tag) = tag {
            annotations.put(REF_NAME, text_of(tag), |name| name > REF_NAME);
        }
        Self::read(with_annotations(entry, &annotations))
    }

    /// The same content without its tag.
    pub(super) fn without_tag(&self) -> Self {
        let entry = self.object();
        let mut annotations = object_in(&entry, "annotations");
        annotations.remove(REF_NAME);
        Self::read(with_annotations(entry, &annotations))
    }

    /// The entry as it is written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The tag, if there is one that is not empty.
    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// What the entry is about, or why that cannot be read.
    pub(super) fn descriptor(&self) -> Result<&Descriptor, &str> {
        self.descriptor.as_ref().map_err(String::as_str)
    }

    /// The digest of what the entry is about, as far as that can be read.
    pub(super) fn digest(&self) -> Option<Digest> {
        let descriptor = self.descriptor().ok()?;
        Some(descriptor.digest.clone())
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.tag() == Some(tag)
    }

    pub(super) fn is_of(&self, digest: &Digest) -> bool {
        self.descriptor()
            .is_ok_and(|descriptor| descriptor.digest == *digest)
    }

    fn object(&self) -> Object {
        Object::parse(&self.text).unwrap_or_default()
    }
}

/// As much of an entry as its tag needs.
#[derive(Deserialize)]
struct Annotated {
    #[serde(default, deserialize_with = "null_as_default")]
    annotations: Annotations,
}

fn object_in(entry: &Object, name: &str) -> Object {
    entry
        .value(name)
        .and_then(|text| Object::parse(text).ok())
        .unwrap_or_default()
}

fn annotations_of(object: &Object) -> Annotations {
    serde_json::from_str(&object.to_text()).unwrap_or_default()
}

fn with_annotations(mut entry: Object, annotations: &Object) -> String {
    if annotations.is_empty() {
        entry.remove("annotations");
    } else {
        put_member(&mut entry, "annotations", annotations.to_text());
    }
    entry.to_text()
}

/// Puts a known member where the specification's order has it. Unknown members come last.
fn put_member(entry: &mut Object, name: &str, value: String) {
    let rank = |name: &str| {
        Descriptor::MEMBERS
            .iter()
            .position(|known| *known == name)
            .unwrap_or(Descriptor::MEMBERS.len())
    };
    let own = rank(name);
    entry.put(name, value, |other| rank(other) > own);
}
