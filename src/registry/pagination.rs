//! Lists that come in pages: on to the next one, as long as they go forward and stay at home.

use super::client::RegistryResponse;
use super::link::{self, Trail};
use crate::auth::OriginPolicy;
use crate::error::{Error, Result};
use crate::limits::MAX_PAGES;
use crate::text::url::Url;

/// Where a list goes on.
pub(super) struct Pages {
    first: Url,
    url: Url,
    trail: Trail,
    /// How many pages were gone to, the first included.
    count: usize,
}

impl Pages {
    /// Starts at the first page.
    pub(super) fn from(first: Url) -> Self {
        Self {
            trail: Trail::starting_at(first.exact()),
            count: 1,
            url: first.clone(),
            first,
        }
    }

    /// Where the page to be read is.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Goes on to the page that `answer` links to, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] when that page is at another host, was read before, or is one too many.
    pub(super) fn follow_link(&mut self, response: &RegistryResponse) -> Result<bool> {
        let Some(next) = link::next(response.response.headers.all("Link")) else {
            return Ok(false);
        };
        let next = response.resolve_own("Link", &next)?;
        if OriginPolicy::between(&self.url.origin(), &next.origin()) != Ok(OriginPolicy::SameOrigin)
        {
            return Err(
                response.protocol_error(format!("the next page is at another host, \"{next}\""))
            );
        }
        if response.origin_policy != OriginPolicy::SameOrigin {
            // It would choose what the registry is asked with the registry's credentials.
            return Err(response.protocol_error("another host says where the next page is"));
        }
        self.go_to(next, response)?;
        Ok(true)
    }

    /// Goes on to a page at the same host.
    pub(super) fn go_to(&mut self, next: Url, response: &RegistryResponse) -> Result<()> {
        if self.count >= MAX_PAGES {
            return Err(Error::Protocol {
                what: format!("GET \"{}\"", self.first),
                reason: format!("the list has more than {MAX_PAGES} pages"),
            });
        }
        self.count += 1;
        if self.trail.returns_to(next.exact()) {
            return Err(response.protocol_error("the pages go in a circle"));
        }
        self.url = next;
        Ok(())
    }
}
