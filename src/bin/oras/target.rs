//! Targets: the meaning of `name:tag` on the command line, and the store behind it.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use oras::Reference;
use oras::error::IoOp;
use oras::internal::InputKind;
use oras::layout::{LayoutStore, LayoutTar};
use oras::reference::{RepositoryName, Tag};
use oras::registry::{Client, ReferrersMode, Repository};
use oras::store::memory::MemoryStore;
use oras::store::{Delete, Referrers, Source, TagLister, Target as WritableStore};
use oras::{Digest, Error, Platform};

use crate::cli::groups::TargetFlags;
use crate::cli::{CommandLine, CommandSpec, quote};
use crate::client::ClientConfig;
use crate::error::CliError;
use crate::hints;
use crate::input::check_kind;
use crate::output::text::TargetName;
use crate::process::Process;

/// A target of a command: a repository or a layout, usually with a tag or digest.
pub(crate) struct Target {
    /// The reference as typed, up to the first comma.
    raw: String,
    location: Location,
    /// Tag or digest.
    reference: Option<String>,
    client: Rc<ClientConfig>,
    /// The command, for usage errors.
    command: &'static CommandSpec,
}

enum Location {
    Registry(Reference),
    Layout {
        path: String,
        /// Whether `--oci-layout-path` names the layout. Its errors look like those of a registry.
        by_path: bool,
    },
}

/// A store that can be read and listed.
pub(crate) trait ReadableStore: Referrers + TagLister {}

impl<T: Referrers + TagLister> ReadableStore for T {}

/// A store from which content can be deleted.
pub(crate) trait DeletableStore: Source + Delete {}

impl<T: Source + Delete> DeletableStore for T {}

impl Target {
    /// Parses a positional argument.
    pub(crate) fn parse(
        raw: &str,
        flags: &TargetFlags,
        line: &CommandLine,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        Self::parse_with_client(None, raw, flags, line, process)
    }

    /// Parses all positional arguments as targets with the same client.
    pub(crate) fn parse_all(
        flags: &TargetFlags,
        line: &CommandLine,
        process: &mut Process,
    ) -> Result<Vec<Self>, CliError> {
        let mut targets: Vec<Self> = Vec::with_capacity(line.positionals.len());
        for raw in &line.positionals {
            let client = targets.first().map(|first| &first.client);
            targets.push(Self::parse_with_client(client, raw, flags, line, process)?);
        }
        Ok(targets)
    }

