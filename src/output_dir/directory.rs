//! Directories that are being written.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, Metadata};

use super::entry::{Parents, ResolvedTitle, TitleReservation, cannot_replace, parents_error};
use super::merge::{check_merge, merge, modified, set_modified};
use super::permissions::{make_owner_writable, remove_tree, restore_permissions};
use super::staging::identity;
use super::{OutputDir, staging};
use crate::error::{Conflict, Error, IoOp, Result};
use crate::fs::free_space::free_bytes;
use crate::fs::temp_file::TempFile;
use crate::oci::Descriptor;

/// Free space that is required to save an archive while it is unpacked, as a multiple of its size:
/// gzip seldom compresses files to less than a fourth of their size.
const SAVED_ARCHIVE_ROOM: u64 = 5;

/// A directory that is being written under a temporary name. [`commit`](Self::commit) moves it to
/// its final name; dropping it before removes it.
#[derive(Debug)]
pub struct PendingDirectory<'a> {
    staged: StagedDirectory,
    target: ResolvedTitle,
    reservation: TitleReservation<'a>,
    keep_old_files: bool,
    /// Names of beginnings of content in the parent directory.
    beginnings: Arc<[String]>,
}

impl<'a> PendingDirectory<'a> {
    pub(super) fn create(owner: &'a OutputDir, title: &str) -> Result<Self> {
        let target = owner.locate(title, Parents::Create)?;
        let reservation = TitleReservation::new(&owner.written, title, &target)?;
        let keep_old_files = owner.options.keep_old_files;
        let existing = target.metadata()?;
        check(&target, existing.as_ref(), keep_old_files)?;
        let beginnings = target.remove_leftovers(&owner.written);
        let existing = existing.filter(Metadata::is_dir);
        let staged = StagedDirectory::create_for(&target, existing.as_ref())
            .map_err(|error| parents_error(error, &target.path))?;
        Ok(Self {
            staged,
            target,
            reservation,
            keep_old_files,
            beginnings,
        })
    }

    /// Creates a file beside the directory that keeps the beginning of its archive. Returns `None`
    /// if there is no room for the archive besides what it contains.
    pub(crate) fn save_archive(&self, archive: &Descriptor) -> Option<TempFile> {
        let free = free_bytes(&self.target.dir).unwrap_or(u64::MAX);
        if free / SAVED_ARCHIVE_ROOM < archive.size {
            return None;
        }
        let folder = self.target.folder().ok()?;
        TempFile::create_for(folder, Some(archive), &self.beginnings).ok()
    }

    /// The final absolute path.
    pub fn path(&self) -> &Path {
        &self.target.path
    }

    /// The final absolute path, without symbolic links.
    pub fn real_path(&self) -> &Path {
        &self.target.key
    }

    /// The handle of the directory.
    pub const fn dir(&self) -> &Dir {
        &self.staged.dir
    }

    /// Moves the directory to its final name and returns the absolute path.
    ///
    /// An existing directory is merged: its content stays, except files that are also in this
    /// directory. Symbolic links are replaced, not followed.
    ///
    /// # Errors
    ///
    /// - [`Error::Conflict`] if the name exists and old files are kept.
    /// - [`Error::Io`] with the path. If a file would replace a directory or a directory a file,
    ///   nothing is moved.
    pub fn commit(self) -> Result<PathBuf> {
        let Self {
            mut staged,
            target,
            reservation,
            keep_old_files,
            ..
        } = self;
        let existing = target.metadata()?;
        check(&target, existing.as_ref(), keep_old_files)?;
        if existing.as_ref().is_some_and(Metadata::is_dir) {
            let existing = target
                .open()
                .map_err(Error::io(IoOp::OpenDirectory, &target.path))?;
            // Moving entries out of a directory needs write permission.
            make_owner_writable(&staged.parent, &staged.name);
            check_merge(&staged.dir, &existing, &target.path)?;
            let modified = modified(&staged.dir);
            let old = make_owner_writable(&target.dir, target.entry_name());
            let merged = merge(&staged.dir, &existing, &target.path);
            restore_permissions(&target.dir, target.entry_name(), old);
            merged?;
            // It may be inside of the existing directory, whose time its removal changes.
            drop(staged);
            set_modified(&existing, modified);
        } else {
            if existing.is_some() {
                target
                    .dir
                    .remove_file(&target.name)
                    .map_err(Error::io(IoOp::Replace, &target.path))?;
            }
            staged
                .parent
                .rename(&staged.name, &target.dir, &target.name)
                .map_err(Error::io(IoOp::Rename, &target.path))?;
            staged.is_moved = true;
        }
        reservation.complete_directory();
        Ok(target.path)
    }
}

/// A directory under a temporary name. Dropping it before it is moved removes it with its content.
#[derive(Debug)]
struct StagedDirectory {
    parent: Dir,
    name: PathBuf,
    dir: Dir,
    /// The lock that marks the directory as in use.
    _lock: Option<File>,
    is_moved: bool,
}

impl StagedDirectory {
    /// Creates a directory next to or inside the target, on the same file system.
    fn create_for(target: &ResolvedTitle, existing: Option<&Metadata>) -> io::Result<Self> {
        let beside = || target.dir.try_clone().and_then(Self::create);
        let Some(existing) = existing else {
            return beside();
        };
        let inside = || target.open().and_then(Self::create);
        // Stale files in the existing directory would become part of the next push of it.
        if let Ok(dir) = target.open() {
            staging::remove_leftovers(&dir);
        }
        // A rename cannot cross file systems. On the same file system the parent is preferred, and
        // the target itself is used if the parent is not writable.
        let parent = target.dir.dir_metadata()?;
        let device = |metadata| identity(metadata).map(|(device, _)| device);
        if device(existing) == device(&parent) {
            beside().or_else(|_| inside())
        } else {
            inside().or_else(|_| beside())
        }
    }

    fn create(parent: Dir) -> io::Result<Self> {
        let (name, (dir, lock)) = staging::create_directory(&parent)?;
        Ok(Self {
            parent,
            name,
            dir,
            _lock: lock,
            is_moved: false,
        })
    }
}

impl Drop for StagedDirectory {
    fn drop(&mut self) {
        if !self.is_moved {
            let _ = remove_tree(&self.parent, &self.name);
        }
    }
}

/// Checks that a directory may replace or merge with `existing`.
fn check(target: &ResolvedTitle, existing: Option<&Metadata>, keep_old_files: bool) -> Result<()> {
    match existing {
        None => Ok(()),
        Some(_) if keep_old_files => Err(Error::conflict(
            target.path.display().to_string(),
            Conflict::Exists,
        )),
        Some(existing) if existing.is_dir() || existing.is_symlink() => Ok(()),
        Some(_) => Err(cannot_replace(&target.path, "a file has that name")),
    }
}
