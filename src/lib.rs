//! OCI registries as storage: push and pull files, blocking, without an async runtime.
//!
//! # Terms
//!
//! The terms are those of the OCI image and distribution specifications.
//!
//! - blob: A sequence of bytes that is stored by its digest.
//! - digest: The hash of content, as `algorithm:hex`: [`Digest`].
//! - descriptor: A reference to content by media type, digest and size: [`Descriptor`].
//! - manifest: A JSON document that refers to a config and to layers: [`Manifest`],
//!   [`RawManifest`].
//! - config, layer: A blob to which a manifest refers. A layer contains one file or one directory.
//! - index: A JSON document that refers to manifests, such as one for each platform.
//! - artifact: A manifest together with the content to which it refers. Its type is the artifact
//!   type.
//! - tag: A name for a manifest in a repository. It can be moved to another manifest.
//! - title: The annotation `org.opencontainers.image.title`: the file name of a layer.
//! - repository: A collection of blobs, manifests and tags in a registry:
//!   [`registry::Repository`].
//! - layout: A repository in a directory or tar archive, the OCI image layout: [`layout`].
//! - reference: The name of an artifact, `registry/repository:tag` or `…@digest`: [`Reference`].
//! - subject: The manifest to which another manifest is attached.
//! - referrers: The manifests that are attached to a subject, such as signatures.
//! - successors: The content to which a manifest refers: subject, config and layers, or manifests.
//! - store: A place for content: a repository, a layout, memory or files. See [`store`].
//!
//! # Where to start
//!
//! The guide in [`docs`] begins with a [first program](docs::first_program). It explains error
//! handling, timeout and retry settings, proxies, threads, progress and how to cancel, and tests
//! without a registry.
//!
//! - push files and streams: [`push::push`]
//! - pull files, all or by a [`filter::Filter`]: [`pull::pull`]
//! - list the files of an artifact: [`pull::list`]
//! - pull the files of referrers: [`pull::pull_referrers`]
//! - compare files on disk with an artifact: [`check::check`]
//! - attach files or annotations to an artifact: [`attach::attach`]
//! - access a registry: [`registry::Client`], [`registry::Repository`]
//! - log in to a registry, and out of it: [`login::login`], [`login::logout`]
//! - list the repositories of a registry: [`registry::Client::repositories`]
//! - send a request that has no method here: [`registry::Client::request`]
//! - access a layout in a directory or tar archive: [`layout::LayoutStore`], [`layout::LayoutTar`]
//! - cache content on disk: [`layout::cache::Cache`]
//! - back up a repository, and restore it: [`backup::backup`], [`backup::restore`]
//! - copy an artifact between stores: [`copy::copy`]
//! - copy an artifact with its referrers: [`copy::copy_with_referrers`]
//! - push one blob or manifest: [`push::push_blob`], [`push::push_manifest`]
//! - read parts of a blob: [`store::SeekableBlob`]
//! - edit a manifest: [`RawManifest::edit`], [`annotate::annotate`]
//! - tag an artifact: [`tag::tag`]
//! - create or update an index: [`index::create`], [`index::update`]
//! - discover the referrers of an artifact: [`discover::discover`], [`store::Referrers`]
//! - delete artifacts, blobs and tags: [`store::Delete`]
//! - pack a manifest from descriptors: [`pack::pack`]
//! - show progress, or cancel an operation: [`progress`]
//! - implement a store: the traits in [`store`]
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
//! # Guarantees
//!
//! - **Verified content.** Size and digest of all content are checked, whatever the source, by
//!   [`store::content::VerifyReader`]. The bytes of manifests are never changed.
//! - **Safe paths.** No title leads out of the output directory, unless the caller allows it. A
//!   file appears at its path only when it is complete and verified.
//! - **One origin policy.** The same function decides for redirects, token services, upload
//!   locations and pagination links whether credentials are sent. Errors, warnings and traces
//!   contain no secrets.
//! - **Limits.** Every read of outside data has a limit; more is [`Error::TooLarge`]. Memory does
//!   not grow with the size of blobs.
//! - **Errors** keep their cause and name their subject, see [`Error`].
//! - **Enums** that may grow are `non_exhaustive`. Matches on the other enums can be exhaustive.
//! - **Threads.** The library starts no thread. Clients, repositories and other stores can be used
//!   by several threads at once, see [`registry::Client`].
//!
//! # Features
//!
//! - `tls` (on by default): https, with built-in certificate authorities besides those of the
//!   system. Without the feature, https is an error.
//! - `tls-no-provider`: `tls` without ring. The program brings another `CryptoProvider` of rustls,
//!   which it installs for the process or passes to
//!   [`UreqTransportBuilder`](http::UreqTransportBuilder).
//! - `archive` (on by default): directories as layers, [`pull::pull`] to disk, and
//!   [`layout::LayoutTar`]. Without the feature, [`push`] and [`attach`] take single files, bytes
//!   and streams, and [`pull::list`] finds the files of an artifact.
//! - `cli` (on by default): the command `oras`. Turn it off to embed the library.
//!
//! # Folders of the source
//!
//! The folders are layers. Each one imports only from folders above it in this list, as
//! `tests/library/architecture.rs` checks.
//!
//! - `docs/`: guides
//! - `limits.rs`: the limits on outside data
//! - `text/`: JSON, times, URLs, blocked address ranges, name patterns, sanitizing and redaction of
//!   untrusted text
//! - `error/`: the error type, and error responses of registries
//! - `oci/`: digests, descriptors, media types, platforms, references, manifests and referrers
//!   indexes
//! - `progress/`: the events of operations, the observer of the current thread, and state that
//!   threads share
//! - `auth/`: the authentication state machine and the origin policy, without I/O
//! - `http/`: the transport trait and its implementation with ureq: TLS, proxies, retries, traces
//! - `fs/`: path cleaning, temporary files, locks and file fingerprints
//! - `credentials/`: configuration files, credential helpers and the lookup order
//! - `archive/`: packing and unpacking of directories
//! - `output_dir/`: writing files below an output directory
//! - `store/`: the traits of stores, verification, and the stores in memory and of files
//! - `layout/`: the store of an OCI image layout
//! - `registry/`: the store of a repository: client, uploads, manifests, referrers, tags
//! - `ops/`: operations on stores: annotate, push, pull, check, attach, copy, backup, discover,
//!   index, pack, tag
//! - `bin/oras/`: the command
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

