//! Temporary files that killed processes left: which of them may be removed or continued.
//!
//! A process locks the temporary files that it uses, and the lock ends with the process. Locks of
//! some network file systems are local to a host, and some file systems have none. Therefore a lock
//! decides only about files that a process of this host created. Other files are left alone until
//! they are old: see [`MAX_FOREIGN_AGE`].

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::temp_name::TempName;
use crate::http::clock::{Clock as _, SystemClock};
use crate::limits::{MAX_BEGINNING_AGE, MAX_FOREIGN_AGE};
use crate::oci::{Descriptor, Digest};

/// A directory with temporary files: a path, or a handle that symbolic links cannot escape.
pub(crate) trait Folder: std::fmt::Debug + Send + Sync {
    /// The path, for messages.
    fn path(&self) -> PathBuf;

    /// Returns the names of all entries. Entries that cannot be listed are left out.
    fn names(&self) -> Vec<String>;

    /// Creates a file for reading and writing, with mode 0600 if it is private.
    fn create(&self, name: &str, is_private: bool) -> io::Result<File>;

    /// Returns kind and identity of an entry, without following a symbolic link.
    fn entry(&self, name: &str) -> io::Result<Entry>;

    /// Opens a file or directory for reading, and for writing if it `is_writable`.
    fn open(&self, name: &str, is_writable: bool) -> io::Result<File>;

    /// Renames a file within the directory.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, or a directory with its content.
    fn remove(&self, name: &str, is_directory: bool) -> io::Result<()>;
}

/// An entry of a directory, as far as the directory describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// `None` for entries that are neither files nor directories.
    pub(crate) is_directory: Option<bool>,
    /// Device and inode; `None` on systems without them.
    pub(crate) identity: Option<(u64, u64)>,
    /// Time of the last change of content or status; `None` if it is unknown. The time of the last
    /// modification does not show the age of an unpacked directory, because archives set it.
    pub(crate) changed: Option<SystemTime>,
}

impl Entry {
    pub(super) fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            is_directory: (metadata.is_dir() || metadata.is_file()).then_some(metadata.is_dir()),
            identity: identity(metadata),
            changed: changed(metadata),
        }
    }

    /// Time since the last change; `None` if it is unknown or in the future.
    fn age(&self) -> Option<Duration> {
        SystemClock.now().duration_since(self.changed?).ok()
    }
}

/// Returns the time of a status change in seconds since 1970. File systems without that time report
/// 0.
#[cfg(unix)]
pub(crate) fn from_ctime(seconds: i64) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    from_ctime(std::os::unix::fs::MetadataExt::ctime(metadata))
}

#[cfg(not(unix))]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no inodes")]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;

    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
const fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Removes the files and directories in a folder that no process uses, and beginnings that are so
/// old that no process continues them. Returns the names of the remaining beginnings. Errors are
/// ignored: a leftover takes only space.
pub(crate) fn remove_leftovers(folder: &dyn Folder) -> Vec<String> {
    let mut beginnings = Vec::new();
    for name in folder.names() {
        let Some(parsed) = TempName::parse(&name) else {
            continue;
        };
        // Not locked before: another process could not continue it then.
        let is_young = || {
            let entry = folder.entry(&name);
            entry.is_ok_and(|entry| entry.age().is_none_or(|age| age < MAX_BEGINNING_AGE))
        };
        if parsed.is_beginning() && is_young() {
            beginnings.push(name);
        } else if let Some(leftover) = Leftover::lock(folder, &name, &parsed) {
            // Still locked: a process that has just created the file waits for the lock and then
            // notices the removal.
            let _ = folder.remove(&name, leftover.is_directory);
        }
    }
    beginnings
}

/// Removes the beginnings of content that `is_unneeded` and no process uses, of the files with
/// these `names`.
pub(crate) fn remove_beginnings(
    folder: &dyn Folder,
    names: &[String],
    is_unneeded: impl Fn(&Digest) -> bool,
) {
    for name in names {
        if let Some(parsed) = TempName::parse(name)
            && parsed.content().is_some_and(|digest| is_unneeded(&digest))
            && let Some(leftover) = Leftover::lock(folder, name, &parsed)
        {
            let _ = folder.remove(name, leftover.is_directory);
        }
    }
}

