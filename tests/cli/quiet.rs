//! `--quiet` of all commands.

transcripts! {
    "quiet":
    long_name,
    results,
}
