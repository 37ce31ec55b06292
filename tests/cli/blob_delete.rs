//! `oras blob delete`.

transcripts! {
    "blob_delete":
    blobs,
    layouts,
    parts,
    wrong_targets,
}
