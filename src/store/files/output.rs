//! Files and directories that are written below an output directory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{ContentLocation, FileStore, Output};
use crate::archive::{self, UnpackOptions};
use crate::error::{Error, IoOp, Mismatch, Result};
use crate::fs::temp_file::{BeginningFile as _, TempFile};
use crate::limits::MAX_NOTES;
use crate::oci::{CONTENT_DIGEST, Descriptor, Digest, EXECUTABLE, UNPACK};
use crate::output_dir::OutputDir;
use crate::progress::{Event, report};
use crate::store::{Content, SavingSink, VerifyReader, copy_resuming, if_resumable};

impl FileStore {
    /// Creates a store to pull into. Content with a title is written below `output`, and archives
    /// of directories are unpacked within `limits`.
    pub(crate) fn writing_to(output: OutputDir, limits: archive::Limits) -> Self {
        Self {
            output: Some(Output {
                directory: output,
                limits,
            }),
            ..Self::new(PathBuf::new())
        }
    }

    /// Looks for the content of a file in the file that has its name. Returns whether the file has
    /// the content, and so need not be written.
    ///
    /// Manifests are written anew: their content was read before. The content of an unpacked
    /// directory is not compared.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`], and [`Error::Io`] naming the file if it cannot be examined after it
    /// was compared.
    pub(crate) fn reuse(&self, target: &Descriptor) -> Result<bool> {
        let (Some(output), Some(title)) = (&self.output, target.title()) else {
            return Ok(false);
        };
        if target.media_type.is_manifest() || is_unpacked(target) {
            return Ok(false);
        }
        let Some(existing) = output.directory.existing_file(title, target) else {
            return Ok(false);
        };
        match has_content(existing.file(), title, target) {
            Ok(true) if existing.complete(target, is_executable(target))? => {}
            Err(error @ Error::Cancelled { .. }) => return Err(error),
            // Other content, or an unreadable file.
            Ok(_) | Err(_) => return Ok(false),
        }
        self.set_location(target, ContentLocation::Output(title.to_owned()));
        let path = output.directory.path_of(title);
        let reused = &mut self.titled.lock().reused;
        reused.insert(path, target.digest.clone());
        Ok(true)
    }

    /// Writes content with a title below the output directory. The file gets its final name when it
    /// is complete and verified.
    pub(super) fn write(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<()> {
        let (Some(output), Some(title)) = (&self.output, expected.title()) else {
            return Err(Error::unsupported(
                "writing to files that were added to be pushed",
            ));
        };
        if is_unpacked(expected) {
            let resumable = if_resumable(content, expected);
            let mut is_resumed = false;
            let written =
                self.write_directory(output, title, expected, content, resumable, &mut is_resumed);
            match written {
                // The beginning may be what is wrong. It is discarded.
                Err(error) if is_resumed && error.is_verification() => {
                    self.write_directory(output, title, expected, content, None, &mut is_resumed)?;
                }
                written => written?,
            }
        } else {
            let resumable = if_resumable(content, expected);
            let mut pending = output
                .directory
                .create_file_for(title, resumable)
                .map_err(|error| not_created(error, &output.directory.path_of(title)))?;
            let path = pending.path().to_owned();
            copy_resuming(content, expected, &mut pending, &path, &|error| {
                error.context(format!("failed to copy content to {}", path.display()))
            })?;
            if is_executable(expected) {
                pending.make_executable();
            }
            pending
                .commit()
                .map_err(|error| not_created(error, &path))?;
            self.set_location(expected, ContentLocation::Output(title.to_owned()));
        }
        output.directory.remove_beginnings(title, expected);
        Ok(())
    }

    /// Unpacks an archive. If it is `resumable`, it is saved at the same time, after the beginning
    /// that an earlier process saved. Sets `is_resumed` if there is one.
    fn write_directory(
        &self,
        output: &Output,
        title: &str,
        expected: &Descriptor,
        content: &mut dyn Content,
        resumable: Option<&Descriptor>,
        is_resumed: &mut bool,
    ) -> Result<()> {
        let pending = output.directory.create_directory(title)?;
        let mut saved = resumable.and_then(|archive| pending.save_archive(archive));
        let beginning = saved.as_mut().map(TempFile::beginning).transpose();
        let beginning = beginning.map_err(Error::io(IoOp::Write, pending.path()))?;
        let mut reader = match beginning.flatten() {
            None => content.open_verified(expected)?,
            Some((beginning, length)) => content.open_resumed(expected, beginning, length)?,
        };
        *is_resumed = reader.is_resumed();
        if let Some(saved) = &mut saved {
            reader = reader.tee_to(SavingSink::new(saved));
        }
        let mut options = UnpackOptions::new(title, pending.path());
        options.real_target = pending.real_path();
        options.limits = output.limits.clone();
        let mut record = |name: &str, kind: &'static str| {
            self.record_skipped(format!("{name} in {title} is {kind}"));
        };
        let unpacked = archive::unpack(&mut reader, pending.dir(), &options, &mut record);
        // Bytes after the archive belong to the content too. A verification error takes
        // precedence over an error of unpacking, which it explains.
        io::copy(&mut reader, &mut io::sink())
            .map_err(Error::io(IoOp::Read, expected.digest.as_str()))?;
        let checked = unpacked.and_then(|digest| check_tar_digest(expected, &digest));
        checked.map_err(|error| {
            error.context(format!(
                "failed to extract tar to {}",
                pending.path().display()
            ))
        })?;
        // The saved archive may be in the directory, whose time its removal changes.
        drop(reader);
        drop(saved);
        pending.commit().map(drop)
    }

