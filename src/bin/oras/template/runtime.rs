//! State that all functions of a running template share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::limits;

/// Environment and clock for template functions, and the used part of the budget.
pub(super) struct Runtime {
    /// Environment variables.
    variables: Vec<(String, String)>,
    /// Time at which the command started.
    pub(super) now: SystemTime,
    budget_used: AtomicUsize,
}

impl Runtime {
    pub(super) const fn new(variables: Vec<(String, String)>, now: SystemTime) -> Self {
        Self {
            variables,
            now,
            budget_used: AtomicUsize::new(0),
        }
    }

    /// The value of an environment variable, empty if it is not set.
    pub(super) fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Charges a call and the size of its result to the budget.
    pub(super) fn charge_call(&self, result_size: usize) -> Result<(), String> {
        self.charge(result_size + limits::CALL_COST)
    }

    /// Charges bytes of a string or items of a list that a function reads.
    pub(super) fn charge_read(&self, count: usize) -> Result<(), String> {
        self.charge(count / limits::READ_PER_UNIT)
    }

    /// Charges a function that compares `count` values, including the items of lists and
    /// dictionaries.
    pub(super) fn charge_comparisons(&self, count: usize) -> Result<(), String> {
        limits::check(count, limits::MAX_COMPARED, "values to compare")?;
        self.charge_read(count)
    }

    fn charge(&self, cost: usize) -> Result<(), String> {
        let used = self.budget_used.fetch_add(cost, Ordering::Relaxed) + cost;
        limits::check(used, limits::MAX_BUDGET, "bytes and items made in all")
    }
}
