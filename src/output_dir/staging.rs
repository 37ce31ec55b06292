//! Temporary files and directories in a directory that is open.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::permissions::remove_tree;
use crate::fs::leftovers::{self, Entry, Folder};
use crate::fs::lock::mark_in_use;
use crate::fs::temp_name::TempKind;

/// A folder that is named by a handle, which symbolic links cannot escape.
#[derive(Debug)]
pub(super) struct StagingFolder {
    pub(super) dir: Dir,
    pub(super) path: PathBuf,
}

impl Folder for StagingFolder {
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    fn names(&self) -> Vec<String> {
        let entries = self.dir.entries().into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    /// The mode is 0666, less the umask.
    fn create(&self, name: &str, _: bool) -> io::Result<File> {
        open_new(&self.dir, name)
    }

    fn entry(&self, name: &str) -> io::Result<Entry> {
        let metadata = self.dir.symlink_metadata(name)?;
        Ok(Entry {
            is_directory: (metadata.is_dir() || metadata.is_file()).then_some(metadata.is_dir()),
            identity: identity(&metadata),
            changed: changed(&metadata),
        })
    }

    fn open(&self, name: &str, is_writable: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(is_writable);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.dir.rename(from, &self.dir, to)
    }

    fn remove(&self, name: &str, is_directory: bool) -> io::Result<()> {
        if is_directory {
            remove_tree(&self.dir, name.as_ref())
        } else {
            self.dir.remove_file(name)
        }
    }
}

/// Calls `create` with new temporary names until one does not exist. `NotFound` from `create` means
/// that another process has removed the entry; the next name is tried.
pub(super) fn create<T>(mut create: impl FnMut(&str) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    TempKind::Staged.create(|name| create(name).map(|created| (PathBuf::from(name), created)))
}

/// Creates a file with mode 0666, less the umask, for reading and writing. It is locked until it is
/// closed.
pub(super) fn create_file(parent: &Dir) -> io::Result<(PathBuf, File)> {
    create(|name| {
        let file = open_new(parent, name)?;
        mark_in_use(&file);
        // Another process may have removed the file before it was locked.
        parent.symlink_metadata(name)?;
        Ok(file)
    })
}

/// Opens an existing file. Does not follow a symbolic link.
pub(super) fn open_file(dir: &Dir, name: &Path, options: &OpenOptions) -> io::Result<File> {
    let found = dir.symlink_metadata(name)?;
    if !found.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    #[cfg(unix)]
    let options = {
        use cap_std::fs::OpenOptionsExt as _;
        use rustix::fs::OFlags;

        // Another process may have replaced the file by a FIFO, whose opening would wait.
        let mut options = options.clone();
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        options
    };
    let file = dir.open_with(name, &options)?;
    // Another process may have replaced the file by a link.
    if identity(&file.metadata()?) != identity(&found) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(file.into_std())
}

fn open_new(parent: &Dir, name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    Ok(parent.open_with(name, &options)?.into_std())
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

/// Removes files and directories that killed processes left. Returns the names of beginnings of
/// content.
pub(super) fn remove_leftovers(dir: &Dir) -> Vec<String> {
    let Ok(dir) = dir.try_clone() else {
        return Vec::new();
    };
    leftovers::remove_leftovers(&StagingFolder {
        dir,
        path: PathBuf::new(),
    })
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    leftovers::from_ctime(cap_std::fs::MetadataExt::ctime(metadata))
}

#[cfg(not(unix))]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    (metadata.modified().ok()).map(cap_std::time::SystemTime::into_std)
}

/// Device and inode of a file.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no inodes")]
pub(super) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use cap_std::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}
