//! Credentials in memory.

use super::CredentialStore;
use super::auths_key::{self, Dialect};
use crate::auth::credential::Credential;
use crate::error::Result;
use crate::oci::{RegistryName, RepositoryName};

/// Credentials in memory, by registry or namespace.
///
/// ```
/// use oras::Credential;
/// use oras::credentials::{CredentialStore, Memory};
///
/// let credentials = Memory::new()
///     .with("registry.example", Credential::password("me", "secret"))
///     .with("registry.example/team", Credential::password("team", "secret"));
///
/// let registry = "registry.example".parse()?;
/// let found = credentials.get(&registry, Some(&"team/tool".parse()?))?;
/// assert_eq!(found, Some(Credential::password("team", "secret")));
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory(Vec<(String, Credential)>);

impl Memory {
    /// Creates an empty source.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a credential for `key` and returns the source.
    ///
    /// A key is a registry, for example `localhost:5000`, or a namespace or repository, for example
    /// `registry.example/team`. The most specific key is used. Any name of Docker Hub matches all
    /// of its names.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, credential: Credential) -> Self {
        self.insert(key, credential);
        self
    }

    /// Adds or replaces the credential for a key.
    pub fn insert(&mut self, key: impl Into<String>, credential: Credential) {
        let key = key.into();
        self.0.retain(|(known, _)| *known != key);
        self.0.push((key, credential));
    }
}

impl CredentialStore for Memory {
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>> {
        let keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        let found = auths_key::find(&keys, registry, repository, Dialect::Podman);
        Ok(found.and_then(|found| {
            let (_, credential) = self.0.iter().find(|(key, _)| key == found)?;
            Some(credential.clone())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_credential_replaces_an_earlier_one() {
        let password = |password: &str| Credential::password("me", password);
        let mut credentials = Memory::new().with("r.io", password("a"));
        credentials.insert("r.io", password("b"));
        credentials.insert("docker.io", password("c"));
        for (registry, wanted) in [
            ("r.io", Some("b")),
            ("index.docker.io", Some("c")),
            ("q.io", None),
        ] {
            let got = credentials.get(&registry.parse().unwrap(), None).unwrap();
            assert_eq!(got, wanted.map(password), "{registry}");
        }
    }

    #[test]
    fn debug_output_contains_no_secrets() {
        let credentials = Memory::new().with("r.io", Credential::password("me", "canary"));
        assert!(!format!("{credentials:?}").contains("canary"));
    }
}
