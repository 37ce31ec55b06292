//! The progress display of a terminal: one permanent line for each finished item, and below them a
//! progress bar for the current item.
//!
//! Operations are sequential, so there is at most one bar. The lines of finished items do not
//! change: they scroll away like other output, complete and in order. No thread draws in the
//! background. Events redraw the bar, at the rate of [`Pace`].
//!
//! indicatif lays out the lines, truncates names to the width, and measures the speed. It draws on
//! a [`Canvas`], whose line [`LiveLine`] writes to the terminal.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use oras::progress::{Event, report};
use oras::store::content::VerifyReader;
use oras::{Descriptor, Digest};

use super::labels::Labels;
use super::live_line::LiveLine;
use super::pace::Pace;
use crate::cli::groups::{Debugging, Tty};
use crate::output::text::{Elapsed, Size};
use crate::process::Process;
use crate::terminal;

/// Maximum width of a line: the amounts at its right end stay near the name.
const MAX_COLUMNS: u16 = 100;

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
    const fn mark(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => ("✓", "\x1b[32m"),
            Self::Existed => ("=", "\x1b[36m"),
            Self::Skipped => ("-", "\x1b[33m"),
            Self::Failed => ("✗", "\x1b[31m"),
        }
    }
}

/// Shows the progress of an operation on stderr.
pub(crate) struct ProgressDisplay {
    live_line: LiveLine,
    canvas: Canvas,
    bar: ProgressBar,
    /// The current indicatif template of the bar.
    template: String,
    is_coloured: bool,
    current: Option<Item>,
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
}

impl ProgressDisplay {
    /// Returns a display if stderr is a terminal and no flag turns the display off.
    pub(crate) fn new(process: &Process, tty: Tty, debugging: Debugging) -> Option<Self> {
        let is_enabled = tty.no_tty != Some(true) && !debugging.debug && !process.is_quiet();
        if !is_enabled || !process.can_redraw_stderr() {
            return None;
        }
        let canvas = Canvas::default();
        // indicatif also draws on updates, which costs time. 1 Hz is its lowest rate.
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(canvas.clone()), 1);
        Some(Self {
            live_line: process.live_line().clone(),
            canvas,
            bar: ProgressBar::with_draw_target(None, target),
            template: String::new(),
            is_coloured: process.can_colour_stderr(),
            current: None,
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
            Event::Started(node) => return self.start(labels.started, node),
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
        self.finish(outcome, label, node);
    }

    /// Starts an item for content. If the content is the current item, the transfer starts again.
    pub(crate) fn start(&mut self, verb: &'static str, node: &Descriptor) {
        if self.is_current(node) {
            self.advance(node, 0);
            return;
        }
        self.start_item(Item {
            verb,
            name: item_name(node),
            digest: Some(node.digest.clone()),
            bytes: 0,
            total: Some(node.size),
        });
    }

    /// Starts an item for a file.
    fn prepare(&mut self, verb: &'static str, name: &str) {
        self.start_item(Item {
            verb,
            name: sanitize(name),
            digest: None,
            bytes: 0,
            total: None,
        });
    }

    /// Shows how many bytes of content were transferred.
    pub(crate) fn advance(&mut self, node: &Descriptor, bytes: u64) {
        if self.is_current(node) {
            self.advance_to(bytes, Some(node.size));
        }
    }

    /// Shows how many bytes of a file were read.
    fn read(&mut self, verb: &'static str, name: &str, bytes: u64, total: Option<u64>) {
        if self.current.is_none() {
            self.prepare(verb, name);
        }
        self.advance_to(bytes, total);
    }

    /// Ends the current item without a permanent line.
    fn discard_item(&mut self) {
        self.current = None;
    }

    /// Adds the permanent line of content, which may be the current item.
    fn finish(&mut self, outcome: Outcome, verb: &str, node: &Descriptor) {
        let elapsed = self.is_current(node).then(|| self.bar.elapsed());
        self.current = None;
        let size = Size(node.size).to_string();
        self.add_line(outcome, verb, &item_name(node), &size, elapsed);
        if self.pace.allows(false) {
            self.live_line.draw(String::new());
        }
    }

    fn is_current(&self, node: &Descriptor) -> bool {
        let digest = self.current.as_ref().and_then(|item| item.digest.as_ref());
        digest == Some(&node.digest)
    }

    fn start_item(&mut self, item: Item) {
        self.current = Some(item);
        self.bar.reset();
        if self.pace.allows(true) {
            self.draw();
        }
    }

    fn advance_to(&mut self, bytes: u64, total: Option<u64>) {
        let Some(item) = &mut self.current else {
            return;
        };
        item.bytes = bytes;
        item.total = total;
        if self.pace.allows(false) {
            self.draw();
        }
    }

    /// Draws the bar of the current item.
    fn draw(&mut self) {
        let Some(item) = &self.current else {
            return;
        };
        let columns = self.canvas.width();
        let (bytes, total) = (item.bytes, item.total);
        self.bar.update(|state| {
            state.set_pos(bytes);
            state.set_len(total.unwrap_or_default());
        });
        let amount = match total {
            Some(total) => format!("{}/{}", Size(bytes), Size(total)),
            None => Size(bytes).to_string(),
        };
        let speed = match bytes {
            0 => String::new(),
            _ => format!("{}/s", Size(truncated(self.bar.per_sec()))),
        };
        let elapsed = Elapsed(whole_seconds(self.bar.elapsed())).to_string();
        let (bar, amounts) = match columns {
            90.. => (
                " [{bar:20}]",
                format!("{amount:>15} {speed:>10} {elapsed:>6}"),
            ),
            64.. => (
                " [{bar:10}]",
                format!("{amount:>15} {speed:>10} {elapsed:>6}"),
            ),
            48.. => ("", format!("{amount:>15} {elapsed:>6}")),
            24.. if total.is_some() => ("", format!("{:>3}%", percent(bytes, total))),
            24.. => ("", amount),
            _ => ("", String::new()),
        };
        let bar = if total.is_some() { bar } else { "" };
        let mark = self.coloured("{spinner}", "\x1b[33m");
        self.lay_out(&mark, bar, format!("{} {}", item.verb, item.name), amounts);
        let line = self.canvas.take();
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
        let elapsed = elapsed.map_or_else(String::new, |elapsed| Elapsed(elapsed).to_string());
        let amounts = match self.canvas.width() {
            48.. => format!("{amount:>15} {elapsed:>6}"),
            24.. => format!("{amount:>7}"),
            _ => String::new(),
        };
        let (mark, colour) = outcome.mark();
        let mark = self.coloured(mark, colour);
        self.lay_out(&mark, "", format!("{verb} {name}"), amounts);
        self.live_line.add_permanent(&self.canvas.take());
    }

    /// Draws a line on the canvas: mark, text and bar, and right-aligned the amounts.
    fn lay_out(&mut self, mark: &str, bar: &str, text: String, amounts: String) {
        let template = format!("{mark} {{wide_msg}}{bar} {{prefix}}");
        if template != self.template {
            let style = ProgressStyle::with_template(&template)
                .unwrap_or_else(|_| ProgressStyle::default_spinner())
                .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
                .progress_chars("=> ");
            self.bar.set_style(style);
            self.template = template;
        }
        self.bar.set_prefix(amounts);
        self.bar.set_message(text);
        self.bar.force_draw();
    }

    fn coloured(&self, text: &str, colour: &str) -> String {
        if self.is_coloured {
            format!("{colour}{text}\x1b[m")
        } else {
            text.to_owned()
        }
    }
}

impl Drop for ProgressDisplay {
    /// Marks the current item as failed, and removes the bar.
    fn drop(&mut self) {
        if let Some(item) = self.current.take() {
            let amount = match item.total {
                Some(total) => format!("{}/{}", Size(item.bytes), Size(total)),
                None => Size(item.bytes).to_string(),
            };
            let elapsed = Some(self.bar.elapsed());
            self.add_line(Outcome::Failed, item.verb, &item.name, &amount, elapsed);
        }
        self.live_line.draw(String::new());
    }
}

/// Returns the title of content, or its media type if it has none.
fn item_name(node: &Descriptor) -> String {
    match node.title().filter(|title| !title.is_empty()) {
        Some(title) => sanitize(title),
        None => sanitize(node.media_type.as_str()),
    }
}

/// Removes characters that would move the cursor, or would make the width of the name differ from
/// the sum of its characters' widths. Truncates the name to the maximum width.
fn sanitize(name: &str) -> String {
    let is_shown = |character: &char| {
        !character.is_control()
            && !matches!(
                character,
                '\u{61c}'
                    | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{fe00}'..='\u{fe0f}'
                    | '\u{feff}'
                    | '\u{e0000}'..='\u{e007f}'
            )
    };
    let shown = name.chars().filter(is_shown);
    shown.take(usize::from(MAX_COLUMNS)).collect()
}

/// Returns the percentage, rounded down: 100 only if all bytes were transferred.
fn percent(bytes: u64, total: Option<u64>) -> u64 {
    let (bytes, total) = (u128::from(bytes), u128::from(total.unwrap_or_default()));
    let percent = (bytes * 100).checked_div(total).unwrap_or(100);
    u64::try_from(percent).unwrap_or(100)
}

/// Truncates a speed to whole bytes per second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion to an integer stays within its bounds"
)]
const fn truncated(speed: f64) -> u64 {
    speed as u64
}

