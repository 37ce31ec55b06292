//! Verbs over any store: annotate, push, pull, attach, copy, backup, restore, discover, index, pack
//! and tag.

pub mod annotate;
pub mod attach;
pub mod backup;
#[cfg(feature = "archive")]
pub mod check;
pub mod copy;
pub mod discover;
pub mod filter;
pub mod graph;
pub mod index;
pub mod pack;
pub mod pull;
pub mod push;
pub mod tag;
