//! A repository with some of its tags: what `oras backup` reads and `oras restore` writes.

use oras::Error;
use oras::Reference;
use oras::reference::Tag;
use oras::registry::{Client, ReferrersMode, Repository};

use crate::cli::groups::RepositoryFlags;
use crate::cli::{CommandLine, quote};
use crate::client::ClientConfig;
use crate::error::CliError;
use crate::process::Process;

/// A repository, and tags in it.
pub(crate) struct TaggedRepository {
    reference: Reference,
    tags: Vec<String>,
    client: ClientConfig,
    referrers: ReferrersMode,
}

impl TaggedRepository {
    /// Parses `registry/repository[:tag[,tag]…]`, the first positional argument.
    pub(crate) fn parse(
        flags: &RepositoryFlags,
        line: &CommandLine,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let client = ClientConfig::parse(&flags.remote, flags.debugging, &line.set, process)?;
        let (reference, tags) = split(&line.positionals[0])?;
        Ok(Self {
            reference,
            tags,
            client,
            referrers: flags.distribution.referrers,
        })
    }

    /// `registry/repository`.
    pub(crate) fn path(&self) -> String {
        self.reference.path()
    }

    /// The tags, in the order in which they were typed. None stands for all.
    pub(crate) fn take_tags(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tags)
    }

    /// The client of the registry.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        self.client.client()
    }

    /// The store.
    pub(crate) fn open(&self, client: &Client) -> Repository {
        client
            .repository_at(&self.reference)
            .with_referrers_mode(self.referrers)
    }

    /// The error of a backup or restore. It names the tag that failed, if there is one.
    pub(crate) fn tag_error(
        &self,
        error: Error,
        tag: Option<&str>,
        verb: &str,
        from: &str,
        to: &str,
    ) -> CliError {
        match tag.map(quote::double) {
            Some(tag) => {
                let doing = format!("failed to {verb} tag {tag} from {from} to {to}");
                self.cli_error(&error.context(doing))
            }
            None => self.cli_error(&error),
        }
    }

    /// The error of the command for an error of the library.
    pub(crate) fn cli_error(&self, error: &Error) -> CliError {
        let host = self.reference.registry().host_and_port();
        CliError::at_any_registry(error, host, &self.client.credential_hint())
    }
}

/// Splits an argument into a repository and tags.
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
        // The message already contains the reference.
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
    fn tags_are_separated_by_commas_and_may_be_absent() {
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
