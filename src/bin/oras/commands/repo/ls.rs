//! `oras repo ls`

use std::ops::ControlFlow;

use oras::Error;
use oras::Reference;
use oras::reference::RegistryName;

use crate::cli::groups::{Debugging, Format as FormatFlags, Remote, Verbose};
use crate::client::ClientConfig;
use crate::commands::prelude::*;

flags! {
    /// Flags of `oras repo ls`.
    pub(crate) struct RepoLsFlags {
        last: String = text("last", "last", "start after this repository"),
        debugging: Debugging,
        format: FormatFlags,
        remote: Remote,
        verbose: Verbose,
    }
}

impl Command for RepoLsFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras repo ls",
        aliases: &["list"],
        usage: "[flags] <registry>",
        about: "List the repositories of a registry",
        details: "With a namespace after the registry, only repositories in that namespace are \
                  listed, without the namespace.",
        examples: "
            # List the repositories of a registry
            oras repo ls localhost:5000
            # List the repositories in a namespace
            oras repo ls localhost:5000/example-namespace
            # List the repositories after hello
            oras repo ls --last hello localhost:5000
            # List the repositories as JSON
            oras repo ls localhost:5000 --format json
        ",
        positionals: Positionals::Exactly(1, "the target registry to list repositories from"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let access = ClientConfig::parse(&self.remote, self.debugging, &line.set, process)?;
        let format = Format::parse(&self.format, process)?;
        let (registry, prefix) = parse_place(&line.positionals[0])?;

        let client = access.client()?;
        let last = Some(self.last.as_str()).filter(|last| !last.is_empty());
        let mut repositories = Vec::new();
        let mut result = Ok(());
        client
            .repositories(&registry, last, &mut |page| {
                for name in page {
                    let Some(rest) = name.strip_prefix(&prefix) else {
                        continue;
                    };
                    if format.is_text() {
                        result = process.print_line(rest);
                    } else {
                        repositories.push(name.clone());
                    }
                    if result.is_err() {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })
            .map_err(|error| cli_error(&error, &access, &registry, &prefix))?;
        result?;
        let result = model::Repositories {
            registry: registry.to_string(),
            repositories,
        };
        format.print(&result, process)
    }
}

/// Parses `registry` or `registry/namespace`. Returns the prefix of names in the namespace.
fn parse_place(argument: &str) -> Result<(RegistryName, String), CliError> {
    let path = argument.strip_suffix('/').unwrap_or(argument);
    if !path.contains('/') {
        let registry = path.parse()?;
        return Ok((registry, String::new()));
    }
    let doing = "could not parse repository path";
    let reference: Reference = path.parse().map_err(|error| match error {
        Error::InvalidReference { reason, .. } => {
            CliError::usage(format!("{doing}: invalid reference: {reason}")).with_scheme_hint(path)
        }
        other => CliError::from(&other).context(doing),
    })?;
    if reference.name().is_some() {
        return Err(CliError::usage(format!(
            "{doing}: tags or digests should not be provided"
        )));
    }
    let prefix = format!("{}/", reference.repository());
    Ok((reference.registry().clone(), prefix))
}

/// Whether the registry may have no list of repositories, or not for this user. Docker Hub responds
/// with 401, others with 403, 404 or 405.
fn has_no_catalog(error: &Error) -> bool {
    match error.root() {
        Error::NotFound { .. } => true,
        Error::Refused(refusal) => matches!(refusal.status, 401 | 403 | 404 | 405 | 501),
        _ => false,
    }
}

/// The error response of the registry, or else a headline with the cause.
fn cli_error(
    error: &Error,
    access: &ClientConfig,
    registry: &RegistryName,
    prefix: &str,
) -> CliError {
    let host = registry.host_and_port();
    let cli_error = CliError::at_any_registry(error, host, &access.credential_hint());
    let cli_error = if has_no_catalog(error) {
        cli_error.recommend(format!(
            "Not every registry lists its repositories. \"oras repo tags {host}/<repository>\" lists the tags of one"
        ))
    } else {
        cli_error
    };
    if let Error::Refused(_) | Error::Unauthorized { .. } = error.root() {
        return cli_error;
    }
    let prefix = match prefix {
        "" => String::new(),
        prefix => format!(" with prefix {}", quote::double(prefix)),
    };
    cli_error.with_headline(format!(
        "could not list repositories for {}{prefix}",
        quote::double(host)
    ))
}
