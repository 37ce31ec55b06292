//! Platforms: operating system and processor architecture.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Input, Result};
use crate::text::json::null_as_default;

/// A platform in an index entry or image config (image spec v1.1, "Image Index").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Platform {
    /// The processor architecture, by its Go name: `amd64`, `arm64`, `riscv64`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub architecture: String,
    /// The operating system, by its Go name: `linux`, `windows`, `darwin`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub os: String,
    /// The version of the operating system; empty if unknown.
    #[serde(
        rename = "os.version",
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub os_version: String,
    /// The required features of the operating system.
    #[serde(
        rename = "os.features",
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
    /// The variant of the architecture, such as `v7`; empty if there is none.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub variant: String,
}

impl Platform {
    /// The names of the members in JSON, in order.
    pub(crate) const MEMBERS: &[&str] =
        &["architecture", "os", "os.version", "os.features", "variant"];

    /// Whether this platform satisfies `wanted`: operating system and architecture are equal,
    /// version and variant are equal if `wanted` has them, and every feature of `wanted` is
    /// present.
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

    /// Returns the operating system and the architecture of this program. The variant is empty.
    ///
    /// ```
    /// use oras::Platform;
    /// use oras::pull::PullOptions;
    ///
    /// let mut options = PullOptions::default();
    /// options.platform = Some(Platform::native());
    /// ```
    pub fn native() -> Self {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        Self {
            os: os.to_owned(),
            architecture: Self::native_architecture().to_owned(),
            ..Self::default()
        }
    }

    /// Returns the architecture of this program, by its Go name.
    pub(crate) fn native_architecture() -> &'static str {
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

/// Parses `os[/architecture[/variant]][:os_version]`. The default architecture is that of this
/// program.
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
    fn the_default_architecture_is_that_of_this_program() {
        assert_eq!(
            "linux".parse::<Platform>().unwrap().architecture,
            Platform::native_architecture()
        );
        let native = Platform::native();
        assert_eq!(native.to_string().parse::<Platform>().unwrap(), native);
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
    fn a_platform_satisfies_only_matching_requests() {
        let v7: Platform = "linux/arm/v7".parse().unwrap();
        assert!(v7.satisfies(&"linux/arm".parse().unwrap()));
        assert!(v7.satisfies(&"linux/arm/v7".parse().unwrap()));
        assert!(!v7.satisfies(&"linux/arm/v6".parse().unwrap()));
        assert!(!v7.satisfies(&"linux/arm64".parse().unwrap()));
        assert!(!v7.satisfies(&"linux/arm:10".parse().unwrap()));
    }
}
