//! Random numbers for file names and jitter. They are not suitable for secrets.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Length of a [`name`], in characters.
pub(crate) const NAME_DIGITS: usize = 16;

/// Returns random hexadecimal digits for the name of a new file.
pub(crate) fn name() -> String {
    format!("{:0NAME_DIGITS$x}", number())
}

/// Returns a random number in `0.0..1.0`.
pub(crate) fn fraction() -> f64 {
    f64::from(u32::try_from(number() >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

/// Returns a random number from the seed of a hasher, which needs no dependency.
fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_new_and_of_one_length() {
        let names: HashSet<String> = (0..1000).map(|_| name()).collect();
        assert_eq!(names.len(), 1000);
        let is_hexadecimal = |name: &String| name.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(
            names
                .iter()
                .all(|name| name.len() == NAME_DIGITS && is_hexadecimal(name))
        );
    }

    #[test]
    fn fractions_are_spread_from_zero_to_one() {
        let fractions: Vec<f64> = (0..1000).map(|_| fraction()).collect();
        assert!(
            fractions
                .iter()
                .all(|fraction| (0.0..1.0).contains(fraction))
        );
        assert!(fractions.iter().any(|&fraction| fraction < 0.25));
        assert!(fractions.iter().any(|&fraction| fraction >= 0.75));
    }
}
