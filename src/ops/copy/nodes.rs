//! State of a copy: which nodes of the graph are done, and how much was read.

use std::collections::{HashMap, HashSet};

use super::options::Limits;
use crate::error::{Error, Result};
use crate::limits::Limit;
use crate::oci::{Descriptor, Digest};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeState {
    /// The destination reported it as existing, or the node was skipped.
    Existed,
    /// It was sent.
    Copied,
}

/// Identity of a node. Registries keep manifests and blobs apart, so the same digest can exist as
/// both.
type NodeKey = (Digest, bool);

fn key(node: &Descriptor) -> NodeKey {
    (node.digest.clone(), node.media_type.is_manifest())
}

fn title_key(node: &Descriptor) -> (Digest, Option<String>) {
    (node.digest.clone(), node.title().map(str::to_owned))
}

/// The nodes that are done.
#[derive(Default)]
pub(super) struct Nodes {
    states: HashMap<NodeKey, NodeState>,
    titles: HashSet<(Digest, Option<String>)>,
}

impl Nodes {
    pub(super) fn contains(&self, node: &Descriptor) -> bool {
        self.states.contains_key(&key(node))
    }

    /// Whether a copy in this mode has nothing to do about a node.
    pub(super) fn is_done(&self, node: &Descriptor, mode: CopyMode) -> bool {
        match self.states.get(&key(node)) {
            None => false,
            Some(NodeState::Existed) => mode != CopyMode::Force,
            Some(NodeState::Copied) => true,
        }
    }

    /// Remembers a node as done, and its title.
    pub(super) fn finish(&mut self, node: &Descriptor, state: NodeState) {
        self.states.insert(key(node), state);
        self.titles.insert(title_key(node));
    }

    /// Remembers the title of a node, and returns whether it is a new one.
    pub(super) fn add_title(&mut self, node: &Descriptor) -> bool {
        self.titles.insert(title_key(node))
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
        if size <= limit {
            return Ok(());
        }
        Err(Error::too_large(
            format!("graph of {}", self.root),
            size,
            kind,
            limit,
        ))
    }
}
