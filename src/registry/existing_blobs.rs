//! Blobs of which a repository is known to have them without a request for each.
//!
//! A manifest that the repository serves shows that it has the blobs of the manifest, because
//! registries refuse manifests with missing blobs, and collect only blobs to which no manifest
//! refers. A registry that lost a blob refuses the new manifest too. Then the blob is checked, and
//! sent, see [`copy`](crate::ops::copy).
//!
//! A registry that accepts manifests with missing blobs, such as that of go-containerregistry, does
//! not notice that. There, a blob that was deleted although a manifest refers to it stays missing
//! unless the push is forced. For the entries of an index, which more registries accept although
//! they are missing (sparse indexes), the registry is asked for each.

use std::collections::HashSet;

use super::client::BlobChecks;
use super::manifests::manifest_from;
use super::repository::Repository;
use crate::error::{Error, Result};
use crate::http::RetryPolicy;
use crate::oci::{Descriptor, Digest, RawManifest, RegistryName, RepositoryName, TagOrDigest};
use crate::progress::unless_cancelled;

/// Number of blobs from which it is worth a request to read a manifest that may list them. The
/// request is wasted if the tag does not exist, which matters to a push of few files.
const MIN_UNKNOWN: usize = 5;

impl Repository {
    /// Remembers that the repository has a blob.
    pub(super) fn remember_blob(&self, digest: &Digest) {
        let now = self.client.now();
        (self.client.known_blobs()).add(&self.key(), digest, now);
    }

    /// Remembers whether the repository had a blob before it was pushed.
    pub(super) fn remember_check(&self, exists: bool) {
        self.with_checks(|checks| checks.add(exists));
    }

    /// The results of the last checks for blobs.
    pub(super) fn blob_checks(&self) -> BlobChecks {
        self.with_checks(|checks| *checks)
    }

    fn with_checks<T>(&self, use_checks: impl FnOnce(&mut BlobChecks) -> T) -> T {
        let now = self.client.now();
        use_checks(self.client.known_blobs().checks(&self.key(), now))
    }

    /// Remembers that the repository has the blobs of a manifest that it served.
    pub(super) fn remember_blobs_of(&self, manifest: &RawManifest) {
        let now = self.client.now();
        let key = self.key();
        let mut known = self.client.known_blobs();
        for blob in stored_blobs(manifest) {
            known.add(&key, &blob.digest, now);
        }
    }

    /// Forgets all blobs of the repository.
    pub(super) fn forget_blobs(&self) {
        self.client.known_blobs().forget(&self.key());
    }

    /// Returns the digests of those `blobs` that the repository is known to have. If there are
    /// several others, the manifest with the tag `reference` is read.
    pub(super) fn find_known_blobs(
        &self,
        blobs: &[Descriptor],
        reference: Option<&str>,
    ) -> Result<HashSet<Digest>> {
        let now = self.client.now();
        let key = self.key();
        let (mut found, mut unknown) = (HashSet::new(), HashSet::new());
        {
            let mut known = self.client.known_blobs();
            for Descriptor { digest, .. } in blobs {
                if known.contains(&key, digest, now) {
                    found.insert(digest.clone());
                } else {
                    unknown.insert(digest);
                }
            }
        }
        if unknown.len() >= MIN_UNKNOWN
            && let Some(current) = self.current_manifest(reference)?
        {
            let listed = stored_blobs(&current).map(|blob| &blob.digest);
            found.extend(listed.filter(|digest| unknown.contains(*digest)).cloned());
        }
        Ok(found)
    }

