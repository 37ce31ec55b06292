//! Layouts as targets.

transcripts! {
    "layout":
    broken,
    reading,
}
