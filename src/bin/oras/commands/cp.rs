//! `oras cp`

use oras::copy::{CopyOptions, MissingReferrer, copy, copy_with_referrers};
use oras::error::{Expected, Input, Operation, Side as End};
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::reference::RepositoryName;
use oras::store::Source;
use oras::tag::add_tags;
use oras::{Descriptor, Digest, Error, Platform};

use crate::cli::Side;
use crate::cli::groups::{
    Concurrency, Debugging, Distribution, Requests, TargetFlags, Tty, Verbose,
};
use crate::cli::value::CommaSeparated;
use crate::commands::prelude::*;
use crate::commands::tag;
use crate::progress::display::ProgressDisplay;
use crate::progress::{Labels, Status};

flags! {
    /// Flags of one of the two targets.
    pub(crate) struct SideFlags {
        distribution: Distribution,
        target: TargetFlags,
    }
}

flags! {
    /// Flags of `oras cp`.
    pub(crate) struct CpFlags {
        recursive: bool = switch(
            "recursive",
            "also copy referrers, on all levels",
        ).short('r').stage(Stage::Preview),
        force: bool = switch(
            "force",
            "send manifests and their content again even if they exist at the destination",
        ),
        resolve: Vec<String> = text(
            "resolve",
            "host:port:address[:address_port]",
            "use this address for a host of either registry (repeatable)",
        ),
        concurrency: Concurrency,
        debugging: Debugging,
        from: SideFlags => |flags| Side::Source.prefixed(flags),
        requests: Requests,
        platforms: CommaSeparated = text(
            "platform",
            "os[/arch][/variant][:os_version]",
            "copy only the manifests for these platforms of an index, repeatable or comma-separated",
        ),
        to: SideFlags => |flags| Side::Destination.prefixed(flags),
        tty: Tty,
        verbose: Verbose,
    }
}

impl Command for CpFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras cp",
        aliases: &["copy"],
        usage: "[flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]",
        about: "Copy artifacts from one target to another",
        details: "An index is copied with all its manifests. Within a registry, blobs are mounted \
                  instead of sent.",
        examples: "
            # Copy an artifact between registries
            oras cp localhost:5000/hello:v1 localhost:6000/hello-copy:v1
            # Copy an artifact with its referrers
            oras cp -r localhost:5000/hello:v1 localhost:6000/hello-copy:v1
            # Copy an artifact to an OCI image layout
            oras cp --to-oci-layout localhost:5000/hello:v1 layout-dir:v1
            # Copy an artifact from an OCI image layout
            oras cp --from-oci-layout layout-dir:v1 localhost:5000/hello:v1
            # Copy an artifact from a tar archive of a layout
            oras cp --from-oci-layout layout.tar:v1 localhost:5000/hello:v1
            # Copy an artifact to a registry that keeps referrers under tags
            oras cp -r --to-distribution-spec v1.1-referrers-tag localhost:5000/hello:v1 localhost:6000/hello-copy:v1
            # Copy the manifest for a platform
            oras cp --platform linux/arm64 localhost:5000/hello:v1 localhost:6000/hello-copy:v1
            # Copy the manifests for several platforms with an index of them
            oras cp --platform linux/amd64,linux/arm64,linux/arm/v7 localhost:5000/hello:v1 localhost:6000/hello-copy:v1
            # Copy an image to a destination that has only a part of it, such as a registry cache
            oras cp --force localhost:5000/hello:v1 localhost:6000/hello-copy:v1
            # Copy an artifact under several tags
            oras cp localhost:5000/hello:v1 localhost:6000/hello-copy:v1,v1.0,latest
        ",
        positionals: Positionals::Exactly(2, "the source and destination for copying"),
        ..CommandSpec::BASE
    };

    fn run(mut self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        for flags in [&mut self.from, &mut self.to] {
            // Rules of a side come last, so that they take precedence over those for both sides.
            let rules = self.resolve.iter().cloned();
            flags.target.remote.resolve.splice(0..0, rules);
            flags.target.debugging = self.debugging;
            flags.target.remote.requests = self.requests;
        }
        let platforms = parse_platforms(&self.platforms.0)?;
        let several_platforms = platforms.len() > 1;
        let targets = CopyTargets::parse(&self, line, process)?;
        let (from, to) = (&targets.from, &targets.to);

        let from_client = from.client()?;
        let source = from.source_with(
            self.from.distribution.referrers,
            targets.same_client_peer(to),
            &from_client,
        )?;
        let reference = from.required_reference()?;
        let to_client = match targets.same_client_peer(to) {
            Some(_) => None,
            None => Some(to.client()?),
        };
        // A shared client requests one token for both.
        let to_client = to_client.as_ref().unwrap_or(&from_client);
        let destination = to.destination_with(
            self.to.distribution.referrers,
            targets.same_client_peer(from),
            to_client,
        )?;

        let display = ProgressDisplay::new(process, self.tty, self.debugging);
        let status = Status::new(process, &Labels::COPY, self.verbose.is_on())
            .report_tagged_root(to.is_layout())
            .with_display(display);
        let notes = status.notes();
        let mut options = CopyOptions::default();
        options.observer = Some(status.observer());
        options.platforms = platforms;
        options.mount_from = targets.mount_from();
        options.force = self.force;
        options.missing_referrers = if self.recursive {
            MissingReferrer::Skip
        } else {
            MissingReferrer::Fail
        };
        let root = if self.recursive {
            copy_with_referrers(
                &*source,
                reference,
                &*destination,
                to.reference(),
                &mut options,
            )
        } else {
            copy(
                &*source,
                reference,
                &*destination,
                to.reference(),
                &mut options,
            )
        }
        .map_err(|error| targets.cli_error(error, self.recursive, several_platforms))?;
        options.observer = None;
        process.print_status(&format!(
            "Copied {} => {}",
            targets.shown_source(&root, several_platforms),
            to.shown()
        ))?;
        if !targets.further_tags.is_empty() {
            // The source does not have an index that was made for some platforms.
            let (store, target): (&dyn Source, _) = if several_platforms {
                (&*destination, to)
            } else {
                (&*source, from)
            };
            let manifest = store
                .fetch_manifest(&root, MAX_MANIFEST_BYTES)
                .map_err(|error| target.cli_error(&error))?;
            let tagging = tag::further_tags(process);
            add_tags(&*destination, &manifest, &targets.further_tags, tagging)
                .map_err(|error| to.cli_error(&error))?;
        }
        process.print_digest(&root.digest)?;
        CliError::check_skipped(notes.skipped())
    }
}

