//! Listings of the repositories of a registry, page by page: the catalog, which is not part of the
//! specification. Most registries have it.

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

#[derive(Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "null_as_default")]
    repositories: Vec<String>,
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
        let mut pages = Paginator::new(endpoint::catalog(self.scheme(registry), registry, last));
        loop {
            let request = RegistryRequest::new(Method::Get, pages.url().clone())
                .scopes(Scopes::catalog())
                .header("Accept", "application/json, */*;q=0.1")
                .buffer_up_to(MAX_PAGE_BYTES);
            let mut response = self.send(registry, request)?.expect(&[200])?;
            let body = response.read_document("catalog", MAX_PAGE_BYTES, Limit::PageBytes)?;
            let page: Page = serde_json::from_slice(&body).map_err(|error| {
                response.protocol_error(format!("the answer is no list of repositories: {error}"))
            })?;
            if !page.repositories.is_empty() && visit(&page.repositories).is_break() {
                return Ok(());
            }
            if !pages.follow_link(&response)? {
                return Ok(());
            }
        }
    }
}
