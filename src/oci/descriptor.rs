//! Descriptors of content (image spec v1.1, "Content Descriptors").

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::oci::{Digest, MediaType, Platform};
use crate::text::json::{self, Annotations, null_as_default};

/// Annotation of a layer: the path to which `pull` writes.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Annotation of a manifest: the time of its creation, in RFC 3339.
pub const CREATED: &str = "org.opencontainers.image.created";
/// Annotation of an entry in a layout's `index.json`: the tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation of a directory: the digest of its uncompressed tar.
#[cfg(feature = "archive")]
pub(crate) const CONTENT_DIGEST: &str = "io.deis.oras.content.digest";
/// Annotation of a directory: if it is `true`, `pull` unpacks the layer.
pub const UNPACK: &str = "io.deis.oras.content.unpack";
/// Annotation with the value `true` for a file that is to be executable. A pull ignores other
/// values.
pub const EXECUTABLE: &str = "land.oras.content.executable";

/// A reference to content by media type, digest and size.
///
/// Fields are serialised in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The media type of the content; empty if the document does not state it.
    pub media_type: MediaType,
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    pub size: u64,
    /// Further URLs of the content. They are preserved and never followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Annotations of the content.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// The embedded content. It is verified like any other content.
    #[serde(serialize_with = "write_base64")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<u8>>,
    /// The platform of the content. Boxed, because few descriptors have one and a manifest can have
    /// tens of thousands of descriptors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<Platform>>,
    /// The artifact type, if the content is a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
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
        title_in(&self.annotations)
    }

    /// Returns the name in output: the title if the annotation exists, otherwise the media type.
    pub fn display_name(&self) -> &str {
        self.annotations
            .get(TITLE)
            .map_or(self.media_type.as_str(), String::as_str)
    }

    /// Whether digest and size are equal.
    pub(crate) fn is_same_bytes(&self, other: &Self) -> bool {
        self.digest == other.digest && self.size == other.size
    }

    /// Whether media type, digest and size are equal.
    pub fn is_same_content(&self, other: &Self) -> bool {
        self.media_type == other.media_type && self.is_same_bytes(other)
    }
}

/// Returns the title among the annotations of a descriptor, unless it is missing or empty.
pub(crate) fn title_in(annotations: &Annotations) -> Option<&str> {
    let title = annotations.get(TITLE)?;
    Some(title.as_str()).filter(|title| !title.is_empty())
}

/// The content of the empty descriptor.
pub(crate) const EMPTY_JSON: &[u8] = b"{}";

/// The members of a descriptor as a document has them. Go programs write an unset descriptor as an
/// object with an empty digest, and read missing members and `null` alike.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Members {
    #[serde(deserialize_with = "null_as_default")]
    media_type: MediaType,
    #[serde(deserialize_with = "read_digest")]
    digest: Option<Digest>,
    #[serde(deserialize_with = "read_size")]
    size: u64,
    #[serde(deserialize_with = "null_as_default")]
    urls: Vec<String>,
    #[serde(deserialize_with = "json::annotations")]
    annotations: Annotations,
    #[serde(deserialize_with = "read_base64")]
    data: Option<Vec<u8>>,
    platform: Option<Box<Platform>>,
    #[serde(deserialize_with = "no_empty_type")]
    artifact_type: Option<MediaType>,
}

impl Members {
    /// Returns the descriptor, unless it is unset.
    fn into_descriptor(self) -> Option<Descriptor> {
        Some(Descriptor {
            media_type: self.media_type,
            digest: self.digest?,
            size: self.size,
            urls: self.urls,
            annotations: self.annotations,
            data: self.data,
            platform: self.platform,
            artifact_type: self.artifact_type,
        })
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Members::deserialize(deserializer)?;
        let descriptor = members.into_descriptor();
        descriptor.ok_or_else(|| D::Error::missing_field("digest"))
    }
}

/// Reads a member that contains a descriptor, unless it is `null` or unset.
pub(super) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Descriptor>, D::Error> {
    let members = Option::<Members>::deserialize(deserializer)?;
    Ok(members.and_then(Members::into_descriptor))
}

/// Reads a list of descriptors without those that are `null` or unset. `null` is an empty list.
pub(super) fn list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Descriptor>, D::Error> {
    let list = Option::<List>::deserialize(deserializer)?;
    Ok(list.map_or_else(Vec::new, |list| list.0))
}

struct List(Vec<Descriptor>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List, A::Error> {
                let mut descriptors = Vec::new();
                while let Some(members) = list.next_element::<Option<Members>>()? {
                    descriptors.extend(members.and_then(Members::into_descriptor));
                }
                descriptors.shrink_to_fit();
                Ok(List(descriptors))
            }
        }

        deserializer.deserialize_seq(Elements)
    }
}

fn read_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Digest>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

/// Reads a size: a signed 64-bit number in the specification, which must not be negative.
fn read_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size: i64 = null_as_default(deserializer)?;
    u64::try_from(size).map_err(|_| D::Error::custom(format!("negative size {size}")))
}

/// Reads a type that is missing if it is empty.
pub(super) fn no_empty_type<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<MediaType>, D::Error> {
    Ok(Option::<MediaType>::deserialize(deserializer)?
        .filter(|media_type| !media_type.as_str().is_empty()))
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn write_base64<S: Serializer>(data: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(data.as_deref().unwrap_or_default()))
}

fn read_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .filter(|text| !text.is_empty())
        .map(|text| STANDARD.decode(text).map_err(D::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn a_descriptor_needs_only_a_digest() {
        const DIGEST: &str =
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        for members in ["", r#","mediaType":null,"size":null"#, r#","mediaType":"""#] {
            let text = format!(r#"{{"digest":"{DIGEST}"{members}}}"#);
            let descriptor: Descriptor = serde_json::from_str(&text).unwrap();
            let digest = DIGEST.parse().unwrap();
            assert_eq!(descriptor, Descriptor::new(MediaType::default(), digest, 0));
        }
    }

    #[test]
    fn annotations_without_a_value_are_empty_and_others_must_be_strings() {
        let text = |value: &str| {
            format!(
                r#"{{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","annotations":{{"k":{value}}}}}"#
            )
        };
        let descriptor: Descriptor = serde_json::from_str(&text("null")).unwrap();
        assert_eq!(descriptor.annotations["k"], "");
        for value in ["1", "true", "[]", "{}"] {
            assert!(
                serde_json::from_str::<Descriptor>(&text(value)).is_err(),
                "{value}"
            );
        }
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
