//! A repository as a store.

use std::cell::Cell;
use std::io::Read;
use std::ops::ControlFlow;

use super::client::{Client, RegistryRequest};
use super::endpoint::Endpoint;
use super::referrers::{PendingReferrers, ReferrersMode};
use crate::auth::{Scope, Scopes};
use crate::error::{Error, Result};
use crate::http::Method;
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::RawManifest;
use crate::oci::media_type::MediaType;
use crate::oci::reference::{Reference, RegistryName, RepositoryName, TagOrDigest};
use crate::store::content::{Content, VerifyReader};
use crate::store::{
    Delete, IndexedTarget, Mount, Pushed, Referrers, Source, TagLister, Target, check_name,
};
use crate::text::url::Url;

/// A repository of a registry.
///
/// Manifests, by their media type, live at the registry's manifest endpoint and everything else at its blob endpoint. What
/// names a manifest is a tag, a digest, or either of them behind the full name of this repository.
#[derive(Debug)]
pub struct Repository<'c> {
    pub(super) client: &'c Client,
    pub(super) registry: RegistryName,
    pub(super) name: RepositoryName,
    pub(super) endpoint: Endpoint,
    /// What all requests of this value need together, so that one token serves them all.
    scopes: Scopes,
    /// Who is said to keep lists of referrers.
    pub(super) mode: ReferrersMode,
    /// Who keeps them as far as the registry's answers told.
    pub(super) learned: Cell<ReferrersMode>,
    /// What clients have to list, and is not listed yet.
    pub(super) unlisted: PendingReferrers,
}

