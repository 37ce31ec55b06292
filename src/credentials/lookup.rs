//! Looking credentials up where users keep them.
//!
//! A [`Lookup`] reads files and runs helper programs only when it is asked, each at most once. It does not know which places
//! these are, which is for [`Places`] to say, and prints nothing: what should be known without being an error is a
//! [`Warning`].

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::CredentialStore;
use super::auths_key::Dialect;
use super::config_file::{ConfigFile, Stored};
use super::document::Document;
use super::helper::{Helpers, missing, program_name};
use super::locations::{Place, Places};
use crate::auth::credential::Credential;
use crate::error::{Error, Result};
use crate::oci::reference::{RegistryName, RepositoryName};

/// How messages call what was given as [`Places::docker_auth_config`].
const DOCKER_AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";

/// What should be known about a look-up, without being an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A file names a helper program that is not there. The look-up goes on without it.
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

/// Looks credentials up where users keep them. See [`Places`] for the order.
///
/// ```
/// use oras::credentials::{Lookup, Places};
/// use oras::registry::Client;
///
/// let places = Places {
///     home: Some("/home/me".into()),
///     ..Places::default()
/// };
/// let client = Client::builder().credentials(Lookup::new(&places)).build();
/// ```
pub struct Lookup {
    sources: Vec<Source>,
    /// Where credentials are stored.
    file: Option<ConfigFile>,
    /// For registries that no source knows.
    pair: Option<Credential>,
    helpers: Helpers,
    /// What helper programs said, by suffix and server.
    said: RefCell<HashMap<(String, String), Option<Credential>>>,
    warn: Option<RefCell<Listener>>,
}

/// Is told warnings.
type Listener = Box<dyn FnMut(Warning) + Send>;

struct Source {
    place: Place,
    document: OnceCell<Document>,
}

impl Lookup {
    /// Looks in these places. Nothing is read yet.
    pub fn new(places: &Places) -> Self {
        let sources = places.in_order().into_iter().map(|place| Source {
            place,
            document: OnceCell::new(),
        });
        Self {
            sources: sources.collect(),
            file: places.file(),
            pair: places.pair(),
            helpers: Helpers::new(places.path.clone().unwrap_or_default()),
            said: RefCell::default(),
            warn: None,
        }
    }

    /// Goes on where a helper program is missing, and says so to `warn`. Without this it is an error.
    #[must_use]
    pub fn on_warning(mut self, warn: impl FnMut(Warning) + Send + 'static) -> Self {
        self.warn = Some(RefCell::new(Box::new(warn)));
        self
    }

    /// Reads all files now, so that a malformed one is known before a registry is asked.
    ///
    /// # Errors
    ///
    /// As of [`ConfigFile::get`].
    pub fn check(&self) -> Result<()> {
        self.sources
            .iter()
            .try_for_each(|source| source.document().map(drop))
    }

    /// The file in which credentials are stored: the first of those that the user named, else `REGISTRY_AUTH_FILE`, else
    /// Docker's. There is none if nothing says where the user is at home.
    pub const fn file(&self) -> Option<&ConfigFile> {
        self.file.as_ref()
    }

    /// Stores a credential in [the file](Self::file), or by the helper program that it names.
    ///
    /// # Errors
    ///
    /// As of [`ConfigFile::store`]; [`Error::Credential`] also if there is no file.
    pub fn store(&self, registry: &RegistryName, credential: &Credential) -> Result<Stored> {
        let file = self.file().ok_or_else(|| Error::Credential {
            what: "no file to store credentials in".to_owned(),
            reason: "neither a file nor a home directory is known".to_owned(),
        })?;
        file.store(registry, credential, &self.helpers)
    }

    /// Forgets the credential in [the file](Self::file), or in the helper program that it names. That there is none is no
    /// error.
    ///
    /// # Errors
    ///
    /// As of [`ConfigFile::erase`].
    pub fn erase(&self, registry: &RegistryName) -> Result<()> {
        self.file()
            .map_or(Ok(()), |file| file.erase(registry, &self.helpers))
    }

    /// Asks a helper program that is named in `file`, unless it was asked already.
    fn ask(&self, file: &Path, suffix: &str, server: &str) -> Result<Option<Credential>> {
        let question = (suffix.to_owned(), server.to_owned());
        if let Some(said) = self.said.borrow().get(&question) {
            return Ok(said.clone());
        }
        let answer = match (self.helpers.find(suffix)?, &self.warn) {
            (Some(helper), _) => helper.get(server)?,
            (None, None) => return Err(missing(suffix)),
            (None, Some(warn)) => {
                let file = file.to_owned();
                let program = program_name(suffix);
                (warn.borrow_mut())(Warning::MissingHelper { program, file });
                None
            }
        };
        self.said.borrow_mut().insert(question, answer.clone());
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
            let found = match &source.place {
                Place::File(file) => {
                    let mut ask =
                        |suffix: &str, server: &str| self.ask(file.path(), suffix, server);
                    file.find(document, registry, repository, &mut ask)?
                }
                Place::Variable(_) => document
                    .credential(registry, repository)
                    .map_err(|reason| malformed_variable(&reason))?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(self.pair.clone())
    }

    /// Asks helper programs again; files are not read again.
    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        self.said
            .borrow_mut()
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
            match &source.place {
                Place::File(file) => list.entry(&file.path()),
                Place::Variable(_) => list.entry(&DOCKER_AUTH_CONFIG),
            };
        }
        list.finish()
    }
}

impl Source {
    /// What is written there, read once.
    fn document(&self) -> Result<&Document> {
        if let Some(document) = self.document.get() {
            return Ok(document);
        }
        let document = match &self.place {
            Place::File(file) => file.read()?,
            Place::Variable(text) => Document::parse(text.expose(), Dialect::Docker)
                .map_err(|reason| malformed_variable(&reason))?,
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
