//! Merging a staged directory into an existing one.

use std::ffi::OsString;
use std::fs::FileTimes;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use cap_std::fs::Dir;

use super::copy_across_devices::PendingCopy;
use super::entry::{cannot_replace, rename_error};
use super::in_place;
use super::permissions::{make_owner_readable, make_owner_writable, restore_permissions};
use super::staging::remove_leftovers;
use crate::error::{Error, IoOp, Result};

/// The way to move an entry into an existing directory.
enum MergeAction {
    /// Rename: the name is free, or the rename replaces the existing entry.
    Rename,
    /// Remove the symbolic link first: a rename of a directory does not replace it.
    ReplaceLink,
    /// Merge the two directories.
    Merge(Dir, Dir),
}

/// Checks that all entries can be merged, before anything is moved.
pub(super) fn check_merge(staged: &Dir, existing: &Dir, path: &Path) -> Result<()> {
    for (name, is_directory) in entries(staged, path)? {
        let path = path.join(&name);
        if let MergeAction::Merge(staged, existing) =
            plan_entry(staged, existing, &name, is_directory, &path)?
        {
            check_merge(&staged, &existing, &path)?;
        }
    }
    Ok(())
}

/// Moves all entries of `staged` to `existing`.
pub(super) fn merge(staged: &Dir, existing: &Dir, path: &Path) -> Result<()> {
    let modified = modified(staged);
    // Another file system may be mounted anywhere in the existing directory.
    let mut crosses_devices = false;
    for (name, is_directory) in entries(staged, path)? {
        let path = path.join(&name);
        let action = plan_entry(staged, existing, &name, is_directory, &path)?;
        let name = Path::new(&name);
        let replace_link = || {
            existing
                .remove_file(name)
                .map_err(Error::io(IoOp::Replace, &path))
        };
        let is_link = match action {
            MergeAction::Merge(from, into) => {
                let old = make_owner_writable(existing, name);
                let merged = merge(&from, &into, &path);
                restore_permissions(existing, name, old);
                merged?;
                continue;
            }
            MergeAction::ReplaceLink => true,
            MergeAction::Rename => false,
        };
        // Moving a directory changes its `..` entry, which needs write permission.
        let old = make_owner_writable(staged, name);
        let moved = match staged.rename(name, existing, name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                restore_permissions(staged, name, old);
                if !crosses_devices {
                    crosses_devices = true;
                    remove_leftovers(existing);
                }
                let copy = PendingCopy::create(staged, name, existing)
                    .map_err(Error::io(IoOp::Copy, &path))?;
                if is_link {
                    replace_link()?;
                }
                copy.rename(name)
            }
            Err(error)
                if is_file(staged, name)
                    && in_place::is_alternative(&error)
                    && in_place::open(existing, name).is_ok() =>
            {
                overwrite(staged, existing, name).map_err(Error::io(IoOp::Write, &path))?;
                Ok(())
            }
            Err(_) if is_link => {
                replace_link()?;
                staged
                    .rename(name, existing, name)
                    .map(|()| restore_permissions(existing, name, old))
            }
            moved => moved.map(|()| restore_permissions(existing, name, old)),
        };
        moved.map_err(|error| rename_error(error, &path))?;
    }
    set_modified(existing, modified);
    Ok(())
}

/// The modification time of a directory.
pub(super) fn modified(directory: &Dir) -> Option<SystemTime> {
    let modified = directory.dir_metadata().and_then(|found| found.modified());
    modified.ok().map(cap_std::time::SystemTime::into_std)
}

/// Sets the modification time of a directory. An error is not worth a failure.
pub(super) fn set_modified(directory: &Dir, modified: Option<SystemTime>) {
    if let (Some(modified), Ok(directory)) = (modified, directory.open(".")) {
        let times = FileTimes::new().set_modified(modified);
        let _ = directory.into_std().set_times(times);
    }
}

fn is_file(dir: &Dir, name: &Path) -> bool {
    dir.symlink_metadata(name)
        .is_ok_and(|found| found.is_file())
}

/// Overwrites the existing file `name` with the staged one.
fn overwrite(staged: &Dir, existing: &Dir, name: &Path) -> io::Result<()> {
    make_owner_readable(staged, name);
    in_place::overwrite(&staged.open(name)?.into_std(), existing, name)
}

/// Decides how to move the entry `name`.
fn plan_entry(
    staged: &Dir,
    existing: &Dir,
    name: &OsString,
    is_directory: bool,
    path: &Path,
) -> Result<MergeAction> {
    let found = match existing.symlink_metadata(name) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(MergeAction::Rename),
        Err(error) => return Err(Error::io(IoOp::Stat, path)(error)),
    };
    match (is_directory, found.is_dir()) {
        (true, true) => {
            // The entries are moved out, which needs write permission.
            make_owner_writable(staged, Path::new(name));
            let open = |dir: &Dir| {
                dir.open_dir(name)
                    .map_err(Error::io(IoOp::OpenDirectory, path))
            };
            Ok(MergeAction::Merge(open(staged)?, open(existing)?))
        }
        (true, false) if found.is_symlink() => Ok(MergeAction::ReplaceLink),
        (true, false) => Err(cannot_replace(path, "a file has the name of a directory")),
        (false, true) => Err(cannot_replace(path, "a directory has the name of a file")),
        (false, false) if found.is_file() || found.is_symlink() => Ok(MergeAction::Rename),
        (false, false) => Err(cannot_replace(path, "a special file has that name")),
    }
}

/// The entries of a directory: names, and whether they are directories. Collected, because the
/// caller changes the directory.
fn entries(dir: &Dir, path: &Path) -> Result<Vec<(OsString, bool)>> {
    dir.entries()
        .and_then(|entries| {
            entries
                .map(|entry| {
                    let entry = entry?;
                    Ok((entry.file_name(), entry.file_type()?.is_dir()))
                })
                .collect()
        })
        .map_err(Error::io(IoOp::ReadDirectory, path))
}
