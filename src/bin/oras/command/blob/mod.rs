//! `oras blob …`

pub(crate) mod fetch;
pub(crate) mod push;
