//! OCI values without I/O: descriptors, digests, media types, platforms, references, manifests and
//! indexes.

pub(crate) mod annotation_file;
pub(crate) mod descriptor;
pub(crate) mod digest;
pub(crate) mod document;
pub(crate) mod editor;
pub(crate) mod manifest;
pub(crate) mod media_type;
pub(crate) mod platform;
pub(crate) mod reference;
pub(crate) mod referrers;

#[cfg(feature = "archive")]
pub(crate) use self::descriptor::CONTENT_DIGEST;
pub(crate) use self::descriptor::{
    CREATED, Descriptor, EMPTY_JSON, EXECUTABLE, REF_NAME, TITLE, UNPACK,
};
pub(crate) use self::digest::{Algorithm, Digest, Hasher, HashingWriter};
pub(crate) use self::document::{DocumentEntry, ManifestDocument};
pub(crate) use self::manifest::{
    EMPTY_INDEX, ImageIndex, ImageManifest, MAX_MANIFEST_BYTES, Manifest, ManifestKind,
    ManifestShape, RawManifest,
};
pub(crate) use self::media_type::MediaType;
pub(crate) use self::platform::Platform;
pub(crate) use self::reference::{Reference, RegistryName, RepositoryName, Tag, TagOrDigest};
pub(crate) use self::referrers::{
    Referrer, ReferrerFilter, ReferrersIndex, includes_artifact_type, is_referrers_tag,
    referrers_tag,
};
