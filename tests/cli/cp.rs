//! `oras cp`.

transcripts! {
    "cp":
    credentials,
    failures,
    force,
    layouts,
    platforms,
    referrers,
    referrers_of_indexes,
    registries,
    tags,
    usage,
    within_a_registry,
}
