//! `oras check`.

transcripts! {
    "check":
    connection,
    directories,
    files,
    formats,
    layouts,
    usage,
}
