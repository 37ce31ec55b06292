//! What is attached to an artifact, and what is attached to that, as a tree.
//!
//! Below a manifest come its annotations and then, by type, what is attached to it, types in the order in which they come
//! first. The tree is drawn as the original draws it: an annotation of several lines has no edges before the further ones.

use std::collections::HashMap;

use oras::discover::Discovered;

use super::text::one_line;
use super::yaml;
use crate::error::CliError;
use crate::process::Process;

/// What stands for a type that is not told.
const UNKNOWN: &str = "<unknown>";

/// How a tree is drawn.
pub(crate) struct Style {
    /// With annotations.
    pub(crate) annotations: bool,
    /// In colours, for a terminal.
    pub(crate) colours: bool,
}

/// What a colour is for: its code.
#[derive(Clone, Copy)]
enum Colour {
    Digest = 32,
    Type = 93,
    Annotations = 90,
}

/// Prints what was found at `path`.
pub(crate) fn print(
    path: &str,
    found: &Discovered,
    style: &Style,
    process: &mut Process,
) -> Result<(), CliError> {
    let root = format!("{path}@{}", found.descriptor.digest);
    let mut tree = Node::new(style.coloured(&root, Colour::Digest));
    style.add_referrers(&mut tree, found);
    process.print(&format!("{}\n", tree.label))?;
    tree.print_below("", process)
}

/// A line, or a few, and what is below.
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

    fn print_below(&self, before: &str, process: &mut Process) -> Result<(), CliError> {
        let last = self.children.len().saturating_sub(1);
        for (index, child) in self.children.iter().enumerate() {
            let (edge, below) = if index == last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            process.print(&format!("{before}{edge}{}\n", child.label))?;
            child.print_below(&format!("{before}{below}"), process)?;
        }
        Ok(())
    }
}

impl Style {
    fn coloured(&self, text: &str, colour: Colour) -> String {
        if self.colours {
            format!("\x1b[{}m{text}\x1b[0m", colour as u8)
        } else {
            text.to_owned()
        }
    }

    /// Adds what is attached to a manifest below it, by type.
    fn add_referrers(&self, node: &mut Node, found: &Discovered) {
        let mut places = HashMap::new();
        for referrer in &found.referrers {
            let artifact_type = referrer.descriptor.artifact_type.as_ref();
            let artifact_type = artifact_type.map_or(UNKNOWN, |known| known.as_str());
            let place = *places.entry(artifact_type).or_insert_with(|| {
                // Of a type that is nothing but control characters nothing would be left.
                let shown = Some(one_line(artifact_type)).filter(|shown| !shown.is_empty());
                let label = self.coloured(shown.as_deref().unwrap_or(UNKNOWN), Colour::Type);
                node.children.push(Node::new(label));
                node.children.len() - 1
            });
            node.children[place].children.push(self.node_of(referrer));
        }
    }

    fn node_of(&self, found: &Discovered) -> Node {
        let descriptor = &found.descriptor;
        let mut node = Node::new(self.coloured(descriptor.digest.as_str(), Colour::Digest));
        if self.annotations && !descriptor.annotations.is_empty() {
            let mut annotations = Node::new(self.coloured("[annotations]", Colour::Annotations));
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
