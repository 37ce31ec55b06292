//! A repository with some of its tags: what is backed up, and where it is restored to.

use oras::reference::{Reference, Tag};
use oras::registry::{Client, ReferrersMode, Repository};
use oras::{Error, Result};

use crate::cli::groups::{Debugging, Distribution, Remote};
use crate::cli::{SetFlags, quote};
use crate::client::ClientConfig;
use crate::error::CliError;
use crate::process::Process;

/// A repository, how it is reached, and tags in it.
pub(crate) struct TaggedRepository {
    path: String,
    /// The host and port of the registry.
    host: String,
    tags: Vec<String>,
    access: ClientConfig,
    /// Who keeps lists of referrers there.
    referrers: ReferrersMode,
}

/// The flags that say how a repository is reached.
pub(crate) struct RepositoryFlags<'f> {
    pub(crate) remote: &'f Remote,
    pub(crate) distribution: &'f Distribution,
    pub(crate) debugging: &'f Debugging,
    pub(crate) given: &'f SetFlags,
}

impl TaggedRepository {
    /// Reads `registry/repository[:tag[,tag]…]`.
    pub(crate) fn parse(
        raw: &str,
        flags: &RepositoryFlags<'_>,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let access = ClientConfig::parse(flags.remote, flags.debugging, flags.given, process)?;
        let (reference, tags) = split(raw)?;
        Ok(Self {
            path: reference.path(),
            host: reference.registry().host_and_port().to_owned(),
            tags,
            access,
            referrers: flags.distribution.referrers,
        })
    }

    /// `registry/repository`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The tags, in the order in which they were typed. None stands for all.
    pub(crate) fn take_tags(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tags)
    }

    /// What talks to the registry.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        self.access.client()
    }

    /// The store.
    pub(crate) fn open<'c>(&self, client: &'c Client) -> Result<Repository<'c>, CliError> {
        client
            .repository(&self.path)
            .map(|repository| repository.with_referrers_mode(self.referrers))
            .map_err(|error| self.failure(&error))
    }

    /// A failure of the library, in the user's terms.
    pub(crate) fn failure(&self, error: &Error) -> CliError {
        CliError::at_any_registry(error, &self.host, &self.access.credential_hint())
    }
}

/// What was typed: a repository, and the tags.
fn split(raw: &str) -> Result<(Reference, Vec<String>), CliError> {
    let shown = quote::double(raw);
    if raw.is_empty() {
        return Err(CliError::usage("artifact reference cannot be empty"));
    }
    if raw.contains('@') {
        return Err(CliError::usage(format!(
            "digest references are not supported: {shown}"
        )));
    }
    let (first, further) = match raw.split_once(',') {
        Some((first, further)) => (first, Some(further)),
        None => (raw, None),
    };
    let reference: Reference = first.parse().map_err(|error: Error| {
        // What was typed is named already.
        let reason = match &error {
            Error::InvalidReference { reason, .. } => format!("invalid reference: {reason}"),
            other => other.to_string(),
        };
        CliError::usage(format!(
            "invalid reference {}: {reason}",
            quote::double(first)
        ))
    })?;
    let tag = reference.name().map(ToString::to_string);
    let Some(further) = further else {
        return Ok((reference, tag.into_iter().collect()));
    };
    let mut tags = vec![tag.unwrap_or_default()];
    tags.extend(further.split(',').map(str::to_owned));
    for tag in &tags {
        if tag.is_empty() {
            return Err(CliError::usage(format!("empty tag in reference {shown}")));
        }
        tag.parse::<Tag>().map_err(|error| {
            CliError::usage(format!(
                "invalid tag {} in reference {shown}: {error}",
                quote::double(tag)
            ))
        })?;
    }
    Ok((reference, tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_separated_by_commas_and_no_tag_stands_for_all() {
        for (raw, wanted) in [
            ("localhost:5000/a", vec![]),
            ("localhost:5000/a:", vec![]),
            ("localhost:5000/a/b:v1", vec!["v1"]),
            ("localhost:5000/a:v1,v2,v1", vec!["v1", "v2", "v1"]),
        ] {
            let (reference, tags) = split(raw).unwrap();
            let path = reference.path();
            assert!(raw.starts_with(&path) && path.starts_with("localhost:5000/a"));
            assert_eq!(tags, wanted, "{raw}");
        }
        for raw in [
            "",
            "a",
            ",v1",
            "localhost/a,v2",
            "localhost/a:,v2",
            "localhost/a:v1,",
            "localhost/a:v1,,v2",
            "localhost/a:v1, v2",
            "localhost/a@v1",
            "localhost/a:v1:v2",
        ] {
            assert!(split(raw).is_err(), "{raw}");
        }
    }
}
