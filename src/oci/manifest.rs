//! Manifests and indexes: raw bytes, and parsed views.
//!
//! A [`RawManifest`] holds the original bytes with their descriptor. A [`Manifest`] is the parsed
//! form of these bytes. Only code that creates a new manifest serialises it.

use std::sync::{Arc, OnceLock};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::oci::descriptor::{self, no_empty_type};
use crate::oci::{Descriptor, MediaType};
use crate::text::json::edit::Object;
use crate::text::json::{self, Annotations, null_as_default};

pub use crate::limits::MAX_MANIFEST_BYTES;

/// An empty index, as other OCI tools write it.
pub(crate) const EMPTY_INDEX: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// A manifest or index as bytes, with its descriptor.
///
/// Clones share the bytes and the parsed view, so a manifest is hashed and parsed once however many
/// stores it passes through.
#[derive(Clone, Debug)]
pub struct RawManifest {
    descriptor: Descriptor,
    bytes: Arc<Vec<u8>>,
    /// Set by the first successful [`view`](Self::view).
    view: Arc<OnceLock<Manifest>>,
}

impl RawManifest {
    /// Creates a manifest from new bytes. Its descriptor has their SHA-256 digest.
    pub fn new(media_type: MediaType, bytes: Vec<u8>) -> Self {
        Self::verified(Descriptor::of(media_type, &bytes), bytes)
    }

    /// Creates a manifest from bytes that were verified against `descriptor`.
    pub(crate) fn verified(descriptor: Descriptor, bytes: Vec<u8>) -> Self {
        Self {
            descriptor,
            bytes: Arc::new(bytes),
            view: Arc::default(),
        }
    }

    /// Creates a manifest from `bytes` that `image` was serialised to, which become its view.
    pub(crate) fn packed(descriptor: Descriptor, bytes: Vec<u8>, image: ImageManifest) -> Self {
        Self {
            view: Arc::new(Manifest::Image(image).into()),
            ..Self::verified(descriptor, bytes)
        }
    }

    /// Returns the same bytes with another descriptor of them, for example with other annotations.
    pub(crate) fn with_descriptor(self, descriptor: Descriptor) -> Self {
        // The media type decides how the bytes are parsed.
        let view = if descriptor.media_type == self.descriptor.media_type {
            self.view
        } else {
            Arc::default()
        };
        Self {
            descriptor,
            bytes: self.bytes,
            view,
        }
    }

    /// Returns the descriptor.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes, without a copy unless they are shared with another clone.
    pub fn into_bytes(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.bytes)
    }

    /// Returns the `mediaType` member of a document, if it has one.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the document is not a JSON object or `mediaType` is not a string.
    pub fn media_type_in(document: &[u8]) -> Result<Option<MediaType>> {
        let text = std::str::from_utf8(document)
            .map_err(|error| Error::malformed_by(error, "manifest"))?;
        let malformed = |error: serde_json::Error| Error::malformed_by(error, "manifest");
        let object = Object::parse(text).map_err(malformed)?;
        let own: Option<String> = object
            .value("mediaType")
            .map_or(Ok(None), serde_json::from_str)
            .map_err(malformed)?;
        Ok(own.filter(|own| !own.is_empty()).map(MediaType::from))
    }

    /// Parses the bytes according to the media type. Further calls, also on clones, return the same
    /// view.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the media type is not a manifest type. [`Error::Malformed`] if the
    /// bytes do not match the media type, or have the members of both an image manifest and an
    /// index.
    pub fn view(&self) -> Result<&Manifest> {
        if let Some(view) = self.view.get() {
            return Ok(view);
        }
        let view = self.parse()?;
        Ok(self.view.get_or_init(|| view))
    }

    fn parse(&self) -> Result<Manifest> {
        let media_type = &self.descriptor.media_type;
        let what = || format!("manifest {}", self.descriptor.digest);
        let parse_failed = |error: serde_json::Error| Error::malformed_by(error, what());
        if self.bytes.trim_ascii_start().starts_with(b"[") {
            // Otherwise the elements would be read as the members.
            return Err(Error::malformed(what(), "it is a list"));
        }
        let shape = ManifestShape::parse(&self.bytes).map_err(parse_failed)?;
        if shape.is_index() && shape.is_image() {
            return Err(Error::malformed(
                what(),
                "it has both \"manifests\" and \"config\" or \"layers\"",
            ));
        }
        if media_type.is_image_manifest() {
            let image: ImageManifest = json::from_slice(&self.bytes).map_err(parse_failed)?;
            Ok(Manifest::Image(image))
        } else if media_type.is_index() {
            let index: ImageIndex = json::from_slice(&self.bytes).map_err(parse_failed)?;
            Ok(Manifest::Index(index))
        } else if *media_type == MediaType::ARTIFACT_MANIFEST {
            let artifact: ArtifactManifest = json::from_slice(&self.bytes).map_err(parse_failed)?;
            Ok(Manifest::Artifact(artifact))
        } else {
            Err(Error::unsupported(format!(
                "reading \"{media_type}\" as a manifest"
            )))
        }
    }

    /// Returns the successors in the order in which they are copied: subject, config, layers; or
    /// subject, manifests; or subject, blobs. Docker manifests have no subject. Content of any
    /// other type has no successors.
    ///
    /// # Errors
    ///
    /// Same as [`view`](Self::view).
    pub fn successors(&self) -> Result<Vec<Descriptor>> {
        if !self.descriptor.media_type.is_manifest() {
            return Ok(Vec::new());
        }
        let is_docker = self.descriptor.media_type.is_docker();
        let view = self.view()?;
        let subject = view.subject().filter(|_| !is_docker);
        let successors = subject
            .into_iter()
            .chain(view.config())
            .chain(view.entries());
        Ok(successors.cloned().collect())
    }
}

