//! Test clocks that implement the library's clock trait without real waits. Only this file of the
//! test support uses the library.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oras::http::clock::Clock;

/// A clock that advances only during waits, and records the length of each wait.
///
/// Clones share the time: one is for the client, one for the test.
#[derive(Clone, Debug, Default)]
pub struct FakeClock(Arc<Mutex<Vec<Duration>>>);

impl FakeClock {
    /// A clock at 2001-09-09T01:46:40Z.
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

    /// Advances the time.
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

/// A clock for several threads, each with its own clone. It advances only while all threads wait:
/// to the end of the shortest wait and [`TOGETHER`] further, so that waits with nearly the same end
/// finish together. Tests of back-off therefore do not depend on the speed of the machine.
#[derive(Debug)]
pub struct SharedClock(Arc<(Mutex<Shared>, Condvar)>);

/// Waits that end within this time of the shortest one end together.
const TOGETHER: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
struct Shared {
    now: Duration,
    busy: usize,
    /// The end of each wait, and its number.
    waits: BTreeSet<(Duration, usize)>,
    numbers: usize,
}

impl Shared {
    fn advance_if_all_wait(&mut self) {
        let Some(&(first, _)) = self.waits.first().filter(|_| self.busy == 0) else {
            return;
        };
        while let Some(&(end, number)) = self.waits.first()
            && end <= first + TOGETHER
        {
            self.waits.remove(&(end, number));
            self.now = end;
            self.busy += 1;
        }
    }
}

impl SharedClock {
    /// One clock for each of `threads` threads.
    pub fn for_threads(threads: usize) -> Vec<Self> {
        let shared = Shared {
            busy: threads,
            ..Shared::default()
        };
        let shared = Arc::new((Mutex::new(shared), Condvar::new()));
        let clocks = (0..threads).map(|_| Self(Arc::clone(&shared)));
        clocks.collect()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SharedClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000_000) + self.shared().now
    }

    fn sleep(&self, duration: Duration) {
        let mut shared = self.shared();
        shared.numbers += 1;
        let wait = (shared.now + duration, shared.numbers);
        shared.waits.insert(wait);
        shared.busy -= 1;
        shared.advance_if_all_wait();
        self.0.1.notify_all();
        let is_waiting = |shared: &mut Shared| shared.waits.contains(&wait);
        let ended = self.0.1.wait_while(shared, is_waiting);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

/// A thread that drops its clock no longer counts.
impl Drop for SharedClock {
    fn drop(&mut self) {
        let mut shared = self.shared();
        shared.busy -= 1;
        shared.advance_if_all_wait();
        self.0.1.notify_all();
    }
}
