//! Bounds on the work of one template.
//!
//! The template comes from the user, but scripts splice text into it. A mistake should be an error
//! instead of an endless loop or a machine without memory.

/// Bytes of a string that a function returns.
const MAX_TEXT_BYTES: usize = 16 << 20;
/// Items of a list that a function returns.
const MAX_ITEMS: usize = 1_000_000;
/// Budget of a template: bytes of strings and items of lists that all functions return together.
pub(super) const MAX_BUDGET: usize = 64 << 20;
/// Bytes or items that a function reads for each unit of the budget.
pub(super) const READ_PER_UNIT: usize = 2;
/// Iterations of all `range` actions together.
pub(super) const MAX_ITERATIONS: u64 = 1_000_000;
/// Values that one function compares, including the items of lists and dictionaries.
pub(super) const MAX_COMPARED: usize = 50_000_000;
/// Depth of nested lists and dictionaries.
const MAX_NESTING: usize = 200;
/// All `else if` and `else with` of a template: the parser recurses for each.
pub(super) const MAX_ELSE_BRANCHES: usize = 200;
/// Units of the budget for each call of a function or template, besides the size of the result.
pub(super) const CALL_COST: usize = 64;
/// Width and precision of a `printf` directive.
pub(super) const MAX_WIDTH: usize = 65_535;
/// Bytes that `printf` would return if each directive took the longest argument.
pub(super) const MAX_FORMATTED: usize = 64 << 20;
/// Bytes of output.
pub(super) const MAX_OUTPUT: usize = 1 << 30;

/// Checks that a function may return a string of `bytes` bytes.
pub(super) fn check_text(bytes: usize) -> Result<(), String> {
    check(bytes, MAX_TEXT_BYTES, "bytes of text")
}

/// Checks that a function may return a list of `count` items.
pub(super) fn check_items(count: usize) -> Result<(), String> {
    check(count, MAX_ITEMS, "items in a list")
}

/// Checks that lists and dictionaries may be nested `depth` levels deep.
pub(super) fn check_nesting(depth: usize) -> Result<(), String> {
    check(depth, MAX_NESTING, "levels of lists and dictionaries")
}

/// Checks that `used` is at most `limit`.
pub(super) fn check(used: usize, limit: usize, what: &str) -> Result<(), String> {
    if used > limit {
        return Err(format!("too much for a template: more than {limit} {what}"));
    }
    Ok(())
}
