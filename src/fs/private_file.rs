//! Files that only their owner may read, replaced atomically by one process at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::directory;
use super::lock::lock_directory;
use super::temp_file::{TempFile, remove_leftovers_in};
use crate::error::{Error, IoOp, Result};
use crate::http::clock::Clock;
use crate::limits::{CONFIG_LOCK_TIMEOUT, MAX_CONFIG_LINKS};

/// A file of credentials, locked for replacement.
///
/// The lock is one of the directory, if its file system has locks. Other tools do not respect it,
/// and another process may lock the directory for another purpose: after [`CONFIG_LOCK_TIMEOUT`]
/// the replacement continues without the lock.
pub(crate) struct PrivateFile {
    path: PathBuf,
    directory: PathBuf,
    /// Locked as long as it is open.
    _lock: Option<File>,
}

impl PrivateFile {
    /// Locks the file at `path`, or the file that symbolic links there lead to. The file need not
    /// exist, nor its directory, which is created with mode 0700.
    pub(crate) fn lock(path: &Path, clock: &dyn Clock) -> Result<Self> {
        let path = follow_links(path)?;
        let directory = directory::parent(&path).to_owned();
        directory::create_private(&directory)?;
        let lock = lock_directory(&directory, CONFIG_LOCK_TIMEOUT, clock)?;
        // They contain secrets.
        remove_leftovers_in(&directory, |_| false);
        Ok(Self {
            _lock: lock,
            path,
            directory,
        })
    }

    /// Replaces the content of the file. Concurrent readers see the old or the new content.
    ///
    /// A new file gets mode 0600. An existing file keeps its owner and mode, less all rights of
    /// group and others.
    ///
    /// A file that cannot be renamed is overwritten in place: a mount point, such as a file that a
    /// container mounts, or a file in a read-only directory. Concurrent readers may then see a part
    /// of the content.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]. The file is unchanged.
    pub(crate) fn replace(&self, content: &[u8]) -> Result<()> {
        let error = match self.rename_over(content) {
            Err(Error::Io { source, .. }) if !needs_overwrite(source.kind()) => source,
            Err(Error::Io { source, .. }) => {
                match OpenOptions::new().read(true).write(true).open(&self.path) {
                    Ok(file) => match overwrite(file, content) {
                        Ok(()) => return Ok(()),
                        Err(error) => error,
                    },
                    // The reason why there is no other way is the relevant one.
                    Err(_) => source,
                }
            }
            decided => return decided,
        };
        Err(Error::io(IoOp::Write, &self.path)(error))
    }

    fn rename_over(&self, content: &[u8]) -> Result<()> {
        let mut temp = TempFile::create_private(&self.directory)?;
        let mut write = || -> io::Result<()> {
            let file = temp.file();
            file.write_all(content)?;
            if let Ok(known) = fs::metadata(&self.path) {
                copy_owner_and_mode(file, &known)?;
            }
            file.sync_all()?;
            temp.rename(&self.path)
        };
        write().map_err(Error::io(IoOp::Write, &self.path))
    }
}

/// Returns whether an error of creating or renaming a file beside another one says nothing about
/// writing to that file.
const fn needs_overwrite(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Replaces the content of an open file. After an error, such as a full disk, the file has its old
/// content.
fn overwrite(mut file: File, content: &[u8]) -> io::Result<()> {
    let mut old = Vec::new();
    file.read_to_end(&mut old)?;
    let mut write = |content: &[u8]| -> io::Result<()> {
        file.rewind()?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)?;
        file.sync_all()
    };
    let written = write(content);
    if written.is_err() {
        let _ = write(&old);
    }
    written
}

/// Follows symbolic links at `path` to a file that need not exist.
fn follow_links(path: &Path) -> Result<PathBuf> {
    let mut resolved = path.to_owned();
    for _ in 0..MAX_CONFIG_LINKS {
        match fs::read_link(&resolved) {
            Ok(target) => {
                resolved.pop();
                resolved.push(target);
            }
            Err(_) => return Ok(resolved),
        }
    }
    let error = io::Error::other("too many levels of symbolic links");
    Err(Error::io(IoOp::Open, path)(error))
}

/// Gives `file` the owner of the file with the metadata `known`, and the rights of the owner that
/// file has.
#[cfg(unix)]
fn copy_owner_and_mode(file: &File, known: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    let created = file.metadata()?;
    if (created.uid(), created.gid()) != (known.uid(), known.gid()) {
        // Only the superuser can change the owner. Another user with access to the directory
        // becomes the owner.
        let _ = fchown(file, Some(known.uid()), Some(known.gid()));
    }
    file.set_permissions(fs::Permissions::from_mode(known.mode() & 0o600))
}

#[cfg(not(unix))]
fn copy_owner_and_mode(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
