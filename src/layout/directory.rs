//! The files of a layout directory.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use super::index::Index;
use super::index_cache::IndexCache;
use super::reader::{self, LayoutFiles, OpenFile};
use super::writer::Writer;
use crate::error::{Error, IoOp, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::http::clock::{Clock as _, SystemClock};
use crate::oci::Descriptor;

/// Age of a file that no process is about to write, and that systems have flushed: Linux starts to
/// after 30 s.
const MAX_UNFLUSHED_AGE: Duration = Duration::from_secs(60);

/// The files of a layout directory.
#[derive(Debug)]
pub(super) struct LayoutDirectory {
    pub(super) root: PathBuf,
    index_cache: IndexCache,
}

impl LayoutDirectory {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            index_cache: IndexCache::default(),
        }
    }

    /// Opens the file of a blob if it has the right size. The content is not verified.
    pub(super) fn open_blob(&self, target: &Descriptor) -> Option<File> {
        let path = self.root.join(reader::blob_name(&target.digest));
        // Checked first, because opening a pipe would wait for a writer.
        let metadata = fs::metadata(&path).ok()?;
        let is_plausible = metadata.is_file() && metadata.len() == target.size;
        is_plausible.then(|| File::open(path).ok())?
    }

    /// Whether all files exist.
    pub(super) fn is_complete(&self) -> bool {
        self.root.join(reader::BLOBS).exists()
            && [reader::LAYOUT_FILE, reader::INDEX]
                .iter()
                .all(|name| !self.is_missing(name))
    }

    /// Whether a file is missing, or empty since a power failure. Another tool may be about to
    /// write an empty file that is young.
    fn is_missing(&self, name: &str) -> bool {
        match fs::metadata(self.root.join(name)) {
            Ok(metadata) => metadata.len() == 0 && !is_young(&metadata),
            Err(_) => true,
        }
    }

    /// Creates the missing files. `oci-layout` comes first, so that every directory with an
    /// `index.json` is a layout, whenever the process is killed.
    pub(super) fn complete(&self, writer: &Writer) -> Result<()> {
        if self.is_complete() {
            let header = fs::metadata(self.root.join(reader::LAYOUT_FILE));
            if header.is_ok_and(|metadata| is_young(&metadata)) {
                // The process that created it may have been killed, or is not that far yet.
                writer.flush_created();
            }
            return Ok(());
        }
        writer.create_directories()?;
        let _lock = writer.lock()?;
        for (name, content) in [
            (reader::LAYOUT_FILE, reader::LAYOUT_FILE_CONTENT),
            (reader::INDEX, Index::EMPTY),
        ] {
            if self.is_missing(name) {
                writer.create_file(name, content.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Whether a file was written so lately that it may not be on the disk, or not be complete.
fn is_young(metadata: &Metadata) -> bool {
    let modified = metadata.modified().ok();
    modified
        .and_then(|modified| SystemClock.now().duration_since(modified).ok())
        .is_none_or(|age| age < MAX_UNFLUSHED_AGE)
}

impl LayoutFiles for LayoutDirectory {
    const MISSING: &'static str = "no such file or directory";

    fn size(&self, name: &str) -> Result<Option<u64>> {
        let path = self.root.join(name);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(IoOp::Stat, path)(error)),
        }
    }

    fn open_from(&self, name: &str, offset: u64) -> Result<Option<OpenFile<'_>>> {
        // Checked first, because opening a pipe would wait for a writer.
        if self.size(name)?.is_none() {
            return Ok(None);
        }
        let path = self.root.join(name);
        let open = |path| -> io::Result<File> {
            let mut file = File::open(path)?;
            if offset > 0 {
                file.seek(SeekFrom::Start(offset))?;
            }
            Ok(file)
        };
        match open(&path) {
            Ok(file) => Ok(Some(OpenFile {
                fingerprint: file
                    .metadata()
                    .ok()
                    .as_ref()
                    .map(FileFingerprint::from_metadata),
                content: Box::new(file),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(IoOp::Open, path)(error)),
        }
    }

    fn index_cache(&self) -> &IndexCache {
        &self.index_cache
    }
}
