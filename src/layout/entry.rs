//! Entries of a layout's `index.json` with and without tags.
//!
//! A new entry for known content keeps all members that the caller does not set.

use crate::oci::{Descriptor, DocumentEntry, REF_NAME};
use crate::text::json::Annotations;
use crate::text::json::edit::{Object, text_of};

/// Returns an entry for `target` with a tag or without. Members that `target` does not have are
/// taken from `known`, an entry of the same content.
pub(super) fn new_entry(
    target: &Descriptor,
    known: Option<&DocumentEntry>,
    tag: Option<&str>,
) -> DocumentEntry {
    let mut target = target.clone();
    target.annotations.remove(REF_NAME);
    let members = |descriptor: &Descriptor| Object::of(descriptor).unwrap_or_default();
    let before = known.and_then(|known| known.descriptor().ok());
    let before = before.map(members).unwrap_or_default();
    let mut entry = known.map_or_else(Object::default, DocumentEntry::members);
    let mut annotations = annotations_in(&entry);
    annotations.remove(REF_NAME);
    for (name, value) in members(&target).iter() {
        if name == "annotations" {
            let known: Annotations =
                serde_json::from_str(&annotations.to_text()).unwrap_or_default();
            if known != target.annotations {
                annotations = Object::of(&target.annotations).unwrap_or_default();
            }
        } else if before.value(name) != Some(value) {
            entry.put_in_order(name, value.to_owned(), Descriptor::MEMBERS);
        }
    }
    if let Some(tag) = tag {
        annotations.put(REF_NAME, text_of(tag), |name| name > REF_NAME);
    }
    with_annotations(entry, &annotations)
}

/// Returns a copy of the entry without its tag.
pub(super) fn without_tag(entry: &DocumentEntry) -> DocumentEntry {
    let entry = entry.members();
    let mut annotations = annotations_in(&entry);
    annotations.remove(REF_NAME);
    with_annotations(entry, &annotations)
}

fn annotations_in(entry: &Object) -> Object {
    entry
        .value("annotations")
        .and_then(|text| Object::parse(text).ok())
        .unwrap_or_default()
}

fn with_annotations(mut entry: Object, annotations: &Object) -> DocumentEntry {
    if annotations.is_empty() {
        entry.remove("annotations");
    } else {
        entry.put_in_order("annotations", annotations.to_text(), Descriptor::MEMBERS);
    }
    DocumentEntry::parse(&entry.to_text())
}
