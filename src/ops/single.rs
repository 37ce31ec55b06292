//! Single pieces of content on their way into a store: a blob, or a manifest whose parts are there already.
//!
//! Whole artifacts go by [`push`](crate::ops::push) and [`copy`](crate::ops::copy), which read what they send. Here the bytes mean
//! nothing: what somebody says they are, they are.

use std::io::Read;

use crate::error::Result;
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::RawManifest;
use crate::store::content::{Content, VerifyReader};
use crate::store::{Pushed, Target, check_name};

/// What happens to a piece of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It is about to be sent.
    Started(&'a Descriptor),
    /// It is being sent, of which so many bytes were read, and handed on. This begins anew where it has to be sent again.
    Progress(&'a Descriptor, u64),
    /// It was stored.
    Stored(&'a Descriptor),
    /// It was there already.
    Existed(&'a Descriptor),
}

/// What is told about it. An error stops the push.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> Result<()> + 'a;

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
    let pushed = {
        let mut announced = Announced {
            content,
            blob: expected,
            observer,
            is_told: false,
        };
        target.push(expected, &mut announced)?
    };
    if let Some(target) = target.as_indexed() {
        target.sync()?;
    }
    observer(match pushed {
        Pushed::Stored => Event::Stored(expected),
        Pushed::AlreadyThere => Event::Existed(expected),
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
            observer(Event::Existed(descriptor))?;
            return Ok(Pushed::AlreadyThere);
        }
        Ok(_) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    observer(Event::Started(descriptor))?;
    target.push_reference(descriptor, &mut manifest.bytes(), reference)?;
    observer(Event::Stored(descriptor))?;
    Ok(Pushed::Stored)
}

/// Content that tells when it is needed, once.
struct Announced<'a, 'o> {
    content: &'a mut dyn Content,
    blob: &'a Descriptor,
    observer: &'a mut Observer<'o>,
    is_told: bool,
}

impl Announced<'_, '_> {
    fn announce(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_told, true) {
            Ok(())
        } else {
            (self.observer)(Event::Started(self.blob))
        }
    }
}

impl Content for Announced<'_, '_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        self.announce()?;
        self.content.open()
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        self.announce()?;
        let reader = self.content.open_verified(expected)?;
        let (blob, observer) = (self.blob, &mut *self.observer);
        Ok(reader.watched(move |done| observer(Event::Progress(blob, done))))
    }

    fn is_spent(&self) -> bool {
        self.content.is_spent()
    }
}
