//! Time as a door: what the library knows of the present, and how it waits.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Tells the time and waits.
pub trait Clock {
    /// The time now.
    fn now(&self) -> SystemTime;

    /// Waits.
    fn sleep(&self, duration: Duration);
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) {
        (**self).sleep(duration);
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) {
        (**self).sleep(duration);
    }
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

/// Reads for so long, and then no more. A read that has begun is not cut short: that is up to what is read.
pub(crate) struct TimedReader<R, C> {
    inner: R,
    clock: C,
    limit: Duration,
    start: SystemTime,
}

impl<R, C: Clock> TimedReader<R, C> {
    /// The time starts now.
    pub(crate) fn new(inner: R, clock: C, limit: Duration) -> Self {
        let start = clock.now();
        Self {
            inner,
            clock,
            limit,
            start,
        }
    }

    /// Whether the time is over. A clock that was set back gives more of it.
    pub(crate) fn is_over(&self) -> bool {
        self.clock
            .now()
            .duration_since(self.start)
            .is_ok_and(|passed| passed >= self.limit)
    }
}

impl<R: Read, C: Clock> Read for TimedReader<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it took longer than {} seconds", self.limit.as_secs()),
            ));
        }
        self.inner.read(buffer)
    }
}
