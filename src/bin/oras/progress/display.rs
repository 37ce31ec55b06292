//! Progress on a terminal: a line that stays for each piece of content, and below these a bar for the one that is on its way.
//!
//! Things happen one after the other, so there is never more than one bar. All others are done, and what is done does not
//! change any more: it scrolls away like any other output, and is complete and in order however much there was. Nothing is
//! drawn in the background. The bar moves when something happens, and at most [`INTERVAL`] by [`INTERVAL`]; what comes faster
//! is shown together.
//!
//! indicatif lays out lines, fits names into what is left of the width, and knows the speed. It draws on a [`Canvas`];
//! [`Screen`] alone knows how a line gets to the terminal.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use oras::http::clock::{Clock as _, SystemClock};
use oras::progress::Event;
use oras::store::content::VerifyReader;
use oras::{Descriptor, Digest};

use crate::cli::groups::{Debugging, Tty};
use crate::output::text::{Elapsed, Size};
use crate::process::Process;
use crate::progress::Labels;
use crate::progress::live_line::Screen;
use crate::terminal;

/// The time between two drawings.
const INTERVAL: Duration = Duration::from_millis(125);
/// How many things may be shown at once that begin sooner. Each of them may take long, which nobody can know.
const MAX_EARLY: u32 = 8;
/// No line is wider: the eye would lose it.
const MAX_COLUMNS: u16 = 100;

/// What became of something.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// It was done.
    Done,
    /// It was there already, or handled before.
    There,
    /// It was left out.
    LeftOut,
    /// It was not done.
    Failed,
}

impl Mark {
    /// The sign for it, and its colour.
    const fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => ("✓", "\x1b[32m"),
            Self::There => ("=", "\x1b[36m"),
            Self::LeftOut => ("-", "\x1b[33m"),
            Self::Failed => ("✗", "\x1b[31m"),
        }
    }
}

/// Shows progress.
pub(crate) struct Bars {
    screen: Screen,
    canvas: Canvas,
    bar: ProgressBar,
    /// How the bar lays out a line.
    template: String,
    is_coloured: bool,
    running: Option<Item>,
    pace: Pace,
}

/// What is on its way.
struct Item {
    verb: &'static str,
    name: String,
    /// Whose content it is, unless that is yet to be found out.
    digest: Option<Digest>,
    bytes: u64,
    total: Option<u64>,
}

