//! Temporary files: files that get their final name when they are complete.
//!
//! A layout writes its files in `ingest/`, and an archive of a layout beside its destination under
//! a hidden name. A rename publishes the complete file, so that no reader sees half of one. An
//! error removes the temporary file, except the beginning of content whose transfer was
//! interrupted: the next transfer continues it.
//!
//! Each process locks the temporary files that it writes. The module
//! [`leftovers`](super::leftovers) decides about those that a killed process left. Files of other
//! tools have other names and are not touched.

use std::borrow::Borrow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::leftovers::{Entry, Folder, claim_beginning, remove_beginnings, remove_leftovers};
use super::reflink::reflink;
use super::temp_name::{TempKind, TempName};
use super::{directory, lock};
use crate::error::{Error, IoOp, Result};
use crate::oci::{Descriptor, Digest};
use crate::progress::{self, Event};

/// A file that has no final name yet. Dropping it removes the file, unless it keeps the
/// [beginning](Self::create_for) of content.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: File,
    folder: Box<dyn Folder>,
    /// `None` once the file has its final name.
    name: Option<String>,
    /// The content whose beginning the file keeps if it is dropped.
    keeps: Option<Descriptor>,
    /// Number of bytes that an earlier process wrote.
    kept_bytes: u64,
}

impl TempFile {
    /// Creates a file in a folder.
    pub(crate) fn create(folder: impl Folder + 'static, kind: TempKind<'_>) -> io::Result<Self> {
        let (name, file) = create_file(&folder, kind)?;
        Ok(Self {
            file,
            folder: Box::new(folder),
            name: Some(name),
            keeps: None,
            kept_bytes: 0,
        })
    }

    /// Creates a file. Dropping it keeps the beginning of `content`, if any. Returns the longest
    /// beginning that no process uses, of those with these `names`.
    pub(crate) fn create_for(
        folder: impl Folder + 'static,
        content: Option<&Descriptor>,
        names: &[String],
    ) -> io::Result<Self> {
        let Some(content) = content else {
            return Self::create(folder, TempKind::Staged);
        };
        let mut temp = Self::create(folder, TempKind::Beginning(&content.digest))?;
        temp.keeps = Some(content.clone());
        if let Some(name) = &temp.name
            && let Some((mut file, length)) =
                claim_beginning(&*temp.folder, names, content, &temp.file, name)
        {
            file.seek(SeekFrom::Start(length))?;
            (temp.file, temp.kept_bytes) = (file, length);
        }
        Ok(temp)
    }

    /// Creates a file in the scratch directory `ingest`, which is created if it is missing.
    pub(crate) fn create_in(ingest: &Path) -> Result<Self> {
        Self::create(DirectoryPath::scratch(ingest), TempKind::Staged)
            .map_err(Error::io(IoOp::CreateIn, ingest))
    }

    /// Same as [`create_for`](Self::create_for), in the scratch directory `ingest`, which is
    /// created if it is missing. Leftovers are removed.
    pub(crate) fn create_in_for(ingest: &Path, content: Option<&Descriptor>) -> Result<Self> {
        let folder = DirectoryPath::scratch(ingest);
        let names = remove_leftovers(&folder);
        Self::create_for(folder, content, &names).map_err(Error::io(IoOp::CreateIn, ingest))
    }

    /// Same as [`create_for`](Self::create_for), in the directory of `path`, which must exist.
    /// Leftovers are removed.
    #[cfg(feature = "archive")]
    pub(crate) fn create_beside(path: &Path, content: &Descriptor) -> io::Result<Self> {
        let folder = DirectoryPath::new(directory::parent(path));
        let names = remove_leftovers(&folder);
        Self::create_for(folder, Some(content), &names)
    }

