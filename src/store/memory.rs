//! A store in memory, for tests and small artifacts.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::ops::{Bound, ControlFlow};

use crate::error::{Error, IoOp, Result};
use crate::oci::{
    Descriptor, Digest, MAX_MANIFEST_BYTES, MediaType, RawManifest, Referrer, ReferrerFilter,
};
use crate::progress::sync::Lock;
use crate::store::{
    Content, ContentReader, Delete, NameVisitor, Pushed, Referrers, STREAM, Source, TagLister,
    Target, VerifyReader, check_is_tag, check_name, check_size,
};

/// Content and tags in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Lock<State>,
    max_bytes: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Content of any type, as verified bytes.
    content: HashMap<Digest, RawManifest>,
    tags: BTreeMap<String, Descriptor>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the size of each content to `max_bytes` bytes. By default there is no limit.
    #[must_use]
    pub fn max_content_bytes(self, max_bytes: u64) -> Self {
        Self {
            max_bytes: Some(max_bytes),
            ..self
        }
    }
}

impl Source for MemoryStore {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let state = self.state.lock();
        if let Some(descriptor) = state.tags.get(reference) {
            return Ok(descriptor.clone());
        }
        reference
            .parse::<Digest>()
            .ok()
            .and_then(|digest| state.content.get(&digest))
            .map(|content| content.descriptor().plain())
            .ok_or_else(|| Error::not_found(reference))
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let state = self.state.lock();
        let content = state
            .content
            .get(&target.digest)
            .ok_or_else(|| Error::not_found(target.digest.as_str()))?;
        Ok(VerifyReader::from_manifest(content.clone(), target.clone()))
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let state = self.state.lock();
        let content = state
            .content
            .get(&target.digest)
            .ok_or_else(|| Error::not_found(target.digest.as_str()))?;
        let mut bytes = Cursor::new(content.clone());
        bytes.set_position(offset);
        Ok(Some(Box::new(bytes)))
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        Ok(self.state.lock().content.contains_key(&target.digest))
    }
}

impl Target for MemoryStore {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        if self.exists(expected)? {
            return Ok(Pushed::AlreadyThere);
        }
        if let Some(limit) = self.max_bytes {
            check_size(expected, limit)?;
        }
        let content = content
            .open_verified(expected)?
            .read_manifest(expected.size)?
            .with_descriptor(expected.clone());
        let mut state = self.state.lock();
        state.content.insert(expected.digest.clone(), content);
        Ok(Pushed::Stored)
    }

    /// Reads the stream into memory. For a stream of unknown size, set a
    /// [limit](MemoryStore::max_content_bytes).
    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        let mut bytes = Vec::new();
        stream
            .take(self.max_bytes.unwrap_or(u64::MAX).saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(Error::io(IoOp::Read, STREAM))?;
        let content = RawManifest::new(media_type.clone(), bytes);
        let pushed = self.push(content.descriptor(), &mut &content)?;
        Ok(Some((content.descriptor().clone(), pushed)))
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        check_name(target, reference)?;
        if !self.exists(target)? {
            return Err(Error::not_found(target.digest.as_str()));
        }
        self.state
            .lock()
            .tags
            .insert(reference.to_owned(), target.clone());
        Ok(())
    }
}

impl TagLister for MemoryStore {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        let tags: Vec<String> = self
            .state
            .lock()
            .tags
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(tag, _)| tag.clone())
            .collect();
        if !tags.is_empty() {
            let _ = visit(&tags);
        }
        Ok(())
    }
}

impl Referrers for MemoryStore {
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        let found = self.state.lock().referrers_of(&subject.digest);
        let page = ReferrerFilter::new(subject, artifact_type).filter_page(&found, false)?;
        if !page.is_empty() {
            let _ = visit(&page);
        }
        Ok(())
    }
}

impl State {
    /// Returns the referrers of `subject`, sorted by digest. Manifests that cannot be parsed are
    /// skipped.
    fn referrers_of(&self, subject: &Digest) -> Vec<Descriptor> {
        let mut found: Vec<Descriptor> = self
            .content
            .values()
            .filter(|content| content.descriptor().size <= MAX_MANIFEST_BYTES)
            .filter_map(|content| Referrer::from_manifest(content).ok().flatten())
            .filter(|referrer| referrer.subject.digest == *subject)
            .map(|referrer| referrer.descriptor)
            .collect();
        found.sort_by(|a, b| a.digest.cmp(&b.digest));
        found
    }
}

impl Delete for MemoryStore {
    fn delete(&self, target: &Descriptor) -> Result<()> {
        let mut state = self.state.lock();
        state
            .content
            .remove(&target.digest)
            .ok_or_else(|| Error::not_found(target.digest.as_str()))?;
        state
            .tags
            .retain(|_, descriptor| descriptor.digest != target.digest);
        Ok(())
    }

    fn untag(&self, tag: &str) -> Result<()> {
        check_is_tag(tag)?;
        match self.state.lock().tags.remove(tag) {
            Some(_) => Ok(()),
            None => Err(Error::not_found(tag)),
        }
    }
}
