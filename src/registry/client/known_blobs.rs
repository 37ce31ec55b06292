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
    /// Time at which the first of the blobs was seen.
    since: SystemTime,
}

impl KnownBlobs {
    /// Adds a blob that a repository has at the time `now`.
    pub(crate) fn add(&mut self, repository: &Key, digest: &Digest, now: SystemTime) {
        self.forget_if_old(repository, now);
        if self.count >= MAX_KNOWN_BLOBS {
            self.clear();
        }
        let known = self.repositories.entry(repository.clone());
        let known = known.or_insert_with(|| RepositoryBlobs {
            digests: HashSet::new(),
            since: now,
        });
        self.count += usize::from(known.digests.insert(digest.clone()));
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
