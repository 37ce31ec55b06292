//! `oras version`.

transcripts! {
    "version":
    version,
}
