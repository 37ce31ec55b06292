//! `oras resolve`.

transcripts! {
    "resolve":
    digests,
    platforms,
}
