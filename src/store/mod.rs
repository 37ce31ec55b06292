//! Store traits, the verifying reader, and the small stores: memory and files.
//!
//! A store of one's own implements three methods to be read ([`Source`]), and two more to be
//! written ([`Target`]). All other methods have defaults that are correct for every store. A store
//! overrides those that it can do with fewer requests.
//!
//! The documentation of a method lists the errors that callers may want to distinguish. Besides
//! these, each method can fail with the errors of its medium: [`Error::Io`] on a disk;
//! [`Error::Transport`], [`Error::Refused`], [`Error::Unauthorized`] and [`Error::Protocol`] at a
//! registry.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::limits::Limit;
use crate::oci::{Descriptor, Digest, MediaType, RawManifest, RepositoryName};

pub mod content;
pub(crate) mod files;
mod forward;
pub mod memory;
mod seekable;

#[cfg(feature = "archive")]
pub(crate) use self::content::SavingSink;
pub(crate) use self::content::{
    Content, ContentReader, ContentSink, FileContent, HashFile, ObservedContent, ProgressReader,
    ReportStart, STREAM, VerifyReader, copy_hashing, copy_resuming, hash, if_resumable,
    name_needed, unwritten,
};
pub(crate) use self::files::FileStore;
pub(crate) use self::memory::MemoryStore;
pub use self::seekable::SeekableBlob;
pub(crate) use self::seekable::{fetch_and_skip, skip};

/// Reads content by descriptor and finds descriptors by name.
pub trait Source: Send + Sync {
    /// Returns the descriptor that a tag or digest refers to.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the reference does not exist, [`Error::InvalidReference`] if it is
    /// not valid.
    fn resolve(&self, reference: &str) -> Result<Descriptor>;

    /// Opens content, to be verified while it is read.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing. A difference from `target` may be reported
    /// only while the content is read.
    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>>;

    /// Opens content at `offset` bytes from its start, which is at most its size. The bytes are
    /// not verified: no digest covers only a part.
    ///
    /// Returns `None` if the store cannot start in the middle of this content, which is the
    /// default. The caller can [`fetch`](Self::fetch) it from its start.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing.
    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let _ = (target, offset);
        Ok(None)
    }

    /// Opens the file that has the content, and nothing else, if there is one. Its bytes are not
    /// verified. A copy of the content may share the blocks of the file on the disk.
    ///
    /// By default `None`.
    fn open_file(&self, target: &Descriptor) -> Option<File> {
        let _ = target;
        None
    }

    /// Whether the content exists.
    ///
    /// # Errors
    ///
    /// If the store cannot be read. Missing content is not an error: returns `Ok(false)`.
    fn exists(&self, target: &Descriptor) -> Result<bool>;

    /// Resolves a reference and opens the content, in one request at a registry. A manifest may
    /// have at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Same as [`resolve`](Self::resolve), plus [`Error::TooLarge`].
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
    /// [`Error::NotFound`], [`Error::TooLarge`], and [`Error::Verification`] if the bytes do not
    /// match `target`.
    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        let manifest = self.fetch(target)?.against(target).read_manifest(limit)?;
        Ok(manifest.with_descriptor(target.clone()))
    }

    /// Resolves a tag or digest and reads the manifest, of at most `limit` bytes, into memory.
    ///
    /// # Errors
    ///
    /// Same as [`resolve`](Self::resolve), plus [`Error::TooLarge`] and [`Error::Verification`].
    fn fetch_manifest_by_reference(&self, reference: &str, limit: u64) -> Result<RawManifest> {
        let (descriptor, reader) = self.fetch_reference(reference, limit)?;
        let manifest = reader.against(&descriptor).read_manifest(limit)?;
        Ok(manifest.with_descriptor(descriptor))
    }
}

/// A [`Source`] that also accepts content.
pub trait Target: Source {
    /// Stores content, which is verified while it is written. Nothing is stored if verification
    /// fails.
    ///
    /// `content` is opened only if its bytes are needed. Existing content is not an error.
    ///
    /// # Errors
    ///
    /// [`Error::Verification`] if the bytes do not match `expected`, [`Error::TooLarge`] for a
    /// manifest over the limit of the store, and the errors of `content`.
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed>;

    /// Tags existing content.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing, [`Error::InvalidReference`] if the reference
    /// is not valid, such as the digest of other content, [`Error::Unsupported`] if the store tags
    /// only manifests and this is not a manifest.
    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()>;

