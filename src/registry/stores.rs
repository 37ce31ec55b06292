//! A repository seen as blobs only, or as manifests only.
//!
//! A [`Repository`] tells the two apart by media types, which is right for whole artifacts. Who handles a single piece of
//! content knows what it is by other means: a blob of which only the digest is known, a manifest of a type that nobody else
//! knows.

use std::io::Read;

use super::repository::Repository;
use crate::error::{Error, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::media_type::MediaType;
use crate::oci::reference::TagOrDigest;
use crate::store::content::{Content, VerifyReader};
use crate::store::{Delete, IndexedTarget, Pushed, Source, Target, check_name};

/// The blobs of a repository, whatever their media types.
///
/// References are digests. The registry says how large a blob is, and of which type it believes it to be.
#[derive(Debug)]
pub struct Blobs<'c>(Repository<'c>);

/// The manifests of a repository, whatever their media types.
#[derive(Debug)]
pub struct Manifests<'c>(Repository<'c>);

impl<'c> Repository<'c> {
    /// The blobs alone.
    pub const fn into_blobs(self) -> Blobs<'c> {
        Blobs(self)
    }

    /// The manifests alone.
    pub const fn into_manifests(self) -> Manifests<'c> {
        Manifests(self)
    }
}

impl Source for Blobs<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.stat_blob(&reference.parse()?)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.0.read_blob(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.0.has_blob(&target.digest)
    }

    /// Asks once, for the blob itself. A blob may be of any size.
    fn fetch_reference(&self, reference: &str, _: u64) -> Result<(Descriptor, VerifyReader<'_>)> {
        let digest: Digest = reference.parse()?;
        let reader = self.0.read_blob_by_digest(&digest)?;
        Ok((reader.descriptor().clone(), reader))
    }
}

impl Target for Blobs<'_> {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.0.push_blob(expected, content)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        self.0.push_stream(media_type, stream)
    }

    /// A registry has no names for blobs.
    fn tag(&self, target: &Descriptor, _: &str) -> Result<()> {
        Err(Error::unsupported(format!(
            "naming the blob {}",
            target.digest
        )))
    }
}

impl Delete for Blobs<'_> {
    fn delete(&self, target: &Descriptor) -> Result<()> {
        self.0.delete_blob(target)
    }

    /// A registry has no names for blobs.
    fn untag(&self, tag: &str) -> Result<()> {
        Err(Error::not_found(tag))
    }
}

impl Source for Manifests<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let limit = self.0.client.max_manifest_bytes();
        let manifest = self.0.read_manifest_of(target, limit)?;
        Ok(VerifyReader::from_manifest(manifest, target.clone()))
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
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

impl Target for Manifests<'_> {
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
        self.0
            .write_manifest(expected, content, reference.as_str())?;
        Ok(Pushed::Stored)
    }

    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        Some(&self.0)
    }
}

impl Delete for Manifests<'_> {
    fn delete(&self, target: &Descriptor) -> Result<()> {
        self.0.delete_manifest(target)
    }

    fn untag(&self, tag: &str) -> Result<()> {
        self.0.delete_tag(tag)
    }
}
