//! `oras restore`.

transcripts! {
    "restore":
    archives,
    directories,
    dry_run,
    lists_of_referrers,
    referrers,
    wrong,
}
