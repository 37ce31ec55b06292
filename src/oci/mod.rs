//! OCI values without I/O: descriptors, digests, media types, platforms, references, manifests and
//! indexes.

pub mod descriptor;
pub mod digest;
pub(crate) mod index_document;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod reference;
pub mod referrers;
