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
    selection,
    several,
    stdout,
    unnamed,
    usage,
    wrong_targets,
}
