//! Discovery of the referrers of an artifact, level by level.
//!
//! Referrer listings are not trusted: they can form cycles or go on without end. The referrers of a
//! manifest are listed once, and limits bound the rest.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::limits::{
    Limit, MAX_MANIFEST_BYTES, MAX_METADATA_BYTES, MAX_REFERRERS, MAX_REFERRERS_DEPTH,
};
use crate::oci::{Descriptor, Digest, Platform};
use crate::ops::graph::{require_manifest, resolve};
use crate::progress::{Observer, Scope};
use crate::store::Referrers;
use crate::text::json;

/// Options of a discovery.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DiscoverOptions {
    /// The platform of the manifest in an index to start from. By default the start is the index.
    pub platform: Option<Platform>,
    /// Lists only referrers of this artifact type, on every level. Referrers below a referrer of
    /// another type are not found.
    pub artifact_type: Option<String>,
    /// Number of levels to list. By default all, at most 50.
    pub depth: Option<usize>,
    /// Observes the discovery.
    pub observer: Option<Observer>,
}

/// A manifest and its referrers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discovered {
    /// The descriptor of the manifest in the listing; for the root, the resolved descriptor.
    pub descriptor: Descriptor,
    /// The referrers, in the order of the listing. Empty below the last level, and for a manifest
    /// whose referrers are in another place of the tree.
    pub referrers: Vec<Self>,
}

/// Finds the referrers of the manifest that `reference` names in `source`, and the referrers of
/// these, level by level.
///
/// Listed referrers are not verified: a manifest may be missing, or have another subject. To verify
/// one, fetch the manifest and read its subject with
/// [`Referrer::from_manifest`](crate::oci::referrers::Referrer::from_manifest).
///
/// ```
/// use oras::discover::{DiscoverOptions, discover};
/// use oras::store::memory::MemoryStore;
/// use oras::pack::{PackOptions, pack};
/// use oras::store::Target;
/// use std::time::SystemTime;
///
/// let store = MemoryStore::new();
/// let artifact_type = Some("application/vnd.example".into());
/// let mut options = PackOptions::default();
/// options.artifact_type = artifact_type;
/// let manifest = pack(&store, options, SystemTime::now())?;
/// store.tag(manifest.descriptor(), "v1")?;
///
/// let found = discover(&store, "v1", &DiscoverOptions::default())?;
/// assert_eq!(found.descriptor.digest, manifest.descriptor().digest);
/// assert!(found.referrers.is_empty());
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`Error::NotFound`] if the reference does not exist or the index has no manifest for the
///   platform.
/// - [`Error::Unsupported`] if the reference names a blob.
/// - [`Error::TooLarge`] if there are more than 100,000 referrers in all, more than
///   50 levels, or more than 64 MiB of descriptors.
/// - The errors of [`Referrers::referrers`].
pub fn discover(
    source: &dyn Referrers,
    reference: &str,
    options: &DiscoverOptions,
) -> Result<Discovered> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let subject = resolve(
        source,
        reference,
        options.platform.as_ref(),
        MAX_MANIFEST_BYTES,
    )?;
    require_manifest(&subject)?;
    let mut search = Search::from(subject);
    let mut next = 0;
    // Listing appends to `found`: the loop ends after the last level.
    while next < search.found.len() {
        search.list_referrers(next, source, options)?;
        next += 1;
    }
    Ok(search.into_tree())
}

/// A running discovery.
struct Search {
    /// The root and its referrers, breadth first.
    found: Vec<FoundManifest>,
    /// Manifests whose referrers were listed.
    listed: HashSet<Digest>,
    /// Bytes of all descriptors.
    bytes: u64,
}

struct FoundManifest {
    tree: Discovered,
    /// Index of the subject in [`Search::found`].
    subject: usize,
    depth: usize,
}

impl Search {
    fn from(subject: Descriptor) -> Self {
        Self {
            found: vec![FoundManifest {
                tree: Discovered::new(subject),
                subject: 0,
                depth: 0,
            }],
            listed: HashSet::new(),
            bytes: 0,
        }
    }

    /// Lists the referrers of a manifest that was found.
    fn list_referrers(
        &mut self,
        index: usize,
        source: &dyn Referrers,
        options: &DiscoverOptions,
    ) -> Result<()> {
        let depth = self.found[index].depth;
        let subject = self.found[index].tree.descriptor.plain();
        if options.depth.is_some_and(|wanted| depth >= wanted)
            || !self.listed.insert(subject.digest.clone())
        {
            return Ok(());
        }
        let mut result = Ok(());
        source.referrers(&subject, options.artifact_type.as_deref(), &mut |page| {
            result = self.add(page, index, depth + 1);
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        result
    }

    fn add(&mut self, page: &[Descriptor], subject: usize, depth: usize) -> Result<()> {
        for descriptor in page {
            self.bytes += json::to_vec(descriptor).len() as u64;
            // The first of `found` is the root, so that its length counts the new referrer.
            let count = self.found.len() as u64;
            let (depths, counts) = (MAX_REFERRERS_DEPTH as u64, MAX_REFERRERS as u64);
            self.check("levels", depth as u64, Limit::ReferrersDepth, depths)?;
            self.check(
                "size in bytes",
                self.bytes,
                Limit::MetadataBytes,
                MAX_METADATA_BYTES,
            )?;
            self.check("number", count, Limit::Referrers, counts)?;
            self.found.push(FoundManifest {
                tree: Discovered::new(descriptor.clone()),
                subject,
                depth,
            });
        }
        Ok(())
    }

    fn check(&self, what: &str, size: u64, kind: Limit, limit: u64) -> Result<()> {
        let root = &self.found[0].tree.descriptor.digest;
        let what = format_args!("{what} of all that is attached to {root}");
        Error::check_limit(what, size, kind, limit)
    }

    /// Moves each referrer below its subject, which precedes it in `found`.
    fn into_tree(mut self) -> Discovered {
        while self.found.len() > 1
            && let Some(mut last) = self.found.pop()
        {
            last.tree.referrers.reverse();
            self.found[last.subject].tree.referrers.push(last.tree);
        }
        let mut root = self.found.swap_remove(0).tree;
        root.referrers.reverse();
        root
    }
}

impl Discovered {
    const fn new(descriptor: Descriptor) -> Self {
        Self {
            descriptor,
            referrers: Vec::new(),
        }
    }
}
