//! Updates of referrers tags, for registries without the referrers API (distribution spec v1.1,
//! "Pushing Manifests with Subject", "Deleting Manifests", "Referrers Tag Schema").
//!
//! The referrers index of a subject is an index under a tag. Each client that pushes a referrer
//! reads the index, adds an entry and writes the index back. Registries have no conditional writes,
//! so two clients can overwrite each other's entries. This protocol keeps all entries:
//!
//! - After a write, the client reads the index again. If its own entry, or an entry of another
//!   client that it knew, is missing, it writes the index again. The write of another client that
//!   read the index before can be on its way: it arrives after the own write by the time that the
//!   server takes to store an index, because the time on the network passes for the check too. So
//!   the client waits a moment before the first check. (Without, distribution lost 3 of 120 entries
//!   of 20 concurrent clients, with it 0 of 300.) If the first check shows another writer, the
//!   client waits longer than others take between their read and their write.
//! - An index without an entry is only written by a client that read the index before the entry was
//!   added. That write happens while the client that added the entry waits, and this client repairs
//!   it. So an entry survives if all clients follow the protocol.
//! - An entry that was removed on purpose is not restored: its manifest does not exist.
//!
//! In a [batch](crate::store::Batch) the updates are collected. Each index is written once, with
//! all new entries: before a tag is pushed, before referrers are listed, and when the batch
//! finishes. If the process is killed before that, manifests are pushed but not listed. A later
//! copy of such a manifest, or of the referrers of its subject, lists it.
//!
//! Entries of other clients stay, including those whose manifest does not exist, unless the
//! registry refuses the index because of them.
//!
//! A replaced index is not deleted: another client may have written the same index, or may be
//! reading it. For the same reason an empty index stays, as with oras.

use std::collections::HashSet;
use std::time::Duration;

use super::ReferrersMode;
use super::listing::ReferrersTagContent;
use crate::error::{Error, RegistryErrorResponse, Result};
use crate::limits::Limit;
use crate::oci::{Descriptor, Digest, RawManifest, Referrer, ReferrersIndex, referrers_tag};
use crate::registry::manifest_retry;
use crate::registry::repository::Repository;
use crate::store::Source as _;
use crate::text::random;

/// Maximum number of writes of an index. Twenty concurrent clients need three or four writes.
const MAX_WRITES: u32 = 10;
/// The shortest wait before an index is read for the first time after it was written: longer than a
/// registry takes to store an index.
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// Half of the shortest wait before an index is read again after another client changed it: longer
/// than a client takes between its read and its write, except on slow networks, where
/// [`wait_before_check`] waits longer.
const MIN_WAIT: Duration = Duration::from_millis(100);
/// The longest wait, unless the read and the write took longer.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Maximum number of entries of other clients that are restored. One update loses a few entries; if
/// more are missing, the index was replaced on purpose.
const MAX_RESTORED: usize = 100;

/// A change of a referrers index.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    /// Adds these manifests.
    Add(&'a [Descriptor]),
    /// Removes a manifest.
    Remove(&'a Digest),
}

impl<'a> Change<'a> {
    fn digests(self) -> HashSet<&'a Digest> {
        match self {
            Self::Add(manifests) => manifests.iter().map(|it| &it.digest).collect(),
            Self::Remove(digest) => HashSet::from([digest]),
        }
    }
}

/// The update of a referrers tag, until reads show that it was not overwritten.
pub(crate) struct TagListUpdate<'a> {
    repository: &'a Repository,
    subject: &'a Digest,
    change: Change<'a>,
    /// The digests that the change adds or removes.
    own: HashSet<&'a Digest>,
    /// The entries of the last written index.
    known: Vec<Descriptor>,
    writes: u32,
    /// Duration of the last read and write.
    took: Duration,
}

impl Repository {
    /// Lists a manifest that was just pushed as a referrer of its subject, unless the registry does
    /// so. `indexed` is the `OCI-Subject` header of the response to the push.
    pub(crate) fn update_referrers(
        &self,
        manifest: &RawManifest,
        indexed: Option<&Digest>,
    ) -> Result<()> {
        let Some(referrer) = Referrer::from_manifest(manifest).ok().flatten() else {
            return Ok(());
        };
        match self.referrers_mode() {
            ReferrersMode::Api => return Ok(()),
            ReferrersMode::Learned if indexed == Some(&referrer.subject.digest) => {
                self.learn(ReferrersMode::Api);
                return Ok(());
            }
            // The registry sent `OCI-Subject` but has no referrers API (seen on ECR): update the
            // tag anyway.
            ReferrersMode::Learned | ReferrersMode::Tag => {}
        }
        self.add_referrer(referrer)
    }