    /// Parses a target. Targets of one command share a client, because a secret can be read from
    /// stdin only once.
    fn parse_with_client(
        client: Option<&Rc<ClientConfig>>,
        raw: &str,
        flags: &TargetFlags,
        line: &CommandLine,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let TargetFlags { remote, layout, .. } = flags;
        line.set.exclusive(&["oci-layout-path", "oci-layout"])?;
        if layout.is_set() {
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
                location: Location::Layout {
                    path: path.to_owned(),
                    by_path: !layout.oci_layout,
                },
                reference: Some(reference.to_owned()).filter(|reference| !reference.is_empty()),
                client: Rc::default(),
                command: line.command,
            });
        }
        let reference: Reference = raw.parse().map_err(|mut error| {
            // The hint below says more.
            if let Error::InvalidReference { suggestion, .. } = &mut error {
                *suggestion = None;
            }
            let cli_error = CliError::from(&error);
            // The library does not name an empty reference.
            if raw.is_empty() { cli_error.context("\"\"") } else { cli_error }
                .recommend("Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]")
                .with_reference_hint(raw)
        })?;
        Ok(Self {
            raw: raw.to_owned(),
            reference: reference.name().map(ToString::to_string),
            client: match client {
                Some(client) => Rc::clone(client),
                None => Rc::new(ClientConfig::parse(
                    remote,
                    flags.debugging,
                    &line.set,
                    process,
                )?),
            },
            location: Location::Registry(reference),
            command: line.command,
        })
    }

    /// Parses a target followed by further tags, all separated by commas.
    pub(crate) fn parse_with_tags(
        raw: &str,
        flags: &TargetFlags,
        line: &CommandLine,
        process: &mut Process,
    ) -> Result<(Self, Vec<String>), CliError> {
        let mut parts = raw.split(',');
        let first = parts.next().unwrap_or_default();
        let target = Self::parse(first, flags, line, process)?;
        Ok((target, parts.map(str::to_owned).collect()))
    }

    /// The tag or digest, or a usage error without one.
    pub(crate) fn required_reference(&self) -> Result<&str, CliError> {
        self.require("tag or digest", "\"<name>:<tag>\" or \"<name>@<digest>\"")
    }

    /// The digest, or a usage error without one. In a layout, a tag is accepted too.
    pub(crate) fn required_digest(&self) -> Result<&str, CliError> {
        let reference = self.require("digest", "\"<name>@<digest>\"")?;
        match reference.parse::<Digest>() {
            Err(Error::InvalidInput { reason, .. }) if !self.is_layout() => {
                Err(CliError::usage(reason))
            }
            _ => Ok(reference),
        }
    }

    fn require(&self, what: &str, form: &str) -> Result<&str, CliError> {
        self.reference().ok_or_else(|| {
            CliError::usage(format!("{}: no {what} specified", quote::double(&self.raw)))
                .with_usage_of(self.command)
                .recommend(format!(
                    "Please specify a reference in the form of {form}. {}",
                    self.command.see_help()
                ))
        })
    }

    /// The tag or digest.
    pub(crate) fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// The reference as typed.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// `registry/repository`, or the path of the layout.
    pub(crate) fn path(&self) -> String {
        match &self.location {
            Location::Registry(reference) => reference.path(),
            Location::Layout { path, .. } => path.clone(),
        }
    }

    /// Whether the target is a layout.
    pub(crate) const fn is_layout(&self) -> bool {
        matches!(self.location, Location::Layout { .. })
    }

    /// `[registry] name:tag`, as status lines show it.
    pub(crate) fn shown(&self) -> TargetName<'_> {
        self.shown_as(&self.raw)
    }

    /// `[registry] name`, for another name at the same location.
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

    /// Does not use the credential in `ORAS_USER` and `ORAS_PASS` for the target.
    pub(crate) fn ignore_environment_credential(&mut self) {
        if let Some(client) = Rc::get_mut(&mut self.client) {
            client.ignore_environment_credential();
        }
    }

    /// The client of the target's registry.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        self.client.client()
    }

    /// Same as [`client`](Self::client), but requests only manifests of these media types, if there
    /// are any.
    pub(crate) fn client_accepting(&self, media_types: &[String]) -> Result<Client, CliError> {
        self.client.client_accepting(media_types)
    }

    /// The reference of a target in a registry.
    const fn registry_reference(&self) -> Option<&Reference> {
        match &self.location {
            Location::Registry(reference) => Some(reference),
            Location::Layout { .. } => None,
        }
    }

    fn repository(&self, client: &Client) -> Option<Repository> {
        self.registry_reference()
            .map(|reference| client.repository_at(reference))
    }

    /// The name of the repository, for a target in a registry.
    pub(crate) fn repository_name(&self) -> Option<&RepositoryName> {
        self.registry_reference().map(Reference::repository)
    }

    /// Whether both targets are in the same registry.
    pub(crate) fn has_same_registry(&self, other: &Self) -> bool {
        let this = self.registry_reference().map(Reference::registry);
        this.is_some() && this == other.registry_reference().map(Reference::registry)
    }

    /// The store, for reading. Nothing is created.
    pub(crate) fn source<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn ReadableStore + 'c>, CliError> {
        self.source_with(ReferrersMode::Learned, None, client)
    }

    /// Same as [`source`](Self::source), with a mode of keeping referrers. If the same client
    /// writes to `destination`, one token is requested for both.
    pub(crate) fn source_with<'c>(
        &self,
        referrers: ReferrersMode,
        destination: Option<&Self>,
        client: &'c Client,
    ) -> Result<Box<dyn ReadableStore + 'c>, CliError> {
        let Some(repository) = self.repository(client) else {
            return self.open_layout();
        };
        let repository = repository.with_referrers_mode(referrers);
        let destination = destination.and_then(|target| target.repository(client));
        Ok(Box::new(match destination {
            Some(destination) => repository.with_scopes_of(&destination.with_push_scope()),
            None => repository,
        }))
    }

    /// Same as [`source`](Self::source), but a layout that does not exist is empty.
    pub(crate) fn source_or_empty<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn Source + 'c>, CliError> {
        if self.is_layout() && !Path::new(&self.path()).exists() {
            return Ok(Box::new(MemoryStore::new()));
        }
        Ok(self.source(client)?)
    }

    /// The store, for writing. A layout that does not exist is created.
    pub(crate) fn destination<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn WritableStore + 'c>, CliError> {
        self.destination_with(ReferrersMode::Learned, None, client)
    }

    /// Same as [`destination`](Self::destination), with a mode of keeping referrers. If the same
    /// client reads from `source`, one token is requested for both.
    pub(crate) fn destination_with<'c>(
        &self,
        referrers: ReferrersMode,
        source: Option<&Self>,
        client: &'c Client,
    ) -> Result<Box<dyn WritableStore + 'c>, CliError> {
        let Some(repository) = self.repository(client) else {
            return Ok(Box::new(self.create_layout()?));
        };
        let repository = repository.with_push_scope().with_referrers_mode(referrers);
        Ok(Box::new(
            match source.and_then(|target| target.repository(client)) {
                Some(source) => repository.with_scopes_of(&source),
                None => repository,
            },
        ))
    }

    /// The manifests, for writing manifests of any type. A layout that does not exist is created.
    pub(crate) fn manifests_to_write<'c>(
        &self,
        client: &'c Client,
        mode: ReferrersMode,
    ) -> Result<Box<dyn WritableStore + 'c>, CliError> {
        Ok(match self.repository(client) {
            Some(repository) => {
                let repository = repository.with_push_scope().with_referrers_mode(mode);
                Box::new(repository.into_manifests())
            }
            None => Box::new(self.create_layout()?),
        })
    }

    /// The manifests, for deleting. A layout that does not exist is created.
    pub(crate) fn manifests_to_delete<'c>(
        &self,
        client: &'c Client,
        mode: ReferrersMode,
    ) -> Result<Box<dyn DeletableStore + 'c>, CliError> {
        Ok(match self.repository(client) {
            Some(repository) => {
                let repository = repository.with_delete_scope().with_referrers_mode(mode);
                Box::new(repository.into_manifests())
            }
            None => Box::new(self.create_layout()?),
        })
    }

    /// The blobs, for reading. Nothing is created.
    pub(crate) fn blobs<'c>(&self, client: &'c Client) -> Result<Box<dyn Source + 'c>, CliError> {
        Ok(match self.repository(client) {
            Some(repository) => Box::new(repository.into_blobs()),
            None => self.open_layout()?,
        })
    }

    /// The blobs, for deleting. A layout that does not exist is created.
    pub(crate) fn blobs_to_delete<'c>(
        &self,
        client: &'c Client,
    ) -> Result<Box<dyn DeletableStore + 'c>, CliError> {
        Ok(match self.repository(client) {
            Some(repository) => Box::new(repository.with_delete_scope().into_blobs()),
            None => Box::new(self.create_layout()?),
        })
    }

    /// The layout, a directory or a tar archive, for reading.
    fn open_layout(&self) -> Result<Box<dyn ReadableStore>, CliError> {
        let path = self.path();
        let metadata = std::fs::metadata(&path).map_err(|error| {
            Error::io(IoOp::Stat, &path)(error).context(format!(
                "invalid argument {}: failed to find path {}",
                quote::double(&self.raw),
                quote::double(&path)
            ))
        })?;
        check_kind(
            &path,
            |kind| matches!(kind, InputKind::File | InputKind::Directory),
            "An OCI image layout is a directory or a tar archive",
        )?;
        let cli_error = |error| {
            let cli_error = self.cli_error(&error);
            match hints::not_a_layout(&path) {
                Some(hint) => cli_error.recommend(hint),
                None => cli_error,
            }
        };
        Ok(if metadata.is_dir() {
            Box::new(LayoutStore::open(&path).map_err(cli_error)?)
        } else {
            Box::new(LayoutTar::open(&path).map_err(cli_error)?)
        })
    }

    /// The layout, for writing.
    fn create_layout(&self) -> Result<LayoutStore, CliError> {
        let path = self.path();
        if Path::new(&path).is_file() {
            let not_a_directory = io::ErrorKind::NotADirectory.into();
            let cli_error = CliError::from(&Error::io(IoOp::Mkdir, &path)(not_a_directory));
            return Err(cli_error.recommend(hints::read_only_archive(&path)));
        }
        LayoutStore::create_or_open(Path::new(&path)).map_err(|error| self.cli_error(&error))
    }

    /// The recommendation if the error is about `tag` and the layout does not have it.
    fn missing_tag_hint(&self, error: &Error, tag: Option<&str>) -> Option<String> {
        let (tag, path) = (tag?, self.path());
        let Error::NotFound {
            what, index: None, ..
        } = error.root()
        else {
            return None;
        };
        let is_about_tag = what.is_empty() || what == tag;
        if !is_about_tag || tag.parse::<Digest>().is_ok() {
            return None;
        }
        let layout: Box<dyn ReadableStore> = if Path::new(&path).is_dir() {
            Box::new(LayoutStore::open(&path).ok()?)
        } else {
            Box::new(LayoutTar::open(&path).ok()?)
        };
        let mut tags = Vec::new();
        let listed = layout.tags(None, &mut |page| {
            tags.extend_from_slice(page);
            ControlFlow::Continue(())
        });
        listed.ok()?;
        let is_missing = tags.iter().all(|other| other != tag);
        is_missing.then(|| hints::missing_tag(&path, tag, &tags))
    }

    /// The error of the command for an error of the library at this target.
    pub(crate) fn cli_error(&self, error: &Error) -> CliError {
        self.cli_error_about(error, self.reference())
    }

    /// Same as [`cli_error`](Self::cli_error), for an error about another tag or digest of this
    /// target.
    pub(crate) fn cli_error_about(&self, error: &Error, reference: Option<&str>) -> CliError {
        match &self.location {
            Location::Layout { by_path, .. } => {
                let cli_error = if *by_path {
                    CliError::at_registry(error, "", "")
                } else {
                    error.into()
                };
                match self.missing_tag_hint(error, reference) {
                    Some(hint) => cli_error.recommend(hint),
                    None => cli_error,
                }
            }
            Location::Registry(reference) => {
                CliError::at_repository(error, reference, &self.client.credential_hint())
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

/// Rejects further tags that no registry accepts, before any request. A layout accepts more, but
/// the tags of one command are the same everywhere.
pub(crate) fn check_further_tags(tags: &[String]) -> Result<(), CliError> {
    for tag in tags {
        if tag.is_empty() {
            return Err(CliError::usage("empty extra tag"));
        }
        tag.parse::<Tag>()
            .map_err(|error| CliError::from(&error).context("invalid extra tag"))?;
    }
    Ok(())
}

/// Parses a platform; empty means none.
pub(crate) fn parse_platform(text: &str) -> Result<Option<Platform>, CliError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| CliError::from(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_tags_are_tags_of_a_registry() {
        for (tags, message) in [
            (&[][..], None),
            (&["v1", "_", "v1.0-rc_1"], None),
            (&[""], Some("Error: empty extra tag\n")),
            (&["v1", "", "v2"], Some("Error: empty extra tag\n")),
            (
                &["v1", "a b"],
                Some("Error: invalid extra tag: invalid reference: invalid tag \"a b\"\n"),
            ),
            (
                &["sha256:0"],
                Some("Error: invalid extra tag: invalid reference: invalid tag \"sha256:0\"\n"),
            ),
        ] {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            let checked = check_further_tags(&tags).err();
            assert_eq!(checked.map(|error| error.to_text()).as_deref(), message);
        }
    }
}
