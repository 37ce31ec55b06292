//! Writing a layout directly into an uncompressed tar archive.
//!
//! - Content is verified while it is written to the archive, without scratch directory or second
//!   copy. `index.json` and `oci-layout` come last.
//! - The archive gets its final name when it is complete and flushed. Until then it is a hidden
//!   file in the same directory, and not a layout because `oci-layout` is missing. Abandoned files
//!   of killed processes are removed by the next process that writes in that directory.
//! - If writing large content is interrupted, the hidden file is kept. The next archive with the
//!   same name starts with its bytes, as long as they are those of the entries that are pushed:
//!   headers are compared, and content is verified.
//! - The header with the size precedes the content. If the content is truncated, has another
//!   digest, or exceeds the space on the disk, the archive keeps its previous end, and the next
//!   entry overwrites the failed one: a failed push can be retried.
//! - The same pushes in the same order give the same bytes. Nothing depends on the machine: entries
//!   have no owner, no time and fixed permissions.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::index::Index;
use super::reader::{self, BLOBS};
use super::tar_files::TarFiles;
use crate::archive::header::{END, EntryHeader, EntryKind, padding};
use crate::error::{Error, IoOp, Result};
use crate::fs::directory;
use crate::fs::file_range::{read_at, write_at};
use crate::fs::temp_file::{BeginningFile, TempFile};
use crate::oci::{Algorithm, Descriptor, MediaType, TITLE};
use crate::progress::sync::Lock;
use crate::store::{
    Content, ContentReader, NameVisitor, Pushed, Source, TagLister, Target, VerifyReader,
    check_name, copy_resuming, if_resumable,
};

/// Content is immutable, so its file is read-only.
const BLOB_MODE: u32 = 0o444;
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// A layout in an uncompressed tar archive that is being written. Pushed content can be read.
///
/// ```
/// use oras::layout::{LayoutTar, LayoutTarWriter};
/// use oras::store::{Source, Target};
/// use oras::{Descriptor, MediaType};
/// # let path = std::env::temp_dir().join(format!("oras-doc-{}.tar", std::process::id()));
///
/// let tar = LayoutTarWriter::create(&path)?;
/// let manifest = br#"{"schemaVersion":2,"manifests":[]}"#;
/// let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, manifest);
/// tar.push_reference(&descriptor, &mut manifest.as_slice(), "v1")?;
/// tar.finish()?;
/// assert_eq!(LayoutTar::open(&path)?.resolve("v1")?.digest, descriptor.digest);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Debug)]
pub struct LayoutTarWriter {
    /// The path that the caller gave.
    path: PathBuf,
    /// The path without symbolic links.
    resolved: PathBuf,
    archive: TarFiles,
    /// Locked while an entry is written.
    tail: Mutex<Tail>,
    /// Algorithms that have a directory entry.
    algorithms: Lock<Vec<Algorithm>>,
    index: Lock<Index>,
}

/// The end of an archive that is being written.
#[derive(Debug)]
struct Tail {
    temp: TempFile,
    /// Position of the next entry. Bytes of the file behind it are not part of the archive.
    end: u64,
    /// Bytes at the start of the file that an earlier process wrote, as far as they can be the same
    /// in this archive.
    kept: u64,
}

