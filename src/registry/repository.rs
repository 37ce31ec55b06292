//! A repository of a registry, as a store.

use std::collections::HashSet;
use std::io::Read;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::client::{Client, RegistryRequest};
use super::endpoint::Endpoint;
use super::referrers::{ReferrersMode, ReferrersState};
use super::upload::UploadStart;
use crate::auth::{Scope, Scopes};
use crate::error::{Error, Result};
use crate::http::Method;
use crate::oci::{
    Descriptor, Digest, MediaType, RawManifest, Reference, RegistryName, RepositoryName,
    TagOrDigest,
};
use crate::progress;
use crate::store::{
    Content, ContentReader, Delete, IndexedTarget, Mount, Pushed, Referrers, Source, Target,
    VerifyReader, check_name, fetch_and_skip,
};
use crate::text::url::Url;

/// A repository of a registry.
///
/// The media type of a descriptor decides whether it is a manifest or a blob, which registries keep
/// at separate endpoints. A reference is a tag, a digest, or either of them after the full name of
/// this repository.
///
/// A clone is cheap. It shares the connections of the client, and the batches.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) client: Client,
    pub(super) registry: RegistryName,
    pub(super) name: RepositoryName,
    pub(super) endpoint: Endpoint,
    /// The scopes of all requests, so that one token serves them.
    scopes: Scopes,
    /// The mode that was set.
    pub(super) mode: ReferrersMode,
    /// Shared with clones.
    pub(super) state: Arc<ReferrersState>,
}

impl Client {
    /// Returns the repository `name`, written `registry/repository`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidReference`], also if a tag or digest follows the name.
    pub fn repository(&self, name: &str) -> Result<Repository> {
        let reference = full_reference(name)?;
        if reference.name().is_some() {
            let reason = "a repository has no tag or digest";
            return Err(Error::invalid_reference(name, reason));
        }
        Ok(Repository::new(self, &reference))
    }

