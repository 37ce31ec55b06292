//! Against real registries and the original command, where these are found.
//!
//! | What | Found by |
//! |---|---|
//! | `docker-registry`, CNCF distribution | `ORAS_TEST_DOCKER_REGISTRY`, else `PATH` |
//! | `reference`, the `oras` that this one replaces | `ORAS_TEST_REFERENCE`; not `PATH`, where ours could be |
//!
//! What is not found is skipped, and said so. `ORAS_TEST_REQUIRE=docker-registry,reference` makes that a failure.
//! `ORAS_TEST_LARGE=1` adds files of 2 GiB.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod annotations;
mod attached;
mod backups;
mod basic_auth;
mod caches;
mod client_under_test;
mod compare;
mod content;
mod copies;
mod docker_registry;
mod flags;
mod home;
mod identity;
mod interchange;
mod known_differences;
mod logins;
mod parts;
mod prerequisites;
mod prompts;
mod requests;
mod round_trips;
mod token_server;