impl Bars {
    /// Bars, if they are wanted and there is somebody to see them.
    pub(crate) fn new(process: &Process, tty: Tty, debugging: Debugging) -> Option<Self> {
        let is_wanted = tty.no_tty != Some(true) && !debugging.debug && !process.is_quiet();
        if !is_wanted || !process.can_redraw_stderr() {
            return None;
        }
        let canvas = Canvas::default();
        // What is laid out and not looked at costs time. One a second is the least there can be.
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(canvas.clone()), 1);
        Some(Self {
            screen: process.screen().clone(),
            canvas,
            bar: ProgressBar::with_draw_target(None, target),
            template: String::new(),
            is_coloured: process.can_colour_stderr(),
            running: None,
            pace: Pace::default(),
        })
    }

    /// Shows, if there are bars, how far content comes in what `transfer` does with it.
    pub(crate) fn around<'c>(
        bars: &'c mut Option<Self>,
        started: &'static str,
        done: &str,
        content: VerifyReader<'c>,
        transfer: impl FnOnce(VerifyReader<'_>) -> oras::Result<()>,
    ) -> oras::Result<()> {
        let Some(bars) = bars else {
            return transfer(content);
        };
        let node = content.descriptor().clone();
        bars.start(started, &node);
        transfer(content.with_progress(|bytes| {
            bars.advance(&node, bytes);
            Ok(())
        }))?;
        bars.finish(Mark::Done, done, &node);
        Ok(())
    }

    /// Shows an event, with the words of the verb.
    pub(crate) fn report(&mut self, event: Event<'_>, labels: &Labels) {
        let (mark, label, node) = match event {
            Event::Preparing(name) => return self.prepare(name),
            Event::Reading {
                name, done, total, ..
            } => return self.read(name, done, total),
            // The successors of a manifest are shown before it is done.
            Event::Prepared(_) => return self.drop_running(),
            Event::FetchedManifest(_) if !labels.fetched_manifest.is_empty() => {
                return self.drop_running();
            }
            Event::FetchingManifest(node) if !labels.fetching_manifest.is_empty() => {
                return self.start(labels.fetching_manifest, node);
            }
            Event::Started(node) => return self.start(labels.started, node),
            Event::Transferring {
                descriptor, done, ..
            } => return self.advance(descriptor, done),
            Event::Transferred(node) => (Mark::Done, labels.transferred_in_display, node),
            Event::Restored(node) => (Mark::Done, labels.restored, node),
            Event::Mounted(node) => (Mark::Done, labels.mounted, node),
            Event::Exists(node) | Event::RootTagged(node) => (Mark::There, labels.exists, node),
            Event::Repeated(node) => (Mark::There, labels.repeated_in_display, node),
            Event::Skipped(node) => (Mark::LeftOut, labels.skipped, node),
            _ => return,
        };
        self.finish(mark, label, node);
    }

    /// Content is about to be transferred, maybe once more.
    pub(crate) fn start(&mut self, verb: &'static str, node: &Descriptor) {
        if self.is_running(node) {
            self.advance(node, 0);
            return;
        }
        self.begin(Item {
            verb,
            name: name_of(node),
            digest: Some(node.digest.clone()),
            bytes: 0,
            total: Some(node.size),
        });
    }

    /// Something with a name is about to be read, from here.
    pub(crate) fn prepare(&mut self, name: &str) {
        self.begin(Item {
            verb: "Preparing",
            name: clean(name),
            digest: None,
            bytes: 0,
            total: None,
        });
    }

    /// So many bytes of content were transferred.
    pub(crate) fn advance(&mut self, node: &Descriptor, bytes: u64) {
        if self.is_running(node) {
            self.advance_to(bytes, Some(node.size));
        }
    }

    /// So many bytes were read of what is prepared.
    pub(crate) fn read(&mut self, name: &str, bytes: u64, total: Option<u64>) {
        if self.running.is_none() {
            self.prepare(name);
        }
        self.advance_to(bytes, total);
    }

    /// What was on its way needs no line of its own.
    pub(crate) fn drop_running(&mut self) {
        self.running = None;
    }

    /// Something is done with content.
    pub(crate) fn finish(&mut self, mark: Mark, verb: &str, node: &Descriptor) {
        let elapsed = self.is_running(node).then(|| self.bar.elapsed());
        self.running = None;
        let size = Size(node.size).to_string();
        self.keep(mark, verb, &name_of(node), &size, elapsed);
        if self.pace.allows(false) {
            self.screen.draw(String::new());
        }
    }

    fn is_running(&self, node: &Descriptor) -> bool {
        let digest = self.running.as_ref().and_then(|item| item.digest.as_ref());
        digest == Some(&node.digest)
    }

    fn begin(&mut self, item: Item) {
        self.running = Some(item);
        self.bar.reset();
        if self.pace.allows(true) {
            self.draw();
        }
    }

    fn advance_to(&mut self, bytes: u64, total: Option<u64>) {
        let Some(item) = &mut self.running else {
            return;
        };
        item.bytes = bytes;
        item.total = total;
        if self.pace.allows(false) {
            self.draw();
        }
    }

    /// Shows what is on its way, below what is done.
    fn draw(&mut self) {
        let Some(item) = &self.running else {
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
            _ => format!("{}/s", Size(rounded(self.bar.per_sec()))),
        };
        let elapsed = Elapsed(whole_seconds(self.bar.elapsed())).to_string();
        let (bar, facts) = match columns {
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
        self.lay_out(&mark, bar, format!("{} {}", item.verb, item.name), facts);
        let line = self.canvas.take();
        self.screen.draw(line);
    }

    /// Remembers a line that stays.
    fn keep(
        &mut self,
        mark: Mark,
        verb: &str,
        name: &str,
        amount: &str,
        elapsed: Option<Duration>,
    ) {
        let elapsed = elapsed.map_or_else(String::new, |elapsed| Elapsed(elapsed).to_string());
        let facts = match self.canvas.width() {
            48.. => format!("{amount:>15} {elapsed:>6}"),
            24.. => format!("{amount:>7}"),
            _ => String::new(),
        };
        let (sign, colour) = mark.sign();
        let mark = self.coloured(sign, colour);
        self.lay_out(&mark, "", format!("{verb} {name}"), facts);
        self.screen.keep(&self.canvas.take());
    }

    /// Draws a line on the canvas: the mark, what it is about, and what there is to say about that, at the right.
    fn lay_out(&mut self, mark: &str, bar: &str, text: String, facts: String) {
        let template = format!("{mark} {{wide_msg}}{bar} {{prefix}}");
        if template != self.template {
            let style = ProgressStyle::with_template(&template)
                .unwrap_or_else(|_| ProgressStyle::default_spinner())
                .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
                .progress_chars("=> ");
            self.bar.set_style(style);
            self.template = template;
        }
        self.bar.set_prefix(facts);
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

impl Drop for Bars {
    /// What is still on its way now did not arrive.
    fn drop(&mut self) {
        if let Some(item) = self.running.take() {
            let amount = match item.total {
                Some(total) => format!("{}/{}", Size(item.bytes), Size(total)),
                None => Size(item.bytes).to_string(),
            };
            let elapsed = Some(self.bar.elapsed());
            self.keep(Mark::Failed, item.verb, &item.name, &amount, elapsed);
        }
        self.screen.draw(String::new());
    }
}

/// The name by which content is shown.
fn name_of(node: &Descriptor) -> String {
    match node.title().filter(|title| !title.is_empty()) {
        Some(title) => clean(title),
        None => clean(node.media_type.as_str()),
    }
}

/// A name without what would move the cursor, or make the text wider or narrower than the sum of its characters.
fn clean(name: &str) -> String {
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
    // No line shows more of it.
    let most = usize::from(MAX_COLUMNS);
    name.chars().filter(is_shown).take(most).collect()
}

/// How much of the whole there is. The whole is not reached before all of it is there.
fn percent(bytes: u64, total: Option<u64>) -> u64 {
    let (bytes, total) = (u128::from(bytes), u128::from(total.unwrap_or_default()));
    let percent = (bytes * 100).checked_div(total).unwrap_or(100);
    u64::try_from(percent).unwrap_or(100)
}

/// Bytes per second as whole ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion to an integer stays within its bounds"
)]
const fn rounded(speed: f64) -> u64 {
    speed as u64
}

