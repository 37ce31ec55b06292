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
use std::sync::Arc;
use std::time::SystemTime;

use super::graph::Attached;
use super::index::Index;
use crate::error::Result;
use crate::fs::fingerprint::FileFingerprint;

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// An index and the state of the file that it was read from.
    index: RefCell<Option<(FileFingerprint, Arc<Index>)>>,
    /// An index and what is attached to what below it.
    attached: RefCell<Option<(Arc<Index>, Arc<Attached>)>>,
}

impl Kept {
    /// The index of a file that is in the state `fingerprint` at the time `now`. It is read if the one that is kept is another.
    pub(super) fn index(
        &self,
        fingerprint: Option<FileFingerprint>,
        now: SystemTime,
        read: impl FnOnce() -> Result<Index>,
    ) -> Result<Arc<Index>> {
        if let (Some(current), Some((known, index))) = (&fingerprint, &*self.index.borrow())
            && current == known
        {
            return Ok(Arc::clone(index));
        }
        // Nothing is kept while reading: two large ones need not be in memory at once.
        self.index.replace(None);
        let index = Arc::new(read()?);
        if let Some(settled) = fingerprint.filter(|state| state.is_settled(now)) {
            self.index.replace(Some((settled, Arc::clone(&index))));
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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::fs::testing::TempDir;

    fn fingerprint(path: &Path) -> Option<FileFingerprint> {
        let metadata = fs::metadata(path).unwrap();
        Some(FileFingerprint::from_metadata(&metadata))
    }

    fn seconds_after(path: &Path, seconds: u64) -> SystemTime {
        fingerprint(path).unwrap().seconds_after(seconds)
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
        kept.index(fingerprint(&path), later, index).unwrap();
        kept.index(fingerprint(&path), later, unneeded).unwrap();
        // However the clock is set.
        kept.index(fingerprint(&path), SystemTime::UNIX_EPOCH, unneeded)
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
        for (state, now) in [
            (fingerprint(&path), now),
            (fingerprint(&path), last_year),
            (fingerprint(&path), SystemTime::UNIX_EPOCH),
            (None, seconds_after(&path, 60)),
        ] {
            for _ in 0..2 {
                let mut reads = 0;
                let read = || {
                    reads += 1;
                    index()
                };
                kept.index(state, now, read).unwrap();
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
        let before = fingerprint(&path).unwrap();
        let later = seconds_after(&path, 60);
        fs::write(&other, "b").unwrap();
        let replaced = fingerprint(&other).unwrap();
        fs::write(&path, "ab").unwrap();
        let longer = fingerprint(&path).unwrap();
        let same_size_in_place = before.rewritten();
        let kept = Kept::default();
        for changed in [replaced, longer, same_size_in_place] {
            kept.index(Some(before), later, index).unwrap();
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
        kept.index(fingerprint(&path), later, || Index::parse(b"[]"))
            .unwrap_err();
        kept.index(fingerprint(&path), later, index).unwrap();
    }
}