    /// Creates a file in `directory` that has no name, so that the system removes it when the
    /// process ends in whatever way. Other users cannot read it while it has one.
    pub(crate) fn create_unnamed(directory: &Path) -> Result<Self> {
        // Of processes that were killed before they removed the name.
        remove_leftovers_in(directory, |_| false);
        let mut temp = Self::create_private(directory)?;
        if let Some(name) = temp.name.take() {
            let removed = temp.folder.remove(&name, false);
            removed.map_err(Error::io(IoOp::Remove, directory))?;
        }
        Ok(temp)
    }

    /// Creates a file for credentials in a directory, with mode 0600.
    pub(super) fn create_private(directory: &Path) -> Result<Self> {
        Self::create(DirectoryPath::new(directory), TempKind::Private)
            .map_err(Error::io(IoOp::CreateIn, directory))
    }

    /// The file, open for reading and writing.
    pub(crate) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Returns the name in the folder; `None` once the file has its final name.
    #[cfg(any(feature = "archive", test))]
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file has its final name now, or is not to be removed for another reason.
    #[cfg(feature = "archive")]
    pub(crate) fn forget_name(&mut self) {
        self.name = None;
    }

    /// Copies a file, as bytes that an earlier process wrote.
    #[cfg(test)]
    pub(crate) fn copy_as_kept(&mut self, mut from: &File) -> bool {
        self.kept_bytes = io::copy(&mut from, &mut self.file).unwrap();
        true
    }

    /// Keeps the file as the beginning of `content` when it is dropped.
    #[cfg(feature = "archive")]
    pub(crate) fn keep(&mut self, content: &Descriptor) {
        self.keeps = Some(content.clone());
    }

    /// Renames the file to its final name, replacing an existing file, and closes it. A missing
    /// directory is created.
    pub(crate) fn persist(mut self, to: &Path) -> Result<()> {
        self.rename_into(to).map_err(Error::io(IoOp::RenameTo, to))
    }

    /// Same as [`persist`](Self::persist), for content that does not change any more: the file
    /// becomes read-only. After an error it is writable again, so that it can be continued.
    #[cfg(unix)]
    pub(crate) fn persist_read_only(mut self, to: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;

        let known = (self.file.metadata()).map_err(Error::io(IoOp::Stat, to))?;
        (self.file.set_permissions(fs::Permissions::from_mode(0o444)))
            .map_err(Error::io(IoOp::Chmod, to))?;
        if let Err(error) = self.rename_into(to) {
            let _ = self.file.set_permissions(known.permissions());
            return Err(Error::io(IoOp::RenameTo, to)(error));
        }
        Ok(())
    }

    /// Same as [`persist`](Self::persist): the system can neither replace nor remove a read-only
    /// file.
    #[cfg(not(unix))]
    pub(crate) fn persist_read_only(self, to: &Path) -> Result<()> {
        self.persist(to)
    }

    fn rename_into(&mut self, to: &Path) -> io::Result<()> {
        match self.rename(to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent)?;
                }
                self.rename(to)
            }
            renamed => renamed,
        }
    }

    /// Renames the file to its final name, replacing an existing file.
    pub(super) fn rename(&mut self, to: &Path) -> io::Result<()> {
        if let Some(name) = &self.name {
            fs::rename(self.folder.path().join(name), to)?;
            self.name = None;
        }
        Ok(())
    }
}

/// A temporary file that may have the beginning of content.
pub(crate) trait BeginningFile: Write {
    /// Returns the number of bytes that an earlier process wrote. Writing continues behind them.
    fn kept_bytes(&self) -> u64;

    /// Returns a handle that is positioned at the start of the file, to read the kept bytes. The
    /// position for writing moves with it: all kept bytes must be read before the next write.
    fn reopen(&mut self) -> io::Result<File>;

    /// [Reopens](Self::reopen) the file if it has kept bytes, and returns their number as well.
    /// Kept bytes that cannot be read are removed.
    fn beginning(&mut self) -> io::Result<Option<(File, u64)>> {
        let length = self.kept_bytes();
        if length == 0 {
            return Ok(None);
        }
        match self.reopen() {
            Ok(file) => Ok(Some((file, length))),
            Err(_) => self.clear().map(|()| None),
        }
    }

