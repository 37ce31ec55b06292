//! Files and directories on disk, each with a title, as a store.
//!
//! Content with a title is a file or directory of that name. Content without a title, such as
//! manifests, is kept in memory. Files to push are added with [`FileStore::add`]. With the feature
//! `archive`, directories are packed, and a store to pull into writes files below its output
//! directory, which decides whether a title is allowed.

#[cfg(feature = "archive")]
pub(crate) mod output;
#[cfg(feature = "archive")]
mod packing;
#[cfg(feature = "archive")]
mod spool;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "archive")]
use crate::archive::{self, Times};
use crate::error::{Conflict, Error, IoOp, Result};
use crate::fs::file_range::FileRange;
use crate::fs::input_kind::InputKind;
use crate::fs::temp_file::TempFile;
use crate::fs::{path_clean, temp_name};
use crate::oci::{Descriptor, Digest, MAX_MANIFEST_BYTES, MediaType, RawManifest, TITLE};
#[cfg(feature = "archive")]
use crate::output_dir::OutputDir;
use crate::progress::sync::Lock;
use crate::store::{
    Content, FileContent, HashFile, MemoryStore, ProgressReader, Pushed, STREAM, Source, Target,
    VerifyReader, copy_hashing, hash,
};

/// Files and directories by title, and everything else in memory.
pub struct FileStore {
    untitled: MemoryStore,
    temporary: PathBuf,
    titled: Lock<TitledContent>,
    #[cfg(feature = "archive")]
    output: Option<Output>,
    #[cfg(feature = "archive")]
    archive_times: Times,
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("FileStore");
        #[cfg(feature = "archive")]
        debug.field("output", &self.output);
        debug
            .field("temporary", &self.temporary)
            .finish_non_exhaustive()
    }
}

/// The place and the way in which content with a title is written.
#[cfg(feature = "archive")]
#[derive(Debug)]
struct Output {
    directory: OutputDir,
    limits: archive::Limits,
}

#[derive(Default)]
struct TitledContent {
    /// The titles of files that were added.
    added: HashSet<String>,
    /// Locations of content that can be read again.
    locations: HashMap<Digest, ContentLocation>,
    /// Archives of added directories, and content of streams, one after the other in a temporary
    /// file without a name. A thread takes the file to write to it; another one that writes at the
    /// same time creates a second file.
    spool: Option<Arc<File>>,
    skipped_entries: Vec<String>,
    /// Paths and content of files that existed and were not written.
    reused: HashMap<PathBuf, Digest>,
}

enum ContentLocation {
    /// A file that was added. Boxed, like the section, because there can be tens of thousands of
    /// locations.
    File(Box<FileContent>),
    /// Bytes that were added.
    Bytes(Box<RawManifest>),
    /// A section of the temporary file.
    Spool(Box<FileRange<Arc<File>>>),
    /// The title of a file that was written below the output directory.
    #[cfg(feature = "archive")]
    Output(String),
}

impl FileStore {
    /// Creates a store to push from. Archives of directories, and content that can be read only
    /// once, are written to a file in the directory `temporary`.
    ///
    /// Content without a title may have [`MAX_MANIFEST_BYTES`].
    pub fn new(temporary: impl Into<PathBuf>) -> Self {
        Self {
            untitled: MemoryStore::new().max_content_bytes(MAX_MANIFEST_BYTES),
            temporary: temporary.into(),
            titled: Lock::default(),
            #[cfg(feature = "archive")]
            output: None,
            #[cfg(feature = "archive")]
            archive_times: Times::Keep,
        }
    }

    /// Sets the maximum size in bytes of content without a title, such as manifests.
    #[must_use]
    pub(crate) fn max_untitled_bytes(self, bytes: u64) -> Self {
        Self {
            untitled: self.untitled.max_content_bytes(bytes),
            ..self
        }
    }

    /// Adds the file or directory at `path` with the title `title`, and returns its descriptor.
    ///
    /// A symbolic link is followed. A pipe such as `/dev/stdin` is copied to the temporary file. A
    /// directory becomes a reproducible `tar.gz` whose descriptor has the annotation for unpacking.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the title is taken, [`Error::Malformed`] if it is the name of a
    /// temporary file, [`Error::Io`] if a file cannot be read, or if it is a FIFO, a socket or a
    /// device other than `/dev/null`, [`Error::Unsupported`] for a directory if the feature
    /// `archive` is off.
    pub fn add(
        &self,
        title: &str,
        media_type: Option<MediaType>,
        path: &Path,
    ) -> Result<Descriptor> {
        self.add_by(title, title, media_type, path, &mut |reader, _| {
            hash(reader)
        })
    }

