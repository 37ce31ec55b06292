//! `oras attach`.

transcripts! {
    "attach":
    annotations,
    config,
    files,
    formats,
    layouts,
    platforms,
    referrers_tag,
    refusals,
}
