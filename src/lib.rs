//! OCI registries as storage: push and pull any files, blocking and single-threaded.
#![forbid(unsafe_code)]

#[cfg(feature = "archive")]
pub mod archive;
pub mod auth;
pub mod clock;
pub mod content;
pub mod copy;
pub mod credential;
pub mod credentials;
pub mod descriptor;
pub mod digest;
pub mod error;
#[cfg(feature = "archive")]
pub mod file_store;
pub mod graph;
pub mod json;
pub mod layout;
#[cfg(feature = "archive")]
mod lexical;
pub mod manifest;
pub mod media_type;
pub mod memory;
#[cfg(feature = "archive")]
pub mod output_dir;
pub mod pack;
pub mod platform;
#[cfg(feature = "archive")]
pub mod pull;
#[cfg(feature = "archive")]
pub mod push;
pub mod reference;
pub mod registry;
pub mod retry;
pub mod store;
#[cfg(feature = "archive")]
mod temporary;
#[cfg(test)]
mod testing;
pub mod time;
pub mod transport;
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
