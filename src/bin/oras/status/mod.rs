//! Status: what is being done, while it is being done. Not the result.

pub(crate) mod tags;

use oras::{Descriptor, Result, copy, index, pull, push, single, tag};

use crate::context::Context;
use crate::failure::to_stdout;
use crate::output::text::{Shown, one_line};

/// Writes status lines to stdout, for a command that prints text.
pub(crate) struct Lines<'c> {
    context: &'c mut Context,
    /// Whether lines about content without a name are written.
    unnamed: bool,
    /// Whether there is a line about a root that was there and got a name.
    named_root: bool,
}

impl<'c> Lines<'c> {
    /// Status lines, if `unnamed` also about content without a name.
    pub(crate) const fn new(context: &'c mut Context, unnamed: bool) -> Self {
        Self {
            context,
            unnamed,
            named_root: false,
        }
    }

    /// With a line about a root that was there and got a name: layouts are told so, registries are not.
    pub(crate) const fn telling_named_root(self, named_root: bool) -> Self {
        Self { named_root, ..self }
    }

    /// One line about a push.
    pub(crate) fn push(&mut self, event: push::Event<'_>) -> Result<()> {
        match event {
            push::Event::Preparing(name) if self.unnamed => self.line(&format!("Preparing {name}")),
            push::Event::Empty => self.line("Uploading empty artifact"),
            push::Event::Copy(copy::Event::Started(node)) => self.about("Uploading", node),
            push::Event::Copy(copy::Event::Copied(node)) => self.about("Uploaded ", node),
            push::Event::Copy(copy::Event::Existed(node) | copy::Event::Repeated(node)) => {
                self.about("Exists   ", node)
            }
            push::Event::Copy(copy::Event::Named(node)) if self.named_root => {
                self.about("Exists   ", node)
            }
            _ => Ok(()),
        }
    }

    /// One line about a push of a single piece of content.
    pub(crate) fn single(&mut self, event: single::Event<'_>) -> Result<()> {
        match event {
            single::Event::Started(node) => self.about("Uploading", node),
            single::Event::Stored(node) => self.about("Uploaded ", node),
            single::Event::Existed(node) => self.about("Exists   ", node),
            _ => Ok(()),
        }
    }

    /// One line about a copy.
    pub(crate) fn copy(&mut self, event: copy::Event<'_>) -> Result<()> {
        match event {
            copy::Event::Started(node) => self.about("Copying", node),
            copy::Event::Copied(node) => self.about("Copied ", node),
            copy::Event::Mounted(node) => self.about("Mounted", node),
            copy::Event::Existed(node) => self.about("Exists ", node),
            copy::Event::Named(node) if self.named_root => self.about("Exists ", node),
            copy::Event::Repeated(node) => self.about("Skipped", node),
            _ => Ok(()),
        }
    }

    /// One line about a pull.
    pub(crate) fn pull(&mut self, event: pull::Event<'_>) -> Result<()> {
        match event {
            pull::Event::Downloading(node) => self.about("Downloading", node),
            pull::Event::Processing(node) => self.about("Processing ", node),
            pull::Event::Downloaded(node) => self.about("Downloaded ", node),
            pull::Event::Restored(node) => self.about("Restored   ", node),
            pull::Event::Skipped(node) => self.about("Skipped    ", node),
            _ => Ok(()),
        }
    }

    /// One line about the making of an index.
    pub(crate) fn index(&mut self, event: index::Event<'_>) -> Result<()> {
        match event {
            index::Event::Fetching(reference) => self.line(&format!("Fetching  {reference}")),
            index::Event::Fetched(reference, node) => self.named("Fetched  ", reference, node),
            index::Event::Removed(digest) => self.line(&format!("Removed   {digest}")),
            index::Event::Added(reference, node) => self.named("Added    ", reference, node),
            index::Event::Merged(reference, node) => self.named("Merged   ", reference, node),
            _ => Ok(()),
        }
    }

    /// A line about a manifest and the name it was asked for by, which a digest need not be told twice.
    fn named(&mut self, verb: &str, reference: &str, node: &Descriptor) -> Result<()> {
        if reference == node.digest.as_str() {
            self.line(&format!("{verb} {reference}"))
        } else {
            self.line(&format!("{verb} {} {reference}", node.digest))
        }
    }

    /// One line about tagging what is at `path`.
    pub(crate) fn tag(&mut self, event: tag::Event<'_>, path: &Shown<'_>) -> Result<()> {
        match event {
            tag::Event::Resolved(descriptor) => {
                self.line(&format!("Tagging {path}@{}", descriptor.digest))
            }
            tag::Event::Tagged(tag) => self.tagged(tag),
            _ => Ok(()),
        }
    }

    /// The line about a tag that was given.
    pub(crate) fn tagged(&mut self, tag: &str) -> Result<()> {
        self.line(&format!("Tagged {tag}"))
    }

    pub(crate) fn about(&mut self, verb: &str, node: &Descriptor) -> Result<()> {
        let is_named = node.annotations.contains_key(oras::descriptor::TITLE);
        if is_named || self.unnamed {
            self.line(&format!(
                "{verb} {} {}",
                node.digest.short(),
                node.display_name()
            ))
        } else {
            Ok(())
        }
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        use std::io::Write as _;

        if !self.context.tells() {
            return Ok(());
        }
        writeln!(self.context.stdout(), "{}", one_line(line)).map_err(to_stdout)
    }
}
