//! A layout directory as a cache of blobs that can be fetched again.
//!
//! Only `index.json` is flushed to the disk, and it is saved seldom. A blob that a system crash
//! damaged is detected when it is read, as all content is verified. Other processes may delete any
//! blob at any time.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::LayoutStore;
use super::directory::LayoutDirectory;
use super::writer::Writer;
use crate::error::{Error, IoOp, Result};
use crate::fs::directory;
use crate::fs::temp_file::{BeginningFile as _, TempFile};
use crate::limits::RESUMABLE_BYTES;
use crate::oci::{Descriptor, Digest};
use crate::store::unwritten;

/// A layout directory that is created for the first blob.
#[derive(Debug)]
pub(crate) struct BlobCache {
    directory: LayoutDirectory,
    writer: Writer,
}

impl BlobCache {
    /// Returns the cache in the directory `root`, which need not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if `root` or a parent of it is not a directory.
    pub(crate) fn new(root: PathBuf) -> Result<Self> {
        let is_impossible = match fs::metadata(&root) {
            Ok(metadata) => !metadata.is_dir(),
            Err(error) => error.kind() == io::ErrorKind::NotADirectory,
        };
        if is_impossible {
            let error = io::ErrorKind::NotADirectory.into();
            return Err(Error::io(IoOp::Mkdir, root)(error));
        }
        Ok(Self {
            directory: LayoutDirectory::new(root.clone()),
            writer: Writer::new(root),
        })
    }

    /// Opens the file of a blob if it has the right size. The content is not verified.
    pub(crate) fn open(&self, target: &Descriptor) -> Option<File> {
        self.directory.open_blob(target)
    }

    /// Whether there is a file with the name of the digest, or the beginning of one.
    pub(crate) fn may_have(&self, digest: &Digest) -> bool {
        self.writer.blob_path(digest).is_file() || self.has_beginning(digest)
    }

    /// Whether there is the beginning of a blob.
    pub(crate) fn has_beginning(&self, digest: &Digest) -> bool {
        self.writer.has_beginning(digest)
    }

    /// Removes beginnings of blobs that exist. Smaller blobs than `target` have none.
    pub(crate) fn remove_beginnings(&self, target: &Descriptor) {
        if target.size >= RESUMABLE_BYTES {
            self.writer.remove_leftovers();
        }
    }

    /// Starts to write a blob, or continues it if it is `resumable`.
    pub(crate) fn start(&self, resumable: Option<&Descriptor>) -> Result<PendingBlob<'_>> {
        self.create()?;
        let temp = self.writer.scratch_file(resumable)?;
        Ok(PendingBlob {
            skip: temp.kept_bytes(),
            temp,
            cache: self,
        })
    }

    /// Adds cached manifests to `index.json`, so that other programs find them when they read the
    /// directory as a layout.
    pub(crate) fn list(&self, targets: &[Descriptor]) -> Result<()> {
        self.create()?;
        let layout = LayoutStore::create_or_open(&self.directory.root)?;
        layout.edit_index(|index| {
            for target in targets {
                index.list(target);
            }
            Ok(())
        })
    }

    /// Creates missing files and directories of the layout. New directories are private, because
    /// the content was read with the credentials of their owner.
    fn create(&self) -> Result<()> {
        if self.directory.is_complete() {
            return Ok(());
        }
        directory::create_private(&self.directory.root)?;
        self.directory.complete(&self.writer)
    }
}

/// A blob that is being written. Dropping it removes what was written, unless it can be continued.
#[derive(Debug)]
pub(crate) struct PendingBlob<'s> {
    temp: TempFile,
    /// Number of bytes at the start that are written.
    skip: u64,
    cache: &'s BlobCache,
}

impl PendingBlob<'_> {
    /// Returns a file with the beginning of the blob, and the length of the beginning. The file is
    /// to be read to there, and all of the blob to be written.
    pub(crate) fn beginning(&mut self) -> Result<Option<(File, u64)>> {
        let beginning = self.temp.beginning();
        self.skip = self.temp.kept_bytes();
        beginning.map_err(Error::io(IoOp::Write, &self.cache.directory.root))
    }

    /// Appends to the blob. Bytes of the beginning are left out.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.temp.write_all(unwritten(&mut self.skip, bytes));
        if written.is_err() {
            self.temp.keep_nothing();
        }
        written.map_err(Error::io(IoOp::Write, &self.cache.directory.root))
    }

    /// Removes the blob, even if it could be continued.
    pub(crate) fn discard(mut self) {
        self.temp.keep_nothing();
    }

    /// Renames the blob to its final name, replacing an existing file. The content must be complete
    /// and verified. If another process removed the file concurrently, it stays removed.
    pub(crate) fn persist(self, digest: &Digest) -> Result<()> {
        match self.cache.writer.persist(self.temp, digest) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            placed => placed,
        }
    }
}
