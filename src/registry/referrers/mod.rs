//! What is attached to a manifest (distribution spec v1.1, "Listing Referrers").
//!
//! A registry either lists referrers itself, by the referrers API, or leaves that to its clients, who keep an index under a
//! tag. Which it is, nobody asks: the first list that is wanted tells, and before that the answer to a manifest that was
//! pushed. The two are never merged: a registry that gains the API takes over what the tags say.

use std::ops::ControlFlow;

mod deletion;
mod referrers_tag;
mod state;

use crate::auth::OriginPolicy;
use crate::error::{Error, Result};
use crate::http::Method;
use crate::limits::MAX_PAGE_BYTES;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::media_type::MediaType;
use crate::oci::reference::TagOrDigest;
use crate::oci::referrers::{
    ReferrerFilter, ReferrersIndex, includes_artifact_type, referrers_tag,
};
use crate::registry::client::RegistryResponse;
use crate::registry::pagination::Pages;
use crate::registry::repository::Repository;
use crate::text::url::Url;

pub(crate) use self::state::PendingReferrers;
pub use self::state::ReferrersMode;

/// What is found under the tag that clients keep a list at.
pub(crate) enum AtTag {
    Nothing,
    List(ReferrersIndex),
    /// Something else, for this reason.
    Other(String),
}

/// What became of asking the referrers API.
enum Asked {
    /// What there is was listed.
    Listed,
    /// There is no such API.
    Unsupported,
}

impl Repository<'_> {
    pub(crate) fn list_referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut filter = ReferrerFilter::new(subject, artifact_type);
        if self.referrers_mode() != ReferrersMode::Tag {
            match self.ask_referrers_api(&subject.digest, artifact_type, &mut filter, visit)? {
                Asked::Listed => return Ok(()),
                Asked::Unsupported if self.mode == ReferrersMode::Api => {
                    return Err(Error::unsupported("failed to query referrers API"));
                }
                Asked::Unsupported => self.learned.set(ReferrersMode::Tag),
            }
        }
        if let AtTag::List(list) = self.read_referrers_tag(&subject.digest)? {
            let page = filter.filter_page(list.descriptors(), false)?;
            if !page.is_empty() {
                let _ = visit(&page);
            }
        }
        Ok(())
    }

    /// Who keeps the lists, as far as that was said or learned.
    pub(crate) fn referrers_mode(&self) -> ReferrersMode {
        match self.mode {
            ReferrersMode::Learned => self.learned.get(),
            said => said,
        }
    }

    /// Whether the registry lists referrers itself. If no answer told so far, it is asked for those of `subject`.
    pub(crate) fn keeps_referrers(&self, subject: &Descriptor) -> Result<bool> {
        if self.referrers_mode() == ReferrersMode::Learned {
            let mut filter = ReferrerFilter::new(subject, None);
            let mut first_page = |_: &[Descriptor]| ControlFlow::Break(());
            let asked =
                self.ask_referrers_api(&subject.digest, None, &mut filter, &mut first_page)?;
            if let Asked::Unsupported = asked {
                self.learned.set(ReferrersMode::Tag);
            }
        }
        Ok(self.referrers_mode() == ReferrersMode::Api)
    }

    /// Asks the referrers API for one page after the other. The first answer tells whether there is one.
    fn ask_referrers_api(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
        filter: &mut ReferrerFilter<'_>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<Asked> {
        let mut pages = Pages::from(self.endpoint.referrers(subject, artifact_type));
        let mut is_first = true;
        loop {
            // Some registries redirect to their web site instead. That is not a list, so it is not requested.
            let request = self
                .reading(Method::Get, pages.url().clone())
                .header("Accept", MediaType::IMAGE_INDEX.as_str())
                .buffer_up_to(MAX_PAGE_BYTES)
                .without_redirects();
            let mut response = self.client.send(&self.registry, request)?;
            if let Some(location) = moved_within(&response) {
                pages.go_to(location, &response)?;
                response.drain();
                continue;
            }
            if !is_list(&response) {
                return if is_first {
                    without_api(response)
                } else if response.status() == 200 {
                    Err(response.protocol_error("the answer is no list of referrers"))
                } else {
                    Err(response.into_error())
                };
            }
            is_first = false;
            self.learned.set(ReferrersMode::Api);
            let body =
                response.read_document("list of referrers", MAX_PAGE_BYTES, "MaxPageBytes")?;
            let list = ReferrersIndex::parse(&body).map_err(|reason| {
                response.protocol_error(format!("the answer is no list of referrers: {reason}"))
            })?;
            let is_filtered = list.is_filtered()
                || response
                    .response
                    .headers
                    .all("OCI-Filters-Applied")
                    .any(includes_artifact_type);
            let page = filter.filter_page(list.descriptors(), is_filtered)?;
            if !page.is_empty() && visit(&page).is_break() {
                return Ok(Asked::Listed);
            }
            if !pages.follow_link(&response)? {
                return Ok(Asked::Listed);
            }
        }
    }

    /// Reads what is under the tag of a list.
    pub(crate) fn read_referrers_tag(&self, subject: &Digest) -> Result<AtTag> {
        let reference: TagOrDigest = referrers_tag(subject).parse()?;
        let accepted = MediaType::IMAGE_INDEX;
        let limit = self.client.max_manifest_bytes();
        match self.read_manifest_as(accepted.as_str(), &reference, limit) {
            Ok(manifest) => Ok(match ReferrersIndex::from_tagged(&manifest, subject) {
                Ok(list) => AtTag::List(list),
                Err(reason) => AtTag::Other(reason),
            }),
            Err(Error::NotFound { .. }) => Ok(AtTag::Nothing),
            Err(error) => Err(error),
        }
    }
}

/// Where the registry says that a page is, if that is at the registry itself.
fn moved_within(response: &RegistryResponse) -> Option<Url> {
    if !matches!(response.status(), 301..=303 | 307 | 308) {
        return None;
    }
    let location = response.header("Location")?;
    let url = response.resolve_own("Location", location).ok()?;
    (OriginPolicy::between(&response.url.origin(), &url.origin()) == Ok(OriginPolicy::SameOrigin))
        .then_some(url)
}

fn is_list(response: &RegistryResponse) -> bool {
    response.status() == 200 && response.content_type() == Some(MediaType::IMAGE_INDEX.as_str())
}

/// What a first answer means that is no list.
fn without_api(response: RegistryResponse) -> Result<Asked> {
    let status = response.status();
    match response.into_error() {
        // The repository is missing, and says nothing about what the registry can.
        Error::Refused(refusal) if status == 404 && refusal.has_code("NAME_UNKNOWN") => {
            Err(Error::Refused(refusal))
        }
        _ if matches!(status, 200 | 300..=399 | 400 | 404 | 405 | 406 | 501) => {
            Ok(Asked::Unsupported)
        }
        error => Err(error),
    }
}