    /// Stores content and tags it, in one request at a registry.
    ///
    /// # Errors
    ///
    /// Same as [`push`](Self::push) and [`tag`](Self::tag).
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

    /// Stores a blob whose digest is not known before it was read. Returns its descriptor, with a
    /// SHA-256 digest, and whether it existed, if the store noticed.
    ///
    /// Returns `None`, without reading the stream, if the store requires the digest in advance.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the stream cannot be read. Bytes stored before an error are not reachable.
    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        let _ = (media_type, stream);
        Ok(None)
    }

    /// Mounts a blob from the repository `from` of the same registry. `content` is opened only if
    /// the registry requires the bytes.
    ///
    /// A mount that is not possible or not allowed is not an error: returns [`Mount::Unsupported`],
    /// and the caller can [`push`](Self::push) the blob.
    ///
    /// # Errors
    ///
    /// Same as [`push`](Self::push).
    fn mount(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        let _ = (expected, content, from);
        Ok(Mount::Unsupported)
    }

    /// Returns this store as one that keeps indexes, if it does. Verbs use it for batches and
    /// repairs.
    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        None
    }
}

/// A [`Target`] that keeps indexes besides its content: `index.json` of a layout, the referrers
/// tags of a registry. Such a store can defer index updates, and can have content that no index
/// lists yet.
///
/// Other stores do not implement this trait. Verbs reach it by [`Target::as_indexed`].
pub trait IndexedTarget: Target {
    /// Waits until pushed content is durable and listed. Outside of batches,
    /// [`push_reference`](Target::push_reference) and [`tag`](Target::tag) do so themselves. A
    /// caller that pushes only blobs needs this method.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the content cannot be made durable, and the errors of
    /// [`finish_batch`](Self::finish_batch).
    fn sync(&self) -> Result<()>;

    /// Starts a batch. Until it finishes, the store may defer work that one update can do for many
    /// pushes and tags, such as saving an index. Until the batch ends, reads through this store see
    /// the deferred changes; other processes may not. Batches may be nested: only the end of the
    /// outermost has an effect.
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

    /// Makes the next tagging with `tag` in the current batch fail with
    /// [`Conflict::TagExists`](crate::error::Conflict::TagExists) if the tag has other content when
    /// it is saved, so that a tag is checked and set in one step. Returns whether it will. By
    /// default, and outside of batches, this has no effect.
    fn require_new_tag(&self, tag: &str) -> bool {
        let _ = tag;
        false
    }

    /// Stores content although an earlier [`exists`](Source::exists) reported it present (the store
    /// was wrong). Skips the existence check.
    ///
    /// # Errors
    ///
    /// Same as [`push`](Target::push).
    fn push_unchecked(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.push(expected, content)
    }

    /// Returns the digests of those `blobs` that the store is known to have, without a request for
    /// each. `reference` is the tag of a manifest that probably lists some of them: the one that a
    /// manifest with these blobs is about to replace.
    ///
    /// The knowledge may be out of date. A caller that skips a known blob sends it with
    /// [`push`](Target::push) if the store then refuses a manifest with it. By default, no blob is
    /// known.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`]. A failed request is not an error.
    fn known_blobs(
        &self,
        blobs: &[Descriptor],
        reference: Option<&str>,
    ) -> Result<HashSet<Digest>> {
        let _ = (blobs, reference);
        Ok(HashSet::new())
    }

    /// Whether to store a blob of this size with [`push_stream`](Target::push_stream), although its
    /// content can be read twice: the store needs no digest in advance, and has no blob of this
    /// size that would make storing it unnecessary.
    ///
    /// By default `false`: the digest is computed first.
    fn prefers_stream(&self, size: u64) -> bool {
        let _ = size;
        false
    }

