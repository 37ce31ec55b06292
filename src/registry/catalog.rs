//! Listings of names, page by page: tags (distribution spec v1.1, "Listing Tags"), and the catalog
//! of repositories, which is not part of the specification. Most registries have it.

use std::ops::ControlFlow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

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

/// A page of names.
#[derive(Deserialize)]
struct Page {
    /// Empty if it is `null`, as Go tools write an empty list.
    #[serde(
        default,
        alias = "tags",
        alias = "repositories",
        deserialize_with = "list_or_null"
    )]
    names: Option<Vec<String>>,
    /// The name of the repository whose tags these are.
    name: Option<IgnoredAny>,
}

impl Page {
    /// Parses a page. A document that has other members than these, and no list, is something
    /// else, such as a message.
    fn parse(body: &[u8]) -> Result<Vec<String>, String> {
        let page: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        match page.names {
            Some(names) => Ok(names),
            None if page.name.is_some() || body.trim_ascii() == b"{}" => Ok(Vec::new()),
            None => Err("it has no list".to_owned()),
        }
    }
}

fn list_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    null_as_default(deserializer).map(Some)
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
                .buffer_json_up_to(MAX_PAGE_BYTES);
            let mut response = self.send(registry, request)?.expect(&[200])?;
            let body = response.read_document(what, MAX_PAGE_BYTES, Limit::PageBytes)?;
            let names = match Page::parse(&body) {
                Ok(names) => names,
                Err(reason) => return Err(response.into_wrong_document(body, what, &reason)),
            };
            if (!names.is_empty() && visit(&names).is_break()) || !pages.follow_link(&response)? {
                return Ok(());
            }
        }
    }
}
