//! Config files with credentials: Docker's `config.json`, podman's `auth.json`, and Docker's legacy
//! `.dockercfg`.
//!
//! A [`ConfigFile`] reads and edits such a file and runs the helper programs that it names.
//! [`Locations`](super::Locations) contains the paths.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::auths_key::{Dialect, server};
use super::document::Document;
use super::helper::{Helpers, program_name};
use super::lenient_json::decode;
use super::{CredentialStore, Stored};
use crate::auth::credential::Credential;
use crate::error::{Error, IoOp, Result};
use crate::fs::input_kind::open_once;
use crate::fs::private_file::PrivateFile;
use crate::limits::{Limit, MAX_CONFIG_BYTES};
use crate::oci::{RegistryName, RepositoryName};
use crate::text::json;

/// A config file with credentials. A missing file contains none.
///
/// If the file names a helper program for a registry (`credHelpers`, otherwise `credsStore`), the
/// program is asked first. If it has no credential, the entry in the file (`auths`) is used.
///
/// As a [`CredentialStore`], it finds the programs as [`Helpers::from_env`] does, and reads the
/// file for each request of a credential.
///
/// ```
/// use oras::credentials::{ConfigFile, CredentialStore};
///
/// let file = ConfigFile::docker("/nowhere/config.json");
/// let none = file.get(&"localhost:5000".parse()?, None)?;
/// assert!(none.is_none());
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    path: PathBuf,
    dialect: Dialect,
    /// Whether the user named this file. If not, an inaccessible directory counts as a missing
    /// file.
    is_explicit: bool,
}

