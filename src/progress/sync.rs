//! State that threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{ThreadId, current};

/// A value that threads share. It is locked to read or change the value, and never while a thread
/// waits: for the network, for another process, or for a function of the caller.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Locks the value. A thread that panicked while it held the lock is ignored, because each
    /// change leaves the value complete.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the value, and returns the previous one.
    pub(crate) fn replace(&self, value: T) -> T {
        std::mem::replace(&mut *self.lock(), value)
    }
}

impl<T: Default> Lock<T> {
    /// Returns the value, and leaves the default.
    pub(crate) fn take(&self) -> T {
        self.replace(T::default())
    }
}

impl<T: Copy> Lock<T> {
    pub(crate) fn get(&self) -> T {
        *self.lock()
    }
}

/// Work that each thread defers until its batch of operations finishes.
///
/// Each thread has its own, so that an operation that returned without an error is complete,
/// whatever the batches of other threads do. Batches of one thread can be nested.
#[derive(Debug)]
pub(crate) struct Deferred<T>(Lock<Vec<ThreadWork<T>>>);

#[derive(Debug)]
struct ThreadWork<T> {
    thread: ThreadId,
    /// Number of open batches.
    batches: usize,
    work: T,
}

impl<T> Default for Deferred<T> {
    fn default() -> Self {
        Self(Lock::new(Vec::new()))
    }
}

impl<T: Default> Deferred<T> {
    pub(crate) fn start_batch(&self) {
        self.of_thread(|own| own.batches += 1);
    }

    /// Finishes a batch, and returns whether the deferred work must be done now. A batch that
    /// another thread started hands over its work.
    pub(crate) fn finish_batch(&self) -> bool {
        if !self.is_open() {
            let mut threads = self.0.lock();
            if let Some(other) = threads.iter_mut().find(|it| it.batches > 0) {
                other.batches -= 1;
                if other.batches == 0 {
                    other.thread = current().id();
                }
            }
            return true;
        }
        self.of_thread(|own| {
            own.batches -= 1;
            own.batches == 0
        })
    }

    /// Whether the current thread has an open batch.
    pub(crate) fn is_open(&self) -> bool {
        let thread = current().id();
        (self.0.lock().iter()).any(|it| it.thread == thread && it.batches > 0)
    }

    /// Reads or changes the deferred work of the current thread.
    pub(crate) fn with<R>(&self, access: impl FnOnce(&mut T) -> R) -> R {
        self.of_thread(|own| access(&mut own.work))
    }

    /// Takes the deferred work of the current thread.
    pub(crate) fn take(&self) -> T {
        let thread = current().id();
        let mut threads = self.0.lock();
        match threads.iter().position(|it| it.thread == thread) {
            None => T::default(),
            Some(found) if threads[found].batches == 0 => threads.swap_remove(found).work,
            Some(found) => std::mem::take(&mut threads[found].work),
        }
    }

    fn of_thread<R>(&self, access: impl FnOnce(&mut ThreadWork<T>) -> R) -> R {
        let thread = current().id();
        let mut threads = self.0.lock();
        if let Some(own) = threads.iter_mut().find(|it| it.thread == thread) {
            return access(own);
        }
        let (batches, work) = (0, T::default());
        let mut own = ThreadWork {
            thread,
            batches,
            work,
        };
        let result = access(&mut own);
        threads.push(own);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a function in another thread.
    fn elsewhere<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    #[test]
    fn a_panic_does_not_poison_a_lock() {
        let lock = Lock::new(1);
        std::thread::scope(|scope| {
            let panicking = scope.spawn(|| {
                let _held = lock.lock();
                panic!("while the lock is held");
            });
            panicking.join().unwrap_err();
        });
        assert_eq!(lock.replace(2), 1);
        assert_eq!(lock.take(), 2);
        assert_eq!(lock.get(), 0);
    }

    #[test]
    fn the_outermost_batch_of_a_thread_does_the_work() {
        let deferred = Deferred::<Vec<u8>>::default();
        deferred.start_batch();
        deferred.start_batch();
        deferred.with(|work| work.push(1));
        assert!(!deferred.finish_batch());
        assert!(deferred.is_open());
        assert!(deferred.finish_batch());
        assert!(!deferred.is_open());
        assert_eq!(deferred.take(), [1]);
        assert!(deferred.take().is_empty());
    }

    #[test]
    fn threads_have_separate_batches() {
        let deferred = Deferred::<Vec<u8>>::default();
        deferred.start_batch();
        deferred.with(|work| work.push(1));
        elsewhere(|| {
            assert!(!deferred.is_open());
            assert!(deferred.take().is_empty());
            deferred.start_batch();
            deferred.with(|work| work.push(2));
            assert!(deferred.finish_batch());
            assert_eq!(deferred.take(), [2]);
        });
        assert!(deferred.finish_batch());
        assert_eq!(deferred.take(), [1]);
    }

    #[test]
    fn a_batch_that_moved_to_another_thread_takes_its_work_along() {
        let deferred = Deferred::<Vec<u8>>::default();
        deferred.start_batch();
        deferred.with(|work| work.push(1));
        elsewhere(|| {
            assert!(deferred.finish_batch());
            assert_eq!(deferred.take(), [1]);
        });
        assert!(!deferred.is_open());
        assert!(deferred.take().is_empty());
    }
}
