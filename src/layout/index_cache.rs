//! The index that was read last, for as long as its file stays what it was.
//!
//! Who looks up every tag of a layout would otherwise read and parse the whole of `index.json` for each of them. Other
//! processes may change the file at any time, by a rename or in place. So the file is opened and looked at every time, and
//! what was read from it is used again only if it is certain that nothing was written since:
//!
//! - Device, inode, size and both times are the same. The time of the last change cannot be set by programs.
//! - When the file was read, that time lay further back than the clocks of file systems are coarse. A later write then
//!   cannot have the same time, as it could have right after another one.
//!
//! Where a file system does not tell these things, the file is read every time.
//!
//! What the manifests say that an index leads to is kept as long as the index says the same, and what is missing or damaged is
//! so still: content never changes.

use std::cell::RefCell;
use std::fs::Metadata;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::graph::Attached;
use super::index::Index;
use crate::error::Result;

/// How coarse the clock of a file system may be: FAT counts in steps of two seconds, and the clock of a server may be a
/// little behind.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// An index and the state of the file that it was read from.
    index: RefCell<Option<(Stamp, Arc<Index>)>>,
    /// An index and what is attached to what below it.
    attached: RefCell<Option<(Arc<Index>, Arc<Attached>)>>,
}

impl Kept {
    /// The index of a file that is in the state `stamp` at the time `now`. It is read if the one that is kept is another.
    pub(super) fn index(
        &self,
        stamp: Option<Stamp>,
        now: SystemTime,
        read: impl FnOnce() -> Result<Index>,
    ) -> Result<Arc<Index>> {
        if let (Some(stamp), Some((known, index))) = (&stamp, &*self.index.borrow())
            && stamp == known
        {
            return Ok(Arc::clone(index));
        }
        // Nothing is kept while reading: two large ones need not be in memory at once.
        self.index.replace(None);
        let index = Arc::new(read()?);
        if let Some(stamp) = stamp.filter(|stamp| stamp.is_settled(now)) {
            self.index.replace(Some((stamp, Arc::clone(&index))));
        }
        Ok(index)
    }

    /// What is attached to what below `index`. It is read if what is kept is about another index or not current; `read` also
    /// tells whether what it read may be kept.
    pub(super) fn attached(
        &self,
        index: &Arc<Index>,
        is_current: impl FnOnce(&Attached) -> Result<bool>,
        read: impl FnOnce() -> Result<(Attached, bool)>,
    ) -> Result<Arc<Attached>> {
        if let Some((known, attached)) = &*self.attached.borrow()
            && (Arc::ptr_eq(known, index) || known == index)
            && is_current(attached)?
        {
            return Ok(Arc::clone(attached));
        }
        self.attached.replace(None);
        let (attached, is_lasting) = read()?;
        let attached = Arc::new(attached);
        if is_lasting {
            let kept = (Arc::clone(index), Arc::clone(&attached));
            self.attached.replace(Some(kept));
        }
        Ok(attached)
    }
}

/// The state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "as elsewhere")]
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;

        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Elsewhere there is no time that programs cannot set.
    #[cfg(not(unix))]
    pub(super) const fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// Whether the last change was long enough ago. One in the future was not.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let last = self.modified.0.max(self.changed.0);
        let Ok(last) = u64::try_from(last) else {
            return false;
        };
        now.checked_sub(SETTLED_AFTER)
            .and_then(|limit| limit.duration_since(SystemTime::UNIX_EPOCH).ok())
            .is_some_and(|limit| last < limit.as_secs())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::fs::testing::TempDir;

    fn stamp(path: &Path) -> Option<Stamp> {
        Stamp::of(&fs::metadata(path).unwrap())
    }

    fn seconds_after(path: &Path, seconds: u64) -> SystemTime {
        let changed = stamp(path).unwrap().changed.0;
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).unwrap() + seconds)
    }

    fn index() -> Result<Index> {
        Index::parse(b"{}")
    }

    fn unneeded() -> Result<Index> {
        panic!("nothing was changed")
    }

    #[test]
    fn a_file_that_is_not_changed_is_read_once() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let later = seconds_after(&path, 60);
        let kept = Kept::default();
        kept.index(stamp(&path), later, index).unwrap();
        kept.index(stamp(&path), later, unneeded).unwrap();
        // However the clock is set.
        kept.index(stamp(&path), SystemTime::UNIX_EPOCH, unneeded)
            .unwrap();
    }

    #[test]
    fn a_file_that_may_still_change_unseen_is_read_again() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let kept = Kept::default();
        let now = seconds_after(&path, 5);
        let last_year = seconds_after(&path, 0) - Duration::from_secs(365 * 24 * 60 * 60);
        for (stamp, now) in [
            (stamp(&path), now),
            (stamp(&path), last_year),
            (stamp(&path), SystemTime::UNIX_EPOCH),
            (None, seconds_after(&path, 60)),
        ] {
            for _ in 0..2 {
                let mut reads = 0;
                let read = || {
                    reads += 1;
                    index()
                };
                kept.index(stamp.clone(), now, read).unwrap();
                assert_eq!(reads, 1);
            }
        }
    }

    #[test]
    fn a_file_that_was_changed_or_replaced_is_read_again() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        let other = directory.path().join("b");
        fs::write(&path, "a").unwrap();
        let before = stamp(&path).unwrap();
        let later = seconds_after(&path, 60);
        fs::write(&other, "b").unwrap();
        let replaced = stamp(&other).unwrap();
        fs::write(&path, "ab").unwrap();
        let longer = stamp(&path).unwrap();
        let same_size_in_place = Stamp {
            changed: (before.changed.0, before.changed.1 + 1),
            ..before.clone()
        };
        let kept = Kept::default();
        for changed in [replaced, longer, same_size_in_place] {
            kept.index(Some(before.clone()), later, index).unwrap();
            let mut reads = 0;
            let read = || {
                reads += 1;
                index()
            };
            kept.index(Some(changed), later, read).unwrap();
            assert_eq!(reads, 1);
        }
    }

    #[test]
    fn nothing_is_kept_of_what_cannot_be_read() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let later = seconds_after(&path, 60);
        let kept = Kept::default();
        kept.index(stamp(&path), later, || Index::parse(b"[]"))
            .unwrap_err();
        kept.index(stamp(&path), later, index).unwrap();
    }
}
