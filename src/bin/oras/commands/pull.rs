//! `oras pull`

use oras::descriptor::UNPACK;
use oras::discover::{DiscoverOptions, discover};
use oras::filter::Filter;
use oras::pull::{ArchiveLimits, PullOptions, Pulled, PulledReferrer, list, pull, pull_referrers};
use oras::store::{Referrers, Source};
use oras::{Error, MediaType};

use super::filter;
use super::layers::split_file;
use crate::cli::groups::{Concurrency, Format as FormatFlags, Platform, TargetFlags, Tty, Verbose};
use crate::cli::value::ByteSize;
use crate::commands::prelude::*;
use crate::output::text::one_line;
use crate::progress::display::ProgressDisplay;
use crate::progress::{Labels, Status};

/// The value of `--output` for stdout.
const STDOUT: &str = "-";

/// The message that layers without a title were not pulled.
const SKIPPED_UNNAMED: &str =
    "Skipped pulling layers without file name in \"org.opencontainers.image.title\"";

flags! {
    /// Flags of `oras pull`.
    pub(crate) struct PullFlags {
        /// The current directory if not set.
        output: Option<String> = text(
            "output",
            "string",
            "directory to write to, or - to write one file to stdout (default \".\")",
        ).completes(Candidates::Directories).short('o'),
        keep_old_files: bool = switch(
            "keep-old-files",
            "fail when a file exists, instead of overwriting it",
        ).short('k'),
        allow_path_traversal: bool = switch(
            "allow-path-traversal",
            "allow file names outside the output directory",
        ).short('T'),
        include_subject: bool =
            switch("include-subject", "also pull the subject of the artifact"),
        referrers: bool = switch(
            "referrers",
            "also pull the files of all referrers, each to a directory named sha256-<hex> by its digest",
        )
        .addition(),
        artifact_type: String = text(
            "artifact-type",
            "string",
            "with --referrers: only referrers of this artifact type, on every level",
        )
        .addition(),
        config: String =
            text("config", "string", "write the config to this file, as path[:type], if it has this type").completes(Candidates::Files),
        include: Vec<String> = text(
            "include",
            "stringArray",
            "pull only files that match this or another --include pattern (repeatable)",
        )
        .addition(),
        exclude: Vec<String> = text(
            "exclude",
            "stringArray",
            "do not pull files that match this pattern, even if --include matches them (repeatable)",
        )
        .addition(),
        unnamed: bool = switch(
            "unnamed",
            "also pull layers without a name, to files named sha256-<hex> by their digest",
        )
        .addition(),
        max_unpacked_size: Option<ByteSize>= text(
            "max-unpacked-size",
            "size",
            "maximum size of an unpacked directory, such as 500M or 20G (default: free space)",
        )
        .addition(),
        max_depth: Option<i64> = text(
            "max-depth",
            "levels",
            "maximum depth of an unpacked directory (default 2048)",
        )
        .addition(),
        concurrency: Concurrency,
        format: FormatFlags,
        platform: Platform,
        target: TargetFlags,
        tty: Tty,
        verbose: Verbose,
    }
}

