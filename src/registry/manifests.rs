//! Manifests of a repository (distribution spec v1.1, "Pulling manifests", "Pushing Manifests").

use super::client::{Body, NOT_STORED, RegistryRequest, RegistryResponse};
use super::repository::Repository;
use crate::error::{Error, Mismatch, Responder, Result};
use crate::http::Method;
use crate::limits::Limit;
use crate::oci::{
    Algorithm, Descriptor, Digest, ManifestShape, MediaType, RawManifest, TagOrDigest,
};
use crate::store::{Content, check_size};

impl Repository {
    /// Resolves a tag or digest with one HEAD, or with a GET if the response to HEAD is not
    /// sufficient.
    pub(super) fn resolve_manifest(&self, reference: &TagOrDigest) -> Result<Descriptor> {
        let request = self
            .pull_request(Method::Head, self.endpoint.manifest(reference.as_str()))
            .header("Accept", self.client.accepted_manifests());
        let response = self.client.send(&self.registry, request)?;
        match response.status() {
            200 => {}
            404 => return Err(Error::not_found(self.full_name(reference))),
            // Some registries do not support HEAD, or reject its headers.
            400 | 405 | 406 | 501 => return self.resolve_with_get(reference),
            _ => return Err(response.into_error()),
        }
        let media_type = response
            .content_type()
            .filter(|media_type| !is_generic(media_type))
            .map(MediaType::from);
        if media_type
            .as_ref()
            .is_some_and(|it| it.as_str() == "text/html")
        {
            return Err(response.protocol_error("the answer is a web page, not a manifest"));
        }
        let digest = match (declared_digest(&response), reference) {
            (Some(declared), TagOrDigest::Digest(asked)) if declared != *asked => {
                return Err(response
                    .protocol_error(format!("the answer is about another manifest, {declared}")));
            }
            (_, TagOrDigest::Digest(asked)) => Some(asked.clone()),
            (declared, TagOrDigest::Tag(_)) => declared,
        };
        // The size of encoded content is another.
        let size = (response.response.content_length()).filter(|_| !response.is_encoded());
        match (media_type, digest, size) {
            (Some(media_type), Some(digest), Some(size)) => {
                Ok(Descriptor::new(media_type, digest, size))
            }
            _ => self.resolve_with_get(reference),
        }
    }

