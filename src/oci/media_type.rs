//! Media types of content.
//!
//! A [`MediaType`] accepts any string, because unknown types must be preserved.
//! [`MediaType::is_valid`] checks the grammar where the specifications require it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The media type of content, such as `application/vnd.oci.image.manifest.v1+json`. The default is
/// the empty string, for content without a type.
///
/// Clones share the string.
#[derive(Clone)]
pub struct MediaType(Text);

#[derive(Clone)]
enum Text {
    /// One of the constants.
    Known(&'static str),
    Other(Arc<str>),
}

macro_rules! media_types {
    ($($(#[$doc:meta])+ $name:ident = $text:literal;)+) => {
        impl MediaType {
            $($(#[$doc])+ pub const $name: Self = Self(Text::Known($text));)+

            const KNOWN: &[&'static str] = &[$($text),+];
        }
    };
}

media_types! {
    /// An OCI image manifest.
    IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    /// An OCI image index.
    IMAGE_INDEX = "application/vnd.oci.image.index.v1+json";
    /// An OCI artifact manifest; only release candidates of the image spec v1.1 had it.
    ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json";
    /// A Docker image manifest, version 2, schema 2.
    DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
    /// A Docker manifest list.
    DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// The config of an OCI image.
    IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";
    /// The config of a Docker image.
    DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
    /// The two bytes `{}`.
    EMPTY = "application/vnd.oci.empty.v1+json";
    /// A config without a specified type.
    UNKNOWN_CONFIG = "application/vnd.unknown.config.v1+json";
    /// An artifact without a specified type.
    UNKNOWN_ARTIFACT = "application/vnd.unknown.artifact.v1";
    /// A pushed file without a specified type.
    LAYER = "application/vnd.oci.image.layer.v1.tar";
    /// A pushed directory without a specified type.
    LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// Content of unknown type.
    OCTET_STREAM = "application/octet-stream";
}

/// Layers that registries are not expected to store. They are never copied, and their `urls` are
/// never followed.
const FOREIGN: [&str; 4] = [
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
];

impl MediaType {
    /// The manifest types, in the order in which oras sends them in the `Accept` header. The reader
    /// of a type is [`RawManifest::view`](crate::RawManifest::view).
    pub(crate) const MANIFESTS: [Self; 5] = [
        Self::DOCKER_MANIFEST,
        Self::DOCKER_MANIFEST_LIST,
        Self::IMAGE_MANIFEST,
        Self::IMAGE_INDEX,
        Self::ARTIFACT_MANIFEST,
    ];

    /// Creates a media type without checking its grammar.
    pub fn new(text: impl Into<String>) -> Self {
        Self::from(text.into().as_str())
    }

    /// Returns the media type as a string.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Known(text) => text,
            Text::Other(text) => text,
        }
    }

    /// Whether this is a manifest type: content with successors, which a registry serves at its
    /// manifests endpoint.
    pub fn is_manifest(&self) -> bool {
        Self::MANIFESTS.contains(self)
    }

    /// Whether this is an image manifest, OCI's or Docker's.
    pub(crate) fn is_image_manifest(&self) -> bool {
        *self == Self::IMAGE_MANIFEST || *self == Self::DOCKER_MANIFEST
    }

    /// Whether this is an index: OCI's, or a Docker manifest list.
    pub fn is_index(&self) -> bool {
        *self == Self::IMAGE_INDEX || *self == Self::DOCKER_MANIFEST_LIST
    }

    /// Whether this is Docker's form of a manifest or list.
    pub fn is_docker(&self) -> bool {
        *self == Self::DOCKER_MANIFEST || *self == Self::DOCKER_MANIFEST_LIST
    }

    /// Whether this is a layer that is not distributed by registries.
    pub(crate) fn is_foreign_layer(&self) -> bool {
        FOREIGN.contains(&self.as_str())
    }

    /// Whether the string matches the grammar (RFC 6838 §4.2), which artifact types and config
    /// types must do.
    pub fn is_valid(&self) -> bool {
        self.as_str()
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_restricted_name(kind) && is_restricted_name(subtype))
    }
}

fn is_restricted_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 127
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        let known = Self::KNOWN.iter().find(|known| **known == text);
        Self(known.map_or_else(|| Text::Other(text.into()), |known| Text::Known(known)))
    }
}

impl From<String> for MediaType {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Default for MediaType {
    fn default() -> Self {
        Self(Text::Known(""))
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaType({:?})", self.as_str())
    }
}

impl PartialEq for MediaType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for MediaType {}

impl PartialOrd for MediaType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MediaType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for MediaType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_types_are_five() {
        let types = [
            MediaType::DOCKER_MANIFEST,
            MediaType::DOCKER_MANIFEST_LIST,
            MediaType::IMAGE_MANIFEST,
            MediaType::IMAGE_INDEX,
            MediaType::ARTIFACT_MANIFEST,
        ];
        assert!(types.iter().all(MediaType::is_manifest));
        assert!(
            !MediaType::new("application/vnd.docker.distribution.manifest.v1+json").is_manifest()
        );
        assert!(!MediaType::IMAGE_CONFIG.is_manifest());
    }

    #[test]
    fn the_grammar_is_that_of_rfc_6838() {
        let longest = format!("a/{}", "b".repeat(127));
        for valid in [
            "a/b",
            "application/vnd.oci.empty.v1+json",
            "A0/9!#$&^_.+-",
            &longest,
        ] {
            assert!(MediaType::from(valid).is_valid(), "{valid}");
        }
        let too_long = format!("a/{}", "b".repeat(128));
        for invalid in [
            "", "a", "a/", "/b", "a/b/c", "a b/c", "-a/b", "a/!", "a/ü", &too_long,
        ] {
            assert!(!MediaType::from(invalid).is_valid(), "{invalid}");
        }
    }
}
