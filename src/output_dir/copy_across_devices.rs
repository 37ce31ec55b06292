//! Copying an entry to another file system, where a rename fails with `EXDEV`.

use std::fs::{File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::permissions::{make_owner_readable, make_owner_writable, remove_tree};
use super::staging;
use crate::fs::sparse_writer::copy_sparse;

/// A copy under a temporary name. Dropping it before the rename removes the copy.
pub(super) struct PendingCopy<'a> {
    parent: &'a Dir,
    /// The temporary name; None after the rename.
    temp_name: Option<PathBuf>,
    is_directory: bool,
    /// The lock that marks the copy as in use.
    _lock: Option<File>,
}

impl<'a> PendingCopy<'a> {
    /// Copies a file, a symbolic link, or a directory with its content, including modes and
    /// modification times. Hard links become separate files. Modes of the source may change.
    pub(super) fn create(from: &Dir, name: &Path, parent: &'a Dir) -> io::Result<Self> {
        let found = from.symlink_metadata(name)?;
        let new = |temp_name, is_directory, lock| Self {
            parent,
            temp_name: Some(temp_name),
            is_directory,
            _lock: lock,
        };
        if found.is_dir() {
            let (temp_name, (dir, lock)) = staging::create_directory(parent)?;
            let copy = new(temp_name.clone(), true, lock);
            restrict(parent, &temp_name, &found)?;
            copy_content(from, name, &dir)?;
            finish(&dir, parent, &temp_name, &found)?;
            Ok(copy)
        } else if found.is_symlink() {
            let (temp_name, ()) =
                staging::create(|temp_name| copy_link(from, name, parent, temp_name.as_ref()))?;
            Ok(new(temp_name, false, None))
        } else {
            let (temp_name, file) = staging::create_file(parent)?;
            let copy = new(temp_name.clone(), false, file.try_clone().ok());
            copy_file(from, name, &found, &file, parent, &temp_name)?;
            Ok(copy)
        }
    }

    /// Renames the copy to its final name.
    pub(super) fn rename(mut self, name: &Path) -> io::Result<()> {
        if let Some(temp_name) = &self.temp_name {
            self.parent.rename(temp_name, self.parent, name)?;
            self.temp_name = None;
        }
        Ok(())
    }
}

impl Drop for PendingCopy<'_> {
    fn drop(&mut self) {
        if let Some(temp_name) = &self.temp_name {
            let _ = if self.is_directory {
                remove_tree(self.parent, temp_name)
            } else {
                self.parent.remove_file(temp_name)
            };
        }
    }
}

/// Copies the content of the directory `name`.
fn copy_content(parent: &Dir, name: &Path, into: &Dir) -> io::Result<()> {
    make_owner_writable(parent, name);
    let from = parent.open_dir(name)?;
    for entry in from.entries()? {
        let name = entry?.file_name();
        let name = Path::new(&name);
        let found = from.symlink_metadata(name)?;
        if found.is_dir() {
            into.create_dir(name)?;
            let dir = into.open_dir(name)?;
            restrict(into, name, &found)?;
            copy_content(&from, name, &dir)?;
            finish(&dir, into, name, &found)?;
        } else if found.is_symlink() {
            copy_link(&from, name, into, name)?;
        } else {
            let mut options = OpenOptions::new();
            let file = into.open_with(name, options.write(true).create_new(true))?;
            copy_file(&from, name, &found, &file.into_std(), into, name)?;
        }
    }
    Ok(())
}

/// Sets the mode of `found`, plus access for the owner, before a directory is filled. Other users
/// never get more access than the final mode allows.
fn restrict(parent: &Dir, name: &Path, found: &Metadata) -> io::Result<()> {
    parent.set_permissions(name, found.permissions())?;
    make_owner_writable(parent, name);
    Ok(())
}

/// Sets the modification time and the final mode of a filled directory.
fn finish(dir: &Dir, parent: &Dir, name: &Path, found: &Metadata) -> io::Result<()> {
    if let Ok(dir) = dir.open(".") {
        copy_modified_time(&dir.into_std(), found);
    }
    parent.set_permissions(name, found.permissions())
}

fn copy_file(
    from: &Dir,
    name: &Path,
    found: &Metadata,
    file: &File,
    parent: &Dir,
    temp_name: &Path,
) -> io::Result<()> {
    if !found.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // Set before the content is written: other users never get more access than this mode allows.
    parent.set_permissions(temp_name, found.permissions())?;
    make_owner_readable(from, name);
    copy_sparse(&mut from.open(name)?.into_std(), file)?;
    copy_modified_time(file, found);
    Ok(())
}

/// Sets the modification time of `found`. Ignores errors.
fn copy_modified_time(file: &File, found: &Metadata) {
    if let Ok(modified) = found.modified() {
        let _ = file.set_times(FileTimes::new().set_modified(modified.into_std()));
    }
}

#[cfg(not(windows))]
fn copy_link(from: &Dir, name: &Path, parent: &Dir, temp_name: &Path) -> io::Result<()> {
    parent.symlink_contents(from.read_link_contents(name)?, temp_name)
}

#[cfg(windows)]
fn copy_link(_: &Dir, _: &Path, _: &Dir, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