    /// Whether a manifest with this digest exists.
    pub(super) fn has_manifest(&self, digest: &Digest) -> Result<bool> {
        match self.resolve_manifest(&TagOrDigest::Digest(digest.clone())) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            // Some registries answer 403 for a manifest that does not exist, as for blobs.
            Err(Error::Refused(refusal))
                if refusal.status == 403 && refusal.by == Responder::Registry =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn resolve_with_get(&self, reference: &TagOrDigest) -> Result<Descriptor> {
        let manifest = self.read_manifest(reference, self.client.max_manifest_bytes())?;
        Ok(manifest.descriptor().clone())
    }

    /// Reads the manifest of a tag or digest with one GET. The digest is computed from the bytes.
    pub(super) fn read_manifest(&self, reference: &TagOrDigest, limit: u64) -> Result<RawManifest> {
        self.read_manifest_as(self.client.accepted_manifests(), reference, limit)
    }

    /// Same as [`read_manifest`](Self::read_manifest), with another `Accept` header.
    pub(super) fn read_manifest_as(
        &self,
        accepted: &str,
        reference: &TagOrDigest,
        limit: u64,
    ) -> Result<RawManifest> {
        let response = self.get_manifest(accepted, reference, limit)?;
        if response.status() == 404 {
            return Err(response.into_not_found(self.full_name(reference)));
        }
        manifest_from(response, reference, limit)
    }

    /// Requests a manifest.
    pub(super) fn get_manifest(
        &self,
        accepted: &str,
        reference: &TagOrDigest,
        limit: u64,
    ) -> Result<RegistryResponse> {
        let mut request = self
            .pull_request(Method::Get, self.endpoint.manifest(reference.as_str()))
            .header("Accept", accepted)
            .buffer_up_to(limit);
        request.has_known_digest = matches!(reference, TagOrDigest::Digest(_));
        self.client.send(&self.registry, request)
    }

    /// Reads the manifest of a descriptor with one GET.
    pub(super) fn fetch_manifest_bytes(
        &self,
        target: &Descriptor,
        limit: u64,
    ) -> Result<RawManifest> {
        check_size(target, limit)?;
        let by_digest = TagOrDigest::Digest(target.digest.clone());
        let manifest = self
            .read_manifest(&by_digest, limit)
            .map_err(|error| match error {
                Error::NotFound { .. } => Error::not_found(target.digest.as_str()),
                other => other,
            })?;
        let got = manifest.descriptor();
        if got.media_type != target.media_type {
            return Err(Error::Protocol {
                what: target.digest.to_string(),
                reason: format!(
                    "the registry has it as \"{}\", not \"{}\"",
                    got.media_type, target.media_type
                ),
            });
        }
        if got.size != target.size {
            return Err(Error::Verification {
                digest: target.digest.to_string(),
                mismatch: Mismatch::Size,
            });
        }
        Ok(manifest.with_descriptor(target.clone()))
    }

    /// Pushes a manifest to a tag or its digest, and lists it as a referrer of its subject.
    pub(super) fn push_manifest(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<()> {
        let limit = self.client.max_manifest_bytes();
        let manifest = content.open_verified(expected)?.read_manifest(limit)?;
        let indexed = self.put_tagged(expected, manifest.bytes(), reference)?;
        let manifest = manifest.with_descriptor(expected.plain());
        self.update_referrers(&manifest, indexed.as_ref())
    }

    /// Same as [`put_manifest`](Self::put_manifest), but retries if the registry reports blobs as
    /// unknown that exist. Before a tag is pushed, all deferred updates of referrers tags are
    /// written.
    pub(super) fn put_tagged(
        &self,
        expected: &Descriptor,
        bytes: &[u8],
        reference: &str,
    ) -> Result<Option<Digest>> {
        let is_tag = reference != expected.digest.as_str();
        if is_tag {
            self.flush_referrers()?;
        }
        let mut retries = 0;
        loop {
            let request = self.manifest_put(expected, bytes, reference);
            let response = self.client.send(&self.registry, request)?;
            match check_stored(response, expected) {
                Err(Error::Refused(refusal)) if self.is_retried(&refusal, retries)? => retries += 1,
                Err(error) => {
                    self.forget_blobs();
                    return Err(error);
                }
                Ok(stored) => {
                    if !stored.is_confirmed {
                        self.confirm_stored(expected, reference)?;
                    }
                    if is_tag {
                        self.remember_tag();
                    }
                    return Ok(stored.indexed);
                }
            }
        }
    }

    /// Sends a manifest to a tag or its digest. The caller reads it again.
    pub(super) fn put_manifest(
        &self,
        expected: &Descriptor,
        bytes: &[u8],
        reference: &str,
    ) -> Result<()> {
        let request = self.manifest_put(expected, bytes, reference);
        check_stored(self.client.send(&self.registry, request)?, expected).map(drop)
    }

    /// Checks with one HEAD that the registry has a manifest, after a response that does not show
    /// it.
    fn confirm_stored(&self, expected: &Descriptor, reference: &str) -> Result<()> {
        let reference: TagOrDigest = reference.parse()?;
        let reason = match self.resolve_manifest(&reference) {
            Ok(found) if found.digest == expected.digest => return Ok(()),
            // The registry names content by another algorithm.
            Ok(found) if found.digest.algorithm() != expected.digest.algorithm() => return Ok(()),
            Ok(found) => format!("the registry has {} there", found.digest),
            Err(Error::NotFound { .. }) => NOT_STORED.to_owned(),
            Err(error) => return Err(error),
        };
        Err(Error::Protocol {
            what: format!("push of {}", self.full_name(&reference)),
            reason,
        })
    }

    fn manifest_put<'b>(
        &self,
        expected: &Descriptor,
        bytes: &'b [u8],
        reference: &str,
    ) -> RegistryRequest<'b> {
        self.push_request(Method::Put, self.endpoint.manifest(reference))
            .header("Content-Type", expected.media_type.as_str())
            .body(Body::Bytes(bytes))
    }
}