    /// Makes sure that an existing manifest is listed as a referrer of its subject. The client that
    /// pushed it may have been interrupted before it updated the referrers tag.
    pub(crate) fn ensure_referrer_listed(&self, manifest: &RawManifest) -> Result<()> {
        let Some(referrer) = Referrer::from_manifest(manifest).ok().flatten() else {
            return Ok(());
        };
        if self.has_referrers_api(&referrer.subject)? {
            return Ok(());
        }
        self.add_referrer(referrer)
    }

    /// Adds a manifest to the index of its subject, now or when the batch finishes.
    fn add_referrer(&self, referrer: Referrer) -> Result<()> {
        let (subject, referrer) = (referrer.subject.digest, referrer.descriptor);
        if self.state.pending.is_open() {
            (self.state.pending).with(|it| it.entry(subject).or_default().push(referrer));
            return Ok(());
        }
        TagListUpdate::new(self, &subject, Change::Add(&[referrer])).run()
    }

    /// Writes the deferred updates. Failed updates are kept, and repeated before the next operation
    /// that depends on them.
    pub(crate) fn flush_referrers(&self) -> Result<()> {
        let waiting = self.state.pending.take();
        let lists = (waiting.iter())
            .map(|(subject, referrers)| TagListUpdate::new(self, subject, Change::Add(referrers)));
        let settled = run_to_completion(lists.collect());
        if settled.is_err() && self.state.pending.is_open() {
            self.state.pending.with(|it| *it = waiting);
        }
        settled
    }

    pub(crate) fn finish_referrers_batch(&self) -> Result<()> {
        if self.state.pending.finish_batch() {
            self.flush_referrers()
        } else {
            Ok(())
        }
    }
}

/// Runs updates to completion. All indexes are written before the first is read again, so that the
/// wait is as long as for one.
fn run_to_completion(mut lists: Vec<TagListUpdate<'_>>) -> Result<()> {
    while let Some(first) = lists.first() {
        if let Some(wait) = lists.iter().filter_map(TagListUpdate::wait).max() {
            let Repository {
                client, registry, ..
            } = first.repository;
            client.sleep(registry.as_str(), wait)?;
        }
        let mut unfinished = Vec::new();
        for mut list in lists {
            if !list.attempt()? {
                unfinished.push(list);
            }
        }
        lists = unfinished;
    }
    Ok(())
}

impl<'a> TagListUpdate<'a> {
    pub(crate) fn new(repository: &'a Repository, subject: &'a Digest, change: Change<'a>) -> Self {
        Self {
            repository,
            subject,
            change,
            own: change.digests(),
            known: Vec::new(),
            writes: 0,
            took: Duration::ZERO,
        }
    }

    /// Runs the update to completion.
    pub(crate) fn run(self) -> Result<()> {
        run_to_completion(vec![self])
    }

    /// Returns the wait before the index is read, if it was written.
    fn wait(&self) -> Option<Duration> {
        (self.writes > 0).then(|| wait_before_check(self.writes, self.took, random::fraction()))
    }

    /// Reads the index, and writes it if the change is missing. Returns whether the index was
    /// complete.
    pub(crate) fn attempt(&mut self) -> Result<bool> {
        self.try_attempt().map_err(|error| {
            let subject = self.subject;
            error.context(match self.change {
                Change::Add([one]) => {
                    format!("failed to list {} as a referrer of {subject}", one.digest)
                }
                Change::Add(many) => {
                    let count = many.len();
                    format!("failed to list {count} manifests as referrers of {subject}")
                }
                Change::Remove(digest) => {
                    format!("failed to unlist {digest} as a referrer of {subject}")
                }
            })
        })
    }

    fn try_attempt(&mut self) -> Result<bool> {
        let start = self.repository.client.now();
        let list = match (
            self.repository.read_referrers_tag(self.subject)?,
            self.change,
        ) {
            (ReferrersTagContent::Index(list), _) => list,
            (ReferrersTagContent::Missing, _) => ReferrersIndex::empty(),
            // The tag holds something else: there is no entry to remove.
            (ReferrersTagContent::Other(_), Change::Remove(_)) => return Ok(true),
            (ReferrersTagContent::Other(reason), Change::Add(_)) => {
                return Err(self.repository.invalid_referrers_tag(self.subject, &reason));
            }
        };
        let Some(mut changed) = self.changed(&list)? else {
            return Ok(true);
        };
        if self.writes >= MAX_WRITES {
            return Err(self.failure(&format!(
                "it is not what it should be after {MAX_WRITES} updates"
            )));
        }
        self.write(&mut changed)?;
        self.known = changed.descriptors().cloned().collect();
        self.writes += 1;
        let end = self.repository.client.now();
        self.took = end.duration_since(start).unwrap_or_default();
        Ok(false)
    }

