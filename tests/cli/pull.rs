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
    referrers,
    selection,
    several,
    stdout,
    unnamed,
    usage,
    wrong_targets,
}
