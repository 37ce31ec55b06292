//! Copying graphs between any two stores: children before parents, each content once, sequentially.
//!
//! A destination that has a manifest is taken to have all it refers to. Where it turns out that it has not, by refusing a
//! manifest that refers to it, what was not sent yet is sent once, without asking again what is there. A referrer that it has
//! but did not come to list is [listed](crate::store::IndexedTarget::ensure_listed).
//!
//! This module names no store. What it does is told to an observer as it happens.

mod copier;
mod observed;
mod referrers;

use crate::error::{Error, Operation, Result, Side};
use crate::limits;
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::RawManifest;
use crate::oci::platform::Platform;
use crate::oci::reference::RepositoryName;
use crate::ops::graph::Resolved;
use crate::store::progress::Observer;
use crate::store::{Batch, Referrers, Source, Target};

use self::copier::Copier;

/// How much a graph may make a copy read, hold and walk. The defaults fit any graph that was not made to do harm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one manifest: [`MAX_MANIFEST_BYTES`](limits::MAX_MANIFEST_BYTES).
    pub max_manifest_bytes: u64,
    /// Bytes of all manifests that are read, together: [`MAX_METADATA_BYTES`](limits::MAX_METADATA_BYTES).
    pub max_metadata_bytes: u64,
    /// Pieces of content: [`MAX_NODES`](limits::MAX_NODES).
    pub max_nodes: u64,
    /// Levels, from the root to the content that is farthest from it: [`MAX_GRAPH_DEPTH`](limits::MAX_GRAPH_DEPTH).
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

/// Chooses what a manifest refers to, for this copy. It gets the manifest and what it refers to by itself.
pub type Chooser<'a> = dyn FnMut(&RawManifest, Vec<Descriptor>) -> Result<Vec<Descriptor>> + 'a;

/// How a copy is done.
pub struct CopyOptions<'a> {
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
    /// Changes what manifests refer to.
    pub chooser: Option<&'a mut Chooser<'a>>,
    /// Which manifest of an index [`copy`] copies. Without it the whole index is.
    pub platform: Option<Platform>,
    /// How much the graph may be.
    pub limits: Limits,
    /// What is known about the root at the destination.
    pub root: RootState,
    /// Where blobs can be mounted from: the repository that the source is, if it is one of the same registry as the
    /// destination. Set this if both are used with the same credentials; what cannot be mounted is transferred.
    pub mount_from: Option<RepositoryName>,
    /// Manifests count as absent at the destination: the whole graph is walked, and they are sent again. It mends what a
    /// destination lost without noticing.
    pub force: bool,
    /// What becomes of a referrer or a subject that the source does not have.
    pub gone: Gone,
}

impl Default for CopyOptions<'_> {
    fn default() -> Self {
        Self {
            observer: None,
            chooser: None,
            platform: None,
            limits: Limits::default(),
            root: RootState::Unknown,
            mount_from: None,
            force: false,
            gone: Gone::Fails,
        }
    }
}

/// What becomes of a referrer or a subject that is named at the source and is not there. Both happen: lists of referrers
/// outlive what they list, and referrers outlive what they are attached to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gone {
    /// The copy fails.
    #[default]
    Fails,
    /// It is left out, and told as [`Event::MissingSkipped`].
    LeftOut,
}

/// What is known about the root at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootState {
    /// Nothing: the destination is asked.
    #[default]
    Unknown,
    /// It cannot be there, because it was just made. Saves a request.
    New,
}

