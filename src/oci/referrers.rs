//! Referrers: manifests that name another manifest as their subject.
//!
//! A registry lists referrers itself (distribution spec v1.1, "Listing Referrers"), or a client
//! keeps them in a referrers index, under a tag that is derived from the digest of the subject
//! ("Referrers Tag Schema"). The functions here parse and edit such indexes; they do no I/O.

use std::collections::HashSet;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::limits::{Limit, MAX_REFERRERS};
use crate::oci::{
    Algorithm, Descriptor, Digest, DocumentEntry, Manifest, ManifestDocument, ManifestShape,
    MediaType, RawManifest,
};

/// Maximum length of algorithm and encoded part in a referrers tag (distribution spec v1.1,
/// "Referrers Tag Schema").
const MAX_TAG_PARTS: (usize, usize) = (32, 64);

/// A manifest with a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Referrer {
    /// The subject, as the manifest describes it.
    pub subject: Descriptor,
    /// The entry of the manifest in a referrers index, with its artifact type and annotations.
    pub descriptor: Descriptor,
}

impl Referrer {
    /// Returns the entry of `manifest` in a referrers index; `None` if it has no subject.
    ///
    /// An image manifest without an artifact type has the media type of its config as artifact
    /// type. Docker manifests are never referrers.
    ///
    /// # Errors
    ///
    /// See [`RawManifest::view`].
    ///
    /// ```
    /// use oras::referrers::Referrer;
    /// use oras::{MediaType, RawManifest};
    ///
    /// let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    /// let manifest = RawManifest::new(MediaType::IMAGE_INDEX, index.to_vec());
    /// assert_eq!(Referrer::from_manifest(&manifest)?, None);
    /// # Ok::<(), oras::Error>(())
    /// ```
    pub fn from_manifest(manifest: &RawManifest) -> Result<Option<Self>> {
        let media_type = &manifest.descriptor().media_type;
        if !media_type.is_manifest() || media_type.is_docker() {
            return Ok(None);
        }
        let view = manifest.view()?;
        let Some(subject) = view.subject().cloned() else {
            return Ok(None);
        };
        let mut descriptor = manifest.descriptor().plain();
        descriptor.annotations.clone_from(view.annotations());
        descriptor.artifact_type = match view {
            Manifest::Image(image) => image.artifact_type.as_ref().or_else(|| {
                let config = image.config.as_ref().map(|config| &config.media_type);
                config.filter(|config| !config.as_str().is_empty())
            }),
            Manifest::Index(index) => index.artifact_type.as_ref(),
            Manifest::Artifact(artifact) => artifact.artifact_type.as_ref(),
        }
        .cloned();
        Ok(Some(Self {
            subject,
            descriptor,
        }))
    }
}

/// Returns the tag of the referrers index of `subject`, for registries without a referrers API:
/// `sha256-` and 64 digits for a SHA-256 digest.
pub fn referrers_tag(subject: &Digest) -> String {
    let cut = |text: &str, longest| text.chars().take(longest).collect::<String>();
    let algorithm = cut(subject.algorithm().name(), MAX_TAG_PARTS.0);
    let encoded = cut(subject.encoded(), MAX_TAG_PARTS.1);
    format!("{algorithm}-{encoded}")
}

