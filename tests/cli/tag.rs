//! `oras tag`.

transcripts! {
    "tag":
    layouts,
    referrers,
    tags,
    wrong_targets,
}
