//! `oras pull`.

transcripts! {
    "pull":
    config,
    files,
    formats,
    indexes,
    left_out,
    limits,
    oddities,
    platforms,
    selection,
    several,
    stdout,
    unnamed,
    usage,
    wrong_targets,
}
