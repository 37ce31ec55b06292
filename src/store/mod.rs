//! What every store can do: the traits behind registries, layouts, archives, memory and files.
//!
//! A store of your own needs three methods to be copied and pulled from ([`Source`]), and two more to be copied and pushed
//! to ([`Target`]). The rest has defaults that are correct everywhere and overridden where a store can do better.
//!
//! Methods name the errors that callers may want to tell apart. Besides these, each can fail as the place fails where its store
//! is: [`Error::Io`] on a disk; [`Error::Transport`], [`Error::Refused`], [`Error::Unauthorized`] and [`Error::Protocol`] at a
//! registry.

use std::cell::Cell;
use std::io::Read;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::RawManifest;
use crate::oci::media_type::MediaType;
use crate::oci::reference::RepositoryName;
use crate::store::content::{Content, VerifyReader};

pub mod content;
#[cfg(feature = "archive")]
pub mod files;
pub mod memory;
pub mod progress;

/// Reads content by descriptor and finds descriptors by name.
pub trait Source {
    /// Finds what a tag or digest names.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when nothing has that name, [`Error::InvalidReference`] when nothing can have it.
    fn resolve(&self, reference: &str) -> Result<Descriptor>;

    /// Opens content, verified while it is read.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the content is not there. That it is not what `target` says may show only while it is read.
    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>>;

    /// Whether the content is there.
    ///
    /// # Errors
    ///
    /// When that cannot be found out. That the content is not there is no error.
    fn exists(&self, target: &Descriptor) -> Result<bool>;

    /// Resolves and opens in one step; a manifest may have at most `limit` bytes. A registry does so with one request.
    ///
    /// # Errors
    ///
    /// As of [`resolve`](Self::resolve), and [`Error::TooLarge`].
    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        let descriptor = self.resolve(reference)?;
        if descriptor.media_type.is_manifest() {
            check_size(&descriptor, limit)?;
        }
        let reader = self.fetch(&descriptor)?;
        Ok((descriptor, reader))
    }

    /// Reads a manifest of at most `limit` bytes into memory.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::TooLarge`], and [`Error::Verification`] when the bytes are not what `target` says.
    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        let manifest = self.fetch(target)?.read_manifest(limit)?;
        Ok(manifest.with_descriptor(target.clone()))
    }

    /// Resolves a tag or digest and, if it is a manifest, reads at most `limit` bytes of it into memory in the same step.
    ///
    /// # Errors
    ///
    /// As of [`resolve`](Self::resolve), [`Error::TooLarge`], [`Error::Verification`].
    fn fetch_manifest_by_reference(&self, reference: &str, limit: u64) -> Result<RawManifest> {
        let (descriptor, reader) = self.fetch_reference(reference, limit)?;
        let manifest = reader.read_manifest(limit)?;
        Ok(manifest.with_descriptor(descriptor))
    }
}

/// A [`Source`] that also accepts content.
pub trait Target: Source {
    /// Stores content, verified while it is written. Nothing is stored when verification fails.
    ///
    /// `content` is opened only if its bytes are needed. Content that is there already is not an error.
    ///
    /// # Errors
    ///
    /// [`Error::Verification`] when the bytes are not what is `expected`, [`Error::TooLarge`] for a manifest that the store does
    /// not take, and whatever `content` fails with.
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed>;

    /// Gives content that is there a name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the content is not there, [`Error::InvalidReference`] when it cannot have that name, such as
    /// the digest of other content, [`Error::Unsupported`] when only manifests have names and this is none.
    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()>;

    /// Stores content and names it. A registry does so with one request.
    ///
    /// # Errors
    ///
    /// As of [`push`](Self::push) and [`tag`](Self::tag).
    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        let pushed = self.push(expected, content)?;
        self.tag(expected, reference)?;
        Ok(pushed)
    }

    /// Stores content, other than a manifest, of which nothing is known before it was read to its end, and describes it by its
    /// SHA-256 digest. Answers as well whether it was there already, as far as that turned out.
    ///
    /// `None` says that this store must know first what it is to store. Then nothing was read of the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the stream cannot be read. What was stored until then is not found by anybody.
    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        let _ = (media_type, stream);
        Ok(None)
    }

    /// Stores content, other than a manifest, that the repository `from` of the same registry has as well, if possible
    /// without its bytes. `content` is opened only if they are needed after all.
    ///
    /// That it is not possible, or not allowed, is an answer and no error: then the content can still be
    /// [pushed](Self::push).
    ///
    /// # Errors
    ///
    /// As of [`push`](Self::push).
    fn mount(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        let _ = (expected, content, from);
        Ok(Mount::Unsupported)
    }

    /// Returns this store as one that keeps indexes, if it does. Verbs use it for batches and repairs.
    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        None
    }
}

