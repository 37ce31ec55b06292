//! Keeping the list of a subject's referrers where the registry does not (distribution spec v1.1, "Pushing Manifests with
//! Subject", "Deleting Manifests", "Referrers Tag Schema").
//!
//! The list is an index under a tag. Every client that attaches something reads it, adds its entry, and writes it back, and
//! registries offer nothing to keep two of them from undoing each other's work. So this is how none is lost:
//!
//! - After writing a list, a client waits longer than others take from reading to writing, and reads again. What it wrote and
//!   no longer finds, it writes again: its own change, and the entries of others that it knew.
//! - A list without something is only written by who read before that was there. While the writer of the list with it waits,
//!   that happens or not; and it is the writer who then finds and repairs it. So an entry stays from the first list on that it
//!   was written in, as long as clients do so.
//! - An entry that somebody removed on purpose is not brought back: its manifest is gone.
//!
//! In a [batch](crate::store::Batch) the manifests that are to be listed are gathered, and each list is written once, with all of
//! them, before anything gets a name, before somebody asks for referrers, and at the end. Who is killed before leaves manifests
//! that are not listed. A copy of one of them, or of all that is attached, lists what it finds; other copies, which do not read
//! what they find, have each listed at once.
//!
//! Entries of others are left alone, also those that lead nowhere, unless the registry refuses the list because of them.
//!
//! Lists that were replaced are left to the registry. Another client may have written the same list, and others may just be
//! reading it. For the same reason a list that has become empty stays, as that of the original does.

use std::collections::HashSet;
use std::time::Duration;

use super::{AtTag, ReferrersMode};
use crate::error::{Error, RegistryErrorResponse, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::RawManifest;
use crate::oci::referrers::{Referrer, ReferrersIndex, referrers_tag};
use crate::registry::manifest_retry;
use crate::registry::repository::Repository;
use crate::store::Source as _;
use crate::text::random;

/// How often a list is written before giving up. Twenty clients at once need three or four times.
const MAX_WRITES: u32 = 10;
/// The shortest wait before a list is looked at again: longer than a client takes from reading to writing on any network but
/// the slowest, where [`wait_before_check`] waits for longer.
const MIN_WAIT: Duration = Duration::from_millis(100);
/// The longest wait, unless reading and writing themselves took longer.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// How many entries of others are brought back at most. In the time of one update a few are lost; when it is more, somebody
/// replaced the list.
const MAX_RESTORED: usize = 100;

/// What is done to a list.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    /// Lists these manifests.
    Add(&'a [Descriptor]),
    /// Lists one no more.
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

/// A change of a list, until it is sure to last.
pub(crate) struct Maintenance<'a> {
    repository: &'a Repository<'a>,
    subject: &'a Digest,
    change: Change<'a>,
    /// What the change is about.
    own: HashSet<&'a Digest>,
    /// What was listed when we wrote the list last.
    known: Vec<Descriptor>,
    writes: u32,
    /// How long reading and writing took the last time.
    took: Duration,
}

impl Repository<'_> {
    /// Sees to it that a manifest that was just pushed is listed as a referrer of its subject. `indexed` is the subject that
    /// the registry says it listed the manifest for.
    pub(crate) fn list_pushed(
        &self,
        manifest: &RawManifest,
        indexed: Option<&Digest>,
    ) -> Result<()> {
        let Some(Referrer {
            subject,
            descriptor,
        }) = Referrer::from_manifest(manifest).ok().flatten()
        else {
            return Ok(());
        };
        match self.referrers_mode() {
            ReferrersMode::Api => return Ok(()),
            ReferrersMode::Learned if indexed == Some(&subject.digest) => {
                self.learned.set(ReferrersMode::Api);
                return Ok(());
            }
            // Who says so and was found to have no list needs one all the same.
            ReferrersMode::Learned | ReferrersMode::Tag => {}
        }
        self.list(subject.digest, descriptor)
    }

    /// Sees to it that a manifest that was there before is listed as a referrer of its subject: whoever pushed it may have
    /// been interrupted before the list was written.
    pub(crate) fn list_stored(&self, manifest: &RawManifest) -> Result<()> {
        let Some(Referrer {
            subject,
            descriptor,
        }) = Referrer::from_manifest(manifest).ok().flatten()
        else {
            return Ok(());
        };
        if self.keeps_referrers(&subject)? {
            return Ok(());
        }
        self.list(subject.digest, descriptor)
    }

    /// Lists a manifest, now or at the end of the batch.
    fn list(&self, subject: Digest, referrer: Descriptor) -> Result<()> {
        if self.unlisted.batches.is_open() {
            let mut waiting = self.unlisted.waiting.borrow_mut();
            waiting.entry(subject).or_default().push(referrer);
            return Ok(());
        }
        Maintenance::new(self, &subject, Change::Add(&[referrer])).settle()
    }

    /// Lists what is still to be listed. What fails is tried again before anything else that depends on it.
    pub(crate) fn settle_lists(&self) -> Result<()> {
        let waiting = self.unlisted.waiting.take();
        let lists = (waiting.iter())
            .map(|(subject, referrers)| Maintenance::new(self, subject, Change::Add(referrers)));
        let settled = settle(lists.collect());
        if settled.is_err() && self.unlisted.batches.is_open() {
            self.unlisted.waiting.replace(waiting);
        }
        settled
    }

    pub(crate) fn begin_lists(&self) {
        self.unlisted.batches.start();
    }

    pub(crate) fn end_lists(&self) -> Result<()> {
        if self.unlisted.batches.finish() {
            self.settle_lists()
        } else {
            Ok(())
        }
    }
}

