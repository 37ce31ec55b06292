//! Unit tests of observers and operations.

use std::panic::{AssertUnwindSafe, catch_unwind};

use std::error::Error as _;

use super::*;

/// An observer that appends the titles of events to `log`, with a prefix.
fn logging(prefix: &'static str, log: &Arc<Mutex<Vec<String>>>) -> Observer {
    let log = Arc::clone(log);
    Observer::new(move |event| {
        if let Event::Preparing(title) = event {
            log.lock().unwrap().push(format!("{prefix}{title}"));
        }
        Ok(())
    })
}

fn prepare(title: &str) {
    report(&Event::Preparing(title)).unwrap();
}

#[test]
fn the_innermost_scope_receives_events_and_restores_the_outer_one() {
    let log = Arc::default();
    let (outer, inner) = (logging("outer ", &log), logging("inner ", &log));
    prepare("1");
    outer.scope(|| {
        prepare("2");
        inner.scope(|| prepare("3"));
        let panicked = catch_unwind(AssertUnwindSafe(|| inner.scope(|| panic!("oh"))));
        assert!(panicked.is_err());
        drop(Scope::of_verb(None));
        prepare("4");
    });
    prepare("5");
    assert_eq!(*log.lock().unwrap(), ["outer 2", "inner 3", "outer 4"]);
}

#[test]
fn events_that_the_observer_causes_are_skipped() {
    let count = Arc::new(Mutex::new(0));
    let calls = Arc::clone(&count);
    let observer = Observer::new(move |event| {
        *calls.lock().unwrap() += 1;
        report(event)?;
        Ok(())
    });
    observer.scope(|| prepare("x"));
    observer.scope(|| prepare("y"));
    assert_eq!(*count.lock().unwrap(), 2);
}

#[test]
fn an_observer_that_panicked_is_called_again() {
    let log = Arc::default();
    let inner = logging("", &log);
    let observer = Observer::new(move |event| match event {
        Event::Preparing("panic") => panic!("oh"),
        event => inner.0.lock().unwrap()(event),
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| observer.scope(|| prepare("panic"))));
    assert!(panicked.is_err());
    observer.scope(|| prepare("x"));
    assert_eq!(*log.lock().unwrap(), ["x"]);
}

#[test]
fn the_parts_of_an_operation_have_the_time_of_its_first_request_and_its_silence() {
    let started = |start, silence| Operation {
        start: SystemTime::UNIX_EPOCH + Duration::from_secs(start),
        silence: Duration::from_secs(silence),
    };
    let operation_at = |now| operation(started(now, 0).start);
    assert_eq!(operation_at(1), started(1, 0));
    let whole = Scope::of_verb(None);
    {
        let _part = Scope::of_verb(None);
        assert_eq!(operation_at(2), started(2, 0));
        set_silence(Duration::from_secs(7));
    }
    assert_eq!(operation_at(3), started(2, 7));
    {
        let _part = Scope::of_operation(started(1, 1));
        assert_eq!(operation_at(3), started(2, 7));
    }
    drop(whole);
    assert_eq!(operation_at(4), started(4, 0));
    set_silence(Duration::from_secs(7));
    assert_eq!(operation_at(4), started(4, 0));
    let _continued = Scope::of_operation(started(1, 1));
    assert_eq!(operation_at(5), started(1, 1));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "callers have threads")]
fn other_threads_have_no_observer() {
    let log = Arc::default();
    let observer = logging("", &log);
    observer.scope(|| std::thread::spawn(|| prepare("x")).join().unwrap());
    assert!(log.lock().unwrap().is_empty());
}

#[test]
fn the_error_of_the_observer_passes_unchanged_through_all_wrappers() {
    #[derive(Debug)]
    struct Stopped;
    impl fmt::Display for Stopped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("stopped by the user")
        }
    }
    impl std::error::Error for Stopped {}

    let observer = Observer::new(|_| Err(Stopped.into()));
    let error = observer.scope(|| report(&Event::NoFiles)).unwrap_err();
    assert_eq!(error.chain().to_string(), "cancelled: stopped by the user");
    let error = Error::io(crate::error::IoOp::Read, "x")(error.into_io()).context("y");
    assert!(matches!(error, Error::Cancelled { .. }));
    assert!(error.source().unwrap().is::<Stopped>());
}