impl LayoutTarWriter {
    /// Starts an archive. An existing file is unchanged until [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if no file can be created there, or if `path` exists and is not a regular
    /// file.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        // A symbolic link is kept, and its target is replaced.
        let resolved = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if fs::metadata(&resolved).is_ok_and(|existing| !existing.is_file()) {
            let error = io::Error::other("it exists and is no regular file");
            return Err(Error::io(IoOp::Open, &path)(error));
        }
        let create = || {
            let mut temp = TempFile::create_beside(&resolved, &as_content(&resolved))?;
            if temp.kept_bytes() == 0 {
                // Before large content is pushed, it is not worth being kept.
                temp.keep_nothing();
            }
            let file = temp.file().try_clone()?;
            Ok((temp, file))
        };
        let (temp, file) = create().map_err(Error::io(IoOp::Open, &path))?;
        let mut tail = Tail {
            kept: temp.kept_bytes(),
            temp,
            end: 0,
        };
        let mut entry = NewEntry::new(&mut tail, &path);
        entry.directory(BLOBS)?;
        tail.end = entry.position;
        Ok(Self {
            path,
            resolved,
            archive: TarFiles::empty(file),
            tail: Mutex::new(tail),
            algorithms: Lock::default(),
            index: Lock::new(Index::empty()),
        })
    }

    /// Completes the archive, flushes it to the disk, and renames it to its final name. Returns its
    /// size in bytes.
    ///
    /// An existing file is replaced, and its permissions are kept.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] on a failure, and [`Error::TooLarge`] if there are more manifests than an
    /// `index.json` can list. An existing file is then unchanged.
    pub fn finish(self) -> Result<u64> {
        let index = self.index.lock().to_bytes();
        reader::check_index_size(index.len())?;
        let mut tail = (self.tail.into_inner()).unwrap_or_else(PoisonError::into_inner);
        // All content is there, so that nothing is left to continue.
        tail.temp.keep_nothing();
        let mut entry = NewEntry::new(&mut tail, &self.path);
        entry.file(reader::INDEX, &index)?;
        entry.file(reader::LAYOUT_FILE, reader::LAYOUT_FILE_CONTENT.as_bytes())?;
        entry.put(&END)?;
        let size = entry.position;

        let doing = |doing| Error::io(doing, &self.path);
        let file = tail.temp.file();
        // A failed push may have left bytes behind the end.
        file.set_len(size).map_err(doing(IoOp::Write))?;
        if let Ok(metadata) = fs::metadata(&self.resolved) {
            file.set_permissions(metadata.permissions())
                .map_err(doing(IoOp::Chmod))?;
        }
        file.sync_all().map_err(doing(IoOp::Sync))?;
        tail.temp.persist(&self.resolved)?;
        directory::sync(directory::parent(&self.resolved))?;
        Ok(size)
    }

    fn store(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        // The next entry starts where this one ends, so that threads write one after the other. A
        // failed entry leaves the position unchanged.
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if self.exists(expected)? {
            return Ok(Pushed::AlreadyThere);
        }
        self.archive.check_file_limit()?;
        if if_resumable(content, expected).is_some() {
            tail.temp.keep(&as_content(&self.resolved));
        }
        let name = reader::blob_name(&expected.digest);
        let algorithm = expected.digest.algorithm();
        let is_first = !self.algorithms.lock().contains(&algorithm);

        let mut entry = NewEntry::new(&mut tail, &self.path);
        if is_first {
            entry.directory(&format!("{BLOBS}/{algorithm}"))?;
        }
        entry.header(&name, EntryKind::File, BLOB_MODE, expected.size)?;
        let start = entry.position;
        entry.content = start..start.saturating_add(expected.size);
        copy_resuming(content, expected, &mut entry, &self.path, &|error| error)?;
        let range = start..entry.position;
        entry.put(padding(expected.size))?;

        // The entry is now part of the archive.
        tail.end = entry.position;
        self.archive.add(name, range);
        if is_first {
            self.algorithms.lock().push(algorithm);
        }
        Ok(Pushed::Stored)
    }

    fn name(&self, target: &Descriptor, reference: &str) {
        let mut index = self.index.lock();
        if reference == target.digest.as_str() {
            index.list(target);
        } else {
            index.tag(target, reference);
        }
    }
}

/// Returns a descriptor for the name of an archive. An interrupted archive is the beginning of
/// content that has no digest yet, so it has that of its name.
fn as_content(path: &Path) -> Descriptor {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut content = Descriptor::of(MediaType::OCTET_STREAM, name.as_bytes());
    content.size = u64::MAX;
    content.annotations.insert(TITLE.to_owned(), name.into());
    content
}

