//! Files that are not complete yet.
//!
//! A file of a layout is written under a name of its own in `ingest/`, an archive of a layout under a hidden name beside the
//! one it will have. It is renamed when it is complete, so nobody ever sees half of one, and removed when something goes
//! wrong. What a killed process leaves is removed by a later one: every such file is locked by the process that writes it,
//! and a lock ends with its process. So a file that can be locked is abandoned, whatever its age. Files of other tools have
//! other names and are left alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::text::random;

const PREFIX: &str = "oras-";
#[cfg(feature = "archive")]
const HIDDEN_PREFIX: &str = ".oras-";
const SUFFIX: &str = ".part";

/// How often a new name is tried. One try is enough unless somebody empties the directory all the time.
const ATTEMPTS: u32 = 16;

/// A file on its way to its name. Dropping it removes it.
#[derive(Debug)]
pub(super) struct TempFile {
    file: File,
    /// None once the file has its name.
    path: Option<PathBuf>,
}

impl TempFile {
    /// Creates a file in `ingest`, which is created if needed.
    pub(super) fn create(ingest: &Path) -> Result<Self> {
        let mut last_error = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..ATTEMPTS {
            match Self::try_create(ingest, PREFIX) {
                Ok(created) => return Ok(created),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    ensure_directory(ingest)?;
                    last_error = error;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last_error = error,
                Err(error) => return Err(Error::io("create a file in", ingest)(error)),
            }
        }
        Err(Error::io("create a file in", ingest)(last_error))
    }

    /// Creates a hidden file beside `path`, in a directory that is there.
    #[cfg(feature = "archive")]
    pub(super) fn create_beside(path: &Path) -> io::Result<Self> {
        let directory = directory_of(path);
        let mut attempt = 1;
        loop {
            match Self::try_create(directory, HIDDEN_PREFIX) {
                Err(error)
                    if attempt < ATTEMPTS
                        && matches!(
                            error.kind(),
                            io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
                        ) =>
                {
                    attempt += 1;
                }
                created => return created,
            }
        }
    }

    /// Creates a file under a new name. `NotFound` means that the directory is not there, or the file was found abandoned.
    fn try_create(directory: &Path, prefix: &str) -> io::Result<Self> {
        let path = directory.join(format!("{prefix}{}{SUFFIX}", random::name()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = options.open(&path)?;
        // Where there are no locks, nobody finds this file abandoned either.
        let _ = file.lock();
        // Somebody may have found it abandoned before it was locked.
        fs::symlink_metadata(&path)?;
        let path = Some(path);
        Ok(Self { file, path })
    }

    /// The file, to be written.
    pub(super) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its name, replacing what has it, and closes it.
    pub(super) fn rename(mut self, to: &Path) -> Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        match fs::rename(path, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent).map_err(Error::io("mkdir", parent))?;
                }
                fs::rename(path, to)
            }
            renamed => renamed,
        }
        .map_err(Error::io("rename to", to))?;
        self.path = None;
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

/// Makes a directory that somebody else may remove at any time.
pub(super) fn ensure_directory(path: &Path) -> Result<()> {
    let mut attempt = 1;
    loop {
        match fs::create_dir_all(path) {
            // It was there a moment ago, or is there now.
            Err(error)
                if attempt < ATTEMPTS
                    && matches!(
                        error.kind(),
                        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                    )
                    && !path.is_file() =>
            {
                attempt += 1;
            }
            created => return created.map_err(Error::io("mkdir", path)),
        }
    }
}

/// The directory that a file is in.
#[cfg(feature = "archive")]
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Removes what killed processes left in `ingest`. What cannot be removed does no harm but the space it takes.
pub(super) fn remove_abandoned(ingest: &Path) {
    remove_abandoned_with(PREFIX, ingest);
}

/// As [`remove_abandoned`], of what was to be `path` or another file in its directory.
#[cfg(feature = "archive")]
pub(super) fn remove_abandoned_beside(path: &Path) {
    remove_abandoned_with(HIDDEN_PREFIX, directory_of(path));
}

fn remove_abandoned_with(prefix: &str, directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(prefix) && name.ends_with(SUFFIX));
        // To open anything but a file, such as a pipe, could take for ever.
        if is_ours
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
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
    fn a_file_appears_under_its_name_only_when_it_is_complete() {
        let directory = TempDir::new();
        let (ingest, name) = (
            directory.path().join("ingest"),
            directory.path().join("a/b"),
        );
        let mut temp = TempFile::create(&ingest).unwrap();
        temp.file().write_all(b"hello").unwrap();
        assert!(!name.exists());
        temp.rename(&name).unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"hello");
        assert_eq!(fs::read_dir(&ingest).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_gets_no_name_is_removed() {
        let directory = TempDir::new();
        drop(TempFile::create(directory.path()).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_our_own_files_that_nobody_writes_are_abandoned() {
        let directory = TempDir::new();
        let abandoned = directory.path().join("oras-0123456789abcdef.part");
        let foreign = directory.path().join("a948904f2f0f479b_1234");
        fs::write(&abandoned, "x").unwrap();
        fs::write(&foreign, "x").unwrap();
        let living = TempFile::create(directory.path()).unwrap();

        remove_abandoned(directory.path());

        assert!(!abandoned.exists());
        assert!(foreign.exists());
        assert!(living.path.as_ref().unwrap().exists());
    }
}
