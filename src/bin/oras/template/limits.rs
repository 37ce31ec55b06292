//! What one template may use. Templates are the user's own, but jobs splice texts into them: a slip is an error, and neither
//! an endless wait nor a machine out of memory.

/// A text that a function makes, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 16 << 20;
/// Items of a list that a function makes.
pub(super) const MAX_ITEMS: usize = 1_000_000;
/// What all functions make together: bytes of texts and items of lists.
pub(super) const MAX_MADE: usize = 64 << 20;
/// How many bytes or items that a function looks at count as one that it makes.
pub(super) const READ_FOR_MADE: usize = 2;
/// Rounds of all `range` together.
pub(super) const MAX_ROUNDS: u64 = 1_000_000;
/// Comparisons of one function, each of which looks into lists and dictionaries.
pub(super) const MAX_COMPARED: usize = 50_000_000;
/// Lists and dictionaries within each other.
pub(super) const MAX_NESTED: usize = 200;
/// All `else if` and `else with` of a template.
pub(super) const MAX_CHAINED: usize = 200;
/// What each call of a function or a template counts for, besides what it makes.
pub(super) const COST_OF_CALL: usize = 64;
/// Width and digits of what `printf` prints: what the engine has at most.
pub(super) const MAX_WIDTH: usize = 65_535;
/// What `printf` could make if each of its verbs took the longest of its arguments, in bytes.
pub(super) const MAX_FORMATTED: usize = 64 << 20;
/// Bytes that a template prints.
pub(super) const MAX_PRINTED: usize = 1 << 30;

/// That a text of so many bytes may be made.
pub(super) fn text(bytes: usize) -> Result<(), String> {
    within(bytes, MAX_TEXT_BYTES, "bytes of text")
}

/// That a list of so many items may be made.
pub(super) fn items(count: usize) -> Result<(), String> {
    within(count, MAX_ITEMS, "items in a list")
}

/// That lists and dictionaries may be nested so deep.
pub(super) fn nested(depth: usize) -> Result<(), String> {
    within(depth, MAX_NESTED, "levels of lists and dictionaries")
}

/// That `used` is not more than `limit`.
pub(super) fn within(used: usize, limit: usize, what: &str) -> Result<(), String> {
    if used > limit {
        return Err(format!("too much for a template: more than {limit} {what}"));
    }
    Ok(())
}
