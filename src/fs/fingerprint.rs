//! Fingerprints of files: identity, size and times, from which a later change is detected.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// Limit for the resolution of file system clocks: FAT counts in steps of 2 s, and the clock of a
/// file server may be behind by a little.
const CLOCK_RESOLUTION: Duration = Duration::from_secs(5);

/// The state of a file. Two equal fingerprints mean that the file was not written in between, if
/// the first one [is settled](Self::is_settled).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileFingerprint {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: Inode,
}

/// The parts of a fingerprint that only Unix has.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    /// Time of the last status change, in seconds and nanoseconds since 1970. Unlike the time of
    /// the last modification, programs cannot set it.
    changed: (i64, i64),
}

impl FileFingerprint {
    pub(crate) fn from_metadata(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;

        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: Inode {
                device: metadata.dev(),
                number: metadata.ino(),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
            },
        }
    }

    /// The size of the file in bytes.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Whether a write after `now` certainly changes the fingerprint: the last change is longer ago
    /// than the resolution of file system clocks. A last change in the future is not settled.
    ///
    /// Always false on systems without a time that programs cannot set.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let limit = now
            .checked_sub(CLOCK_RESOLUTION)
            .and_then(|limit| limit.duration_since(SystemTime::UNIX_EPOCH).ok());
        self.last_change_seconds()
            .zip(limit)
            .is_some_and(|(last, limit)| last < limit.as_secs())
    }

    /// Seconds from 1970 to the last change of content or status.
    #[cfg(unix)]
    fn last_change_seconds(&self) -> Option<u64> {
        let changed = u64::try_from(self.inode.changed.0).ok();
        let modified = self
            .modified
            .and_then(|modified| modified.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map(|modified| modified.as_secs());
        changed.max(modified)
    }

    #[cfg(not(unix))]
    const fn last_change_seconds(&self) -> Option<u64> {
        None
    }

    /// The fingerprint after a write in place of as many bytes, at the next nanosecond.
    #[cfg(all(test, unix))]
    pub(crate) const fn rewritten(mut self) -> Self {
        self.inode.changed.1 += 1;
        self
    }

    /// A time that is `seconds` after the last change.
    #[cfg(all(test, unix))]
    pub(crate) fn seconds_after(&self, seconds: u64) -> SystemTime {
        let changed = self
            .last_change_seconds()
            .expect("files are younger than 1970");
        SystemTime::UNIX_EPOCH + Duration::from_secs(changed + seconds)
    }
}
