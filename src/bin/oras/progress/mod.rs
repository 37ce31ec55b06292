//! Status: what is being done, while it is being done. Not the result.

pub(crate) mod display;
pub(crate) mod live_line;
pub(crate) mod tags;

use oras::{Descriptor, Result, copy, index, pull, push, single, tag};

use crate::error::to_stdout;
use crate::output::text::{Shown, one_line};
use crate::process::Process;

use self::display::{Bars, Mark};

/// How bars speak of what happens to content.
pub(crate) struct Words {
    pub(crate) started: &'static str,
    pub(crate) copied: &'static str,
    pub(crate) mounted: &'static str,
    pub(crate) existed: &'static str,
    pub(crate) repeated: &'static str,
}

const PUSHING: Words = Words {
    started: "Uploading",
    copied: "Uploaded ",
    mounted: "Mounted  ",
    existed: "Exists   ",
    repeated: "Skipped  ",
};

const COPYING: Words = Words {
    started: "Copying",
    copied: "Copied ",
    mounted: "Mounted",
    existed: "Exists ",
    repeated: "Skipped",
};

/// Tells what is done: by bars on a terminal, or by lines on stdout if the command prints text.
pub(crate) struct Status<'c> {
    process: &'c mut Process,
    /// In place of lines about content.
    bars: Option<Bars>,
    /// Whether lines about content without a name are written.
    unnamed: bool,
    /// Whether there is a line about a root that was there and got a name.
    named_root: bool,
}

impl<'c> Status<'c> {
    /// Status lines, if `unnamed` also about content without a name.
    pub(crate) const fn new(process: &'c mut Process, unnamed: bool) -> Self {
        Self {
            process,
            bars: None,
            unnamed,
            named_root: false,
        }
    }

    /// By bars, if there are any.
    pub(crate) fn by(self, bars: Option<Bars>) -> Self {
        Self { bars, ..self }
    }

    /// With a line about a root that was there and got a name: layouts are told so, registries are not.
    pub(crate) fn telling_named_root(self, named_root: bool) -> Self {
        Self { named_root, ..self }
    }

    /// What happens during a push.
    pub(crate) fn push(&mut self, event: push::Event<'_>) -> Result<()> {
        if let Some(bars) = &mut self.bars {
            match event {
                push::Event::Preparing(name) => bars.prepare(name),
                push::Event::Reading { name, done, total } => bars.read(name, done, total),
                push::Event::Prepared(_) => bars.drop_running(),
                push::Event::Copy(event) => self.bar(&PUSHING, event),
                _ => {}
            }
            return Ok(());
        }
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

    /// What happens during a push of a single piece of content.
    pub(crate) fn single(&mut self, event: single::Event<'_>) -> Result<()> {
        if self.bars.is_some() {
            let event = match event {
                single::Event::Started(node) => copy::Event::Started(node),
                single::Event::Progress(node, done) => copy::Event::Progress(node, done),
                single::Event::Stored(node) => copy::Event::Copied(node),
                single::Event::Existed(node) => copy::Event::Existed(node),
                _ => return Ok(()),
            };
            self.bar(&PUSHING, event);
            return Ok(());
        }
        match event {
            single::Event::Started(node) => self.about("Uploading", node),
            single::Event::Stored(node) => self.about("Uploaded ", node),
            single::Event::Existed(node) => self.about("Exists   ", node),
            _ => Ok(()),
        }
    }

    /// How far a file was read that is going to be pushed.
    pub(crate) fn reading(&mut self, name: &str, done: u64, total: u64) {
        if let Some(bars) = &mut self.bars {
            bars.read(name, done, Some(total));
        }
    }

    /// It was read.
    pub(crate) fn prepared(&mut self) {
        if let Some(bars) = &mut self.bars {
            bars.drop_running();
        }
    }

    /// What happens during a copy.
    pub(crate) fn copy(&mut self, event: copy::Event<'_>) -> Result<()> {
        if self.bars.is_some() {
            self.bar(&COPYING, event);
            return Ok(());
        }
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

    /// What happens during a pull.
    pub(crate) fn pull(&mut self, event: pull::Event<'_>) -> Result<()> {
        if let Some(bars) = &mut self.bars {
            match event {
                pull::Event::Downloading(node) => bars.start("Downloading", node),
                pull::Event::Progress(node, done) => bars.advance(node, done),
                // What it refers to comes before it is done.
                pull::Event::Processing(_) => bars.drop_running(),
                pull::Event::Downloaded(node) => {
                    bars.finish(Mark::Done, "Pulled     ", node);
                }
                pull::Event::Restored(node) => {
                    bars.finish(Mark::Done, "Restored   ", node);
                }
                pull::Event::Skipped(node) => {
                    bars.finish(Mark::LeftOut, "Skipped    ", node);
                }
                _ => {}
            }
            return Ok(());
        }
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

    /// Shows what happens during a copy.
    fn bar(&mut self, words: &Words, event: copy::Event<'_>) {
        let Some(bars) = &mut self.bars else {
            return;
        };
        let (mark, verb, node) = match event {
            copy::Event::Started(node) => return bars.start(words.started, node),
            copy::Event::Progress(node, done) => return bars.advance(node, done),
            copy::Event::Gone(_) => return bars.drop_running(),
            copy::Event::Copied(node) => (Mark::Done, words.copied, node),
            copy::Event::Mounted(node) => (Mark::Done, words.mounted, node),
            copy::Event::Existed(node) | copy::Event::Named(node) => {
                (Mark::There, words.existed, node)
            }
            copy::Event::Repeated(node) => (Mark::There, words.repeated, node),
            _ => return,
        };
        bars.finish(mark, verb, node);
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

    /// Tells what is wrong.
    fn warn(&mut self, text: &str) {
        self.process.warn(text);
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        use std::io::Write as _;

        if !self.process.status_enabled() {
            return Ok(());
        }
        writeln!(self.process.stdout(), "{}", one_line(line)).map_err(to_stdout)
    }
}
