//! The progress display of a terminal: one permanent line for each finished item, and below them a
//! line with the current item and the totals.
//!
//! Operations are sequential, so there is at most one item. The lines of finished items do not
//! change: they scroll away like other output, complete and in order. No thread draws in the
//! background. Events redraw the line, at the rate of [`Pace`].

use std::time::{Duration, SystemTime};

use oras::http::clock::{Clock as _, SystemClock};
use oras::progress::{Event, Totals, report};
use oras::store::content::VerifyReader;
use oras::{Descriptor, Digest};

use super::amounts::Amounts;
use super::labels::Labels;
use super::layout::{self, Style};
use super::live_line::LiveLine;
use super::pace::Pace;
use super::speed::Speed;
use crate::cli::groups::{Debugging, Tty};
use crate::output::text::{Elapsed, Size};
use crate::process::Process;
use crate::terminal;

/// Width of a line, unless its name is longer: the amounts at its right end stay near the name.
const COLUMNS: usize = 100;
/// Silence of a server that is shown.
const MIN_SILENCE: Duration = Duration::from_secs(2);

/// The outcome of an item.
#[derive(Clone, Copy)]
enum Outcome {
    Done,
    /// The content existed, or was transferred before under another title.
    Existed,
    Skipped,
    Failed,
}

impl Outcome {
    /// Returns the mark at the beginning of a line, and its colour.
    const fn mark(self, style: Style) -> (&'static str, &'static str) {
        match self {
            Self::Done if style.is_ascii => ("+", "\x1b[32m"),
            Self::Done => ("✓", "\x1b[32m"),
            Self::Existed => ("=", "\x1b[36m"),
            Self::Skipped => ("-", "\x1b[33m"),
            Self::Failed if style.is_ascii => ("x", "\x1b[31m"),
            Self::Failed => ("✗", "\x1b[31m"),
        }
    }
}

/// Required for a display. A build without the feature `progress` has no value of this type, and
/// its compiler removes all code of the display.
#[cfg(feature = "progress")]
struct Support;
#[cfg(not(feature = "progress"))]
enum Support {}

impl Support {
    #[cfg(feature = "progress")]
    const VALUE: Option<Self> = Some(Self);
    #[cfg(not(feature = "progress"))]
    const VALUE: Option<Self> = None;
}

/// Shows the progress of an operation on stderr.
pub(crate) struct ProgressDisplay {
    _support: Support,
    live_line: LiveLine,
    style: Style,
    current: Option<Item>,
    /// The totals of the running copy.
    totals: Totals,
    /// The totals of the tags that were copied before.
    earlier: Totals,
    /// Tags that were not started.
    tags_left: usize,
    speed: Speed,
    /// Whether the last item was content with a digest, and not a file that is read.
    has_digest: bool,
    /// The number of drawings, which turns the spinner.
    drawings: usize,
    pace: Pace,
}

/// A file or content that is being read or transferred.
struct Item {
    verb: &'static str,
    name: String,
    /// `None` while a file is read, whose digest is not known yet.
    digest: Option<Digest>,
    bytes: u64,
    total: Option<u64>,
    start: SystemTime,
    /// The time since the server sent anything.
    silence: Duration,
}

impl Item {
    fn elapsed(&self) -> Duration {
        let elapsed = SystemClock.now().duration_since(self.start);
        elapsed.unwrap_or_default()
    }
}

impl ProgressDisplay {
    /// Returns a display if stderr is a terminal and no flag turns the display off.
    pub(crate) fn new(process: &Process, tty: Tty, debugging: Debugging) -> Option<Self> {
        let is_enabled = tty.no_tty != Some(true) && !debugging.debug && !process.is_quiet();
        if !is_enabled || !process.can_redraw_stderr() {
            return None;
        }
        Some(Self {
            _support: Support::VALUE?,
            live_line: process.live_line().clone(),
            style: process.stderr_style(),
            current: None,
            totals: Totals::default(),
            earlier: Totals::default(),
            tags_left: 0,
            speed: Speed::default(),
            has_digest: true,
            drawings: 0,
            pace: Pace::default(),
        })
    }

    /// Runs `transfer`, and shows its progress if there is a display.
    pub(crate) fn show_transfer<'c>(
        display: &'c mut Option<Self>,
        started: &'static str,
        done: &str,
        content: VerifyReader<'c>,
        transfer: impl FnOnce(VerifyReader<'_>) -> oras::Result<()>,
    ) -> oras::Result<()> {
        let node = content.descriptor().clone();
        let content = content.with_progress(|done| report(&Event::transferring(&node, done)));
        let Some(display) = display else {
            return transfer(content);
        };
        display.start(started, &node);
        transfer(content.with_progress(|bytes| {
            display.advance(&node, bytes);
            Ok(())
        }))?;
        display.finish_done(done, &node);
        Ok(())
    }

