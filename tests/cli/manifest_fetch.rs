//! `oras manifest fetch`.

transcripts! {
    "manifest_fetch":
    media_types,
    oddities,
    output_files,
    outputs,
    platforms,
}
