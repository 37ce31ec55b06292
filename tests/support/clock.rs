//! Clocks that never wait, or only for each other. They stand in for the library's own, so this file alone of the test ground names the library.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oras::http::clock::Clock;

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

/// A clock by which several threads wait, each with a clone of its own. It stands still as long as one of them is busy, and
/// goes on when all wait: to the end of the shortest wait, and a little further, so that waits that end at about the same
/// time end together. So what depends on waiting long enough depends neither on the machine nor on luck.
#[derive(Debug)]
pub struct SharedClock(Arc<(Mutex<Shared>, Condvar)>);

/// How far apart waits end that end together.
const TOGETHER: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
struct Shared {
    now: Duration,
    busy: usize,
    /// When each wait ends, and its number.
    waits: BTreeSet<(Duration, usize)>,
    numbers: usize,
}

impl Shared {
    fn go_on_if_all_wait(&mut self) {
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
    /// Clocks for so many threads.
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
        shared.go_on_if_all_wait();
        self.0.1.notify_all();
        let is_waiting = |shared: &mut Shared| shared.waits.contains(&wait);
        let ended = self.0.1.wait_while(shared, is_waiting);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

/// A thread that has no clock any more waits for nothing, and nobody waits for it.
impl Drop for SharedClock {
    fn drop(&mut self) {
        let mut shared = self.shared();
        shared.busy -= 1;
        shared.go_on_if_all_wait();
        self.0.1.notify_all();
    }
}
