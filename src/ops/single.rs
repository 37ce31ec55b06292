//! Single pieces of content on their way into a store: a blob, or a manifest whose parts are there already.
//!
//! Whole artifacts go by [`push`](crate::ops::push) and [`copy`](crate::ops::copy), which read what they send. Here the bytes mean
//! nothing: what somebody says they are, they are.

use crate::error::Result;
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::RawManifest;
use crate::store::content::Content;
use crate::store::progress::{Event, ObservedContent, Observer, ReportStart, Reporter};
use crate::store::{Pushed, Target, check_name};

/// Pushes content that is what `expected` says, unless the target has it. It lasts when this returns.
///
/// ```
/// use oras::store::memory::MemoryStore;
/// use oras::store::Source;
/// use oras::{Descriptor, MediaType, single};
///
/// let store = MemoryStore::new();
/// let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
/// single::push_blob(&store, &blob, &mut &b"hello"[..], &mut |_| Ok(()))?;
/// assert!(store.exists(&blob)?);
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// As of [`Target::push`], and of the observer.
pub fn push_blob(
    target: &dyn Target,
    expected: &Descriptor,
    content: &mut dyn Content,
    observer: &mut Observer<'_>,
) -> Result<Pushed> {
    let mut reporter = Reporter::new(Some(observer));
    let mut observed = ObservedContent {
        content,
        descriptor: expected,
        reporter: &mut reporter,
        report_start: ReportStart::Once,
    };
    let pushed = target.push(expected, &mut observed)?;
    if let Some(target) = target.as_indexed() {
        target.sync()?;
    }
    reporter.report(match pushed {
        Pushed::Stored => Event::Transferred(expected),
        Pushed::AlreadyThere => Event::Exists(expected),
    })?;
    Ok(pushed)
}

/// Pushes a manifest and names it, unless that is what the name stands for. Without a `reference` it can be found by its
/// digest.
///
/// # Errors
///
/// As of [`Target::push_reference`], and of the observer. [`Error::InvalidReference`](crate::Error::InvalidReference) when the
/// `reference` is the digest of something else.
pub fn push_manifest(
    target: &dyn Target,
    manifest: &RawManifest,
    reference: Option<&str>,
    observer: &mut Observer<'_>,
) -> Result<Pushed> {
    let descriptor = manifest.descriptor();
    let reference = reference.unwrap_or(descriptor.digest.as_str());
    check_name(descriptor, reference)?;
    match target.resolve(reference) {
        Ok(found) if found.digest == descriptor.digest => {
            observer(Event::Exists(descriptor))?;
            return Ok(Pushed::AlreadyThere);
        }
        Ok(_) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    observer(Event::Started(descriptor))?;
    target.push_reference(descriptor, &mut &*manifest, reference)?;
    observer(Event::Transferred(descriptor))?;
    Ok(Pushed::Stored)
}
