//! `oras blob fetch`.

transcripts! {
    "blob_fetch":
    faults,
    layouts,
    outputs,
    wrong_targets,
}
