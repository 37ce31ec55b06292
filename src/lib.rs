//! OCI registries as storage: push and pull any files, blocking and single-threaded.
#![forbid(unsafe_code)]

#[cfg(feature = "archive")]
pub mod archive;
pub mod content;
pub mod credential;
pub mod descriptor;
pub mod digest;
pub mod error;
pub mod json;
#[cfg(feature = "archive")]
mod lexical;
pub mod manifest;
pub mod media_type;
pub mod memory;
#[cfg(feature = "archive")]
pub mod output_dir;
pub mod platform;
pub mod reference;
pub mod store;
pub mod url;

pub use credential::{Credential, Secret};
pub use descriptor::Descriptor;
pub use digest::Digest;
pub use error::{Error, Result};
pub use json::Annotations;
pub use manifest::{Manifest, RawManifest};
pub use media_type::MediaType;
pub use platform::Platform;
pub use reference::Reference;
