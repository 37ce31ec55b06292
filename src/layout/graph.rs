//! What refers to what among the manifests of a layout, and so what is attached to what.
//!
//! Everything that `index.json` leads to is known, listed itself or not, as deep as it goes: also what other tools keep in
//! indexes of their own, such as the lists of referrers that some keep under a tag. Manifests that are missing or cannot be
//! read are passed over: a layout may hold parts only, and one bad manifest is no reason not to find the others.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::reader::{self, Files};
use crate::error::{Error, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::http::clock::{Clock as _, SystemClock};
use crate::limits::{MAX_LAYOUT_MANIFESTS, MAX_PAGE_BYTES};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::{MAX_MANIFEST_BYTES, RawManifest};
use crate::oci::referrers::{Referrer, Selection};

/// A manifest that was read.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) descriptor: Descriptor,
    /// What it is attached to.
    pub(super) subject: Option<Descriptor>,
    /// What it is made of.
    pub(super) parts: Vec<Descriptor>,
}

/// What could not be read of a layout.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Manifests that are not there.
    missing: Vec<Digest>,
    /// Manifests that are there, and are too large, or not what they should be.
    pub(super) unreadable: Vec<Digest>,
}

/// Reads every manifest that `roots` lead to, once, level by level.
pub(super) fn walk<'a, F: Files>(
    files: &F,
    roots: impl Iterator<Item = &'a Descriptor>,
    mut visit: impl FnMut(Node) -> Result<()>,
) -> Result<Gaps> {
    let mut queue = Queue::default();
    for root in roots {
        queue.add(root)?;
    }
    let mut gaps = Gaps::default();
    while let Some(next) = queue.waiting.pop_front() {
        let Some(manifest) = read(files, &next, &mut gaps)? else {
            continue;
        };
        let Ok(node) = node(&manifest) else {
            gaps.unreadable.push(next.digest);
            continue;
        };
        for successor in node.subject.iter().chain(&node.parts) {
            queue.add(successor)?;
        }
        visit(node)?;
    }
    Ok(gaps)
}

/// The manifests that are known of and not read yet.
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
        check_bound(
            "number of manifests in the layout",
            self.seen.len() + 1,
            MAX_LAYOUT_MANIFESTS,
            "MAX_LAYOUT_MANIFESTS",
        )?;
        self.seen.insert(found.digest.clone());
        self.waiting.push_back(found.plain());
        Ok(())
    }
}

pub(super) fn check_bound(
    what: &str,
    size: usize,
    limit: usize,
    limit_name: &'static str,
) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: what.to_owned(),
        size: size as u64,
        limit: limit as u64,
        limit_name,
    })
}

/// Reads a manifest. Its digest decides, not the size that somebody gave with it. What is not as it should be is a gap and
/// no error; that the disk fails is one.
fn read<F: Files>(files: &F, target: &Descriptor, gaps: &mut Gaps) -> Result<Option<RawManifest>> {
    let Some(size) = files.size(&reader::blob_name(&target.digest))? else {
        gaps.missing.push(target.digest.clone());
        return Ok(None);
    };
    if size > MAX_MANIFEST_BYTES {
        gaps.unreadable.push(target.digest.clone());
        return Ok(None);
    }
    let target = Descriptor::new(target.media_type.clone(), target.digest.clone(), size);
    let bytes =
        reader::fetch(files, &target).and_then(|reader| reader.read_all(MAX_MANIFEST_BYTES));
    match bytes {
        Ok(bytes) => return Ok(Some(RawManifest::verified(target, bytes))),
        Err(error) if error.is_verification() => gaps.unreadable.push(target.digest),
        Err(error) if error.is_not_found() => gaps.missing.push(target.digest),
        Err(error) => return Err(error),
    }
    Ok(None)
}

fn node(manifest: &RawManifest) -> Result<Node> {
    let subject = Referrer::of(manifest)?.map(|referrer| referrer.subject);
    let mut parts = manifest.successors()?;
    if subject.is_some() {
        // Of all that a manifest refers to, its subject comes first.
        parts.remove(0);
    }
    Ok(Node {
        descriptor: manifest.descriptor().clone(),
        subject,
        parts,
    })
}

/// Which manifests are attached to which.
#[derive(Debug, Default)]
pub(super) struct Attached {
    referrers: HashMap<Digest, Vec<Descriptor>>,
    /// What could not be read, and the state of its file, if there is one.
    gaps: Vec<(Digest, Option<FileFingerprint>)>,
}

impl Attached {
    /// Notes what a manifest is attached to.
    pub(super) fn note(&mut self, node: &Node) {
        if let Some(subject) = &node.subject {
            let referrers = self.referrers.entry(subject.digest.clone()).or_default();
            referrers.push(node.descriptor.clone());
        }
    }