/// A [`Target`] that keeps indexes besides its content: `index.json` of a layout, the referrers tags of
/// a registry. Such a store can defer index updates, and can have content that no index lists yet.
///
/// Other stores do not implement this trait. Verbs reach it by [`Target::as_indexed`].
pub trait IndexedTarget: Target {
    /// Waits until pushed content is durable and listed. Outside of batches,
    /// [`push_reference`](Target::push_reference) and [`tag`](Target::tag) do so themselves.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the content cannot be made durable, and the errors of
    /// [`finish_batch`](Self::finish_batch).
    fn sync(&self) -> Result<()>;

    /// Starts a batch. Until it finishes, the store may defer work that one update can do for many
    /// pushes and tags, such as saving an index. Until the batch ends, reads through this store see the
    /// deferred changes; other processes may not. Batches may be nested: only the end of the outermost
    /// has an effect.
    ///
    /// [`Batch`] finishes a batch on every path.
    fn start_batch(&self);

    /// Finishes a batch: does the deferred work.
    ///
    /// # Errors
    ///
    /// Same as [`push`](Target::push) and [`tag`](Target::tag), for any operation since the batch
    /// started. A failure that an earlier read of the batch reported is returned here again, unless
    /// the deferred work was done since.
    fn finish_batch(&self) -> Result<()>;

    /// Stores content although an earlier [`exists`](Source::exists) reported it present (the store was
    /// wrong). Skips the existence check.
    ///
    /// # Errors
    ///
    /// Same as [`push`](Target::push).
    fn push_unchecked(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.push(expected, content)
    }

    /// Makes sure an existing manifest is listed as a referrer of its subject. A client that was
    /// interrupted may have pushed it without updating the referrers tag.
    ///
    /// # Errors
    ///
    /// If the referrers tag can be neither read nor written.
    fn ensure_listed(&self, manifest: &RawManifest) -> Result<()> {
        let _ = manifest;
        Ok(())
    }
}

/// Lists tags.
pub trait TagLister {
    /// Hands the tags after `last` to `visit`, a page at a time, until there are no more or it says stop.
    ///
    /// # Errors
    ///
    /// When the tags cannot be listed. That there are none is no error; that there is no such repository may be one.
    fn tags(
        &self,
        last: Option<&str>,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Finds what is attached to content.
pub trait Referrers: Source {
    /// Hands the referrers of `subject` to `visit`, a page at a time, until there are no more or it says stop: the manifests
    /// that name its digest as their subject, with their artifact types and annotations. With an `artifact_type`, only those
    /// of that type. Each comes once, in no order that could be relied on.
    ///
    /// Who attaches to what attaches is not among them. What a registry lists is not verified: who goes on with a referrer
    /// and depends on what it is attached to asks its manifest, by [`Referrer::from_manifest`](crate::oci::referrers::Referrer::from_manifest).
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::Error::TooLarge) when there are more than
    /// [`MAX_REFERRERS`](crate::oci::referrers::MAX_REFERRERS). That the subject does not exist is no error.
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// A [`Source`] that tells what it has: all tags, and all that is attached.
pub trait Inventory: Referrers + TagLister {}

impl<S: Referrers + TagLister + ?Sized> Inventory for S {}

/// Removes content and names.
pub trait Delete {
    /// Removes content with all its tags. What the content referred to stays, unless the store is one that removes by itself
    /// what nothing needs any more.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::Error::NotFound) when the content is not there.
    fn delete(&self, target: &Descriptor) -> Result<()>;

    /// Removes a tag. What it named stays.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::Error::NotFound) when there is no such tag,
    /// [`InvalidReference`](crate::Error::InvalidReference) when it is a digest.
    fn untag(&self, tag: &str) -> Result<()>;
}

/// What became of content that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It was stored.
    Stored,
    /// It was there already.
    AlreadyThere,
}

/// What became of content that was to be taken from another repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The registry has it, without having received it.
    Mounted,
    /// The registry did not find it there, and received it instead.
    Pushed,
    /// Nothing: the store does not do this, or not from that repository.
    Unsupported,
}

