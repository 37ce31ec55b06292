//! What things are called until they are complete, and what becomes of them if they never are.
//!
//! Everything under a hidden name is locked by the process that writes it, and a lock ends with its process. So what can be
//! locked is abandoned, whatever its age, and a later process removes it. Where there are no locks, nothing is ever found
//! abandoned.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions};

use super::permissions::remove_tree;
use crate::fs::lock::{lock_if_abandoned, mark_in_use};
use crate::fs::unique_name::NamePattern;

const NAMES: NamePattern = NamePattern::with_process_id(".oras-", ".tmp");

/// Creates something under a new hidden name. `NotFound` means that it has vanished already.
pub(super) fn create<T>(
    mut create: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    NAMES.create(|name| {
        let name = PathBuf::from(name);
        create(&name).map(|created| (name, created))
    })
}

/// Creates a file with mode 0666 less the umask. It is locked until it is closed.
pub(super) fn create_file(home: &Dir) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    create(|name| {
        let file = home.open_with(name, &options)?.into_std();
        mark_in_use(&file);
        // Somebody may have found it abandoned before it was locked.
        home.symlink_metadata(name)?;
        Ok(file)
    })
}

/// Creates a directory with mode 0777 less the umask. It is locked until the file is closed, if there is one.
pub(super) fn create_directory(home: &Dir) -> io::Result<(PathBuf, (Dir, Option<File>))> {
    create(|name| {
        home.create_dir(name)?;
        let dir = home.open_dir(name)?;
        // The handle only stands for a path and cannot be locked itself.
        let lock = dir.open(".").ok().map(cap_std::fs::File::into_std);
        if let Some(lock) = &lock {
            mark_in_use(lock);
        }
        home.symlink_metadata(name)?;
        Ok((dir, lock))
    })
}

/// Removes what killed processes left in a directory. What cannot be removed does no harm but the space it takes.
pub(super) fn remove_abandoned(home: &Dir) {
    for entry in home.entries().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name
            .to_str()
            .filter(|name| NAMES.matches(name))
            .map(Path::new)
        else {
            continue;
        };
        // Nothing else is ever locked, and to open a FIFO would wait for its other end.
        let Some(kind) = entry
            .file_type()
            .ok()
            .filter(|kind| kind.is_file() || kind.is_dir())
        else {
            continue;
        };
        let Ok(file) = home.open(name) else {
            continue;
        };
        let file = file.into_std();
        if !lock_if_abandoned(&file) {
            continue;
        }
        // By name: if it was completed meanwhile, it has another one.
        let _ = if kind.is_dir() {
            remove_tree(home, name)
        } else {
            home.remove_file(name)
        };
    }
}
