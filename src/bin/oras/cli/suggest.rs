//! Suggestions for mistyped names.
//!
//! Owns the measure of similarity. Must not know the commands.

/// Returns the names that start with the word or are at most two edits away from it, ignoring case,
/// in
/// their order.
pub(crate) fn similar(
    word: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> Vec<&'static str> {
    let word = word.to_lowercase();
    let resembles =
        |name: &str| name.starts_with(&word) || distance(word.as_bytes(), name.as_bytes()) <= 2;
    names.into_iter().filter(|name| resembles(name)).collect()
}

/// Maximum number of suggestions for a flag.
const MAX_FLAGS: usize = 3;

/// Returns the flags that were probably meant: those at the smallest distance, if that is at most
/// two edits and less than half of the word, or else those that start with the word.
pub(crate) fn similar_flags(word: &str, flags: impl IntoIterator<Item = String>) -> Vec<String> {
    let word = word.to_lowercase();
    let is_close = |edits: usize| edits <= 2 && 2 * edits < word.len();
    let mut close: Vec<(usize, String)> = flags
        .into_iter()
        .map(|flag| (distance(word.as_bytes(), flag.as_bytes()), flag))
        .filter(|(edits, flag)| is_close(*edits) || (!word.is_empty() && flag.starts_with(&word)))
        .collect();
    close.sort();
    let nearest = close.first().map(|(edits, _)| *edits).unwrap_or_default();
    close.retain(|(edits, _)| !is_close(nearest) || *edits == nearest);
    close.truncate(MAX_FLAGS);
    close.into_iter().map(|(_, flag)| flag).collect()
}

/// Number of insertions, deletions and replacements between two words (Levenshtein distance).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_flag_has_suggestions() {
        let flags = [
            "output",
            "platform",
            "plain-http",
            "oci-layout",
            "oci-layout-path",
        ];
        for (word, suggestions) in [
            ("platfrm", &["platform"][..]),
            ("Platform", &["platform"]),
            ("plainhttp", &["plain-http"]),
            ("outptu", &["output"]),
            ("pla", &["platform", "plain-http"]),
            ("oci-layou", &["oci-layout"]),
            ("x", &[]),
            ("", &[]),
            ("nonsense", &[]),
        ] {
            let flags = flags.iter().map(ToString::to_string);
            assert_eq!(similar_flags(word, flags), suggestions, "{word}");
        }
    }

    #[test]
    fn distances_count_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("push", "pull", 2),
            ("manifst", "manifest", 1),
            ("cp", "pc", 2),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), edits, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), edits, "{b} {a}");
        }
    }
}
