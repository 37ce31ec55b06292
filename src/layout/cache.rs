//! A content cache: a layout directory in front of any readable store.
//!
//! [`Cache::over`] puts a [`Cache`] in front of a [`Source`]. Content comes from the cache if it is
//! cached; otherwise it comes from the source and is written to the cache while it is read. Tags
//! and digests are always resolved by the source.
//!
//! ```no_run
//! use oras::layout::cache::Cache;
//! use oras::pull::{PullOptions, pull};
//! use oras::registry::Client;
//!
//! let client = Client::new();
//! let repository = client.repository("localhost:5000/hello")?;
//! let cache = Cache::open("/var/cache/oras")?.on_failure(|error| eprintln!("no cache: {error}"));
//! pull(&cache.over(&repository), "v1", PullOptions::default())?;
//! # Ok::<(), oras::Error>(())
//! ```
//!
//! # Guarantees
//!
//! - **A cache never causes a failure.** Cached content that is unreadable or damaged is fetched
//!   again and replaced. If the cache cannot be written, for example on a full disk, one
//!   [listener](Cache::on_failure) is notified once, and nothing more is written. Only a path that
//!   is not a directory is refused, because that is a mistake.
//! - **Content gets its final name when it is complete and verified.** Content that is read in
//!   part, or does not match its digest, is discarded.
//! - **A hit is read twice**, once to verify it and once to return it. With one read, the caller
//!   would already have the first bytes when the last one shows that the file is damaged. Reading
//!   the local disk twice costs less than one download, and needs no memory. The second
//!   [`VerifyReader`] detects changes in between. Manifests are read once: they are held in memory.
//!   So are files whose copy shares their blocks, because the copy is verified.
//! - **The directory can be deleted at any time**, completely or in part, also while it is in use.
//!   The cache itself never removes content, so its user limits the size.
//! - **Many processes can use one cache** concurrently. Each writes temporary files of its own and
//!   renames them. Abandoned temporary files of killed processes are removed by the next process
//!   that writes.
//!
//! # Media types and access rights
//!
//! Content is identified by its digest alone. Its media type is the one that the caller gives,
//! whichever client cached it.
//!
//! A reference is resolved by the source with the credentials of the caller, so no caller gets a
//! manifest by tag or digest without the right to read it. The blobs of a manifest, however, are
//! returned without a check whether the caller may read them in the repository they came from. A
//! cache is therefore for callers that may read everything in it: a directory that the cache
//! creates is accessible only to its owner.
//!
//! # On the disk
//!
//! The directory is an ordinary layout, and any layout can be used as a cache; other programs that
//! cache in layouts can share it. Its `index.json` lists cached manifests without tags. It is
//! updated after many manifests, or when the cache is dropped. No other file is flushed to the
//! disk. Files that a system crash damages are fetched again.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::blob_cache::{BlobCache, PendingBlob};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, RawManifest};
use crate::progress::sync::Lock;
use crate::store::{
    ContentReader, ContentSink, Fetched, Source, VerifyReader, check_size, if_resumable,
};

/// Limit of manifests that are not listed yet. An update reads and writes the whole `index.json`.
const MAX_UNLISTED: usize = 1024;

/// A directory of cached content.
pub struct Cache {
    /// `None` if nothing is cached.
    blobs: Option<BlobCache>,
    /// Notified of the first write error.
    listener: Lock<Option<Listener>>,
    /// Whether a write failed: nothing more is written.
    has_failed: AtomicBool,
    /// Cached manifests that `index.json` does not list yet.
    unlisted: Lock<Vec<Descriptor>>,
}

/// Callback for the first write error.
type Listener = Box<dyn FnOnce(&Error) + Send>;