    /// Records an archive entry that is not restored.
    fn record_skipped(&self, text: String) {
        let notes = &mut self.titled.lock().skipped_entries;
        if notes.len() < MAX_NOTES {
            notes.push(text);
        }
    }
}

/// Writes content to the file `title` below a directory. If that is interrupted, the beginning of
/// the content stays under a hidden name, and the next call continues it.
///
/// # Errors
///
/// Same as [`OutputDir::create_file`], plus the errors of the content.
pub fn write_file(
    output: &OutputDir,
    title: &str,
    expected: &Descriptor,
    content: &mut dyn Content,
) -> Result<PathBuf> {
    let mut pending = output.create_file_for(title, if_resumable(content, expected))?;
    let path = pending.path().to_owned();
    copy_resuming(content, expected, &mut pending, &path, &|error| error)?;
    let path = pending.commit()?;
    output.remove_beginnings(title, expected);
    Ok(path)
}

/// Reads a file to its end, and returns whether it has this content. Events call the file `name`.
pub(crate) fn has_content(file: &File, name: &str, content: &Descriptor) -> Result<bool> {
    let total = Some(content.size);
    let reader = VerifyReader::new(file, content.clone())
        .with_progress(|done| report(&Event::Reading { name, done, total }));
    match reader.copy_to(&mut io::sink(), "") {
        Err(Error::Verification { .. }) => Ok(false),
        read => read.map(|()| true),
    }
}

/// Whether content is the archive of a directory, to be unpacked.
pub(crate) fn is_unpacked(content: &Descriptor) -> bool {
    let unpack = content.annotations.get(UNPACK);
    unpack.is_some_and(|unpack| unpack == "true")
}

/// Whether a file is to be executable.
fn is_executable(content: &Descriptor) -> bool {
    let executable = content.annotations.get(EXECUTABLE);
    executable.is_some_and(|executable| executable == "true")
}

/// Adds the path to an error of the file system.
fn not_created(error: Error, path: &Path) -> Error {
    match error {
        Error::Io { .. } => error.context(format!("failed to create file {}", path.display())),
        other => other,
    }
}

/// Checks the annotated digest of the uncompressed archive. An annotation that is not a digest is
/// ignored.
fn check_tar_digest(expected: &Descriptor, got: &Digest) -> Result<()> {
    let annotated = expected
        .annotations
        .get(CONTENT_DIGEST)
        .and_then(|digest| digest.parse::<Digest>().ok());
    match annotated {
        Some(annotated) if annotated.algorithm() == got.algorithm() && annotated != *got => {
            Err(Error::Verification {
                digest: annotated.to_string(),
                mismatch: Mismatch::UnpackedDigest,
            })
        }
        _ => Ok(()),
    }
}