/// A batch of pushes and tags: the store updates its indexes once, at the end.
///
/// ```
/// use oras::layout::LayoutStore;
/// use oras::store::{Batch, Target};
/// use oras::{Descriptor, MediaType};
/// # let directory = std::env::temp_dir().join(format!("oras-doc-batch-{}", std::process::id()));
///
/// let layout = LayoutStore::create_or_open(&directory)?;
/// let index = br#"{"schemaVersion":2,"manifests":[]}"#;
/// let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index);
/// let batch = Batch::start(&layout);
/// for tag in ["v1", "v1.2", "latest"] {
///     layout.push_reference(&descriptor, &mut index.as_slice(), tag)?;
/// }
/// // `index.json` lists the tags from here on.
/// batch.finish()?;
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
#[must_use = "a batch finishes when it is dropped"]
pub struct Batch<'t> {
    /// `None` after the batch finished, and for stores that keep no index.
    target: Option<&'t dyn IndexedTarget>,
}

impl<'t> Batch<'t> {
    /// Starts a batch. For a store that keeps no index, the batch has no effect.
    pub fn start(target: &'t dyn Target) -> Self {
        let target = target.as_indexed();
        if let Some(target) = target {
            target.start_batch();
        }
        Self { target }
    }

    /// Finishes the batch.
    ///
    /// # Errors
    ///
    /// See [`IndexedTarget::finish_batch`].
    pub fn finish(mut self) -> Result<()> {
        self.target
            .take()
            .map_or(Ok(()), IndexedTarget::finish_batch)
    }
}

impl Drop for Batch<'_> {
    /// Finishes a batch that the caller left early. The caller is already returning an error, so the
    /// result is ignored.
    fn drop(&mut self) {
        if let Some(target) = self.target.take() {
            let _ = target.finish_batch();
        }
    }
}

/// How many batches of a store are open.
#[derive(Debug, Default)]
pub(crate) struct Batches(Cell<usize>);

impl Batches {
    pub(crate) fn start(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// Ends one, and returns whether it was the outermost.
    pub(crate) fn finish(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        !self.is_open()
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.0.get() > 0
    }
}

/// Content of one store on its way to another.
pub struct Fetched<'a, S: Source + ?Sized> {
    source: &'a S,
    descriptor: &'a Descriptor,
}

impl<'a, S: Source + ?Sized> Fetched<'a, S> {
    /// What `descriptor` names in `source`.
    pub const fn new(source: &'a S, descriptor: &'a Descriptor) -> Self {
        Self { source, descriptor }
    }
}

impl<S: Source + ?Sized> Content for Fetched<'_, S> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.source.fetch(self.descriptor)?))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        let reader = self.source.fetch(self.descriptor)?;
        if reader.descriptor().is_same_bytes(expected) {
            Ok(reader)
        } else {
            Ok(VerifyReader::new(reader, expected.clone()))
        }
    }
}

/// Refuses what cannot be a name of `target`. A digest as the name of something else would make it mean two things.
pub(crate) fn check_name(target: &Descriptor, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "empty tag"
    } else if name != target.digest.as_str() && name.parse::<Digest>().is_ok() {
        "this is the digest of other content"
    } else {
        return Ok(());
    };
    Err(Error::InvalidReference {
        reference: name.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Refuses content of more than `limit` bytes that is to be held in memory, such as a manifest.
pub(crate) fn check_size(target: &Descriptor, limit: u64) -> Result<()> {
    if target.size <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "content".to_owned(),
        size: target.size,
        limit,
        limit_name: "MaxMetadataBytes",
    })
}

/// Refuses what is no tag but a digest: content is removed by its descriptor.
pub(crate) fn check_is_tag(tag: &str) -> Result<()> {
    if tag.parse::<Digest>().is_err() {
        return Ok(());
    }
    Err(Error::InvalidReference {
        reference: tag.to_owned(),
        reason: "this is a digest, not a tag".to_owned(),
    })
}
