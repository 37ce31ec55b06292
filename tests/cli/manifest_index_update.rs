//! `oras manifest index update`.

transcripts! {
    "manifest_index_update":
    changes,
    foreign,
    layouts,
    outputs,
    wrong_changes,
}