    /// Adds the permanent line of content that was transferred.
    pub(crate) fn finish_done(&mut self, verb: &str, node: &Descriptor) {
        self.finish(Outcome::Done, verb, node);
    }

    /// Shows an event, with the labels of the command.
    pub(super) fn report(&mut self, event: &Event<'_>, labels: &Labels) {
        let (outcome, label, node) = match *event {
            Event::Totals(totals) => return self.totals = totals,
            Event::TagsFound(tags) => return self.tags_left = tags.len(),
            Event::TagStarted(_) => return self.start_tag(),
            Event::Resumed {
                descriptor, done, ..
            } => return self.resume(descriptor, done),
            Event::Waiting { silence, .. } => return self.wait(silence),
            Event::Preparing(name) => return self.prepare(labels.reading, name),
            Event::Reading {
                name, done, total, ..
            } => return self.read(labels.reading, name, done, total),
            Event::Prepared(_) => return self.discard_item(),
            // The line of a manifest follows those of its successors.
            Event::FetchedManifest(_) if !labels.fetched_manifest.is_empty() => {
                return self.discard_item();
            }
            Event::FetchingManifest(node) if !labels.fetching_manifest.is_empty() => {
                return self.start(labels.fetching_manifest, node);
            }
            Event::Started(node) if !labels.started.is_empty() => {
                return self.start(labels.started, node);
            }
            Event::Transferring {
                descriptor, done, ..
            } => return self.advance(descriptor, done),
            Event::Transferred(node) => (Outcome::Done, labels.transferred_in_display, node),
            Event::Restored(node) => (Outcome::Done, labels.restored, node),
            Event::Mounted(node) => (Outcome::Done, labels.mounted, node),
            Event::Exists(node) | Event::RootTagged(node) => {
                (Outcome::Existed, labels.exists, node)
            }
            Event::Repeated(node) => (Outcome::Existed, labels.repeated_in_display, node),
            Event::Skipped(node) => (Outcome::Skipped, labels.skipped, node),
            _ => return,
        };
        if label.is_empty() {
            return self.discard_item();
        }
        self.finish(outcome, label, node);
    }

    /// Starts an item for content. If the content is the current item, the transfer starts again.
    pub(crate) fn start(&mut self, verb: &'static str, node: &Descriptor) {
        if self.is_current(node) {
            self.advance(node, 0);
            return;
        }
        let name = self.item_name(node);
        let digest = Some(node.digest.clone());
        self.start_item(verb, name, digest, Some(node.size));
    }

    /// Starts an item for a file.
    fn prepare(&mut self, verb: &'static str, name: &str) {
        let name = self.style.sanitize(name);
        self.start_item(verb, name, None, None);
    }

    /// Adds the totals of the previous tag to those of the next one.
    fn start_tag(&mut self) {
        self.tags_left = self.tags_left.saturating_sub(1);
        self.earlier = self.all_totals();
        self.totals = Totals::default();
    }

    /// Returns the totals of all tags so far.
    fn all_totals(&self) -> Totals {
        let (earlier, mut totals) = (self.earlier, self.totals);
        totals.done += earlier.done;
        totals.total += earlier.total;
        totals.done_bytes = totals.done_bytes.saturating_add(earlier.done_bytes);
        if let Some(bytes) = earlier.total_bytes {
            let total = totals.total_bytes.unwrap_or_default();
            totals.total_bytes = Some(total.saturating_add(bytes));
        }
        totals.is_complete &= self.tags_left == 0;
        totals
    }

    /// Shows how many bytes of content were transferred.
    pub(crate) fn advance(&mut self, node: &Descriptor, bytes: u64) {
        if self.is_current(node) {
            self.advance_to(bytes, Some(node.size));
        }
    }

    /// Shows how many bytes of content an earlier transfer left.
    pub(crate) fn resume(&mut self, node: &Descriptor, bytes: u64) {
        if self.is_current(node)
            && let Some(item) = &mut self.current
        {
            item.bytes = bytes;
        }
    }

    /// Shows how many bytes of a file were read.
    fn read(&mut self, verb: &'static str, name: &str, bytes: u64, total: Option<u64>) {
        if self.current.is_none() {
            self.prepare(verb, name);
        }
        self.advance_to(bytes, total);
    }

    /// Shows how long the server has been silent. The line stays removed if another program may
    /// write to the terminal.
    fn wait(&mut self, silence: Duration) {
        if let Some(item) = &mut self.current {
            item.silence = silence;
            if self.live_line.is_drawn() && self.pace.allows(false) {
                self.draw();
            }
        }
    }

    /// Ends the current item without a permanent line.
    fn discard_item(&mut self) {
        self.current = None;
    }

