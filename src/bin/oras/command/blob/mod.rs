//! `oras blob …`

pub(crate) mod delete;