impl ConfigFile {
    /// A file in the format of Docker's `config.json`.
    pub fn docker(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), Dialect::Docker)
    }

    /// A file in the format of podman's `auth.json` (containers-auth.json(5)). A key with a path
    /// only applies to repositories below that path.
    pub fn podman(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), Dialect::Podman)
    }

    /// A file in the format of `.dockercfg`, which Docker used before `config.json`.
    pub fn legacy(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), Dialect::Legacy)
    }

    const fn new(path: PathBuf, dialect: Dialect) -> Self {
        Self {
            path,
            dialect,
            is_explicit: true,
        }
    }

    /// Marks the file as a default location that the user did not name.
    pub(super) const fn implicit(mut self) -> Self {
        self.is_explicit = false;
        self
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Same as [`get`](CredentialStore::get), with these helper programs.
    ///
    /// # Errors
    ///
    /// - [`Error::Credential`] if the file is malformed, without quoting it, or if a helper program
    ///   is missing or fails.
    /// - [`Error::Context`] around [`Error::Io`] if the file cannot be read.
    /// - [`Error::TooLarge`] if it has more than 1 MiB.
    pub fn get_with(
        &self,
        helpers: &Helpers,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>> {
        let mut ask = |suffix: &str, server: &str| helpers.require(suffix)?.get_for(server);
        self.find(&self.read()?, registry, repository, &mut ask)
    }

    /// Stores the credential for a registry: with the helper program that the file names for it, or
    /// else in the file. Other members of the file do not change.
    ///
    /// # Errors
    ///
    /// Same as [`get_with`](Self::get_with), plus:
    /// - [`Error::Unsupported`] for a credential that the protocol of helper programs cannot
    ///   represent: a registry token, or a user name or password that is not UTF-8.
    /// - [`Error::TooLarge`] if the input of the helper has more than 32 KiB.
    /// - [`Error::Credential`] for a user name with a colon, which the format cannot represent.
    /// - [`Error::Io`] if the file cannot be written. The file is then unchanged.
    pub fn store_with(
        &self,
        helpers: &Helpers,
        registry: &RegistryName,
        credential: &Credential,
    ) -> Result<Stored> {
        if let Some(suffix) = self.read()?.helper(registry) {
            let helper = helpers.require(suffix)?;
            helper.store_for(server(registry), credential)?;
            self.edit(helpers, |document| document.mark_stored_by_helper(registry))?;
            return Ok(Stored::ByHelper {
                program: program_name(suffix),
            });
        }
        if let Credential::Password { username, .. } = credential
            && username.expose_bytes().contains(&b':')
        {
            return Err(Error::Credential {
                what: "bad credential format".to_owned(),
                reason: "colons(:) are not allowed in username".to_owned(),
            });
        }
        self.edit(helpers, |document| {
            document.put(registry, credential);
            true
        })?;
        Ok(Stored::InFile {
            path: self.path.clone(),
        })
    }

    /// Removes the credential for a registry. A missing credential is not an error. Credentials for
    /// namespaces remain.
    ///
    /// # Errors
    ///
    /// See [`store_with`](Self::store_with).
    pub fn erase_with(&self, helpers: &Helpers, registry: &RegistryName) -> Result<()> {
        if let Some(suffix) = self.read()?.helper(registry) {
            helpers.require(suffix)?.erase_for(server(registry))?;
        }
        self.edit(helpers, |document| document.remove(registry))
    }

    /// Returns the credential according to `document`, the content of this file. `ask` queries a
    /// helper program.
    pub(super) fn find(
        &self,
        document: &Document,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        ask: &mut dyn FnMut(&str, &str) -> Result<Option<Credential>>,
    ) -> Result<Option<Credential>> {
        if let Some(suffix) = document.helper(registry)
            && let Some(credential) = ask(suffix, server(registry))?
        {
            return Ok(Some(credential));
        }
        document
            .credential(registry, repository)
            .map_err(|reason| self.malformed(&reason))
    }

    /// Reads and parses the file.
    pub(super) fn read(&self) -> Result<Document> {
        self.parse(&decode(&self.read_bytes()?))
    }

    fn parse(&self, text: &str) -> Result<Document> {
        Document::parse(text, self.dialect).map_err(|reason| self.malformed(&reason))
    }

    fn read_bytes(&self) -> Result<Vec<u8>> {
        let doing = |doing: &str| format!("{doing} {}", self.path.display());
        let mut bytes = Vec::new();
        match open_once(&self.path) {
            Ok(file) => file
                .take(MAX_CONFIG_BYTES + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| {
                    Error::io(IoOp::Read, &self.path)(error)
                        .context(doing("failed to decode config file"))
                })?,
            Err(error) if self.is_missing(&error) => 0,
            Err(error) => {
                return Err(Error::io(IoOp::Open, &self.path)(error)
                    .context(doing("failed to open config file at")));
            }
        };
        if bytes.len() as u64 > MAX_CONFIG_BYTES {
            return Err(Error::too_large(
                doing("config file"),
                fs::metadata(&self.path)
                    .map_or(0, |metadata| metadata.len())
                    .max(bytes.len() as u64),
                Limit::ConfigBytes,
                MAX_CONFIG_BYTES,
            ));
        }
        Ok(bytes)
    }

    /// Returns the error of opening the file, if the process may not do so.
    pub(super) fn permission_error(&self) -> Option<io::Error> {
        let error = open_once(&self.path).err()?;
        (error.kind() == io::ErrorKind::PermissionDenied).then_some(error)
    }

    /// Returns whether an error of opening the file means that it does not exist.
    fn is_missing(&self, error: &io::Error) -> bool {
        match error.kind() {
            // Users without a home directory have a path such as `/dev/null`.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
            io::ErrorKind::PermissionDenied => {
                !self.is_explicit && fs::symlink_metadata(&self.path).is_err()
            }
            _ => false,
        }
    }

    /// Reads the file and writes it if `change` returns true. Otherwise no file is created or
    /// locked.
    fn edit(&self, helpers: &Helpers, change: impl Fn(&mut Document) -> bool) -> Result<()> {
        if !change(&mut self.read()?) {
            return Ok(());
        }
        let file = PrivateFile::lock(&self.path, &*helpers.clock)?;
        // Another process may have changed the file before it was locked.
        let bytes = self.read_bytes()?;
        let text = decode(&bytes);
        let is_replaced = text.contains(char::REPLACEMENT_CHARACTER);
        if is_replaced && let Err(error) = str::from_utf8(&bytes) {
            return Err(self.malformed(&error.to_string()));
        }
        let mut document = self.parse(&text)?;
        if !change(&mut document) {
            return Ok(());
        }
        let text = document.to_text();
        let text = json::indent_by("\t", text.as_bytes())
            .map_err(|error| self.malformed(&error.to_string()))?;
        file.replace(&text)
    }

    fn malformed(&self, reason: &str) -> Error {
        Error::Credential {
            what: format!("failed to decode config file {}", self.path.display()),
            reason: format!("invalid config format: {reason}"),
        }
    }
}

impl CredentialStore for ConfigFile {
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>> {
        self.get_with(&Helpers::from_env(), registry, repository)
    }

    fn store(&self, registry: &RegistryName, credential: &Credential) -> Result<Stored> {
        self.store_with(&Helpers::from_env(), registry, credential)
    }

    fn erase(&self, registry: &RegistryName) -> Result<()> {
        self.erase_with(&Helpers::from_env(), registry)
    }

    fn allows_anonymous_pulls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
