//! Referrers of an artifact, with their own referrers, as a tree.
//!
//! Below a manifest are its annotations and then its referrers, grouped by artifact type in order
//! of first occurrence. As in the original, an annotation of several lines has no edges before the
//! second and further lines.

use std::collections::HashMap;

use oras::discover::Discovered;

use super::text::one_line;
use super::yaml;
use crate::error::CliError;
use crate::process::Process;
use crate::progress::layout;

/// Label of referrers without an artifact type.
const UNKNOWN: &str = "<unknown>";

/// Options of a tree.
pub(crate) struct Style {
    /// Whether to show annotations.
    pub(crate) annotations: bool,
    /// The characters and colours that the terminal has.
    pub(crate) terminal: layout::Style,
}

/// Terminal colour codes, by use.
#[derive(Clone, Copy)]
enum Colour {
    Digest = 32,
    Type = 93,
    Annotations = 90,
}

/// Prints referrers at `path`, a repository or layout.
pub(crate) fn print(
    path: &str,
    found: &Discovered,
    style: &Style,
    process: &mut Process,
) -> Result<(), CliError> {
    let root = format!("{path}@{}", found.descriptor.digest);
    let mut tree = Node::new(style.colour(&root, Colour::Digest));
    style.add_referrers(&mut tree, found);
    process.print(&format!("{}\n", tree.label))?;
    tree.print_below("", style.terminal.is_ascii, process)
}

/// A label of one or more lines, and the nodes below it.
struct Node {
    label: String,
    children: Vec<Self>,
}

impl Node {
    const fn new(label: String) -> Self {
        Self {
            label,
            children: Vec::new(),
        }
    }

    fn print_below(
        &self,
        before: &str,
        is_ascii: bool,
        process: &mut Process,
    ) -> Result<(), CliError> {
        let last = self.children.len().saturating_sub(1);
        for (index, child) in self.children.iter().enumerate() {
            let (edge, below) = match (index == last, is_ascii) {
                (true, true) => ("`-- ", "    "),
                (true, false) => ("└── ", "    "),
                (false, true) => ("|-- ", "|   "),
                (false, false) => ("├── ", "│   "),
            };
            process.print(&format!("{before}{edge}{}\n", child.label))?;
            child.print_below(&format!("{before}{below}"), is_ascii, process)?;
        }
        Ok(())
    }
}

impl Style {
    fn colour(&self, text: &str, colour: Colour) -> String {
        if self.terminal.is_coloured {
            format!("\x1b[{}m{text}\x1b[0m", colour as u8)
        } else {
            text.to_owned()
        }
    }

    /// Adds the referrers of a manifest to its node, grouped by type.
    fn add_referrers(&self, node: &mut Node, found: &Discovered) {
        let mut groups = HashMap::new();
        for referrer in &found.referrers {
            let artifact_type = referrer.descriptor.artifact_type.as_ref();
            let artifact_type = artifact_type.map_or(UNKNOWN, |known| known.as_str());
            let group = *groups.entry(artifact_type).or_insert_with(|| {
                // A type of control characters only would have an empty label.
                let label = Some(one_line(artifact_type)).filter(|label| !label.is_empty());
                let label = self.colour(label.as_deref().unwrap_or(UNKNOWN), Colour::Type);
                node.children.push(Node::new(label));
                node.children.len() - 1
            });
            node.children[group].children.push(self.node(referrer));
        }
    }

    fn node(&self, found: &Discovered) -> Node {
        let descriptor = &found.descriptor;
        let mut node = Node::new(self.colour(descriptor.digest.as_str(), Colour::Digest));
        if self.annotations && !descriptor.annotations.is_empty() {
            let mut annotations = Node::new(self.colour("[annotations]", Colour::Annotations));
            let pairs = descriptor.annotations.iter();
            annotations.children = pairs
                .map(|(key, value)| Node::new(yaml::pair(key, value)))
                .collect();
            node.children.push(annotations);
        }
        self.add_referrers(&mut node, found);
        node
    }
}
