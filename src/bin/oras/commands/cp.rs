//! `oras cp`

use oras::copy::{CopyOptions, copy, copy_with_referrers};
use oras::error::{Operation, Side as End};
use oras::limits::MAX_MANIFEST_BYTES;
use oras::progress::Event;
use oras::reference::RepositoryName;
use oras::registry::ReferrersMode;
use oras::tag::add_tags;
use oras::{Descriptor, Digest, Error};

use crate::cli::groups::{
    Concurrency, Debugging, Distribution, Layout, Platform, Remote, Tty, Verbose,
};
use crate::cli::table::{FlagTable, Group};
use crate::cli::{Command, CommandSpec, Flag, Parsed, Positionals, SetFlags, Side, Stage};
use crate::error::CliError;
use crate::process::Process;
use crate::progress::display::Bars;
use crate::progress::{Labels, Status};
use crate::target::{Target, TargetFlags, parse_platform};

#[derive(Default)]
struct Own {
    recursive: bool,
    force: bool,
    resolve: Vec<String>,
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::switch(
            "recursive",
            "copy what is attached to the artifact as well, and what is attached to that",
            |own: &mut Self, on| own.recursive = on,
        )
        .short('r')
        .stage(Stage::Preview),
        Flag::switch(
            "force",
            "send manifests again, and all they refer to, although they are at the destination",
            |own: &mut Self, on| own.force = on,
        ),
        Flag::text(
            "resolve",
            "host:port:address[:address_port]",
            "use this address for a host of either registry (repeatable)",
            |own: &mut Self, text| own.resolve.push(text),
        ),
    ];
}

/// The flags of one of the two targets.
#[derive(Default)]
struct SideFlags {
    distribution: Distribution,
    layout: Layout,
    remote: Remote,
}

impl SideFlags {
    fn groups(&mut self, side: Side) -> [Group<'_>; 3] {
        [
            self.distribution.side(side),
            self.layout.side(side),
            self.remote.side(side),
        ]
    }

    const fn referrers(&self) -> ReferrersMode {
        self.distribution.referrers
    }

    const fn of_target<'f>(
        &'f self,
        debugging: &'f Debugging,
        given: &'f SetFlags,
    ) -> TargetFlags<'f> {
        TargetFlags {
            remote: &self.remote,
            layout: &self.layout,
            debugging,
            given,
        }
    }
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    concurrency: Concurrency,
    debugging: Debugging,
    from: SideFlags,
    to: SideFlags,
    platform: Platform,
    tty: Tty,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras cp",
        aliases: &["copy"],
        usage: "[flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]",
        about: "Copy artifacts from one target to another",
        details: "An index is copied with all of its manifests. Within a registry, blobs are not moved but mounted.",
        examples: &[
            (
                "Copy an artifact between registries",
                "oras cp localhost:5000/hello:v1 localhost:6000/hello-copy:v1",
            ),
            (
                "Copy an artifact with all that is attached to it",
                "oras cp -r localhost:5000/hello:v1 localhost:6000/hello-copy:v1",
            ),
            (
                "Copy an artifact to an OCI image layout",
                "oras cp --to-oci-layout localhost:5000/hello:v1 layout-dir:v1",
            ),
            (
                "Copy an artifact from an OCI image layout",
                "oras cp --from-oci-layout layout-dir:v1 localhost:5000/hello:v1",
            ),
            (
                "Copy an artifact from an archive of one",
                "oras cp --from-oci-layout layout.tar:v1 localhost:5000/hello:v1",
            ),
            (
                "Copy an artifact to a registry that keeps referrers under tags",
                "oras cp -r --to-distribution-spec v1.1-referrers-tag localhost:5000/hello:v1 localhost:6000/hello-copy:v1",
            ),
            (
                "Copy the manifest for a platform",
                "oras cp --platform linux/arm64 localhost:5000/hello:v1 localhost:6000/hello-copy:v1",
            ),
            (
                "Copy an artifact under several tags",
                "oras cp localhost:5000/hello:v1 localhost:6000/hello-copy:v1,v1.0,latest",
            ),
        ],
        positionals: Positionals::Exactly(2, "the source and destination for copying"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        let mut groups = vec![
            self.own.group(),
            self.concurrency.group(),
            self.debugging.group(),
            self.platform.group(),
            self.tty.group(),
            self.verbose.group(),
        ];
        groups.extend(self.from.groups(Side::Source));
        groups.extend(self.to.groups(Side::Destination));
        groups
    }
}

