//! Discovering what is attached to an artifact, and what is attached to that.
//!
//! Lists of referrers are what a registry, or anybody who may push there, says. They may lead in a circle, or on and on: a
//! manifest that was met before is not looked at again, and there are limits for the rest.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::limits::{MAX_MANIFEST_BYTES, MAX_METADATA_BYTES, MAX_REFERRERS, MAX_REFERRERS_DEPTH};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::platform::Platform;
use crate::ops::graph::{require_manifest, resolve};
use crate::store::Referrers;
use crate::text::json;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct DiscoverOptions {
    /// Which manifest of an index is asked about. Without it the index itself is.
    pub platform: Option<Platform>,
    /// Only what is of this type, on every level: what is attached to something else is not found.
    pub artifact_type: Option<String>,
    /// How many levels are looked at. Without it all are, of which there may be [`MAX_REFERRERS_DEPTH`].
    pub depth: Option<usize>,
}

/// A manifest, and what is attached to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discovered {
    /// The manifest, as whoever listed it describes it. What was asked about is described as its name resolves.
    pub descriptor: Descriptor,
    /// What is attached to it, in the order of the list. It is empty where nobody looked: below the last level, and of
    /// what was met before.
    pub referrers: Vec<Self>,
}

/// Finds what is attached to what `reference` names in `source`, and what is attached to that, level by level.
///
/// What registries list is not verified, neither that it is there nor that it is attached to what it is listed for. Who
/// depends on that asks the manifests, by [`Referrer::from_manifest`](crate::oci::referrers::Referrer::from_manifest).
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
/// let manifest = pack(&store, PackOptions { artifact_type, ..PackOptions::default() }, SystemTime::now())?;
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
/// [`Error::NotFound`] when nothing has that name or is for the platform, [`Error::Unsupported`] when what has it is no
/// manifest, and [`Error::TooLarge`] when there are more than [`MAX_REFERRERS`] altogether, on more than [`MAX_REFERRERS_DEPTH`]
/// levels, or described by more than 64 MiB; and whatever keeps one of the lists from being read.
pub fn discover(
    source: &dyn Referrers,
    reference: &str,
    options: &DiscoverOptions,
) -> Result<Discovered> {
    let subject = resolve(
        source,
        reference,
        options.platform.as_ref(),
        MAX_MANIFEST_BYTES,
    )?;
    require_manifest(&subject)?;
    let mut search = Search::from(subject);
    let mut next = 0;
    // What is found is looked at in its turn.
    while next < search.found.len() {
        search.look_at(next, source, options)?;
        next += 1;
    }
    Ok(search.into_tree())
}

/// Everything that was found, in the order in which it was.
struct Search {
    found: Vec<Found>,
    /// What was looked at.
    seen: HashSet<Digest>,
    bytes: u64,
}

struct Found {
    tree: Discovered,
    /// Where in the list that is which it is attached to.
    subject: usize,
    depth: usize,
}

impl Search {
    fn from(subject: Descriptor) -> Self {
        Self {
            found: vec![Found {
                tree: Discovered::new(subject),
                subject: 0,
                depth: 0,
            }],
            seen: HashSet::new(),
            bytes: 0,
        }
    }

    /// Finds what is attached to one of those that were found.
    fn look_at(
        &mut self,
        index: usize,
        source: &dyn Referrers,
        options: &DiscoverOptions,
    ) -> Result<()> {
        let depth = self.found[index].depth;
        let subject = self.found[index].tree.descriptor.plain();
        if options.depth.is_some_and(|wanted| depth >= wanted)
            || !self.seen.insert(subject.digest.clone())
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
            // The first that was found is what was asked about.
            let count = self.found.len() as u64;
            for (what, size, limit, limit_name) in [
                (
                    "levels",
                    depth as u64,
                    MAX_REFERRERS_DEPTH as u64,
                    "MaxReferrersDepth",
                ),
                (
                    "size in bytes",
                    self.bytes,
                    MAX_METADATA_BYTES,
                    "MaxMetadataBytes",
                ),
                ("number", count, MAX_REFERRERS as u64, "MaxReferrers"),
            ] {
                self.check(what, size, limit, limit_name)?;
            }
            self.found.push(Found {
                tree: Discovered::new(descriptor.clone()),
                subject,
                depth,
            });
        }
        Ok(())
    }

    fn check(&self, what: &str, size: u64, limit: u64, limit_name: &'static str) -> Result<()> {
        if size <= limit {
            return Ok(());
        }
        let root = &self.found[0].tree.descriptor.digest;
        Err(Error::TooLarge {
            what: format!("{what} of all that is attached to {root}"),
            size,
            limit,
            limit_name,
        })
    }

    /// Puts everything below what it is attached to, which was found before it.
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