/// Declares an enum whose `Display` writes the text of the variant.
///
/// ```ignore
/// display_enum! {
///     pub enum Side {
///         Source => "source",
///         Destination => "destination",
///     }
/// }
/// ```
macro_rules! display_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident => $text:literal,)*
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)*
                })
            }
        }
    };
}

#[cfg(feature = "archive")]
mod archive;
mod auth;
pub mod credentials;
pub mod docs;
pub mod error;
mod fs;
pub mod http;
pub mod layout;
mod limits;
mod oci;
mod ops;
#[cfg(feature = "archive")]
mod output_dir;
pub mod progress;
pub mod registry;
pub mod store;
mod text;

pub use auth::credential::Credential;
pub use error::{Error, Result};
pub use oci::annotation_file::AnnotationFile;
pub use oci::descriptor::Descriptor;
pub use oci::digest::Digest;
pub use oci::editor::ManifestEditor;
pub use oci::manifest::{Manifest, RawManifest};
pub use oci::media_type::MediaType;
pub use oci::platform::Platform;
pub use oci::reference::Reference;
#[cfg(feature = "archive")]
pub use ops::check;
pub use ops::{
    annotate, attach, backup, copy, discover, filter, graph, index, pack, pull, push, tag,
};
pub use text::json::Annotations;
pub use text::secret::Secret;
pub use text::url;

/// Annotations of descriptors that this library reads and writes.
pub mod descriptor {
    pub use crate::oci::descriptor::{CREATED, EXECUTABLE, REF_NAME, TITLE, UNPACK};
}

/// The algorithms of [digests](crate::Digest).
pub mod digest {
    pub use crate::oci::digest::Algorithm;
}

/// Login to a registry, and logout.
pub mod login {
    pub use crate::registry::login::{login, logout};
}

/// Parsed manifests and indexes, which a [`Manifest`] contains.
pub mod manifest {
    pub use crate::oci::manifest::{
        ArtifactManifest, ImageIndex, ImageManifest, MAX_MANIFEST_BYTES,
    };
}

/// The parts of a [reference](crate::Reference).
///
/// These types always hold valid values. They dereference to their text, so that `&tag` can be
/// passed where a function takes a `&str`.
pub mod reference {
    pub use crate::oci::reference::{RegistryName, RepositoryName, Tag, TagOrDigest};
}

/// Referrers: manifests that name another manifest as their subject.
pub mod referrers {
    pub use crate::oci::referrers::Referrer;
}

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Items shared with the command of this package. Not part of the API.
#[doc(hidden)]
pub mod internal {
    #[cfg(feature = "archive")]
    pub use crate::archive::{PackOptions, UnpackOptions, pack, unpack};
    pub use crate::fs::input_kind::{InputKind, open_once};
    pub use crate::fs::temp_file::has_beginning_in;
    pub use crate::limits::MAX_ROOTS_FILE_BYTES;
    pub use crate::oci::referrers::referrers_tag;
    #[cfg(feature = "archive")]
    pub use crate::output_dir::{OutputDir, OutputOptions, PendingDirectory, PendingFile};
    pub use crate::store::files::FileStore;
    #[cfg(feature = "archive")]
    pub use crate::store::files::output::write_file;
    pub use crate::text::{go_time, json, time};
}

#[cfg(all(doctest, feature = "archive"))]
#[doc = include_str!("../README.md")]
struct Readme;
