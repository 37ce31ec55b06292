//! The graph of the manifests of a layout, and the referrers in it.
//!
//! The graph contains every manifest that can be reached from `index.json`, at any depth, including
//! those in the referrers indexes that some tools keep under a tag. Manifests that are missing or
//! damaged are skipped: a layout may be partial, and one damaged manifest must not hide the others.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::reader::{self, LayoutFiles};
use super::referrer_index::ReferrerIndex;
use crate::error::{Error, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::http::clock::{Clock as _, SystemClock};
use crate::limits::{Limit, MAX_LAYOUT_MANIFESTS, MAX_PAGE_BYTES};
use crate::oci::{Descriptor, Digest, MAX_MANIFEST_BYTES, RawManifest, Referrer, ReferrerFilter};

/// A parsed manifest.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) descriptor: Descriptor,
    pub(super) subject: Option<Descriptor>,
    /// All successors except the subject.
    pub(super) parts: Vec<Descriptor>,
}

/// Manifests of a layout that could not be read.
#[derive(Debug, Default)]
pub(super) struct UnreadableManifests {
    missing: Vec<Digest>,
    /// Manifests that are too large, invalid, or do not match their digest.
    pub(super) damaged: Vec<Digest>,
}

/// Reads every manifest that can be reached from `roots`, once, breadth first.
pub(super) fn walk<'a, F: LayoutFiles>(
    files: &F,
    roots: impl Iterator<Item = &'a Descriptor>,
    mut visit: impl FnMut(Node) -> Result<()>,
) -> Result<UnreadableManifests> {
    let mut queue = Queue::default();
    for root in roots {
        queue.add(&reader::with_media_type(files, root.plain())?)?;
    }
    let mut unreadable = UnreadableManifests::default();
    while let Some(next) = queue.waiting.pop_front() {
        let Some(manifest) = read(files, &next, &mut unreadable)? else {
            continue;
        };
        let Ok(node) = node(&manifest) else {
            unreadable.damaged.push(next.digest);
            continue;
        };
        for successor in node.subject.iter().chain(&node.parts) {
            queue.add(successor)?;
        }
        visit(node)?;
    }
    Ok(unreadable)
}

/// Manifests that were found but not read yet.
#[derive(Default)]
struct Queue {
    seen: HashSet<Digest>,
    waiting: VecDeque<Descriptor>,
}

impl Queue {
    fn add(&mut self, found: &Descriptor) -> Result<()> {
        if !found.media_type.is_manifest() || self.seen.contains(&found.digest) {
            return Ok(());
        }
        Error::check_limit(
            "number of manifests in the layout",
            (self.seen.len() + 1) as u64,
            Limit::LayoutManifests,
            MAX_LAYOUT_MANIFESTS as u64,
        )?;
        self.seen.insert(found.digest.clone());
        self.waiting.push_back(found.plain());
        Ok(())
    }
}

/// Reads a manifest, identified by its digest whatever size its descriptor has. A missing or
/// damaged manifest is recorded in `unreadable`; a read error of the disk is an error.
fn read<F: LayoutFiles>(
    files: &F,
    target: &Descriptor,
    unreadable: &mut UnreadableManifests,
) -> Result<Option<RawManifest>> {
    let Some(size) = files.size(&reader::blob_name(&target.digest))? else {
        unreadable.missing.push(target.digest.clone());
        return Ok(None);
    };
    if size > MAX_MANIFEST_BYTES {
        unreadable.damaged.push(target.digest.clone());
        return Ok(None);
    }
    let target = Descriptor::new(target.media_type.clone(), target.digest.clone(), size);
    let manifest =
        reader::fetch(files, &target).and_then(|reader| reader.read_manifest(MAX_MANIFEST_BYTES));
    match manifest {
        Ok(manifest) => return Ok(Some(manifest)),
        Err(error) if error.is_verification() => unreadable.damaged.push(target.digest),
        Err(error) if error.is_not_found() => unreadable.missing.push(target.digest),
        Err(error) => return Err(error),
    }
    Ok(None)
}

fn node(manifest: &RawManifest) -> Result<Node> {
    let subject = Referrer::from_manifest(manifest)?.map(|referrer| referrer.subject);
    let mut parts = manifest.successors()?;
    if subject.is_some() {
        // The subject is the first successor.
        parts.remove(0);
    }
    Ok(Node {
        descriptor: manifest.descriptor().clone(),
        subject,
        parts,
    })
}

