//! `oras blob delete`.

transcripts! {
    "blob_delete":
    blobs,
    layouts,
    wrong_targets,
}