    /// Makes the empty file share the blocks of another one, as bytes that an earlier process
    /// wrote. Returns `false` if that is not possible.
    fn reflink(&mut self, from: &File) -> bool {
        let _ = from;
        false
    }

    /// Removes all content from the file.
    fn clear(&mut self) -> io::Result<()>;

    /// Removes the file when it is dropped, even if it is the beginning of content.
    fn keep_nothing(&mut self);
}

impl Write for TempFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BeginningFile for TempFile {
    fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    fn reopen(&mut self) -> io::Result<File> {
        self.file.rewind()?;
        self.file.try_clone()
    }

    fn reflink(&mut self, from: &File) -> bool {
        let is_shared = reflink(from, &self.file);
        if is_shared {
            self.kept_bytes = self.file.metadata().map_or(0, |metadata| metadata.len());
        }
        is_shared
    }

    fn clear(&mut self) -> io::Result<()> {
        self.kept_bytes = 0;
        self.file.set_len(0)?;
        self.file.rewind()
    }

    fn keep_nothing(&mut self) {
        self.keeps = None;
    }
}

impl Borrow<File> for TempFile {
    fn borrow(&self) -> &File {
        &self.file
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let Some(name) = &self.name else {
            return;
        };
        let done = self.file.metadata().map_or(0, |metadata| metadata.len());
        match &self.keeps {
            Some(descriptor) if done > 0 => {
                let path = &self.folder.path().join(name);
                // The operation ends with another error already.
                let _ = progress::report(&Event::Kept {
                    descriptor,
                    done,
                    path,
                });
            }
            _ => {
                let _ = self.folder.remove(name, false);
            }
        }
    }
}

/// Creates and locks a file.
fn create_file(folder: &dyn Folder, kind: TempKind<'_>) -> io::Result<(String, File)> {
    kind.create(|name| {
        let file = folder.create(name, kind == TempKind::Private)?;
        lock::mark_in_use(&file);
        // Another process may have removed the file before it was locked.
        folder.entry(name)?;
        Ok((name.to_owned(), file))
    })
}

/// Removes files that killed processes left in a directory, and beginnings of content that
/// `is_complete`. Errors are ignored: such a file costs nothing but space.
pub(crate) fn remove_leftovers_in(directory: &Path, is_complete: impl Fn(&Digest) -> bool) {
    let folder = DirectoryPath::new(directory);
    let beginnings = remove_leftovers(&folder);
    remove_beginnings(&folder, &beginnings, is_complete);
}

/// Whether a directory has a beginning of content with this digest, which may be in use.
pub fn has_beginning_in(directory: &Path, digest: &Digest) -> bool {
    let names = DirectoryPath::new(directory).names();
    names
        .iter()
        .any(|name| TempName::parse(name).is_some_and(|name| name.is_beginning_of(digest)))
}

/// A folder that is named by its path.
#[derive(Debug)]
struct DirectoryPath {
    path: PathBuf,
    /// Whether the directory is created if it is missing.
    is_scratch: bool,
}

impl DirectoryPath {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            is_scratch: false,
        }
    }

    fn scratch(path: &Path) -> Self {
        Self {
            is_scratch: true,
            ..Self::new(path)
        }
    }
}

impl Folder for DirectoryPath {
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    fn create(&self, name: &str, is_private: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        if is_private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = is_private;
        match options.open(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_scratch => {
                directory::ensure(&self.path).map_err(Error::into_io)?;
                Err(error)
            }
            created => created,
        }
    }

    fn entry(&self, name: &str) -> io::Result<Entry> {
        let metadata = fs::symlink_metadata(self.path.join(name))?;
        Ok(Entry::from_metadata(&metadata))
    }

    fn open(&self, name: &str, is_writable: bool) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(is_writable)
            .open(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str, is_directory: bool) -> io::Result<()> {
        let path = self.path.join(name);
        if is_directory {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    }
}

#[cfg(test)]
mod tests;
