//! Which flags were typed, whatever their value.
//!
//! Owns the rules between flags: some exclude each other, some are required. They go by what was typed: `--username=` is given,
//! though it is empty. Must not know the values.

use std::collections::BTreeSet;

use super::error::UsageError;
use super::table::Side;

/// Long names of the flags on the command line.
#[derive(Debug, Default)]
pub(crate) struct SetFlags {
    longs: BTreeSet<String>,
    /// Of which side these are the flags, without its prefix.
    side: Option<Side>,
}

impl SetFlags {
    /// The flags of one side of a command with two targets, known by the names they have without it.
    pub(crate) fn on(&self, side: Side) -> Self {
        let longs = self
            .longs
            .iter()
            .filter_map(|long| long.strip_prefix(side.prefix()));
        Self {
            longs: longs.map(str::to_owned).collect(),
            side: Some(side),
        }
    }

    /// Whether these are the flags of one side only.
    pub(crate) const fn is_one_side(&self) -> bool {
        self.side.is_some()
    }

    /// Whether this flag was typed.
    pub(crate) fn contains(&self, long: &str) -> bool {
        self.longs.contains(long)
    }

    /// A flag as it is typed, for messages: `--from-username`.
    pub(crate) fn typed(&self, long: &str) -> String {
        format!("--{}{long}", self.side.map_or("", Side::prefix))
    }

    /// Refuses more than one of these flags. The error lists those given, in this order.
    pub(crate) fn exclusive(&self, longs: &[&str]) -> Result<(), UsageError> {
        let flags: Vec<String> = longs
            .iter()
            .filter(|long| self.contains(long))
            .map(|long| self.typed(long))
            .collect();
        if flags.len() > 1 {
            Err(UsageError::Exclusive { flags })
        } else {
            Ok(())
        }
    }

    /// Refuses the absence of any of these flags.
    pub(crate) fn required(&self, longs: &[&'static str]) -> Result<(), UsageError> {
        let flags: Vec<_> = longs
            .iter()
            .copied()
            .filter(|long| !self.contains(long))
            .collect();
        if flags.is_empty() {
            Ok(())
        } else {
            Err(UsageError::RequiredFlags { flags })
        }
    }

    pub(super) fn insert(&mut self, long: String) {
        self.longs.insert(long);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(longs: &[&str]) -> SetFlags {
        SetFlags {
            longs: longs.iter().map(ToString::to_string).collect(),
            side: None,
        }
    }

    #[test]
    fn flags_that_exclude_each_other_are_named_in_the_order_of_the_rule() {
        let rule = ["password", "identity-token", "password-stdin"];
        let error = |longs: &[&str]| {
            given(longs)
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
    fn the_flags_of_one_side_do_not_exclude_those_of_the_other() {
        let given = given(&["from-username", "to-identity-token", "from-identity-token"]);
        let error = |side| {
            given
                .on(side)
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
        assert!(given(&["output"]).required(&["output"]).is_ok());
        assert_eq!(
            given(&[]).required(&["output"]).unwrap_err().to_string(),
            r#"required flag(s) "output" not set"#
        );
        assert_eq!(
            given(&["b"])
                .required(&["a", "b", "c"])
                .unwrap_err()
                .to_string(),
            r#"required flag(s) "a", "c" not set"#
        );
    }
}