/// Copies what `reference` names in `source`, with all it refers to, and names it `target_reference` in `target`; without
/// that it can be found by its digest.
///
/// ```
/// use oras::copy::{self, CopyOptions};
/// use oras::store::memory::MemoryStore;
/// use oras::store::{Source, Target};
/// use oras::{Descriptor, MediaType};
///
/// let (from, to) = (MemoryStore::new(), MemoryStore::new());
/// let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
/// from.push_reference(&blob, &mut &b"hello"[..], "v1")?;
/// copy::copy(&from, "v1", &to, Some("v2"), &mut CopyOptions::default())?;
/// assert_eq!(to.resolve("v2")?.digest, blob.digest);
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Copy`], which says on which side what failed, with the cause; [`Error::NotFound`] among the causes when nothing
/// has that name or is for the platform. Otherwise those of [`copy_graph`].
pub fn copy(
    source: &dyn Source,
    reference: &str,
    target: &dyn Target,
    target_reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<Descriptor> {
    let source = resolve(source, reference, options)?;
    copy_graph(&source, target, source.root(), target_reference, options)?;
    Ok(source.root().clone())
}

/// Copies `root` with all it refers to, and names it if there is a `reference`.
///
/// # Errors
///
/// [`Error::Copy`], which says on which side what failed, with the cause; [`Error::TooLarge`] when the graph exceeds one of
/// the [`Limits`]; and what the observer or the chooser returns. What was copied until then stays.
pub fn copy_graph(
    source: &dyn Source,
    target: &dyn Target,
    root: &Descriptor,
    reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<()> {
    in_batch(target, root, || {
        Copier::new(source, target, root, options).run(reference)
    })
}

/// As [`copy`], with everything that is attached to what is copied, and to that. The name comes last.
///
/// With an index come the referrers of all manifests in it, and with a referrer comes its subject.
///
/// ```
/// use oras::copy::{self, CopyOptions};
/// use oras::store::memory::MemoryStore;
/// use oras::store::{Source, Target};
/// use oras::{MediaType, RawManifest};
///
/// let (from, to) = (MemoryStore::new(), MemoryStore::new());
/// let index = RawManifest::new(MediaType::IMAGE_INDEX, br#"{"schemaVersion":2,"manifests":[]}"#.to_vec());
/// from.push_reference(index.descriptor(), &mut index.bytes(), "v1")?;
/// let subject = serde_json::to_string(index.descriptor()).unwrap();
/// let text = format!(r#"{{"schemaVersion":2,"manifests":[],"subject":{subject}}}"#);
/// let attached = RawManifest::new(MediaType::IMAGE_INDEX, text.into_bytes());
/// from.push(attached.descriptor(), &mut attached.bytes())?;
///
/// copy::copy_with_referrers(&from, "v1", &to, Some("v1"), &mut CopyOptions::default())?;
/// assert!(to.exists(attached.descriptor())?);
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// As of [`copy`]; [`Error::Protocol`] among the causes when the source lists referrers that are none.
pub fn copy_with_referrers(
    source: &dyn Referrers,
    reference: &str,
    target: &dyn Target,
    target_reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<Descriptor> {
    let resolved = resolve(source, reference, options)?;
    in_batch(target, resolved.root(), || {
        Copier::new(&resolved, target, resolved.root(), options)
            .run_with_referrers(source, target_reference)
    })?;
    Ok(resolved.root().clone())
}

/// As [`copy_graph`], with everything that is attached to what is copied, and to that. The name comes last.
///
/// # Errors
///
/// As of [`copy_with_referrers`].
pub fn copy_graph_with_referrers(
    source: &dyn Referrers,
    target: &dyn Target,
    root: &Descriptor,
    reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<()> {
    in_batch(target, root, || {
        Copier::new(source, target, root, options).run_with_referrers(source, reference)
    })
}

/// Has the target do once what it would do for each piece of content.
fn in_batch(
    target: &dyn Target,
    root: &Descriptor,
    copy: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let batch = Batch::start(target);
    copy()?;
    let error = at(Side::Destination, Operation::Push, Some(root));
    batch.finish().map_err(error)
}

/// Finds what is to be copied.
fn resolve<'s>(
    source: &'s dyn Source,
    reference: &str,
    options: &CopyOptions<'_>,
) -> Result<Resolved<'s>> {
    let limit = options.limits.max_manifest_bytes;
    match &options.platform {
        None => Resolved::new(source, reference, limit),
        Some(platform) => Resolved::for_platform(source, reference, platform, limit),
    }
    .map_err(at(Side::Source, Operation::Resolve, None))
}

/// Says which side failed, doing what, unless something deeper said so already.
fn at(side: Side, operation: Operation, node: Option<&Descriptor>) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        error @ Error::Copy { .. } => error,
        error => Error::Copy {
            side,
            operation,
            digest: node.map(|node| node.digest.to_string()),
            source: Box::new(error),
        },
    }
}
