//! Resolution of a title to a directory handle and a name, and the titles written so far.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};

use super::staging::{StagingFolder, identity, remove_leftovers};
use crate::error::{Conflict, Error, IoOp, Result};
use crate::fs::leftovers;
use crate::oci::Digest;
use crate::progress::sync::Lock;

/// The directory handle and the name of a title.
#[derive(Debug)]
pub(super) struct ResolvedTitle {
    /// The parent directory.
    pub(super) dir: Dir,
    /// The name in `dir`; empty for `dir` itself.
    pub(super) name: PathBuf,
    /// Absolute, cleaned path for messages.
    pub(super) path: PathBuf,
    /// Path without symbolic links, equal for all titles of the same entry.
    pub(super) key: Arc<Path>,
}

impl ResolvedTitle {
    /// A title that is the directory `dir` itself.
    pub(super) fn directory(dir: io::Result<Dir>, path: &Path, real: &Path) -> Result<Self> {
        Ok(Self {
            dir: dir.map_err(Error::io(IoOp::OpenDirectory, path))?,
            name: PathBuf::new(),
            path: path.to_owned(),
            key: real.into(),
        })
    }

    /// The path relative to `dir`.
    pub(super) fn entry_name(&self) -> &Path {
        if self.name.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.name
        }
    }

    /// Opens the existing directory.
    pub(super) fn open(&self) -> io::Result<Dir> {
        self.dir.open_dir(self.entry_name())
    }

    /// Metadata of the existing entry, without following symbolic links.
    pub(super) fn metadata(&self) -> Result<Option<Metadata>> {
        match self.dir.symlink_metadata(self.entry_name()) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(IoOp::Stat, &self.path)(error)),
        }
    }

    /// Removes files that killed processes left in the directory, once per directory. Returns the
    /// names of beginnings of content.
    pub(super) fn remove_leftovers(&self, written: &Lock<WrittenTitles>) -> Arc<[String]> {
        let directory = match self.key.parent() {
            Some(parent) if !self.name.as_os_str().is_empty() => parent,
            _ => &self.key,
        };
        if let Some(beginnings) = written.lock().beginnings.get(directory) {
            return Arc::clone(beginnings);
        }
        let beginnings: Arc<[String]> = remove_leftovers(&self.dir).into();
        let directory = directory.to_owned();
        let mut written = written.lock();
        (written.beginnings).insert(directory, Arc::clone(&beginnings));
        beginnings
    }

    /// Removes beginnings of content that is complete, besides files that killed processes left.
    pub(super) fn remove_beginnings(&self, written: &Lock<WrittenTitles>, content: &Digest) {
        let names = self.remove_leftovers(written);
        if let Ok(folder) = self.folder() {
            leftovers::remove_beginnings(&folder, &names, |digest| digest == content);
        }
    }

    /// Returns the directory as a folder for temporary files.
    pub(super) fn folder(&self) -> io::Result<StagingFolder> {
        let path = match self.path.parent() {
            Some(parent) if !self.name.as_os_str().is_empty() => parent,
            _ => &self.path,
        };
        Ok(StagingFolder {
            dir: self.dir.try_clone()?,
            path: path.to_owned(),
        })
    }
}

/// The error for an existing entry that a rename cannot replace.
pub(super) fn cannot_replace(path: &Path, what: &'static str) -> Error {
    let source = io::Error::new(io::ErrorKind::AlreadyExists, what);
    Error::io(IoOp::Replace, path)(source)
}

/// The error for a failed rename to the final name.
pub(super) fn rename_error(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        // Writing into the mounted file would not be atomic.
        io::ErrorKind::ResourceBusy => cannot_replace(path, "something is mounted there"),
        _ => Error::io(IoOp::Rename, path)(error),
    }
}

/// Handling of missing parent directories.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parents {
    /// Create missing parents.
    Create,
    /// Fail if parents are missing.
    Expect,
}

impl Parents {
    /// Opens the directory `rest` below `root`.
    pub(super) fn open_below(self, root: &Dir, rest: &Path, path: &Path) -> Result<Dir> {
        if rest.as_os_str().is_empty() {
            return root
                .try_clone()
                .map_err(Error::io(IoOp::OpenDirectory, path));
        }
        if matches!(self, Self::Create) {
            root.create_dir_all(rest)
                .map_err(|error| parents_error(error, path))?;
        }
        root.open_dir(rest)
            .map_err(Error::io(IoOp::OpenDirectory, path))
    }

