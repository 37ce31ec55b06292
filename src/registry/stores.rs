//! The blobs alone, or the manifests alone, of a repository.
//!
//! A [`Repository`] tells the two apart by media types, which is right for whole artifacts. A
//! caller that handles one blob or manifest knows which it is by other means: a blob may be known
//! by its digest only, and a manifest may have a media type that this library does not know.

use std::io::Read;

use super::repository::Repository;
use super::upload::UploadStart;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, MediaType, TagOrDigest};
use crate::progress::Scope;
use crate::store::{
    Content, ContentReader, Delete, IndexedTarget, Pushed, Source, Target, VerifyReader, check_name,
};

/// The blobs of a repository, whatever their media types.
///
/// References are digests. The registry reports the size of a blob, and a media type, which may be
/// a guess.
#[derive(Debug)]
pub struct Blobs(Repository);

/// The manifests of a repository, whatever their media types.
#[derive(Debug)]
pub struct Manifests(Repository);

impl Repository {
    /// Returns a store of the blobs alone.
    pub const fn into_blobs(self) -> Blobs {
        Blobs(self)
    }

    /// Returns a store of the manifests alone.
    pub const fn into_manifests(self) -> Manifests {
        Manifests(self)
    }
}

impl Source for Blobs {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let _operation = Scope::of_verb(None);
        self.0.resolve_blob(&reference.parse()?)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let _operation = Scope::of_verb(None);
        self.0.read_blob(target)
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let _operation = Scope::of_verb(None);
        self.0.read_blob_range(target, offset..target.size)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        let _operation = Scope::of_verb(None);
        self.0.has_blob(&target.digest, Some(target.size))
    }

    /// Sends one GET. The limit does not apply: a blob may be of any size.
    fn fetch_reference(&self, reference: &str, _: u64) -> Result<(Descriptor, VerifyReader<'_>)> {
        let digest: Digest = reference.parse()?;
        let _operation = Scope::of_verb(None);
        let reader = self.0.read_blob_by_digest(&digest)?;
        Ok((reader.descriptor().clone(), reader))
    }
}

impl Target for Blobs {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let _operation = Scope::of_verb(None);
        self.0.upload_blob(expected, content, UploadStart::Check)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        self.0.push_stream(media_type, stream)
    }

    /// Blobs of a registry cannot be tagged.
    fn tag(&self, target: &Descriptor, _: &str) -> Result<()> {
        Err(Error::unsupported(format!(
            "naming the blob {}",
            target.digest
        )))
    }
}

impl Delete for Blobs {
    fn delete(&self, target: &Descriptor) -> Result<()> {
        let _operation = Scope::of_verb(None);
        self.0.delete_blob(target)
    }

    /// Blobs of a registry have no tags.
    fn untag(&self, tag: &str) -> Result<()> {
        Err(Error::not_found(tag))
    }
}

impl Source for Manifests {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let _operation = Scope::of_verb(None);
        let limit = self.0.client.max_manifest_bytes();
        let manifest = self.0.fetch_manifest_bytes(target, limit)?;
        Ok(VerifyReader::from_manifest(manifest, target.clone()))
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        let _operation = Scope::of_verb(None);
        self.0.has_manifest(&target.digest)
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        self.0.fetch_reference(reference, limit)
    }
}

impl Target for Manifests {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.push_reference(expected, content, expected.digest.as_str())
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        self.0.tag(target, reference)
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        let reference: TagOrDigest = reference.parse()?;
        check_name(expected, reference.as_str())?;
        let _operation = Scope::of_verb(None);
        self.0
            .push_manifest(expected, content, reference.as_str())?;
        Ok(Pushed::Stored)
    }

    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        Some(&self.0)
    }
}

impl Delete for Manifests {
    fn delete(&self, target: &Descriptor) -> Result<()> {
        let _operation = Scope::of_verb(None);
        self.0.delete_manifest(target)
    }

    fn untag(&self, tag: &str) -> Result<()> {
        let _operation = Scope::of_verb(None);
        self.0.delete_tag(tag)
    }
}
