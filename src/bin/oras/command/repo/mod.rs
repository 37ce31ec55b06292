//! `oras repo …`

pub(crate) mod tags;
