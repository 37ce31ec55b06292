//! Builds an artifact from files and streams, and pushes it. Shared by push and attach.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::layers::{PushFile, PushStream};
#[cfg(feature = "archive")]
use crate::archive::Times;
use crate::error::{Error, Result};
use crate::fs::path_clean::{clean, to_slashes};
use crate::http::clock::{Clock as _, SystemClock};
use crate::oci::{
    CREATED, Descriptor, Digest, EXECUTABLE, MediaType, Platform, RawManifest, TITLE,
};
use crate::ops::copy::{CopyOptions, RootState, copy_graph_reporting};
use crate::ops::pack::{PackOptions, pack, platform_config};
use crate::ops::tag::require_absent;
use crate::progress::{Event, Totals, report};
use crate::store::{FileStore, ProgressReader, Pushed, Target, hash, name_needed};
use crate::text::json::Annotations;

/// An artifact that is being built.
pub(crate) struct ArtifactBuilder<'t> {
    target: &'t dyn Target,
    store: FileStore,
    /// Layers that were streamed to the target.
    streamed: Vec<Descriptor>,
    /// Whether files may be stored while their digests are computed.
    may_store: bool,
    /// Files that the target stored while their digests were computed.
    stored: HashSet<Digest>,
    /// Whether titles may be absolute or lead out of a directory.
    allow_path_traversal: bool,
    /// Whether executable files are annotated.
    preserve_mode: bool,
    /// Tags that must not exist with another digest, besides that of the push; `None` if no tag is
    /// checked.
    absent_tags: Option<Vec<String>>,
}

impl<'t> ArtifactBuilder<'t> {
    /// Temporary files are created in the directory `temporary`; by default in that of the system.
    pub(crate) fn new(
        target: &'t dyn Target,
        temporary: Option<PathBuf>,
        allow_path_traversal: bool,
    ) -> Self {
        Self {
            target,
            store: FileStore::new(temporary.unwrap_or_else(system_temporary)),
            streamed: Vec::new(),
            may_store: false,
            stored: HashSet::new(),
            allow_path_traversal,
            preserve_mode: false,
            absent_tags: None,
        }
    }

    /// Sets whether executable files are annotated.
    pub(super) const fn set_preserve_mode(&mut self, preserve_mode: bool) {
        self.preserve_mode = preserve_mode;
    }

    /// Sets the tags that must not exist with another digest.
    pub(super) fn set_absent_tags(&mut self, tags: Vec<String>) {
        self.absent_tags = Some(tags);
    }

    /// Checks that the [tags](Self::set_absent_tags) do not exist, or have this digest.
    pub(super) fn check_absent_tags(&self, digest: Option<&Digest>) -> Result<()> {
        let tags = self.absent_tags.as_deref().unwrap_or_default();
        require_absent(self.target, tags, digest)
    }

    /// Sets the times that archives of directories record.
    #[cfg(feature = "archive")]
    pub(crate) fn set_archive_times(&mut self, times: Times) {
        self.store.set_archive_times(times);
    }

    /// Adds files and streams, and returns the descriptors of the layers.
    ///
    /// Streams are uploaded here, because their digest is only known after they have been read. If
    /// the target must know the digest first, a stream is written to a temporary file.
    pub(crate) fn add_layers(
        &mut self,
        files: Vec<PushFile>,
        mut streams: Vec<PushStream<'_>>,
    ) -> Result<Vec<Descriptor>> {
        if files.is_empty() && streams.is_empty() {
            report(&Event::NoFiles)?;
        }
        // Nothing is stored if a file will turn out to be missing, or to have a title twice.
        let mut titles = HashSet::new();
        self.may_store = files.iter().all(|file| {
            let title = self.title_of(file);
            file.exists() && title.is_ok_and(|title| titles.insert(title))
        });
        let mut layers = Vec::with_capacity(files.len() + streams.len());
        let mut totals = Totals {
            total: (files.len() + streams.len()) as u64,
            total_bytes: files
                .iter()
                .try_fold(0_u64, |sum, file| sum.checked_add(file.size()?))
                .filter(|_| streams.is_empty()),
            is_complete: true,
            ..Totals::default()
        };
        for mut file in files {
            report(&Event::Totals(totals))?;
            let title = self.title_of(&file)?;
            report(&Event::Preparing(&title))?;
            let is_executable =
                self.preserve_mode && file.content.is_none() && is_executable(&file.path);
            let mut layer = self.add_file(&title, &title, MediaType::LAYER, &mut file)?;
            if is_executable {
                (layer.annotations).insert(EXECUTABLE.to_owned(), "true".to_owned());
            }
            layer.annotations.extend(file.annotations);
            layer.annotations.insert(TITLE.to_owned(), title);
            totals.done += 1;
            totals.done_bytes = totals.done_bytes.saturating_add(layer.size);
            layers.push(layer);
        }
        // Streams cannot be read twice: report duplicate titles before reading any.
        for title in streams.iter().filter_map(title) {
            self.check_title(title)?;
            self.store.reserve_title(title)?;
        }
        streams.sort_by_key(|stream| stream.index);
        for stream in streams {
            report(&Event::Totals(totals))?;
            let index = stream.index.min(layers.len());
            let layer = self.add_stream(stream)?;
            totals.done += 1;
            totals.done_bytes = totals.done_bytes.saturating_add(layer.size);
            layers.insert(index, layer);
        }
        Ok(layers)
    }