    /// Same as [`add`](Self::add). A file is read by `hash`. Events call the file or directory
    /// `name`.
    pub(crate) fn add_by(
        &self,
        title: &str,
        name: &str,
        media_type: Option<MediaType>,
        path: &Path,
        hash: HashFile<'_>,
    ) -> Result<Descriptor> {
        let metadata = fs::metadata(path).map_err(|error| {
            // The error names the absolute path, because the working directory may be the mistake.
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            Error::io(IoOp::Stat, path_clean::clean(&absolute))(error)
        })?;
        self.reserve_title(title)?;
        let kind = InputKind::from_metadata(path, &metadata);
        let mut descriptor = if kind == InputKind::Directory {
            let media_type = media_type.unwrap_or(MediaType::LAYER_GZIP);
            self.add_directory(title, name, media_type, path)?
        } else {
            let media_type = media_type.unwrap_or(MediaType::LAYER);
            if kind == InputKind::Pipe {
                let mut pipe = File::open(path).map_err(Error::io(IoOp::Open, path))?;
                self.add_stream(media_type, &mut ProgressReader::new(&mut pipe, name, None))?
            } else {
                let (descriptor, content) =
                    FileContent::describe_by(path.to_owned(), media_type, name, hash)?;
                self.set_location(&descriptor, ContentLocation::File(Box::new(content)));
                descriptor
            }
        };
        descriptor
            .annotations
            .insert(TITLE.to_owned(), title.to_owned());
        Ok(descriptor)
    }

    /// Reserves a title for content that is stored elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the title is empty, [`Error::Conflict`] if it is taken,
    /// [`Error::Malformed`] if no output directory accepts it because it is the name of a temporary
    /// file.
    pub(crate) fn reserve_title(&self, title: &str) -> Result<()> {
        if title.is_empty() {
            return Err(Error::invalid_option("title", "missing name"));
        }
        if temp_name::is_reserved(&path_clean::clean(Path::new(title))) {
            let name = format!("file name {title:?}");
            return Err(Error::malformed(name, temp_name::RESERVED));
        }
        if self.titled.lock().added.insert(title.to_owned()) {
            return Ok(());
        }
        Err(Error::conflict(title, Conflict::DuplicateName))
    }

    /// Keeps bytes in memory, and returns their descriptor.
    pub(crate) fn add_bytes(&self, media_type: MediaType, bytes: Vec<u8>) -> Descriptor {
        let bytes = RawManifest::new(media_type, bytes);
        let descriptor = bytes.descriptor().clone();
        self.set_location(&descriptor, ContentLocation::Bytes(Box::new(bytes)));
        descriptor
    }

    /// Copies a stream to the temporary file, and returns its descriptor.
    pub(crate) fn add_stream(
        &self,
        media_type: MediaType,
        stream: &mut dyn Read,
    ) -> Result<Descriptor> {
        let (file, start) = self.take_spool("a stream")?;
        let (digest, size) = copy_hashing(stream, Path::new(STREAM), &mut &*file, &self.temporary)?;
        let descriptor = Descriptor::new(media_type, digest, size);
        self.add_section(&descriptor, file, start);
        Ok(descriptor)
    }

    /// Refuses a directory, which only the feature `archive` packs.
    #[cfg(not(feature = "archive"))]
    fn add_directory(&self, _: &str, _: &str, _: MediaType, path: &Path) -> Result<Descriptor> {
        Err(Error::unsupported(format!(
            "packing the directory {} (feature \"archive\" is off)",
            path.display()
        )))
    }

    /// Takes the temporary file, positioned at its end, and returns that position as well. All
    /// archives share one file to save file descriptors.
    fn take_spool(&self, what: &str) -> Result<(Arc<File>, u64)> {
        // A separate statement: the lock must end before a file is created.
        let spool = self.titled.lock().spool.take();
        let file = match spool {
            Some(file) => file,
            None => TempFile::create_unnamed(&self.temporary)
                .and_then(|mut temp| {
                    let file = temp.file().try_clone();
                    file.map_err(Error::io(IoOp::CreateIn, &self.temporary))
                })
                .map(Arc::new)
                .map_err(|error| error.context(format!("no temporary file for {what}")))?,
        };
        let start = (&*file)
            .seek(SeekFrom::End(0))
            .map_err(Error::io(IoOp::Seek, &self.temporary))?;
        Ok((file, start))
    }

    fn add_section(&self, descriptor: &Descriptor, file: Arc<File>, start: u64) {
        let section = FileRange::new(Arc::clone(&file), start..start + descriptor.size);
        self.set_location(descriptor, ContentLocation::Spool(Box::new(section)));
        self.titled.lock().spool = Some(file);
    }

    /// Records the location of content.
    fn set_location(&self, descriptor: &Descriptor, location: ContentLocation) {
        let locations = &mut self.titled.lock().locations;
        locations.insert(descriptor.digest.clone(), location);
    }

