//! Temporary files: files that get their final name when they are complete.
//!
//! A layout writes its files in `ingest/`, and an archive of a layout beside its destination under
//! a hidden name. A rename publishes the complete file, so that no reader sees half of one. An
//! error removes the temporary file.
//!
//! Each process locks the temporary files that it writes, and the lock ends with the process. A
//! temporary file without a lock is therefore abandoned, whatever its age, and a later process
//! removes it. Files of other tools have other names and are not touched.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::unique_name::NamePattern;
use super::{directory, lock};
use crate::error::{Error, IoOp, Result};

/// Names in the scratch directory of a layout.
const INGEST_NAMES: NamePattern = NamePattern::new("oras-", ".part");
/// Names beside an archive that is being written.
#[cfg(feature = "archive")]
const HIDDEN_NAMES: NamePattern = NamePattern::new(".oras-", ".part");
/// Names of files that are removed as soon as they are open.
#[cfg(feature = "archive")]
const UNNAMED_NAMES: NamePattern = NamePattern::new("oras_file_", "");
/// Names beside a file of credentials.
const CREDENTIALS_NAMES: NamePattern = NamePattern::new(".oras-credentials-", "");

/// A file that has no final name yet. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: File,
    /// `None` once the file has its final name.
    path: Option<PathBuf>,
}

impl TempFile {
    /// Creates a file in the scratch directory `ingest`, which is created if it is missing.
    pub(crate) fn create_in(ingest: &Path) -> Result<Self> {
        let options = new_file();
        INGEST_NAMES
            .create(|name| match Self::create(ingest.join(name), &options) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    directory::ensure(ingest).map_err(Error::into_io)?;
                    Err(error)
                }
                created => created,
            })
            .map_err(Error::io(IoOp::CreateIn, ingest))
    }

    /// Creates a hidden file in the directory of `path`, which must exist.
    #[cfg(feature = "archive")]
    pub(crate) fn create_beside(path: &Path) -> io::Result<Self> {
        let directory = directory::parent(path);
        HIDDEN_NAMES.create(|name| Self::create(directory.join(name), &new_file()))
    }

    /// Creates a file for credentials in a directory, with mode 0600.
    pub(super) fn create_private(directory: &Path) -> Result<Self> {
        CREDENTIALS_NAMES
            .create(|name| Self::create(directory.join(name), &new_private_file()))
            .map_err(Error::io(IoOp::CreateIn, directory))
    }

    /// Creates and locks a file. `NotFound` means that its directory is missing, or that another
    /// process removed the file before it was locked.
    fn create(path: PathBuf, options: &OpenOptions) -> io::Result<Self> {
        let file = options.open(&path)?;
        lock::mark_in_use(&file);
        fs::symlink_metadata(&path)?;
        let path = Some(path);
        Ok(Self { file, path })
    }

    /// The file, open for reading and writing.
    pub(crate) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Renames the file to its final name, replacing an existing file, and closes it. A missing
    /// directory is created.
    pub(crate) fn persist(mut self, to: &Path) -> Result<()> {
        match self.rename(to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent).map_err(Error::io(IoOp::Mkdir, parent))?;
                }
                self.rename(to)
            }
            renamed => renamed,
        }
        .map_err(Error::io(IoOp::RenameTo, to))
    }

    /// Renames the file to its final name, replacing an existing file.
    pub(super) fn rename(&mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, to)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options
}

#[cfg(unix)]
fn new_private_file() -> OpenOptions {
    let mut options = new_file();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Other systems have no permission bits: the directory decides who can read the file.
#[cfg(not(unix))]
fn new_private_file() -> OpenOptions {
    new_file()
}

/// Creates a file in `directory` that has no name, so that the system removes it when the process
/// ends in whatever way. It is open for reading and writing.
#[cfg(feature = "archive")]
pub(crate) fn create_unnamed(directory: &Path) -> Result<File> {
    let create = |name: &str| {
        let path = directory.join(name);
        let file = new_private_file().open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    };
    UNNAMED_NAMES
        .create(create)
        .map_err(Error::io(IoOp::CreateIn, directory))
}

/// Removes abandoned files from a scratch directory. Errors are ignored: such a file costs nothing
/// but space.
pub(crate) fn remove_abandoned(ingest: &Path) {
    remove_abandoned_with(INGEST_NAMES, ingest);
}

/// Removes abandoned hidden files from the directory of `path`. Errors are ignored.
#[cfg(feature = "archive")]
pub(crate) fn remove_abandoned_beside(path: &Path) {
    remove_abandoned_with(HIDDEN_NAMES, directory::parent(path));
}

fn remove_abandoned_with(names: NamePattern, directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| names.matches(name));
        // Opening a pipe would wait for its other end.
        if is_ours
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && lock::lock_if_abandoned(&file)
        {
            // Still locked: a process that has just created the file waits for the lock and then
            // notices the removal.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::fs::testing::TempDir;

    #[test]
    fn a_file_gets_its_name_when_it_is_persisted() {
        let directory = TempDir::new();
        let (ingest, name) = (
            directory.path().join("ingest"),
            directory.path().join("a/b"),
        );
        let mut temp = TempFile::create_in(&ingest).unwrap();
        temp.file().write_all(b"hello").unwrap();
        assert!(!name.exists());
        temp.persist(&name).unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"hello");
        assert_eq!(fs::read_dir(&ingest).unwrap().count(), 0);
    }

    #[test]
    fn a_dropped_file_is_removed() {
        let directory = TempDir::new();
        drop(TempFile::create_in(directory.path()).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_unlocked_files_with_matching_names_are_abandoned() {
        let directory = TempDir::new();
        let abandoned = directory.path().join("oras-0123456789abcdef.part");
        let foreign = directory.path().join("a948904f2f0f479b_1234");
        fs::write(&abandoned, "x").unwrap();
        fs::write(&foreign, "x").unwrap();
        let living = TempFile::create_in(directory.path()).unwrap();

        remove_abandoned(directory.path());

        assert!(!abandoned.exists());
        assert!(foreign.exists());
        assert!(living.path.as_ref().unwrap().exists());
    }
}
