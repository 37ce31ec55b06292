//! Deletion of manifests, blobs and tags (distribution spec v1.1, "Content Management").

use super::ReferrersMode;
use super::referrers_tag::{Change, TagListUpdate};
use crate::error::{Error, Result};
use crate::http::Method;
use crate::oci::{Descriptor, Digest, Referrer, TagOrDigest};
use crate::registry::repository::Repository;
use crate::store::check_is_tag;
use crate::text::url::Url;

impl Repository {
    pub(crate) fn delete_blob(&self, target: &Descriptor) -> Result<()> {
        self.send_delete(self.endpoint.blob(&target.digest), target.digest.as_str())
    }

    pub(crate) fn delete_tag(&self, tag: &str) -> Result<()> {
        check_is_tag(tag)?;
        let reference: TagOrDigest = tag.parse()?;
        let url = self.endpoint.manifest(reference.as_str());
        self.send_delete(url, &self.full_name(&reference))
    }

    /// Deletes a manifest, and its entry under the referrers tag of its subject.
    ///
    /// The entry is removed first, so that a failure leaves a manifest that is not listed rather
    /// than an entry without a manifest. After the deletion the index is checked: another client
    /// may have written the entry back.
    pub(crate) fn delete_manifest(&self, target: &Descriptor) -> Result<()> {
        self.flush_referrers()?;
        let url = self.endpoint.manifest(target.digest.as_str());
        let Some(subject) = self.tag_listed_subject(target)? else {
            return self.send_delete(url, target.digest.as_str());
        };
        let mut list = TagListUpdate::new(self, &subject, Change::Remove(&target.digest));
        let is_complete = list.attempt()?;
        self.send_delete(url, target.digest.as_str())?;
        if is_complete { Ok(()) } else { list.run() }
    }

    /// The subject of a manifest, if clients maintain the referrers index of that subject.
    fn tag_listed_subject(&self, target: &Descriptor) -> Result<Option<Digest>> {
        let media_type = &target.media_type;
        let may_refer = media_type.is_manifest() && !media_type.is_docker();
        if self.referrers_mode() == ReferrersMode::Api || !may_refer {
            return Ok(None);
        }
        let by_digest = TagOrDigest::Digest(target.digest.clone());
        let manifest = match self.read_manifest(&by_digest, self.client.max_manifest_bytes()) {
            Ok(manifest) => manifest,
            Err(Error::NotFound { .. }) => return Err(Error::not_found(target.digest.as_str())),
            // An invalid manifest has no known subject, and may be deleted because it is invalid.
            Err(Error::Verification { .. } | Error::TooLarge { .. } | Error::Protocol { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let referrer = Referrer::from_manifest(&manifest).ok().flatten();
        Ok(referrer.map(|referrer| referrer.subject.digest))
    }

    fn send_delete(&self, url: Url, what: &str) -> Result<()> {
        let request = self.delete_request(url.clone());
        let response = self.client.send(&self.registry, request)?;
        match response.status() {
            // A login page or a web site answers 200 to every request and deletes nothing.
            200 if response.content_type().as_deref() == Some("text/html") => {
                let request = self
                    .pull_request(Method::Head, url)
                    .header("Accept", self.client.accepted_manifests());
                match self.client.send(&self.registry, request)?.status() {
                    404 => Ok(()),
                    _ => Err(response.protocol_error("the answer is a web page")),
                }
            }
            // An earlier attempt, whose response was lost, deleted it.
            404 if response.retries > 0 => response.drain(),
            404 => Err(response.into_not_found(what)),
            200..=299 => response.drain(),
            _ => Err(response.into_error()),
        }
    }
}
