//! Options of a copy.

use std::fmt;

use crate::error::Result;
use crate::limits;
use crate::oci::{Descriptor, Platform, RawManifest, RepositoryName};
use crate::progress::Observer;

/// Bounds on a graph. The defaults fit any graph that was not made to exhaust the client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one manifest; by default 4 MiB.
    pub max_manifest_bytes: u64,
    /// Bytes of all manifests that are read; by default 64 MiB.
    pub max_metadata_bytes: u64,
    /// Nodes of the graph; by default 1,000,000.
    pub max_nodes: u64,
    /// Levels below the root, the root included; by default 100.
    pub max_depth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_manifest_bytes: limits::MAX_MANIFEST_BYTES,
            max_metadata_bytes: limits::MAX_METADATA_BYTES,
            max_nodes: limits::MAX_NODES,
            max_depth: limits::MAX_GRAPH_DEPTH,
        }
    }
}

/// Selects the successors of a manifest that a copy follows. Receives the manifest and its
/// successors: subject, config, layers or manifests, in this order.
pub type FindSuccessors<'a> =
    dyn FnMut(&RawManifest, Vec<Descriptor>) -> Result<Selection> + Send + 'a;

/// The successors that a copy follows.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// The successors to copy, in this order.
    pub successors: Vec<Descriptor>,
    /// Successors that are not copied but reported as
    /// [`Event::Skipped`](crate::progress::Event::Skipped).
    pub skipped: Vec<Descriptor>,
}

impl From<Vec<Descriptor>> for Selection {
    fn from(successors: Vec<Descriptor>) -> Self {
        Self {
            successors,
            skipped: Vec::new(),
        }
    }
}

/// Options of a copy.
#[derive(Default)]
#[non_exhaustive]
pub struct CopyOptions<'a> {
    /// Receives the events of the copy.
    pub observer: Option<Observer>,
    /// Selects the successors of each manifest. By default all of them are copied.
    pub find_successors: Option<&'a mut FindSuccessors<'a>>,
    /// The platforms that [`copy`](super::copy) copies from an index. By default the whole index is
    /// copied. Of one platform, only its manifest is copied. Several platforms are copied with an
    /// index that has only their entries and those of their attestations.
    pub platforms: Vec<Platform>,
    /// Bounds on the graph.
    pub limits: Limits,
    /// Whether the destination may have the root already.
    pub root: RootState,
    /// The repository that blobs can be mounted from: the source, if it is in the same registry as
    /// the destination. Set it only if both are used with the same credentials. Blobs that cannot
    /// be mounted are transferred.
    pub mount_from: Option<RepositoryName>,
    /// Treats manifests as missing at the destination: the whole graph is walked, each blob is
    /// checked, and all manifests are sent again. This repairs a destination that lost content.
    pub force: bool,
    /// Makes a tag that exists at the destination with another digest an error: see
    /// [`TagOptions::if_absent`](crate::ops::tag::TagOptions::if_absent).
    pub if_absent: bool,
    /// Handling of referrers and subjects that are missing at the source.
    pub missing_referrers: MissingReferrer,
}

impl fmt::Debug for CopyOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOptions")
            .field("platforms", &self.platforms)
            .field("limits", &self.limits)
            .field("root", &self.root)
            .field("mount_from", &self.mount_from)
            .field("force", &self.force)
            .field("if_absent", &self.if_absent)
            .field("missing_referrers", &self.missing_referrers)
            .finish_non_exhaustive()
    }
}

/// Handling of a referrer or subject that is listed but missing at the source. Referrers tags can
/// be out of date, and a subject can be deleted before its referrers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingReferrer {
    /// The copy fails.
    #[default]
    Fail,
    /// The referrer or subject is skipped and reported as [`Event::MissingSkipped`] or
    /// [`Event::MissingSubjectSkipped`].
    ///
    /// [`Event::MissingSkipped`]: crate::progress::Event::MissingSkipped
    /// [`Event::MissingSubjectSkipped`]: crate::progress::Event::MissingSubjectSkipped
    Skip,
}

/// Whether the destination may have the root already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootState {
    /// It may: the copy asks the destination.
    #[default]
    Unknown,
    /// It cannot, because the root was just created. This saves a request.
    New,
}
