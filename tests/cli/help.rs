//! Help.

transcripts! {
    "help":
    pages,
    ways_to_help,
}
