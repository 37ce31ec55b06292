//! A layout as a blobs of content: what is in it can be had again from elsewhere.
//!
//! So nothing waits for the disk but `index.json`, and that is saved seldom. What a crash of the system leaves of content is
//! found out by whoever reads it, as with all content. Anybody may delete any of it at any time.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::writer::Writer;
use super::{LayoutDirectory, LayoutStore};
use crate::error::{Error, Result};
use crate::fs::directory;
use crate::fs::temp_file::TempFile;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;

/// A layout directory that is made when something is put into it.
#[derive(Debug)]
pub(crate) struct BlobCache {
    directory: LayoutDirectory,
    writer: Writer,
}

impl BlobCache {
    /// The blobs in the directory `root`, which need not be there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it never can be, because something else is there.
    pub(crate) fn new(root: PathBuf) -> Result<Self> {
        let cannot_be = match fs::metadata(&root) {
            Ok(metadata) => !metadata.is_dir(),
            Err(error) => error.kind() == io::ErrorKind::NotADirectory,
        };
        if cannot_be {
            let error = io::ErrorKind::NotADirectory.into();
            return Err(Error::io("mkdir", root)(error));
        }
        Ok(Self {
            directory: LayoutDirectory::new(root.clone()),
            writer: Writer::new(root),
        })
    }

    /// The file that should be this content, if it has the right size. Whether it is shows when it is read.
    pub(crate) fn open(&self, target: &Descriptor) -> Option<File> {
        let path = self.writer.blob_path(&target.digest);
        // Looked at first, because opening a pipe would wait for a writer.
        let metadata = fs::metadata(&path).ok()?;
        if !metadata.is_file() || metadata.len() != target.size {
            return None;
        }
        File::open(path).ok()
    }

    /// Whether there is a file that should be the content of this digest.
    pub(crate) fn may_have(&self, digest: &Digest) -> bool {
        self.writer.blob_path(digest).is_file()
    }

    /// Room for content that comes.
    pub(crate) fn begin(&self) -> Result<PendingBlob<'_>> {
        self.make()?;
        Ok(PendingBlob {
            temp: self.writer.scratch_file()?,
            blobs: self,
        })
    }

    /// Lists manifests that are there, so that whoever takes the blobs for a layout finds them.
    pub(crate) fn list(&self, targets: &[Descriptor]) -> Result<()> {
        self.make()?;
        let layout = LayoutStore::create_or_open(&self.directory.root)?;
        layout.edit_index(|index| targets.iter().for_each(|target| index.list(target)))
    }

    /// Makes what is missing of a layout. A directory that is made is nobody else's affair: it holds what was read with the
    /// rights of its owner.
    fn make(&self) -> Result<()> {
        if self.directory.is_complete() {
            return Ok(());
        }
        directory::create_private(&self.directory.root)?;
        self.directory.complete(&self.writer)
    }
}

/// Content on its way into the blobs. Dropping it forgets it.
#[derive(Debug)]
pub(crate) struct PendingBlob<'s> {
    temp: TempFile,
    blobs: &'s BlobCache,
}

impl PendingBlob<'_> {
    /// Writes more of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.temp.file().write_all(bytes);
        written.map_err(Error::io("write", &self.blobs.directory.root))
    }

    /// Gives it its name, now that it is complete and verified, in the place of whatever has that name. If somebody deleted
    /// it meanwhile, that is how it should be.
    pub(crate) fn place(self, digest: &Digest) -> Result<()> {
        match self.blobs.writer.place(self.temp, digest) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            placed => placed,
        }
    }
}