/// Records the manifests that could not be read. Returns whether [`is_current`] notices every
/// change of them: another process may add or repair their files without a change of `index.json`.
fn record_unreadable<F: LayoutFiles>(
    referrers: &mut ReferrerIndex,
    files: &F,
    unreadable: UnreadableManifests,
) -> Result<bool> {
    let now = SystemClock.now();
    for digest in unreadable.missing {
        referrers.unreadable.push((digest, None));
    }
    for digest in unreadable.damaged {
        match fingerprint(files, &digest)? {
            Some(state) if state.is_settled(now) => {
                referrers.unreadable.push((digest, Some(state)));
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether the manifests that could not be read have not changed since.
fn is_current<F: LayoutFiles>(referrers: &ReferrerIndex, files: &F) -> Result<bool> {
    for (digest, known) in &referrers.unreadable {
        let exists = files.size(&reader::blob_name(digest))?.is_some();
        if exists != known.is_some() || (exists && fingerprint(files, digest)? != *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the fingerprint of the file of a manifest, if the file exists.
fn fingerprint<F: LayoutFiles>(files: &F, digest: &Digest) -> Result<Option<FileFingerprint>> {
    let file = files.open(&reader::blob_name(digest))?;
    Ok(file.and_then(|file| file.fingerprint))
}

/// Returns the referrers of all subjects. Reads all manifests, unless that was done since the last
/// change of `index.json`.
fn referrer_index<F: LayoutFiles>(files: &F) -> Result<Arc<ReferrerIndex>> {
    let index = reader::read_index(files)?;
    let is_current = |referrers: &ReferrerIndex| is_current(referrers, files);
    files.index_cache().referrers(&index, is_current, || {
        let mut referrers = ReferrerIndex::default();
        let unreadable = walk(files, index.descriptors(), |node| {
            referrers.add(node.subject.as_ref(), &node.descriptor);
            Ok(())
        })?;
        let is_cacheable = record_unreadable(&mut referrers, files, unreadable)?;
        Ok((referrers, is_cacheable))
    })
}

/// Passes the referrers of `subject` to `visit`, in pages of about [`MAX_PAGE_BYTES`].
pub(super) fn referrers<F: LayoutFiles>(
    files: &F,
    subject: &Descriptor,
    artifact_type: Option<&str>,
    visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
) -> Result<()> {
    let referrers = referrer_index(files)?;
    let mut filter = ReferrerFilter::new(subject, artifact_type);
    let mut page = Vec::new();
    let mut bytes = 0;
    for referrer in referrers.of_subject(&subject.digest) {
        // The cached index has no annotations and artifact types, so the manifest is read again.
        let Some(manifest) = read(files, referrer, &mut UnreadableManifests::default())? else {
            continue;
        };
        let Some(referrer) = Referrer::from_manifest(&manifest)? else {
            continue;
        };
        page.extend(filter.filter_page([&referrer.descriptor], false)?);
        bytes += manifest.descriptor().size;
        if bytes >= MAX_PAGE_BYTES && !page.is_empty() {
            if visit(&page).is_break() {
                return Ok(());
            }
            page.clear();
            bytes = 0;
        }
    }
    if !page.is_empty() {
        let _ = visit(&page);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::super::index_cache::IndexCache;
    use super::super::reader::OpenFile;
    use super::*;
    use crate::oci::media_type::MediaType;

    #[test]
    fn walks_over_too_many_manifests_are_refused() {
        let mut queue = Queue::default();
        let mut add = |number: usize| {
            let digest = format!("sha256:{number:064x}").parse().unwrap();
            queue.add(&Descriptor::new(MediaType::IMAGE_INDEX, digest, 1))
        };
        (0..MAX_LAYOUT_MANIFESTS).for_each(|number| add(number).unwrap());
        add(0).unwrap();
        assert_eq!(
            add(MAX_LAYOUT_MANIFESTS).unwrap_err().to_string(),
            "number of manifests in the layout size 250001 exceeds MAX_LAYOUT_MANIFESTS 250000: size exceeds limit"
        );
    }

    /// Files in memory. Records the names of opened files.
    #[derive(Default)]
    struct RecordingFiles {
        files: HashMap<String, Vec<u8>>,
        opened: RefCell<Vec<String>>,
        index_cache: IndexCache,
    }

    impl RecordingFiles {
        fn add(&mut self, text: &str) -> Descriptor {
            let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, text.as_bytes());
            let name = reader::blob_name(&descriptor.digest);
            self.files.insert(name, text.as_bytes().to_vec());
            descriptor
        }
    }

    impl LayoutFiles for RecordingFiles {
        const MISSING: &'static str = "missing";

        fn size(&self, name: &str) -> Result<Option<u64>> {
            Ok(self.files.get(name).map(|file| file.len() as u64))
        }

        fn open_from(&self, name: &str, _: u64) -> Result<Option<OpenFile<'_>>> {
            self.opened.borrow_mut().push(name.to_owned());
            Ok(self.files.get(name).map(|file| OpenFile {
                content: Box::new(file.as_slice()),
                fingerprint: None,
            }))
        }

        fn index_cache(&self) -> &IndexCache {
            &self.index_cache
        }
    }

    #[test]
    fn a_partial_layout_is_read_once_for_many_referrer_queries() {
        let text =
            |value: &Descriptor| String::from_utf8(crate::text::json::to_vec(value)).unwrap();
        let mut layout = RecordingFiles::default();
        let subject = layout.add(r#"{"schemaVersion":2,"manifests":[]}"#);
        let missing = Descriptor::of(MediaType::IMAGE_INDEX, b"missing");
        let mut listed = vec![missing];
        for number in 0..10 {
            listed.push(layout.add(&format!(
                r#"{{"schemaVersion":2,"manifests":[],"subject":{},"annotations":{{"n":"{number}"}}}}"#,
                text(&subject)
            )));
        }
        let entries: Vec<_> = listed.iter().map(text).collect();
        let index = format!(r#"{{"manifests":[{}]}}"#, entries.join(","));
        layout
            .files
            .insert(reader::INDEX.to_owned(), index.into_bytes());

        for asked in &listed {
            referrers(&layout, asked, None, &mut |_| panic!("it has no referrers")).unwrap();
        }

        let opened = layout.opened.borrow();
        let manifests = opened.iter().filter(|name| *name != reader::INDEX);
        // The subject and its ten referrers.
        assert_eq!(manifests.count(), 11);
    }
}
