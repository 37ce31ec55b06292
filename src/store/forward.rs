//! Stores behind pointers: `&S`, `Box<S>` and `Arc<S>` are stores as well.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::ops::{ControlFlow, Deref};

use super::{
    Content, ContentReader, Delete, IndexedTarget, Mount, NameVisitor, Pushed, Referrers, Source,
    TagLister, Target, VerifyReader,
};
use crate::error::Result;
use crate::oci::{Descriptor, Digest, MediaType, RawManifest, RepositoryName};

impl<P: Deref<Target: Source> + Send + Sync> Source for P {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        (**self).resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        (**self).fetch(target)
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        (**self).fetch_from(target, offset)
    }

    fn open_file(&self, target: &Descriptor) -> Option<File> {
        (**self).open_file(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        (**self).exists(target)
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        (**self).fetch_reference(reference, limit)
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        (**self).fetch_manifest(target, limit)
    }

    fn fetch_manifest_by_reference(&self, reference: &str, limit: u64) -> Result<RawManifest> {
        (**self).fetch_manifest_by_reference(reference, limit)
    }
}

impl<P: Deref<Target: Target> + Send + Sync> Target for P {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        (**self).push(expected, content)
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        (**self).tag(target, reference)
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        (**self).push_reference(expected, content, reference)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        (**self).push_stream(media_type, stream)
    }

    fn mount(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        (**self).mount(expected, content, from)
    }

    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        (**self).as_indexed()
    }
}

impl<P: Deref<Target: IndexedTarget> + Send + Sync> IndexedTarget for P {
    fn sync(&self) -> Result<()> {
        (**self).sync()
    }

    fn start_batch(&self) {
        (**self).start_batch();
    }

    fn finish_batch(&self) -> Result<()> {
        (**self).finish_batch()
    }

    fn require_new_tag(&self, tag: &str) -> bool {
        (**self).require_new_tag(tag)
    }

    fn push_unchecked(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        (**self).push_unchecked(expected, content)
    }

    fn known_blobs(
        &self,
        blobs: &[Descriptor],
        reference: Option<&str>,
    ) -> Result<HashSet<Digest>> {
        (**self).known_blobs(blobs, reference)
    }

    fn prefers_stream(&self, size: u64) -> bool {
        (**self).prefers_stream(size)
    }

    fn tag_manifest(&self, manifest: &RawManifest, reference: &str) -> Result<()> {
        (**self).tag_manifest(manifest, reference)
    }

    fn ensure_listed(&self, manifest: &RawManifest) -> Result<()> {
        (**self).ensure_listed(manifest)
    }
}

impl<P: Deref<Target: TagLister> + Send + Sync> TagLister for P {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        (**self).tags(last, visit)
    }
}

impl<P: Deref<Target: Referrers> + Send + Sync> Referrers for P {
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        (**self).referrers(subject, artifact_type, visit)
    }
}

impl<P: Deref<Target: Delete> + Send + Sync> Delete for P {
    fn delete(&self, target: &Descriptor) -> Result<()> {
        (**self).delete(target)
    }

    fn untag(&self, tag: &str) -> Result<()> {
        (**self).untag(tag)
    }
}
