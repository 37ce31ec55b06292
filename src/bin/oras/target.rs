//! Targets: what the user means by `name:tag`, and the store behind it.

use std::path::Path;
use std::rc::Rc;

use oras::layout::{LayoutStore, LayoutTar};
use oras::reference::{Reference, RepositoryName};
use oras::registry::{Client, ReferrersMode, Repository};
use oras::store::{Delete, Referrers, Source, TagLister, Target as WritableStore};
use oras::{Digest, Error, Platform};

use crate::cli::groups::{Debugging, Layout, Remote};
use crate::cli::{CommandSpec, SetFlags, quote};
use crate::client::ClientConfig;
use crate::error::CliError;
use crate::output::text::TargetName;
use crate::process::Process;

/// What a positional argument means.
pub(crate) struct Target {
    /// As typed; of a list of tags up to the first.
    raw: String,
    place: Place,
    /// Tag or digest.
    reference: Option<String>,
    access: Rc<ClientConfig>,
}

enum Place {
    Registry(Reference),
    Layout {
        path: String,
        /// SetFlags by `--oci-layout-path`, which reports errors like a registry.
        by_path: bool,
    },
}

/// A store that can be read and listed.
pub(crate) trait ReadableStore: Referrers + TagLister {}

impl<T: Referrers + TagLister> ReadableStore for T {}

/// A store from which content can be deleted.
pub(crate) trait DeletableStore: Source + Delete {}

impl<T: Source + Delete> DeletableStore for T {}

/// The flags that say what a target is and how it is reached.
pub(crate) struct TargetFlags<'f> {
    pub(crate) remote: &'f Remote,
    pub(crate) layout: &'f Layout,
    pub(crate) debugging: &'f Debugging,
    pub(crate) given: &'f SetFlags,
}

impl Target {
    /// Reads a target from what was typed.
    pub(crate) fn parse(
        raw: &str,
        flags: &TargetFlags<'_>,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        Self::parse_like(None, raw, flags, process)
    }

    /// Reads several targets that are reached in one way, with one client.
    pub(crate) fn parse_all(
        raws: &[String],
        flags: &TargetFlags<'_>,
        process: &mut Process,
    ) -> Result<Vec<Self>, CliError> {
        let mut targets: Vec<Self> = Vec::with_capacity(raws.len());
        for raw in raws {
            targets.push(Self::parse_like(targets.first(), raw, flags, process)?);
        }
        Ok(targets)
    }