impl Cache {
    /// Opens the cache in the directory `path`, which is created for the first blob.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if `path` exists and is not a directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            blobs: Some(BlobCache::new(path.into())?),
            listener: Lock::new(None),
            has_failed: AtomicBool::new(false),
            unlisted: Lock::default(),
        })
    }

    /// Returns a cache that stores nothing: everything comes from the source.
    pub const fn none() -> Self {
        Self {
            blobs: None,
            listener: Lock::new(None),
            has_failed: AtomicBool::new(false),
            unlisted: Lock::new(Vec::new()),
        }
    }

    /// Notifies `listener` of the first write error. Afterwards the cache is only read.
    #[must_use]
    pub fn on_failure(self, listener: impl FnOnce(&Error) + Send + 'static) -> Self {
        self.listener.replace(Some(Box::new(listener)));
        self
    }

    /// Returns `source` with this cache in front of it.
    pub const fn over<'c>(&'c self, source: &'c dyn Source) -> Cached<'c> {
        Cached {
            source,
            cache: self,
        }
    }

    /// Whether `reference` is a digest that has a cached file, or the beginning of one.
    fn may_have(&self, reference: &str) -> bool {
        self.blobs.as_ref().is_some_and(|blobs| {
            let digest = reference.parse::<Digest>();
            digest.is_ok_and(|digest| blobs.may_have(&digest))
        })
    }

    fn has_beginning(&self, target: &Descriptor) -> bool {
        (self.blobs.as_ref()).is_some_and(|blobs| blobs.has_beginning(&target.digest))
    }

    /// Verifies cached content and opens it.
    fn open_verified(&self, target: &Descriptor) -> Option<VerifyReader<'static>> {
        let file = self.open_from(target, 0)?;
        Some(VerifyReader::new(file, target.clone()))
    }

    /// Verifies cached content and opens it at `offset` bytes from its start.
    fn open_from(&self, target: &Descriptor, offset: u64) -> Option<File> {
        let blobs = self.blobs.as_ref()?;
        let mut file = blobs.open(target)?;
        VerifyReader::new(&mut file, target.clone())
            .copy_to(&mut io::sink(), "")
            .ok()?;
        blobs.remove_beginnings(target);
        file.seek(SeekFrom::Start(offset)).ok()?;
        Some(file)
    }

    /// Reads and verifies a cached manifest.
    fn read_manifest(&self, target: &Descriptor, limit: u64) -> Option<RawManifest> {
        let reader = VerifyReader::new(self.blobs.as_ref()?.open(target)?, target.clone());
        reader.read_manifest(limit).ok()
    }

    /// Opens content of the source and caches it if it is read to its end. `opened` is the content
    /// if it is open already. An earlier beginning of it is continued otherwise.
    fn store_while_reading<'r>(
        &'r self,
        source: &'r dyn Source,
        target: &Descriptor,
        opened: Option<VerifyReader<'r>>,
    ) -> Result<VerifyReader<'r>> {
        // A manifest is small. Continuing it would make the next command fail if it were wrong.
        let resumable = if_resumable(&mut Fetched::new(source, target), target)
            .filter(|target| !target.media_type.is_manifest());
        let mut writer = self.start(target, resumable);
        let reader = match (opened, writer.as_mut().and_then(CacheWriter::beginning)) {
            (Some(reader), None) => reader,
            (None, None) => source.fetch(target)?,
            (_, Some((beginning, length))) => {
                let rest = target.clone();
                VerifyReader::resuming(target, beginning, length, move || {
                    source.fetch_from(&rest, length)
                })
            }
        };
        Ok(match writer {
            Some(writer) => reader.tee_to(writer),
            None => reader,
        })
    }

    /// Starts to cache content.
    fn start(
        &self,
        content: &Descriptor,
        resumable: Option<&Descriptor>,
    ) -> Option<CacheWriter<'_>> {
        Some(CacheWriter {
            cache: self,
            content: content.clone(),
            pending: Some(self.try_write(|blobs| blobs.start(resumable))?),
        })
    }

    /// Writes to the cache, unless an earlier write failed.
    fn try_write<'s, T>(&'s self, write: impl FnOnce(&'s BlobCache) -> Result<T>) -> Option<T> {
        let blobs = self.blobs.as_ref()?;
        if self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        write(blobs)
            .inspect_err(|error| {
                self.has_failed.store(true, Ordering::Relaxed);
                // A separate statement: the lock must end before the call.
                let listener = self.listener.take();
                if let Some(listener) = listener {
                    listener(error);
                }
            })
            .ok()
    }

    fn list(&self) {
        let unlisted = self.unlisted.take();
        if !unlisted.is_empty() {
            self.try_write(|blobs| blobs.list(&unlisted));
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.list();
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("blobs", &self.blobs)
            .finish_non_exhaustive()
    }
}

