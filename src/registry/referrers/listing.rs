//! Listings of referrers (distribution spec v1.1, "Listing Referrers").
//!
//! A registry lists referrers by the referrers API. For a registry without it, clients maintain an
//! index under a tag. No request is made only to find out which: the first listing shows it, or the
//! response to a pushed manifest before that. The two are never merged, because a registry that
//! gains the API takes over the indexes of the tags.

use std::ops::ControlFlow;

use super::ReferrersMode;
use crate::error::{Error, Result};
use crate::http::Method;
use crate::limits::{Limit, MAX_PAGE_BYTES};
use crate::oci::{
    Descriptor, Digest, MediaType, ReferrerFilter, ReferrersIndex, TagOrDigest,
    includes_artifact_type, referrers_tag,
};
use crate::registry::client::RegistryResponse;
use crate::registry::pagination::Paginator;
use crate::registry::repository::Repository;
use crate::text::sanitize;

/// The content of a referrers tag.
pub(crate) enum ReferrersTagContent {
    /// The tag does not exist, or holds the subject itself.
    Missing,
    Index(ReferrersIndex),
    /// The tag holds something else, for this reason.
    Other(String),
}

/// The result of a request to the referrers API.
enum ApiListing {
    Complete,
    /// The registry does not have the API.
    Unsupported,
}

