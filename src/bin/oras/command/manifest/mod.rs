//! `oras manifest …`

pub(crate) mod fetch;
pub(crate) mod index;
