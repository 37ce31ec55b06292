//! `oras manifest index create`.

transcripts! {
    "manifest_index_create":
    configs,
    indexes,
    layouts,
    outputs,
    wrong_sources,
}
