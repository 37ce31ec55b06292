//! References: names of registries, repositories and artifacts.
//!
//! A reference is `registry/repository[:tag][@digest]`. The first component is always a registry.
//! There is no default registry, no implied `library/` and no implied `latest`. The types always
//! hold valid values.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::text::url::split_port;

/// Implements the conversions of a name from and to text, with `check` for its grammar.
macro_rules! impl_name {
    ($name:ident, $kind:literal) => {
        impl $name {
            /// Returns the name as a string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                if Self::check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(invalid("", format!("invalid {} \"{text}\"", $kind)))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

impl_name!(RegistryName, "registry");
impl_name!(RepositoryName, "repository");
impl_name!(Tag, "tag");

/// The name of a registry as the user wrote it: `host` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryName(String);

impl RegistryName {
    /// Returns host and port of the API: the name itself, except that Docker Hub's API has a host
    /// of its own.
    pub fn host_and_port(&self) -> &str {
        match self.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        }
    }

    /// Returns the host of the API without the port.
    pub fn host(&self) -> &str {
        split_port(self.host_and_port()).0
    }

    fn check(text: &str) -> bool {
        let (host, port) = split_port(text);
        let port_is_valid = port.is_none_or(|port| {
            port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit())
        });
        let host_is_valid = match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            // A final dot marks a fully qualified name (RFC 1034 §3.1).
            None => host
                .strip_suffix('.')
                .unwrap_or(host)
                .split('.')
                .all(is_host_label),
        };
        port_is_valid && host_is_valid
    }
}

/// Whether `label` is a label of a host name. Underscores are not allowed in DNS but occur in the
/// names of local hosts.
fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The name of a repository within its registry, such as `library/alpine`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    fn check(text: &str) -> bool {
        text.split('/').all(is_name_component)
    }
}

/// `[a-z0-9]+ ((\. | _ | __ | -+) [a-z0-9]+)*` (distribution spec v1.1, "Pulling manifests").
fn is_name_component(component: &str) -> bool {
    let is_alphanumeric = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let mut rest = component.as_bytes();
    loop {
        let word = rest
            .iter()
            .take_while(|&&byte| is_alphanumeric(byte))
            .count();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        if rest.is_empty() {
            return true;
        }
        let separator = rest
            .iter()
            .take_while(|&&byte| !is_alphanumeric(byte))
            .count();
        match &rest[..separator] {
            b"." | b"_" | b"__" => {}
            dashes if dashes.iter().all(|&byte| byte == b'-') => {}
            _ => return false,
        }
        rest = &rest[separator..];
    }
}

/// A tag of a repository: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    fn check(text: &str) -> bool {
        let mut bytes = text.bytes();
        text.len() <= 128
            && bytes
                .next()
                .is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    }
}

/// A tag or digest of a reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TagOrDigest {
    /// A tag.
    Tag(Tag),
    /// A digest.
    Digest(Digest),
}

impl TagOrDigest {
    /// Returns the name as a string.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

/// Parses a digest if the string contains a colon, which a tag cannot, and otherwise a tag.
impl FromStr for TagOrDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.contains(':') {
            let digest = text
                .parse()
                .map_err(|error: Error| invalid("", error.to_string()))?;
            Ok(Self::Digest(digest))
        } else {
            text.parse().map(Self::Tag)
        }
    }
}

impl fmt::Display for TagOrDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The full name of a repository, or of an artifact in it.
///
/// A tag before a digest is ignored.
///
/// ```
/// use oras::Reference;
///
/// let reference: Reference = "localhost:5000/hello/world:v1".parse()?;
/// assert_eq!(reference.registry().as_str(), "localhost:5000");
/// assert_eq!(reference.repository().as_str(), "hello/world");
/// assert_eq!(reference.name().unwrap().as_str(), "v1");
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: RegistryName,
    repository: RepositoryName,
    name: Option<TagOrDigest>,
}

impl Reference {
    /// Returns the registry.
    pub const fn registry(&self) -> &RegistryName {
        &self.registry
    }

    /// Returns the repository.
    pub const fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Returns the tag or digest.
    pub const fn name(&self) -> Option<&TagOrDigest> {
        self.name.as_ref()
    }

    /// Returns the tag, if the reference has a tag and no digest.
    pub const fn tag(&self) -> Option<&Tag> {
        match &self.name {
            Some(TagOrDigest::Tag(tag)) => Some(tag),
            _ => None,
        }
    }

    /// Returns the digest, if the reference has one.
    pub const fn digest(&self) -> Option<&Digest> {
        match &self.name {
            Some(TagOrDigest::Digest(digest)) => Some(digest),
            _ => None,
        }
    }

