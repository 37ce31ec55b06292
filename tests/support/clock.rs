//! A clock that never waits. It stands in for the library's own, so this file alone of the test ground names the library.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oras::clock::Clock;

/// Tells a time that moves only when something waits, and remembers how long each wait would have been.
///
/// Clones are the same clock: one goes into the client, one stays with the test.
#[derive(Clone, Debug, Default)]
pub struct FakeClock(Arc<Mutex<Vec<Duration>>>);

impl FakeClock {
    /// 2001-09-09T01:46:40Z, and nothing has waited yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every wait so far.
    pub fn waits(&self) -> Vec<Duration> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets time pass.
    pub fn pass(&self, duration: Duration) {
        self.sleep(duration);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000_000) + self.waits().into_iter().sum()
    }

    fn sleep(&self, duration: Duration) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(duration);
    }
}
