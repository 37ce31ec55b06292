//! One writer at a time, across processes.
//!
//! The lock is an advisory lock (`flock`) on a file in `ingest/`, the directory that other tools know to be scratch space
//! and leave out of backups. The file is there only while the lock is held, so that a layout at rest consists of nothing but
//! what the specification names and an empty `ingest/`. A file that outlives its process, because that was killed, locks
//! nothing and is used again.
//!
//! Because the file comes and goes, whoever gets a lock first looks whether the file it locked is still the one of that
//! name, and tries again if not.
//!
//! Where the file system has no locks at all, work goes on without: that is how every other tool treats every layout. It
//! says so as an operation that is not supported, or, as NFS does whose server has no lock service, with `ENOLCK`: no locks
//! available. A system that ran out of memory for locks says that too; then a push without a lock is better than none.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::temp;
use crate::error::{Error, Result};

const NAME: &str = ".lock";

/// The right to change a layout's `index.json`, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl Lock {
    /// Waits until no other process or handle holds the lock of the layout whose scratch directory is `ingest`.
    pub(super) fn acquire(ingest: &Path) -> Result<Self> {
        let path = ingest.join(NAME);
        loop {
            temp::ensure_directory(ingest)?;
            // To be read too, because opening a pipe only to write to it would wait for a reader.
            let file = match OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
            {
                Ok(file) => file,
                // Somebody who is done with the layout removed the directory in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("open", &path)(error)),
            };
            match file.lock() {
                Ok(()) => {}
                Err(error) if means_no_locks(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("lock", &path)(error)),
            }
            if is_at(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only where the next one can tell that the file it waited for is gone. What cannot be removed does no harm.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether this is how a file system says that it has no locks.
fn means_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || (ENOLCK.is_some() && error.raw_os_error() == ENOLCK)
}

/// The number of the error "no locks available", which the standard library has no name for. Where it is not known, the
/// error is reported.
const ENOLCK: Option<i32> = if cfg!(any(target_os = "linux", target_os = "android")) {
    // Each of these architectures took its numbers from the Unix it once replaced.
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

    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => held.dev() == named.dev() && held.ino() == named.ino(),
        _ => false,
    }
}

/// Whether `path` still leads to `file`: always, as the file is not removed here.
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
    fn only_one_holds_the_lock_at_a_time_and_nothing_stays_behind() {
        let directory = TempDir::new();
        let ingest = directory.path().join("ingest");
        let holders = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let rounds = Cell::new(0);
                    while rounds.get() < 50 {
                        let _lock = Lock::acquire(&ingest).unwrap();
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
    fn the_directory_may_be_removed_by_somebody_who_is_done() {
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
                Lock::acquire(&ingest).unwrap();
            }
        });
    }

    /// As the kernel numbers them, not as the code does.
    #[test]
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    fn only_what_means_that_there_are_no_locks_is_passed_over() {
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
            assert_eq!(means_no_locks(&error), wanted, "{error}");
        }
        assert!(!means_no_locks(&io::Error::other("no number")));
    }

    #[test]
    fn a_file_left_by_a_killed_process_locks_nothing() {
        let directory = TempDir::new();
        fs::write(directory.path().join(NAME), "").unwrap();
        Lock::acquire(directory.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_of_that_name_is_not_waited_for() {
        let directory = TempDir::new();
        let path = directory.path().join(NAME);
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
        Lock::acquire(directory.path()).unwrap();
    }
}
