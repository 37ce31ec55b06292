//! Listing tags, a page at a time (distribution spec v1.1, "Listing Tags").

use std::ops::ControlFlow;

use serde::Deserialize;

use super::link::{self, Trail};
use super::repository::Repository;
use crate::auth::{Trust, trust};
use crate::error::{Error, Result};
use crate::json::null_as_default;
use crate::transport::Method;

/// How large one page may be, in bytes: room for tens of thousands of tags.
const MAX_PAGE_BYTES: u64 = 4 * 1024 * 1024;
/// How many pages are read. No registry has that many; a list without end has more.
const MAX_PAGES: usize = 10_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "null_as_default")]
    tags: Vec<String>,
}

impl Repository<'_> {
    pub(super) fn list_tags(
        &self,
        last: Option<&str>,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut url = self.endpoint.tags(last);
        let mut trail = Trail::starting_at(url.exact());
        for _ in 0..MAX_PAGES {
            let draft = self
                .reading(Method::Get, url.clone())
                .header("Accept", "application/json, */*;q=0.1")
                .whole(MAX_PAGE_BYTES);
            let mut answer = self.client.send(&self.registry, draft)?.expect(&[200])?;
            let body = answer
                .response
                .read_body("tag list", MAX_PAGE_BYTES, "MaxPageBytes")?;
            let page: Page = serde_json::from_slice(&body).map_err(|error| {
                answer.protocol_error(format!("the answer is no tag list: {error}"))
            })?;
            if !page.tags.is_empty() && visit(&page.tags).is_break() {
                return Ok(());
            }
            let Some(next) = link::next(answer.response.headers.all("Link")) else {
                return Ok(());
            };
            let next = answer.resolve_own("Link", &next)?;
            if trust(&url.origin(), &next.origin()) != Ok(Trust::Full) {
                return Err(
                    answer.protocol_error(format!("the next page is at another host, \"{next}\""))
                );
            }
            if answer.trust != Trust::Full {
                // It would choose what the registry is asked with the registry's credentials.
                return Err(answer.protocol_error("another host says where the next page is"));
            }
            if trail.returns_to(next.exact()) {
                return Err(answer.protocol_error("the pages go in a circle"));
            }
            url = next;
        }
        Err(Error::Protocol {
            what: format!("GET \"{}\"", self.endpoint.tags(last)),
            reason: format!("the list has more than {MAX_PAGES} pages"),
        })
    }
}
