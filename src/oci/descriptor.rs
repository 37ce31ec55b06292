//! Descriptors of content (image spec v1.1, "Content Descriptors").

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::oci::{Digest, MediaType, Platform};
use crate::text::json::{Annotations, null_as_default};

/// Annotation of a layer: the path to which `pull` writes.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Annotation of a manifest: the time of its creation, in RFC 3339.
pub const CREATED: &str = "org.opencontainers.image.created";
/// Annotation of an entry in a layout's `index.json`: the tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation of a directory: the digest of its uncompressed tar.
pub const CONTENT_DIGEST: &str = "io.deis.oras.content.digest";
/// Annotation of a directory: if it is `true`, `pull` unpacks the layer.
pub const UNPACK: &str = "io.deis.oras.content.unpack";

/// A reference to content by media type, digest and size.
///
/// Fields are serialised in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The media type of the content.
    pub media_type: MediaType,
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    #[serde(deserialize_with = "size_in_bytes")]
    pub size: u64,
    /// Further URLs of the content. They are preserved and never followed.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub urls: Vec<String>,
    /// Annotations of the content.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Annotations::is_empty"
    )]
    pub annotations: Annotations,
    /// The embedded content. It is verified like any other content.
    #[serde(default, with = "embedded", skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<u8>>,
    /// The platform of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The artifact type, if the content is a manifest.
    #[serde(
        default,
        deserialize_with = "no_empty_type",
        skip_serializing_if = "Option::is_none"
    )]
    pub artifact_type: Option<MediaType>,
}

impl Descriptor {
    /// The names of the members in JSON, in order.
    pub(crate) const MEMBERS: &[&str] = &[
        "mediaType",
        "digest",
        "size",
        "urls",
        "annotations",
        "data",
        "platform",
        "artifactType",
    ];

    /// Creates a descriptor with the three required fields.
    pub const fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            urls: Vec::new(),
            annotations: Annotations::new(),
            data: None,
            platform: None,
            artifact_type: None,
        }
    }

    /// Creates the descriptor of `content`, with its SHA-256 digest.
    pub fn of(media_type: MediaType, content: &[u8]) -> Self {
        Self::new(media_type, Digest::of(content), content.len() as u64)
    }

    /// Returns the empty descriptor, with the embedded content `{}` (image spec v1.1, "Guidance for
    /// an Empty Descriptor").
    pub fn empty() -> Self {
        Self {
            data: Some(EMPTY_JSON.to_vec()),
            ..Self::of(MediaType::EMPTY, EMPTY_JSON)
        }
    }

    /// Returns a copy with media type, digest and size only.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self::new(self.media_type.clone(), self.digest.clone(), self.size)
    }

    /// Returns the title, unless it is missing or empty.
    pub fn title(&self) -> Option<&str> {
        self.annotations
            .get(TITLE)
            .map(String::as_str)
            .filter(|title| !title.is_empty())
    }

    /// Returns the name in output: the title if the annotation exists, otherwise the media type.
    pub fn display_name(&self) -> &str {
        self.annotations
            .get(TITLE)
            .map_or(self.media_type.as_str(), String::as_str)
    }

    /// Whether digest and size are equal.
    pub fn is_same_bytes(&self, other: &Self) -> bool {
        self.digest == other.digest && self.size == other.size
    }

    /// Whether media type, digest and size are equal.
    pub fn is_same_content(&self, other: &Self) -> bool {
        self.media_type == other.media_type && self.is_same_bytes(other)
    }
}

/// The content of the empty descriptor.
pub const EMPTY_JSON: &[u8] = b"{}";

/// Reads a size: a signed 64-bit number in the specification, which must not be negative.
fn size_in_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = i64::deserialize(deserializer)?;
    u64::try_from(size).map_err(|_| serde::de::Error::custom(format!("negative size {size}")))
}

pub(crate) fn no_empty_type<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<MediaType>, D::Error> {
    Ok(Option::<MediaType>::deserialize(deserializer)?
        .filter(|media_type| !media_type.as_str().is_empty()))
}

mod embedded {
    use base64::Engine as _;

    use super::{Deserialize, Deserializer, STANDARD, Serializer};

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        data: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(data.as_deref().unwrap_or_default()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .filter(|text| !text.is_empty())
            .map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::json;
    use crate::text::json::edit::Object;

    #[test]
    fn the_empty_descriptor_is_that_of_the_specification() {
        assert_eq!(
            json::to_vec(&Descriptor::empty()),
            br#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="}"#
        );
    }

    #[test]
    fn every_field_is_written_in_the_order_of_the_specification() {
        let text = br#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"urls":["u"],"annotations":{"A":"1","b":"2"},"data":"e30=","platform":{"architecture":"","os":"linux","os.version":"1","os.features":["f"],"variant":"v"},"artifactType":"x/y"}"#;
        let descriptor: Descriptor = serde_json::from_slice(text).unwrap();
        assert_eq!(json::to_vec(&descriptor), text);
        let object = Object::of(&descriptor).unwrap();
        let names: Vec<_> = object.iter().map(|(name, _)| name).collect();
        assert_eq!(names, Descriptor::MEMBERS);
    }

    #[test]
    fn null_and_unknown_members_are_read_as_absent() {
        let text = br#"{"size":2,"mediaType":"a/b","unknown":[1],"urls":null,"annotations":null,"data":null,"platform":null,"artifactType":"","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}"#;
        let descriptor: Descriptor = serde_json::from_slice(text).unwrap();
        assert_eq!(descriptor, descriptor.plain());
    }

    #[test]
    fn a_bad_size_or_digest_is_refused() {
        for text in [
            r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":-1}"#,
            r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":9223372036854775808}"#,
            r#"{"mediaType":"a/b","digest":"sha256:4413","size":2}"#,
            r#"{"mediaType":"a/b","digest":"","size":2}"#,
            r#"{"mediaType":"a/b","size":2}"#,
        ] {
            assert!(serde_json::from_str::<Descriptor>(text).is_err(), "{text}");
        }
    }
}
