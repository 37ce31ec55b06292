//! Observers for tests: they collect values from events, or stop the operation.

use std::sync::{Arc, Mutex};

use oras::Error;
use oras::progress::{Event, Observer};

/// The values that an observer collected.
pub(crate) struct Collected<T>(Arc<Mutex<Vec<T>>>);

impl<T> Collected<T> {
    /// Returns the values, and forgets them.
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Returns an observer that collects the values of `map`, and these values.
pub(crate) fn collecting<T: Send + 'static>(
    mut map: impl FnMut(&Event<'_>) -> Option<T> + Send + 'static,
) -> (Observer, Collected<T>) {
    let values = Arc::new(Mutex::new(Vec::new()));
    let collected = Collected(Arc::clone(&values));
    let observer = Observer::new(move |event| {
        values.lock().unwrap().extend(map(event));
        Ok(())
    });
    (observer, collected)
}

/// Returns an observer that stops the operation at the first event that `is_last` accepts, with the
/// error `going on: unsupported`.
pub(crate) fn stopping(mut is_last: impl FnMut(&Event<'_>) -> bool + Send + 'static) -> Observer {
    Observer::new(move |event| {
        if is_last(event) {
            return Err(Error::unsupported("going on").into());
        }
        Ok(())
    })
}