    /// Adds the permanent line of content, which may be the current item.
    fn finish(&mut self, outcome: Outcome, verb: &str, node: &Descriptor) {
        let current = self.current.take();
        let is_current = |item: &Item| item.digest.as_ref() == Some(&node.digest);
        let elapsed = current.filter(is_current).map(|item| item.elapsed());
        let size = Size(node.size).to_string();
        let name = self.item_name(node);
        self.add_line(outcome, verb, &name, &size, elapsed);
        if self.pace.allows(false) {
            self.live_line.draw(String::new());
        }
    }

    fn is_current(&self, node: &Descriptor) -> bool {
        let digest = self.current.as_ref().and_then(|item| item.digest.as_ref());
        digest == Some(&node.digest)
    }

    fn start_item(
        &mut self,
        verb: &'static str,
        name: String,
        digest: Option<Digest>,
        total: Option<u64>,
    ) {
        if digest.is_some() != self.has_digest {
            // Files are read faster than they are uploaded.
            self.speed = Speed::default();
        }
        self.has_digest = digest.is_some();
        self.current = Some(Item {
            verb,
            name,
            digest,
            bytes: 0,
            total,
            start: SystemClock.now(),
            silence: Duration::ZERO,
        });
        if self.pace.allows(true) {
            self.draw();
        }
    }

    fn advance_to(&mut self, bytes: u64, total: Option<u64>) {
        let Some(item) = &mut self.current else {
            return;
        };
        self.speed.add(bytes.saturating_sub(item.bytes));
        item.bytes = bytes;
        item.total = total;
        item.silence = Duration::ZERO;
        if self.pace.allows(false) {
            self.draw();
        }
    }

    /// Draws the line of the current item.
    fn draw(&mut self) {
        let totals = self.all_totals();
        let speed = self.speed.measure(SystemClock.now());
        let Some(item) = &self.current else {
            return;
        };
        let amounts = Amounts::new(item.bytes, item.total, totals);
        let time = if item.silence >= MIN_SILENCE {
            format!("waiting {}", Elapsed(whole_seconds(item.silence)))
        } else if let Some(left) = speed.and_then(|speed| amounts.time_left(speed)) {
            format!("{} left", Elapsed(left))
        } else {
            Elapsed(whole_seconds(item.elapsed())).to_string()
        };
        let columns = line_columns();
        let amounts = amounts.render(columns, speed, &time);
        let spinner = if self.style.is_ascii {
            ["|", "/", "-", "\\"][self.drawings % 4]
        } else {
            ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"][self.drawings % 10]
        };
        self.drawings = self.drawings.wrapping_add(1);
        let text = format!("{} {}", item.verb, item.name);
        let line = self.line(columns, (spinner, "\x1b[33m"), &text, &amounts);
        self.live_line.draw(line);
    }

    /// Adds a permanent line.
    fn add_line(
        &mut self,
        outcome: Outcome,
        verb: &str,
        name: &str,
        amount: &str,
        elapsed: Option<Duration>,
    ) {
        let mut elapsed = elapsed.map_or_else(String::new, |elapsed| Elapsed(elapsed).to_string());
        if self.style.is_ascii {
            elapsed = elapsed.replace('µ', "u");
        }
        let columns = line_columns();
        let amounts = match columns {
            48.. => format!("{amount:>15} {elapsed:>6}"),
            24.. => format!("{amount:>7}"),
            _ => String::new(),
        };
        let text = format!("{verb} {name}");
        let line = self.line(columns, outcome.mark(self.style), &text, &amounts);
        self.live_line.add_permanent(&line);
    }

    /// Lays out a line that is as wide as others, or as wide as its name requires.
    fn line(&self, columns: usize, mark: (&str, &str), text: &str, amounts: &str) -> String {
        let required = layout::columns(text) + layout::columns(amounts) + 3;
        let width = columns.min(required.max(COLUMNS));
        self.style.line(width, mark, text, amounts)
    }

    /// Returns the title of content, or its media type if it has none.
    fn item_name(&self, node: &Descriptor) -> String {
        let title = node.title().filter(|title| !title.is_empty());
        self.style
            .sanitize(title.unwrap_or_else(|| node.media_type.as_str()))
    }
}

impl Drop for ProgressDisplay {
    /// Marks the current item as failed, and removes the line.
    fn drop(&mut self) {
        if let Some(item) = self.current.take() {
            let amount = match item.total {
                Some(total) => format!("{}/{}", Size(item.bytes), Size(total)),
                None => Size(item.bytes).to_string(),
            };
            let elapsed = Some(item.elapsed());
            self.add_line(Outcome::Failed, item.verb, &item.name, &amount, elapsed);
        }
        self.live_line.draw(String::new());
    }
}

/// Columns that a line may use. The last one stays free: some terminals wrap as soon as it is
/// written.
fn line_columns() -> usize {
    usize::from(terminal::stderr_columns() - 1).max(1)
}

/// Truncates a time to seconds, which change slowly enough to be read.
const fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}
