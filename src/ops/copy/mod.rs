//! Copying of graphs between any two stores: successors first, each node once, one after the other.
//!
//! If the destination has a manifest, we assume it has its whole graph. Blobs that it is known to
//! have ([`IndexedTarget::known_blobs`](crate::store::IndexedTarget::known_blobs)) are not checked
//! either. If it then refuses a manifest, known blobs are checked: those that the refusal names, or
//! all. If it refuses the manifest again because it lacks successors, those that were not sent yet
//! are sent without asking whether they exist. A referrer that exists but is not listed is listed
//! ([`IndexedTarget::ensure_listed`](crate::store::IndexedTarget::ensure_listed)).
//!
//! This module depends on the store traits only.

mod copier;
mod counter;
mod errors;
mod nodes;
mod options;
mod platforms;
mod referrers;
mod repair;

use crate::error::{Operation, Result, Side};
use crate::oci::Descriptor;
use crate::ops::graph::ResolvedSource;
use crate::progress::{self, Report, Scope};
use crate::store::{Batch, Referrers, Source, Target};

use self::copier::Copier;
use self::errors::{at, at_target};
use self::platforms::{SelectedPlatforms, select_platforms};

pub use self::options::{
    CopyOptions, FindSuccessors, Limits, MissingReferrer, RootState, Selection,
};

/// Copies the graph of `reference` from `source` to `target`, and tags the root `target_reference`.
/// Returns the root.
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
/// Same as [`copy_graph`]. The cause is [`Error::NotFound`](crate::Error::NotFound) if the
/// reference does not exist or the index has no manifest for the platform.
pub fn copy(
    source: &dyn Source,
    reference: &str,
    target: &dyn Target,
    target_reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<Descriptor> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let (source, _) = resolve(source, reference, options)?;
    copy_graph(&source, target, source.root(), target_reference, options)?;
    Ok(source.root().clone())
}

/// Copies the graph of `root`, and tags the root if there is a `reference`.
///
/// # Errors
///
/// - [`Error::Copy`](crate::Error::Copy) with the side, the operation and the cause.
/// - [`Error::TooLarge`](crate::Error::TooLarge) if the graph exceeds one of the [`Limits`].
/// - An error of [`FindSuccessors`], and [`Error::Cancelled`](crate::Error::Cancelled).
///
/// Content that was copied before the error stays at the destination.
pub fn copy_graph(
    source: &dyn Source,
    target: &dyn Target,
    root: &Descriptor,
    reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<()> {
    copy_graph_reporting(
        source,
        target,
        root,
        reference,
        options,
        &mut progress::report,
    )
}

/// Same as [`copy_graph`]. The events of the copy itself go to `report` instead of the observer.
pub(crate) fn copy_graph_reporting(
    source: &dyn Source,
    target: &dyn Target,
    root: &Descriptor,
    reference: Option<&str>,
    options: &mut CopyOptions<'_>,
    report: &mut Report<'_>,
) -> Result<()> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let batch = Batch::start(target);
    let mut copier = Copier::new(source, target, root, reference, options, report);
    let first = copier.start(reference)?;
    copier.walk(first, 1, reference)?;
    batch.finish().map_err(at_target(Operation::Push, root))
}

/// Same as [`copy`], with the referrers of all copied manifests. The root is tagged last.
///
/// An index is copied with the referrers of all its manifests, and a referrer with its subject.
///
/// ```
/// use oras::copy::{self, CopyOptions};
/// use oras::store::memory::MemoryStore;
/// use oras::store::{Source, Target};
/// use oras::{MediaType, RawManifest};
///
/// let (from, to) = (MemoryStore::new(), MemoryStore::new());
/// let text = br#"{"schemaVersion":2,"manifests":[]}"#;
/// let index = RawManifest::new(MediaType::IMAGE_INDEX, text.to_vec());
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
/// Same as [`copy`]. The cause is [`Error::Protocol`](crate::Error::Protocol) if the source lists a
/// referrer whose manifest has another subject.
pub fn copy_with_referrers(
    source: &dyn Referrers,
    reference: &str,
    target: &dyn Target,
    target_reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<Descriptor> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let (resolved, reduced) = resolve(source, reference, options)?;
    let root = resolved.root();
    let batch = Batch::start(target);
    let mut report = progress::report;
    let mut copier = Copier::new(
        &resolved,
        target,
        root,
        target_reference,
        options,
        &mut report,
    );
    if let Some(index) = &reduced {
        copier.report_skipped_referrers(source, index)?;
    }
    copier.run_with_referrers(source, target_reference)?;
    batch.finish().map_err(at_target(Operation::Push, root))?;
    Ok(root.clone())
}

/// Same as [`copy_graph`], with the referrers of all copied manifests. The root is tagged last.
///
/// # Errors
///
/// Same as [`copy_with_referrers`].
pub fn copy_graph_with_referrers(
    source: &dyn Referrers,
    target: &dyn Target,
    root: &Descriptor,
    reference: Option<&str>,
    options: &mut CopyOptions<'_>,
) -> Result<()> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let batch = Batch::start(target);
    Copier::new(
        source,
        target,
        root,
        reference,
        options,
        &mut progress::report,
    )
    .run_with_referrers(source, reference)?;
    batch.finish().map_err(at_target(Operation::Push, root))
}

/// Resolves the root of a copy. If that is a reduced index, returns the original index too.
fn resolve<'s>(
    source: &'s dyn Source,
    reference: &str,
    options: &CopyOptions<'_>,
) -> Result<(ResolvedSource<'s>, Option<Descriptor>)> {
    let limit = options.limits.max_manifest_bytes;
    let at_source = at(Side::Source, Operation::Resolve, None);
    if let [] | [_] = &options.platforms[..] {
        let platform = options.platforms.first();
        let resolved = ResolvedSource::new(source, reference, platform, limit);
        return Ok((resolved.map_err(at_source)?, None));
    }
    let index = source.fetch_manifest_by_reference(reference, limit);
    let index = index.map_err(at_source)?;
    let selected = select_platforms(&index, reference, &options.platforms)?;
    let original = index.descriptor().clone();
    let (root, manifest, original) = match selected {
        SelectedPlatforms::Index => (original, Some(index), None),
        SelectedPlatforms::Manifest(manifest) => (manifest, None, None),
        SelectedPlatforms::Reduced(reduced) => {
            (reduced.descriptor().clone(), Some(reduced), Some(original))
        }
    };
    Ok((ResolvedSource::with_root(source, root, manifest), original))
}