    /// The index with the change and the lost entries, if it differs from `list`.
    fn changed(&self, list: &ReferrersIndex) -> Result<Option<ReferrersIndex>> {
        let mut changed = list.clone();
        match self.change {
            Change::Add(referrers) => changed.add_all(referrers),
            Change::Remove(digest) => changed.remove(digest),
        }
        for lost in self.lost_from(list) {
            if self.repository.exists(lost)? {
                changed.add_all([lost]);
            }
        }
        Ok(Some(changed).filter(|changed| changed != list))
    }

    /// The entries of other clients that were in the last written index and are missing.
    fn lost_from(&self, list: &ReferrersIndex) -> Vec<&Descriptor> {
        let listed: HashSet<&Digest> = list.descriptors().map(|entry| &entry.digest).collect();
        let is_lost = |known: &&Descriptor| {
            !self.own.contains(&known.digest) && !listed.contains(&known.digest)
        };
        let lost: Vec<_> = self.known.iter().filter(is_lost).collect();
        if lost.len() > MAX_RESTORED {
            Vec::new()
        } else {
            lost
        }
    }

    /// Writes an index, without the entries for which the registry refuses it.
    fn write(&self, list: &mut ReferrersIndex) -> Result<()> {
        for _ in 0..MAX_WRITES {
            match self.put(list) {
                Err(Error::Refused(refusal)) => {
                    let missing = self.missing(list, &refusal)?;
                    if missing.is_empty() {
                        return Err(Error::Refused(refusal));
                    }
                    for digest in &missing {
                        list.remove(digest);
                    }
                }
                result => return result,
            }
        }
        Err(self.failure("the registry names one missing manifest after the other"))
    }

    fn put(&self, list: &ReferrersIndex) -> Result<()> {
        let manifest = list.to_manifest();
        Error::check_limit(
            format_args!("list of referrers of {}", self.subject),
            manifest.descriptor().size,
            Limit::MetadataBytes,
            self.repository.client.max_manifest_bytes(),
        )?;
        let tag = referrers_tag(self.subject);
        self.repository
            .put_manifest(manifest.descriptor(), manifest.bytes(), &tag)
    }

    /// The entries that the registry reports as unknown and does not have. Registries that verify
    /// the manifests of an index would otherwise refuse every later update, after one of them was
    /// deleted.
    fn missing(
        &self,
        list: &ReferrersIndex,
        refusal: &RegistryErrorResponse,
    ) -> Result<Vec<Digest>> {
        let named = manifest_retry::unknown_digests(refusal);
        let is_foreign = |entry: &&Descriptor| !self.own.contains(&entry.digest);
        let mut missing = Vec::new();
        for entry in list.descriptors().filter(is_foreign) {
            if named.contains(&entry.digest) && !self.repository.exists(entry)? {
                missing.push(entry.digest.clone());
            }
        }
        Ok(missing)
    }

    fn failure(&self, reason: &str) -> Error {
        self.repository.referrers_tag_error(self.subject, reason)
    }
}

/// Returns the wait before an index that was written `writes` times is read again. `took` is the
/// time of the last read and write, and `jitter` is in `0.0..1.0`.
///
/// The first wait is a part of that time. After another client changed the index, the wait is twice
/// that time, because other clients take about as long, and longer after each write, because many
/// clients update an index that needs several writes.
fn wait_before_check(writes: u32, took: Duration, jitter: f64) -> Duration {
    let wait = if writes <= 1 {
        FIRST_WAIT.max(took / 4)
    } else {
        let doubled = MIN_WAIT.saturating_mul(1 << (writes - 1).min(16));
        doubled.min(MAX_WAIT).max(took.saturating_mul(2))
    };
    wait.mul_f64(1.0 + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_and_exceeds_update_time() {
        let wait =
            |writes, took| wait_before_check(writes, Duration::from_millis(took), 0.0).as_millis();
        let waits: Vec<_> = (1..=7).map(|writes| wait(writes, 20)).collect();
        assert_eq!(waits, [10, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(wait(1, 300), 75);
        assert_eq!(wait(2, 300), 600);
        assert_eq!(wait(10, 5000), 10_000);
        let spread = wait_before_check(1, Duration::ZERO, 0.99);
        assert_eq!(spread.as_millis(), 19);
    }
}
