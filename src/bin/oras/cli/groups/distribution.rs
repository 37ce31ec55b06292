//! How a registry keeps referrers, where the user knows better than to find out.

use oras::registry::ReferrersMode;

use crate::cli::spec::BadValue;
use crate::cli::{Flag, FlagTable, Stage};

/// The flags of a target whose referrers matter.
#[derive(Default)]
pub(crate) struct Distribution {
    /// Who keeps lists of referrers.
    pub(crate) referrers: ReferrersMode,
}

impl FlagTable for Distribution {
    const FLAGS: &'static [Flag<Self>] = &[Flag::choice(
        "distribution-spec",
        "version",
        "how referrers are kept at the {side}target: v1.1-referrers-tag or v1.1-referrers-api (default: find out)",
        |distribution: &mut Self, text| parse(text).map(|mode| distribution.referrers = mode),
    )
    .values(&["v1.1-referrers-tag", "v1.1-referrers-api"])
    .stage(Stage::Preview)];
}

fn parse(text: &str) -> Result<ReferrersMode, BadValue> {
    match text {
        "v1.1-referrers-tag" => Ok(ReferrersMode::Tag),
        "v1.1-referrers-api" => Ok(ReferrersMode::Api),
        _ => Err(format!(
            "unknown distribution specification flag: {text}\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_ways_are_known() {
        assert_eq!(parse("v1.1-referrers-tag"), Ok(ReferrersMode::Tag));
        assert_eq!(parse("v1.1-referrers-api"), Ok(ReferrersMode::Api));
        for text in ["", "unknown", "V1.1-REFERRERS-API"] {
            assert_eq!(
                parse(text),
                Err(format!(
                    "unknown distribution specification flag: {text}\n\
                     Available options: v1.1-referrers-tag, v1.1-referrers-api"
                ))
            );
        }
    }
}
