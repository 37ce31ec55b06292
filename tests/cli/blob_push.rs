//! `oras blob push`.

transcripts! {
    "blob_push":
    files,
    layouts,
    stdin,
    wrong_targets,
}
