//! The set of flags present on the command line (`Changed` in pflag).
//!
//! Owns the rules between flags: exclusive flags and required flags. They depend on presence, not
//! on values: `--username=` is present although its value is empty. Must not know the values.

use std::collections::BTreeSet;

use super::error::UsageError;
use super::flag::Side;

/// Long names of the flags on the command line.
#[derive(Debug, Default)]
pub(crate) struct SetFlags {
    longs: BTreeSet<String>,
    /// The side to which the flags belong, if the prefix of that side was removed.
    side: Option<Side>,
}

impl SetFlags {
    /// The flags of one side of a command with two targets, without the prefix of that side.
    pub(crate) fn for_side(&self, side: Side) -> Self {
        let longs = self
            .longs
            .iter()
            .filter_map(|long| long.strip_prefix(side.prefix()));
        Self {
            longs: longs.map(str::to_owned).collect(),
            side: Some(side),
        }
    }

    /// Whether these are the flags of one side.
    pub(crate) const fn is_one_side(&self) -> bool {
        self.side.is_some()
    }

    /// Whether this flag is present.
    pub(crate) fn contains(&self, long: &str) -> bool {
        self.longs.contains(long)
    }

    /// A flag as typed, for messages: `--from-username`.
    pub(crate) fn typed(&self, long: &str) -> String {
        format!("--{}{long}", self.side.map_or("", Side::prefix))
    }

    /// Rejects more than one of these flags. The error lists those present, in this order.
    pub(crate) fn exclusive(&self, longs: &[&str]) -> Result<(), UsageError> {
        let flags: Vec<String> = longs
            .iter()
            .filter(|long| self.contains(long))
            .map(|long| self.typed(long))
            .collect();
        if flags.len() > 1 {
            Err(UsageError::exclusive(&flags))
        } else {
            Ok(())
        }
    }

    /// Rejects the absence of any of these flags.
    pub(crate) fn required(&self, longs: &[&'static str]) -> Result<(), UsageError> {
        let flags: Vec<_> = longs
            .iter()
            .copied()
            .filter(|long| !self.contains(long))
            .collect();
        if flags.is_empty() {
            Ok(())
        } else {
            Err(UsageError::required_flags(&flags))
        }
    }

    pub(super) fn insert(&mut self, long: String) {
        self.longs.insert(long);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(longs: &[&str]) -> SetFlags {
        SetFlags {
            longs: longs.iter().map(ToString::to_string).collect(),
            side: None,
        }
    }

    #[test]
    fn exclusive_flags_are_named_in_the_order_of_the_rule() {
        let rule = ["password", "identity-token", "password-stdin"];
        let error = |longs: &[&str]| {
            set(longs)
                .exclusive(&rule)
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(error(&[]), None);
        assert_eq!(error(&["identity-token", "username"]), None);
        assert_eq!(
            error(&["password-stdin", "password"]).as_deref(),
            Some("--password, --password-stdin cannot be used at the same time")
        );
    }

    #[test]
    fn flags_of_different_sides_are_not_exclusive() {
        let flags = set(&["from-username", "to-identity-token", "from-identity-token"]);
        let error = |side| {
            flags
                .for_side(side)
                .exclusive(&["username", "identity-token"])
                .err()
                .map(|e| e.to_string())
        };
        assert_eq!(error(Side::Destination), None);
        assert_eq!(
            error(Side::Source).as_deref(),
            Some("--from-username, --from-identity-token cannot be used at the same time")
        );
    }

    #[test]
    fn required_flags_are_all_named() {
        assert!(set(&["output"]).required(&["output"]).is_ok());
        assert_eq!(
            set(&[]).required(&["output"]).unwrap_err().to_string(),
            r#"required flag(s) "output" not set"#
        );
        assert_eq!(
            set(&["b"])
                .required(&["a", "b", "c"])
                .unwrap_err()
                .to_string(),
            r#"required flag(s) "a", "c" not set"#
        );
    }
}
