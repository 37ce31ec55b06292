//! `oras check`

use std::path::Path;

use oras::check::{CheckOptions, Checked, CheckedFile, FileState, check};
use oras::filter::Filter;
use oras::progress::Event;

use super::filter;
use super::layers::archive_times;
use crate::cli::groups::{Format as FormatFlags, Platform, TargetFlags, Tty};
use crate::commands::prelude::*;
use crate::progress::display::ProgressDisplay;
use crate::progress::{Labels, Status, observer};

flags! {
    /// Flags of `oras check`.
    pub(crate) struct CheckFlags {
        ignore_additional: bool =
            switch("ignore-additional", "accept files that are not in the artifact"),
        allow_path_traversal: bool = switch(
            "allow-path-traversal",
            "allow file names outside the directory",
        ).short('T'),
        include_subject: bool =
            switch("include-subject", "also compare the files of the subject"),
        include: Vec<String> = text(
            "include",
            "stringArray",
            "compare only files that match this or another --include pattern (repeatable)",
        ),
        exclude: Vec<String> = text(
            "exclude",
            "stringArray",
            "do not compare files that match this pattern, even if --include matches them (repeatable)",
        ),
        unnamed: bool = switch(
            "unnamed",
            "also compare layers without a name, with files named sha256-<hex> by their digest",
        ),
        format: FormatFlags,
        platform: Platform,
        target: TargetFlags,
        tty: Tty,
    }
}

impl Command for CheckFlags {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras check",
        usage: "[flags] <name>{:<tag>|@<digest>} [<directory>]",
        about: "Compare files on disk with an artifact",
        details: "This command is not in oras 1.3.6.\n\
                  \n\
                  Prints a line for each file of the artifact that is missing or changed in the \
                  directory, which is by default the current one, and for each additional file. \
                  The exit status is 6 if there is such a line, and 0 if all files are equal. Only \
                  manifests are downloaded.\n\
                  \n\
                  A directory of the artifact is packed again, and the digest of the uncompressed \
                  archive is compared with the one that push records. So it counts as changed if \
                  the permissions or times in it differ, too, or if it has files that pull does not \
                  restore. Set SOURCE_DATE_EPOCH as for the push. If another program packed the \
                  archive, its content cannot be compared without a download: the line says \
                  Unknown, and the exit status is 6. Patterns are those of pull.",
        examples: r#"
            # Compare the files in the current directory
            oras check localhost:5000/hello:v1
            # Compare those in another directory, which may have further files
            oras check --ignore-additional localhost:5000/hello:v1 some-directory
            # Compare with an artifact in an OCI image layout
            oras check --oci-layout layout-dir:v1 some-directory
            # Print the names of changed files
            oras check --format go-template='{{range .files}}{{if eq .status "changed"}}{{println .path}}{{end}}{{end}}' localhost:5000/hello:v1
        "#,
        positionals: Positionals::Between(1, 2, "the artifact, and the directory to compare"),
        ..CommandSpec::BASE
    };

    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError> {
        let mut options = CheckOptions::default();
        options.platform = parse_platform(&self.platform.platform)?;
        let mut selected = Filter::default();
        selected.include = filter::patterns("include", &self.include)?;
        selected.exclude = filter::patterns("exclude", &self.exclude)?;
        options.filter = selected;
        options.archive_times = archive_times(process.source_date_epoch()?);
        options.directory = line.positionals.get(1).map(Into::into).unwrap_or_default();
        options.include_subject = self.include_subject;
        options.unnamed = self.unnamed;
        options.ignore_additional = self.ignore_additional;
        options.allow_path_traversal = self.allow_path_traversal;
        let has_filter = !options.filter.is_empty();
        let target = Target::parse(&line.positionals[0], &self.target, line, process)?;
        let format = Format::parse(&self.format, process)?;
        let display = ProgressDisplay::new(process, self.tty, self.target.debugging);
        let mut status = Status::new(process, &Labels::CHECK, false).with_display(display);
        options.observer = Some(observer(process.console(), move |event| match event {
            // The directory is not pushed.
            Event::NotRestorable(_) => Ok(()),
            event => status.report(event),
        }));

        let client = target.client()?;
        let source = target.source(&client)?;
        let reference = target.required_reference()?;
        let cache = process.cache();
        let checked = check(&cache.over(&*source), reference, options)
            .map_err(|error| target.cli_error(&error))?;
        if checked.files.is_empty() {
            return Err(if has_filter {
                filter::nothing(&target, &checked.unselected, self.unnamed)
            } else {
                filter::no_layer(&target, self.unnamed)
            });
        }
        if format.is_text() {
            print(&target, &checked, process)?;
        } else {
            format.print(&model::Check::new(&target.path(), &checked), process)?;
        }
        let counts = Counts::new(&checked);
        if checked.is_equal() {
            return Ok(());
        }
        Err(CliError::difference(format!(
            "{}: {}",
            target.raw(),
            counts.to_text()
        )))
    }
}

/// Prints a line for each difference, and the digest of the artifact.
fn print(target: &Target, checked: &Checked, process: &mut Process) -> Result<(), CliError> {
    for file in &checked.files {
        let Some(label) = label(file.state) else {
            continue;
        };
        let digest = file.descriptor.digest.short();
        let name = relative(&file.path, checked);
        let reason = reason(file);
        process.print_line(&format!("{label} {digest} {name}{reason}"))?;
    }
    for path in &checked.additional {
        process.print_line(&format!("Additional  {}", relative(path, checked)))?;
    }
    if process.is_quiet() {
        return Ok(());
    }
    process.print_line(&format!("Checked {}", target.shown()))?;
    process.print_digest(&checked.root.digest)
}

/// The path of a file from the compared directory, if it is below it, and `.` for that directory.
fn relative<'p>(path: &'p Path, checked: &Checked) -> std::path::Display<'p> {
    let path = path.strip_prefix(&checked.directory).unwrap_or(path);
    let is_empty = path.as_os_str().is_empty();
    if is_empty { Path::new(".") } else { path }.display()
}

/// The first word of the line about a file, if there is a line.
const fn label(state: FileState) -> Option<&'static str> {
    match state {
        FileState::Equal => None,
        FileState::Missing => Some("Missing    "),
        FileState::Unknown => Some("Unknown    "),
        _ => Some("Changed    "),
    }
}

/// The difference of a file, as the end of the line.
fn reason(file: &CheckedFile) -> String {
    match file.state {
        FileState::OtherKind => " (another kind of file)".to_owned(),
        FileState::OtherSize(size) => {
            format!(" ({size} bytes instead of {})", file.descriptor.size)
        }
        FileState::OtherTree => " (content, permissions or times)".to_owned(),
        FileState::Unknown => " (the artifact records no digest to compare with)".to_owned(),
        _ => String::new(),
    }
}

/// Numbers of differences.
struct Counts([(usize, &'static str); 4]);

impl Counts {
    fn new(checked: &Checked) -> Self {
        let count = |wanted| {
            let labels = checked.files.iter().filter_map(|file| label(file.state));
            labels.filter(|label| label.trim_end() == wanted).count()
        };
        Self([
            (count("Missing"), "missing"),
            (count("Changed"), "changed"),
            (count("Unknown"), "unknown"),
            (checked.additional.len(), "additional"),
        ])
    }

    fn to_text(&self) -> String {
        let counts = self.0.iter().filter(|(count, _)| *count > 0);
        let texts: Vec<_> = counts
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        texts.join(", ")
    }
}
