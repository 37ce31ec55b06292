//! A cache of the parsed `index.json` and of the referrers in a layout.
//!
//! Without it, resolving every tag of a layout would read and parse `index.json` for each of them.
//! Other processes may replace the file or write to it at any time. The file is therefore opened
//! for every use, and the cached index is used only if the fingerprint of the file certainly
//! excludes a write since (see [`FileFingerprint::is_settled`]). Where the system has no such
//! fingerprint, the file is read every time.
//!
//! The referrers are cached as long as the index is equal and missing or damaged manifests have not
//! changed: content never changes.

use std::sync::Arc;
use std::time::SystemTime;

use super::index::Index;
use super::referrer_index::ReferrerIndex;
use crate::error::Result;
use crate::fs::fingerprint::FileFingerprint;
use crate::progress::sync::Lock;

#[derive(Debug, Default)]
pub(super) struct IndexCache {
    /// An index, and the fingerprint of the file that it was read from.
    index: Lock<Option<(FileFingerprint, Arc<Index>)>>,
    /// An index, and the referrers that can be reached from it.
    referrers: Lock<Option<(Arc<Index>, Arc<ReferrerIndex>)>>,
}

impl IndexCache {
    /// Returns the index of the file that has this fingerprint at the time `now`. Calls `read` if
    /// the cached index has another fingerprint.
    pub(super) fn index(
        &self,
        fingerprint: Option<FileFingerprint>,
        now: SystemTime,
        read: impl FnOnce() -> Result<Index>,
    ) -> Result<Arc<Index>> {
        if let (Some(current), Some((known, index))) = (&fingerprint, &*self.index.lock())
            && current == known
        {
            return Ok(Arc::clone(index));
        }
        // Dropped first, so that two large indexes are not in memory at once.
        self.index.replace(None);
        let index = Arc::new(read()?);
        if let Some(settled) = fingerprint.filter(|state| state.is_settled(now)) {
            self.index.replace(Some((settled, Arc::clone(&index))));
        }
        Ok(index)
    }

    /// Drops the cached index.
    pub(super) fn clear(&self) {
        self.index.replace(None);
    }

    /// Returns the referrers below `index`. Calls `read` if the cached ones belong to another index
    /// or are not current. `read` also returns whether its result can be cached.
    pub(super) fn referrers(
        &self,
        index: &Arc<Index>,
        is_current: impl FnOnce(&ReferrerIndex) -> Result<bool>,
        read: impl FnOnce() -> Result<(ReferrerIndex, bool)>,
    ) -> Result<Arc<ReferrerIndex>> {
        if let Some((known, referrers)) = &*self.referrers.lock()
            && (Arc::ptr_eq(known, index) || known == index)
            && is_current(referrers)?
        {
            return Ok(Arc::clone(referrers));
        }
        self.referrers.replace(None);
        let (referrers, is_cacheable) = read()?;
        let referrers = Arc::new(referrers);
        if is_cacheable {
            let cached = (Arc::clone(index), Arc::clone(&referrers));
            self.referrers.replace(Some(cached));
        }
        Ok(referrers)
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

    fn fingerprint(path: &Path) -> FileFingerprint {
        FileFingerprint::from_metadata(&fs::metadata(path).unwrap())
    }

    fn seconds_after(path: &Path, seconds: u64) -> SystemTime {
        fingerprint(path).seconds_after(seconds)
    }

    fn index() -> Result<Index> {
        Index::parse(b"{}")
    }

    fn unneeded() -> Result<Index> {
        panic!("the file is unchanged")
    }

    #[test]
    fn an_unchanged_file_is_read_once() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let later = seconds_after(&path, 60);
        let cache = IndexCache::default();
        cache.index(Some(fingerprint(&path)), later, index).unwrap();
        cache
            .index(Some(fingerprint(&path)), later, unneeded)
            .unwrap();
        // Whatever the clock says.
        cache
            .index(Some(fingerprint(&path)), SystemTime::UNIX_EPOCH, unneeded)
            .unwrap();
    }

    #[test]
    fn a_file_whose_fingerprint_is_not_settled_is_read_again() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let cache = IndexCache::default();
        let now = seconds_after(&path, 5);
        let last_year = seconds_after(&path, 0) - Duration::from_secs(365 * 24 * 60 * 60);
        for (state, now) in [
            (Some(fingerprint(&path)), now),
            (Some(fingerprint(&path)), last_year),
            (Some(fingerprint(&path)), SystemTime::UNIX_EPOCH),
            (None, seconds_after(&path, 60)),
        ] {
            for _ in 0..2 {
                let mut reads = 0;
                let read = || {
                    reads += 1;
                    index()
                };
                cache.index(state, now, read).unwrap();
                assert_eq!(reads, 1);
            }
        }
    }

    #[test]
    fn a_changed_or_replaced_file_is_read_again() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        let other = directory.path().join("b");
        fs::write(&path, "a").unwrap();
        let before = fingerprint(&path);
        let later = seconds_after(&path, 60);
        fs::write(&other, "b").unwrap();
        let replaced = fingerprint(&other);
        fs::write(&path, "ab").unwrap();
        let longer = fingerprint(&path);
        let same_size_in_place = before.rewritten();
        let cache = IndexCache::default();
        for changed in [replaced, longer, same_size_in_place] {
            cache.index(Some(before), later, index).unwrap();
            let mut reads = 0;
            let read = || {
                reads += 1;
                index()
            };
            cache.index(Some(changed), later, read).unwrap();
            assert_eq!(reads, 1);
        }
    }

    #[test]
    fn an_invalid_index_is_not_cached() {
        let directory = TempDir::new();
        let path = directory.path().join("a");
        fs::write(&path, "a").unwrap();
        let later = seconds_after(&path, 60);
        let cache = IndexCache::default();
        cache
            .index(Some(fingerprint(&path)), later, || Index::parse(b"[]"))
            .unwrap_err();
        cache.index(Some(fingerprint(&path)), later, index).unwrap();
    }
}
