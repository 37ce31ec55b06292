//! `--quiet`, which every command takes.

transcripts! {
    "quiet":
    results,
}
