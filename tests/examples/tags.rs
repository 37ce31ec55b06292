//! Lists the tags of a repository, and deletes those with a prefix.
//!
//! ```text
//! cargo run --example tags -- localhost:5000/hello
//! cargo run --example tags -- localhost:5000/hello nightly-
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::ops::ControlFlow;

use oras::registry::{Client, TagQuery};
use oras::store::{Delete, TagLister};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut out = io::stdout();
    match arguments.as_slice() {
        [name] => {
            let mut query = TagQuery::default();
            query.page_size = Some(100);
            // Each page is requested when its first tag is needed.
            for tag in Client::new().repository(name)?.list_tags(&query) {
                writeln!(out, "{}", tag?)?;
            }
        }
        [name, prefix] => {
            let repository = Client::new().repository(name)?.with_delete_scope();
            for tag in delete_tags(&repository, prefix)? {
                writeln!(out, "deleted {tag}")?;
            }
        }
        _ => return Err("usage: tags <registry/repository> [<prefix to delete>]".into()),
    }
    Ok(())
}

/// Deletes the tags with a prefix, in any store. Manifests without a tag stay.
fn delete_tags<S: TagLister + Delete>(store: &S, prefix: &str) -> oras::Result<Vec<String>> {
    // All pages are read first: a deletion may move the tags to other pages.
    let mut tags = Vec::new();
    store.tags(None, &mut |page| {
        tags.extend(page.iter().filter(|tag| tag.starts_with(prefix)).cloned());
        ControlFlow::Continue(())
    })?;
    for tag in &tags {
        match store.untag(tag) {
            // Another client deleted it.
            Err(error) if error.is_not_found() => {}
            result => result?,
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use oras::store::Target;
    use oras::store::memory::MemoryStore;
    use oras::{Descriptor, MediaType};

    use super::*;

    #[test]
    fn only_tags_with_the_prefix_are_deleted() {
        let store = MemoryStore::new();
        let index = br#"{"schemaVersion":2,"manifests":[]}"#;
        let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index);
        for tag in ["latest", "nightly-1", "nightly-2", "v1"] {
            let pushed = store.push_reference(&descriptor, &mut index.as_slice(), tag);
            pushed.unwrap();
        }

        let deleted = delete_tags(&store, "nightly-").unwrap();

        assert_eq!(deleted, ["nightly-1", "nightly-2"]);
        let left = delete_tags(&store, "").unwrap();
        assert_eq!(left, ["latest", "v1"]);
    }
}
