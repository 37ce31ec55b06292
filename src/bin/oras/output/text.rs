//! Parts of text output: target names, sizes and durations.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A target in text output: `[registry] localhost:5000/hello:v1`.
pub(crate) struct TargetName<'a> {
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
}

impl fmt::Display for TargetName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.kind, self.name)
    }
}

/// Removes control characters, line separators, and overrides of the text direction: untrusted
/// names could move the cursor of the terminal, or show `a<U+202E>gpj.exe` as `aexe.jpg`. Other
/// invisible characters stay, because some scripts need them in names.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let is_removed = |character: char| {
        character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(is_removed) {
        Cow::Owned(text.replace(is_removed, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// A number of bytes in units of 1024, with at most four characters before the unit: `900  B`,
/// `12.5 KB`, `3 MB`.
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most three significant digits are printed"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];

        let largest = UNITS.len() - 1;
        let step = (0..largest)
            .find(|&step| self.0 >> (10 * (step + 1)) == 0)
            .unwrap_or(largest);
        let quantity = self.0 as f64 / (1_u64 << (10 * step)) as f64;
        let rounded = if quantity < 10.0 {
            (quantity * 100.0).round() / 100.0
        } else if quantity < 100.0 {
            (quantity * 10.0).round() / 10.0
        } else {
            quantity.round()
        };
        write!(f, "{rounded} {:>2}", UNITS[step])
    }
}

/// A duration, rounded to seconds, milliseconds or microseconds: `1m5s`, `27ms`, `385µs`.
pub(crate) struct Elapsed(pub(crate) Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NANOS_IN_MICRO: u128 = 1_000;
        const NANOS_IN_MILLI: u128 = 1_000_000;
        const NANOS_IN_SECOND: u128 = 1_000_000_000;

        let nanos = self.0.as_nanos();
        let unit = if nanos > NANOS_IN_SECOND {
            NANOS_IN_SECOND
        } else if nanos > NANOS_IN_MILLI {
            NANOS_IN_MILLI
        } else {
            NANOS_IN_MICRO
        };
        let rounded = (nanos + unit / 2) / unit * unit;
        if rounded == 0 {
            return f.write_str("0s");
        }
        if rounded < NANOS_IN_MILLI {
            return write!(f, "{}µs", rounded / NANOS_IN_MICRO);
        }
        if rounded < NANOS_IN_SECOND {
            return write!(f, "{}ms", rounded / NANOS_IN_MILLI);
        }
        let seconds = rounded / NANOS_IN_SECOND;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_characters_that_change_other_text() {
        for (text, line) in [
            ("a\u{1b}[31m\nb\u{9b}", "a[31mb"),
            ("a\u{202e}gpj.exe\u{2066}\u{2028}", "agpj.exe"),
            (
                "\u{6cc}\u{200c}\u{6cc} \u{1f469}\u{200d}\u{1f52c}",
                "\u{6cc}\u{200c}\u{6cc} \u{1f469}\u{200d}\u{1f52c}",
            ),
        ] {
            assert_eq!(one_line(text), line);
        }
    }

    #[test]
    fn a_size_has_at_most_four_characters_and_a_unit() {
        for (bytes, wanted) in [
            (0, "0  B"),
            (900, "900  B"),
            (1023, "1023  B"),
            (1024, "1 KB"),
            (7680, "7.5 KB"),
            (12_800, "12.5 KB"),
            (13_824, "13.5 KB"),
            (101_000, "98.6 KB"),
            (1_048_575, "1024 KB"),
            (3 << 20, "3 MB"),
            (1_500_000_000, "1.4 GB"),
            (2 << 40, "2 TB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(Size(bytes).to_string(), wanted);
        }
    }

    #[test]
    fn durations_are_rounded_to_the_unit_below() {
        for (nanos, wanted) in [
            (0, "0s"),
            (499, "0s"),
            (385_400, "385µs"),
            (999_600, "1ms"),
            (1_000_000, "1ms"),
            (27_499_999, "27ms"),
            (999_500_000, "1s"),
            (1_000_000_000, "1s"),
            (1_499_999_999, "1s"),
            (65_000_000_000, "1m5s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(Elapsed(Duration::from_nanos(nanos)).to_string(), wanted);
        }
    }
}
