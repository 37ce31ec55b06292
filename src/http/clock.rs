//! The clock: the current time and waiting, as a trait that tests replace.

use std::io::{self, Read};
use std::ops::Deref;
use std::time::{Duration, SystemTime};

/// A source of the current time that can also wait.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> SystemTime;

    /// Waits for `duration`.
    fn sleep(&self, duration: Duration);
}

/// A clock behind a pointer: `&C`, `Box<C>` or `Arc<C>`.
impl<P: Deref<Target: Clock> + Send + Sync> Clock for P {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) {
        (**self).sleep(duration);
    }
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only reader of the current time"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the only caller that waits")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A reader that fails once a time limit has passed. The limit is checked before each read, so a
/// read in progress is not interrupted.
pub(crate) struct TimedReader<R, C> {
    inner: R,
    clock: C,
    limit: Duration,
    start: SystemTime,
}

impl<R, C: Clock> TimedReader<R, C> {
    /// Wraps `inner`. The time limit starts now.
    pub(crate) fn new(inner: R, clock: C, limit: Duration) -> Self {
        let start = clock.now();
        Self {
            inner,
            clock,
            limit,
            start,
        }
    }

    /// Returns whether the time limit has passed. A clock that is set back extends it.
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