/// Whether a tag has the form of a [`referrers_tag`].
pub(crate) fn is_referrers_tag(tag: &str) -> bool {
    Algorithm::ALL.into_iter().any(|algorithm| {
        tag.strip_prefix(algorithm.name())
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|encoded| {
                encoded.len() == algorithm.encoded_len().min(MAX_TAG_PARTS.1)
                    && encoded
                        .bytes()
                        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
    })
}

/// A referrers index: the index of all referrers of one subject.
///
/// Entries and members that an edit does not concern keep their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReferrersIndex(ManifestDocument);

impl ReferrersIndex {
    /// Returns an index without referrers.
    pub(crate) fn empty() -> Self {
        Self(ManifestDocument::empty())
    }

    /// Parses an index of at most [`MAX_REFERRERS`] entries.
    ///
    /// # Errors
    ///
    /// The reason why the document is not such an index.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document = ManifestDocument::parse(bytes, MAX_REFERRERS);
        document.map(Self).map_err(|error| error.to_string())
    }

    /// Parses a page of the referrers API. A document without `manifests` is an empty page only if
    /// it has the schema version of an index, so that another document is not taken for one.
    ///
    /// # Errors
    ///
    /// The reason why the document is not a page of referrers.
    pub(crate) fn parse_page(bytes: &[u8]) -> Result<Self, String> {
        let page = Self::parse(bytes)?;
        let shape = ManifestShape::parse(bytes).map_err(|error| error.to_string())?;
        if shape.is_index() || (shape.schema_version == 2 && !shape.is_image()) {
            Ok(page)
        } else {
            Err("it has no \"manifests\"".to_owned())
        }
    }

    /// Parses the content of the referrers tag of `subject`. Registries have been seen to respond
    /// with the subject itself, and any client can give any manifest such a tag.
    ///
    /// # Errors
    ///
    /// The reason why the manifest is not a referrers index.
    pub(crate) fn from_tagged(manifest: &RawManifest, subject: &Digest) -> Result<Self, String> {
        let descriptor = manifest.descriptor();
        if descriptor.digest == *subject {
            return Err("it is the subject itself".to_owned());
        }
        if descriptor.media_type != MediaType::IMAGE_INDEX {
            return Err(format!("it is a \"{}\"", descriptor.media_type));
        }
        let shape = ManifestShape::parse(manifest.bytes()).map_err(|error| error.to_string())?;
        if shape.schema_version != 2 || shape.is_image() {
            return Err("it is no index of schema version 2".to_owned());
        }
        if shape.subject.is_some() {
            return Err("it has a subject of its own".to_owned());
        }
        Self::parse(manifest.bytes())
    }

    /// The number of entries that are neither descriptors nor empty objects, and the reason why the
    /// first of them is not a descriptor. `None` if there is no such entry.
    pub(crate) fn unreadable(&self) -> Option<(usize, &str)> {
        let mut entries = self.0.entries.iter().filter(|entry| !entry.is_empty());
        let reason = entries.find_map(|entry| entry.descriptor().err())?;
        let others = entries.filter(|entry| entry.descriptor().is_err());
        Some((1 + others.count(), reason))
    }

    /// The listed referrers. Entries that are not descriptors are skipped.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.0.descriptors()
    }

    /// Whether the registry filtered the index by artifact type, according to the annotation of an
    /// older draft of the specification.
    pub(crate) fn is_filtered(&self) -> bool {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Filters {
            #[serde(rename = "org.opencontainers.referrers.filtersApplied")]
            applied: String,
        }

        let annotations = self.0.member("annotations").unwrap_or("{}");
        let filters: Filters = serde_json::from_str(annotations).unwrap_or_default();
        includes_artifact_type(&filters.applied)
    }

    /// Appends entries for digests that have none.
    pub(crate) fn add_all<'d>(&mut self, descriptors: impl IntoIterator<Item = &'d Descriptor>) {
        let mut listed: HashSet<Digest> = self.descriptors().map(|it| it.digest.clone()).collect();
        for descriptor in descriptors {
            if listed.insert(descriptor.digest.clone()) {
                let entry = DocumentEntry::from_descriptor(descriptor);
                self.0.entries.push(entry);
            }
        }
    }

    /// Removes every entry of a digest.
    pub(crate) fn remove(&mut self, digest: &Digest) {
        self.0.remove(|entry| entry == digest);
    }

    /// Serialises the index, without empty and duplicate entries.
    pub(crate) fn to_manifest(&self) -> RawManifest {
        let mut seen = HashSet::new();
        let entries = self
            .0
            .entries
            .iter()
            .filter(|entry| match entry.descriptor() {
                Ok(entry) => seen.insert((&entry.digest, &entry.media_type, entry.size)),
                Err(_) => !entry.is_empty(),
            });
        RawManifest::new(MediaType::IMAGE_INDEX, self.0.to_bytes_with(entries))
    }
}

/// Whether a comma-separated list of filters contains the one by artifact type.
pub(crate) fn includes_artifact_type(filters: &str) -> bool {
    filters
        .split(',')
        .any(|filter| filter.trim() == "artifactType")
}

/// Filters the referrers of one subject by artifact type, removes duplicates, and limits their
/// number to [`MAX_REFERRERS`].
pub(crate) struct ReferrerFilter<'a> {
    subject: &'a Digest,
    artifact_type: Option<&'a str>,
    seen: HashSet<Digest>,
}

impl<'a> ReferrerFilter<'a> {
    pub(crate) fn new(subject: &'a Descriptor, artifact_type: Option<&'a str>) -> Self {
        Self {
            subject: &subject.digest,
            artifact_type,
            seen: HashSet::new(),
        }
    }

    /// Returns the new referrers of a page. If the registry filtered the page, entries without an
    /// artifact type match.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if all pages together have too many referrers.
    pub(crate) fn filter_page<'p>(
        &mut self,
        page: impl IntoIterator<Item = &'p Descriptor>,
        is_filtered: bool,
    ) -> Result<Vec<Descriptor>> {
        let mut selected = Vec::new();
        for entry in page {
            let is_wanted = match (self.artifact_type, &entry.artifact_type) {
                (None, _) => true,
                (Some(wanted), Some(got)) => got.as_str() == wanted,
                (Some(_), None) => is_filtered,
            };
            // A manifest cannot be its own referrer, even if an index lists it.
            if !is_wanted || entry.digest == *self.subject || self.seen.contains(&entry.digest) {
                continue;
            }
            Error::check_limit(
                format_args!("number of referrers of {}", self.subject),
                self.seen.len() as u64 + 1,
                Limit::Referrers,
                MAX_REFERRERS as u64,
            )?;
            self.seen.insert(entry.digest.clone());
            selected.push(entry.clone());
        }
        Ok(selected)
    }
}

#[cfg(test)]
mod tests;
