//! Tests of the library and of the test support.
#![allow(
    clippy::unwrap_used,
    reason = "a helper that cannot go on stops the test, as the test itself would"
)]

#[macro_use]
#[path = "../support/updated.rs"]
mod updated;

#[path = "../support/mod.rs"]
mod support;

mod artifacts;
mod observers;
mod setup;

mod addresses;
mod annotate;
mod architecture;
mod attach;
mod auth;
mod backup;
mod batches;
mod blobs;
mod cache;
mod catalog;
mod check;
mod conformance;
mod connections;
#[cfg(feature = "archive")]
mod content_encoding;
mod copy;
mod copy_failures;
mod deletion;
mod discover;
mod errors;
mod executable;
mod fault_matrix;
#[cfg(unix)]
mod fuzz;
mod hostile;
mod implementations;
mod index;
mod limits;
mod manifests;
mod pagination;
mod progress;
mod proxies;
mod public_api;
mod pull;
mod pull_again;
mod pull_referrers;
mod push;
mod push_blob_and_manifest;
mod ranges;
mod raw_request;
mod redirects;
mod references;
mod referrers;
mod registry_quirks;
mod response_heads;
mod retry;
mod slow_servers;
mod stack_depth;
mod support_tests;
mod tag;
mod test_registry;
mod threads;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
mod uploads;
mod views;
mod warnings;
