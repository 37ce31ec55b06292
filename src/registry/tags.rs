//! Tags of a repository (distribution spec v1.1, "Listing Tags").

use std::fmt;
use std::vec;

use super::catalog::NameList;
use super::repository::Repository;
use crate::error::Result;
use crate::http::Method;
use crate::store::{NameVisitor, TagLister};

/// A query of [`Repository::list_tags`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TagQuery {
    /// The number of tags that the registry is asked for in each page. The registry may send fewer,
    /// or ignore the number. The default is the choice of the registry, which for many is all tags.
    pub page_size: Option<u32>,
    /// The tag after which the list begins, in the order of the registry. If the registry ignores
    /// this, the tags up to it are removed by the client. If in addition the registry does not have
    /// the tag, all tags are listed.
    pub last: Option<String>,
}

/// The tags of a repository, in the order of the registry. Each page is requested when its first
/// tag is needed.
pub struct Tags<'r> {
    pages: NameList<'r>,
    page: vec::IntoIter<String>,
}

impl Repository {
    /// Lists tags.
    ///
    /// ```no_run
    /// use oras::registry::{Client, TagQuery};
    ///
    /// let repository = Client::new().repository("localhost:5000/hello")?;
    /// let mut query = TagQuery::default();
    /// query.page_size = Some(100);
    /// for tag in repository.list_tags(&query) {
    ///     println!("{}", tag?);
    /// }
    /// # Ok::<(), oras::Error>(())
    /// ```
    pub fn list_tags(&self, query: &TagQuery) -> Tags<'_> {
        let last = query.last.as_deref();
        let first = self.endpoint.tags(last);
        let request = Box::new(|url| self.pull_request(Method::Get, url));
        let mut pages = (self.client).name_list(&self.registry, first, last, request, "tag list");
        pages.page_size = query.page_size.filter(|size| *size > 0);
        Tags {
            pages,
            page: Vec::new().into_iter(),
        }
    }
}

impl Tags<'_> {
    /// Returns the rest of the current page, or else the next one that is not empty. Returns `None`
    /// after the last page.
    ///
    /// # Errors
    ///
    /// Same as [`TagLister::tags`]. The list ends after an error.
    pub fn next_page(&mut self) -> Result<Option<Vec<String>>> {
        let rest: Vec<String> = std::mem::take(&mut self.page).collect();
        if !rest.is_empty() {
            return Ok(Some(rest));
        }
        self.pages.next_page()
    }
}

impl Iterator for Tags<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty() {
            match self.pages.next_page() {
                Ok(page) => self.page = page?.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
        self.page.next().map(Ok)
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tags")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

impl TagLister for Repository {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        let query = TagQuery {
            last: last.map(str::to_owned),
            ..TagQuery::default()
        };
        self.list_tags(&query).pages.visit(visit)
    }
}
