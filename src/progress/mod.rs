//! Progress of operations, and their cancellation.
//!
//! An [`Observer`] receives the [`Event`]s of an operation: files that are read and hashed, content
//! that is transferred, tags that are set, waits for silent servers and locks, and retries. It is
//! called at least once per second while an operation runs, also while nothing arrives from the
//! server. An error from the observer stops the operation, which returns
//! [`Error::Cancelled`] with that value.
//!
//! All verbs with options have the option `observer`. [`Observer::scope`] observes everything else:
//! calls of a store, verbs without options, or a series of verbs.
//!
//! # Showing progress
//!
//! The observer owns what it changes, so that a caller shares it, for example as an atomic counter:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use oras::copy::{CopyOptions, copy};
//! use oras::progress::{Event, Observer};
//! # use oras::store::Target;
//! # use oras::store::memory::MemoryStore;
//! # use oras::{Descriptor, MediaType};
//! # let (from, to) = (MemoryStore::new(), MemoryStore::new());
//! # let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
//! # from.push_reference(&blob, &mut &b"hello"[..], "v1")?;
//!
//! let bytes = Arc::new(AtomicU64::new(0));
//! let counter = Arc::clone(&bytes);
//! let mut options = CopyOptions::default();
//! options.observer = Some(Observer::new(move |event| {
//!     if let Event::Transferred(descriptor) = event {
//!         counter.fetch_add(descriptor.size, Ordering::Relaxed);
//!     }
//!     Ok(())
//! }));
//! copy(&from, "v1", &to, Some("v1"), &mut options)?;
//! assert_eq!(bytes.load(Ordering::Relaxed), 5);
//! # Ok::<(), oras::Error>(())
//! ```
//!
//! # Cancelling
//!
//! The value that stops the operation is the [source](std::error::Error::source) of the error. Here
//! the limit of a transfer is 3 bytes:
//!
//! ```
//! use std::error::Error as _;
//!
//! use oras::copy::{CopyOptions, copy};
//! use oras::progress::{Event, Observer};
//! # use oras::store::Target;
//! # use oras::store::memory::MemoryStore;
//! # use oras::{Descriptor, Error, MediaType};
//! # let (from, to) = (MemoryStore::new(), MemoryStore::new());
//! # let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
//! # from.push_reference(&blob, &mut &b"hello"[..], "v1")?;
//!
//! #[derive(Debug, PartialEq)]
//! struct LimitReached(u64);
//!
//! impl std::fmt::Display for LimitReached {
//!     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
//!         write!(f, "more than {} bytes", self.0)
//!     }
//! }
//!
//! impl std::error::Error for LimitReached {}
//!
//! let mut options = CopyOptions::default();
//! options.observer = Some(Observer::new(|event| match event {
//!     Event::Transferring { done, .. } if *done > 3 => Err(LimitReached(3).into()),
//!     _ => Ok(()),
//! }));
//! let error = copy(&from, "v1", &to, Some("v1"), &mut options).unwrap_err();
//! assert!(matches!(error, Error::Cancelled { .. }));
//! let cause = error.source().and_then(|source| source.downcast_ref());
//! assert_eq!(cause, Some(&LimitReached(3)));
//! # Ok::<(), oras::Error>(())
//! ```
//!
//! # Observing from another thread
//!
//! The observer runs on the thread of the operation, which waits for it. A channel passes the
//! events to another thread. A closed channel stops the operation:
//!
//! ```
//! use std::sync::mpsc;
//!
//! use oras::Digest;
//! use oras::progress::{Event, Observer};
//! use oras::store::memory::MemoryStore;
//! use oras::store::{Source, Target};
//! use oras::{Descriptor, MediaType};
//!
//! let (sender, receiver) = mpsc::channel();
//! let observer = Observer::new(move |event| {
//!     if let Event::Transferring { descriptor, done, total, .. } = event {
//!         sender.send((descriptor.digest.clone(), *done, *total))?;
//!     }
//!     Ok(())
//! });
//! let worker = std::thread::spawn(move || {
//!     observer.scope(|| {
//!         let store = MemoryStore::new();
//!         let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
//!         oras::push::push_blob(&store, &blob, &mut &b"hello"[..])
//!     })
//! });
//! for (digest, done, total) in receiver {
//!     println!("{digest}: {done} of {total} bytes");
//! }
//! worker.join().unwrap()?;
//! # Ok::<(), oras::Error>(())
//! ```
//!
//! # Details
//!
//! - The current observer belongs to the thread, and scopes can be nested: the innermost observer
//!   receives the events, and the one of the outer scope is current again at the end of the inner
//!   one, also after a panic. A verb without an observer reports to the current one.
//! - A clone is the same observer. If several threads use it, it is called by one at a time.
//! - Events that the observer itself causes, by calling verbs, are not reported.