    /// Returns the repository of an artifact, and its tag or digest.
    ///
    /// ```
    /// use oras::registry::Client;
    ///
    /// let client = Client::new();
    /// let (repository, tag) = client.open("localhost:5000/hello:v1")?;
    /// assert_eq!(repository.path(), "localhost:5000/hello");
    /// assert_eq!(tag.as_str(), "v1");
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidReference`], also if the reference has no tag or digest.
    pub fn open(&self, reference: &str) -> Result<(Repository, TagOrDigest)> {
        let parsed = full_reference(reference)?;
        match parsed.name() {
            Some(name) => Ok((Repository::new(self, &parsed), name.clone())),
            None => Err(Error::invalid_reference(reference, "missing tag or digest")),
        }
    }

    /// Returns the repository that `reference` names. Its tag or digest is ignored.
    pub fn repository_at(&self, reference: &Reference) -> Repository {
        Repository::new(self, reference)
    }
}

/// Parses a reference. The registry `library` is most likely the namespace of Docker Hub.
fn full_reference(text: &str) -> Result<Reference> {
    let reference: Reference = text.parse()?;
    if &**reference.registry() == "library" {
        return Err(Reference::invalid(text, "missing registry"));
    }
    Ok(reference)
}

impl Repository {
    fn new(client: &Client, reference: &Reference) -> Self {
        let registry = reference.registry().clone();
        let name = reference.repository().clone();
        Self {
            client: client.clone(),
            endpoint: Endpoint::new(client.scheme(&registry), &registry, name.clone()),
            scopes: Scopes::pull(name.as_str()),
            registry,
            name,
            mode: ReferrersMode::Learned,
            state: Arc::default(),
        }
    }

    /// Requests push access with the first token. Otherwise the first write requests another token.
    #[must_use]
    pub fn with_push_scope(mut self) -> Self {
        self.scopes = self.scopes.union(&Scopes::pull_push(self.name.as_str()));
        self
    }

    /// Requests the scopes of `other`, a repository of the same registry, with the first token, so
    /// that one token serves both repositories.
    #[must_use]
    pub fn with_scopes_of(mut self, other: &Self) -> Self {
        if self.registry == other.registry {
            self.scopes = self.scopes.union(&other.scopes);
        }
        self
    }

    /// Requests delete access with the first token.
    #[must_use]
    pub fn with_delete_scope(mut self) -> Self {
        self.scopes = self.delete_scopes();
        self
    }

    /// Sets the maintainer of the referrers listings. The default is [`ReferrersMode::Learned`].
    #[must_use]
    pub const fn with_referrers_mode(mut self, mode: ReferrersMode) -> Self {
        self.mode = mode;
        self
    }

    /// Returns the registry.
    pub const fn registry(&self) -> &RegistryName {
        &self.registry
    }

    /// Returns the name within the registry.
    pub const fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// Returns `registry/repository`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.registry, self.name)
    }

    /// Reads a range of a blob, without verification: no digest covers only a part. A connection
    /// that breaks is resumed. The end of the range may be after the end of the blob.
    ///
    /// A registry that refuses the range sends the whole blob, of which only the range is returned.
    /// For several ranges of the same blob, see [`SeekableBlob`](crate::store::SeekableBlob).
    ///
    /// ```no_run
    /// use std::io::Read;
    ///
    /// use oras::registry::Client;
    /// # use oras::{Descriptor, MediaType};
    ///
    /// let client = Client::new();
    /// let repository = client.repository("localhost:5000/hello")?;
    /// # let layer = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
    /// let mut magic = Vec::new();
    /// repository.read_unverified_range(&layer, 0..4)?.read_to_end(&mut magic).unwrap();
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the blob is missing.
    pub fn read_unverified_range(
        &self,
        target: &Descriptor,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>> {
        let end = range.end.min(target.size);
        if !target.media_type.is_manifest()
            && let Some(reader) = self.read_blob_range(target, range.start..end)?
        {
            return Ok(reader);
        }
        let rest = fetch_and_skip(self, target, range.start.min(end))?;
        Ok(Box::new(rest.take(end.saturating_sub(range.start))))
    }

    /// `registry/repository:tag` or `registry/repository@digest`, for messages.
    pub(super) fn full_name(&self, reference: &TagOrDigest) -> String {
        match reference {
            TagOrDigest::Tag(tag) => format!("{}:{tag}", self.path()),
            TagOrDigest::Digest(digest) => format!("{}@{digest}", self.path()),
        }
    }

    /// Parses a tag or digest, with or without the full name of this repository before it.
    pub(super) fn tag_or_digest(&self, text: &str) -> Result<TagOrDigest> {
        let full = text.parse::<Reference>().ok();
        let Some((full, name)) = full.as_ref().and_then(|full| Some((full, full.name()?))) else {
            return text.parse();
        };
        if *full.registry() == self.registry && *full.repository() == self.name {
            return Ok(name.clone());
        }
        let reason = format!("it is not in {}", self.path());
        Err(Error::invalid_reference(text, reason))
    }

    pub(super) fn pull_request<'b>(&self, method: Method, url: Url) -> RegistryRequest<'b> {
        self.request(method, url).scopes(self.scopes.clone())
    }

    pub(super) fn push_request<'b>(&self, method: Method, url: Url) -> RegistryRequest<'b> {
        self.request(method, url)
            .scopes(Scopes::pull_push(self.name.as_str()))
    }

    pub(super) fn delete_request<'b>(&self, url: Url) -> RegistryRequest<'b> {
        self.request(Method::Delete, url)
            .scopes(self.delete_scopes())
    }

    fn delete_scopes(&self) -> Scopes {
        let mut scopes = Scopes::none();
        scopes.add(Scope::repository(self.name.as_str(), &["pull", "delete"]));
        scopes
    }

    fn request<'b>(&self, method: Method, url: Url) -> RegistryRequest<'b> {
        RegistryRequest {
            repository: Some(self.name.clone()),
            ..RegistryRequest::new(method, url)
        }
    }
}

impl Source for Repository {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let _operation = progress::Scope::of_verb(None);
        self.resolve_manifest(&self.tag_or_digest(reference)?)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let _operation = progress::Scope::of_verb(None);
        if target.media_type.is_manifest() {
            // Manifests are read into memory first: they are small, and the connection can be
            // reused.
            let manifest = self.fetch_manifest_bytes(target, self.client.max_manifest_bytes())?;
            Ok(VerifyReader::from_manifest(manifest, target.clone()))
        } else {
            self.read_blob(target)
        }
    }