/// Parses the platforms of a repeatable flag. Equal platforms count once.
fn parse_platforms(texts: &[String]) -> Result<Vec<Platform>, CliError> {
    let mut platforms = Vec::new();
    for text in texts {
        let text = text.trim();
        let Some(platform) = parse_platform(text)? else {
            return Err(CliError::usage("invalid platform: value cannot be empty"));
        };
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    Ok(platforms)
}

/// Source and destination of a copy.
struct CopyTargets {
    from: Target,
    to: Target,
    further_tags: Vec<String>,
    /// Whether both are repositories of one registry, reached with the same flags.
    same_client: bool,
    /// Whether both are repositories of one registry, accessed with the same credential.
    can_mount: bool,
}

impl CopyTargets {
    fn parse(flags: &CpFlags, line: &CommandLine, process: &mut Process) -> Result<Self, CliError> {
        let (from, to) = (&flags.from.target, &flags.to.target);
        let source = line.for_side(Side::Source);
        let mut source = Target::parse(&line.positionals[0], from, &source, process)
            .map_err(|cli_error| cli_error.with_side_flags(End::Source))?;
        let destination = line.for_side(Side::Destination);
        let (destination, further_tags) =
            Target::parse_with_tags(&line.positionals[1], to, &destination, process)
                .map_err(|cli_error| cli_error.with_side_flags(End::Destination))?;
        check_further_tags(&further_tags)?;
        let same_registry = source.has_same_registry(&destination);
        if !destination.is_layout() && !same_registry {
            // That credential is for the registry that the command writes to.
            source.ignore_environment_credential();
        }
        Ok(Self {
            from: source,
            to: destination,
            further_tags,
            same_client: same_registry && from.remote == to.remote,
            can_mount: same_registry && from.remote.has_same_credential(&to.remote),
        })
    }

    /// One of the two, if both have the same client.
    fn same_client_peer<'t>(&self, target: &'t Target) -> Option<&'t Target> {
        Some(target).filter(|_| self.same_client)
    }

    /// The repository from which the destination registry can mount blobs.
    fn mount_from(&self) -> Option<RepositoryName> {
        let from = self.from.repository_name()?;
        let is_other = Some(from) != self.to.repository_name();
        (self.can_mount && is_other).then(|| from.clone())
    }

    /// The source as typed. If it is the digest of an index from which a platform was chosen, the
    /// digest of the chosen manifest replaces it. The digest of an index for several platforms does
    /// not.
    fn shown_source(&self, root: &Descriptor, several_platforms: bool) -> String {
        let is_other = |reference: &str| {
            let digest = reference.parse::<Digest>();
            digest.is_ok_and(|digest| digest != root.digest)
        };
        let is_reduced = several_platforms && root.media_type.is_index();
        if self.from.reference().is_some_and(is_other) && !is_reduced {
            let chosen = format!("{}@{}", self.from.path(), root.digest);
            return self.from.shown_as(&chosen).to_string();
        }
        self.from.shown().to_string()
    }

    /// The error of the command. It names the side, unless only the source had been accessed.
    fn cli_error(&self, error: Error, recursive: bool, several_platforms: bool) -> CliError {
        let resolves_first = (recursive || self.to.reference().is_none()) && !several_platforms;
        match error {
            Error::WrongKind {
                expected: Expected::Index,
                ..
            } => CliError::usage(format!(
                "{} is not an image index or a manifest list",
                quote::double(self.from.raw())
            ))
            .recommend(
                "selecting multiple platforms requires a multi-platform source; use a single \
                 --platform value to copy a specific platform of an image",
            ),
            Error::InvalidInput {
                input: Input::Option("platforms"),
                reason,
                ..
            } => match reason.split_once('\n') {
                Some((message, available)) => CliError::not_found(message).recommend(available),
                None => CliError::new(reason),
            },
            Error::Copy {
                operation: Operation::Resolve,
                source,
                ..
            } if resolves_first => {
                let reference = self.from.reference().unwrap_or_default();
                let error = source.context(format!("failed to resolve {reference}"));
                self.from.cli_error(&error).with_side_flags(End::Source)
            }
            Error::Copy { side, .. } => {
                let target = match side {
                    End::Source => &self.from,
                    End::Destination => &self.to,
                };
                target.cli_error(&error).at_side(side, &target.shown())
            }
            _ => CliError::from(&error),
        }
    }
}