mod event;
pub(crate) mod sync;

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fmt, io};

pub use self::event::{Event, Totals};
use crate::error::{BoxError, Error, Result};

/// A function that receives events inside the library.
pub(crate) type Report<'a> = dyn FnMut(&Event<'_>) -> Result<()> + Send + 'a;

type Callback = dyn FnMut(&Event<'_>) -> Result<(), BoxError> + Send;

/// Receives the events of operations. See the [module](self) for examples.
#[derive(Clone)]
pub struct Observer(Arc<Mutex<Callback>>);

impl Observer {
    /// Creates an observer that calls `callback` with each event. An error stops the operation,
    /// which returns it as the source of [`Error::Cancelled`].
    pub fn new(callback: impl FnMut(&Event<'_>) -> Result<(), BoxError> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(callback)))
    }

    /// Returns the current observer of the thread.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Returns an observer that passes some events to this one.
    pub(crate) fn filtered(self, passes: fn(&Event<'_>) -> bool) -> Self {
        Self::new(move |event| {
            if !passes(event) {
                return Ok(());
            }
            self.notify(event)
        })
    }

    /// Calls the callback.
    fn notify(&self, event: &Event<'_>) -> Result<(), BoxError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)(event)
    }

    /// Calls `operation` with this observer as the current one of the thread.
    pub fn scope<R>(&self, operation: impl FnOnce() -> R) -> R {
        let _scope = Scope::start(Some(self.clone()));
        operation()
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Observer>> = const { RefCell::new(None) };
    static EVENTS: Cell<u64> = const { Cell::new(0) };
    static OPERATION: Cell<Current> = const { Cell::new(Current::None) };
}

/// The operation of the thread.
#[derive(Clone, Copy)]
enum Current {
    None,
    /// It has sent no request.
    Idle,
    Started(Operation),
}

/// An operation that has sent a request. Its time is limited, and its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The time of the first request.
    pub(crate) start: SystemTime,
    /// The time since the last response that its requests waited, without the time of transfers.
    pub(crate) silence: Duration,
}

/// A change of the current observer and of the operation of the thread, until it is dropped.
pub(crate) struct Scope {
    observer: Option<Observer>,
    operation: Current,
}

impl Scope {
    fn start(observer: Option<Observer>) -> Self {
        Self {
            observer: CURRENT.replace(observer),
            operation: OPERATION.get(),
        }
    }

    /// Starts an operation, or a part of the current one. Makes the observer of a verb the current
    /// one; without one, the current observer stays.
    pub(crate) fn of_verb(observer: Option<&Observer>) -> Self {
        let scope = Self::start(observer.cloned().or_else(Observer::current));
        if let Current::None = scope.operation {
            OPERATION.set(Current::Idle);
        }
        scope
    }

    /// Continues an operation, if the thread has none that has sent a request.
    pub(crate) fn of_operation(operation: Operation) -> Self {
        let scope = Self::of_verb(None);
        if let Current::Idle = OPERATION.get() {
            OPERATION.set(Current::Started(operation));
        }
        scope
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.observer.take());
        // The time and silence of an operation are those of all its parts.
        if let Current::None = self.operation {
            OPERATION.set(Current::None);
        }
    }
}

/// Returns the operation of the thread. If it has sent no request, it sends its first one `now`.
pub(crate) fn operation(now: SystemTime) -> Operation {
    if let Current::Started(operation) = OPERATION.get() {
        return operation;
    }
    let operation = Operation {
        start: now,
        silence: Duration::ZERO,
    };
    if let Current::Idle = OPERATION.get() {
        OPERATION.set(Current::Started(operation));
    }
    operation
}

/// Sets the silence of the operation of the thread, if it has sent a request.
pub(crate) fn set_silence(silence: Duration) {
    if let Current::Started(operation) = OPERATION.get() {
        OPERATION.set(Current::Started(Operation {
            silence,
            ..operation
        }));
    }
}

/// Separates the failure of a step, which the caller handles, from [`Error::Cancelled`], which ends
/// the operation.
pub(crate) fn unless_cancelled<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error @ Error::Cancelled { .. }) => Err(error),
        result => Ok(result),
    }
}

