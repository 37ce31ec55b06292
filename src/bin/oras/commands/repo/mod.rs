//! `oras repo …`

pub(crate) mod ls;
pub(crate) mod tags;
