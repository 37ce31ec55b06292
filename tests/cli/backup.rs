//! `oras backup`.

transcripts! {
    "backup":
    archives,
    directories,
    lists_of_referrers,
    referrers,
    tags,
    wrong,
}