impl Command for PullFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras pull",
        usage: "[flags] <name>{:<tag>|@<digest>} [...]",
        about: "Pull files from a registry or an OCI image layout",
        details: "A file is created or replaced only when its content is complete and verified.\n\
                  A file that exists with the right content is not downloaded (oras 1.3.6 does): its \
                  first line says Exists instead of Downloading, and its member \"reused\" of \
                  --format json is true. Directories are downloaded each time.\n\
                  If ORAS_CACHE names a directory, content is cached there.\n\
                  Several artifacts (not in oras 1.3.6) are pulled one after the other; if one \
                  fails, the files of those before it stay.\n\
                  \n\
                  A pattern is a digest, type=<media type>, or the name of a file. In media types \
                  and names, ? matches any character, * any number of characters, [abc] and [a-z] \
                  one of these characters, [!a-z] any other character, and \\ makes the next \
                  character literal. In names, none of these matches a /, but **/ matches any \
                  number of directories, and /** everything below a directory. Files that are not \
                  pulled are not downloaded.\n\
                  \n\
                  With --output - (not in oras 1.3.6), the only file, or the only included file, is written to stdout \
                  as it is stored: a directory as its tar.gz. The content is verified while it is \
                  written, so it is valid only if the exit status is 0.",
        examples: r#"
            # Pull the files of an artifact
            oras pull localhost:5000/hello:v1
            # Pull them to a directory
            oras pull --output some-directory localhost:5000/hello:v1
            # Pull them by digest
            oras pull localhost:5000/hello@sha256:9463e0d192846bc994279417b50114606712d516aab45f4d8b31cbc6e46aad71
            # Pull the files for a platform
            oras pull --platform linux/arm64 localhost:5000/hello:v1
            # Also pull the config
            oras pull --config config.json localhost:5000/hello:v1
            # Pull some of the files
            oras pull --include "docs/**" --exclude "**/*.png" localhost:5000/hello:v1
            # Pull the files of a media type
            oras pull --include "type=text/*" localhost:5000/hello:v1
            # Also pull layers without a name
            oras pull --unnamed localhost:5000/hello:v1
            # Print a file
            oras pull --output - --include hi.txt localhost:5000/hello:v1
            # Unpack a directory to the current directory
            oras pull --output - localhost:5000/hello:v1 | tar xz
            # Print the paths of the pulled files
            oras pull --format go-template='{{range .files}}{{println .path}}{{end}}' localhost:5000/hello:v1
            # Also pull the files of attached SBOMs
            oras pull --referrers --artifact-type application/spdx+json localhost:5000/hello:v1
            # Pull several artifacts
            oras pull localhost:5000/hello:v1 localhost:5000/bye:v1
            # Pull from an OCI image layout
            oras pull --oci-layout layout-dir:v1
            # Pull from a tar archive of a layout
            oras pull --oci-layout layout.tar:v1
        "#,
        positionals: Positionals::AtLeast(1, "the artifact reference you want to pull"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let platform = parse_platform(&self.platform.platform)?;
        let mut filter = Filter::default();
        filter.include = filter::patterns("include", &self.include)?;
        filter.exclude = filter::patterns("exclude", &self.exclude)?;
        if !self.referrers && line.set.contains("artifact-type") {
            return Err(CliError::usage("`--artifact-type` needs `--referrers`"));
        }
        if self.writes_to_stdout() {
            self.check_stdout(line.positionals.len())?;
            process.disable_status();
        }
        let targets = Target::parse_all(&self.target, line, process)?;
        let format = Format::parse(&self.format, process)?;
        if !format.is_text() {
            process.disable_status();
        }
        let Some(first) = targets.first() else {
            return Ok(());
        };
        let client = first.client()?;
        // Check all targets before the first is pulled.
        let mut sources = Vec::with_capacity(targets.len());
        for target in &targets {
            let source = target.source(&client)?;
            sources.push((source, target.required_reference()?));
        }
        let cache = process.cache();
        let config = if self.config.is_empty() {
            None
        } else {
            let (path, media_type) = split_file(&self.config)?;
            Some((path.to_owned(), media_type.map(MediaType::from)))
        };

        let pulling = Pulling {
            flags: &self,
            platform,
            filter,
            config,
            format,
            names_target: targets.len() > 1,
        };
        for (target, (source, reference)) in targets.iter().zip(&sources) {
            let cached = cache.over(&**source);
            pulling.run(target, &cached, &**source, reference, process)?;
        }
        Ok(())
    }
}

impl PullFlags {
    fn writes_to_stdout(&self) -> bool {
        self.output.as_deref() == Some(STDOUT)
    }

    /// The limits for unpacking directories.
    fn archive_limits(&self) -> ArchiveLimits {
        let mut limits = ArchiveLimits::default();
        limits.max_unpacked_bytes = self.max_unpacked_size.as_ref().map(|size| size.0);
        if let Some(levels) = self.max_depth {
            limits.max_depth = u64::try_from(levels).unwrap_or(0);
        }
        limits
    }

    /// Rejects flags that exclude a file on stdout.
    fn check_stdout(&self, targets: usize) -> Result<(), CliError> {
        let format = self.format.format.as_deref().unwrap_or("text");
        let with = if format != "text" {
            format!("`--format {format}`")
        } else if !self.config.is_empty() {
            "`--config`".to_owned()
        } else if self.referrers {
            "`--referrers`".to_owned()
        } else if targets > 1 {
            "several artifacts".to_owned()
        } else {
            return Ok(());
        };
        Err(CliError::usage(format!(
            "`--output -` cannot be used with {with} at the same time"
        )))
    }
}

/// Settings of the pull of each artifact.
struct Pulling<'a> {
    flags: &'a PullFlags,
    platform: Option<oras::Platform>,
    filter: Filter,
    config: Option<(String, Option<MediaType>)>,
    format: Format,
    /// Whether errors must name the target, because there are several.
    names_target: bool,
}

