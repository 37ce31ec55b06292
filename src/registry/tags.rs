//! Listings of tags, page by page (distribution spec v1.1, "Listing Tags").

use std::ops::ControlFlow;

use serde::Deserialize;

use super::pagination::Paginator;
use super::repository::Repository;
use crate::error::Result;
use crate::http::Method;
use crate::limits::{Limit, MAX_PAGE_BYTES};
use crate::text::json::null_as_default;

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
        let mut pages = Paginator::new(self.endpoint.tags(last));
        loop {
            let request = self
                .pull_request(Method::Get, pages.url().clone())
                .header("Accept", "application/json, */*;q=0.1")
                .buffer_up_to(MAX_PAGE_BYTES);
            let mut response = self.client.send(&self.registry, request)?.expect(&[200])?;
            let body = response.read_document("tag list", MAX_PAGE_BYTES, Limit::PageBytes)?;
            let page: Page = serde_json::from_slice(&body).map_err(|error| {
                response.protocol_error(format!("the answer is no tag list: {error}"))
            })?;
            if !page.tags.is_empty() && visit(&page.tags).is_break() {
                return Ok(());
            }
            if !pages.follow_link(&response)? {
                return Ok(());
            }
        }
    }
}
