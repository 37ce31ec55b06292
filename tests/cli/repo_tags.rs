//! `oras repo tags`.

transcripts! {
    "repo_tags":
    layouts,
    tags,
}
