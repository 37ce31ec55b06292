//! `oras pull`.

transcripts! {
    "pull":
    config,
    files,
    formats,
    indexes,
    oddities,
    platforms,
    wrong_targets,
}
