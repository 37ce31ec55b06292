//! A cache of content: a layout directory in front of any store that is read from.
//!
//! [`Cache::over`] puts a [`Cache`] in front of a [`Source`]. What that is asked for comes from the cache if it is there, and
//! otherwise from the source, and is written to the cache while it is read. What a name stands for is always asked of the
//! source, a digest included; this module knows nothing of registries, and a layout nothing of this.
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
//! # What can be relied on
//!
//! - **A cache never makes anything fail.** What it has and cannot be read, or is not what its name says, is fetched again and
//!   replaced. When it cannot be written, such as on a full disk, one [listener](Cache::on_failure) is told, once, and nothing
//!   more is written. Only a path that is no directory is refused, because that is a mistake.
//! - **Content gets its name when it is complete and verified.** What is read only in part, or turns out to be wrong, is
//!   forgotten.
//! - **A hit is read twice**, once to verify it and once to hand it out. By the time the last byte shows that a file is broken,
//!   the others would be out, and nobody could take them back. Reading the local disk twice costs less than the network once,
//!   and needs no memory. Whatever happens to the file between the two is found by the second
//!   [`VerifyReader`], as always. Manifests are read once: they are held in memory.
//! - **The directory can be deleted at any time**, all of it or any part, also while it is in use. Nothing else removes
//!   anything from it, so who uses one says how large it may become.
//! - **Many processes can use one** at once. Each writes files of its own and renames them, and what killed ones left behind is
//!   removed by the next one that writes.
//!
//! # What the digest does not say
//!
//! Content is known by its digest alone. Its media type is what who asks says, whoever put it there.
//!
//! A name is resolved at the source, with the caller's own credentials, so nobody gets at a manifest by its tag or digest who
//! may not. But what a manifest refers to is handed out without asking whether the caller may read that too, in whichever
//! repository it once was found. So a cache belongs to those who may read everything that is in it: the directory, when it is
//! made here, is for its owner only.
//!
//! # On the disk
//!
//! The directory is an ordinary layout, and a layout can be used as a cache; other programs that have one like it share it. Its
//! `index.json` lists the manifests that were put there, without tags, some time after: when many came together, or at the end.
//! No other file waits for the disk. After a crash of the system some may be broken, and are fetched again.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use super::blob_cache::{BlobCache, PendingBlob};
use crate::error::{Error, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::RawManifest;
use crate::store::content::{ContentSink, VerifyReader};
use crate::store::{Source, check_size};

/// How many manifests may wait to be listed. To list them takes reading and writing all of `index.json`.
const MAX_UNLISTED: usize = 1024;

/// A directory of content that was read before.
pub struct Cache {
    /// None when there is nothing and nothing is kept.
    blobs: Option<BlobCache>,
    /// None once nothing is kept any more.
    keeping: Cell<Option<Listener>>,
    /// Manifests that were stored and that `index.json` does not list yet.
    unlisted: RefCell<Vec<Descriptor>>,
}

/// Is told why the cache cannot be written, once.
type Listener = Box<dyn FnOnce(&Error) + Send>;

impl Cache {
    /// The cache in the directory `path`, which is made when there is something to put into it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when there is something else than a directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            blobs: Some(BlobCache::new(path.into())?),
            keeping: Cell::new(Some(Box::new(|_| ()))),
            unlisted: RefCell::default(),
        })
    }

    /// No cache: everything comes from the source.
    pub const fn none() -> Self {
        Self {
            blobs: None,
            keeping: Cell::new(None),
            unlisted: RefCell::new(Vec::new()),
        }
    }

    /// Tells `listener` when the cache cannot be written. It goes on to be read, and is not written again.
    #[must_use]
    pub fn on_failure(self, listener: impl FnOnce(&Error) + Send + 'static) -> Self {
        if self.blobs.is_some() {
            self.keeping.set(Some(Box::new(listener)));
        }
        self
    }

    /// What `source` has, through this cache.
    pub const fn over<'c>(&'c self, source: &'c dyn Source) -> Cached<'c> {
        Cached {
            source,
            cache: self,
        }
    }

    /// Whether `reference` is a digest of which there is a file.
    fn may_have(&self, reference: &str) -> bool {
        self.blobs.as_ref().is_some_and(|blobs| {
            let digest = reference.parse::<Digest>();
            digest.is_ok_and(|digest| blobs.may_have(&digest))
        })
    }

    /// Opens content that is here, whole and right.
    fn open_verified(&self, target: &Descriptor) -> Option<VerifyReader<'static>> {
        let mut file = self.blobs.as_ref()?.open(target)?;
        VerifyReader::new(&mut file, target.clone())
            .copy_to(&mut io::sink(), Path::new(""))
            .ok()?;
        file.rewind().ok()?;
        Some(VerifyReader::new(file, target.clone()))
    }

    /// Reads a manifest that is here, whole and right.
    fn read_manifest(&self, target: &Descriptor, limit: u64) -> Option<RawManifest> {
        let reader = VerifyReader::new(self.blobs.as_ref()?.open(target)?, target.clone());
        reader.read_manifest(limit).ok()
    }

    /// Keeps what is read, if it is read to its end.
    fn keep<'r>(&'r self, reader: VerifyReader<'r>) -> VerifyReader<'r> {
        match self.begin(reader.descriptor()) {
            Some(coming) => reader.tee_to(coming),
            None => reader,
        }
    }

    /// Makes room for content that comes.
    fn begin(&self, content: &Descriptor) -> Option<CacheWriter<'_>> {
        Some(CacheWriter {
            cache: self,
            content: content.clone(),
            pending: Some(self.attempt(BlobCache::begin)?),
        })
    }

    /// Writes to the cache, unless that failed before.
    fn attempt<'s, T>(&'s self, write: impl FnOnce(&'s BlobCache) -> Result<T>) -> Option<T> {
        let blobs = self.blobs.as_ref()?;
        let listener = self.keeping.take()?;
        match write(blobs) {
            Ok(written) => {
                self.keeping.set(Some(listener));
                Some(written)
            }
            Err(error) => {
                listener(&error);
                None
            }
        }
    }

    fn list(&self) {
        let unlisted = self.unlisted.take();
        if !unlisted.is_empty() {
            self.attempt(|blobs| blobs.list(&unlisted));
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
        Ok(self.cache.keep(self.source.fetch(target)?))
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        Ok(self.cache.open_verified(target).is_some() || self.source.exists(target)?)
    }

    /// Asks the source once. What comes from the cache is only resolved there, which a registry answers without content.
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
                }
                Err(error @ (Error::Transport { .. } | Error::Unauthorized { .. })) => {
                    return Err(error);
                }
                // An answer without content has no words, and some registries give wrong ones. The same request as without
                // a cache tells what is so.
                Err(_) => {}
            }
        }
        let (descriptor, reader) = self.source.fetch_reference(reference, limit)?;
        let reader = match self.cache.open_verified(&descriptor) {
            Some(cached) => cached,
            None => self.cache.keep(reader),
        };
        Ok((descriptor, reader))
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        if let Some(cached) = self.cache.read_manifest(target, limit) {
            return Ok(cached);
        }
        let manifest = self.source.fetch_manifest(target, limit)?;
        if let Some(mut coming) = self.cache.begin(manifest.descriptor()) {
            coming.write(manifest.bytes());
            Box::new(coming).commit();
        }
        Ok(manifest)
    }
}

/// Content on its way into the cache.
struct CacheWriter<'c> {
    cache: &'c Cache,
    content: Descriptor,
    /// None once it could not be written.
    pending: Option<PendingBlob<'c>>,
}

impl ContentSink for CacheWriter<'_> {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(mut pending) = self.pending.take() {
            self.pending = self
                .cache
                .attempt(|_| pending.write(bytes).map(|()| pending));
        }
    }

    fn commit(self: Box<Self>) {
        let Some(pending) = self.pending else {
            return;
        };
        let placed = self.cache.attempt(|_| pending.place(&self.content.digest));
        if placed.is_none() || !self.content.media_type.is_manifest() {
            return;
        }
        let waiting = {
            let mut unlisted = self.cache.unlisted.borrow_mut();
            unlisted.push(self.content);
            unlisted.len()
        };
        if waiting >= MAX_UNLISTED {
            self.cache.list();
        }
    }
}
