//! Log in to registries and out of them: check a credential and store it, or remove it.

use super::Client;
use crate::auth::credential::Credential;
use crate::credentials::{CredentialStore, Fixed, Stored};
use crate::error::Result;
use crate::oci::RegistryName;

/// Checks that a registry accepts a credential, stores it in `store`, and returns where it is.
///
/// The check uses `credential` only, not the credentials of the client. The client does not use the
/// stored credential by itself.
///
/// ```no_run
/// use oras::Credential;
/// use oras::credentials::{Lookup, Stored};
/// use oras::login::{login, logout};
/// use oras::registry::Client;
///
/// let client = Client::from_env();
/// let registry = "registry.example".parse()?;
/// let credential = Credential::password("alice", "secret");
/// let store = Lookup::from_env();
/// match login(&client, &registry, &credential, &store)? {
///     Stored::InFile { path, .. } => println!("stored in {}", path.display()),
///     Stored::ByHelper { program, .. } => println!("stored by {program}"),
///     _ => println!("stored"),
/// }
/// logout(&registry, &store)?;
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// See [`Client::check`] and [`CredentialStore::store`]. Nothing is stored after an error of the
/// check.
pub fn login(
    client: &Client,
    registry: &RegistryName,
    credential: &Credential,
    store: &dyn CredentialStore,
) -> Result<Stored> {
    client
        .with_credentials(Fixed(credential.clone()))
        .check(registry)
        .map_err(|error| {
            error.context(format!("failed to validate the credentials for {registry}"))
        })?;
    store
        .store(registry, credential)
        .map_err(|error| error.context(format!("failed to store the credentials for {registry}")))
}

/// Removes the credential for a registry from `store`. A missing credential is not an error.
///
/// Tokens of clients that used the credential remain valid until they expire.
///
/// # Errors
///
/// See [`CredentialStore::erase`].
pub fn logout(registry: &RegistryName, store: &dyn CredentialStore) -> Result<()> {
    store
        .erase(registry)
        .map_err(|error| error.context(format!("failed to delete the credential for {registry}")))
}