impl PartialEq for RawManifest {
    fn eq(&self, other: &Self) -> bool {
        self.descriptor == other.descriptor && self.bytes == other.bytes
    }
}

impl Eq for RawManifest {}

impl AsRef<[u8]> for RawManifest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The members that distinguish the kinds of manifests, whatever their values are.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ManifestShape {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) schema_version: u32,
    #[serde(deserialize_with = "no_empty_type")]
    pub(crate) media_type: Option<MediaType>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    pub(crate) subject: Option<IgnoredAny>,
}

impl ManifestShape {
    pub(crate) fn parse(document: &[u8]) -> serde_json::Result<Self> {
        json::from_slice(document)
    }

    /// Whether the document has members of an image manifest.
    pub(crate) const fn is_image(&self) -> bool {
        self.config.is_some() || self.layers.is_some()
    }

    /// Whether the document has the member of an index.
    pub(crate) const fn is_index(&self) -> bool {
        self.manifests.is_some()
    }

    /// Returns the media type that the other members indicate.
    pub(crate) const fn inferred_media_type(&self) -> Option<MediaType> {
        if self.is_index() {
            Some(MediaType::IMAGE_INDEX)
        } else if self.is_image() {
            Some(MediaType::IMAGE_MANIFEST)
        } else {
            None
        }
    }
}

/// A parsed manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Manifest {
    /// An image manifest, OCI's or Docker's.
    Image(ImageManifest),
    /// An index, or a Docker manifest list.
    Index(ImageIndex),
    /// The deprecated artifact manifest.
    Artifact(ArtifactManifest),
}

impl Manifest {
    /// Returns the kind.
    pub(crate) const fn kind(&self) -> ManifestKind {
        match self {
            Self::Image(_) => ManifestKind::Image,
            Self::Index(_) => ManifestKind::Index,
            Self::Artifact(_) => ManifestKind::Artifact,
        }
    }

    /// Returns the config of an image manifest.
    pub const fn config(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(image) => image.config.as_ref(),
            Self::Index(_) | Self::Artifact(_) => None,
        }
    }

    /// Returns the layers of an image manifest, the manifests of an index, or the blobs of an
    /// artifact manifest.
    ///
    /// ```
    /// use oras::push::{PushFile, PushOptions, push};
    /// use oras::store::Source;
    /// use oras::store::memory::MemoryStore;
    ///
    /// let store = MemoryStore::new();
    /// let mut options = PushOptions::default();
    /// options.artifact_type = Some("application/vnd.example".into());
    /// options.files = vec![PushFile::bytes("hello.txt", "hello")];
    /// let manifest = push(&store, Some("v1"), options)?;
    /// for layer in manifest.view()?.entries() {
    ///     assert_eq!(store.fetch(layer)?.read_all(1000)?, b"hello");
    /// }
    /// # Ok::<(), oras::Error>(())
    /// ```
    pub fn entries(&self) -> &[Descriptor] {
        match self {
            Self::Image(image) => &image.layers,
            Self::Index(index) => &index.manifests,
            Self::Artifact(artifact) => &artifact.blobs,
        }
    }

    /// Returns the subject.
    pub const fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(image) => image.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
            Self::Artifact(artifact) => artifact.subject.as_ref(),
        }
    }

    /// Returns the annotations.
    pub const fn annotations(&self) -> &Annotations {
        match self {
            Self::Image(image) => &image.annotations,
            Self::Index(index) => &index.annotations,
            Self::Artifact(artifact) => &artifact.annotations,
        }
    }
}

