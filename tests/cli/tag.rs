//! `oras tag`.

transcripts! {
    "tag":
    layouts,
    tags,
    wrong_targets,
}
