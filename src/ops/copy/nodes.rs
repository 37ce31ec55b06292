//! State of a copy: which nodes of the graph are done, and how much was read.

use std::collections::{HashMap, HashSet};

use super::options::Limits;
use crate::error::{Error, Result};
use crate::limits::Limit;
use crate::oci::descriptor::title_in;
use crate::oci::{Descriptor, Digest, MediaType};
use crate::text::json::Annotations;

/// The mode in which a node is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyMode {
    /// Copies the node unless it exists at the destination.
    IfMissing,
    /// Sends the node without asking the destination, which turned out to lack content that it
    /// reported as existing.
    Force,
    /// Only looks for referrers: the node exists at the destination as part of a graph that does.
    ReferrersOnly,
}

/// The reason why a node exists at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NodeState {
    /// The destination reported it as existing, or the node was skipped.
    Existed,
    /// It was sent.
    Copied,
}

/// A node among those of the same digest. Equal bytes with another media type are another node: the
/// original prints a line for each.
struct DoneNode {
    media_type: MediaType,
    size: u64,
    state: NodeState,
}

impl DoneNode {
    fn is(&self, node: &Descriptor) -> bool {
        self.media_type == node.media_type && self.size == node.size
    }
}

/// The nodes of one digest that are done.
#[derive(Default)]
struct DoneContent {
    /// Seldom more than one.
    nodes: Vec<DoneNode>,
    /// The annotations of the last node, which has the title that was reported last. They share
    /// memory with the node; a copy of the title would not.
    annotations: Annotations,
}

impl DoneContent {
    fn node(&self, node: &Descriptor) -> Option<NodeState> {
        let done = self.nodes.iter().find(|done| done.is(node))?;
        Some(done.state)
    }

    /// The state of the blob with these bytes. Registries and layouts find blobs by digest alone.
    fn blob(&self) -> Option<NodeState> {
        let blobs = self
            .nodes
            .iter()
            .filter(|done| !done.media_type.is_manifest());
        blobs.map(|done| done.state).max()
    }
}

/// The nodes that are done.
#[derive(Default)]
pub(super) struct Nodes {
    done: HashMap<Digest, DoneContent>,
    /// Blobs that the destination is known to have, although it was not asked for each.
    known: HashSet<Digest>,
    /// Digests and titles of nodes that were not selected.
    skipped: HashSet<(Digest, String)>,
}

impl Nodes {
    pub(super) fn contains(&self, node: &Descriptor) -> bool {
        let done = self.done.get(&node.digest);
        done.is_some_and(|done| done.node(node).is_some())
    }

    /// Whether the destination has the bytes of a blob, by this or another node.
    pub(super) fn has_blob(&self, blob: &Descriptor) -> bool {
        let done = self.done.get(&blob.digest);
        done.is_some_and(|done| done.blob().is_some())
    }

    pub(super) fn add_known(&mut self, blobs: impl IntoIterator<Item = Digest>) {
        self.known.extend(blobs);
    }

    /// Whether the destination is known to have a blob without having been asked.
    pub(super) fn is_known(&self, node: &Descriptor) -> bool {
        !node.media_type.is_manifest() && self.known.contains(&node.digest)
    }

    /// Forgets a known blob. It is not done either.
    pub(super) fn forget_known(&mut self, blob: &Digest) {
        self.known.remove(blob);
        self.done.remove(blob);
    }

    /// Whether a copy in this mode has nothing to do about a node.
    pub(super) fn is_done(&self, node: &Descriptor, mode: CopyMode) -> bool {
        let state = |done: &DoneContent| match mode {
            CopyMode::Force if !node.media_type.is_manifest() => done.blob(),
            _ => done.node(node),
        };
        match self.done.get(&node.digest).and_then(state) {
            None => false,
            Some(NodeState::Existed) => mode != CopyMode::Force,
            Some(NodeState::Copied) => true,
        }
    }

    /// Remembers a node as done, and its title.
    pub(super) fn finish(&mut self, node: &Descriptor, state: NodeState) {
        let content = self.done.entry(node.digest.clone()).or_default();
        content.annotations = node.annotations.clone();
        if let Some(done) = content.nodes.iter_mut().find(|done| done.is(node)) {
            done.state = state;
            return;
        }
        content.nodes.reserve_exact(1);
        content.nodes.push(DoneNode {
            media_type: node.media_type.clone(),
            size: node.size,
            state,
        });
    }

