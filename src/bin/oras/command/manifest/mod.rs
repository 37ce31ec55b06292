//! `oras manifest …`

pub(crate) mod fetch;
