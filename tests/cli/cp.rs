//! `oras cp`.

transcripts! {
    "cp":
    credentials,
    failures,
    force,
    layouts,
    media_types,
    plain_http,
    platforms,
    referrers,
    referrers_of_indexes,
    registries,
    several_platforms,
    tags,
    tls,
    usage,
    within_a_registry,
}
