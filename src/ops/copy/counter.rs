//! Counts the files and blobs of a copy.

use crate::oci::Descriptor;
use crate::progress::Totals;

/// The totals of a copy, and the number of manifests that may add to them.
#[derive(Default)]
pub(super) struct Counter {
    totals: Totals,
    /// Manifests that are known, but were not read yet.
    unread: u64,
}

impl Counter {
    /// Adds the selected successors of a manifest that was read.
    pub(super) fn add(&mut self, successors: &[Descriptor]) {
        for node in successors {
            self.unread += u64::from(node.media_type.is_manifest());
            if is_counted(node) {
                self.totals.total += 1;
                self.add_bytes(node.size);
            }
        }
    }

    /// Counts successors as not done that are going to be copied again.
    pub(super) fn repeat(&mut self, successors: &[Descriptor]) {
        for node in successors {
            self.unread += u64::from(node.media_type.is_manifest());
            if is_counted(node) {
                self.totals.done -= 1;
                self.totals.done_bytes = self.totals.done_bytes.saturating_sub(node.size);
            }
        }
    }

    /// Counts a manifest as read or skipped.
    pub(super) fn enter(&mut self, node: &Descriptor) {
        self.unread -= u64::from(node.media_type.is_manifest());
    }

    /// Counts a blob as done. Returns whether the totals changed.
    pub(super) fn finish(&mut self, node: &Descriptor) -> bool {
        if is_counted(node) {
            self.totals.done += 1;
            self.totals.done_bytes = self.totals.done_bytes.saturating_add(node.size);
        }
        is_counted(node)
    }

    /// Returns the totals. They are not complete as long as there are manifests to read, or
    /// `more_follows`.
    pub(super) const fn totals(&self, more_follows: bool) -> Totals {
        Totals {
            is_complete: self.unread == 0 && !more_follows,
            ..self.totals
        }
    }

    fn add_bytes(&mut self, bytes: u64) {
        let total = self.totals.total_bytes.unwrap_or_default();
        self.totals.total_bytes = Some(total.saturating_add(bytes));
    }
}

/// Whether a node counts: manifests and the empty blob are no content that a user has made.
fn is_counted(node: &Descriptor) -> bool {
    !node.media_type.is_manifest() && !node.is_same_content(&Descriptor::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    #[test]
    fn totals_are_complete_when_all_manifests_were_read() {
        let blob = |bytes: &[u8]| Descriptor::of(MediaType::OCTET_STREAM, bytes);
        let manifest = Descriptor::of(MediaType::IMAGE_MANIFEST, b"{\"a\":1}");
        let mut counter = Counter::default();
        let mut seen = Vec::new();
        let mut see = |counter: &Counter, more| {
            let totals = counter.totals(more);
            let Totals {
                done,
                done_bytes,
                total,
                ..
            } = totals;
            let bytes = totals.total_bytes.unwrap_or_default();
            seen.push((done, total, done_bytes, bytes, totals.is_complete));
        };
        counter.add(&[Descriptor::empty(), manifest.clone(), blob(b"12345")]);
        see(&counter, false);
        assert!(!counter.finish(&Descriptor::empty()));
        counter.enter(&manifest);
        counter.add(&[blob(b"1"), blob(b"22")]);
        see(&counter, true);
        assert!(counter.finish(&blob(b"1")) && counter.finish(&blob(b"22")));
        see(&counter, false);
        counter.repeat(&[blob(b"1"), blob(b"22")]);
        see(&counter, false);
        let expected = [
            (0, 1, 0, 5, false),
            (0, 3, 0, 8, false),
            (2, 3, 3, 8, true),
            (0, 3, 0, 8, true),
        ];
        assert_eq!(seen, expected);
    }
}