impl Repository {
    pub(crate) fn list_referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut filter = ReferrerFilter::new(subject, artifact_type);
        if self.referrers_mode() != ReferrersMode::Tag {
            match self.list_with_api(&subject.digest, artifact_type, &mut filter, visit)? {
                ApiListing::Complete => return Ok(()),
                ApiListing::Unsupported if self.mode == ReferrersMode::Api => {
                    return Err(Error::unsupported("failed to query referrers API"));
                }
                ApiListing::Unsupported => self.learn(ReferrersMode::Tag),
            }
        }
        let list = match self.read_referrers_tag(&subject.digest)? {
            ReferrersTagContent::Missing => return Ok(()),
            ReferrersTagContent::Index(list) => list,
            ReferrersTagContent::Other(reason) => {
                return Err(self.invalid_referrers_tag(&subject.digest, &reason));
            }
        };
        self.report_unreadable(&list, &subject.digest);
        let page = filter.filter_page(list.descriptors(), false)?;
        if !page.is_empty() {
            let _ = visit(&page);
        }
        Ok(())
    }

    /// Returns the mode that was set, or else the one that the responses showed.
    pub(crate) fn referrers_mode(&self) -> ReferrersMode {
        match self.mode {
            ReferrersMode::Learned => self.state.learned.get(),
            set => set,
        }
    }

    /// Records the mode that a response showed.
    pub(crate) fn learn(&self, mode: ReferrersMode) {
        self.state.learned.replace(mode);
    }

    /// Whether the registry has the referrers API. If no response showed it yet, lists the
    /// referrers of `subject`.
    pub(crate) fn has_referrers_api(&self, subject: &Descriptor) -> Result<bool> {
        if self.referrers_mode() == ReferrersMode::Learned {
            let mut filter = ReferrerFilter::new(subject, None);
            let mut first_page = |_: &[Descriptor]| ControlFlow::Break(());
            let listing =
                self.list_with_api(&subject.digest, None, &mut filter, &mut first_page)?;
            if let ApiListing::Unsupported = listing {
                self.learn(ReferrersMode::Tag);
            }
        }
        Ok(self.referrers_mode() == ReferrersMode::Api)
    }

    /// Lists referrers with the API, page by page. The first response shows whether the API exists.
    fn list_with_api(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
        filter: &mut ReferrerFilter<'_>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<ApiListing> {
        let mut pages = Paginator::new(self.endpoint.referrers(subject, artifact_type));
        let mut is_first = true;
        loop {
            let request = self
                .pull_request(Method::Get, pages.url().clone())
                .header("Accept", MediaType::IMAGE_INDEX.as_str())
                .buffer_json_up_to(MAX_PAGE_BYTES);
            let mut response = self.client.send(&self.registry, request)?;
            if response.status() != 200 {
                return if is_first {
                    without_api(response)
                } else {
                    Err(response.into_error())
                };
            }
            let body =
                response.read_document("list of referrers", MAX_PAGE_BYTES, Limit::PageBytes)?;
            let list = match ReferrersIndex::parse_page(&body) {
                Ok(list) => list,
                Err(reason) => {
                    let is_index =
                        response.content_type().as_deref() == Some(MediaType::IMAGE_INDEX.as_str());
                    return match response.into_wrong_document(body, "list of referrers", &reason) {
                        // A web site, or a document of another kind.
                        Error::Protocol { .. } if is_first && !is_index => {
                            Ok(ApiListing::Unsupported)
                        }
                        error => Err(error),
                    };
                }
            };
            is_first = false;
            self.learn(ReferrersMode::Api);
            self.report_unreadable(&list, subject);
            let is_filtered = list.is_filtered()
                || response
                    .response
                    .headers
                    .all("OCI-Filters-Applied")
                    .any(includes_artifact_type);
            let page = filter.filter_page(list.descriptors(), is_filtered)?;
            if !page.is_empty() && visit(&page).is_break() {
                return Ok(ApiListing::Complete);
            }
            if !pages.follow_link(&response)? {
                return Ok(ApiListing::Complete);
            }
        }
    }

    /// Reports entries of a listing that are not descriptors, which are left out.
    fn report_unreadable(&self, list: &ReferrersIndex, subject: &Digest) {
        if let Some((count, reason)) = list.unreadable() {
            let reason = sanitize::single_line(reason);
            let text = format!(
                "{count} of the referrers listed for {subject} cannot be read and are left out: {reason}"
            );
            self.client.warn(&self.registry, &text);
        }
    }

    /// The error of a referrers tag whose content is not a referrers index.
    pub(crate) fn invalid_referrers_tag(&self, subject: &Digest, reason: &str) -> Error {
        let reason = format!("it cannot hold the list of referrers, {reason}");
        self.referrers_tag_error(subject, &reason)
    }

    pub(crate) fn referrers_tag_error(&self, subject: &Digest, reason: &str) -> Error {
        Error::Protocol {
            what: format!("{}:{}", self.path(), referrers_tag(subject)),
            reason: reason.to_owned(),
        }
    }

    /// Reads the referrers tag of `subject`.
    pub(crate) fn read_referrers_tag(&self, subject: &Digest) -> Result<ReferrersTagContent> {
        let reference: TagOrDigest = referrers_tag(subject).parse()?;
        let accepted = MediaType::IMAGE_INDEX;
        let limit = self.client.max_manifest_bytes();
        match self.read_manifest_as(accepted.as_str(), &reference, limit) {
            // GitLab resolves the tag to the subject itself.
            Ok(manifest) if manifest.descriptor().digest == *subject => {
                Ok(ReferrersTagContent::Missing)
            }
            Ok(manifest) => Ok(match ReferrersIndex::from_tagged(&manifest, subject) {
                Ok(list) => ReferrersTagContent::Index(list),
                Err(reason) => ReferrersTagContent::Other(reason),
            }),
            Err(Error::NotFound { .. }) => Ok(ReferrersTagContent::Missing),
            Err(error) => Err(error),
        }
    }
}

/// Decides what the first response means if its status is not 200. After redirects it is that of
/// the last server: some registries redirect to their web site, which responds with 404.
fn without_api(response: RegistryResponse) -> Result<ApiListing> {
    let status = response.status();
    match response.into_error() {
        // The repository does not exist, which shows nothing about the API.
        Error::Refused(refusal) if status == 404 && refusal.has_code("NAME_UNKNOWN") => {
            Err(Error::Refused(refusal))
        }
        _ if matches!(status, 400 | 404 | 405 | 406 | 501) => Ok(ApiListing::Unsupported),
        error => Err(error),
    }
}