/// A time that does not flicker: seconds, once there is one.
const fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

/// When something is drawn.
#[derive(Default)]
struct Pace {
    last: Option<SystemTime>,
    early: u32,
}

impl Pace {
    /// Whether it is time to draw. What `begins` may be shown sooner, as long as that happens rarely.
    fn allows(&mut self, begins: bool) -> bool {
        self.allows_at(SystemClock.now(), begins)
    }

    fn allows_at(&mut self, now: SystemTime, begins: bool) -> bool {
        let since = self
            .last
            .map(|last| now.duration_since(last).unwrap_or(INTERVAL));
        match since {
            Some(since) if since < INTERVAL => {
                if !begins || self.early == MAX_EARLY {
                    return false;
                }
                self.early += 1;
            }
            Some(since) => {
                let intervals = since.as_millis() / INTERVAL.as_millis();
                let spare = u32::try_from(intervals - 1).unwrap_or(MAX_EARLY);
                self.early = self.early.saturating_sub(spare);
            }
            None => {}
        }
        self.last = Some(now);
        true
    }
}

/// Where indicatif draws: it keeps the last line.
#[derive(Clone, Debug, Default)]
struct Canvas {
    line: Arc<Mutex<String>>,
}

impl Canvas {
    /// What was drawn, without the blanks at its end.
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
    /// The last column stays free: some terminals go on to the next line as soon as it is written to.
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
    fn things_are_drawn_in_their_time_and_a_few_sooner() {
        let start = SystemTime::UNIX_EPOCH;
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::default();
        assert!(pace.allows_at(at(0), false), "the first is not late");
        assert!(!pace.allows_at(at(124), false));
        assert!(pace.allows_at(at(125), false));
        for _ in 0..MAX_EARLY {
            assert!(pace.allows_at(at(126), true));
        }
        assert!(!pace.allows_at(at(127), true), "they were too many");
        assert!(pace.allows_at(at(126 + 125), true));
        assert!(!pace.allows_at(at(252), true));
        assert!(pace.allows_at(at(126 + 3 * 125), false));
        assert!(pace.allows_at(at(502), true), "there was time to spare");
        assert!(!pace.allows_at(at(503), true));
        assert!(pace.allows_at(start, false), "a clock may be set back");
    }

    #[test]
    fn a_name_has_nothing_that_is_no_character() {
        for (name, wanted) in [
            ("plain name.txt", "plain name.txt"),
            ("文字 é 👍", "文字 é 👍"),
            ("\x1b[2J\r\n\t\u{9b}m", "[2Jm"),
            ("a\u{202e}b\u{200d}c\u{fe0f}d\u{feff}", "abcd"),
        ] {
            assert_eq!(clean(name), wanted, "{name:?}");
        }
        assert_eq!(clean(&"x".repeat(1_000_000)).len(), 100);
    }

    #[test]
    fn the_whole_is_not_reached_before_it_is_there() {
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
