//! Locks between processes: advisory locks (`flock`) on files and directories.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directory;
use crate::error::{Error, IoOp, Result};
use crate::http::clock::{Clock, SystemClock};
use crate::progress::Wait;

/// Name of the lock file in a scratch directory.
const NAME: &str = ".lock";
/// First and longest interval between two attempts to lock a file. The interval doubles each time.
const RETRY_INTERVALS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(16)];

/// The right to change what a scratch directory belongs to, until it is dropped.
///
/// The lock file exists only while the lock is held, so that a layout at rest consists of the files
/// of the specification and an empty scratch directory. A lock file that outlives its killed
/// process locks nothing and is used again. Because the file comes and goes, the process that gets
/// the lock checks that the file it locked still has the name, and tries again otherwise.
///
/// A file system without locks is used without a lock, as all other tools use every layout. It
/// reports an unsupported operation, or `ENOLCK`, as NFS does if the server has no lock service. A
/// system without memory for locks reports `ENOLCK` as well; a push without a lock is then better
/// than none.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl LockFile {
    /// Waits for the lock of the scratch directory `ingest`, which is created if it is missing.
    pub(crate) fn acquire(ingest: &Path) -> Result<Self> {
        let path = ingest.join(NAME);
        loop {
            directory::ensure(ingest)?;
            let file = match open(&path) {
                Ok(file) => file,
                // Another process removed the directory in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(IoOp::Open, &path)(error)),
            };
            wait_for_lock(&file, &path, &SystemClock, None)?;
            if is_at(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Only where `is_at` detects the removal. A lock file that stays does no harm.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens or creates a lock file. A symbolic link is not followed: it could lead to a file that is
/// not to be created or locked.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Opened for reading too: opening a pipe only for writing would wait for a reader.
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    options.open(path).map_err(|error| {
        if path.is_symlink() {
            io::Error::new(error.kind(), "the lock file is a symbolic link")
        } else {
            error
        }
    })
}

/// Locks a directory until the returned file is closed. Returns `None` if the directory cannot be
/// locked, or if another process holds the lock for longer than `timeout`.
///
/// # Errors
///
/// [`Error::Cancelled`].
pub(super) fn lock_directory(
    directory: &Path,
    timeout: Duration,
    clock: &dyn Clock,
) -> Result<Option<File>> {
    let Ok(file) = File::open(directory) else {
        return Ok(None);
    };
    match wait_for_lock(&file, directory, clock, Some(timeout)) {
        Err(error @ Error::Cancelled { .. }) => Err(error),
        locked => Ok(locked.is_ok_and(|locked| locked).then_some(file)),
    }
}

/// Waits for the lock of a file, which the file system may not have. Returns `false` if another
/// process holds it for longer than `timeout`, or if there are no locks.
fn wait_for_lock(
    file: &File,
    path: &Path,
    clock: &dyn Clock,
    timeout: Option<Duration>,
) -> Result<bool> {
    let name = path.to_string_lossy();
    let mut wait = Wait::new(&name);
    let [mut pause, longest] = RETRY_INTERVALS;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if timeout.is_none_or(|timeout| waited < timeout) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) if is_unsupported(&error) => return Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(Error::io(IoOp::Lock, path)(error)),
        }
        wait.advance(pause)?;
        clock.sleep(pause);
        waited += pause;
        pause = longest.min(pause * 2);
    }
}

/// Locks a temporary file until it is closed, so that no process considers it a
/// [leftover](super::leftovers).
pub(crate) fn mark_in_use(file: &File) {
    let _ = file.lock();
}

/// Whether the error means that the file system has no locks.
fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || (ENOLCK.is_some() && error.raw_os_error() == ENOLCK)
}

/// Number of the error "no locks available", which has no [`io::ErrorKind`]. On systems where it is
/// unknown, the error is reported.
const ENOLCK: Option<i32> = if cfg!(any(target_os = "linux", target_os = "android")) {
    // These architectures took their numbers from the Unix that Linux replaced on them.
    if cfg!(any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "mips32r6",
        target_arch = "mips64r6"
    )) {
        Some(46)
    } else if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) {
        Some(79)
    } else {
        Some(37)
    }
} else if cfg!(any(target_os = "solaris", target_os = "illumos")) {
    Some(46)
} else if cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
)) {
    Some(77)
} else {
    None
};

/// Whether `path` still leads to `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(held), Ok(named)) => held.dev() == named.dev() && held.ino() == named.ino(),
        _ => false,
    }
}

/// Always true: lock files are not removed on this system.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::fs::testing::TempDir;

    #[test]
    fn the_lock_is_exclusive_and_its_file_is_removed() {
        let directory = TempDir::new();
        let ingest = directory.path().join("ingest");
        let holders = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let rounds = Cell::new(0);
                    while rounds.get() < 50 {
                        let _lock = LockFile::acquire(&ingest).unwrap();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                        rounds.set(rounds.get() + 1);
                    }
                });
            }
        });
        #[cfg(unix)]
        assert_eq!(fs::read_dir(&ingest).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn another_process_may_remove_the_directory() {
        let directory = TempDir::new();
        let ingest = directory.path().join("ingest");
        std::thread::scope(|scope| {
            let remover = scope.spawn(|| {
                for _ in 0..2000 {
                    let _ = fs::remove_dir(&ingest);
                    std::thread::yield_now();
                }
            });
            while !remover.is_finished() {
                LockFile::acquire(&ingest).unwrap();
            }
        });
    }

    /// The numbers are those of the kernel headers.
    #[test]
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    fn only_errors_of_file_systems_without_locks_are_ignored() {
        let (enolck, enosys, eopnotsupp) = (37, 38, 95);
        let (eio, eacces, ebadf) = (5, 13, 9);
        for (number, wanted) in [
            (enolck, true),
            (enosys, true),
            (eopnotsupp, true),
            (eio, false),
            (eacces, false),
            (ebadf, false),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(is_unsupported(&error), wanted, "{error}");
        }
        assert!(!is_unsupported(&io::Error::other("no number")));
    }

    #[test]
    fn a_lock_file_of_a_killed_process_locks_nothing() {
        let directory = TempDir::new();
        fs::write(directory.path().join(NAME), "").unwrap();
        LockFile::acquire(directory.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let directory = TempDir::new();
        let link = directory.path().join("ingest").join(NAME);
        fs::create_dir(directory.path().join("ingest")).unwrap();
        fs::write(directory.path().join("victim"), "precious").unwrap();
        for target in ["../victim", "../missing", NAME] {
            std::os::unix::fs::symlink(target, &link).unwrap();
            let refused = LockFile::acquire(link.parent().unwrap()).unwrap_err();
            assert_eq!(
                refused.chain().to_string(),
                format!("open {}: the lock file is a symbolic link", link.display())
            );
            fs::remove_file(&link).unwrap();
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn opening_a_pipe_as_lock_file_does_not_block() {
        let directory = TempDir::new();
        let path = directory.path().join(NAME);
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
        LockFile::acquire(directory.path()).unwrap();
    }
}
