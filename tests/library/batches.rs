//! Batches: indexes are saved once for many manifests.

mod layouts;
mod lists;

use oras::store::memory::MemoryStore;
use oras::{MediaType, RawManifest};

use crate::artifacts::{as_json, image, push};

/// An index of `parts` images, which differ by number.
fn index(parts: usize) -> (RawManifest, Vec<RawManifest>) {
    let parts: Vec<_> = (0..parts)
        .map(|number| image(&number.to_string(), ""))
        .collect();
    let entries: Vec<_> = (parts.iter())
        .map(|part| as_json(part.descriptor()))
        .collect();
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        entries.join(",")
    );
    let index = RawManifest::new(MediaType::IMAGE_INDEX, text.into_bytes());
    (index, parts)
}

/// A memory store with these manifests.
fn store<'m>(manifests: impl IntoIterator<Item = &'m RawManifest>) -> MemoryStore {
    let store = MemoryStore::new();
    for manifest in manifests {
        push(&store, manifest);
    }
    store
}
