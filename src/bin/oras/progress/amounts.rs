//! The amounts of a transfer: how much is done, how fast, and how long the rest takes.

use std::time::Duration;

use oras::progress::Totals;

use super::layout::bar;
use super::speed::time_left;
use crate::output::text::Size;

/// The part of an operation that is done: of all its files, or of the current item if the size of
/// all is not known.
pub(super) struct Amounts {
    /// Files that are done, and all files, as in `3 of 12`. Empty if there is only one.
    count: String,
    bytes: u64,
    total: Option<u64>,
    /// Whether `total` may grow.
    is_growing: bool,
}

impl Amounts {
    /// Combines the bytes of the current item with the totals of the other ones.
    pub(super) fn new(bytes: u64, total: Option<u64>, totals: Totals) -> Self {
        let plus = if totals.is_complete { "" } else { "+" };
        let count = match totals.total {
            0 | 1 if totals.is_complete => String::new(),
            0 => String::new(),
            all => format!("{} of {all}{plus}", totals.done),
        };
        match totals.total_bytes {
            // Manifests are among the items, but not among the totals.
            Some(all) if !count.is_empty() => Self {
                count,
                bytes: totals.done_bytes.saturating_add(bytes).min(all),
                total: Some(all),
                is_growing: !totals.is_complete,
            },
            _ => Self {
                count,
                bytes,
                total,
                is_growing: false,
            },
        }
    }

    /// Returns the time that the rest takes at this speed, if the rest is known.
    pub(super) fn time_left(&self, speed: u64) -> Option<Duration> {
        let total = self.total.filter(|_| !self.is_growing)?;
        time_left(self.bytes, total, speed)
    }

    /// Lays out the amounts for a terminal with this number of columns.
    pub(super) fn render(&self, columns: usize, speed: Option<u64>, time: &str) -> String {
        let total = self.total.filter(|_| !self.is_growing);
        let percent = total.map_or_else(String::new, |total| {
            format!("{}%", percent(self.bytes, total))
        });
        let plus = if self.is_growing { "+" } else { "" };
        let amount = match self.total {
            Some(total) => format!("{}/{}{plus}", Size(self.bytes), Size(total)),
            None => Size(self.bytes).to_string(),
        };
        let speed = speed.map_or_else(String::new, |speed| format!("{}/s", Size(speed)));
        let parts: &[(&str, usize)] = match columns {
            99.. => {
                let bar = total.map_or_else(String::new, |total| bar(self.bytes, total, 10));
                return join(&[
                    (&bar, 0),
                    (&self.count, 0),
                    (&amount, 15),
                    (&percent, 4),
                    (&speed, 10),
                    (time, 11),
                ]);
            }
            76.. => &[
                (&self.count, 0),
                (&amount, 15),
                (&percent, 4),
                (&speed, 10),
                (time, 11),
            ],
            58.. => &[(&self.count, 0), (&amount, 15), (&percent, 4), (time, 11)],
            48.. => &[(&self.count, 0), (&percent, 4), (time, 11)],
            34.. if total.is_some() => &[(&self.count, 0), (&percent, 4)],
            34.. => &[(&self.count, 0), (&amount, 7)],
            24.. if total.is_some() => &[(&percent, 4)],
            24.. => &[(&amount, 7)],
            _ => &[],
        };
        join(parts)
    }
}

/// Joins parts that are right-aligned to their widths. Empty parts without a width are omitted.
fn join(parts: &[(&str, usize)]) -> String {
    let parts = parts
        .iter()
        .filter(|(part, width)| *width > 0 || !part.is_empty())
        .map(|&(part, width)| format!("{part:>width$}"));
    parts.collect::<Vec<_>>().join(" ")
}

/// Returns the percentage, rounded down: 100 only if all bytes were transferred.
fn percent(bytes: u64, total: u64) -> u64 {
    let percent = (u128::from(bytes) * 100).checked_div(u128::from(total));
    u64::try_from(percent.unwrap_or(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1024 * 1024;

    fn totals(done: u64, total: u64, is_complete: bool) -> Totals {
        let mut totals = Totals::default();
        (totals.done, totals.done_bytes) = (done, done * MB);
        (totals.total, totals.total_bytes) = (total, Some(total * MB));
        totals.is_complete = is_complete;
        totals
    }

    #[test]
    fn the_amounts_are_those_of_all_files_if_they_are_known() {
        let mut directories = totals(1, 3, true);
        directories.total_bytes = None;
        for (name, total, totals, columns, wanted) in [
            (
                "all",
                Some(MB),
                totals(1, 4, true),
                99,
                "[===>      ] 1 of 4     1.5 MB/4 MB  37%     1 MB/s     3s left",
            ),
            (
                "all",
                Some(MB),
                totals(1, 4, true),
                79,
                "1 of 4     1.5 MB/4 MB  37%     1 MB/s     3s left",
            ),
            (
                "all",
                Some(MB),
                totals(1, 4, true),
                58,
                "1 of 4     1.5 MB/4 MB  37%     3s left",
            ),
            (
                "all",
                Some(MB),
                totals(1, 4, true),
                48,
                "1 of 4  37%     3s left",
            ),
            ("all", Some(MB), totals(1, 4, true), 39, "1 of 4  37%"),
            ("all", Some(MB), totals(1, 4, true), 24, " 37%"),
            ("all", Some(MB), totals(1, 4, true), 23, ""),
            (
                "one file",
                Some(MB),
                totals(0, 1, true),
                79,
                "    512 KB/1 MB  50%     1 MB/s     1s left",
            ),
            (
                "one blob",
                Some(MB),
                Totals::default(),
                79,
                "    512 KB/1 MB  50%     1 MB/s     1s left",
            ),
            (
                "a manifest at the end",
                Some(MB),
                totals(4, 4, true),
                39,
                "4 of 4 100%",
            ),
            (
                "unread manifests",
                Some(MB),
                totals(1, 4, false),
                79,
                "1 of 4+    1.5 MB/4 MB+          1 MB/s            ",
            ),
            (
                "directories",
                None,
                directories,
                79,
                "1 of 3          512 KB          1 MB/s            ",
            ),
            ("directories", None, directories, 39, "1 of 3  512 KB"),
        ] {
            let amounts = Amounts::new(MB / 2, total, totals);
            let time = amounts
                .time_left(MB)
                .map(|left| format!("{}s left", left.as_secs()));
            let line = amounts.render(columns, Some(MB), &time.unwrap_or_default());
            assert_eq!(line, wanted, "{name}, {columns} columns");
        }
    }

    #[test]
    fn percentages_are_rounded_down() {
        for (bytes, total, wanted) in [
            (0, 0, 100),
            (0, 1, 0),
            (999, 1000, 99),
            (1000, 1000, 100),
            (u64::MAX, u64::MAX, 100),
        ] {
            assert_eq!(percent(bytes, total), wanted, "{bytes} of {total}");
        }
    }
}
