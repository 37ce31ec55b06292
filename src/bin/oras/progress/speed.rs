//! The speed of a transfer: the bytes of the last seconds.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// The time that the speed is an average of. A stop is visible within this time, and one slow read
/// does not change the time left much.
const WINDOW: Duration = Duration::from_secs(5);
/// The least time that a speed is measured over.
const MIN_TIME: Duration = Duration::from_millis(100);

/// Counts bytes, and measures their speed.
#[derive(Default)]
pub(super) struct Speed {
    /// Bytes that were transferred, including those that had to be sent again.
    moved: u64,
    samples: VecDeque<(SystemTime, u64)>,
}

impl Speed {
    /// Counts bytes.
    pub(super) const fn add(&mut self, bytes: u64) {
        self.moved = self.moved.saturating_add(bytes);
    }

    /// Returns the bytes per second up to now, or `None` if it is too early to tell.
    pub(super) fn measure(&mut self, now: SystemTime) -> Option<u64> {
        let is_later = |(time, _): &(SystemTime, u64)| *time > now;
        if self.samples.back().is_some_and(is_later) {
            // The clock was set back.
            self.samples.clear();
        }
        self.samples.push_back((now, self.moved));
        let age = |time: SystemTime| now.duration_since(time).unwrap_or_default();
        while self
            .samples
            .get(1)
            .is_some_and(|(time, _)| age(*time) >= WINDOW)
        {
            self.samples.pop_front();
        }
        let &(first, moved_before) = self.samples.front()?;
        let millis = age(first).as_millis();
        if millis < MIN_TIME.as_millis() {
            return None;
        }
        let bytes = u128::from(self.moved - moved_before) * 1000 / millis;
        u64::try_from(bytes).ok()
    }
}

/// Returns the time that the rest of a transfer takes at this speed, in seconds rounded up; `None`
/// if it stands still.
pub(super) fn time_left(done: u64, total: u64, speed: u64) -> Option<Duration> {
    let rest = total.saturating_sub(done);
    (speed > 0).then(|| Duration::from_secs(rest.div_ceil(speed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let mut speed = Speed::default();
        let mut seen = Vec::new();
        for (millis, bytes) in [
            (0, 0),
            (50, 500),
            (1000, 500),
            (2000, 3000),
            (7000, 0),
            // Nothing arrives.
            (12_000, 0),
            (12_500, 500),
            // The process was stopped for a minute.
            (72_500, 0),
        ] {
            speed.add(bytes);
            seen.push(speed.measure(at(millis)));
        }
        let expected = [
            None,
            None,
            Some(1000),
            Some(2000),
            Some(0),
            Some(0),
            Some(90),
            Some(0),
        ];
        assert_eq!(seen, expected);
        assert_eq!(speed.measure(at(0)), None, "the clock was set back");
    }

    #[test]
    fn a_transfer_that_stands_still_has_no_end() {
        for (done, total, speed, seconds) in [
            (0, 100, 10, Some(10)),
            (95, 100, 10, Some(1)),
            (100, 100, 10, Some(0)),
            (200, 100, 10, Some(0)),
            (0, 100, 0, None),
        ] {
            assert_eq!(
                time_left(done, total, speed).map(|time| time.as_secs()),
                seconds
            );
        }
    }
}
