//! `oras manifest push`.

transcripts! {
    "manifest_push":
    files,
    layouts,
    media_types,
    subjects,
    wrong_targets,
}