    /// Returns the title of a layer.
    fn title_of(&self, file: &PushFile) -> Result<String> {
        let given = file.title.as_ref();
        if let Some(title) = given.or_else(|| file.annotations.get(TITLE)) {
            self.check_title(title)?;
            return Ok(title.clone());
        }
        let title = default_title(&file.path)?;
        match file.path.file_name() {
            Some(name) if self.check_title(&title).is_err() => {
                Ok(name.to_string_lossy().into_owned())
            }
            _ => Ok(title),
        }
    }

    fn check_title(&self, title: &str) -> Result<()> {
        match traversal(title) {
            Some(reason) if !self.allow_path_traversal => Err(Error::PathTraversal {
                name: title.to_owned(),
                reason,
            }),
            _ => Ok(()),
        }
    }

    /// Adds a file, a directory or bytes to the store. Events call it `name`.
    fn add_file(
        &mut self,
        title: &str,
        name: &str,
        default: MediaType,
        file: &mut PushFile,
    ) -> Result<Descriptor> {
        let media_type = file.media_type.clone();
        let descriptor = match file.content.take() {
            Some(content) => {
                self.store.reserve_title(title)?;
                let media_type = media_type.unwrap_or(default);
                self.store.add_bytes(media_type, content)
            }
            None => self.add_path(title, name, media_type, &file.path)?,
        };
        report(&Event::Prepared(name))?;
        Ok(descriptor)
    }

    /// Adds the file or directory at `path` to the store. A file that the target can store while
    /// its digest is computed is read only once.
    fn add_path(
        &mut self,
        title: &str,
        name: &str,
        media_type: Option<MediaType>,
        path: &Path,
    ) -> Result<Descriptor> {
        let is_blob = !media_type.as_ref().is_some_and(MediaType::is_manifest);
        let target = self.target;
        let target = target.as_indexed();
        let target = target.filter(|_| is_blob && self.may_store);
        let mut is_stored = false;
        let mut store = |reader: &mut dyn Read, size| {
            let streamed = match target.filter(|target| target.prefers_stream(size)) {
                Some(target) => target
                    .push_stream(&MediaType::OCTET_STREAM, reader)
                    .map_err(|error| name_needed(error, size))?,
                None => None,
            };
            let Some((blob, pushed)) = streamed else {
                return hash(reader);
            };
            is_stored = pushed == Pushed::Stored;
            Ok((blob.digest, blob.size))
        };
        let layer = self
            .store
            .add_by(title, name, media_type, path, &mut store)?;
        if is_stored {
            self.stored.insert(layer.digest.clone());
        }
        Ok(layer)
    }

    fn add_stream(&mut self, mut stream: PushStream<'_>) -> Result<Descriptor> {
        let name = title(&stream).unwrap_or("-").to_owned();
        report(&Event::Preparing(&name))?;
        let mut reader = ProgressReader::new(&mut *stream.reader, &name, None);
        let media_type = stream.media_type.unwrap_or(MediaType::LAYER);
        let streamed = if media_type.is_manifest() {
            None
        } else {
            self.target.push_stream(&media_type, &mut reader)?
        };
        let (mut layer, pushed) = match streamed {
            Some((layer, pushed)) => (layer, Some(pushed)),
            None => (self.store.add_stream(media_type, &mut reader)?, None),
        };
        report(&Event::Prepared(&name))?;
        layer.annotations = stream.annotations;
        if let Some(title) = stream.title {
            layer.annotations.insert(TITLE.to_owned(), title);
        }
        if let Some(pushed) = pushed {
            report(&match pushed {
                Pushed::Stored => Event::Transferred(&layer),
                Pushed::AlreadyThere => Event::Exists(&layer),
            })?;
            self.streamed.push(layer.clone());
        }
        Ok(layer)
    }