    /// Writes existing content to a further title.
    ///
    /// Returns false if the bytes are not available any more, because a directory was unpacked.
    ///
    /// # Errors
    ///
    /// Same as pushing content with that title: [`Error::PathTraversal`], [`Error::Conflict`],
    /// [`Error::Verification`] when the file that has the content was changed meanwhile,
    /// [`Error::Io`].
    pub(crate) fn restore(&self, target: &Descriptor) -> Result<bool> {
        let is_readable = self.titled.lock().locations.contains_key(&target.digest);
        if !is_readable {
            return Ok(false);
        }
        let mut content = crate::store::Fetched::new(self, target);
        self.write(target, &mut content)?;
        Ok(true)
    }

    /// Whether the file at `path` existed with this content and was not written.
    pub(crate) fn is_reused(&self, path: &Path, content: &Digest) -> bool {
        self.titled.lock().reused.get(path) == Some(content)
    }

    /// Returns the path of the file with this title.
    pub(crate) fn path_of(&self, title: &str) -> PathBuf {
        #[cfg(feature = "archive")]
        if let Some(output) = &self.output {
            return output.directory.path_of(title);
        }
        PathBuf::from(title)
    }

    /// Whether content with a title is written to files.
    pub(crate) fn writes_files(&self) -> bool {
        #[cfg(feature = "archive")]
        return self.output.is_some();
        #[cfg(not(feature = "archive"))]
        false
    }

    /// Only the feature `archive` looks for files below an output directory.
    #[cfg(not(feature = "archive"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "same signature as with the feature"
    )]
    pub(crate) fn reuse(&self, _: &Descriptor) -> Result<bool> {
        Ok(false)
    }

    /// Refuses content with a title: only the feature `archive` writes files.
    #[cfg(not(feature = "archive"))]
    fn write(&self, _: &Descriptor, _: &mut dyn Content) -> Result<()> {
        Err(Error::unsupported(
            "writing files (feature \"archive\" is off)",
        ))
    }

    /// Returns one sentence for each archive entry that was skipped because it is neither a file, a
    /// directory nor a link. Later calls return later entries.
    pub(crate) fn take_skipped_entries(&self) -> Vec<String> {
        std::mem::take(&mut self.titled.lock().skipped_entries)
    }
}

impl Source for FileStore {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.untitled.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let titled = self.titled.lock();
        match titled.locations.get(&target.digest) {
            None => self.untitled.fetch(target),
            Some(ContentLocation::File(content)) => content.reader(target),
            Some(ContentLocation::Bytes(bytes)) => {
                let bytes = RawManifest::clone(bytes);
                Ok(VerifyReader::from_manifest(bytes, target.clone()))
            }
            // Other processes cannot open a file without a name.
            Some(ContentLocation::Spool(section)) => {
                Ok(VerifyReader::new(FileRange::clone(section), target.clone())
                    .trusted_while(|| true))
            }
            #[cfg(feature = "archive")]
            Some(ContentLocation::Output(title)) => match &self.output {
                Some(output) => {
                    let file = output.directory.read_file(title)?;
                    Ok(VerifyReader::new(file, target.clone()))
                }
                None => Err(Error::not_found(target.digest.as_str())),
            },
        }
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        Ok(self.titled.lock().locations.contains_key(&target.digest)
            || self.untitled.exists(target)?)
    }
}

impl Target for FileStore {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        // In a store to push from, only added files have titles.
        if !self.writes_files() || expected.title().is_none() {
            return self.untitled.push(expected, content);
        }
        if self.reuse(expected)? {
            return Ok(Pushed::AlreadyThere);
        }
        self.write(expected, content)?;
        Ok(Pushed::Stored)
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        self.untitled.tag(target, reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::testing::TempDir;

    #[test]
    fn files_bytes_and_streams_are_read_back() {
        let directory = TempDir::new();
        let path = directory.path().join("f");
        fs::write(&path, "file").unwrap();
        let store = FileStore::new(directory.path());

        let file = store.add("a/f", None, &path).unwrap();
        let bytes = store.add_bytes(MediaType::LAYER, b"bytes".to_vec());
        let stream = store.add_stream(MediaType::LAYER, &mut &b"stream"[..]);

        assert_eq!(file.title(), Some("a/f"));
        for (descriptor, content) in [
            (file, "file"),
            (bytes, "bytes"),
            (stream.unwrap(), "stream"),
        ] {
            let read = store.fetch(&descriptor).unwrap().read_all(10).unwrap();
            assert_eq!(read, content.as_bytes());
        }
    }

    #[test]
    fn bytes_need_no_temporary_file() {
        let store = FileStore::new("/missing");
        let bytes = store.add_bytes(MediaType::LAYER, b"bytes".to_vec());
        assert!(store.exists(&bytes).unwrap());
        assert!(store.add_stream(MediaType::LAYER, &mut &b""[..]).is_err());
    }

    #[cfg(not(feature = "archive"))]
    #[test]
    fn a_directory_without_the_feature_is_an_error_that_names_it() {
        let directory = TempDir::new();
        let store = FileStore::new(directory.path());
        let error = store.add("d", None, directory.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "packing the directory {} (feature \"archive\" is off): unsupported",
                directory.path().display()
            )
        );
    }
}
