//! Where something goes, and what it is called until it is complete.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};

use super::OutputDir;
use super::staging::remove_abandoned;
use crate::error::{Error, Result};

/// Where a title leads.
#[derive(Debug)]
pub(super) struct Place {
    /// The directory it is in.
    pub(super) dir: Dir,
    /// Its name there; empty for the directory itself.
    pub(super) name: PathBuf,
    /// What the user knows it as: absolute and cleaned.
    pub(super) path: PathBuf,
    /// The same for all titles that lead here.
    pub(super) key: PathBuf,
}

impl Place {
    /// A directory that is not looked up in its parent.
    pub(super) fn whole(dir: io::Result<Dir>, path: &Path, real: &Path) -> Result<Self> {
        Ok(Self {
            dir: dir.map_err(Error::io("open directory", path))?,
            name: PathBuf::new(),
            path: path.to_owned(),
            key: real.to_owned(),
        })
    }

    /// What the handle calls it.
    pub(super) fn own_name(&self) -> &Path {
        if self.name.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.name
        }
    }

    /// Opens what is there, a directory.
    pub(super) fn open(&self) -> io::Result<Dir> {
        self.dir.open_dir(self.own_name())
    }

    /// What is there now, symbolic links not followed.
    pub(super) fn metadata(&self) -> Result<Option<Metadata>> {
        match self.dir.symlink_metadata(self.own_name()) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("stat", &self.path)(error)),
        }
    }

    /// Removes what killed processes left in the directory, if that was not done yet.
    pub(super) fn tidy(&self, owner: &OutputDir) {
        let directory = match self.key.parent() {
            Some(parent) if !self.name.as_os_str().is_empty() => parent,
            _ => &self.key,
        };
        let mut names = owner.names.borrow_mut();
        if names.tidied.insert(directory.to_owned()) {
            remove_abandoned(&self.dir);
        }
    }

    /// Something is there that cannot be replaced.
    pub(super) fn in_the_way(&self, what: &'static str) -> Error {
        in_the_way(&self.path, what)
    }
}

pub(super) fn in_the_way(path: &Path, what: &'static str) -> Error {
    let source = io::Error::new(io::ErrorKind::AlreadyExists, what);
    Error::io("replace", path)(source)
}

/// Something could not be given its name.
pub(super) fn not_renamed(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        // To write into what is mounted would not be all or nothing.
        io::ErrorKind::ResourceBusy => in_the_way(path, "something is mounted there"),
        _ => Error::io("rename", path)(error),
    }
}

/// What to do about the directories that lead to a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parents {
    /// Create what is missing.
    Create,
    /// Fail if they are missing.
    Expect,
}

impl Parents {
    pub(super) fn below(self, root: &Dir, rest: &Path, path: &Path) -> Result<Dir> {
        if rest.as_os_str().is_empty() {
            return root.try_clone().map_err(Error::io("open directory", path));
        }
        if matches!(self, Self::Create) {
            root.create_dir_all(rest)
                .map_err(|error| no_parents(error, path))?;
        }
        root.open_dir(rest)
            .map_err(Error::io("open directory", path))
    }

    pub(super) fn anywhere(self, real: &Path, path: &Path) -> Result<Dir> {
        if matches!(self, Self::Create) {
            fs::create_dir_all(real).map_err(|error| no_parents(error, path))?;
        }
        Dir::open_ambient_dir(real, ambient_authority()).map_err(Error::io("open directory", path))
    }
}

/// The directories that lead somewhere cannot be made.
pub(super) fn no_parents(error: io::Error, path: &Path) -> Error {
    // What exists already and cannot be gone through is no directory.
    let error = match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::from(io::ErrorKind::NotADirectory),
        _ => error,
    };
    Error::io("mkdir", path)(error).context("failed to ensure directories of the target path")
}

/// The path without symbolic links, as far as it exists.
pub(super) fn real(path: &Path) -> Result<PathBuf> {
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
            Err(error) => return Err(Error::io("resolve", path)(error)),
        }
    }
    Ok(path.to_owned())
}

/// What was written or is being written.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<PathBuf>,
    /// Device and inode of files at their final names, so that names are also found to be the same if only the file system
    /// knows, because it ignores case or normalises.
    files: HashSet<(u64, u64)>,
    /// Directories in which nothing abandoned is left.
    tidied: HashSet<PathBuf>,
}

/// The right to write at a place, given back unless it is used.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    owner: &'a OutputDir,
    title: String,
    key: Option<PathBuf>,
}

impl<'a> Claim<'a> {
    pub(super) fn new(owner: &'a OutputDir, title: &str, place: &Place) -> Result<Self> {
        let claim = Self {
            owner,
            title: title.to_owned(),
            key: Some(place.key.clone()),
        };
        if !owner.names.borrow_mut().taken.insert(place.key.clone()) {
            let error = claim.duplicate();
            claim.keep();
            return Err(error);
        }
        Ok(claim)
    }

    pub(super) fn duplicate(&self) -> Error {
        Error::DuplicateName {
            name: self.title.clone(),
        }
    }

    /// Whether a file is one that was written under another title.
    pub(super) fn is_ours(&self, metadata: &Metadata) -> bool {
        identity(metadata).is_some_and(|file| self.owner.names.borrow().files.contains(&file))
    }

    /// The place is used now.
    fn keep(mut self) {
        self.key = None;
    }

    /// The place is used now, by this file.
    pub(super) fn keep_file(self, metadata: Option<&Metadata>) {
        let file = metadata.and_then(identity);
        self.owner.names.borrow_mut().files.extend(file);
        self.keep();
    }

    /// The place is used now, by a directory.
    pub(super) fn keep_directory(self) {
        // It may have replaced files, and their inodes may come back as something else.
        self.owner.names.borrow_mut().files.clear();
        self.keep();
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.owner.names.borrow_mut().taken.remove(&key);
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "not every system can tell")]
pub(super) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use cap_std::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}
