//! The rate at which the progress display is drawn.

use std::time::{Duration, SystemTime};

use oras::http::clock::{Clock as _, SystemClock};

/// The minimum time between two drawings, except for the first drawings of items.
const INTERVAL: Duration = Duration::from_millis(125);
/// Maximum number of items whose first drawing comes before the end of an interval. Otherwise an
/// item that is slow to send its first bytes would not be visible.
const MAX_EARLY: u32 = 8;

/// Decides which events are drawn. The next drawing includes those that were not.
#[derive(Default)]
pub(super) struct Pace {
    last: Option<SystemTime>,
    /// Drawings within an interval. Each interval without a drawing allows one more.
    early: u32,
}

impl Pace {
    /// Whether to draw now. `is_start` tells the first drawing of an item from the others.
    pub(super) fn allows(&mut self, is_start: bool) -> bool {
        self.allows_at(SystemClock.now(), is_start)
    }

    fn allows_at(&mut self, now: SystemTime, is_start: bool) -> bool {
        let since = self
            .last
            .map(|last| now.duration_since(last).unwrap_or(INTERVAL));
        match since {
            Some(since) if since < INTERVAL => {
                if !is_start || self.early == MAX_EARLY {
                    return false;
                }
                self.early += 1;
            }
            Some(since) => {
                let intervals = since.as_millis() / INTERVAL.as_millis();
                let unused = u32::try_from(intervals - 1).unwrap_or(MAX_EARLY);
                self.early = self.early.saturating_sub(unused);
            }
            None => {}
        }
        self.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_drawing_per_interval_and_a_few_early_starts_are_allowed() {
        let start = SystemTime::UNIX_EPOCH;
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::default();
        assert!(pace.allows_at(at(0), false), "the first drawing");
        assert!(!pace.allows_at(at(124), false));
        assert!(pace.allows_at(at(125), false));
        for _ in 0..MAX_EARLY {
            assert!(pace.allows_at(at(126), true));
        }
        assert!(!pace.allows_at(at(127), true), "too many early drawings");
        assert!(pace.allows_at(at(126 + 125), true));
        assert!(!pace.allows_at(at(252), true));
        assert!(pace.allows_at(at(126 + 3 * 125), false));
        assert!(pace.allows_at(at(502), true), "one interval was not used");
        assert!(!pace.allows_at(at(503), true));
        assert!(pace.allows_at(start, false), "the clock was set back");
    }
}