    /// Returns `registry/repository`, without tag or digest.
    pub fn path(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let in_reference = |error: Error| match error {
            Error::InvalidReference { reason, .. } => invalid(text, reason),
            other => invalid(text, other.to_string()),
        };
        let (registry, path) = text
            .split_once('/')
            .ok_or_else(|| invalid(text, "missing registry or repository".to_owned()))?;
        let (front, digest) = match path.split_once('@') {
            Some((front, digest)) => (front, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = front.split_once(':').unwrap_or((front, ""));
        // Parse from left to right, so that the error is about the first invalid part.
        let registry = registry.parse().map_err(in_reference)?;
        let repository = repository.parse().map_err(in_reference)?;
        let name = match (digest, tag) {
            (None | Some(""), "") => None,
            (Some(digest), _) => Some(TagOrDigest::Digest(digest.parse().map_err(in_reference)?)),
            (None, tag) => Some(TagOrDigest::Tag(tag.parse().map_err(in_reference)?)),
        };
        Ok(Self {
            registry,
            repository,
            name,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match &self.name {
            Some(TagOrDigest::Tag(tag)) => write!(f, ":{tag}"),
            Some(TagOrDigest::Digest(digest)) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

fn invalid(reference: &str, reason: String) -> Error {
    Error::InvalidReference {
        reference: reference.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn valid_references_split_into_their_parts() {
        let digest = format!("@{DIGEST}");
        for (text, registry, repository, name) in [
            ("localhost/hello", "localhost", "hello", None),
            ("r.example./a", "r.example.", "a", None),
            ("r.example.:5000/a", "r.example.:5000", "a", None),
            (
                "localhost:5000/hello:v1",
                "localhost:5000",
                "hello",
                Some("v1"),
            ),
            (
                "r.example/a/b-c/d__e.f:V_1.-x",
                "r.example",
                "a/b-c/d__e.f",
                Some("V_1.-x"),
            ),
            ("[::1]:5000/a", "[::1]:5000", "a", None),
            ("[::1]/a", "[::1]", "a", None),
            (
                "127.0.0.1/blobs/uploads",
                "127.0.0.1",
                "blobs/uploads",
                None,
            ),
            ("r/a:", "r", "a", None),
            ("r/a@", "r", "a", None),
            (&format!("r/a{digest}"), "r", "a", Some(DIGEST)),
            (&format!("r/a:v1{digest}"), "r", "a", Some(DIGEST)),
            (&format!("r/a:not a tag{digest}"), "r", "a", Some(DIGEST)),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.registry().as_str(), registry, "{text}");
            assert_eq!(reference.repository().as_str(), repository, "{text}");
            assert_eq!(reference.name().map(TagOrDigest::as_str), name, "{text}");
        }
    }

    #[test]
    fn invalid_references_say_which_part_is_wrong() {
        for (text, reason) in [
            ("hello", "missing registry or repository"),
            ("", "missing registry or repository"),
            ("r/A", "invalid repository \"A\""),
            ("r/", "invalid repository \"\""),
            ("r/a//b", "invalid repository \"a//b\""),
            ("r/a___b", "invalid repository \"a___b\""),
            ("r/a.-b", "invalid repository \"a.-b\""),
            ("r/a:v 1", "invalid tag \"v 1\""),
            ("r/a:v1:v2", "invalid tag \"v1:v2\""),
            ("/a", "invalid registry \"\""),
            ("./a", "invalid registry \".\""),
            ("r../a", "invalid registry \"r..\""),
            (".r/a", "invalid registry \".r\""),
            ("r..x/a", "invalid registry \"r..x\""),
            ("u@r/a", "invalid registry \"u@r\""),
            ("r:99999/a", "invalid registry \"r:99999\""),
            ("r:+1/a", "invalid registry \"r:+1\""),
            ("http://r/a", "invalid registry \"http:\""),
            (
                "r/a@sha256:00",
                "invalid digest \"sha256:00\": invalid checksum digest length",
            ),
            (
                "r/a:v1@",
                "invalid digest \"\": invalid checksum digest format",
            ),
            (
                "r/a@v1",
                "invalid digest \"v1\": invalid checksum digest format",
            ),
        ] {
            match text.parse::<Reference>() {
                Err(Error::InvalidReference {
                    reference,
                    reason: got,
                }) => {
                    assert_eq!((reference.as_str(), got.as_str()), (text, reason));
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn docker_hub_has_an_api_host_of_its_own() {
        let reference: Reference = "docker.io/library/alpine".parse().unwrap();
        assert_eq!(reference.registry().host_and_port(), "registry-1.docker.io");
        assert_eq!(reference.path(), "docker.io/library/alpine");
    }

    #[test]
    fn a_tag_has_at_most_128_characters() {
        assert!("a".repeat(128).parse::<Tag>().is_ok());
        assert!("a".repeat(129).parse::<Tag>().is_err());
        assert!(".a".parse::<Tag>().is_err());
    }
}
