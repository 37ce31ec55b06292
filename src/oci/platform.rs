//! Platforms: which operating system and processor content is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Input, Result};
use crate::text::json::null_as_default;

/// A platform, as in an index entry or an image config (image spec v1.1, "Image Index").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// The processor architecture, by its Go name: `amd64`, `arm64`, `riscv64`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub architecture: String,
    /// The operating system, by its Go name: `linux`, `windows`, `darwin`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub os: String,
    /// The version of the operating system; empty when unknown.
    #[serde(
        rename = "os.version",
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub os_version: String,
    /// Features of the operating system that are required.
    #[serde(
        rename = "os.features",
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
    /// The variant of the architecture, such as `v7`; empty when there is none.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub variant: String,
}

impl Platform {
    /// The names of the fields, in the order in which they are written.
    pub(crate) const MEMBERS: &[&str] =
        &["architecture", "os", "os.version", "os.features", "variant"];

    /// Whether this platform serves a request for `wanted`: operating system and architecture are equal, version and
    /// variant are equal where the request names one, and every wanted feature is there.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let equal_if_wanted = |got: &str, wanted: &str| wanted.is_empty() || got == wanted;
        self.architecture == wanted.architecture
            && self.os == wanted.os
            && equal_if_wanted(&self.os_version, &wanted.os_version)
            && equal_if_wanted(&self.variant, &wanted.variant)
            && wanted
                .os_features
                .iter()
                .all(|feature| self.os_features.contains(feature))
    }

    /// The architecture this program was built for, by its Go name.
    pub fn native_architecture() -> &'static str {
        match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "loongarch64" => "loong64",
            other => other,
        }
    }
}

/// Parses `os[/architecture[/variant]][:os_version]`. A missing architecture is that of this program.
impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: &str| Error::InvalidInput {
            input: Input::Platform,
            value: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (names, os_version) = text.split_once(':').unwrap_or((text, ""));
        let parts: Vec<&str> = names.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os] => (os, Self::native_architecture(), ""),
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] => (os, architecture, variant),
            _ => {
                return Err(invalid(&format!(
                    "failed to parse platform \"{text}\": expected format os[/arch[/variant]]"
                )));
            }
        };
        if os.is_empty() {
            return Err(invalid(EMPTY_OS));
        }
        if architecture.is_empty() {
            return Err(invalid(EMPTY_ARCHITECTURE));
        }
        Ok(Self {
            architecture: architecture.to_owned(),
            os: os.to_owned(),
            os_version: os_version.to_owned(),
            os_features: Vec::new(),
            variant: variant.to_owned(),
        })
    }
}

const EMPTY_OS: &str = "invalid platform: OS cannot be empty";
const EMPTY_ARCHITECTURE: &str = "invalid platform: Architecture cannot be empty";

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        if !self.os_version.is_empty() {
            write!(f, ":{}", self.os_version)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_fills_what_is_missing_from_this_program() {
        assert_eq!(
            "linux".parse::<Platform>().unwrap().architecture,
            Platform::native_architecture()
        );
        let full: Platform = "linux/arm/v7:1.2".parse().unwrap();
        assert_eq!(full.to_string(), "linux/arm/v7:1.2");
        for (text, wanted) in [
            (
                "a/b/c/d",
                "failed to parse platform \"a/b/c/d\": expected format os[/arch[/variant]]",
            ),
            ("/amd64", EMPTY_OS),
            ("linux/", EMPTY_ARCHITECTURE),
        ] {
            match text.parse::<Platform>() {
                Err(Error::InvalidInput {
                    input: Input::Platform,
                    reason,
                    ..
                }) => assert_eq!(reason, wanted, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_platform_satisfies_what_it_is_asked_for_and_no_more() {
        let v7: Platform = "linux/arm/v7".parse().unwrap();
        assert!(v7.satisfies(&"linux/arm".parse().unwrap()));
        assert!(v7.satisfies(&"linux/arm/v7".parse().unwrap()));
        assert!(!v7.satisfies(&"linux/arm/v6".parse().unwrap()));
        assert!(!v7.satisfies(&"linux/arm64".parse().unwrap()));
        assert!(!v7.satisfies(&"linux/arm:10".parse().unwrap()));
    }
}