pub(crate) fn run(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    let Some(Parsed {
        command: mut args,
        given,
        positionals,
    }) = super::arguments::<Args>(process, arguments)?
    else {
        return Ok(());
    };
    for flags in [&mut args.from, &mut args.to] {
        // Rules of a side come after those for both, and so have the last word.
        let rules = args.own.resolve.iter().cloned();
        flags.remote.resolve.splice(0..0, rules);
    }
    let platform = parse_platform(&args.platform.platform)?;
    let ends = Ends::parse(&args, &given, &positionals, process)?;
    let (from, to) = (&ends.from, &ends.to);

    let from_client = from.client()?;
    let source = from.source_with(args.from.referrers(), ends.neighbour(to), &from_client)?;
    let reference = from.required_reference(Args::SPEC)?;
    let to_client = match ends.neighbour(to) {
        Some(_) => None,
        None => Some(to.client()?),
    };
    // One client for both has one token for both.
    let to_client = to_client.as_ref().unwrap_or(&from_client);
    let destination = to.destination_with(args.to.referrers(), ends.neighbour(from), to_client)?;

    let bars = Bars::new(process, args.tty, &args.debugging);
    let mut status = Status::new(process, &Labels::COPY, args.verbose.is_on())
        .report_tagged_root(to.is_layout())
        .with_display(bars);
    let mut observer = |event: Event<'_>| status.report(event);
    let mut options = CopyOptions {
        observer: Some(&mut observer),
        platform,
        mount_from: ends.mount_from(),
        force: args.own.force,
        ..CopyOptions::default()
    };
    let (destination_reference, options) = (to.reference(), &mut options);
    let root = if args.own.recursive {
        copy_with_referrers(
            &*source,
            reference,
            &*destination,
            destination_reference,
            options,
        )
    } else {
        copy(
            &*source,
            reference,
            &*destination,
            destination_reference,
            options,
        )
    }
    .map_err(|error| ends.failure(error, &args))?;
    drop(status);
    process.print_status(&format!(
        "Copied {} => {}",
        ends.shown_source(&root),
        to.shown()
    ))?;
    if !ends.further_tags.is_empty() {
        let manifest = source
            .fetch_manifest(&root, MAX_MANIFEST_BYTES)
            .map_err(|error| from.failure(&error))?;
        let mut observer = |event: Event<'_>| Status::of_references(process).report(event);
        add_tags(&*destination, &manifest, &ends.further_tags, &mut observer)
            .map_err(|error| to.failure(&error))?;
    }
    process.print_digest(&root.digest)
}

/// Where it comes from and where it goes.
struct Ends {
    from: Target,
    to: Target,
    further_tags: Vec<String>,
    /// Whether both are repositories of one registry, which is reached in the same way for both.
    are_neighbours: bool,
    /// Whether both are repositories of one registry, to which one is the same person for both.
    can_mount: bool,
}

impl Ends {
    fn parse(
        args: &Args,
        given: &SetFlags,
        positionals: &[String],
        process: &mut Process,
    ) -> Result<Self, CliError> {
        let (given_from, given_to) = (given.on(Side::Source), given.on(Side::Destination));
        let flags = args.from.of_target(&args.debugging, &given_from);
        let from = Target::parse(&positionals[0], &flags, process)?;
        let flags = args.to.of_target(&args.debugging, &given_to);
        let (to, further_tags) = Target::parse_with_tags(&positionals[1], &flags, process)?;
        let is_one_registry = from.is_in_registry_of(&to);
        Ok(Self {
            from,
            to,
            further_tags,
            are_neighbours: is_one_registry && args.from.remote == args.to.remote,
            can_mount: is_one_registry && args.from.remote.is_as_same_user(&args.to.remote),
        })
    }

    /// One of the two, if the other is beside it.
    fn neighbour<'t>(&self, target: &'t Target) -> Option<&'t Target> {
        Some(target).filter(|_| self.are_neighbours)
    }

    /// Where blobs are that the registry need not get from us.
    fn mount_from(&self) -> Option<RepositoryName> {
        let from = self.from.repository_name()?;
        let is_elsewhere = Some(from) != self.to.repository_name();
        (self.can_mount && is_elsewhere).then(|| from.clone())
    }

    /// The source as it was typed, unless that was the digest of something else than what was chosen for a platform.
    fn shown_source(&self, root: &Descriptor) -> String {
        let is_other = |reference: &str| {
            let digest = reference.parse::<Digest>();
            digest.is_ok_and(|digest| digest != root.digest)
        };
        if self.from.reference().is_some_and(is_other) {
            let chosen = format!("{}@{}", self.from.path(), root.digest);
            return self.from.shown_as(&chosen).to_string();
        }
        self.from.shown().to_string()
    }

    /// A failure of the copy. The side is told unless the source alone was asked for something.
    fn failure(&self, error: Error, args: &Args) -> CliError {
        let is_apart = args.own.recursive || self.to.reference().is_none();
        match error {
            Error::Copy {
                operation: Operation::Resolve,
                source,
                ..
            } if is_apart => {
                let reference = self.from.reference().unwrap_or_default();
                let error = source.context(format!("failed to resolve {reference}"));
                self.from.failure(&error).with_side_flags(End::Source)
            }
            Error::Copy { side, .. } => {
                let target = match side {
                    End::Source => &self.from,
                    End::Destination => &self.to,
                };
                target.failure(&error).at_side(side, &target.shown())
            }
            _ => CliError::from_library(&error),
        }
    }
}