    /// Blobs are requested with a range. Manifests are read as a whole.
    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let _operation = progress::Scope::of_verb(None);
        if target.media_type.is_manifest() {
            return Ok(None);
        }
        self.read_blob_range(target, offset..target.size)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        let _operation = progress::Scope::of_verb(None);
        if target.media_type.is_manifest() {
            self.has_manifest(&target.digest)
        } else {
            self.has_blob(&target.digest, Some(target.size))
        }
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        let _operation = progress::Scope::of_verb(None);
        let manifest = self.read_manifest(&self.tag_or_digest(reference)?, limit)?;
        let descriptor = manifest.descriptor().clone();
        let reader = VerifyReader::from_manifest(manifest, descriptor.clone());
        Ok((descriptor, reader))
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        if target.media_type.is_manifest() {
            self.fetch_manifest_bytes(target, limit)
        } else {
            self.read_blob(target)?.read_manifest(limit)
        }
    }

    fn fetch_manifest_by_reference(&self, reference: &str, limit: u64) -> Result<RawManifest> {
        let manifest = self.read_manifest(&self.tag_or_digest(reference)?, limit)?;
        self.remember_blobs_of(&manifest);
        Ok(manifest)
    }
}

impl Target for Repository {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let _operation = progress::Scope::of_verb(None);
        if expected.media_type.is_manifest() {
            self.push_manifest(expected, content, expected.digest.as_str())?;
            Ok(Pushed::Stored)
        } else {
            self.upload_blob(expected, content, UploadStart::Check)
        }
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        check_name(target, self.tag_or_digest(reference)?.as_str())?;
        let by_digest = TagOrDigest::Digest(target.digest.clone());
        let manifest = self.read_manifest(&by_digest, self.client.max_manifest_bytes())?;
        self.tag_manifest(&manifest, reference)
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        let _operation = progress::Scope::of_verb(None);
        if !expected.media_type.is_manifest() {
            return Err(Error::unsupported(format!(
                "naming content of type \"{}\"",
                expected.media_type
            )));
        }
        let reference = self.tag_or_digest(reference)?;
        check_name(expected, reference.as_str())?;
        self.push_manifest(expected, content, reference.as_str())?;
        Ok(Pushed::Stored)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        let _operation = progress::Scope::of_verb(None);
        self.upload_stream(media_type, stream).map(Some)
    }

    fn mount(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        let _operation = progress::Scope::of_verb(None);
        if expected.media_type.is_manifest() {
            return Ok(Mount::Unsupported);
        }
        self.mount_blob(expected, content, from)
    }

    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        Some(self)
    }
}

impl IndexedTarget for Repository {
    fn push_unchecked(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let _operation = progress::Scope::of_verb(None);
        if expected.media_type.is_manifest() {
            return self.push(expected, content);
        }
        self.upload_blob(expected, content, UploadStart::Unchecked)?;
        Ok(Pushed::Stored)
    }

    fn sync(&self) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        self.flush_referrers()
    }

    fn start_batch(&self) {
        self.state.pending.start_batch();
    }

    fn finish_batch(&self) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        self.finish_referrers_batch()
    }

    fn tag_manifest(&self, manifest: &RawManifest, reference: &str) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        let reference = self.tag_or_digest(reference)?;
        check_name(manifest.descriptor(), reference.as_str())?;
        self.put_tagged(manifest.descriptor(), manifest.bytes(), reference.as_str())
            .map(drop)
    }

    fn known_blobs(
        &self,
        blobs: &[Descriptor],
        reference: Option<&str>,
    ) -> Result<HashSet<Digest>> {
        let _operation = progress::Scope::of_verb(None);
        self.find_known_blobs(blobs, reference)
    }

    fn ensure_listed(&self, manifest: &RawManifest) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        self.ensure_referrer_listed(manifest)
    }
}

impl Referrers for Repository {
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        self.flush_referrers()?;
        self.list_referrers(subject, artifact_type, visit)
    }
}

impl Delete for Repository {
    /// Requests the deletion of content. The registry decides what happens to its successors and to
    /// manifests that refer to it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the message of a registry that does not delete, often with status
    /// 405.
    fn delete(&self, target: &Descriptor) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        if target.media_type.is_manifest() {
            self.delete_manifest(target)
        } else {
            self.delete_blob(target)
        }
    }

    /// Requests the deletion of a tag. Many registries do not support it.
    fn untag(&self, tag: &str) -> Result<()> {
        let _operation = progress::Scope::of_verb(None);
        self.delete_tag(tag)
    }
}