    /// Tags an existing manifest whose bytes the caller has. Unlike
    /// [`push_reference`](Target::push_reference), this does not list the manifest as a referrer of
    /// its subject.
    ///
    /// # Errors
    ///
    /// Same as [`tag`](Target::tag).
    fn tag_manifest(&self, manifest: &RawManifest, reference: &str) -> Result<()> {
        self.push_reference(manifest.descriptor(), &mut &*manifest, reference)
            .map(drop)
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

/// A function that is called with each page of names, until it returns `Break`.
pub type NameVisitor<'v> = &'v mut (dyn FnMut(&[String]) -> ControlFlow<()> + 'v);

/// Lists tags.
pub trait TagLister: Send + Sync {
    /// Calls `visit` with each page of the tags after `last`, until the end or until `visit`
    /// returns `Break`.
    ///
    /// # Errors
    ///
    /// If the tags cannot be listed. An empty list is not an error; a missing repository may be
    /// one.
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()>;
}

/// Lists referrers.
pub trait Referrers: Source {
    /// Calls `visit` with each page of the referrers of `subject`, until the end or until `visit`
    /// returns `Break`. Referrers are the manifests whose `subject` has the digest of `subject`.
    /// Their descriptors contain artifact type and annotations. If `artifact_type` is set, only
    /// referrers of that type are listed. Each referrer is listed once, in unspecified order.
    ///
    /// Referrers of referrers are not listed. The listing of a registry is not verified: a caller
    /// that depends on the subject of a referrer reads the manifest and uses
    /// [`Referrer::from_manifest`](crate::oci::referrers::Referrer::from_manifest).
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if there are more than 100,000. A missing subject is not an error.
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// A [`Source`] that lists its tags and referrers.
pub trait Inventory: Referrers + TagLister {}

impl<S: Referrers + TagLister + ?Sized> Inventory for S {}

/// Deletes content and tags.
pub trait Delete: Send + Sync {
    /// Deletes content with all its tags. Its successors are kept, unless the store collects
    /// unreachable content itself.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing.
    fn delete(&self, target: &Descriptor) -> Result<()>;

    /// Deletes a tag. The content is kept.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the tag is missing, [`Error::InvalidReference`] if it is a digest.
    fn untag(&self, tag: &str) -> Result<()>;
}

/// Result of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The content was stored.
    Stored,
    /// The content existed.
    AlreadyThere,
}

/// Result of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The registry mounted the blob.
    Mounted,
    /// The registry did not mount the blob, and received its bytes instead.
    Pushed,
    /// The store does not mount blobs, or not from that repository.
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

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl Drop for Batch<'_> {
    /// Finishes a batch that the caller left early. The caller is already returning an error, so
    /// the result is ignored.
    fn drop(&mut self) {
        if let Some(target) = self.target.take() {
            let _ = target.finish_batch();
        }
    }
}

/// Content of a source, to be pushed to another store.
pub struct Fetched<'a, S: Source + ?Sized> {
    source: &'a S,
    descriptor: &'a Descriptor,
}

impl<'a, S: Source + ?Sized> Fetched<'a, S> {
    /// Creates content that is fetched from `source` when it is opened.
    pub const fn new(source: &'a S, descriptor: &'a Descriptor) -> Self {
        Self { source, descriptor }
    }
}

impl<S: Source + ?Sized> fmt::Debug for Fetched<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}

impl<S: Source + ?Sized> Content for Fetched<'_, S> {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.source.fetch(self.descriptor)?))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        Ok(self.source.fetch(self.descriptor)?.against(expected))
    }

    fn open_file(&mut self) -> Option<File> {
        self.source.open_file(self.descriptor)
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        self.source.fetch_from(self.descriptor, offset)
    }

    /// Opens the rest when the beginning was read.
    fn open_resumed(
        &mut self,
        expected: &Descriptor,
        beginning: File,
        length: u64,
    ) -> Result<VerifyReader<'_>> {
        let (source, descriptor) = (self.source, self.descriptor);
        let open_rest = move || source.fetch_from(descriptor, length);
        Ok(VerifyReader::resuming(
            expected, beginning, length, open_rest,
        ))
    }
}

/// Checks that a reference can name `target`. The digest of other content would be ambiguous.
pub(crate) fn check_name(target: &Descriptor, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "empty tag"
    } else if name != target.digest.as_str() && name.parse::<Digest>().is_ok() {
        "this is the digest of other content"
    } else {
        return Ok(());
    };
    Err(Error::invalid_reference(name, reason))
}

/// Checks that content to be held in memory, such as a manifest, has at most `limit` bytes.
pub(crate) fn check_size(target: &Descriptor, limit: u64) -> Result<()> {
    Error::check_limit("content", target.size, Limit::MetadataBytes, limit)
}

/// Checks that a tag to be deleted is not a digest. Content is deleted by its descriptor.
pub(crate) fn check_is_tag(tag: &str) -> Result<()> {
    if tag.parse::<Digest>().is_err() {
        return Ok(());
    }
    Err(Error::invalid_reference(tag, "this is a digest, not a tag"))
}