    /// Remembers a node as not selected. Returns whether it is the first with its digest and title.
    pub(super) fn skip(&mut self, node: &Descriptor) -> bool {
        let title = node.title().unwrap_or_default();
        self.skipped.insert((node.digest.clone(), title.to_owned()))
    }

    /// Whether a node is done whose bytes were last reported with another title.
    pub(super) fn has_other_title(&self, node: &Descriptor) -> bool {
        let done = self.done.get(&node.digest);
        done.is_some_and(|done| title_in(&done.annotations) != node.title())
    }
}

/// Counts nodes and bytes against the limits of a copy.
pub(super) struct Budget<'o> {
    pub(super) limits: &'o Limits,
    root: Digest,
    nodes: u64,
    metadata_bytes: u64,
}

impl<'o> Budget<'o> {
    pub(super) const fn new(limits: &'o Limits, root: Digest) -> Self {
        Self {
            limits,
            root,
            nodes: 0,
            metadata_bytes: 0,
        }
    }

    /// Counts a node. The root has depth 1.
    pub(super) fn count_node(&mut self, depth: u64) -> Result<()> {
        self.nodes += 1;
        self.check(depth, self.limits.max_depth, Limit::GraphDepth)?;
        self.check(self.nodes, self.limits.max_nodes, Limit::Nodes)
    }

    /// Counts bytes of manifests and referrers lists.
    pub(super) fn count_metadata(&mut self, bytes: u64) -> Result<()> {
        self.metadata_bytes = self.metadata_bytes.saturating_add(bytes);
        let limit = self.limits.max_metadata_bytes;
        self.check(self.metadata_bytes, limit, Limit::TotalMetadataBytes)
    }

    fn check(&self, size: u64, limit: u64, kind: Limit) -> Result<()> {
        Error::check_limit(format_args!("graph of {}", self.root), size, kind, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::TITLE;

    const A: MediaType = MediaType::LAYER;
    const B: MediaType = MediaType::OCTET_STREAM;

    #[test]
    fn nodes_differ_by_media_type_digest_and_size() {
        use CopyMode::{Force, IfMissing};
        use NodeState::{Copied, Existed};
        let manifest = MediaType::IMAGE_INDEX;
        // The finished node with its state, and of the node: is it done, and with Force, and is its
        // blob there?
        for (finished, state, node, wanted) in [
            (A, Copied, Descriptor::of(A, b"a"), [true, true, true]),
            (A, Existed, Descriptor::of(A, b"a"), [true, false, true]),
            (A, Copied, Descriptor::of(B, b"a"), [false, true, true]),
            (A, Existed, Descriptor::of(B, b"a"), [false, false, true]),
            (A, Copied, Descriptor::of(A, b"b"), [false, false, false]),
            (
                A,
                Copied,
                Descriptor::new(A, Digest::of(b"a"), 2),
                [false, true, true],
            ),
            (
                A,
                Copied,
                Descriptor::of(manifest.clone(), b"a"),
                [false, false, true],
            ),
            (
                manifest.clone(),
                Copied,
                Descriptor::of(manifest, b"a"),
                [true, true, false],
            ),
        ] {
            let mut nodes = Nodes::default();
            nodes.finish(&Descriptor::of(finished, b"a"), state);
            let is_done = [IfMissing, Force].map(|mode| nodes.is_done(&node, mode));
            let found = [is_done[0], is_done[1], nodes.has_blob(&node)];
            assert_eq!(found, wanted, "{state:?} {node:?}");
        }
    }

    #[test]
    fn a_node_is_reported_again_if_its_bytes_were_last_reported_with_another_title() {
        let titled = |title: &str| {
            let mut node = Descriptor::of(A, b"a");
            node.annotations.extend(
                Some(title)
                    .filter(|title| !title.is_empty())
                    .map(|title| (TITLE.to_owned(), title.to_owned())),
            );
            node
        };
        for (finished, title, wanted) in [
            (&[][..], "a", false),
            (&["a"], "a", false),
            (&["a"], "b", true),
            (&["a", "b"], "a", true),
            (&["a", "b"], "b", false),
            (&["a"], "", true),
            (&[""], "", false),
            (&[""], "a", true),
        ] {
            let mut nodes = Nodes::default();
            for title in finished {
                nodes.finish(&titled(title), NodeState::Copied);
            }
            assert_eq!(
                nodes.has_other_title(&titled(title)),
                wanted,
                "{finished:?} {title}"
            );
        }
    }
}
