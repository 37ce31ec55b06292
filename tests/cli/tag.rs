//! `oras tag`.

transcripts! {
    "tag":
    if_absent,
    layouts,
    referrers,
    tags,
    wrong_targets,
}
