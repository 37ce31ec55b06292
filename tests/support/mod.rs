//! Shared test support: a registry with injectable faults, directories, trees, golden files and a
//! runner for the command.
//!
//! A plain module tree that each test binary includes. It implements HTTP and the distribution
//! specification without the library under test, so that a defect of the library cannot hide in its
//! tests. The one exception is the clock, which implements a trait of the library.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]
#![allow(
    clippy::disallowed_methods,
    reason = "the library gets time, threads and environment from its caller, here the tests"
)]
#![allow(unreachable_pub, reason = "`pub` items are for the tests")]

pub mod canaries;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod closed_port;
pub mod golden;
pub mod mounted;
pub mod mutations;
pub mod prerequisites;
pub mod proxy;
#[cfg(all(unix, feature = "cli"))]
pub mod readme;
pub mod registry;
pub mod relay;
pub mod rng;
#[cfg(all(unix, feature = "cli", feature = "tls"))]
pub mod scenario;
#[cfg(all(unix, feature = "cli"))]
pub mod screen;
pub mod tempdir;
#[cfg(all(unix, feature = "cli"))]
pub mod terminal;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(all(unix, feature = "cli", feature = "tls"))]
pub mod transcript;
pub mod tree;

/// Prints on the terminal that a test is skipped. The harness would capture output of a passing
/// test.
pub fn skip(reason: &str) {
    use std::io::Write as _;

    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}
