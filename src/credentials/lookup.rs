//! Credential lookup in the locations of Docker, podman and oras.
//!
//! A [`Lookup`] reads files and runs helper programs when a credential is requested, each at most
//! once. Non-fatal problems are reported as [`Warning`].

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::auths_key::Dialect;
use super::config_file::ConfigFile;
use super::document::Document;
use super::helper::{Helpers, missing_helper, program_name};
use super::lenient_json::decode;
use super::locations::{Location, Locations};
use super::{CredentialStore, Stored};
use crate::auth::credential::Credential;
use crate::error::{Error, Result};
use crate::oci::{RegistryName, RepositoryName};
use crate::progress::sync::Lock;

/// Name of [`Locations::docker_auth_config`] in messages.
const DOCKER_AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";

/// A non-fatal problem found during a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A file names a helper program that does not exist. The lookup continues without it.
    #[non_exhaustive]
    MissingHelper {
        /// The name of the program.
        program: String,
        /// The file.
        file: PathBuf,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHelper { program, file } => write!(
                f,
                "credential helper \"{program}\", named in {}, not found in $PATH",
                file.display()
            ),
        }
    }
}

/// Looks up credentials in files and helper programs. See [`Locations`] for the order.
///
/// ```
/// use oras::credentials::{Lookup, Locations};
/// use oras::registry::Client;
///
/// let mut locations = Locations::default();
/// locations.home = Some("/home/me".into());
/// let client = Client::builder().credentials(Lookup::new(&locations)).build();
/// ```
pub struct Lookup {
    sources: Vec<Source>,
    /// File that credentials are stored in.
    file: Option<ConfigFile>,
    /// Credential for registries that no source contains.
    pair: Option<Credential>,
    helpers: Helpers,
    /// Results of helper programs by suffix and server.
    helper_results: Lock<HashMap<(String, String), Option<Credential>>>,
    warn: Option<WarningHandler>,
}

/// Receives warnings.
type WarningHandler = Box<dyn Fn(Warning) + Send + Sync>;

struct Source {
    location: Location,
    document: OnceLock<Document>,
}

impl Lookup {
    /// Creates a lookup in these locations. Files are read when a credential is requested.
    pub fn new(locations: &Locations) -> Self {
        let sources = locations
            .in_lookup_order()
            .into_iter()
            .map(|location| Source {
                location,
                document: OnceLock::new(),
            });
        Self {
            sources: sources.collect(),
            file: locations.file(),
            pair: locations.pair(),
            helpers: Helpers::new(locations.path.clone().unwrap_or_default()),
            helper_results: Lock::default(),
            warn: None,
        }
    }

    /// Creates a lookup in the locations that the environment of this process names, and in the
    /// default ones: the credentials that `docker login`, `podman login` and `oras login` stored.
    ///
    /// ```
    /// use oras::credentials::Lookup;
    /// use oras::registry::Client;
    ///
    /// let client = Client::builder().credentials(Lookup::from_env()).build();
    /// ```
    pub fn from_env() -> Self {
        Self::new(&Locations::from_env())
    }

    /// Reports a missing helper program to `warn` and continues. By default it is an error.
    #[must_use]
    pub fn on_warning(mut self, warn: impl Fn(Warning) + Send + Sync + 'static) -> Self {
        self.warn = Some(Box::new(warn));
        self
    }

    /// Reads all files now, so that a malformed file is reported before any request.
    ///
    /// # Errors
    ///
    /// See [`ConfigFile::get_with`].
    pub fn check(&self) -> Result<()> {
        self.sources
            .iter()
            .try_for_each(|source| source.document().map(drop))
    }

    /// Returns the file that credentials are stored in: the first file that the user named,
    /// otherwise `REGISTRY_AUTH_FILE`, otherwise Docker's `config.json`. Returns `None` if none of
    /// these is set and the home directory is unknown.
    pub const fn file(&self) -> Option<&ConfigFile> {
        self.file.as_ref()
    }

    /// Returns the path of a default file that the lookup skips because the process may not read
    /// it, for example in the home directory of another user, with the reason.
    pub fn unreadable_file(&self) -> Option<(&Path, io::Error)> {
        self.sources
            .iter()
            .find_map(|source| match &source.location {
                Location::File(file) => Some((file.path(), file.permission_error()?)),
                Location::Variable(_) => None,
            })
    }

    /// Returns the credential of a helper program that `file` names, and caches it.
    fn ask(&self, file: &Path, suffix: &str, server: &str) -> Result<Option<Credential>> {
        let question = (suffix.to_owned(), server.to_owned());
        if let Some(said) = self.helper_results.lock().get(&question) {
            return Ok(said.clone());
        }
        let answer = match (self.helpers.find(suffix)?, &self.warn) {
            (Some(helper), _) => helper.get_for(server)?,
            (None, None) => return Err(missing_helper(suffix)),
            (None, Some(warn)) => {
                let file = file.to_owned();
                let program = program_name(suffix);
                warn(Warning::MissingHelper { program, file });
                None
            }
        };
        self.helper_results.lock().insert(question, answer.clone());
        Ok(answer)
    }
}

impl CredentialStore for Lookup {
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Credential>> {
        for source in &self.sources {
            let document = source.document()?;
            let found = match &source.location {
                Location::File(file) => {
                    let mut ask =
                        |suffix: &str, server: &str| self.ask(file.path(), suffix, server);
                    file.find(document, registry, repository, &mut ask)?
                }
                Location::Variable(_) => document
                    .credential(registry, repository)
                    .map_err(|reason| malformed_variable(&reason))?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(self.pair.clone())
    }

    fn allows_anonymous_pulls(&self) -> bool {
        true
    }

    /// Stores a credential in [the file](Lookup::file) or with the helper program that it names.
    /// Later lookups in the same value do not see it, because each file is read once.
    fn store(&self, registry: &RegistryName, credential: &Credential) -> Result<Stored> {
        let file = self.file().ok_or_else(|| Error::Credential {
            what: "no file to store credentials in".to_owned(),
            reason: "neither a file nor a home directory is known".to_owned(),
        })?;
        file.store_with(&self.helpers, registry, credential)
    }

    /// Removes a credential from [the file](Lookup::file) or the helper program that it names.
    fn erase(&self, registry: &RegistryName) -> Result<()> {
        self.file()
            .map_or(Ok(()), |file| file.erase_with(&self.helpers, registry))
    }

    /// Runs helper programs again. Files are not read again.
    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        self.helper_results
            .lock()
            .retain(|_, said| said.as_ref() != Some(rejected));
        Ok(self
            .get(registry, repository)?
            .filter(|credential| credential != rejected))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for source in &self.sources {
            match &source.location {
                Location::File(file) => list.entry(&file.path()),
                Location::Variable(_) => list.entry(&DOCKER_AUTH_CONFIG),
            };
        }
        list.finish()
    }
}

impl Source {
    /// Returns the parsed content, which is read once.
    fn document(&self) -> Result<&Document> {
        if let Some(document) = self.document.get() {
            return Ok(document);
        }
        let document = match &self.location {
            Location::File(file) => file.read()?,
            Location::Variable(text) => {
                Document::parse(&decode(text.expose_bytes()), Dialect::Docker)
                    .map_err(|reason| malformed_variable(&reason))?
            }
        };
        Ok(self.document.get_or_init(|| document))
    }
}

fn malformed_variable(reason: &str) -> Error {
    Error::Credential {
        what: format!("failed to decode {DOCKER_AUTH_CONFIG}"),
        reason: format!("invalid config format: {reason}"),
    }
}

#[cfg(test)]
mod tests;
