//! `oras manifest fetch-config`.

transcripts! {
    "manifest_fetch_config":
    layouts,
    outputs,
    platforms,
}
