//! A manifest is parsed, hashed and stored once, however many stores it passes through.

use std::sync::Mutex;

use oras::copy::{CopyOptions, copy};
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::push::{PushOptions, push};
use oras::store::Source;
use oras::store::content::VerifyReader;
use oras::store::memory::MemoryStore;
use oras::{Descriptor, RawManifest, Result};

use super::{client, registry_with};
use crate::support::registry::RegistryProfile;

/// Whether two manifests share bytes and parsed view.
fn is_shared(one: &RawManifest, other: &RawManifest) -> bool {
    std::ptr::eq(one.bytes(), other.bytes())
        && std::ptr::eq(one.view().unwrap(), other.view().unwrap())
}

#[test]
fn a_pushed_manifest_is_the_one_that_was_packed() {
    let target = MemoryStore::new();
    let options = updated!(PushOptions {
        artifact_type: Some("application/vnd.example".into()),
        ..PushOptions::default()
    });

    let packed = push(&target, Some("v1"), options).unwrap();

    let stored = target
        .fetch_manifest_by_reference("v1", MAX_MANIFEST_BYTES)
        .unwrap();
    assert!(is_shared(&packed, &stored));
}

/// A source that records the manifest it is asked for by reference.
struct Recording<S> {
    source: S,
    manifest: Mutex<Option<RawManifest>>,
}

impl<S: Source> Source for Recording<S> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.source.fetch(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.source.exists(target)
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        let (descriptor, reader) = self.source.fetch_reference(reference, limit)?;
        let manifest = reader.read_manifest(limit)?;
        *self.manifest.lock().unwrap() = Some(manifest.clone());
        let reader = VerifyReader::from_manifest(manifest, descriptor.clone());
        Ok((descriptor, reader))
    }
}

#[test]
fn a_copied_manifest_is_the_one_that_was_read() {
    let registry = registry_with(RegistryProfile::default());
    let client = client();
    let source = Recording {
        source: client.repository(&registry.reference("a")).unwrap(),
        manifest: Mutex::default(),
    };
    let target = MemoryStore::new();

    copy(
        &source,
        "v1",
        &target,
        Some("v1"),
        &mut CopyOptions::default(),
    )
    .unwrap();

    let stored = target
        .fetch_manifest_by_reference("v1", MAX_MANIFEST_BYTES)
        .unwrap();
    assert!(is_shared(
        &source.manifest.into_inner().unwrap().unwrap(),
        &stored
    ));
}
