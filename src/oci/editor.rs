//! Editing of manifests.

use std::collections::HashMap;

use super::document::{DocumentEntry, ManifestDocument};
use super::manifest::{ManifestKind, RawManifest};
use super::{Descriptor, Digest};
use crate::error::{Error, Result};
use crate::text::json::edit::{Object, text_of};

/// A manifest or index that is being edited.
///
/// All that is not edited keeps its value, its text and its position: unknown members, numbers,
/// escapes, and the media type. A Docker manifest stays a Docker manifest. Only the white space
/// between the members of the document is removed. Of members with the same name, the last is kept,
/// which is the one that JSON parsers use.
///
/// ```
/// use oras::{MediaType, RawManifest};
///
/// let manifest = RawManifest::new(
///     MediaType::IMAGE_INDEX,
///     br#"{"schemaVersion": 2, "manifests": [], "x-unknown": 1.50}"#.to_vec(),
/// );
/// let mut editor = manifest.edit()?;
/// editor.set_annotation("license", "MIT");
/// let edited = editor.finish();
/// assert_eq!(
///     edited.bytes(),
///     br#"{"schemaVersion":2,"manifests":[],"annotations":{"license":"MIT"},"x-unknown":1.50}"#
/// );
/// editor.remove_annotation("license");
/// assert_eq!(editor.finish(), manifest);
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManifestEditor {
    original: RawManifest,
    unchanged: ManifestDocument,
    document: ManifestDocument,
}

impl RawManifest {
    /// Starts editing a copy of the manifest.
    ///
    /// # Errors
    ///
    /// Same as [`view`](Self::view).
    pub fn edit(&self) -> Result<ManifestEditor> {
        let kind = self.view()?.kind();
        let document =
            ManifestDocument::parse_as(kind, self.bytes(), usize::MAX).map_err(|error| {
                Error::malformed_by(error, format!("manifest {}", self.descriptor().digest))
            })?;
        Ok(ManifestEditor {
            original: self.clone(),
            unchanged: document.clone(),
            document,
        })
    }
}

impl ManifestEditor {
    /// Adds an annotation, or replaces its value. A new annotation is inserted in the order of
    /// names.
    pub fn set_annotation(&mut self, name: &str, value: &str) {
        let mut annotations = self.annotations();
        let known = annotations.value(name).map(serde_json::from_str::<String>);
        if known.is_some_and(|known| known.is_ok_and(|known| known == value)) {
            return;
        }
        annotations.put(name, text_of(value), |other| other > name);
        self.set_annotations(&annotations);
    }

    /// Removes an annotation. Returns whether it existed.
    pub fn remove_annotation(&mut self, name: &str) -> bool {
        let mut annotations = self.annotations();
        let exists = annotations.value(name).is_some();
        if exists {
            annotations.remove(name);
            self.set_annotations(&annotations);
        }
        exists
    }

    /// Sets or removes the subject.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a Docker manifest or list, which has no subject.
    pub fn set_subject(&mut self, subject: Option<&Descriptor>) -> Result<()> {
        let media_type = &self.original.descriptor().media_type;
        if media_type.is_docker() {
            return Err(Error::unsupported(format!("a subject in \"{media_type}\"")));
        }
        self.set_descriptor("subject", subject);
        Ok(())
    }

    /// Replaces the config.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the manifest is not an image manifest.
    pub fn set_config(&mut self, config: &Descriptor) -> Result<()> {
        if self.document.kind() != ManifestKind::Image {
            let media_type = &self.original.descriptor().media_type;
            return Err(Error::unsupported(format!("a config in \"{media_type}\"")));
        }
        self.set_descriptor("config", Some(config));
        Ok(())
    }

    /// Returns the layers of an image manifest, the manifests of an index, or the blobs of an
    /// artifact manifest.
    pub fn entries(&self) -> Vec<Descriptor> {
        self.document.descriptors().cloned().collect()
    }

    /// Replaces the layers of an image manifest, the manifests of an index, or the blobs of an
    /// artifact manifest. A descriptor whose digest was listed before keeps its unknown members.
    pub fn set_entries(&mut self, descriptors: &[Descriptor]) {
        let listed = std::mem::take(&mut self.document.entries);
        let mut known: HashMap<&Digest, Vec<&DocumentEntry>> = HashMap::new();
        for entry in listed.iter().rev() {
            if let Some(digest) = entry.digest() {
                known.entry(digest).or_default().push(entry);
            }
        }
        let entries = descriptors.iter().map(|descriptor| {
            let entry = known.get_mut(&descriptor.digest).and_then(Vec::pop);
            entry.map_or_else(
                || DocumentEntry::from_descriptor(descriptor),
                |entry| entry.edited(descriptor),
            )
        });
        self.document.entries = entries.collect();
    }

    /// Returns the edited manifest, with the media type of the original. If nothing was changed,
    /// this is the original with its bytes. Otherwise the digest is a SHA-256 digest, and the
    /// descriptor has no annotations and no platform.
    pub fn finish(&self) -> RawManifest {
        if self.document == self.unchanged {
            return self.original.clone();
        }
        let media_type = self.original.descriptor().media_type.clone();
        RawManifest::new(media_type, self.document.to_bytes())
    }

    /// The members of `annotations`.
    fn annotations(&self) -> Object {
        let text = self.document.member("annotations").unwrap_or("null");
        Object::parse(text).unwrap_or_default()
    }

    fn set_annotations(&mut self, annotations: &Object) {
        let text = (!annotations.is_empty()).then(|| annotations.to_text());
        self.document.set_member("annotations", text);
    }

    fn set_descriptor(&mut self, name: &str, descriptor: Option<&Descriptor>) {
        let known = self.document.member(name);
        let text = descriptor.map(|descriptor| {
            let known = DocumentEntry::parse(known.unwrap_or("null"));
            known.edited(descriptor).text().to_owned()
        });
        self.document.set_member(name, text);
    }
}

#[cfg(test)]
mod tests;