/// Goes on until these lists are as they should be. All are written before the first is looked at again, so that they take
/// no longer to wait for than one.
fn settle(mut lists: Vec<Maintenance<'_>>) -> Result<()> {
    while let Some(first) = lists.first() {
        if let Some(wait) = lists.iter().filter_map(Maintenance::wait).max() {
            first.repository.client.sleep(wait);
        }
        let mut unsettled = Vec::new();
        for mut list in lists {
            if !list.round()? {
                unsettled.push(list);
            }
        }
        lists = unsettled;
    }
    Ok(())
}

impl<'a> Maintenance<'a> {
    pub(crate) fn new(
        repository: &'a Repository<'a>,
        subject: &'a Digest,
        change: Change<'a>,
    ) -> Self {
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

    /// Goes on until the list is as it should be.
    pub(crate) fn settle(self) -> Result<()> {
        settle(vec![self])
    }

    /// How long to wait before the list is looked at, if it was written.
    fn wait(&self) -> Option<Duration> {
        (self.writes > 0).then(|| wait_before_check(self.writes, self.took, random::fraction()))
    }

    /// Reads the list, and writes it if it is not as it should be. Returns whether it was.
    pub(crate) fn round(&mut self) -> Result<bool> {
        self.try_round().map_err(|error| {
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

    fn try_round(&mut self) -> Result<bool> {
        let start = self.repository.client.now();
        let list = match (
            self.repository.read_referrers_tag(self.subject)?,
            self.change,
        ) {
            (AtTag::List(list), _) => list,
            (AtTag::Nothing, _) => ReferrersIndex::empty(),
            // Not ours to change, and not in the way.
            (AtTag::Other(_), Change::Remove(_)) => return Ok(true),
            (AtTag::Other(reason), Change::Add(_)) => {
                return Err(
                    self.failure(&format!("it cannot hold the list of referrers, {reason}"))
                );
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

    /// What the list should be, if it is not.
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

    /// The entries of others that were listed when we wrote the list last.
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

    /// Writes a list, without the entries for which the registry refuses it.
    fn write(&self, list: &mut ReferrersIndex) -> Result<()> {
        for _ in 0..MAX_WRITES {
            match self.put(list) {
                Err(Error::Refused(refusal)) => {
                    let gone = self.gone(list, &refusal)?;
                    if gone.is_empty() {
                        return Err(Error::Refused(refusal));
                    }
                    for digest in &gone {
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
        let limit = self.repository.client.max_manifest_bytes();
        let size = manifest.descriptor().size;
        if size > limit {
            return Err(Error::TooLarge {
                what: format!("list of referrers of {}", self.subject),
                size,
                limit,
                limit_name: "MaxMetadataBytes",
            });
        }
        let tag = referrers_tag(self.subject);
        self.repository
            .put_manifest(manifest.descriptor(), manifest.bytes(), &tag)?;
        Ok(())
    }

    /// The entries that the registry says it does not know, and does not have. Registries that verify what an index refers to
    /// would otherwise never take a list again that names something that was deleted without changing the list.
    fn gone(&self, list: &ReferrersIndex, refusal: &RegistryErrorResponse) -> Result<Vec<Digest>> {
        let named = manifest_retry::named(refusal);
        let is_others = |entry: &&Descriptor| !self.own.contains(&entry.digest);
        let mut gone = Vec::new();
        for entry in list.descriptors().filter(is_others) {
            if named.contains(&entry.digest) && !self.repository.exists(entry)? {
                gone.push(entry.digest.clone());
            }
        }
        Ok(gone)
    }

    fn failure(&self, reason: &str) -> Error {
        Error::Protocol {
            what: format!("{}:{}", self.repository.path(), referrers_tag(self.subject)),
            reason: reason.to_owned(),
        }
    }
}

/// How long to wait before a list that was written `writes` times is looked at again: twice as long as reading and writing
/// took, because others take about as long, and longer each time, because what is not settled yet is written by many.
fn wait_before_check(writes: u32, took: Duration, chance: f64) -> Duration {
    let doubled = MIN_WAIT.saturating_mul(1 << writes.saturating_sub(1).min(16));
    doubled
        .min(MAX_WAIT)
        .max(took.saturating_mul(2))
        .mul_f64(1.0 + chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_longer_than_updates_take() {
        let wait =
            |writes, took| wait_before_check(writes, Duration::from_millis(took), 0.0).as_millis();
        let waits: Vec<_> = (1..=7).map(|writes| wait(writes, 20)).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(wait(1, 300), 600);
        assert_eq!(wait(10, 5000), 10_000);
        let spread = wait_before_check(1, Duration::ZERO, 0.99);
        assert_eq!(spread.as_millis(), 199);
    }
}