    /// Opens a directory outside of the output directory.
    pub(super) fn open_outside(self, real: &Path, path: &Path) -> Result<Dir> {
        if matches!(self, Self::Create) {
            fs::create_dir_all(real).map_err(|error| parents_error(error, path))?;
        }
        Dir::open_ambient_dir(real, ambient_authority())
            .map_err(Error::io(IoOp::OpenDirectory, path))
    }
}

/// The error for parents that cannot be created.
pub(super) fn parents_error(error: io::Error, path: &Path) -> Error {
    // An existing parent that is not a directory.
    let error = match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::from(io::ErrorKind::NotADirectory),
        _ => error,
    };
    Error::io(IoOp::Mkdir, path)(error).context("failed to ensure directories of the target path")
}

/// Resolves symbolic links in the part of a path that exists.
pub(super) fn canonicalize_existing(path: &Path) -> Result<PathBuf> {
    let mut missing = Vec::new();
    for existing in path.ancestors() {
        match fs::canonicalize(existing) {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Ok(real);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing.extend(existing.file_name());
            }
            Err(error) => return Err(Error::io(IoOp::Resolve, path)(error)),
        }
    }
    Ok(path.to_owned())
}

/// Titles that have been written or are being written.
#[derive(Debug, Default)]
pub(super) struct WrittenTitles {
    /// Keys of titles.
    reserved: HashSet<Arc<Path>>,
    /// Keys of committed files by device and inode. Detects duplicates on file systems that ignore
    /// case or normalise names.
    files: HashMap<(u64, u64), Arc<Path>>,
    /// Directories where files of killed processes have been removed, with the names of beginnings
    /// of content that were there.
    beginnings: HashMap<PathBuf, Arc<[String]>>,
}

/// The reservation of a title. Dropping it before completion releases the title.
#[derive(Debug)]
pub(super) struct TitleReservation<'a> {
    written: &'a Lock<WrittenTitles>,
    title: String,
    key: Option<Arc<Path>>,
}

impl<'a> TitleReservation<'a> {
    pub(super) fn new(
        written: &'a Lock<WrittenTitles>,
        title: &str,
        target: &ResolvedTitle,
    ) -> Result<Self> {
        let reservation = Self {
            written,
            title: title.to_owned(),
            key: Some(Arc::clone(&target.key)),
        };
        if !written.lock().reserved.insert(Arc::clone(&target.key)) {
            let error = reservation.duplicate();
            reservation.complete();
            return Err(error);
        }
        Ok(reservation)
    }

    /// The error for a title that has been written already.
    pub(super) fn duplicate(&self) -> Error {
        Error::conflict(self.title.clone(), Conflict::DuplicateName)
    }

    /// Returns whether a file has been written under another title.
    ///
    /// Another process may have replaced the file that was written. Then its inode can be that of a
    /// new file.
    pub(super) fn is_written(&self, metadata: &Metadata) -> bool {
        let Some(file) = identity(metadata) else {
            return false;
        };
        let written = self.written.lock().files.get(&file).cloned();
        written
            .and_then(|path| fs::symlink_metadata(path).ok())
            .is_some_and(|found| identity(&Metadata::from_just_metadata(found)) == Some(file))
    }

    /// Keeps the title reserved for good.
    fn complete(mut self) {
        self.key = None;
    }

    /// Records the committed file.
    pub(super) fn complete_file(self, metadata: Option<&Metadata>) {
        if let (Some(file), Some(key)) = (metadata.and_then(identity), &self.key) {
            self.written.lock().files.insert(file, Arc::clone(key));
        }
        self.complete();
    }

    /// Records a committed directory.
    pub(super) fn complete_directory(self) {
        // The directory may have replaced files, and other files may reuse their inodes.
        self.written.lock().files.clear();
        self.complete();
    }
}

impl Drop for TitleReservation<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.written.lock().reserved.remove(&key);
        }
    }
}
