//! Registries: the client, and repositories as stores (distribution spec v1.1).
//!
//! A [`Client`] has the connections, the tokens and the capabilities of each registry. A
//! [`Repository`] owns a clone of it, and is a [`Source`](crate::store::Source) and a
//! [`Target`](crate::store::Target) like any other store.
//!
//! This module uses no files and no terminal.

mod blobs;
mod catalog;
mod client;
mod endpoint;
mod existing_blobs;
mod link;
pub(crate) mod login;
mod manifest_retry;
mod manifests;
mod names_after;
mod pagination;
mod raw_request;
mod referrers;
mod repository;
mod stores;
mod tags;
mod upload;

pub use self::client::{Client, ClientBuilder, PlainHttp};
pub use self::raw_request::RawRequest;
pub use self::referrers::ReferrersMode;
pub use self::repository::Repository;
pub use self::stores::{Blobs, Manifests};
pub use self::tags::{TagQuery, Tags};
