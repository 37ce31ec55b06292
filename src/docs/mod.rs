//! Guides. These modules have no items.

pub mod from_oci_client;
pub mod from_oras_python;