    /// Reads the manifest that has the tag `reference` now. A failure shows nothing about blobs, so
    /// it is ignored, and not retried.
    fn current_manifest(&self, reference: Option<&str>) -> Result<Option<RawManifest>> {
        let reference = reference.map(|reference| self.tag_or_digest(reference));
        let Some(Ok(tag @ TagOrDigest::Tag(_))) = reference else {
            return Ok(None);
        };
        let policy = RetryPolicy {
            retries: 0,
            ..RetryPolicy::default()
        };
        // The token for this request serves the push that follows.
        let mut repository = self.clone().with_push_scope();
        repository.client = self.client.with_retry_policy(policy);
        let limit = self.client.max_manifest_bytes();
        let response = repository.get_manifest(self.client.accepted_manifests(), &tag, limit);
        let Ok(response) = unless_cancelled(response)? else {
            return Ok(None);
        };
        if response.status() == 404 {
            let refusal = unless_cancelled(Err::<(), _>(response.into_error()))?;
            let is_new = matches!(
                refusal,
                Err(Error::Refused(refusal)) if refusal.has_code("NAME_UNKNOWN")
            );
            self.with_checks(|checks| {
                checks.is_first_push = true;
                if is_new {
                    // The repository does not exist, and so has no blob.
                    checks.add(false);
                }
            });
            return Ok(None);
        }
        let manifest = manifest_from(response, &tag, limit);
        Ok(unless_cancelled(manifest)?.ok())
    }

    /// Remembers that a tag was pushed. The next push is not the first of its tag, unless its tag
    /// is missing too.
    pub(super) fn remember_tag(&self) {
        self.with_checks(|checks| checks.is_first_push = false);
    }

    fn key(&self) -> (RegistryName, RepositoryName) {
        (self.registry.clone(), self.name.clone())
    }
}

/// The blobs that a registry has if it verified this manifest: not those that are stored elsewhere.
/// An unreadable manifest has none.
fn stored_blobs(manifest: &RawManifest) -> impl Iterator<Item = &Descriptor> {
    let is_manifest = manifest.descriptor().media_type.is_manifest();
    let view = is_manifest.then(|| manifest.view().ok()).flatten();
    let blobs = view
        .into_iter()
        .flat_map(|view| view.config().into_iter().chain(view.entries()));
    blobs.filter(|blob| {
        let is_elsewhere = blob.media_type.is_foreign_layer() || !blob.urls.is_empty();
        !blob.media_type.is_manifest() && !is_elsewhere
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    #[test]
    fn only_blobs_that_the_registry_must_store_are_known() {
        let entry = |media_type: &str, content: &[u8], more: &str| {
            let blob = Descriptor::of(media_type.into(), content);
            let json = serde_json::to_string(&blob).unwrap();
            format!("{}{more}}}", json.strip_suffix('}').unwrap())
        };
        let layer = MediaType::LAYER;
        let layers = [
            entry(layer.as_str(), b"stored", ""),
            entry(layer.as_str(), b"elsewhere", r#","urls":["http://a/b"]"#),
            entry(layer.as_str(), b"embedded", r#","data":"ZW1iZWRkZWQ=""#),
            entry(MediaType::IMAGE_INDEX.as_str(), b"manifest", ""),
            entry(
                "application/vnd.oci.image.layer.nondistributable.v1.tar",
                b"foreign",
                "",
            ),
        ];
        let image = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{}],"subject":{}}}"#,
            entry("application/x", b"config", ""),
            layers.join(","),
            entry(MediaType::IMAGE_MANIFEST.as_str(), b"subject", ""),
        );
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, layers[3]);
        for (media_type, text, wanted) in [
            (
                MediaType::IMAGE_MANIFEST,
                &image[..],
                &[b"config", &b"stored"[..], b"embedded"][..],
            ),
            (MediaType::IMAGE_INDEX, &index, &[]),
            (MediaType::IMAGE_MANIFEST, "no JSON", &[]),
            (MediaType::IMAGE_MANIFEST, "[]", &[]),
            ("text/plain".into(), &image, &[]),
        ] {
            let manifest = RawManifest::new(media_type, text.as_bytes().to_vec());
            let found: Vec<_> = stored_blobs(&manifest)
                .map(|blob| blob.digest.clone())
                .collect();
            let wanted: Vec<_> = wanted.iter().map(|content| Digest::of(content)).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }
}
