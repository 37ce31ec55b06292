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
    /// [`Error::Protocol`] if that page is at another origin, was visited before, or exceeds the
    /// limit.
    pub(super) fn follow_link(&mut self, response: &RegistryResponse) -> Result<bool> {
        let Some(next) = link::next(response.response.headers.all("Link")) else {
            return Ok(false);
        };
        let mut next = response.resolve_own("Link", &next)?;
        if is_https_upgrade(&self.url.origin(), &next.origin()) {
            // The registry redirected to https, and does so again.
            next = next.with_scheme(Scheme::Http);
        }
        if self.url.origin() != next.origin() {
            return Err(
                response.protocol_error(format!("the next page is at another host, \"{next}\""))
            );
        }
        if response.sender == Sender::ThirdParty {
            // A redirect target must not choose which URL of the registry is requested with
            // credentials.
            return Err(response.protocol_error("another host says where the next page is"));
        }
        self.visit(next, response)?;
        Ok(true)
    }

    /// Moves to a page at the same origin.
    pub(super) fn visit(&mut self, next: Url, response: &RegistryResponse) -> Result<()> {
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
        Ok(())
    }
}