/// An image manifest (image spec v1.1, "Image Manifest"). Fields are serialised in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ImageManifest {
    /// The schema version, which is 2.
    #[serde(deserialize_with = "null_as_default")]
    pub schema_version: u32,
    /// The media type of this document, unless it is missing or empty.
    #[serde(deserialize_with = "no_empty_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact, unless it is missing or empty.
    #[serde(deserialize_with = "no_empty_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The config of the image or artifact. Its media type can state the type of an artifact. The
    /// specification requires a config, but some producers omit it.
    #[serde(deserialize_with = "descriptor::optional")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Descriptor>,
    /// The layers: the file system layers of an image in order, or the files of an artifact.
    #[serde(deserialize_with = "descriptor::list")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to. It makes this manifest a referrer.
    #[serde(deserialize_with = "descriptor::optional")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// The annotations of the manifest.
    #[serde(deserialize_with = "json::annotations")]
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

/// An image index (image spec v1.1, "Image Index"). Fields are serialised in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ImageIndex {
    /// The schema version, which is 2.
    #[serde(deserialize_with = "null_as_default")]
    pub schema_version: u32,
    /// The media type of this document, unless it is missing or empty.
    #[serde(deserialize_with = "no_empty_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact, unless it is missing or empty.
    #[serde(deserialize_with = "no_empty_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The manifests that the index lists, in order.
    #[serde(deserialize_with = "descriptor::list")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one refers to. It makes this manifest a referrer.
    #[serde(deserialize_with = "descriptor::optional")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// The annotations of the index.
    #[serde(deserialize_with = "json::annotations")]
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

/// An artifact manifest, which only release candidates of the image spec v1.1 had. It is parsed but
/// no verb creates one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ArtifactManifest {
    /// The media type of this document.
    #[serde(deserialize_with = "null_as_default")]
    pub media_type: MediaType,
    /// The type of the artifact, unless it is missing or empty.
    #[serde(deserialize_with = "no_empty_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The blobs of the artifact, in order.
    #[serde(deserialize_with = "descriptor::list")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Descriptor>,
    /// The manifest that this one refers to. It makes this manifest a referrer.
    #[serde(deserialize_with = "descriptor::optional")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// The annotations of the manifest.
    #[serde(deserialize_with = "json::annotations")]
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

/// The kinds of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ManifestKind {
    /// An [`ImageManifest`].
    Image,
    /// An [`ImageIndex`].
    Index,
    /// An [`ArtifactManifest`].
    Artifact,
}

impl ManifestKind {
    /// The name of the member that contains the list of descriptors.
    pub(crate) const fn list(self) -> &'static str {
        match self {
            Self::Image => "layers",
            Self::Index => "manifests",
            Self::Artifact => "blobs",
        }
    }

    /// The names of the members in JSON, in order.
    pub(crate) const fn members(self) -> &'static [&'static str] {
        match self {
            Self::Image => &[
                "schemaVersion",
                "mediaType",
                "artifactType",
                "config",
                "layers",
                "subject",
                "annotations",
            ],
            Self::Index => &[
                "schemaVersion",
                "mediaType",
                "artifactType",
                "manifests",
                "subject",
                "annotations",
            ],
            Self::Artifact => &[
                "mediaType",
                "artifactType",
                "blobs",
                "subject",
                "annotations",
            ],
        }
    }
}

impl From<&ImageManifest> for RawManifest {
    /// Serialises the manifest. Its media type is that of the field
    /// [`media_type`](ImageManifest::media_type), or else that of OCI.
    fn from(manifest: &ImageManifest) -> Self {
        serialise(
            manifest.media_type.as_ref(),
            MediaType::IMAGE_MANIFEST,
            manifest,
        )
    }
}

impl From<&ImageIndex> for RawManifest {
    /// Serialises the index. Its media type is that of the field
    /// [`media_type`](ImageIndex::media_type), or else that of OCI.
    fn from(index: &ImageIndex) -> Self {
        serialise(index.media_type.as_ref(), MediaType::IMAGE_INDEX, index)
    }
}

impl From<&ArtifactManifest> for RawManifest {
    /// Serialises the manifest.
    fn from(manifest: &ArtifactManifest) -> Self {
        serialise(None, MediaType::ARTIFACT_MANIFEST, manifest)
    }
}

impl From<&Manifest> for RawManifest {
    /// Serialises the manifest. Unknown members of the bytes that it was parsed from are lost:
    /// [`RawManifest::edit`] keeps them.
    fn from(manifest: &Manifest) -> Self {
        match manifest {
            Manifest::Image(image) => image.into(),
            Manifest::Index(index) => index.into(),
            Manifest::Artifact(artifact) => artifact.into(),
        }
    }
}

fn serialise(
    stated: Option<&MediaType>,
    default: MediaType,
    value: &impl Serialize,
) -> RawManifest {
    RawManifest::new(stated.cloned().unwrap_or(default), json::to_vec(value))
}

#[cfg(test)]
mod tests;
