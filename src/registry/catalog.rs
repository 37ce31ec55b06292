//! Listings of names, page by page: tags (distribution spec v1.1, "Listing Tags"), and the catalog
//! of repositories, which is not part of the specification. Most registries have it.

use std::mem;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::client::{Client, RegistryRequest, RegistryResponse};
use super::endpoint;
use super::names_after::NamesAfter;
use super::pagination::Paginator;
use crate::auth::Scopes;
use crate::error::Result;
use crate::http::Method;
use crate::limits::{Limit, MAX_PAGE_BYTES};
use crate::oci::RegistryName;
use crate::store::NameVisitor;
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
    /// returns [`Break`](std::ops::ControlFlow::Break). The order is that of the registry. With
    /// `last`, the list begins after that name, unless the registry neither supports this nor has
    /// the name.
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
        visit: NameVisitor<'_>,
    ) -> Result<()> {
        let first = endpoint::catalog(self.scheme(registry), registry, last);
        let request = |url| RegistryRequest::new(Method::Get, url).scopes(Scopes::catalog());
        let request = Box::new(request);
        self.name_list(registry, first, last, request, "list of repositories")
            .visit(visit)
    }

    /// Returns the list that begins at the URL `first`, for names after `last`. `request` returns
    /// the request for the URL of a page, and `what` is for messages.
    pub(super) fn name_list<'r>(
        &'r self,
        registry: &'r RegistryName,
        first: Url,
        last: Option<&str>,
        request: PageRequest<'r>,
        what: &'static str,
    ) -> NameList<'r> {
        NameList {
            client: self,
            registry,
            request,
            what,
            page_size: None,
            first,
            position: Position::Start,
            after: NamesAfter::new(last),
        }
    }
}

/// Returns the request for the URL of a page.
type PageRequest<'r> = Box<dyn Fn(Url) -> RegistryRequest<'static> + Send + 'r>;

/// A list of names, page by page.
pub(super) struct NameList<'r> {
    client: &'r Client,
    registry: &'r RegistryName,
    request: PageRequest<'r>,
    what: &'static str,
    /// The number of names that the registry is asked for in each page.
    pub(super) page_size: Option<u32>,
    first: Url,
    position: Position,
    after: NamesAfter,
}

enum Position {
    /// Before the first page.
    Start,
    /// After a page with this response.
    Page(Box<(Paginator, RegistryResponse)>),
    /// After the last page, or after an error.
    End,
}

impl NameList<'_> {
    /// Returns the next page that is not empty, or `None` after the last page and after an error.
    pub(super) fn next_page(&mut self) -> Result<Option<Vec<String>>> {
        loop {
            let pages = match mem::replace(&mut self.position, Position::End) {
                Position::Start => {
                    let first = self.first.clone();
                    Paginator::new(match self.page_size {
                        Some(size) => first.with_parameter("n", &size.to_string()),
                        None => first,
                    })
                }
                Position::Page(page) => {
                    let (mut pages, response) = *page;
                    if !pages.follow_link(&response)? {
                        return Ok(Some(self.after.finish()).filter(|rest| !rest.is_empty()));
                    }
                    pages
                }
                Position::End => return Ok(None),
            };
            let request = (self.request)(pages.url().clone())
                .header("Accept", "application/json, */*;q=0.1")
                .buffer_json_up_to(MAX_PAGE_BYTES);
            let response = self.client.send(self.registry, request)?;
            // Some registries refuse numbers above their maximum.
            if response.status() == 400 && self.page_size.take().is_some() {
                response.drain()?;
                self.position = Position::Start;
                continue;
            }
            let mut response = response.expect(&[200])?;
            let body = response.read_document(self.what, MAX_PAGE_BYTES, Limit::PageBytes)?;
            let names = match Page::parse(&body) {
                Ok(names) => names,
                Err(reason) => return Err(response.into_wrong_document(body, self.what, &reason)),
            };
            let names = self.after.next_page(names);
            self.position = Position::Page(Box::new((pages, response)));
            if !names.is_empty() {
                return Ok(Some(names));
            }
        }
    }

    /// Calls `visit` with each page, until it returns [`Break`](std::ops::ControlFlow::Break).
    pub(super) fn visit(mut self, visit: NameVisitor<'_>) -> Result<()> {
        while let Some(names) = self.next_page()? {
            if visit(&names).is_break() {
                break;
            }
        }
        Ok(())
    }
}
