//! Stores behind a cache: reads give the same results.

use std::io::Read;

use oras::layout::cache::{Cache, Cached};
use oras::store::content::{Content, VerifyReader};
use oras::store::{Pushed, Source, Target};
use oras::{Descriptor, MediaType, Result};

use crate::support::tempdir::TempDir;

/// The state of the cache before a read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Warmth {
    /// Content that was read before.
    Cold,
    /// All content that is read.
    Warm,
}

impl Warmth {
    pub(super) const ALL: [Self; 2] = [Self::Cold, Self::Warm];
}

/// Runs a rule on a store behind a cache.
pub(super) fn behind_a_cache(
    warmth: Warmth,
    store: &dyn Target,
    rule: impl FnOnce(&str, &dyn Target),
) {
    let temporary = TempDir::new();
    let cache = Cache::open(temporary.join("cache"))
        .unwrap()
        .on_failure(|error| panic!("{error:?}"));
    let behind = Behind {
        cached: cache.over(store),
        store,
        warmth,
    };
    rule(&format!("a {warmth:?} cache"), &behind);
}

struct Behind<'b> {
    cached: Cached<'b>,
    store: &'b dyn Target,
    warmth: Warmth,
}

impl Behind<'_> {
    /// Reads content in advance, if it exists.
    fn warm(&self, target: &Descriptor) {
        if matches!(self.warmth, Warmth::Warm) {
            let _ = self
                .cached
                .fetch(target)
                .and_then(|reader| reader.read_all(1_000_000));
        }
    }
}

impl Source for Behind<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.cached.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.warm(target);
        self.cached.fetch(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.warm(target);
        self.cached.exists(target)
    }

    fn fetch_reference(
        &self,
        reference: &str,
        limit: u64,
    ) -> Result<(Descriptor, VerifyReader<'_>)> {
        if let Ok(target) = self.store.resolve(reference) {
            self.warm(&target);
        }
        self.cached.fetch_reference(reference, limit)
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<oras::RawManifest> {
        self.warm(target);
        self.cached.fetch_manifest(target, limit)
    }
}

impl Target for Behind<'_> {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.store.push(expected, content)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        self.store.push_stream(media_type, stream)
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        self.store.tag(target, reference)
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        self.store.push_reference(expected, content, reference)
    }
}
