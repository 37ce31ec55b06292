//! `--quiet`, which every command takes.

transcripts! {
    "quiet":
    long_name,
    results,
}