    /// Adds a file as the config. The config has no title, so that `pull` writes no file for it.
    pub(crate) fn add_config(
        &mut self,
        mut file: PushFile,
        annotations: &Annotations,
    ) -> Result<Descriptor> {
        let media_type = file.media_type.get_or_insert(MediaType::UNKNOWN_CONFIG);
        let media_type = media_type.clone();
        let name = file.path.to_string_lossy().into_owned();
        let mut config = self.add_file("$config", &name, media_type, &mut file)?;
        config.annotations = annotations.clone();
        Ok(config)
    }

    /// Adds a config that contains only the platform.
    pub(crate) fn add_platform_config(
        &mut self,
        platform: &Platform,
        annotations: &Annotations,
    ) -> Result<Descriptor> {
        let (mut config, bytes) = platform_config(platform);
        config.annotations = annotations.clone();
        self.store.push(&config, &mut bytes.as_slice())?;
        Ok(config)
    }

    /// Packs the manifest, and copies it to the target with its successors except the subject.
    pub(crate) fn push(
        &mut self,
        reference: Option<&str>,
        options: PackOptions,
        created: Option<SystemTime>,
        force: bool,
    ) -> Result<RawManifest> {
        // A manifest with the current time was never pushed before.
        let is_new = !options.annotations.contains_key(CREATED) && created.is_none();
        let has_subject = options.subject.is_some();
        let created = created.unwrap_or_else(|| SystemClock.now());
        let manifest = pack(&self.store, options, created)?;
        let root = manifest.descriptor();
        if !is_new {
            self.check_absent_tags(Some(&root.digest))?;
        }
        let mut find_successors = |node: &RawManifest, mut successors: Vec<Descriptor>| {
            if has_subject && node.descriptor().digest == root.digest {
                // The subject is the first successor. It is at the target already.
                successors.remove(0);
            }
            successors.retain(|successor| !self.streamed.contains(successor));
            Ok(successors.into())
        };
        let mut options = CopyOptions {
            find_successors: Some(&mut find_successors),
            root: if is_new {
                RootState::New
            } else {
                RootState::Unknown
            },
            force,
            if_absent: self.absent_tags.is_some(),
            ..CopyOptions::default()
        };
        // For the observer, stored files are transferred now, like those of other targets.
        let stored = &self.stored;
        let mut report_stored = |event: &Event<'_>| match event {
            Event::Exists(node) if stored.contains(&node.digest) => {
                report(&Event::Started(node))?;
                report(&Event::Transferred(node))
            }
            event => report(event),
        };
        copy_graph_reporting(
            &self.store,
            self.target,
            root,
            reference,
            &mut options,
            &mut report_stored,
        )?;
        Ok(manifest)
    }
}

fn title<'s>(stream: &'s PushStream<'_>) -> Option<&'s str> {
    let title = stream.title.as_ref();
    title
        .or_else(|| stream.annotations.get(TITLE))
        .map(String::as_str)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the default of an option that every caller may set"
)]
fn system_temporary() -> PathBuf {
    std::env::temp_dir()
}

/// Whether a path is that of a file that has a permission to be executed.
#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = std::fs::metadata(path);
    metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
const fn is_executable(_: &Path) -> bool {
    false
}

/// Returns the title of a file without a title annotation: its cleaned path, as Go's
/// `filepath.Clean` does.
///
/// # Errors
///
/// [`Error::InvalidInput`] if the path is not Unicode, which a title must be.
fn default_title(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| {
        let path = path.display();
        let reason =
            format!("\"{path}\" is not Unicode, and cannot be the name of a file in an artifact");
        Error::invalid_option("file name", reason)
    })?;
    let name = to_slashes(&clean(Path::new(text)));
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// Returns the reason why a file with this title would be written outside of a directory, if so.
fn traversal(title: &str) -> Option<&'static str> {
    let is_absolute = title.starts_with('/') || Path::new(title).is_absolute();
    if is_absolute {
        return Some("is absolute");
    }
    let cleaned = clean(Path::new(title));
    cleaned
        .starts_with("..")
        .then_some("leads out of the directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_that_are_absolute_or_lead_out_are_refused() {
        for (title, reason) in [
            ("a", None),
            ("a/../b", None),
            ("..a/b", None),
            ("./a", None),
            ("/a", Some("is absolute")),
            ("..", Some("leads out of the directory")),
            ("../a", Some("leads out of the directory")),
            ("a/../../b", Some("leads out of the directory")),
        ] {
            assert_eq!(traversal(title), reason, "{title}");
        }
    }
}