impl Pulling<'_> {
    fn run(
        &self,
        target: &Target,
        source: &dyn Source,
        listing: &dyn Referrers,
        reference: &str,
        process: &mut Process,
    ) -> Result<(), CliError> {
        let cli_error = |error: Error| {
            let cli_error = target.cli_error(&error);
            if self.names_target {
                cli_error.with_subject(target.raw())
            } else {
                cli_error
            }
        };
        let flags = self.flags;
        let tty = if flags.writes_to_stdout() {
            Process::tty_next_to_content(flags.tty)
        } else {
            flags.tty
        };
        let display = ProgressDisplay::new(process, tty, flags.target.debugging);
        let status =
            Status::new(process, &Labels::PULL, flags.verbose.is_on()).with_display(display);
        let mut options = PullOptions::default();
        options.output = flags.output.as_deref().unwrap_or(".").into();
        options.platform.clone_from(&self.platform);
        options.keep_old_files = flags.keep_old_files;
        options.allow_path_traversal = flags.allow_path_traversal;
        options.include_subject = flags.include_subject;
        options.filter = self.filter.clone();
        options.unnamed = flags.unnamed;
        options.config.clone_from(&self.config);
        options.archive_limits = flags.archive_limits();
        options.observer = Some(status.observer());
        if flags.writes_to_stdout() {
            let listed = list(source, reference, options).map_err(cli_error)?;
            warn_skipped(&listed.left_out, process);
            let file = filter::only(target, &listed, &self.filter, flags.unnamed)?;
            let content = source.fetch(file).map_err(cli_error)?;
            let mut display = ProgressDisplay::new(process, tty, flags.target.debugging);
            return ProgressDisplay::show_transfer(
                &mut display,
                "Downloading",
                "Pulled     ",
                content,
                |content| process.print_content(content),
            )
            .map_err(cli_error);
        }
        let pulled = pull(source, reference, options.clone()).map_err(cli_error)?;
        warn_skipped(&pulled.left_out, process);
        let mut referrers = None;
        if flags.referrers {
            let mut discovery = DiscoverOptions::default();
            discovery.artifact_type =
                Some(flags.artifact_type.clone()).filter(|wanted| !wanted.is_empty());
            discovery.observer.clone_from(&options.observer);
            let found = discover(listing, pulled.root.digest.as_str(), &discovery);
            let found = found.and_then(|found| pull_referrers(source, &found, &options));
            let found = found.map_err(cli_error)?;
            for referrer in &found {
                warn_skipped(&referrer.pulled.left_out, process);
                if referrer.pulled.skipped_unnamed {
                    let digest = &referrer.descriptor.digest;
                    process.warn(&format!("Warning: referrer {digest}: {SKIPPED_UNNAMED}\n"));
                }
            }
            referrers = Some(found);
        }
        let attached = referrers.iter().flatten().map(|referrer| &referrer.pulled);
        let all = std::iter::once(&pulled).chain(attached);
        if !self.filter.is_empty()
            && self.config.is_none()
            && all.clone().all(|pulled| pulled.files.is_empty())
        {
            let unselected = all.flat_map(|pulled| pulled.unselected.clone());
            let unselected = unselected.collect::<Vec<_>>();
            return Err(filter::nothing(target, &unselected, flags.unnamed));
        }
        report(target, &pulled, referrers, &self.format, process)
    }
}

fn warn_skipped(left_out: &[String], process: &mut Process) {
    for left_out in left_out {
        let left_out = one_line(left_out);
        process.warn(&format!("Warning: {left_out} and was left out\n"));
    }
}

fn report(
    target: &Target,
    pulled: &Pulled,
    referrers: Option<Vec<PulledReferrer>>,
    format: &Format,
    process: &mut Process,
) -> Result<(), CliError> {
    let path = target.path();
    let files = |pulled: &Pulled| {
        let files = pulled.files.iter();
        files.map(|file| file_model(&path, file)).collect()
    };
    if !format.is_text() {
        let referrer = |referrer: &PulledReferrer| model::PulledReferrer {
            descriptor: model::Descriptor::new(&path, &referrer.descriptor),
            directory: referrer.directory.display().to_string(),
            files: files(&referrer.pulled),
        };
        let result = model::Pull {
            reference: format!("{path}@{}", pulled.root.digest),
            files: files(pulled),
            referrers: referrers.map(|found| found.iter().map(referrer).collect()),
        };
        return format.print(&result, process);
    }
    for referrer in referrers.into_iter().flatten() {
        let node = &referrer.descriptor;
        let artifact_type = node.artifact_type.as_ref().unwrap_or(&node.media_type);
        process.print_status(&format!(
            "Referrer    {} {artifact_type} {} ({} file(s))",
            node.digest.short(),
            referrer.directory.display(),
            referrer.pulled.files.len(),
        ))?;
    }
    if pulled.skipped_unnamed {
        if process.status_enabled() {
            process.print_line(SKIPPED_UNNAMED)?;
            return process.print_line(&format!(
                "Use 'oras copy {} --to-oci-layout <layout-dir>' to pull all layers.",
                target.raw()
            ));
        }
        process.warn(&format!("Warning: {SKIPPED_UNNAMED}\n"));
    }
    process.print_status(&format!("Pulled {}", target.shown()))?;
    process.print_digest(&pulled.root.digest)
}

/// A pulled file. The path of an unpacked directory ends with a slash.
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
        reused: file.is_reused,
    }
}