/// Truncates a time to seconds, which change slowly enough to be read.
const fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

/// The terminal that indicatif draws on. It holds one line.
#[derive(Clone, Debug, Default)]
struct Canvas {
    line: Arc<Mutex<String>>,
}

impl Canvas {
    /// Returns the drawn line without blanks at its end, and clears the canvas.
    fn take(&self) -> String {
        let mut line = std::mem::take(&mut *self.line());
        line.truncate(line.trim_end().len());
        line
    }

    fn line(&self) -> MutexGuard<'_, String> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Canvas {
    /// Leaves the last column free: some terminals wrap as soon as that column is written.
    fn width(&self) -> u16 {
        (terminal::stderr_columns() - 1).clamp(1, MAX_COLUMNS)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.line().push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.line().clear();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_format_characters_are_removed_from_names() {
        for (name, wanted) in [
            ("plain name.txt", "plain name.txt"),
            ("文字 é 👍", "文字 é 👍"),
            ("\x1b[2J\r\n\t\u{9b}m", "[2Jm"),
            ("a\u{202e}b\u{200d}c\u{fe0f}d\u{feff}", "abcd"),
        ] {
            assert_eq!(sanitize(name), wanted, "{name:?}");
        }
        assert_eq!(sanitize(&"x".repeat(1_000_000)).len(), 100);
    }

    #[test]
    fn percentages_are_rounded_down() {
        for (bytes, total, wanted) in [
            (0, 0, 100),
            (0, 1, 0),
            (999, 1000, 99),
            (1000, 1000, 100),
            (u64::MAX, u64::MAX, 100),
        ] {
            assert_eq!(percent(bytes, Some(total)), wanted, "{bytes} of {total}");
        }
    }
}
