//! One writer at a time, across processes.
//!
//! The lock is an advisory lock (`flock`) on a file in `ingest/`, the directory that other tools know to be scratch space
//! and leave out of backups. The file is there only while the lock is held, so that a layout at rest consists of nothing but
//! what the specification names and an empty `ingest/`. A file that outlives its process, because that was killed, locks
//! nothing and is used again.
//!
//! Because the file comes and goes, whoever gets a lock first looks whether the file it locked is still the one of that
//! name, and tries again if not. Where the file system has no locks at all, work goes on without: that is how every other
//! tool treats every layout.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

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
            fs::create_dir_all(ingest).map_err(Error::io("mkdir", ingest))?;
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(Error::io("open", &path))?;
            match file.lock() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
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
    use crate::layout::testing::TempDir;

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

    #[test]
    fn a_file_left_by_a_killed_process_locks_nothing() {
        let directory = TempDir::new();
        fs::write(directory.path().join(NAME), "").unwrap();
        Lock::acquire(directory.path()).unwrap();
    }
}
