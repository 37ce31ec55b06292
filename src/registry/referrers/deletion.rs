//! Deleting (distribution spec v1.1, "Content Management").

use super::ReferrersMode;
use super::referrers_tag::{Change, Maintenance};
use crate::error::{Error, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::reference::TagOrDigest;
use crate::oci::referrers::Referrer;
use crate::registry::repository::Repository;
use crate::store::check_is_tag;
use crate::text::url::Url;

impl Repository<'_> {
    pub(crate) fn delete_blob(&self, target: &Descriptor) -> Result<()> {
        self.send_delete(self.endpoint.blob(&target.digest), target.digest.as_str())
    }

    pub(crate) fn delete_tag(&self, tag: &str) -> Result<()> {
        check_is_tag(tag)?;
        let reference: TagOrDigest = tag.parse()?;
        let url = self.endpoint.manifest(reference.as_str());
        self.send_delete(url, &self.full_name(&reference))
    }

    /// Deletes a manifest, and with it its entry in the list that clients keep of its subject's referrers.
    ///
    /// The entry goes first: a failure then leaves a referrer that is not listed, not a list with an entry that leads
    /// nowhere. Whether a client with an older copy of the list brought it back is looked for when the manifest is gone.
    pub(crate) fn delete_manifest(&self, target: &Descriptor) -> Result<()> {
        self.settle_lists()?;
        let url = self.endpoint.manifest(target.digest.as_str());
        let Some(subject) = self.listed_subject(target)? else {
            return self.send_delete(url, target.digest.as_str());
        };
        let mut list = Maintenance::new(self, &subject, Change::Remove(&target.digest));
        let is_settled = list.round()?;
        self.send_delete(url, target.digest.as_str())?;
        if is_settled { Ok(()) } else { list.settle() }
    }

    /// The subject of a manifest, if clients keep the list of that one's referrers.
    fn listed_subject(&self, target: &Descriptor) -> Result<Option<Digest>> {
        let media_type = &target.media_type;
        let may_refer = media_type.is_manifest() && !media_type.is_docker();
        if self.referrers_mode() == ReferrersMode::Api || !may_refer {
            return Ok(None);
        }
        let by_digest = TagOrDigest::Digest(target.digest.clone());
        let manifest = match self.read_manifest(&by_digest, self.client.max_manifest_bytes()) {
            Ok(manifest) => manifest,
            Err(Error::NotFound { .. }) => return Err(Error::not_found(target.digest.as_str())),
            // What cannot be read is not known to have a subject, and may be the reason why it is deleted.
            Err(Error::Verification { .. } | Error::TooLarge { .. } | Error::Protocol { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let referrer = Referrer::from_manifest(&manifest).ok().flatten();
        Ok(referrer.map(|referrer| referrer.subject.digest))
    }

    fn send_delete(&self, url: Url, what: &str) -> Result<()> {
        let response = self.client.send(&self.registry, self.deleting(url))?;
        match response.status() {
            200..=299 if response.content_type() == Some("text/html") => {
                // A login page or a web site: it says yes to everything and deletes nothing.
                Err(response.protocol_error("the answer is a web page"))
            }
            // Whoever sends a request again because the answer was lost finds that it was done.
            404 if response.retries > 0 => Ok(()),
            404 => Err(Error::not_found(what)),
            200..=299 => {
                response.drain();
                Ok(())
            }
            _ => Err(response.into_error()),
        }
    }
}