impl Client {
    /// Returns the repository `name`, written `registry/repository`. A tag or digest after the name is
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidReference`].
    pub fn repository(&self, name: &str) -> Result<Repository<'_>> {
        Ok(Repository::new(self, &name.parse()?))
    }

    /// Returns the repository that `reference` names. Its tag or digest is ignored.
    pub fn repository_at(&self, reference: &Reference) -> Repository<'_> {
        Repository::new(self, reference)
    }
}

impl<'c> Repository<'c> {
    fn new(client: &'c Client, reference: &Reference) -> Self {
        let registry = reference.registry().clone();
        let name = reference.repository().clone();
        Self {
            client,
            endpoint: Endpoint::new(client.scheme(&registry), &registry, name.clone()),
            scopes: Scopes::pull(name.as_str()),
            registry,
            name,
            mode: ReferrersMode::Learned,
            learned: Cell::new(ReferrersMode::Learned),
            unlisted: PendingReferrers::default(),
        }
    }

    /// Announces that this repository will be written to, so that the first token is good for that already. Without it the
    /// first write costs another token.
    #[must_use]
    pub fn for_writing(mut self) -> Self {
        self.scopes = self.scopes.union(&Scopes::pull_push(self.name.as_str()));
        self
    }

    /// Announces that this repository and `other`, of the same registry, are used together, so that one token is good for
    /// both from the start.
    #[must_use]
    pub fn together_with(mut self, other: &Repository<'_>) -> Self {
        if self.registry == other.registry {
            self.scopes = self.scopes.union(&other.scopes);
        }
        self
    }

    /// Announces that something will be deleted here, so that the first token is good for that already.
    #[must_use]
    pub fn for_deleting(mut self) -> Self {
        self.scopes = self.scopes_to_delete();
        self
    }

    /// Says who keeps lists of referrers, instead of learning it.
    #[must_use]
    pub const fn with_referrers_mode(mut self, mode: ReferrersMode) -> Self {
        self.mode = mode;
        self
    }

    /// The registry.
    pub const fn registry(&self) -> &RegistryName {
        &self.registry
    }

    /// The name within the registry.
    pub const fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// `registry/repository`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.registry, self.name)
    }

    /// `registry/repository:tag` or `registry/repository@digest`, for messages.
    pub(super) fn full_name(&self, reference: &TagOrDigest) -> String {
        match reference {
            TagOrDigest::Tag(tag) => format!("{}:{tag}", self.path()),
            TagOrDigest::Digest(digest) => format!("{}@{digest}", self.path()),
        }
    }

    /// Reads a tag or digest. Behind the full name of this repository it is one too.
    fn tag_or_digest(&self, text: &str) -> Result<TagOrDigest> {
        let full = text.parse::<Reference>().ok();
        let Some((full, name)) = full.as_ref().and_then(|full| Some((full, full.name()?))) else {
            return text.parse();
        };
        if *full.registry() == self.registry && *full.repository() == self.name {
            return Ok(name.clone());
        }
        Err(Error::InvalidReference {
            reference: text.to_owned(),
            reason: format!("it is not in {}", self.path()),
        })
    }

    pub(super) fn reading<'b>(&self, method: Method, url: Url) -> RegistryRequest<'b> {
        self.request(method, url).scopes(self.scopes.clone())
    }

    pub(super) fn writing<'b>(&self, method: Method, url: Url) -> RegistryRequest<'b> {
        self.request(method, url)
            .scopes(Scopes::pull_push(self.name.as_str()))
    }

    pub(super) fn deleting<'b>(&self, url: Url) -> RegistryRequest<'b> {
        self.request(Method::Delete, url)
            .scopes(self.scopes_to_delete())
    }

    fn scopes_to_delete(&self) -> Scopes {
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

impl Source for Repository<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.stat_manifest(&self.tag_or_digest(reference)?)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        if target.media_type.is_manifest() {
            // It is read whole first: manifests are small, and connections are reused.
            let manifest = self.read_manifest_of(target, self.client.max_manifest_bytes())?;
            Ok(VerifyReader::from_manifest(manifest, target.clone()))
        } else {
            self.read_blob(target)
        }
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        if target.media_type.is_manifest() {
            self.has_manifest(&target.digest)
        } else {
            self.has_blob(&target.digest)
        }
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        let manifest = self.read_manifest(&self.tag_or_digest(reference)?, limit)?;
        let descriptor = manifest.descriptor().clone();
        let reader = VerifyReader::from_manifest(manifest, descriptor.clone());
        Ok((descriptor, reader))
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        if target.media_type.is_manifest() {
            self.read_manifest_of(target, limit)
        } else {
            self.read_blob(target)?.read_manifest(limit)
        }
    }

    fn fetch_manifest_by_reference(&self, reference: &str, limit: u64) -> Result<RawManifest> {
        self.read_manifest(&self.tag_or_digest(reference)?, limit)
    }
}

impl Target for Repository<'_> {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        if expected.media_type.is_manifest() {
            self.write_manifest(expected, content, expected.digest.as_str())?;
            Ok(Pushed::Stored)
        } else {
            self.push_blob(expected, content)
        }
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        let reference = self.tag_or_digest(reference)?;
        check_name(target, reference.as_str())?;
        let by_digest = TagOrDigest::Digest(target.digest.clone());
        let manifest = self.read_manifest(&by_digest, self.client.max_manifest_bytes())?;
        self.settle_lists()?;
        self.put_manifest(manifest.descriptor(), manifest.bytes(), reference.as_str())?;
        Ok(())
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        if !expected.media_type.is_manifest() {
            return Err(Error::unsupported(format!(
                "naming content of type \"{}\"",
                expected.media_type
            )));
        }
        let reference = self.tag_or_digest(reference)?;
        check_name(expected, reference.as_str())?;
        self.write_manifest(expected, content, reference.as_str())?;
        Ok(Pushed::Stored)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        self.upload_stream(media_type, stream).map(Some)
    }

    fn mount(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        if expected.media_type.is_manifest() {
            return Ok(Mount::Unsupported);
        }
        self.mount_blob(expected, content, from)
    }

    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        Some(self)
    }
}

impl IndexedTarget for Repository<'_> {
    fn push_unchecked(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        if expected.media_type.is_manifest() {
            return self.push(expected, content);
        }
        self.push_blob_unchecked(expected, content)?;
        Ok(Pushed::Stored)
    }

    fn sync(&self) -> Result<()> {
        self.settle_lists()
    }

    fn start_batch(&self) {
        self.begin_lists();
    }

    fn finish_batch(&self) -> Result<()> {
        self.end_lists()
    }

    fn ensure_listed(&self, manifest: &RawManifest) -> Result<()> {
        self.list_stored(manifest)
    }
}

impl TagLister for Repository<'_> {
    fn tags(
        &self,
        last: Option<&str>,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.list_tags(last, visit)
    }
}

impl Referrers for Repository<'_> {
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.settle_lists()?;
        self.list_referrers(subject, artifact_type, visit)
    }
}

impl Delete for Repository<'_> {
    /// Asks the registry to delete content. What becomes of what it referred to, and of what refers to it, is up to the
    /// registry.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the registry's own words where it does not delete, often with status 405.
    fn delete(&self, target: &Descriptor) -> Result<()> {
        if target.media_type.is_manifest() {
            self.delete_manifest(target)
        } else {
            self.delete_blob(target)
        }
    }

    /// Asks the registry to delete a tag, and nothing but the tag. Many registries do not offer that.
    fn untag(&self, tag: &str) -> Result<()> {
        self.delete_tag(tag)
    }
}