/// The number of events that the thread reported.
pub(crate) fn event_count() -> u64 {
    EVENTS.get()
}

/// Whether the thread has a current observer.
pub(crate) fn is_observed() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Reports an event to the current observer of the thread, if there is one.
///
/// The library does so for all its operations. Implementations of
/// [`Transport`](crate::http::Transport), [`Source`](crate::store::Source) or
/// [`Target`](crate::store::Target) call it in waits and long computations, so that callers can
/// cancel them.
///
/// # Errors
///
/// [`Error::Cancelled`] if the observer returns an error. Pass it on, in a transport with `?`: the
/// operation must end.
pub fn report(event: &Event<'_>) -> Result<()> {
    EVENTS.set(event_count().wrapping_add(1));
    let Some(observer) = Observer::current() else {
        return Ok(());
    };
    // The observer's own calls are not reported to it: they would wait for each other.
    let _scope = Scope::start(None);
    (observer.notify(event)).map_err(|source| Error::Cancelled { source })
}

/// The error that ends a read after too many waits.
#[derive(Debug)]
struct TooManyWaits;

impl fmt::Display for TooManyWaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the read took too long")
    }
}

impl std::error::Error for TooManyWaits {}

/// Reads content that is not worth a long wait. The read ends at the event [`Event::Waiting`] with
/// the number `waits`. Returns `None` if it failed.
///
/// # Errors
///
/// [`Error::Cancelled`] of the current observer.
pub(crate) fn with_few_waits<T>(
    waits: u32,
    read: impl FnOnce() -> io::Result<T>,
) -> Result<Option<T>> {
    let current = Observer::current();
    let mut count = 0;
    let observer = Observer::new(move |event| {
        if let Some(current) = &current {
            current.notify(event)?;
        }
        count += u32::from(matches!(event, Event::Waiting { .. }));
        if count >= waits {
            return Err(TooManyWaits.into());
        }
        Ok(())
    });
    match observer.scope(read).map_err(io::Error::downcast) {
        Ok(value) => Ok(Some(value)),
        Err(Ok(Error::Cancelled { source })) if !source.is::<TooManyWaits>() => {
            Err(Error::Cancelled { source })
        }
        Err(_) => Ok(None),
    }
}

/// Time between two events of a wait that goes on in steps.
const WAIT_INTERVAL: Duration = Duration::from_millis(250);

/// A wait in steps, which is reported.
pub(crate) struct Wait<'a> {
    host: &'a str,
    waited: Duration,
    next: Duration,
}

impl<'a> Wait<'a> {
    /// Starts a wait for a server, a program or a lock.
    pub(crate) const fn new(host: &'a str) -> Self {
        Self {
            host,
            waited: Duration::ZERO,
            next: WAIT_INTERVAL,
        }
    }

    /// Adds a step. The error is that of [`report`].
    pub(crate) fn advance(&mut self, step: Duration) -> Result<()> {
        self.waited += step;
        if self.waited < self.next {
            return Ok(());
        }
        self.next = self.waited + WAIT_INTERVAL;
        report(&Event::waiting(self.host, self.waited))
    }
}

#[cfg(test)]
mod tests;
