//! OCI registries as storage: push and pull any files, blocking and single-threaded.
//!
//! An *artifact* is a *manifest* that refers to *blobs*: a *config* and *layers*, one layer for each file or directory. All of
//! these are content, named by their *digest*; a *tag* is a name for a manifest that can be moved. A *descriptor* points to
//! content by media type, digest and size. Artifacts live in *repositories* of a registry, or in an *OCI image layout*, which
//! is the same on disk.
//!
//! # Where to start
//!
//! | To | Use |
//! |---|---|
//! | push files, or what comes as a stream | [`push::push`] |
//! | pull files | [`pull::pull`], some of them by a [`filter::Filter`]; or [`pull::list`] them |
//! | attach files or annotations to an artifact | [`attach::attach`] |
//! | reach a registry | [`registry::Client`], [`registry::Repository`] |
//! | list the repositories of a registry | [`registry::Client::repositories`] |
//! | use a layout on disk, or a tar of one | [`layout::LayoutStore`], [`layout::LayoutTar`] |
//! | read what was read before from a disk | [`layout::cache::Cache`] |
//! | back a repository up, and restore it | [`backup::backup`], [`backup::restore`] |
//! | copy an artifact between stores | [`copy::copy`], and [`copy::copy_with_referrers`] with what is attached |
//! | push a blob or a manifest by itself | [`single::push_blob`], [`single::push_manifest`] |
//! | give an artifact further tags | [`tag::tag`] |
//! | make or change an index of manifests | [`index::create`], [`index::update`] |
//! | find what is attached to an artifact | [`discover::discover`], [`store::Referrers`] |
//! | delete artifacts, blobs and tags | [`store::Delete`] |
//! | make a manifest of your own | [`pack::pack`] |
//! | bring a store of your own | the traits in [`store`] |
//!
//! ```no_run
//! use oras::pull::{PullOptions, pull};
//! use oras::registry::Client;
//!
//! let client = Client::new();
//! let repository = client.repository("localhost:5000/hello")?;
//! let pulled = pull(&repository, "v1", PullOptions::default())?;
//! println!("{} files", pulled.files.len());
//! # Ok::<(), oras::Error>(())
//! ```
//!
//! # What can be relied on
//!
//! - **Content is verified**, size and digest, whatever its source: there is one verifier,
//!   [`store::content::VerifyReader`]. Manifests are kept as the bytes they came in.
//! - **Names never lead out** of the directory that is written to, and a file appears under its name only when it is complete
//!   and verified.
//! - **Secrets stay with the registry** they belong to. One function, [`http::OriginPolicy`], decides over redirects, token services,
//!   upload locations and links to further pages; what is printed is printed without them.
//! - **Every read of outside data has a limit**, and all of them are in one table, [`limits`]. Memory does not grow with the size of blobs.
//! - **Errors keep their cause** and name what they are about; see [`Error`].
//! - **Enums that may grow** are `non_exhaustive`. The others are complete: match them whole.
//!
//! Nothing here starts a thread. Values are `Send` and not `Sync`: move them to the thread that works with them.
//!
//! # Features
//!
//! | Feature | Default | Brings |
//! |---|---|---|
//! | `tls` | yes | https, with certificate authorities built in besides those of the system; without it, https is an error that says so |
//! | `archive` | yes | files and directories on disk: [`push`], [`pull`], [`attach`], [`store::files`], [`archive`], [`output_dir`], [`layout::LayoutTar`] |
//! | `cli` | yes | the command `oras`; turn it off when you embed the library |
#![forbid(unsafe_code)]

#[cfg(feature = "archive")]
pub mod archive;
mod auth;
pub mod credentials;
pub mod error;
mod fs;
pub mod http;
pub mod layout;
pub mod limits;
mod oci;
mod ops;
#[cfg(feature = "archive")]
pub mod output_dir;
pub mod registry;
pub mod store;
mod text;

pub use auth::credential::Credential;
pub use error::{Error, Result};
pub use oci::descriptor::{self, Descriptor};
pub use oci::digest::{self, Digest};
pub use oci::manifest::{self, Manifest, RawManifest};
pub use oci::media_type::{self, MediaType};
pub use oci::platform::{self, Platform};
pub use oci::reference::{self, Reference};
pub use oci::referrers;
#[cfg(feature = "archive")]
pub use ops::{attach, pull, push};
pub use ops::{backup, copy, discover, filter, graph, index, pack, single, tag};
pub use store::progress;
pub use text::json::{self, Annotations};
pub use text::secret::Secret;
pub use text::{time, url};

/// Items shared with the command of this package. Not part of the API.
#[doc(hidden)]
pub mod internal {
    pub use crate::text::time::{Civil, days_from_civil};
}

#[cfg(all(doctest, feature = "archive"))]
#[doc = include_str!("../README.md")]
struct Readme;
