//! References: names of registries, repositories and artifacts.
//!
//! A reference is `registry/repository[:tag][@digest]`. The first component is always a registry.
//! There is no default registry, no implied `library/` and no implied `latest`, unless the caller
//! asks for [`Reference::normalized`]. The types always hold valid values.
//!
//! All types dereference to their text, so that `&tag` and `&reference` can be passed where a
//! function takes a `&str`.

use std::fmt;
use std::ops::Deref;
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
                    let reason = format!("invalid {} \"{text}\"", $kind);
                    Err(Error::invalid_reference("", reason))
                }
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
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

/// Parses a digest if the string contains a colon, which a tag cannot, and otherwise a tag. A tag
/// before `@` and a digest is ignored.
impl FromStr for TagOrDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digest = match text.split_once('@') {
            Some((_, digest)) => digest,
            None if text.contains(':') => text,
            None => return text.parse().map(Self::Tag),
        };
        digest
            .parse()
            .map(Self::Digest)
            .map_err(|error: Error| Error::invalid_reference("", error.to_string()))
    }
}

impl Deref for TagOrDigest {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for TagOrDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The full name of a repository, or of an artifact in it.
///
/// A tag before a digest is ignored. The error for a URL or for a short name of Docker Hub suggests
/// the full name. See [`Reference::normalized`] to accept these.
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
    text: String,
    registry: RegistryName,
    repository: RepositoryName,
    name: Option<TagOrDigest>,
}

impl Reference {
    /// Parses a reference as Docker does: a scheme such as `https://` or `docker://` is removed, a
    /// name without a registry is one of Docker Hub, and one without a namespace is in `library`. A
    /// registry contains a dot or a port, or is `localhost`. A tag is never added.
    ///
    /// ```
    /// use oras::Reference;
    ///
    /// let reference = Reference::normalized("alpine:3")?;
    /// assert_eq!(reference.to_string(), "docker.io/library/alpine:3");
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidReference`].
    pub fn normalized(text: &str) -> Result<Self> {
        let rest = without_scheme(text);
        let (first, path) = rest.split_once('/').unwrap_or(("", rest));
        let normalized = match first {
            "" => format!("docker.io/library/{path}"),
            "docker.io" | "index.docker.io" if !path.contains('/') => {
                format!("docker.io/library/{path}")
            }
            "localhost" => rest.to_owned(),
            registry if registry.contains(['.', ':']) => rest.to_owned(),
            _ => format!("docker.io/{rest}"),
        };
        Self::parse(&normalized).map_err(|reason| Error::invalid_reference(text, reason))
    }

    /// Parses a reference from left to right, so that the error is about the first invalid part.
    fn parse(text: &str) -> Result<Self, String> {
        let reason = |error: Error| match error {
            Error::InvalidReference { reason, .. } => reason,
            other => other.to_string(),
        };
        let (registry, path) = text
            .split_once('/')
            .ok_or_else(|| "missing registry or repository".to_owned())?;
        let (front, digest) = match path.split_once('@') {
            Some((front, digest)) => (front, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = front.split_once(':').unwrap_or((front, ""));
        let registry: RegistryName = registry.parse().map_err(reason)?;
        let repository: RepositoryName = repository.parse().map_err(reason)?;
        let name = match (digest, tag) {
            (None | Some(""), "") => None,
            (Some(digest), _) => Some(TagOrDigest::Digest(digest.parse().map_err(reason)?)),
            (None, tag) => Some(TagOrDigest::Tag(tag.parse().map_err(reason)?)),
        };
        let text = match &name {
            Some(TagOrDigest::Tag(tag)) => format!("{registry}/{repository}:{tag}"),
            Some(TagOrDigest::Digest(digest)) => format!("{registry}/{repository}@{digest}"),
            None => format!("{registry}/{repository}"),
        };
        Ok(Self {
            text,
            registry,
            repository,
            name,
        })
    }

    /// The error for a text that is not a reference. Suggests the normalized one.
    pub(crate) fn invalid(text: &str, reason: impl Into<String>) -> Error {
        let suggestion = Self::normalized(text).ok();
        Error::InvalidReference {
            reference: text.to_owned(),
            reason: reason.into(),
            suggestion: suggestion.map(|reference| reference.text),
        }
    }

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
        Self::parse(text).map_err(|reason| Self::invalid(text, reason))
    }
}

impl Deref for Reference {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Removes the scheme of a URL.
fn without_scheme(text: &str) -> &str {
    match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests;
