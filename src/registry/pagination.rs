//! Pagination: follows `Link` headers on the same origin, and detects loops.

use super::client::{RegistryResponse, Sender};
use super::link::{self, VisitedUrls};
use crate::auth::is_https_upgrade;
use crate::error::{Error, Result};
use crate::limits::MAX_PAGES;
use crate::text::url::{Scheme, Url};

/// The pages of a listing.
pub(super) struct Paginator {
    first: Url,
    url: Url,
    visited: VisitedUrls,
    /// Number of visited pages, including the first.
    count: usize,
}

impl Paginator {
    /// Starts at the first page.
    pub(super) fn new(first: Url) -> Self {
        Self {
            visited: VisitedUrls::new(first.exact()),
            count: 1,
            url: first.clone(),
            first,
        }
    }

    /// The URL of the current page.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Moves to the page that `response` links to. Returns whether there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if that page is at another origin than the page that links to it, was
    /// visited before, or exceeds the limit, and if the link cannot be read.
    pub(super) fn follow_link(&mut self, response: &RegistryResponse) -> Result<bool> {
        let Some(next) = link::next(response.response.headers.all("Link")) else {
            return Ok(false);
        };
        if next.is_empty() {
            return Err(response.protocol_error("its Link has no URL of the next page"));
        }
        let mut next = response.resolve_own("Link", &next)?;
        if is_https_upgrade(&self.url.origin(), &next.origin()) {
            // The registry redirected to https, and does so again.
            next = next.with_scheme(Scheme::Http);
        }
        // Behind a front end that redirects to the server that has the pages, that server says
        // where the next page is. It must not choose a URL of the registry, which would be
        // requested with credentials.
        if response.sender == Sender::ThirdParty {
            if response.url.origin() != next.origin() {
                return Err(response.protocol_error("another host says where the next page is"));
            }
        } else if self.url.origin() != next.origin() {
            return Err(
                response.protocol_error(format!("the next page is at another host, \"{next}\""))
            );
        }
        if self.count >= MAX_PAGES {
            return Err(Error::Protocol {
                what: format!("GET \"{}\"", self.first),
                reason: format!("the list has more than {MAX_PAGES} pages"),
            });
        }
        self.count += 1;
        if self.visited.is_repeated(next.exact()) {
            return Err(response.protocol_error("the pages go in a circle"));
        }
        self.url = next;
        Ok(true)
    }
}
