//! Time as a door: what the library knows of the present, and how it waits.

use std::time::{Duration, SystemTime};

/// Tells the time and waits.
pub trait Clock {
    /// The time now.
    fn now(&self) -> SystemTime;

    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door to the present")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door to waiting")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