impl Source for LayoutTarWriter {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        reader::resolve(&self.archive, &self.index.lock(), reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        reader::fetch(&self.archive, target)
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        reader::fetch_from(&self.archive, target, offset)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        reader::exists(&self.archive, target)
    }
}

impl Target for LayoutTarWriter {
    /// Writes content to the archive. A manifest is listed in `index.json`.
    ///
    /// # Errors
    ///
    /// Also [`Error::TooLarge`] if the archive has half a million files, the limit for reading.
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let pushed = self.store(expected, content)?;
        if expected.media_type.is_manifest() {
            self.index.lock().list(expected);
        }
        Ok(pushed)
    }

    /// Adds a tag to content, as in a layout directory.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing, [`Error::InvalidReference`] if the tag is
    /// empty, or the digest of other content.
    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        check_name(target, reference)?;
        if !self.exists(target)? {
            return Err(reader::missing(target));
        }
        self.name(target, reference);
        Ok(())
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        check_name(expected, reference)?;
        let pushed = self.store(expected, content)?;
        self.name(expected, reference);
        Ok(pushed)
    }
}

impl TagLister for LayoutTarWriter {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        reader::tags(&self.index.lock(), last, visit);
        Ok(())
    }
}

/// An entry behind the end of the archive. It becomes part of the archive when the end is moved.
struct NewEntry<'a> {
    tail: &'a mut Tail,
    /// Path of the archive in errors.
    path: &'a Path,
    position: u64,
    /// The range of the content in the file.
    content: Range<u64>,
}

impl<'a> NewEntry<'a> {
    const fn new(tail: &'a mut Tail, path: &'a Path) -> Self {
        Self {
            position: tail.end,
            tail,
            path,
            content: 0..0,
        }
    }

    fn directory(&mut self, name: &str) -> Result<()> {
        self.header(&format!("{name}/"), EntryKind::Directory, DIRECTORY_MODE, 0)
    }

    fn file(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.header(name, EntryKind::File, FILE_MODE, content.len() as u64)?;
        self.put(content)?;
        self.put(padding(content.len() as u64))
    }

    fn header(&mut self, name: &str, kind: EntryKind, mode: u32, size: u64) -> Result<()> {
        let fields = EntryHeader {
            name: name.as_bytes(),
            kind,
            mode,
            size,
            mtime: 0,
            link: b"",
            device: (0, 0),
        };
        let path = self.path;
        fields.write_to(self).map_err(Error::io(IoOp::Write, path))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.path;
        self.write_all(bytes).map_err(Error::io(IoOp::Write, path))
    }
}

impl Write for NewEntry<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.position < self.tail.kept && !has_bytes(self.tail.temp.file(), bytes, self.position)
        {
            self.tail.kept = self.position;
        }
        let written = write_at(self.tail.temp.file(), bytes, self.position);
        let count = written.inspect_err(|_| self.tail.temp.keep_nothing())?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The content of the entry, whose beginning an earlier process may have written.
impl BeginningFile for NewEntry<'_> {
    fn kept_bytes(&self) -> u64 {
        let Range { start, end } = self.content;
        self.tail.kept.min(end).saturating_sub(start)
    }

    fn reopen(&mut self) -> io::Result<File> {
        self.position = self.content.start + self.kept_bytes();
        let mut file = self.tail.temp.file().try_clone()?;
        file.seek(SeekFrom::Start(self.content.start))?;
        Ok(file)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.position = self.content.start;
        self.tail.kept = self.tail.kept.min(self.position);
        Ok(())
    }

    /// The entries before stay.
    fn keep_nothing(&mut self) {
        self.tail.kept = self.tail.kept.min(self.content.start);
    }
}

/// Whether a file has these bytes at a position.
fn has_bytes(file: &File, bytes: &[u8], position: u64) -> bool {
    let mut found = vec![0; bytes.len()];
    let count = read_at(file, &mut found, position);
    count.is_ok_and(|count| found[..count] == *bytes)
}

#[cfg(test)]
mod tests;