/// A [`Source`] behind a [`Cache`].
pub struct Cached<'c> {
    source: &'c dyn Source,
    cache: &'c Cache,
}

impl fmt::Debug for Cached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("cache", self.cache)
            .finish_non_exhaustive()
    }
}

impl Source for Cached<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        if let Some(cached) = self.cache.open_verified(target) {
            return Ok(cached);
        }
        self.cache.store_while_reading(self.source, target, None)
    }

    /// Content that is not cached is not fetched in part, because only all of it can be cached.
    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        if self.cache.blobs.is_none() {
            return self.source.fetch_from(target, offset);
        }
        if offset >= target.size {
            return Ok(None);
        }
        let file = self.cache.open_from(target, offset);
        Ok(file.map(|file| Box::new(file) as Box<dyn Read + Send>))
    }

    fn open_file(&self, target: &Descriptor) -> Option<File> {
        match &self.cache.blobs {
            Some(blobs) => blobs.open(target),
            None => self.source.open_file(target),
        }
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        Ok(self.cache.open_verified(target).is_some() || self.source.exists(target)?)
    }

    /// Sends one request to the source. Cached content is only resolved there, which a registry
    /// answers without a body.
    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        if self.cache.may_have(reference) {
            match self.source.resolve(reference) {
                Ok(descriptor) => {
                    if descriptor.media_type.is_manifest() {
                        check_size(&descriptor, limit)?;
                    }
                    if let Some(cached) = self.cache.open_verified(&descriptor) {
                        return Ok((descriptor, cached));
                    }
                    if self.cache.has_beginning(&descriptor) {
                        let reader =
                            self.cache
                                .store_while_reading(self.source, &descriptor, None)?;
                        return Ok((descriptor, reader));
                    }
                }
                Err(
                    error @ (Error::Transport { .. }
                    | Error::Unauthorized { .. }
                    | Error::Cancelled { .. }),
                ) => return Err(error),
                // A response to `HEAD` has no error body, and some registries send a wrong status.
                // The request without a cache reports the actual error.
                Err(_) => {}
            }
        }
        let (descriptor, reader) = self.source.fetch_reference(reference, limit)?;
        let reader = match self.cache.open_verified(&descriptor) {
            Some(cached) => cached,
            None => (self.cache).store_while_reading(self.source, &descriptor, Some(reader))?,
        };
        Ok((descriptor, reader))
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        if let Some(cached) = self.cache.read_manifest(target, limit) {
            return Ok(cached);
        }
        let manifest = self.source.fetch_manifest(target, limit)?;
        if let Some(mut writer) = self.cache.start(manifest.descriptor(), None) {
            writer.write(manifest.bytes());
            Box::new(writer).commit();
        }
        Ok(manifest)
    }
}

/// Content that is being cached.
struct CacheWriter<'c> {
    cache: &'c Cache,
    content: Descriptor,
    /// `None` after a write error.
    pending: Option<PendingBlob<'c>>,
}

impl CacheWriter<'_> {
    fn beginning(&mut self) -> Option<(File, u64)> {
        let beginning = self.pending.as_mut()?.beginning();
        // Without a beginning that can be read or removed, nothing is cached.
        beginning.unwrap_or_else(|_| {
            if let Some(pending) = self.pending.take() {
                pending.discard();
            }
            None
        })
    }
}

impl ContentSink for CacheWriter<'_> {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(mut pending) = self.pending.take() {
            self.pending = self
                .cache
                .try_write(|_| pending.write(bytes).map(|()| pending));
        }
    }

    fn reject(self: Box<Self>) {
        if let Some(pending) = self.pending {
            pending.discard();
        }
    }

    fn commit(self: Box<Self>) {
        let Some(pending) = self.pending else {
            return;
        };
        let placed = self
            .cache
            .try_write(|_| pending.persist(&self.content.digest));
        if placed.is_none() || !self.content.media_type.is_manifest() {
            return;
        }
        let waiting = {
            let mut unlisted = self.cache.unlisted.lock();
            unlisted.push(self.content);
            unlisted.len()
        };
        if waiting >= MAX_UNLISTED {
            self.cache.list();
        }
    }
}