/// Returns the longest beginning of content that no process uses, of the files with these `names`.
/// It is locked, and gets the name `name` and the permissions of the file `owned`, which has that
/// name and is replaced. Removes all others that no process uses.
///
/// A file with several names is not continued: it may be complete and published under another one.
/// Nor is the file of another user than that of `owned`, who could change it later.
pub(super) fn claim_beginning(
    folder: &dyn Folder,
    names: &[String],
    content: &Descriptor,
    owned: &File,
    name: &str,
) -> Option<(File, u64)> {
    let mut longest: Option<(Leftover, &str)> = None;
    for candidate in names {
        let Some(leftover) = TempName::parse(candidate)
            .filter(|parsed| parsed.is_beginning_of(&content.digest))
            .and_then(|parsed| Leftover::lock(folder, candidate, &parsed))
        else {
            continue;
        };
        let best = longest.as_ref().map_or(0, |(best, _)| best.length);
        let is_better = leftover.length > best
            && leftover.length <= content.size
            && leftover.is_writable
            && (leftover.file.as_ref()).is_some_and(|file| is_private_copy(file, owned));
        let worse = if is_better {
            longest.replace((leftover, candidate))
        } else {
            Some((leftover, candidate.as_str()))
        };
        if let Some((leftover, name)) = worse {
            let _ = folder.remove(name, leftover.is_directory);
        }
    }
    let (leftover, candidate) = longest?;
    let file = leftover.file?;
    // The umask may be another one now.
    let permissions = owned.metadata().ok()?.permissions();
    file.set_permissions(permissions).ok()?;
    folder.rename(candidate, name).ok()?;
    Some((file, leftover.length))
}

/// Whether a file has one name and the owner of another file.
#[cfg(unix)]
fn is_private_copy(file: &File, owned: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (file.metadata(), owned.metadata()) {
        (Ok(file), Ok(owned)) => file.nlink() == 1 && file.uid() == owned.uid(),
        _ => false,
    }
}

#[cfg(not(unix))]
const fn is_private_copy(_: &File, _: &File) -> bool {
    true
}

/// A temporary file or directory that no other process uses, locked.
struct Leftover {
    /// `None` if the process cannot open the file.
    file: Option<File>,
    is_directory: bool,
    /// Whether the file is open for writing.
    is_writable: bool,
    length: u64,
}

impl Leftover {
    /// Locks a temporary file unless a process may use it.
    fn lock(folder: &dyn Folder, name: &str, parsed: &TempName<'_>) -> Option<Self> {
        // Opening a pipe would wait for its other end.
        let entry = folder.entry(name).ok()?;
        let is_directory = entry.is_directory?;
        let mut opened = None;
        // A complete file has its final mode, which may permit neither writing nor reading.
        for is_writable in [true, false] {
            if opened.is_some() || (is_directory && is_writable) {
                continue;
            }
            match folder.open(name, is_writable) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                file => opened = Some((file.ok()?, is_writable)),
            }
        }
        let Some((file, is_writable)) = opened else {
            return is_abandoned(Lock::Unknown, parsed.is_local, entry.age()).then_some(Self {
                file: None,
                is_directory,
                is_writable: false,
                length: 0,
            });
        };
        let lock = match file.try_lock() {
            Ok(()) => Lock::Free,
            Err(TryLockError::WouldBlock) => Lock::Held,
            Err(TryLockError::Error(_)) => Lock::Unknown,
        };
        let metadata = file.metadata().ok()?;
        let opened = Entry::from_metadata(&metadata);
        // The process that had the lock may have given the file its final name, and another one may
        // have replaced it by a symbolic link.
        let is_same = folder.entry(name).ok()?.identity == opened.identity;
        (is_same && is_abandoned(lock, parsed.is_local, opened.age())).then_some(Self {
            file: Some(file),
            is_directory,
            is_writable,
            length: metadata.len(),
        })
    }
}

/// The state of the lock of a temporary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    /// No process that this host knows uses the file.
    Free,
    Held,
    /// The file system has no locks, or the process has no right to open the file.
    Unknown,
}

/// Whether no process uses a temporary file.
fn is_abandoned(lock: Lock, is_local: bool, age: Option<Duration>) -> bool {
    match lock {
        Lock::Held => false,
        Lock::Free if is_local => true,
        Lock::Free | Lock::Unknown => age.is_some_and(|age| age > MAX_FOREIGN_AGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_be_in_use_is_not_abandoned() {
        let (old, new) = (Some(MAX_FOREIGN_AGE * 2), Some(MAX_FOREIGN_AGE / 2));
        for (lock, is_local, age, wanted) in [
            (Lock::Free, true, new, true),
            (Lock::Free, true, None, true),
            (Lock::Free, false, new, false),
            (Lock::Free, false, None, false),
            (Lock::Free, false, old, true),
            (Lock::Unknown, true, new, false),
            (Lock::Unknown, true, old, true),
            (Lock::Unknown, false, old, true),
            (Lock::Held, true, old, false),
            (Lock::Held, false, old, false),
        ] {
            assert_eq!(
                is_abandoned(lock, is_local, age),
                wanted,
                "{lock:?}, local: {is_local}, {age:?}"
            );
        }
    }
}
