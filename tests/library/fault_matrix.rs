//! Each operation with each fault of the network or the server: once, and every time.
//!
//! The results are the table in the section "Reliability" of the README. No fault may make an
//! operation return wrong content, take too long, or leave temporary files behind.
#![expect(
    clippy::disallowed_methods,
    reason = "the test measures real time, and updates the README if the environment says so"
)]

mod faults;
mod operations;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use oras::Error;

use faults::{FAULTS, Injection};
use operations::{OPERATIONS, Operation, Scene};

/// The longest wait of an operation between its attempts, in virtual time.
const MAX_WAIT: Duration = Duration::from_secs(150);
/// The longest operation, in real time. The client gives up after a short silence,
/// three times at most.
const MAX_TIME: Duration = Duration::from_secs(15);
/// Rows that are tested at the same time. Most of them wait.
const THREADS: usize = 16;

/// Returns the exit status of the command for an error, as the README lists them.
fn exit_status(error: &Error) -> u8 {
    if error.is_not_found() {
        return 3;
    }
    if error.is_unauthorized() {
        return 4;
    }
    match error.root() {
        Error::Verification { .. } => 6,
        Error::Refused(refusal) => match refusal.status {
            408 | 429 | 500.. => 5,
            _ => 1,
        },
        Error::Transport { .. } | Error::Protocol { .. } => 5,
        _ => 1,
    }
}

/// The name of an error in the table.
fn name(error: &Error) -> String {
    match error.root() {
        Error::Transport { kind, .. } => format!("`Transport`, `{kind:?}`"),
        Error::Refused(refusal) => format!("`Refused`, {}", refusal.status),
        other => {
            let debug = format!("{other:?}");
            let end = debug.find(|c: char| !c.is_alphanumeric());
            format!("`{}`", &debug[..end.unwrap_or(debug.len())])
        }
    }
}

/// Runs an operation. Returns its error, if any.
fn run(operation: &Operation, injection: &Injection, times: Option<usize>) -> Option<Error> {
    let scene = Scene::new(operation, injection, times);
    let start = Instant::now();
    let result = (operation.run)(&scene);
    let (time, waited) = (start.elapsed(), scene.waited());
    assert!(time <= MAX_TIME, "{} took {time:?}", operation.name);
    assert!(waited <= MAX_WAIT, "{} waited {waited:?}", operation.name);
    (operation.check)(&scene, result.is_ok());
    scene.check_no_leftovers();
    result.err()
}

/// A row of the table.
fn row(fault: &str, injection: &Injection) -> String {
    let mut row = format!("| {fault} |");
    let mut errors = Vec::new();
    for operation in &OPERATIONS {
        if !injection.applies_to(operation) {
            row.push_str("  |");
            continue;
        }
        let mark = |error: &Option<Error>| match error {
            None => "✓".to_owned(),
            Some(error) => exit_status(error).to_string(),
        };
        let run = |times| {
            // The output of a failed test names the cell.
            let cell = format!("{fault}, {}, {times:?} times", operation.name);
            std::panic::catch_unwind(|| run(operation, injection, times))
                .unwrap_or_else(|_| panic!("{cell}"))
        };
        let once = run(Some(1));
        let always = run(None);
        let (once_mark, always_mark) = (mark(&once), mark(&always));
        if once_mark == always_mark {
            let _ = write!(row, " {once_mark} |");
        } else {
            let _ = write!(row, " {once_mark} {always_mark} |");
        }
        for error in [once, always].into_iter().flatten() {
            let name = name(&error);
            if !errors.contains(&name) {
                errors.push(name);
            }
        }
    }
    let _ = write!(row, " {} |", errors.join("; "));
    row
}

/// The whole table.
fn table() -> String {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(vec![String::new(); FAULTS.len()]);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((fault, injection)) =
                    FAULTS.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let row = row(fault, injection);
                    let index = FAULTS.iter().position(|(it, _)| it == fault).unwrap();
                    rows.lock().unwrap()[index] = row;
                }
            });
        }
    });
    let mut table = "| Fault |".to_owned();
    for operation in &OPERATIONS {
        let _ = write!(table, " {} |", operation.name);
    }
    table.push_str(" Errors |\n|---|");
    table.push_str(&"---|".repeat(OPERATIONS.len() + 1));
    for row in rows.into_inner().unwrap() {
        table.push('\n');
        table.push_str(&row);
    }
    table.push('\n');
    table
}

#[test]
fn the_readme_has_the_result_of_every_fault_for_every_operation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let start = readme.find("| Fault |").expect("the table");
    let end = readme[start..].find("\n\n").expect("the end of the table") + 1;
    let (before, written) = readme.split_at(start);
    let (written, after) = written.split_at(end);
    let table = table();
    println!("{table}");
    if env::var_os("ORAS_UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&path, format!("{before}{table}{after}")).unwrap();
        return;
    }
    for (written, row) in written.lines().zip(table.lines()) {
        assert_eq!(row, written, "ORAS_UPDATE_GOLDEN=1 rewrites the table");
    }
    assert_eq!(written.lines().count(), table.lines().count());
}
