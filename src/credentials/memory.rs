//! Credentials that a program holds itself.

use super::CredentialStore;
use super::auths_key::{self, Dialect};
use crate::auth::credential::Credential;
use crate::error::Result;
use crate::oci::reference::{RegistryName, RepositoryName};

/// Credentials by registry or namespace, in memory.
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
    /// No credentials yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// With the credential for `key`: a registry, such as `localhost:5000`, or a namespace or repository of one, such as
    /// `registry.example/team`. The most specific key wins. Docker Hub may be called by any of its names.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, credential: Credential) -> Self {
        self.insert(key, credential);
        self
    }

    /// Puts the credential for a key in the place of another.
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
    fn a_later_credential_takes_the_place_of_an_earlier_one() {
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
    fn nothing_secret_is_in_debug_output() {
        let credentials = Memory::new().with("r.io", Credential::password("me", "canary"));
        assert!(!format!("{credentials:?}").contains("canary"));
    }
}
