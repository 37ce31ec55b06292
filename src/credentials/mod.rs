//! Credential sources: config files, helper programs, memory, and the order of lookup.
//!
//! A client queries a [`CredentialStore`]. [`Lookup`] finds credentials that Docker, podman and
//! oras stored in files and helper programs. [`ConfigFile`] and [`Helpers`] give access to a single
//! file and to the helper programs. [`Memory`], [`Fixed`] and [`Anonymous`] are for programs with
//! their own source.
//!
//! Only [`Locations::from_env`] and [`Lookup::from_env`] read the environment. The module
//! prints nothing and sends no requests. The authentication state machine decides which server
//! receives a credential. Error messages do not quote the content of files.

mod auths_key;
mod config_file;
mod document;
mod helper;
mod lenient_json;
mod locations;
mod lookup;
mod memory;
#[cfg(test)]
mod testing;

pub use config_file::ConfigFile;
pub use helper::{Helper, Helpers};
pub use locations::Locations;
pub use lookup::{Lookup, Warning};
pub use memory::Memory;

use std::ops::Deref;
use std::path::PathBuf;

use crate::auth::credential::Credential;
use crate::error::{Error, Result};
use crate::oci::{RegistryName, RepositoryName};

/// A source of credentials.
///
/// A client queries the source only after a challenge of the registry, and at most once per
/// repository: some sources contain different credentials for repositories of one registry.
pub trait CredentialStore: Send + Sync {
    /// Returns the credential for a repository, or for the whole registry if `repository` is
    /// `None`. Returns `None` for anonymous access.
    ///
    /// # Errors
    ///
    /// If the source cannot be read. The client does not fall back to anonymous access.
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>>;

    /// Returns a credential that replaces a rejected one, for example an expired password, or
    /// `None` if the source has no other. The default is `None`.
    ///
    /// # Errors
    ///
    /// See [`get`](Self::get).
    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        let _ = (registry, repository, rejected);
        Ok(None)
    }

    /// Stores the credential for a registry, and returns where. See [`login`](crate::login::login),
    /// which checks the credential first.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`], the default, if the source is not for storing; other errors if it
    /// cannot be written.
    fn store(&self, registry: &RegistryName, credential: &Credential) -> Result<Stored> {
        let _ = (registry, credential);
        Err(not_for_storing())
    }

    /// Removes the credential for a registry. A missing credential is not an error.
    ///
    /// # Errors
    ///
    /// See [`store`](Self::store).
    fn erase(&self, registry: &RegistryName) -> Result<()> {
        let _ = registry;
        Err(not_for_storing())
    }

    /// Returns whether a pull continues anonymously, with a warning, if the token service rejects a
    /// credential of this source. A stored credential may have expired although the content is
    /// public. The default is `false`.
    fn allows_anonymous_pulls(&self) -> bool {
        false
    }
}

/// A source behind a pointer: `&S`, `Box<S>` or `Arc<S>`.
impl<P: Deref<Target: CredentialStore> + Send + Sync> CredentialStore for P {
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>> {
        (**self).get(registry, repository)
    }

    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        (**self).refresh(registry, repository, rejected)
    }

    fn store(&self, registry: &RegistryName, credential: &Credential) -> Result<Stored> {
        (**self).store(registry, credential)
    }

    fn erase(&self, registry: &RegistryName) -> Result<()> {
        (**self).erase(registry)
    }

    fn allows_anonymous_pulls(&self) -> bool {
        (**self).allows_anonymous_pulls()
    }
}

/// The location of a stored credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// In the file, in plain text.
    #[non_exhaustive]
    InFile {
        /// The path of the file.
        path: PathBuf,
    },
    /// By a helper program.
    #[non_exhaustive]
    ByHelper {
        /// The name of the program.
        program: String,
    },
}

impl Stored {
    /// Creates the location of a credential that is in a file.
    pub fn in_file(path: impl Into<PathBuf>) -> Self {
        Self::InFile { path: path.into() }
    }

    /// Creates the location of a credential that a helper program stores, or another program such
    /// as the keyring of the system.
    pub fn by_helper(program: impl Into<String>) -> Self {
        Self::ByHelper {
            program: program.into(),
        }
    }
}

fn not_for_storing() -> Error {
    Error::unsupported("storing credentials in this source".to_owned())
}

/// A source without credentials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl CredentialStore for Anonymous {
    fn get(&self, _: &RegistryName, _: Option<&RepositoryName>) -> Result<Option<Credential>> {
        Ok(None)
    }
}

/// One credential for all registries.
#[derive(Clone, Debug)]
pub struct Fixed(pub Credential);

impl CredentialStore for Fixed {
    fn get(&self, _: &RegistryName, _: Option<&RepositoryName>) -> Result<Option<Credential>> {
        Ok(Some(self.0.clone()))
    }
}