/// The manifest in the response to a GET of `reference`.
pub(super) fn manifest_from(
    response: RegistryResponse,
    reference: &TagOrDigest,
    limit: u64,
) -> Result<RawManifest> {
    let mut response = response.expect(&[200])?;
    let bytes = response.read_document("content", limit, Limit::MetadataBytes)?;
    // For a tag, the bytes can be checked only against the digest that the registry sent.
    let expected = match reference {
        TagOrDigest::Digest(asked) => Some(asked.clone()),
        TagOrDigest::Tag(_) => declared_digest(&response),
    };
    let algorithm = expected
        .as_ref()
        .map_or(Algorithm::Sha256, Digest::algorithm);
    let digest = Digest::with(algorithm, &bytes);
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        return Err(Error::Verification {
            digest: expected.to_string(),
            mismatch: Mismatch::Digest,
        });
    }
    let media_type = manifest_media_type(&response, &bytes)?;
    let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
    Ok(RawManifest::verified(descriptor, bytes))
}

/// The successful response to a pushed manifest.
struct StoredManifest {
    /// The `OCI-Subject` of the response.
    indexed: Option<Digest>,
    /// Whether the response shows that the manifest was stored: it has status 201, and the digest
    /// of the manifest or no sign of a web page. A login page has status 200, and a proxy in front
    /// of a registry may respond before the registry does.
    is_confirmed: bool,
}

/// Checks the response to a pushed manifest.
fn check_stored(response: RegistryResponse, expected: &Descriptor) -> Result<StoredManifest> {
    if !(200..300).contains(&response.status()) {
        return Err(response.into_error());
    }
    let declared = declared_digest(&response)
        .filter(|declared| declared.algorithm() == expected.digest.algorithm());
    if let Some(declared) = &declared
        && *declared != expected.digest
    {
        return Err(response.protocol_error(format!(
            "the registry stored {declared} instead of {}",
            expected.digest
        )));
    }
    let is_page = response.content_type().as_deref() == Some("text/html");
    let stored = StoredManifest {
        indexed: response
            .header("OCI-Subject")
            .and_then(|subject| subject.parse().ok()),
        is_confirmed: response.status() == 201 && (declared.is_some() || !is_page),
    };
    response.drain()?;
    Ok(stored)
}

/// The `Docker-Content-Digest` of a response. A value that is not a digest is ignored.
pub(super) fn declared_digest(response: &RegistryResponse) -> Option<Digest> {
    response.header("Docker-Content-Digest")?.parse().ok()
}

/// The media type of a manifest: the `Content-Type`, or, from hosts of plain files, the `mediaType`
/// of the document.
fn manifest_media_type(response: &RegistryResponse, bytes: &[u8]) -> Result<MediaType> {
    let declared = response
        .content_type()
        .filter(|media_type| !is_generic(media_type));
    let declared = declared.as_deref();
    let shape = ManifestShape::parse(bytes).ok();
    let own = shape.as_ref().and_then(|shape| shape.media_type.as_ref());
    match (declared, own) {
        (Some(declared), Some(own)) if declared != own.as_str() => Err(response.protocol_error(
            format!("the answer is said to be \"{declared}\" and says it is \"{own}\""),
        )),
        (Some("text/html"), _) if shape.is_none() => {
            Err(response.protocol_error("the answer is a web page, not a manifest"))
        }
        (Some(declared), _) if shape.is_none() && MediaType::from(declared).is_manifest() => {
            Err(response.protocol_error(format!(
                "the answer is said to be \"{declared}\" and is not JSON of that form"
            )))
        }
        (Some(declared), _) => Ok(declared.into()),
        (None, Some(own)) => Ok(own.clone()),
        (None, None) => shape
            .and_then(|shape| shape.inferred_media_type())
            .ok_or_else(|| response.protocol_error("the answer does not say what it is")),
    }
}

/// Whether a host of plain files sends this type with every file.
fn is_generic(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/octet-stream" | "text/plain" | "application/json"
    )
}
