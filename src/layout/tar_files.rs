//! The files of a layout in a tar archive.
//!
//! The archive is scanned once, header by header; content is read at its position in the archive.
//! The tar crate parses the format. This module selects the files of a layout, and limits the cost
//! of a hostile archive.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::index_cache::IndexCache;
use super::reader::{BLOBS, INDEX, LAYOUT_FILE, LayoutFiles, OpenFile};
use crate::error::{Error, Expected, IoOp, Result};
use crate::fs::file_range::FileRange;
use crate::fs::fingerprint::FileFingerprint;
use crate::limits::{
    Limit, MAX_LAYOUT_TAR_ENTRIES, MAX_LAYOUT_TAR_FILES, MAX_LAYOUT_TAR_HEADER_BYTES,
    MAX_LAYOUT_TAR_NAME_BYTES,
};
use crate::progress::sync::Lock;

/// An open archive with the positions of the files of a layout.
#[derive(Debug)]
pub(super) struct TarFiles {
    /// Shared by all readers and writers. Its position is undefined.
    file: File,
    entries: Lock<HashMap<String, Range<u64>>>,
    index_cache: IndexCache,
}

impl TarFiles {
    /// Opens an archive and scans it.
    pub(super) fn scan(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(IoOp::Open, path))?;
        let length = file.metadata().map_err(Error::io(IoOp::Stat, path))?.len();
        let meter = MeteredFile::new(&file);
        let entries = scan(&meter, length, path).map_err(|error| match error {
            // An error of the operating system does not mean that the archive is invalid.
            ScanError::Io(error) if error.raw_os_error().is_some() => {
                Error::io(IoOp::Read, path)(error)
            }
            ScanError::Io(_) if !meter.ended.get() => not_an_archive(path, "invalid tar header"),
            ScanError::Io(_) | ScanError::Truncated => not_an_archive(path, "unexpected EOF"),
            ScanError::Other(error) => error,
        })?;
        Ok(Self::new(file, entries))
    }

    /// Returns an archive without entries.
    pub(super) fn empty(file: File) -> Self {
        Self::new(file, HashMap::new())
    }

    fn new(file: File, entries: HashMap<String, Range<u64>>) -> Self {
        Self {
            file,
            entries: Lock::new(entries),
            index_cache: IndexCache::default(),
        }
    }

    /// Checks that another file can be added without exceeding the number of files that are read.
    pub(super) fn check_file_limit(&self) -> Result<()> {
        Error::check_limit(
            "number of files in the archive",
            self.entries.lock().len() as u64 + 1,
            Limit::LayoutTarFiles,
            MAX_LAYOUT_TAR_FILES as u64,
        )
    }

    /// Records the position of the content of a file.
    pub(super) fn add(&self, name: String, content: Range<u64>) {
        self.entries.lock().insert(name, content);
    }
}

impl LayoutFiles for TarFiles {
    const MISSING: &'static str = "file does not exist";

    fn size(&self, name: &str) -> Result<Option<u64>> {
        let entries = self.entries.lock();
        Ok(entries.get(name).map(|range| range.end - range.start))
    }

    fn open_from(&self, name: &str, offset: u64) -> Result<Option<OpenFile<'_>>> {
        let Some(mut range) = self.entries.lock().get(name).cloned() else {
            return Ok(None);
        };
        range.start = range.start.saturating_add(offset).min(range.end);
        let metadata = self.file.metadata().ok();
        Ok(Some(OpenFile {
            content: Box::new(FileRange::new(&self.file, range)),
            fingerprint: metadata.as_ref().map(FileFingerprint::from_metadata),
        }))
    }

    fn index_cache(&self) -> &IndexCache {
        &self.index_cache
    }
}

fn not_an_archive(path: &Path, reason: &str) -> Error {
    Error::WrongKind {
        name: path.display().to_string(),
        expected: Expected::Archive(reason.to_owned()),
    }
}

enum ScanError {
    Io(io::Error),
    /// An entry is longer than the archive.
    Truncated,
    Other(Error),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Finds the files of a layout in an archive of `length` bytes.
fn scan(
    meter: &MeteredFile<'_>,
    length: u64,
    path: &Path,
) -> Result<HashMap<String, Range<u64>>, ScanError> {
    let mut found = HashMap::new();
    let mut archive = ::tar::Archive::new(meter);
    for (count, entry) in archive.entries_with_seek()?.enumerate() {
        let entry = entry?;
        if count >= MAX_LAYOUT_TAR_ENTRIES {
            return Err(ScanError::Other(Error::malformed(
                format!("archive \"{}\"", path.display()),
                format!("it has more than {MAX_LAYOUT_TAR_ENTRIES} entries"),
            )));
        }
        meter.allow_next_header();
        let start = entry.raw_file_position();
        let end = start
            .checked_add(entry.size())
            .filter(|&end| end <= length)
            .ok_or(ScanError::Truncated)?;
        let Some(name) = clean(&entry.path_bytes()) else {
            continue;
        };
        if entry.header().entry_type().is_file() {
            found.insert(name, start..end);
        } else {
            found.remove(&name);
        }
    }
    Ok(found)
}

/// Returns the name of a file of a layout without `.` and empty components; `None` for all other
/// names.
fn clean(name: &[u8]) -> Option<String> {
    let name = str::from_utf8(name).ok()?;
    if name.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    match parts[..] {
        [LAYOUT_FILE | INDEX] | [BLOBS, _, _] => {}
        _ => return None,
    }
    Some(parts.join("/")).filter(|name| name.len() <= MAX_LAYOUT_TAR_NAME_BYTES)
}

/// A file whose headers are read within limits.
struct MeteredFile<'a> {
    file: &'a File,
    /// Number of bytes that may be read for the current entry.
    allowed: Cell<u64>,
    /// Whether the end of the file was reached.
    ended: Cell<bool>,
}

impl<'a> MeteredFile<'a> {
    const fn new(file: &'a File) -> Self {
        Self {
            file,
            allowed: Cell::new(MAX_LAYOUT_TAR_HEADER_BYTES),
            ended: Cell::new(false),
        }
    }

    fn allow_next_header(&self) {
        self.allowed.set(MAX_LAYOUT_TAR_HEADER_BYTES);
    }
}

impl Read for &MeteredFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file;
        let count = file.read(buffer)?;
        self.ended.set(count == 0 && !buffer.is_empty());
        let allowed = self.allowed.get().checked_sub(count as u64);
        self.allowed
            .set(allowed.ok_or_else(|| io::Error::other("the header of an entry is too large"))?);
        Ok(count)
    }
}

impl Seek for &MeteredFile<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let mut file = self.file;
        file.seek(position)
    }
}
