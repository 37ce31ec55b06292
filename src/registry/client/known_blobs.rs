//! The blobs that repositories were seen to have, and what the last checks for blobs showed. Pure.
//!
//! The knowledge may be out of date: another client can delete a blob, and the registry can collect
//! it as garbage. So only operations that can send a blob later use it, see
//! [`IndexedTarget::known_blobs`](crate::store::IndexedTarget::known_blobs).

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use crate::limits::{MAX_KNOWN_AGE, MAX_KNOWN_BLOBS};
use crate::oci::{Digest, RegistryName, RepositoryName};

/// A repository of a registry.
type Key = (RegistryName, RepositoryName);

/// The known blobs of all repositories.
#[derive(Debug, Default)]
pub(crate) struct KnownBlobs {
    repositories: HashMap<Key, RepositoryBlobs>,
    /// Number of blobs in all repositories.
    count: usize,
}

/// The known blobs of a repository.
#[derive(Debug)]
struct RepositoryBlobs {
    digests: HashSet<Digest>,
    checks: BlobChecks,
    /// Time at which the first of the blobs was seen.
    since: SystemTime,
}

/// Results of the last checks for blobs of a repository, which show what is probable for the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlobChecks {
    /// Whether the tag that is being pushed does not exist yet.
    pub(crate) is_first_push: bool,
    /// Number of blobs that existed since the last that did not.
    pub(crate) existing_in_a_row: u32,
    /// Number of blobs that did not exist since the last that did.
    pub(crate) missing_in_a_row: u32,
}

impl BlobChecks {
    /// Adds the result of a check.
    pub(crate) const fn add(&mut self, exists: bool) {
        if exists {
            self.existing_in_a_row = self.existing_in_a_row.saturating_add(1);
            self.missing_in_a_row = 0;
        } else {
            self.missing_in_a_row = self.missing_in_a_row.saturating_add(1);
            self.existing_in_a_row = 0;
        }
    }
}

impl KnownBlobs {
    /// Adds a blob that a repository has at the time `now`.
    pub(crate) fn add(&mut self, repository: &Key, digest: &Digest, now: SystemTime) {
        let is_new = self.entry(repository, now).digests.insert(digest.clone());
        self.count += usize::from(is_new);
    }

    /// The results of the last checks in a repository, at the time `now`.
    pub(crate) fn checks(&mut self, repository: &Key, now: SystemTime) -> &mut BlobChecks {
        &mut self.entry(repository, now).checks
    }

    fn entry(&mut self, repository: &Key, now: SystemTime) -> &mut RepositoryBlobs {
        self.forget_if_old(repository, now);
        if self.count + self.repositories.len() >= MAX_KNOWN_BLOBS {
            self.clear();
        }
        let known = self.repositories.entry(repository.clone());
        known.or_insert_with(|| RepositoryBlobs {
            digests: HashSet::new(),
            checks: BlobChecks::default(),
            since: now,
        })
    }

    /// Whether a repository is known to have a blob at the time `now`.
    pub(crate) fn contains(&mut self, repository: &Key, digest: &Digest, now: SystemTime) -> bool {
        self.forget_if_old(repository, now);
        let known = self.repositories.get(repository);
        known.is_some_and(|known| known.digests.contains(digest))
    }

    /// Forgets the blobs of a repository.
    pub(crate) fn forget(&mut self, repository: &Key) {
        if let Some(forgotten) = self.repositories.remove(repository) {
            self.count -= forgotten.digests.len();
        }
    }

    /// Forgets all blobs.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget_if_old(&mut self, repository: &Key, now: SystemTime) {
        let known = self.repositories.get(repository);
        let is_old = known.is_some_and(|known| {
            // After the clock was set back, the age is unknown.
            now.duration_since(known.since)
                .map_or(true, |age| age >= MAX_KNOWN_AGE)
        });
        if is_old {
            self.forget(repository);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn key(name: &str) -> Key {
        ("r:5000".parse().unwrap(), name.parse().unwrap())
    }

    fn digest(number: usize) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn a_blob_is_known_in_its_repository_for_a_while() {
        let mut known = KnownBlobs::default();
        let start = UNIX_EPOCH + Duration::from_secs(1000);
        known.add(&key("a"), &digest(1), start);
        let almost = MAX_KNOWN_AGE.mul_f64(0.9);
        known.add(&key("a"), &digest(2), start + almost);
        let early = start - Duration::from_secs(1);
        for (name, number, now, wanted) in [
            ("a", 1, start, true),
            ("a", 1, start + almost, true),
            ("a", 3, start, false),
            ("b", 1, start, false),
            // The oldest blob of a repository decides.
            ("a", 2, start + MAX_KNOWN_AGE, false),
            ("a", 1, start, false),
        ] {
            let found = known.contains(&key(name), &digest(number), now);
            assert_eq!(found, wanted, "{name} {number} {now:?}");
        }
        known.add(&key("a"), &digest(1), start);
        assert!(!known.contains(&key("a"), &digest(1), early));
    }

    #[test]
    fn blobs_are_forgotten() {
        let mut known = KnownBlobs::default();
        let fill = |known: &mut KnownBlobs| {
            for name in ["a", "b"] {
                known.add(&key(name), &digest(1), UNIX_EPOCH);
            }
        };
        let found = |known: &mut KnownBlobs| {
            ["a", "b"].map(|name| known.contains(&key(name), &digest(1), UNIX_EPOCH))
        };
        fill(&mut known);
        known.forget(&key("a"));
        assert_eq!(found(&mut known), [false, true]);
        fill(&mut known);
        known.clear();
        assert_eq!(found(&mut known), [false, false]);
    }

    #[test]
    fn checks_are_counted_until_the_result_differs() {
        let mut known = KnownBlobs::default();
        let checks = known.checks(&key("a"), UNIX_EPOCH);
        for (exists, wanted) in [
            (true, (1, 0)),
            (true, (2, 0)),
            (false, (0, 1)),
            (false, (0, 2)),
            (true, (1, 0)),
        ] {
            checks.add(exists);
            assert_eq!((checks.existing_in_a_row, checks.missing_in_a_row), wanted);
        }
        let later = UNIX_EPOCH + MAX_KNOWN_AGE;
        assert_eq!(*known.checks(&key("b"), UNIX_EPOCH), BlobChecks::default());
        assert_eq!(*known.checks(&key("a"), later), BlobChecks::default());
    }

    #[test]
    fn the_number_of_known_blobs_is_limited() {
        let mut known = KnownBlobs::default();
        for number in 0..3 * MAX_KNOWN_BLOBS {
            let name = ["a", "b"][number % 2];
            known.add(&key(name), &digest(number), UNIX_EPOCH);
            let held = known.repositories.values().map(|known| known.digests.len());
            assert_eq!(held.sum::<usize>(), known.count);
            assert!(known.count <= MAX_KNOWN_BLOBS);
        }
    }
}
