//! Listings of names, page by page: tags (distribution spec v1.1, "Listing Tags"), and the catalog
//! of repositories, which is not part of the specification. Most registries have it.

use std::ops::ControlFlow;

use serde::Deserialize;

use super::client::{Client, RegistryRequest};
use super::endpoint;
use super::pagination::Paginator;
use crate::auth::Scopes;
use crate::error::Result;
use crate::http::Method;
use crate::limits::{Limit, MAX_PAGE_BYTES};
use crate::oci::RegistryName;
use crate::text::json::null_as_default;
use crate::text::url::Url;

#[derive(Deserialize)]
struct Page {
    #[serde(
        default,
        alias = "tags",
        alias = "repositories",
        deserialize_with = "null_as_default"
    )]
    names: Vec<String>,
}

impl Client {
    /// Calls `visit` with the names of the repositories of a registry, page by page, until it
    /// returns [`ControlFlow::Break`]. The order is that of the registry. With `last`, the registry
    /// is asked to begin after that name.
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    ///
    /// use oras::registry::Client;
    ///
    /// Client::new().repositories(&"localhost:5000".parse()?, None, &mut |names| {
    ///     println!("{}", names.join("\n"));
    ///     ControlFlow::Continue(())
    /// })?;
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::Error::Refused) if the registry has no catalog, or denies access
    /// to it.
    pub fn repositories(
        &self,
        registry: &RegistryName,
        last: Option<&str>,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()> {
        let first = endpoint::catalog(self.scheme(registry), registry, last);
        let request = |url| RegistryRequest::new(Method::Get, url).scopes(Scopes::catalog());
        self.list_names(registry, first, &request, "list of repositories", visit)
    }

    /// Calls `visit` with the names of each page from `first` on. `request` returns the request for
    /// the URL of a page, and `what` is for messages.
    pub(super) fn list_names(
        &self,
        registry: &RegistryName,
        first: Url,
        request: &dyn Fn(Url) -> RegistryRequest<'static>,
        what: &str,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut pages = Paginator::new(first);
        loop {
            let request = request(pages.url().clone())
                .header("Accept", "application/json, */*;q=0.1")
                .buffer_up_to(MAX_PAGE_BYTES);
            let mut response = self.send(registry, request)?.expect(&[200])?;
            let body = response.read_document(what, MAX_PAGE_BYTES, Limit::PageBytes)?;
            let page: Page = serde_json::from_slice(&body).map_err(|error| {
                let is_web_page = body.trim_ascii_start().starts_with(b"<");
                response.protocol_error(if is_web_page {
                    format!("the answer is a web page, not a {what}")
                } else {
                    format!("the answer is no {what}: {error}")
                })
            })?;
            if (!page.names.is_empty() && visit(&page.names).is_break())
                || !pages.follow_link(&response)?
            {
                return Ok(());
            }
        }
    }
}
