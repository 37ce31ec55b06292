//! Layers and config of `oras push` and `oras attach`, as typed.

use std::path::Path;
use std::time::SystemTime;

use oras::internal::InputKind;
use oras::push::{PushFile, PushStream, Times};
use oras::{AnnotationFile, MediaType, RawManifest};

use super::annotations;
use crate::cli::groups::{Annotations, Pack, Remote, Title};
use crate::commands::prelude::*;
use crate::input::{STDIN, Stdin, check_config, check_kind};

flags! {
    /// The content of an artifact, besides the files.
    pub(crate) struct ContentFlags {
        config: String = text("config", "path", "file to use as the config, as path[:type]").completes(Candidates::Files),
        annotations: Annotations,
        pack: Pack,
        title: Title,
    }
}

impl ContentFlags {
    /// Writes the manifest to the file of `--export-manifest`, if the flag is set.
    pub(super) fn export(&self, manifest: &RawManifest) -> Result<(), CliError> {
        let path = &self.pack.export_manifest;
        if !path.is_empty() {
            file::write(path, manifest.bytes())?;
        }
        Ok(())
    }
}

/// The content to push, as typed.
pub(super) struct Layers<'t> {
    flags: &'t ContentFlags,
    /// Paths and media types.
    files: Vec<(&'t str, Option<&'t str>)>,
    stdin: Option<Stdin<'t>>,
    pub(super) annotations: AnnotationFile,
}

impl<'t> Layers<'t> {
    pub(super) fn parse(
        arguments: &'t [String],
        flags: &'t ContentFlags,
        remote: &Remote,
    ) -> Result<Self, CliError> {
        let mut files = arguments
            .iter()
            .map(|file| split_file(file))
            .collect::<Result<Vec<_>, _>>()?;
        let stdin = Stdin::take_from(&mut files, &flags.title, remote)?;
        let mut layers = Self {
            flags,
            files,
            stdin,
            annotations: AnnotationFile::default(),
        };
        layers.check_paths()?;
        layers.annotations = annotations::parse(&flags.annotations, &flags.pack.annotation_file)?;
        Ok(layers)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.stdin.is_none()
    }

    /// Rejects files that cannot be read, and absolute paths, unless a flag allows them.
    fn check_paths(&self) -> Result<(), CliError> {
        for (path, _) in &self.files {
            check_kind(
                path,
                is_readable_once,
                "Please pass its content on stdin: `-` as the file, with --title for its name",
            )?;
        }
        if self.flags.pack.disable_path_validation {
            return Ok(());
        }
        let paths = self.files.iter().map(|(path, _)| *path);
        let absolute: Vec<&str> = paths
            .chain(self.stdin.as_ref().map(Stdin::title))
            .filter(|path| Path::new(path).is_absolute())
            .collect();
        if absolute.is_empty() {
            return Ok(());
        }
        Err(CliError::usage(format!(
            "absolute file paths are insecure and not recommended. If it's intentional, use --disable-path-validation flag to skip this check: {}",
            absolute.join(", ")
        )))
    }

    /// The files with their annotations.
    pub(super) fn files(&self) -> Vec<PushFile> {
        self.files
            .iter()
            .map(|&(path, media_type)| {
                let mut file = PushFile::from(path);
                file.media_type = media_type.map(MediaType::from);
                file.annotations = self.annotations.for_file(path);
                file
            })
            .collect()
    }

    /// Stdin with its annotations, if it is among the layers.
    pub(super) fn streams(&self) -> Result<Vec<PushStream<'static>>, CliError> {
        let title = &self.flags.title;
        let annotations = self.annotations.for_file(STDIN);
        let stream = |stdin: &Stdin<'_>| stdin.to_push(title, annotations.clone());
        self.stdin.iter().map(stream).collect()
    }

    /// The file of `--config`, if the flag is set.
    pub(super) fn config(&self) -> Result<Option<PushFile>, CliError> {
        let argument = self.flags.config.as_str();
        if argument.is_empty() {
            return Ok(None);
        }
        let (path, media_type) = split_file(argument)?;
        check_config(path)?;
        check_kind(path, is_readable_once, "Please copy its content to a file")?;
        let media_type = match media_type {
            Some(media_type) => Some(MediaType::from(media_type)),
            // An empty type gives the config the default type of a layer.
            None if argument.ends_with(':') => Some(MediaType::LAYER),
            None => None,
        };
        let mut config = PushFile::from(path);
        config.media_type = media_type;
        Ok(Some(config))
    }
}

/// The times in archives of directories: none is later than that of `SOURCE_DATE_EPOCH`.
pub(super) fn archive_times(source_date_epoch: Option<SystemTime>) -> Times {
    source_date_epoch
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .and_then(|time| i64::try_from(time.as_secs()).ok())
        .map_or(Times::Keep, Times::Clamp)
}

/// Whether a file can be read from start to end without blocking forever.
const fn is_readable_once(kind: InputKind) -> bool {
    !matches!(kind, InputKind::Device | InputKind::Special(_))
}

/// Splits `path[:type]` at the last colon; an empty type is none.
pub(super) fn split_file(argument: &str) -> Result<(&str, Option<&str>), CliError> {
    let (path, media_type) = argument.rsplit_once(':').unwrap_or((argument, ""));
    if path.is_empty() {
        return Err(CliError::usage(format!(
            "found empty file path in {}",
            quote::double(argument)
        )));
    }
    Ok((
        path,
        Some(media_type).filter(|media_type| !media_type.is_empty()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_colon_starts_the_media_type() {
        for (argument, path, media_type) in [
            ("hi.txt", "hi.txt", None),
            ("hi.txt:a/b", "hi.txt", Some("a/b")),
            ("hi:txt:", "hi:txt", None),
            ("a:b:c/d", "a:b", Some("c/d")),
        ] {
            assert_eq!(
                split_file(argument).unwrap(),
                (path, media_type),
                "{argument}"
            );
        }
        assert!(split_file(":a/b").is_err());
        assert!(split_file("").is_err());
    }
}
