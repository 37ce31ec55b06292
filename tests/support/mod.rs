//! The ground every test stands on: a registry that can misbehave, directories, trees, golden files, a runner for the command.
//!
//! A plain module tree, included by each test binary. It knows HTTP, the distribution specification and the file system, and
//! nothing of the library under test: a fault of the library must not hide in the thing that checks it. The one exception is
//! the clock, which has to be one of the library's.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]
#![allow(
    clippy::disallowed_methods,
    reason = "the product asks others for time, threads and environment; its tests are those others"
)]
#![allow(unreachable_pub, reason = "`pub` here means: for the tests")]

pub mod canaries;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod golden;
pub mod prerequisites;
pub mod proxy;
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

/// Says on the terminal that something is not tested: the harness would keep what a passing test prints.
pub fn skip(reason: &str) {
    use std::io::Write as _;

    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}
