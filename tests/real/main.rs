//! Tests against real registries and the original command, if these are installed.
//!
//! | Program | Found by |
//! |---|---|
//! | `docker-registry`, CNCF distribution | `ORAS_TEST_DOCKER_REGISTRY`, else `PATH` |
//! | `reference`, the original `oras` | `ORAS_TEST_REFERENCE`; not `PATH`, which could name this
//! project's `oras` |
//!
//! A test whose program is missing is skipped with a message. With
//! `ORAS_TEST_REQUIRE=docker-registry,reference` it fails.
//! `ORAS_TEST_LARGE=1` adds files of 2 GiB.
#![cfg(unix)]

#[macro_use]
#[path = "../support/updated.rs"]
mod updated;

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
mod readme;
mod repeated_pushes;
mod requests;
mod round_trips;
mod token_server;
