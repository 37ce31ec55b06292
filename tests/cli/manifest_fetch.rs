//! `oras manifest fetch`.

transcripts! {
    "manifest_fetch":
    media_types,
    oddities,
    outputs,
    platforms,
}
