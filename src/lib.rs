//! OCI registries as storage.
#![forbid(unsafe_code)]
