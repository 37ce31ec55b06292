//! How a registry keeps referrers, where the user knows better than to find out.

use crate::flags::spec::BadValue;
use crate::flags::{Flag, FlagTable, Stage};

/// The flags of a target whose referrers matter.
#[derive(Default)]
pub(crate) struct Distribution {
    /// What was chosen; none to find out.
    pub(crate) spec: Option<DistributionSpec>,
}

/// Where referrers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DistributionSpec {
    /// In an index under a tag made from the subject's digest.
    ReferrersTag,
    /// Behind the referrers API.
    ReferrersApi,
}

impl FlagTable for Distribution {
    const FLAGS: &'static [Flag<Self>] = &[Flag::choice(
        "distribution-spec",
        "version",
        "how referrers are kept at the {side}target: v1.1-referrers-tag or v1.1-referrers-api (default: find out)",
        |distribution: &mut Self, text| DistributionSpec::parse(text).map(|spec| distribution.spec = Some(spec)),
    )
    .stage(Stage::Preview)];
}

impl DistributionSpec {
    fn parse(text: &str) -> Result<Self, BadValue> {
        match text {
            "v1.1-referrers-tag" => Ok(Self::ReferrersTag),
            "v1.1-referrers-api" => Ok(Self::ReferrersApi),
            _ => Err(format!(
                "unknown distribution specification flag: {text}\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_ways_are_known() {
        assert_eq!(
            DistributionSpec::parse("v1.1-referrers-tag"),
            Ok(DistributionSpec::ReferrersTag)
        );
        assert_eq!(
            DistributionSpec::parse("v1.1-referrers-api"),
            Ok(DistributionSpec::ReferrersApi)
        );
        for text in ["", "unknown", "V1.1-REFERRERS-API"] {
            assert_eq!(
                DistributionSpec::parse(text),
                Err(format!(
                    "unknown distribution specification flag: {text}\n\
                     Available options: v1.1-referrers-tag, v1.1-referrers-api"
                ))
            );
        }
    }
}
