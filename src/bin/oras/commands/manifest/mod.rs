//! `oras manifest …`

pub(crate) mod delete;
pub(crate) mod fetch;
pub(crate) mod fetch_config;
pub(crate) mod index;
pub(crate) mod push;
