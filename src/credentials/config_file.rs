//! Files of credentials: Docker's `config.json`, podman's `auth.json`, and Docker's legacy `.dockercfg`.
//!
//! A [`ConfigFile`] reads such a file, asks the helper programs that it names, and changes what is stored. It does not know
//! where users keep such files, and neither environment nor network.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::auths_key::{Dialect, server};
use super::document::Document;
use super::helper::{Helpers, program_name};
use crate::auth::credential::Credential;
use crate::error::{Error, Result};
use crate::fs::private_file::PrivateFile;
pub use crate::limits::MAX_CONFIG_BYTES;
use crate::oci::reference::{RegistryName, RepositoryName};
use crate::text::json;

/// A file of credentials. It need not exist: then it holds none.
///
/// For each registry a helper program counts if the file names one (`credHelpers`, else `credsStore`), and what the file
/// itself says (`auths`) if the program has no credential.
///
/// ```
/// use oras::credentials::{ConfigFile, Helpers};
///
/// let file = ConfigFile::docker("/nowhere/config.json");
/// let none = file.get(&"localhost:5000".parse()?, None, &Helpers::new(""))?;
/// assert!(none.is_none());
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    path: PathBuf,
    dialect: Dialect,
    /// Whether somebody asked for this file. If not, a directory that must not be looked into is as good as none.
    is_named: bool,
}

/// Where a credential was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// In the file, readable for whoever can read the file.
    InFile,
    /// By a helper program.
    ByHelper {
        /// The name of the program.
        program: String,
    },
}

impl ConfigFile {
    /// Docker's `config.json`.
    pub fn docker(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), Dialect::Docker)
    }

    /// Podman's `auth.json` (containers-auth.json(5)). It differs in its keys: one with a path is good for the repositories
    /// below that only.
    pub fn podman(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), Dialect::Podman)
    }

    /// Docker's `.dockercfg`, of times before `config.json`.
    pub fn legacy(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), Dialect::Legacy)
    }

    const fn new(path: PathBuf, dialect: Dialect) -> Self {
        Self {
            path,
            dialect,
            is_named: true,
        }
    }

    /// As a place where to look, which nobody asked for.
    pub(super) const fn unnamed(mut self) -> Self {
        self.is_named = false;
        self
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The credential for a repository, or for a registry as a whole.
    ///
    /// # Errors
    ///
    /// [`Error::Credential`], which names the file and does not quote it, when it makes no sense, or from a helper program,
    /// also when that is missing. [`Error::Context`] around [`Error::Io`] when the file cannot be read. [`Error::TooLarge`]
    /// beyond [`MAX_CONFIG_BYTES`].
    pub fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        helpers: &Helpers,
    ) -> Result<Option<Credential>> {
        let mut ask = |suffix: &str, server: &str| helpers.require(suffix)?.get(server);
        self.find(&self.read()?, registry, repository, &mut ask)
    }

    /// Stores the credential for a registry in the place of another: by the helper program that the file names for it, or
    /// else in the file. What the file holds besides stays as it is.
    ///
    /// # Errors
    ///
    /// As of [`get`](Self::get); [`Error::Credential`] also for a user name with a colon, which the file cannot hold;
    /// [`Error::Io`] when the file cannot be written, and is as it was. As of [`Helper::store`](super::Helper::store).
    pub fn store(
        &self,
        registry: &RegistryName,
        credential: &Credential,
        helpers: &Helpers,
    ) -> Result<Stored> {
        if let Some(suffix) = self.read()?.helper(registry) {
            let helper = helpers.require(suffix)?;
            helper.store(server(registry), credential)?;
            self.edit(helpers, |document| document.mark(registry))?;
            return Ok(Stored::ByHelper {
                program: program_name(suffix),
            });
        }
        if let Credential::Password { username, .. } = credential
            && username.contains(':')
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
        Ok(Stored::InFile)
    }

    /// Forgets the credential for a registry as a whole. That there is none is no error. Credentials for single namespaces
    /// stay.
    ///
    /// # Errors
    ///
    /// As of [`store`](Self::store).
    pub fn erase(&self, registry: &RegistryName, helpers: &Helpers) -> Result<()> {
        if let Some(suffix) = self.read()?.helper(registry) {
            helpers.require(suffix)?.erase(server(registry))?;
        }
        self.edit(helpers, |document| document.remove(registry))
    }

    /// The credential that `document`, which was read from this file, leads to. `ask` asks a helper program.
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

    /// What the file says.
    pub(super) fn read(&self) -> Result<Document> {
        let doing = |doing: &str| format!("{doing} {}", self.path.display());
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file
                .take(MAX_CONFIG_BYTES + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| {
                    Error::io("read", &self.path)(error)
                        .context(doing("failed to decode config file"))
                })?,
            Err(error) if self.is_absent(&error) => 0,
            Err(error) => {
                return Err(Error::io("open", &self.path)(error)
                    .context(doing("failed to open config file at")));
            }
        };
        if bytes.len() as u64 > MAX_CONFIG_BYTES {
            return Err(Error::TooLarge {
                what: doing("config file"),
                size: fs::metadata(&self.path)
                    .map_or(0, |metadata| metadata.len())
                    .max(bytes.len() as u64),
                limit: MAX_CONFIG_BYTES,
                limit_name: "MaxConfigBytes",
            });
        }
        str::from_utf8(&bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| Document::parse(text, self.dialect))
            .map_err(|reason| self.malformed(&reason))
    }

    /// Whether a file that could not be opened for this reason does not exist.
    fn is_absent(&self, error: &io::Error) -> bool {
        match error.kind() {
            // Users without a home have one such as `/dev/null`.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
            io::ErrorKind::PermissionDenied => {
                !self.is_named && fs::symlink_metadata(&self.path).is_err()
            }
            _ => false,
        }
    }

    /// Reads the file, and writes it again if `change` changes something. Nothing is created for no change.
    fn edit(&self, helpers: &Helpers, change: impl Fn(&mut Document) -> bool) -> Result<()> {
        if !change(&mut self.read()?) {
            return Ok(());
        }
        let file = PrivateFile::lock(&self.path, &*helpers.clock)?;
        // Somebody else may just have changed it.
        let mut document = self.read()?;
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

#[cfg(test)]
mod tests;
