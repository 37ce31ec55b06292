//! Directories that are not complete yet.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata};

use super::OutputDir;
use super::entry::{Claim, Parents, Place, identity, no_parents};
use super::merge::{check_merge, merge};
use super::permissions::{lock, remove_tree, unlock};
use super::staging;
use crate::error::{Error, Result};

/// A directory on its way to its name. It gets there with [`commit`](Self::commit), and vanishes if it is dropped before.
#[derive(Debug)]
pub struct PendingDirectory<'a> {
    staged: Staged,
    place: Place,
    claim: Claim<'a>,
    keep_old_files: bool,
}

impl<'a> PendingDirectory<'a> {
    pub(super) fn create(owner: &'a OutputDir, title: &str) -> Result<Self> {
        let place = owner.locate(title, Parents::Create)?;
        let claim = Claim::new(owner, title, &place)?;
        let keep_old_files = owner.options.keep_old_files;
        let existing = place.metadata()?;
        check(&place, existing.as_ref(), keep_old_files)?;
        place.tidy(owner);
        let existing = existing.filter(Metadata::is_dir);
        let staged = Staged::create_for(&place, existing.as_ref())
            .map_err(|error| no_parents(error, &place.path))?;
        Ok(Self {
            staged,
            place,
            claim,
            keep_old_files,
        })
    }

    /// The absolute path that the directory will have.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The directory to fill.
    pub const fn dir(&self) -> &Dir {
        &self.staged.dir
    }

    /// Gives the directory its name, and returns its absolute path.
    ///
    /// If a directory has that name, its content is kept, and each file is replaced that also is in this one. Symbolic links
    /// in the way are replaced, not followed.
    ///
    /// # Errors
    ///
    /// [`Error::Overwrite`] when something has the name and old files are kept. [`Error::Io`] naming the path; where a file
    /// meets a directory, before anything is moved.
    pub fn commit(self) -> Result<PathBuf> {
        let Self {
            mut staged,
            place,
            claim,
            keep_old_files,
        } = self;
        let existing = place.metadata()?;
        check(&place, existing.as_ref(), keep_old_files)?;
        if existing.as_ref().is_some_and(Metadata::is_dir) {
            let existing = place
                .open()
                .map_err(Error::io("open directory", &place.path))?;
            // Nothing can be moved out of a directory that its owner cannot change.
            unlock(&staged.home, &staged.name);
            check_merge(&staged.dir, &existing, &place.path)?;
            let old = unlock(&place.dir, place.own_name());
            let merged = merge(&staged.dir, &existing, &place.path);
            lock(&place.dir, place.own_name(), old);
            merged?;
        } else {
            if existing.is_some() {
                place
                    .dir
                    .remove_file(&place.name)
                    .map_err(Error::io("replace", &place.path))?;
            }
            staged
                .home
                .rename(&staged.name, &place.dir, &place.name)
                .map_err(Error::io("rename", &place.path))?;
            staged.is_moved = true;
        }
        claim.keep_directory();
        Ok(place.path)
    }
}

/// The directory under its hidden name, which is removed with all content when this is dropped.
#[derive(Debug)]
struct Staged {
    /// The directory that it is in.
    home: Dir,
    name: PathBuf,
    dir: Dir,
    /// Keeps others from taking it for abandoned.
    _lock: Option<File>,
    is_moved: bool,
}

impl Staged {
    /// Creates a directory where it can be moved from to its place.
    fn create_for(place: &Place, existing: Option<&Metadata>) -> io::Result<Self> {
        let beside = || place.dir.try_clone().and_then(Self::create);
        let Some(existing) = existing else {
            return beside();
        };
        let inside = || place.open().and_then(Self::create);
        // Whoever packs the existing directory must not find what was left there.
        if let Ok(dir) = place.open() {
            staging::remove_abandoned(&dir);
        }
        // Nothing can be renamed into a file system from outside. Otherwise inside is for when nothing can be made beside.
        let around = place.dir.dir_metadata()?;
        let device = |metadata| identity(metadata).map(|(device, _)| device);
        if device(existing) == device(&around) {
            beside().or_else(|_| inside())
        } else {
            inside().or_else(|_| beside())
        }
    }

    fn create(home: Dir) -> io::Result<Self> {
        let (name, (dir, lock)) = staging::create_directory(&home)?;
        Ok(Self {
            home,
            name,
            dir,
            _lock: lock,
            is_moved: false,
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_moved {
            let _ = remove_tree(&self.home, &self.name);
        }
    }
}

/// Whether a directory may take a name that `existing` has.
fn check(place: &Place, existing: Option<&Metadata>, keep_old_files: bool) -> Result<()> {
    match existing {
        None => Ok(()),
        Some(_) if keep_old_files => Err(Error::Overwrite {
            path: place.path.clone(),
        }),
        Some(existing) if existing.is_dir() || existing.is_symlink() => Ok(()),
        Some(_) => Err(place.in_the_way("a file has that name")),
    }
}