    /// Reads a target that is reached in the same way as another one: a secret on stdin is there once.
    fn parse_like(
        other: Option<&Self>,
        raw: &str,
        flags: &TargetFlags<'_>,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let TargetFlags {
            remote,
            layout,
            given,
            ..
        } = flags;
        given.exclusive(&["oci-layout-path", "oci-layout"])?;
        if layout.is_given() {
            if layout.oci_layout && !remote.headers.is_empty() {
                return Err(CliError::usage(
                    "custom header flags cannot be used on an OCI image layout target",
                ));
            }
            let (path, reference) = if layout.oci_layout {
                split_layout(raw)?
            } else {
                (layout.oci_layout_path.as_str(), raw)
            };
            return Ok(Self {
                raw: raw.to_owned(),
                place: Place::Layout {
                    path: path.to_owned(),
                    by_path: !layout.oci_layout,
                },
                reference: Some(reference.to_owned()).filter(|reference| !reference.is_empty()),
                access: Rc::default(),
            });
        }
        let reference: Reference = raw.parse().map_err(|error| {
            let failure = CliError::from_library(&error);
            // The library does not name what is empty.
            if raw.is_empty() { failure.context("\"\"") } else { failure }
                .recommend("Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]")
        })?;
        Ok(Self {
            raw: raw.to_owned(),
            reference: reference.name().map(ToString::to_string),
            access: match other {
                Some(other) => Rc::clone(&other.access),
                None => Rc::new(ClientConfig::parse(
                    remote,
                    flags.debugging,
                    given,
                    process,
                )?),
            },
            place: Place::Registry(reference),
        })
    }

    /// Reads a target followed by further tags, all separated by commas.
    pub(crate) fn parse_with_tags(
        raw: &str,
        flags: &TargetFlags<'_>,
        process: &mut Process,
    ) -> Result<(Self, Vec<String>), CliError> {
        let mut parts = raw.split(',');
        let first = parts.next().unwrap_or_default();
        let target = Self::parse(first, flags, process)?;
        Ok((target, parts.map(str::to_owned).collect()))
    }

    /// The tag or digest, where one is needed.
    pub(crate) fn required_reference(&self, command: &CommandSpec) -> Result<&str, CliError> {
        self.reference().ok_or_else(|| {
            CliError::usage(format!("{}: no tag or digest specified", quote::double(&self.raw)))
                .with_usage_of(command)
                .recommend(format!(
                    "Please specify a reference in the form of \"<name>:<tag>\" or \"<name>@<digest>\". {}",
                    command.see_help()
                ))
        })
    }

    /// The digest, where one is needed. In a layout a tag will do.
    pub(crate) fn required_digest(&self, command: &CommandSpec) -> Result<&str, CliError> {
        let reference = self.reference().ok_or_else(|| {
            CliError::usage(format!("{}: no digest specified", quote::double(&self.raw)))
                .with_usage_of(command)
                .recommend(format!(
                    "Please specify a reference in the form of \"<name>@<digest>\". {}",
                    command.see_help()
                ))
        })?;
        match reference.parse::<Digest>() {
            Err(Error::InvalidInput { reason, .. }) if !self.is_layout() => {
                Err(CliError::usage(reason))
            }
            _ => Ok(reference),
        }
    }

    /// The tag or digest.
    pub(crate) fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// As typed.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// `registry/repository`, or the path of the layout.
    pub(crate) fn path(&self) -> String {
        match &self.place {
            Place::Registry(reference) => reference.path(),
            Place::Layout { path, .. } => path.clone(),
        }
    }

    /// Whether this is a layout.
    pub(crate) const fn is_layout(&self) -> bool {
        matches!(self.place, Place::Layout { .. })
    }

    /// `[registry] name:tag`, as status lines show it.
    pub(crate) fn shown(&self) -> TargetName<'_> {
        self.shown_as(&self.raw)
    }

    /// `[registry] name`, for something else at the same place.
    pub(crate) const fn shown_as<'n>(&self, name: &'n str) -> TargetName<'n> {
        TargetName {
            kind: if self.is_layout() {
                "oci-layout"
            } else {
                "registry"
            },
            name,
        }
    }

    /// What talks to registries on behalf of this target.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        self.access.client()
    }

    /// As [`client`](Self::client), asking for manifests of these media types only, if there are any.
    pub(crate) fn client_accepting(&self, media_types: &[String]) -> Result<Client, CliError> {
        self.access.client_accepting(media_types)
    }

    /// The repository, for a target in a registry.
    fn repository<'c>(
        &self,
        reference: &Reference,
        client: &'c Client,
    ) -> Result<Repository<'c>, CliError> {
        client
            .repository(&reference.path())
            .map_err(|error| self.failure(&error))
    }

    /// The repository, for a target in a registry.
    pub(crate) const fn repository_name(&self) -> Option<&RepositoryName> {
        match &self.place {
            Place::Registry(reference) => Some(reference.repository()),
            Place::Layout { .. } => None,
        }
    }

    /// Whether this and `other` are in one registry.
    pub(crate) fn is_in_registry_of(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Place::Registry(this), Place::Registry(other)) => this.registry() == other.registry(),
            _ => false,
        }
    }

    /// The store, for reading. Nothing is created.
    pub(crate) fn source<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn ReadableStore + 'c>, CliError> {
        self.source_with(ReferrersMode::Learned, None, client)
    }

    /// As [`source`](Self::source), with referrers that are kept in this way, and if the same client writes to `other`
    /// as well, with one token for both.
    pub(crate) fn source_with<'c>(
        &self,
        referrers: ReferrersMode,
        other: Option<&Self>,
        client: &'c Client,
    ) -> Result<Box<dyn ReadableStore + 'c>, CliError> {
        match &self.place {
            Place::Registry(reference) => {
                let mut repository = self.repository(reference, client)?;
                repository = repository.with_referrers_mode(referrers);
                if let Some((other, reference)) = other.and_then(Self::in_registry) {
                    let destination = other.repository(reference, client)?.for_writing();
                    repository = repository.together_with(&destination);
                }
                Ok(Box::new(repository))
            }
            Place::Layout { path, .. } => {
                let metadata = std::fs::metadata(path).map_err(|error| {
                    let error = Error::io("stat", path)(error);
                    CliError::from_library(&error.context(format!(
                        "invalid argument {}: failed to find path {}",
                        quote::double(&self.raw),
                        quote::double(path)
                    )))
                })?;
                if metadata.is_dir() {
                    let store = LayoutStore::open(path).map_err(|error| self.failure(&error))?;
                    Ok(Box::new(store))
                } else {
                    let store = LayoutTar::open(path).map_err(|error| self.failure(&error))?;
                    Ok(Box::new(store))
                }
            }
        }
    }

    /// The store, for writing. A layout that does not exist is created.
    pub(crate) fn destination<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn WritableStore + 'c>, CliError> {
        self.destination_with(ReferrersMode::Learned, None, client)
    }

    /// As [`destination`](Self::destination), with referrers that are kept in this way, and if the same client reads from
    /// `other` as well, with one token for both.
    pub(crate) fn destination_with<'c>(
        &self,
        referrers: ReferrersMode,
        other: Option<&Self>,
        client: &'c Client,
    ) -> Result<Box<dyn WritableStore + 'c>, CliError> {
        match &self.place {
            Place::Registry(reference) => {
                let mut repository = self.repository(reference, client)?.for_writing();
                repository = repository.with_referrers_mode(referrers);
                if let Some((other, reference)) = other.and_then(Self::in_registry) {
                    repository = repository.together_with(&other.repository(reference, client)?);
                }
                Ok(Box::new(repository))
            }
            Place::Layout { path, .. } => Ok(Box::new(self.layout(path)?)),
        }
    }

    /// The manifests, for writing some of any type. A layout that does not exist is created.
    pub(crate) fn manifests_to_write<'c>(
        &self,
        client: &'c Client,
        mode: ReferrersMode,
    ) -> Result<Box<dyn WritableStore + 'c>, CliError> {
        match &self.place {
            Place::Registry(reference) => {
                let repository = self.repository(reference, client)?.for_writing();
                let manifests = repository.with_referrers_mode(mode).into_manifests();
                Ok(Box::new(manifests))
            }
            Place::Layout { path, .. } => Ok(Box::new(self.layout(path)?)),
        }
    }

    /// The manifests, for deleting some. A layout that does not exist is created.
    pub(crate) fn manifests_to_delete<'c>(
        &self,
        client: &'c Client,
        mode: ReferrersMode,
    ) -> Result<Box<dyn DeletableStore + 'c>, CliError> {
        match &self.place {
            Place::Registry(reference) => {
                let repository = self.repository(reference, client)?.for_deleting();
                let manifests = repository.with_referrers_mode(mode).into_manifests();
                Ok(Box::new(manifests))
            }
            Place::Layout { path, .. } => Ok(Box::new(self.layout(path)?)),
        }
    }

    /// The blobs, for reading. Nothing is created.
    pub(crate) fn blobs<'c>(&self, client: &'c Client) -> Result<Box<dyn Source + 'c>, CliError> {
        match &self.place {
            Place::Registry(reference) => {
                let repository = self.repository(reference, client)?;
                Ok(Box::new(repository.into_blobs()))
            }
            Place::Layout { .. } => Ok(self.source(client)?),
        }
    }

    /// The blobs, for deleting some. A layout that does not exist is created.
    pub(crate) fn blobs_to_delete<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn DeletableStore + 'c>, CliError> {
        match &self.place {
            Place::Registry(reference) => {
                let repository = self.repository(reference, client)?.for_deleting();
                Ok(Box::new(repository.into_blobs()))
            }
            Place::Layout { path, .. } => Ok(Box::new(self.layout(path)?)),
        }
    }

    /// The layout at `path`, for writing.
    fn layout(&self, path: &str) -> Result<LayoutStore, CliError> {
        LayoutStore::create_or_open(Path::new(path)).map_err(|error| self.failure(&error))
    }

    fn in_registry(&self) -> Option<(&Self, &Reference)> {
        match &self.place {
            Place::Registry(reference) => Some((self, reference)),
            Place::Layout { .. } => None,
        }
    }

    /// A failure of the library at this target, in the user's terms.
    pub(crate) fn failure(&self, error: &Error) -> CliError {
        match &self.place {
            Place::Layout { by_path: false, .. } => CliError::from_library(error),
            Place::Layout { by_path: true, .. } => CliError::at_registry(error, "", ""),
            Place::Registry(reference) => {
                CliError::at_repository(error, reference, &self.access.credential_hint())
            }
        }
    }
}

/// `path[:tag]` or `path@digest`: the last `@` splits, else the last `:`.
fn split_layout(raw: &str) -> Result<(&str, &str), CliError> {
    let (path, reference) = raw
        .rsplit_once('@')
        .or_else(|| raw.rsplit_once(':'))
        .unwrap_or((raw, ""));
    if path.is_empty() {
        return Err(
            CliError::usage(format!("found empty file path in {}", quote::double(raw)))
                .recommend("invalid reference"),
        );
    }
    Ok((path, reference))
}

/// Reads a platform; empty means none.
pub(crate) fn parse_platform(text: &str) -> Result<Option<Platform>, CliError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| CliError::from_library(&error))
}
