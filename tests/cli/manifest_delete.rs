//! `oras manifest delete`.

transcripts! {
    "manifest_delete":
    force,
    layouts,
    parts,
    questions,
    refusals,
    wrong_targets,
}
