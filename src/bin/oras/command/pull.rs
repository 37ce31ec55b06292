//! `oras pull`

use oras::MediaType;
use oras::descriptor::UNPACK;
use oras::pull::{Event, PullOptions, Pulled, pull};

use super::split_file;
use crate::context::Context;
use crate::failure::Failure;
use crate::flags::groups::{
    Concurrency, Debugging, Format as FormatFlags, Layout, Platform, Remote, Tty, Verbose,
};
use crate::flags::table::{FlagTable, Group};
use crate::flags::{Command, CommandSpec, Flag, Parsed, Positionals};
use crate::output::format::Format;
use crate::output::model;
use crate::status::Lines;
use crate::target::{Target, TargetFlags, parse_platform};

struct Own {
    output: String,
    keep_old_files: bool,
    allow_path_traversal: bool,
    include_subject: bool,
    config: String,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            output: ".".to_owned(),
            keep_old_files: false,
            allow_path_traversal: false,
            include_subject: false,
            config: String::new(),
        }
    }
}

impl FlagTable for Own {
    const FLAGS: &'static [Flag<Self>] = &[
        Flag::text(
            "output",
            "directory",
            "directory to write to (default \".\")",
            |own: &mut Self, text| own.output = text,
        )
        .short('o'),
        Flag::switch(
            "keep-old-files",
            "fail when a file exists, instead of overwriting it",
            |own: &mut Self, on| own.keep_old_files = on,
        )
        .short('k'),
        Flag::switch(
            "allow-path-traversal",
            "allow names that lead out of the output directory",
            |own: &mut Self, on| own.allow_path_traversal = on,
        )
        .short('T'),
        Flag::switch(
            "include-subject",
            "also pull what the artifact is attached to",
            |own: &mut Self, on| own.include_subject = on,
        ),
        Flag::text(
            "config",
            "path[:type]",
            "write the config to this file, if it has this type",
            |own: &mut Self, text| own.config = text,
        ),
    ];
}

#[derive(Default)]
pub(crate) struct Args {
    own: Own,
    concurrency: Concurrency,
    debugging: Debugging,
    format: FormatFlags,
    layout: Layout,
    platform: Platform,
    remote: Remote,
    tty: Tty,
    verbose: Verbose,
}

impl Command for Args {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras pull",
        usage: "[flags] <name>{:<tag>|@<digest>}",
        about: "Pull files from a registry or an OCI image layout",
        details: "A file appears under its name when it is complete and verified, and replaces an existing one only then. \
                  If ORAS_CACHE names a directory, content is kept there, and taken from there when it is needed again.",
        examples: &[
            (
                "Pull the files of an artifact",
                "oras pull localhost:5000/hello:v1",
            ),
            (
                "Pull them to a directory",
                "oras pull --output some-directory localhost:5000/hello:v1",
            ),
            (
                "Pull them by digest",
                "oras pull localhost:5000/hello@sha256:9463e0d192846bc994279417b50114606712d516aab45f4d8b31cbc6e46aad71",
            ),
            (
                "Pull the files for a platform",
                "oras pull --platform linux/arm64 localhost:5000/hello:v1",
            ),
            (
                "Pull the config too",
                "oras pull --config config.json localhost:5000/hello:v1",
            ),
            (
                "Pull from an OCI image layout",
                "oras pull --oci-layout layout-dir:v1",
            ),
            (
                "Pull from an archive of one",
                "oras pull --oci-layout layout.tar:v1",
            ),
        ],
        positionals: Positionals::Exactly(1, "the artifact reference you want to pull"),
        ..CommandSpec::BASE
    };

    fn groups(&mut self) -> Vec<Group<'_>> {
        vec![
            self.own.group(),
            self.concurrency.group(),
            self.debugging.group(),
            self.format.group(),
            self.layout.group(),
            self.platform.group(),
            self.remote.group(),
            self.tty.group(),
            self.verbose.group(),
        ]
    }
}

pub(crate) fn run(context: &mut Context, arguments: Vec<String>) -> Result<(), Failure> {
    let Some(Parsed {
        command: args,
        given,
        positionals,
    }) = super::arguments::<Args>(context, arguments)?
    else {
        return Ok(());
    };
    let platform = parse_platform(&args.platform.platform)?;
    let flags = TargetFlags {
        remote: &args.remote,
        layout: &args.layout,
        debugging: &args.debugging,
        given: &given,
    };
    let target = Target::parse(&positionals[0], &flags, context)?;
    let format = Format::parse(&args.format, context)?;
    if !format.is_text() {
        context.tell_nothing();
    }
    let client = target.client()?;
    let source = target.source(&client)?;
    let reference = target.required_reference(Args::SPEC)?;
    let cache = context.cache()?;
    let source = cache.over(&*source);
    let config = if args.own.config.is_empty() {
        None
    } else {
        let (path, media_type) = split_file(&args.own.config)?;
        Some((path.to_owned(), media_type.map(MediaType::from)))
    };

    let mut status = Lines::new(context, args.verbose.is_on());
    let mut observer = |event: Event<'_>| status.pull(event);
    let options = PullOptions {
        output: args.own.output.into(),
        platform,
        keep_old_files: args.own.keep_old_files,
        allow_path_traversal: args.own.allow_path_traversal,
        include_subject: args.own.include_subject,
        config,
        observer: Some(&mut observer),
        ..PullOptions::default()
    };
    let pulled = pull(&source, reference, options).map_err(|error| target.failure(&error))?;
    report(&target, &pulled, &format, context)
}

fn report(
    target: &Target,
    pulled: &Pulled,
    format: &Format,
    context: &mut Context,
) -> Result<(), Failure> {
    for left_out in &pulled.left_out {
        context.warn(&format!("Warning: {left_out} and was left out\n"));
    }
    let path = target.path();
    if !format.is_text() {
        let files: Vec<_> = pulled
            .files
            .iter()
            .map(|file| file_model(&path, file))
            .collect();
        let result = model::Pull {
            reference: format!("{path}@{}", pulled.root.digest),
            files: Some(files).filter(|files| !files.is_empty()),
        };
        return format.print(&result, context);
    }
    if pulled.skipped_unnamed {
        let skipped =
            "Skipped pulling layers without file name in \"org.opencontainers.image.title\"";
        if context.tells() {
            context.print_line(skipped)?;
            return context.print_line(&format!(
                "Use 'oras copy {} --to-oci-layout <layout-dir>' to pull all layers.",
                target.raw()
            ));
        }
        context.warn(&format!("Warning: {skipped}\n"));
    }
    context.tell(&format!("Pulled {}", target.shown()))?;
    context.print_digest(&pulled.root.digest)
}

/// A file, with a slash behind the path of a directory that was unpacked.
fn file_model(path: &str, file: &oras::pull::PulledFile) -> model::File {
    let is_directory = file
        .descriptor
        .annotations
        .get(UNPACK)
        .is_some_and(|unpack| unpack == "true");
    let mut shown = file.path.display().to_string();
    if is_directory {
        shown.push('/');
    }
    model::File {
        path: shown,
        descriptor: model::Descriptor::new(path, &file.descriptor),
    }
}
