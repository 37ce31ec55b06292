//! Where credentials come from.

use crate::credential::Credential;
use crate::error::Result;
use crate::reference::RegistryName;

/// A source of credentials. Asked at most once per registry and client, and only after the registry asked for them.
pub trait CredentialStore {
    /// The credential for a registry, or `None` for anonymous access.
    fn get(&self, registry: &RegistryName) -> Result<Option<Credential>>;
}

/// No credentials for anyone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl CredentialStore for Anonymous {
    fn get(&self, _: &RegistryName) -> Result<Option<Credential>> {
        Ok(None)
    }
}

/// One credential, for every registry that a client talks to.
#[derive(Clone, Debug)]
pub struct Fixed(pub Credential);

impl CredentialStore for Fixed {
    fn get(&self, _: &RegistryName) -> Result<Option<Credential>> {
        Ok(Some(self.0.clone()))
    }
}
