//! Progress of a running operation: status lines, or a progress display on a terminal.

pub(crate) mod display;
mod labels;
pub(crate) mod live_line;
mod pace;
pub(crate) mod tags;

use oras::progress::Event;
use oras::{Descriptor, Result};

use crate::error::to_stdout;
use crate::output::text::one_line;
use crate::process::Process;

use self::display::ProgressDisplay;

pub(crate) use self::labels::Labels;

/// Shows the events of an operation: content in a progress display if there is one, everything else
/// as lines on stdout if the command prints text.
pub(crate) struct Status<'c> {
    process: &'c mut Process,
    labels: &'static Labels,
    display: Option<ProgressDisplay>,
    /// Whether lines about content without a title are printed.
    with_untitled: bool,
    /// Whether there is a line about a root that existed and got a new tag.
    with_tagged_root: bool,
    /// Number of tags and referrers that are missing at the source.
    skipped: usize,
}

impl<'c> Status<'c> {
    /// Creates a status that prints lines, also about content without a title if `with_untitled`.
    pub(crate) const fn new(
        process: &'c mut Process,
        labels: &'static Labels,
        with_untitled: bool,
    ) -> Self {
        Self {
            process,
            labels,
            display: None,
            with_untitled,
            with_tagged_root: false,
            skipped: 0,
        }
    }

    /// Creates a status for references and tags.
    pub(crate) const fn of_references(process: &'c mut Process) -> Self {
        Self::new(process, &Labels::NONE, true)
    }

    /// Shows content in this display if there is one.
    pub(crate) fn with_display(self, display: Option<ProgressDisplay>) -> Self {
        Self { display, ..self }
    }

    /// Prints a line about a root that existed and got a new tag. The original prints this line for
    /// layouts only.
    pub(crate) fn report_tagged_root(self, with_tagged_root: bool) -> Self {
        Self {
            with_tagged_root,
            ..self
        }
    }

    /// Shows an event.
    pub(crate) fn report(&mut self, event: Event<'_>) -> Result<()> {
        let labels = self.labels;
        match event {
            Event::TagSkipped { tag, reason, .. } => {
                self.skipped += 1;
                self.warn(&format!("Error: skipped tag {tag}: {reason}\n"));
                return Ok(());
            }
            Event::MissingSkipped(node) => {
                self.skipped += 1;
                let digest = &node.digest;
                self.warn(&format!("Error: skipped referrer {digest}: not found\n"));
                return Ok(());
            }
            Event::MissingSubjectSkipped(node) => {
                let digest = &node.digest;
                self.warn(&format!("Warning: skipped subject {digest}: not found\n"));
                return Ok(());
            }
            Event::NotRestorable(text) => {
                let text = one_line(text);
                self.warn(&format!(
                    "Warning: {text}: `oras pull` does not restore it, but \
                     `oras pull --output - <name> | tar xz` does\n"
                ));
                return Ok(());
            }
            Event::ReferrersSkipped(_) => {
                self.process.warn_record(
                    "referrers of the source index are not copied because selecting a subset of \
                     platforms produces a new index digest",
                );
                return Ok(());
            }
            _ => {}
        }
        if let Some(display) = &mut self.display {
            display.report(event, labels);
            return Ok(());
        }
        match event {
            Event::Preparing(name) if self.with_untitled => self.line(&format!("Preparing {name}")),
            Event::NoFiles => self.line("Uploading empty artifact"),
            Event::FetchingManifest(node) => self.content(labels.fetching_manifest, node),
            Event::FetchedManifest(node) => self.content(labels.fetched_manifest, node),
            Event::Started(node) => self.content(labels.started, node),
            Event::Transferred(node) => self.content(labels.transferred, node),
            Event::Mounted(node) => self.content(labels.mounted, node),
            Event::Exists(node) => self.content(labels.exists, node),
            Event::RootTagged(node) if self.with_tagged_root => self.content(labels.exists, node),
            Event::Repeated(node) => self.content(labels.repeated, node),
            Event::Restored(node) => self.content(labels.restored, node),
            Event::Skipped(node) => self.content(labels.skipped, node),
            Event::Resolving(reference) => self.line(&format!("Fetching  {reference}")),
            Event::Resolved {
                reference,
                descriptor,
                ..
            } => self.reference("Fetched  ", reference, descriptor),
            Event::EntryRemoved(digest) => self.line(&format!("Removed   {digest}")),
            Event::EntryAdded {
                reference,
                descriptor,
                ..
            } => self.reference("Added    ", reference, descriptor),
            Event::IndexMerged {
                reference,
                descriptor,
                ..
            } => self.reference("Merged   ", reference, descriptor),
            Event::Tagged(tag) => self.line(&format!("Tagged {tag}")),
            _ => Ok(()),
        }
    }

    /// Shows how much of a file was read before it is pushed.
    pub(crate) fn reading(&mut self, name: &str, done: u64, total: u64) {
        if let Some(display) = &mut self.display {
            display.read(name, done, Some(total));
        }
    }

    /// Removes the line about the file that was read.
    pub(crate) fn prepared(&mut self) {
        if let Some(display) = &mut self.display {
            display.discard_item();
        }
    }

    /// Prints a line about a manifest and its reference. A digest is not printed twice.
    fn reference(&mut self, label: &str, reference: &str, node: &Descriptor) -> Result<()> {
        if reference == node.digest.as_str() {
            self.line(&format!("{label} {reference}"))
        } else {
            self.line(&format!("{label} {} {reference}", node.digest))
        }
    }

    fn content(&mut self, label: &str, node: &Descriptor) -> Result<()> {
        let is_titled = node.annotations.contains_key(oras::descriptor::TITLE);
        if label.is_empty() || !is_titled && !self.with_untitled {
            return Ok(());
        }
        let (digest, name) = (node.digest.short(), node.display_name());
        self.line(&format!("{label} {digest} {name}"))
    }

    /// Returns the number of tags and referrers that are missing at the source.
    pub(crate) const fn skipped(&self) -> usize {
        self.skipped
    }

    fn warn(&mut self, text: &str) {
        self.process.warn(text);
    }

    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        if !self.process.status_enabled() {
            return Ok(());
        }
        self.result_line(line)
    }

    /// Whether only results are printed.
    const fn is_quiet(&self) -> bool {
        self.process.is_quiet()
    }

    /// Prints a line, whether or not status lines are printed.
    fn result_line(&mut self, line: &str) -> Result<()> {
        use std::io::Write as _;

        writeln!(self.process.stdout(), "{}", one_line(line)).map_err(to_stdout)
    }
}
