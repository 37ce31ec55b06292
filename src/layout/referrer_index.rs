//! The referrers of all subjects of a layout, as far as its manifests are readable.

use std::collections::HashMap;

use crate::fs::fingerprint::FileFingerprint;
use crate::oci::{Descriptor, Digest};

/// Referrers by subject.
#[derive(Debug, Default)]
pub(super) struct ReferrerIndex {
    referrers: HashMap<Digest, Vec<Descriptor>>,
    /// Manifests that could not be read, with the fingerprint of the file unless it is missing.
    pub(super) unreadable: Vec<(Digest, Option<FileFingerprint>)>,
}

impl ReferrerIndex {
    /// Adds a manifest to the referrers of its subject.
    pub(super) fn add(&mut self, subject: Option<&Descriptor>, manifest: &Descriptor) {
        if let Some(subject) = subject {
            let referrers = self.referrers.entry(subject.digest.clone()).or_default();
            referrers.push(manifest.clone());
        }
    }

    /// The referrers of `subject`, in the order in which they were added.
    pub(super) fn of_subject(&self, subject: &Digest) -> &[Descriptor] {
        self.referrers.get(subject).map_or(&[], Vec::as_slice)
    }
}
