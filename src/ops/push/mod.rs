//! Pushing of artifacts from files and streams, and of single blobs and manifests.

mod artifact;
mod builder;
mod layers;

use crate::error::Result;
use crate::oci::{Descriptor, RawManifest};
use crate::progress::{Event, report};
use crate::store::{Content, ObservedContent, Pushed, ReportStart, Target, check_name};

pub use self::artifact::{PushOptions, push};
pub(crate) use self::builder::ArtifactBuilder;
pub use self::layers::{PushFile, PushStream};
#[cfg(feature = "archive")]
pub use crate::archive::Times;

/// Pushes a blob unless the target has it. The blob is durable when this returns.
///
/// The bytes are not interpreted: the media type of `expected` may be any.
///
/// ```
/// use oras::store::memory::MemoryStore;
/// use oras::store::Source;
/// use oras::{Descriptor, MediaType, push};
///
/// let store = MemoryStore::new();
/// let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
/// push::push_blob(&store, &blob, &mut &b"hello"[..])?;
/// assert!(store.exists(&blob)?);
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// Same as [`Target::push`].
pub fn push_blob(
    target: &dyn Target,
    expected: &Descriptor,
    content: &mut dyn Content,
) -> Result<Pushed> {
    let mut observed = ObservedContent {
        content,
        descriptor: expected,
        report: &mut report,
        report_start: ReportStart::Once,
    };
    let pushed = target.push(expected, &mut observed)?;
    if let Some(target) = target.as_indexed() {
        target.sync()?;
    }
    report(&match pushed {
        Pushed::Stored => Event::Transferred(expected),
        Pushed::AlreadyThere => Event::Exists(expected),
    })?;
    Ok(pushed)
}

/// Pushes a manifest and tags it, unless the reference already names it. Without a `reference`, the
/// manifest is pushed by its digest. Its successors must be at the target.
///
/// # Errors
///
/// Same as [`Target::push_reference`].
/// [`Error::InvalidReference`](crate::Error::InvalidReference) if the `reference` is the digest of
/// other content.
pub fn push_manifest(
    target: &dyn Target,
    manifest: &RawManifest,
    reference: Option<&str>,
) -> Result<Pushed> {
    let descriptor = manifest.descriptor();
    let reference = reference.unwrap_or(descriptor.digest.as_str());
    check_name(descriptor, reference)?;
    match target.resolve(reference) {
        Ok(found) if found.digest == descriptor.digest => {
            report(&Event::Exists(descriptor))?;
            return Ok(Pushed::AlreadyThere);
        }
        Ok(_) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    report(&Event::Started(descriptor))?;
    target.push_reference(descriptor, &mut &*manifest, reference)?;
    report(&Event::Transferred(descriptor))?;
    Ok(Pushed::Stored)
}
