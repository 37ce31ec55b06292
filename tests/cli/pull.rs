//! `oras pull`.

transcripts! {
    "pull":
    config,
    files,
    formats,
    indexes,
    left_out,
    oddities,
    platforms,
    wrong_targets,
}
