//! Where credentials come from, and where they are kept.
//!
//! A [`CredentialStore`] is asked by a client. [`Lookup`] is the one that finds what Docker, podman and the original command
//! have stored, in files and by helper programs; [`ConfigFile`] and [`Helpers`] are these two for themselves, and store too.
//! [`Memory`], [`Fixed`] and [`Anonymous`] are for programs with sources of their own.
//!
//! The module is the door to such files and programs. It reads neither the environment nor the clock: what the environment
//! says is given to it, as [`Places`]. It prints nothing, knows no HTTP, and decides nothing about who gets a credential,
//! which is the part of [`auth`](crate::auth). What is wrong with a file is said without quoting it.

mod auths_key;
mod config_file;
mod document;
mod helper;
mod locations;
mod lookup;
mod memory;
#[cfg(test)]
mod testing;

pub use config_file::{ConfigFile, MAX_CONFIG_BYTES, Stored};
pub use helper::{Helper, Helpers};
pub use locations::Places;
pub use lookup::{Lookup, Warning};
pub use memory::Memory;

use crate::auth::credential::Credential;
use crate::error::Result;
use crate::oci::reference::{RegistryName, RepositoryName};

/// A source of credentials.
///
/// A client asks only after a registry asked for credentials, and at most once for each repository: some sources keep
/// different credentials for different repositories of one registry.
pub trait CredentialStore {
    /// The credential for a repository, or for the registry as a whole; `None` for anonymous access.
    ///
    /// # Errors
    ///
    /// When the source cannot be asked. There is no silent change to anonymous access.
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>>;

    /// A newer credential in the place of one that was not accepted, such as a password that has expired; `None` when the
    /// source has no other. The default is `None`.
    ///
    /// # Errors
    ///
    /// As of [`get`](Self::get).
    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        let _ = (registry, repository, rejected);
        Ok(None)
    }
}

/// No credentials for anyone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl CredentialStore for Anonymous {
    fn get(&self, _: &RegistryName, _: Option<&RepositoryName>) -> Result<Option<Credential>> {
        Ok(None)
    }
}

/// One credential, for every registry that a client talks to.
#[derive(Clone, Debug)]
pub struct Fixed(pub Credential);

impl CredentialStore for Fixed {
    fn get(&self, _: &RegistryName, _: Option<&RepositoryName>) -> Result<Option<Credential>> {
        Ok(Some(self.0.clone()))
    }
}
