//! `oras blob …`

pub(crate) mod delete;
pub(crate) mod fetch;
pub(crate) mod push;
