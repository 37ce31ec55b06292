//! Referrers of the manifests of a backup.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, RawManifest};
use crate::ops::copy::Limits;
use crate::progress::sync::Lock;
use crate::store::{
    ContentReader, Inventory, NameVisitor, Referrers, Source, TagLister, VerifyReader,
};

/// A source that records the referrers it listed and the manifests that were missing. It sorts
/// referrers by digest, so that the order of a backup does not depend on the store.
pub(super) struct RecordingSource<'s> {
    inner: &'s dyn Inventory,
    listed: Lock<HashMap<Digest, Vec<Descriptor>>>,
    missing: Lock<HashSet<Digest>>,
}

impl<'s> RecordingSource<'s> {
    pub(super) fn new(inner: &'s dyn Inventory) -> Self {
        Self {
            inner,
            listed: Lock::default(),
            missing: Lock::default(),
        }
    }

    /// Lists the referrers of a manifest.
    pub(super) fn list(&self, subject: &Descriptor) -> Result<Vec<Descriptor>> {
        let mut listed = Vec::new();
        self.inner.referrers(subject, None, &mut |page| {
            listed.extend(page.iter().map(Descriptor::plain));
            ControlFlow::Continue(())
        })?;
        listed.sort_by(|one, other| one.digest.cmp(&other.digest));
        Ok(listed)
    }

    /// Returns the recorded referrers of a manifest, without missing ones.
    pub(super) fn listed(&self, subject: &Descriptor) -> Vec<Descriptor> {
        let listed = self.listed.lock();
        let listed = listed.get(&subject.digest).into_iter().flatten();
        listed
            .filter(|referrer| !self.is_missing(referrer))
            .cloned()
            .collect()
    }

    /// Passes all recorded referrers to `found`, and clears the records.
    pub(super) fn take_listed(&self, mut found: impl FnMut(&Digest)) {
        let listed = self.listed.take();
        listed
            .values()
            .flatten()
            .for_each(|referrer| found(&referrer.digest));
        self.missing.take();
    }

    /// Whether a manifest was fetched and missing.
    pub(super) fn is_missing(&self, manifest: &Descriptor) -> bool {
        self.missing.lock().contains(&manifest.digest)
    }
}

impl Source for RecordingSource<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.inner.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.inner.fetch(target)
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        self.inner.fetch_from(target, offset)
    }

    fn open_file(&self, target: &Descriptor) -> Option<File> {
        self.inner.open_file(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.inner.exists(target)
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        self.inner.fetch_reference(reference, limit)
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        let fetched = self.inner.fetch_manifest(target, limit);
        if fetched.as_ref().is_err_and(Error::is_not_found) {
            self.missing.lock().insert(target.digest.clone());
        }
        fetched
    }

    fn fetch_manifest_by_reference(&self, reference: &str, limit: u64) -> Result<RawManifest> {
        self.inner.fetch_manifest_by_reference(reference, limit)
    }
}

impl Referrers for RecordingSource<'_> {
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        if artifact_type.is_some() {
            return self.inner.referrers(subject, artifact_type, visit);
        }
        let listed = self.list(subject)?;
        if !listed.is_empty() {
            let _ = visit(&listed);
        }
        self.listed.lock().insert(subject.digest.clone(), listed);
        Ok(())
    }
}

impl TagLister for RecordingSource<'_> {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        self.inner.tags(last, visit)
    }
}

/// Counts the referrers of `root`, of the manifests in it, and of their referrers. Indexes are read
/// from `store`, and `list` returns the referrers of a manifest.
pub(super) fn count_referrers(
    root: &Descriptor,
    store: &dyn Source,
    limits: &Limits,
    list: impl Fn(&Descriptor) -> Result<Vec<Descriptor>>,
) -> Result<usize> {
    let mut seen = HashSet::from([root.digest.clone()]);
    let mut waiting = vec![root.clone()];
    let mut count = 0;
    while let Some(manifest) = waiting.pop() {
        for referrer in list(&manifest)? {
            if seen.insert(referrer.digest.clone()) {
                count += 1;
                waiting.push(referrer);
            }
        }
        if !manifest.media_type.is_index() {
            continue;
        }
        let index = store.fetch_manifest(&manifest, limits.max_manifest_bytes)?;
        if let Manifest::Index(index) = index.view()? {
            let parts = index.manifests.iter();
            let parts = parts.filter(|part| part.media_type.is_manifest());
            waiting.extend(
                parts
                    .filter(|part| seen.insert(part.digest.clone()))
                    .cloned(),
            );
        }
    }
    Ok(count)
}