    /// The manifests that are attached to `subject`, in the order in which they were found.
    pub(super) fn to(&self, subject: &Digest) -> &[Descriptor] {
        self.referrers.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Notes what could not be read, and returns whether it will be seen when that changes: what is missing or damaged may be
    /// put in its place at any time, without a change of the index.
    fn note_gaps<F: Files>(&mut self, files: &F, gaps: Gaps) -> Result<bool> {
        let now = SystemClock.now();
        self.gaps
            .extend(gaps.missing.into_iter().map(|digest| (digest, None)));
        for digest in gaps.unreadable {
            match fingerprint(files, &digest)? {
                Some(state) if state.is_settled(now) => self.gaps.push((digest, Some(state))),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether what could not be read is as it was.
    fn is_current<F: Files>(&self, files: &F) -> Result<bool> {
        for (digest, known) in &self.gaps {
            let is_there = files.size(&reader::blob_name(digest))?.is_some();
            if is_there != known.is_some() || (is_there && fingerprint(files, digest)? != *known) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The state of the file of a manifest, if there is one and the system tells.
fn fingerprint<F: Files>(files: &F, digest: &Digest) -> Result<Option<FileFingerprint>> {
    let file = files.open(&reader::blob_name(digest))?;
    Ok(file.and_then(|file| file.fingerprint))
}

/// What is attached to what now. All manifests are read, unless that was done since `index.json` was changed last.
fn attached<F: Files>(files: &F) -> Result<Arc<Attached>> {
    let index = reader::read_index(files)?;
    let is_current = |attached: &Attached| attached.is_current(files);
    files.kept().attached(&index, is_current, || {
        let mut attached = Attached::default();
        let gaps = walk(files, index.descriptors(), |node| {
            attached.note(&node);
            Ok(())
        })?;
        let is_lasting = attached.note_gaps(files, gaps)?;
        Ok((attached, is_lasting))
    })
}

/// Hands the referrers of `subject` to `visit`.
pub(super) fn referrers<F: Files>(
    files: &F,
    subject: &Descriptor,
    artifact_type: Option<&str>,
    visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
) -> Result<()> {
    let attached = attached(files)?;
    let mut selection = Selection::new(subject, artifact_type);
    let mut page = Vec::new();
    let mut bytes = 0;
    for referrer in attached.to(&subject.digest) {
        // Read again, because what was kept is what is attached to what, and no more.
        let Some(manifest) = read(files, referrer, &mut Gaps::default())? else {
            continue;
        };
        let Some(referrer) = Referrer::of(&manifest)? else {
            continue;
        };
        page.extend(selection.of_page([&referrer.descriptor], false)?);
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

    use super::super::index_cache::Kept;
    use super::super::reader::Opened;
    use super::*;
    use crate::oci::media_type::MediaType;

    #[test]
    fn more_manifests_than_an_index_may_list_are_refused() {
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

    /// Files in memory, and the names of those that were opened.
    #[derive(Default)]
    struct Counted {
        files: HashMap<String, Vec<u8>>,
        opened: RefCell<Vec<String>>,
        kept: Kept,
    }

    impl Counted {
        fn add(&mut self, text: &str) -> Descriptor {
            let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, text.as_bytes());
            let name = reader::blob_name(&descriptor.digest);
            self.files.insert(name, text.as_bytes().to_vec());
            descriptor
        }
    }

    impl Files for Counted {
        const MISSING: &'static str = "missing";

        fn size(&self, name: &str) -> Result<Option<u64>> {
            Ok(self.files.get(name).map(|file| file.len() as u64))
        }

        fn open(&self, name: &str) -> Result<Option<Opened<'_>>> {
            self.opened.borrow_mut().push(name.to_owned());
            Ok(self.files.get(name).map(|file| Opened {
                content: Box::new(file.as_slice()),
                fingerprint: None,
            }))
        }

        fn kept(&self) -> &Kept {
            &self.kept
        }
    }

    #[test]
    fn a_layout_with_parts_missing_is_read_once_for_many_questions() {
        let text =
            |value: &Descriptor| String::from_utf8(crate::text::json::to_vec(value)).unwrap();
        let mut layout = Counted::default();
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
            referrers(&layout, asked, None, &mut |_| {
                panic!("nothing is attached to it")
            })
            .unwrap();
        }

        let opened = layout.opened.borrow();
        let manifests = opened.iter().filter(|name| *name != reader::INDEX);
        // The subject and what is attached to it.
        assert_eq!(manifests.count(), 11);
    }
}
