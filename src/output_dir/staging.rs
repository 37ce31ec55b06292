//! Temporary names for unfinished files, and removal of those that killed processes left.
//!
//! A process locks every temporary file and directory that it writes, and the lock ends with the
//! process. A temporary file that can be locked is therefore stale, whatever its age, and the next
//! process removes it. Without file locks none is ever considered stale.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions};

use super::permissions::remove_tree;
use crate::fs::lock::{lock_if_abandoned, mark_in_use};
use crate::fs::unique_name::NamePattern;

const NAMES: NamePattern = NamePattern::with_process_id(".oras-", ".tmp");

/// Calls `create` with new temporary names until one does not exist. `NotFound` from `create` means
/// that another process has removed the entry; the next name is tried.
pub(super) fn create<T>(
    mut create: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    NAMES.create(|name| {
        let name = PathBuf::from(name);
        create(&name).map(|created| (name, created))
    })
}

/// Creates a file with mode 0666, less the umask, for reading and writing. It is locked until it is
/// closed.
pub(super) fn create_file(parent: &Dir) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    create(|name| {
        let file = parent.open_with(name, &options)?.into_std();
        mark_in_use(&file);
        // Another process may have removed the file as stale before it was locked.
        parent.symlink_metadata(name)?;
        Ok(file)
    })
}

/// Creates a directory with mode 0777, less the umask. It is locked until the returned file, if
/// any, is closed.
pub(super) fn create_directory(parent: &Dir) -> io::Result<(PathBuf, (Dir, Option<File>))> {
    create(|name| {
        parent.create_dir(name)?;
        let dir = parent.open_dir(name)?;
        // `Dir` may be an `O_PATH` handle, which cannot be locked.
        let lock = dir.open(".").ok().map(cap_std::fs::File::into_std);
        if let Some(lock) = &lock {
            mark_in_use(lock);
        }
        parent.symlink_metadata(name)?;
        Ok((dir, lock))
    })
}

/// Removes temporary files of killed processes from a directory. Ignores errors: a file that stays
/// only takes space.
pub(super) fn remove_stale_temps(parent: &Dir) {
    for entry in parent.entries().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name
            .to_str()
            .filter(|name| NAMES.matches(name))
            .map(Path::new)
        else {
            continue;
        };
        // Only files and directories are locked, and opening a FIFO would block.
        let Some(kind) = entry
            .file_type()
            .ok()
            .filter(|kind| kind.is_file() || kind.is_dir())
        else {
            continue;
        };
        let Ok(file) = parent.open(name) else {
            continue;
        };
        let file = file.into_std();
        if !lock_if_abandoned(&file) {
            continue;
        }
        // Removed by name: if it was completed concurrently, it has another name.
        let _ = if kind.is_dir() {
            remove_tree(parent, name)
        } else {
            parent.remove_file(name)
        };
    }
}
