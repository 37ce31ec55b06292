//! Listings that begin after a name, at registries that ignore the parameter `last`. Pure.
//!
//! The order of names is not known: the distribution spec allows two, and registries have others.
//! A listing that contains the name itself shows that the parameter was ignored.

use crate::limits::MAX_HELD_NAMES;

/// Removes names up to the last one that the caller knows.
pub(super) struct NamesAfter {
    /// The name. `None` as soon as all further names are after it.
    last: Option<String>,
    /// Names that are removed if the name follows.
    held: Vec<String>,
}

impl NamesAfter {
    pub(super) fn new(last: Option<&str>) -> Self {
        Self {
            last: last.map(str::to_owned),
            held: Vec::new(),
        }
    }

    /// Returns the names to report, given those of the next page.
    ///
    /// If all names of the first page are after the name, in byte order or regardless of case, the
    /// registry knows the parameter. Otherwise pages are held until the name follows, or the
    /// listing ends.
    pub(super) fn next_page(&mut self, mut names: Vec<String>) -> Vec<String> {
        let Some(last) = &self.last else {
            return names;
        };
        if let Some(position) = names.iter().position(|name| name == last) {
            names.drain(..=position);
            *self = Self::new(None);
            return names;
        }
        let folded = last.to_ascii_lowercase();
        let is_honoured = self.held.is_empty()
            && (names.iter().all(|name| name > last)
                || names.iter().all(|name| name.to_ascii_lowercase() > folded));
        self.held.append(&mut names);
        if is_honoured && !self.held.is_empty() || self.held.len() > MAX_HELD_NAMES {
            return self.finish();
        }
        Vec::new()
    }

    /// Returns the names to report after the last page.
    pub(super) fn finish(&mut self) -> Vec<String> {
        self.last = None;
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the pages that are reported, and of the end.
    fn reported(last: Option<&str>, pages: &[&str]) -> Vec<String> {
        let mut names = NamesAfter::new(last);
        let mut reported: Vec<String> = pages
            .iter()
            .map(|page| {
                let page = page.split_whitespace().map(str::to_owned).collect();
                names.next_page(page).join(" ")
            })
            .collect();
        reported.push(names.finish().join(" "));
        reported
    }

    #[test]
    fn names_up_to_the_last_one_are_removed() {
        for (last, pages, wanted) in [
            (None, &["a b", "c"][..], &["a b", "c", ""][..]),
            // The registry honours the parameter.
            (Some("b"), &["c d", "e", "b"], &["c d", "e", "b", ""]),
            (Some("b"), &["C d", "e"], &["C d", "e", ""]),
            (Some("B"), &["C a", "b"], &["C a", "b", ""]),
            (Some("b"), &["", "c d"], &["", "c d", ""]),
            // The registry ignores it.
            (Some("b"), &["a b c", "d"], &["c", "d", ""]),
            (Some("b"), &["a", "", "b", "c"], &["", "", "", "c", ""]),
            (Some("1.9"), &["1.10 1.8", "1.9 2.0"], &["", "2.0", ""]),
            (Some("c"), &["a b", "c"], &["", "", ""]),
            // It has an order of its own, or does not have the name: all names are kept.
            (Some("b"), &["d a", "e"], &["", "", "d a e"]),
        ] {
            assert_eq!(reported(last, pages), wanted, "{last:?} {pages:?}");
        }
    }

    #[test]
    fn a_limited_number_of_names_is_held() {
        let mut names = NamesAfter::new(Some("b"));
        let page = vec!["a".to_owned(); MAX_HELD_NAMES];
        assert!(names.next_page(page).is_empty());
        assert_eq!(names.next_page(vec!["c".into()]).len(), MAX_HELD_NAMES + 1);
        assert_eq!(names.next_page(vec!["b".into()]), ["b"]);
    }
}
