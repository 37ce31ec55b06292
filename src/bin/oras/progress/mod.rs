//! Progress of a running operation: status lines, or a progress display on a terminal.

mod amounts;
pub(crate) mod display;
mod labels;
pub(crate) mod layout;
pub(crate) mod live_line;
mod pace;
mod speed;
pub(crate) mod tags;

use std::sync::{Arc, Mutex, PoisonError};

use oras::error::BoxError;
use oras::progress::{Event, Observer};
use oras::{Descriptor, Result};

use crate::console::Console;
use crate::error::to_stdout;
use crate::output::text::{Size, one_line};
use crate::process::{Process, record};
use crate::signals;

use self::display::ProgressDisplay;

pub(crate) use self::labels::Labels;

/// Shows the events of an operation: content in a progress display if there is one, everything else
/// as lines on stdout if the command prints text.
pub(crate) struct Status {
    console: Console,
    labels: &'static Labels,
    display: Option<ProgressDisplay>,
    /// Whether lines about content without a title are printed.
    with_untitled: bool,
    /// Whether there is a line about a root that existed and got a new tag.
    with_tagged_root: bool,
    notes: Notes,
}

/// The notes of an operation, which the command reads afterwards. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Note>>);

#[derive(Default)]
struct Note {
    /// Number of tags and referrers that are missing at the source.
    skipped: usize,
    /// The last tag that was started, or reference that was resolved.
    current: Option<String>,
}

impl Notes {
    fn update(&self, update: impl FnOnce(&mut Note)) {
        update(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns the number of tags and referrers that are missing at the source.
    pub(crate) fn skipped(&self) -> usize {
        let mut skipped = 0;
        self.update(|note| skipped = note.skipped);
        skipped
    }

    /// Returns the tag or reference that the operation was at when it ended.
    pub(crate) fn current(&self) -> Option<String> {
        let mut current = None;
        self.update(|note| current.clone_from(&note.current));
        current
    }
}

/// Creates an observer that also ends the operation when a signal arrives, and prints a line about
/// each request that is sent again. All observers of the command are created here.
pub(crate) fn observer(
    console: &Console,
    mut show: impl FnMut(&Event<'_>) -> Result<()> + Send + 'static,
) -> Observer {
    let console = console.clone();
    Observer::new(move |event| {
        // The line about a beginning that is kept is the last one of an interrupted download.
        if !matches!(event, Event::Kept { .. }) {
            signals::check()?;
        }
        if let Event::Retrying {
            host,
            reason,
            attempt,
            attempts,
            ..
        } = event
        {
            let line = format!("{reason} from {host}, trying again ({attempt} of {attempts})");
            console.warn(&(one_line(&line) + "\n"));
        }
        show(event).map_err(BoxError::from)
    })
}

impl Status {
    /// Creates a status that prints lines, also about content without a title if `with_untitled`.
    pub(crate) fn new(process: &Process, labels: &'static Labels, with_untitled: bool) -> Self {
        Self {
            console: process.console().clone(),
            labels,
            display: None,
            with_untitled,
            with_tagged_root: false,
            notes: Notes::default(),
        }
    }

    /// Creates a status for references and tags.
    pub(crate) fn of_references(process: &Process) -> Self {
        Self::new(process, &Labels::NONE, true)
    }

    /// Prints no lines if `is_silent`.
    pub(crate) fn silent_if(mut self, is_silent: bool) -> Self {
        self.console.is_silent |= is_silent;
        self
    }

    /// Returns the notes that the events leave.
    pub(crate) fn notes(&self) -> Notes {
        self.notes.clone()
    }

    /// Returns an observer that shows events.
    pub(crate) fn observer(mut self) -> Observer {
        observer(&self.console.clone(), move |event| self.report(event))
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
    pub(crate) fn report(&mut self, event: &Event<'_>) -> Result<()> {
        let labels = self.labels;
        match *event {
            Event::TagStarted(current) | Event::Resolving(current) => {
                self.notes
                    .update(|note| note.current = Some(current.to_owned()));
            }
            Event::TagSkipped { tag, reason, .. } => {
                self.notes.update(|note| note.skipped += 1);
                let line = format!("Error: skipped tag {tag}: {reason}");
                self.warn(&(one_line(&line) + "\n"));
                return Ok(());
            }
            Event::MissingSkipped(node) => {
                self.notes.update(|note| note.skipped += 1);
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
            Event::Resumed {
                descriptor, done, ..
            } => {
                let name = one_line(descriptor.display_name());
                self.warn(&format!("continuing {name} at {}\n", Size(done)));
            }
            Event::Kept {
                descriptor,
                done,
                path,
                ..
            } => {
                let (name, size) = (one_line(descriptor.display_name()), Size(done));
                let path = path.display();
                self.warn(&format!(
                    "kept the first {size} of {name} for the next attempt: {path}\n"
                ));
                return Ok(());
            }
            Event::ReferrersSkipped(_) => {
                let message = "referrers of the source index are not copied because selecting a \
                               subset of platforms produces a new index digest";
                self.warn(&record(message, ""));
                return Ok(());
            }
            _ => {}
        }
        if let Some(display) = &mut self.display {
            display.report(event, labels);
            return Ok(());
        }
        match *event {
            Event::Preparing(name) if self.with_untitled => self.line(&format!("Preparing {name}")),
            Event::NoFiles => self.line("Uploading empty artifact"),
            Event::FetchingManifest(node) => self.content(labels.fetching_manifest, node),
            Event::FetchedManifest(node) => self.content(labels.fetched_manifest, node),
            Event::Started(node) => self.content(labels.started, node),
            Event::Transferred(node) => self.content(labels.transferred, node),
            Event::Mounted(node) => self.content(labels.mounted, node),
            Event::Exists(node) => {
                self.content(labels.exists, node)?;
                self.content(labels.after_exists, node)
            }
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

    /// Prints a line about a manifest and its reference. A digest is not printed twice.
    fn reference(&self, label: &str, reference: &str, node: &Descriptor) -> Result<()> {
        if reference == node.digest.as_str() {
            self.line(&format!("{label} {reference}"))
        } else {
            self.line(&format!("{label} {} {reference}", node.digest))
        }
    }

    fn content(&self, label: &str, node: &Descriptor) -> Result<()> {
        let is_titled = node.annotations.contains_key(oras::descriptor::TITLE);
        if label.is_empty() || !is_titled && !self.with_untitled {
            return Ok(());
        }
        let (digest, name) = (node.digest.short(), node.display_name());
        self.line(&format!("{label} {digest} {name}"))
    }

    fn warn(&self, text: &str) {
        self.console.warn(text);
    }

    /// Prints a status line.
    pub(crate) fn line(&self, line: &str) -> Result<()> {
        if self.console.is_silent {
            return Ok(());
        }
        self.result_line(line)
    }

    /// Whether only results are printed.
    const fn is_quiet(&self) -> bool {
        self.console.is_quiet
    }

    /// Prints a line, whether or not status lines are printed.
    fn result_line(&self, line: &str) -> Result<()> {
        self.console.print_line(line).map_err(to_stdout)
    }
}
