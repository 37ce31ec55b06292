//! Named files and directories on disk as a store.
//!
//! Content with a title is a file or directory of that name; content without one, such as manifests, is kept in memory. A
//! store that is pushed from has files added to it ([`FileStore::add`]); a store that is pulled into writes what it gets below
//! its output directory. All writing goes through [`OutputDir`], which owns the rule of where a title may lead.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::{self, PackOptions, UnpackOptions};
use crate::error::{Conflict, Error, Mismatch, Result};
use crate::fs::{BUFFER_BYTES, temp_file};
use crate::limits::MAX_NOTES;
use crate::oci::descriptor::{CONTENT_DIGEST, Descriptor, TITLE, UNPACK};
use crate::oci::digest::{Algorithm, Digest, Hasher};
use crate::oci::manifest::MAX_MANIFEST_BYTES;
use crate::oci::media_type::MediaType;
use crate::output_dir::OutputDir;
use crate::store::content::{Content, FileContent, STREAM, VerifyReader, copy_hashing};
use crate::store::memory::MemoryStore;
use crate::store::{Pushed, Source, Target};

/// Files and directories by title, and everything else in memory.
pub struct FileStore {
    unnamed: MemoryStore,
    output: Option<OutputDir>,
    temporary: PathBuf,
    named: RefCell<Named>,
}

#[derive(Default)]
struct Named {
    /// The titles of files that were added.
    added: HashSet<String>,
    /// Where content is that can be read again.
    places: HashMap<Digest, Place>,
    /// The archives of all directories that were added, and what streams brought, one after the other in a temporary file that
    /// has no name.
    spool: Option<Arc<File>>,
    left_out: Vec<String>,
}

enum Place {
    /// A file that was added.
    File(FileContent),
    /// In the temporary file.
    Spool(Section),
    /// A file that was written below the output directory, by its title.
    Output(String),
}

impl FileStore {
    /// A store to push from. Archives of directories are made in the directory `temporary`.
    ///
    /// Content without a title may have [`MAX_MANIFEST_BYTES`], unless [`FileStore::max_unnamed_bytes`] says otherwise.
    pub fn new(temporary: impl Into<PathBuf>) -> Self {
        Self {
            unnamed: MemoryStore::new().limited_to(MAX_MANIFEST_BYTES),
            output: None,
            temporary: temporary.into(),
            named: RefCell::default(),
        }
    }

    /// A store to pull into: content with a title is written below `output`.
    pub fn writing_to(output: OutputDir) -> Self {
        Self {
            output: Some(output),
            ..Self::new(PathBuf::new())
        }
    }

    /// Keeps content without a title, such as manifests, of at most `bytes` bytes each.
    #[must_use]
    pub fn max_unnamed_bytes(self, bytes: u64) -> Self {
        Self {
            unnamed: self.unnamed.limited_to(bytes),
            ..self
        }
    }

    /// Adds the file or directory at `path` under the title `title`, and describes it.
    ///
    /// A link is followed. A directory becomes a reproducible `tar.gz` whose descriptor says that it is to be unpacked.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the title is taken, [`Error::Io`] when something cannot be read.
    pub fn add(
        &self,
        title: &str,
        media_type: Option<MediaType>,
        path: &Path,
    ) -> Result<Descriptor> {
        self.add_with_progress(title, media_type, path, &mut |_, _| Ok(()))
    }

    /// As [`add`](Self::add). Tells `watch` how many bytes were read so far, and of a file how many there are.
    ///
    /// # Errors
    ///
    /// As of [`add`](Self::add), and of `watch`.
    pub fn add_with_progress(
        &self,
        title: &str,
        media_type: Option<MediaType>,
        path: &Path,
        watch: &mut dyn FnMut(u64, Option<u64>) -> Result<()>,
    ) -> Result<Descriptor> {
        let metadata = fs::metadata(path).map_err(|error| {
            // Where a relative path was looked for is half of the answer.
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            Error::io("stat", crate::fs::path_clean::clean(&absolute))(error)
        })?;
        self.claim(title)?;
        let mut descriptor = if metadata.is_dir() {
            let media_type = media_type.unwrap_or(MediaType::LAYER_GZIP);
            self.add_directory(title, media_type, path, &mut |done| watch(done, None))?
        } else {
            let media_type = media_type.unwrap_or(MediaType::LAYER);
            let mut watch = |done, total| watch(done, Some(total));
            let (descriptor, content) =
                FileContent::describe_with_progress(path, media_type, &mut watch)?;
            self.keep(&descriptor, Place::File(content));
            descriptor
        };
        descriptor
            .annotations
            .insert(TITLE.to_owned(), title.to_owned());
        Ok(descriptor)
    }

    /// Takes a title for content that is kept elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the title is taken.
    pub(crate) fn claim(&self, title: &str) -> Result<()> {
        if self.named.borrow_mut().added.insert(title.to_owned()) {
            return Ok(());
        }
        Err(Error::conflict(title, Conflict::DuplicateName))
    }

    /// Adds what a stream brings, by way of a temporary file, and describes it.
    pub(crate) fn add_stream(
        &self,
        media_type: MediaType,
        stream: &mut dyn Read,
    ) -> Result<Descriptor> {
        let (file, start) = self.spool("a stream")?;
        let (digest, size) = copy_hashing(stream, Path::new(STREAM), &mut &*file, &self.temporary)?;
        let descriptor = Descriptor::new(media_type, digest, size);
        self.keep_section(&descriptor, file, start);
        Ok(descriptor)
    }

    fn add_directory(
        &self,
        title: &str,
        media_type: MediaType,
        path: &Path,
        watch: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Descriptor> {
        let (file, start) = self.spool(&format!("the archive of {title}"))?;
        let mut out = Hashing {
            inner: BufWriter::with_capacity(BUFFER_BYTES, Arc::clone(&file)),
            hasher: Hasher::new(Algorithm::Sha256),
            size: 0,
        };
        let options = PackOptions::default();
        let tar_digest = archive::pack_with_progress(path, title, &options, &mut out, watch)?;
        out.flush().map_err(Error::io("write", &self.temporary))?;
        let Hashing { hasher, size, .. } = out;
        let mut descriptor = Descriptor::new(media_type, hasher.finish(), size);
        descriptor
            .annotations
            .insert(CONTENT_DIGEST.to_owned(), tar_digest.to_string());
        descriptor
            .annotations
            .insert(UNPACK.to_owned(), "true".to_owned());
        self.keep_section(&descriptor, file, start);
        Ok(descriptor)
    }

    /// The temporary file, for something that begins at its end. One for everything, because the number of open files is
    /// limited.
    fn spool(&self, what: &str) -> Result<(Arc<File>, u64)> {
        let spool = &mut self.named.borrow_mut().spool;
        let file = match spool {
            Some(file) => Arc::clone(file),
            made @ None => {
                let file = temp_file::create_unnamed(&self.temporary)
                    .map_err(|error| error.context(format!("no temporary file for {what}")))?;
                Arc::clone(made.insert(Arc::new(file)))
            }
        };
        let start = (&*file)
            .seek(SeekFrom::End(0))
            .map_err(Error::io("seek", &self.temporary))?;
        Ok((file, start))
    }

    fn keep_section(&self, descriptor: &Descriptor, file: Arc<File>, start: u64) {
        let section = Section {
            file,
            next: start,
            end: start + descriptor.size,
        };
        self.keep(descriptor, Place::Spool(section));
    }

    /// Remembers where content is.
    fn keep(&self, descriptor: &Descriptor, place: Place) {
        let places = &mut self.named.borrow_mut().places;
        places.insert(descriptor.digest.clone(), place);
    }

    /// Writes content that is there already under a further title.
    ///
    /// Answers whether that could be done: a directory that was unpacked is no longer there as the content it came as.
    ///
    /// # Errors
    ///
    /// Those of pushing content with that title: [`Error::PathTraversal`], [`Error::Conflict`], [`Error::Verification`] when
    /// the file that has the content was changed meanwhile, [`Error::Io`].
    pub fn restore(&self, target: &Descriptor) -> Result<bool> {
        let is_readable = self.named.borrow().places.contains_key(&target.digest);
        if !is_readable {
            return Ok(false);
        }
        let mut content = crate::store::Fetched::new(self, target);
        self.write(target, &mut content)?;
        Ok(true)
    }

    /// Where content with this title is, or goes.
    pub fn path_of(&self, title: &str) -> PathBuf {
        match &self.output {
            Some(output) => output.path_of(title),
            None => PathBuf::from(title),
        }
    }

    /// Writes content with a title below the output directory. It gets its name when it is complete and verified.
    fn write(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<()> {
        let (Some(output), Some(title)) = (&self.output, expected.title()) else {
            return Err(Error::unsupported(
                "writing to files that were added to be pushed",
            ));
        };
        if expected
            .annotations
            .get(UNPACK)
            .is_some_and(|unpack| unpack == "true")
        {
            let pending = output.create_directory(title)?;
            let mut reader = content.open_verified(expected)?;
            let options = UnpackOptions::new(title, pending.path());
            let mut skipped = |name: &str, kind: &'static str| self.note(title, name, kind);
            let unpacked = archive::unpack(&mut reader, pending.dir(), &options, &mut skipped);
            // Whatever follows the archive belongs to the content too. And when the content is not what it should be, that
            // is why it could not be unpacked.
            io::copy(&mut reader, &mut io::sink())
                .map_err(Error::io("read", expected.digest.as_str()))?;
            let checked = unpacked.and_then(|digest| check_tar_digest(expected, &digest));
            checked.map_err(|error| {
                error.context(format!(
                    "failed to extract tar to {}",
                    pending.path().display()
                ))
            })?;
            pending.commit()?;
        } else {
            let mut pending = output
                .create_file(title)
                .map_err(|error| not_created(error, &output.path_of(title)))?;
            let path = pending.path().to_owned();
            content
                .open_verified(expected)?
                .copy_to(&mut pending, &path)
                .map_err(|error| {
                    error.context(format!("failed to copy content to {}", path.display()))
                })?;
            pending
                .commit()
                .map_err(|error| not_created(error, &path))?;
            self.keep(expected, Place::Output(title.to_owned()));
        }
        Ok(())
    }

    /// Remembers something that was left out of a directory.
    fn note(&self, title: &str, name: &str, kind: &'static str) {
        let notes = &mut self.named.borrow_mut().left_out;
        if notes.len() < MAX_NOTES {
            notes.push(format!("{name} in {title} is {kind}"));
        }
    }

    /// What was left out of directories because it is neither file, directory nor link, in words.
    pub fn left_out(&self) -> Vec<String> {
        self.named.borrow().left_out.clone()
    }
}

/// Says which file could not be created, if it is the system that refused.
fn not_created(error: Error, path: &Path) -> Error {
    match error {
        Error::Io { .. } => error.context(format!("failed to create file {}", path.display())),
        other => other,
    }
}

/// The digest of the uncompressed archive must be the one annotated, unless that is no digest at all.
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

impl Source for FileStore {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.unnamed.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let named = self.named.borrow();
        let reader = |inner: File| VerifyReader::new(inner, target.clone());
        match named.places.get(&target.digest) {
            None => self.unnamed.fetch(target),
            Some(Place::File(content)) => content.reader(target),
            // Nobody else can reach a file without a name.
            Some(Place::Spool(section)) => {
                Ok(VerifyReader::new(section.clone(), target.clone()).trusted_while(|| true))
            }
            Some(Place::Output(title)) => match &self.output {
                Some(output) => Ok(reader(output.read_file(title)?)),
                None => Err(Error::not_found(target.digest.as_str())),
            },
        }
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        Ok(self.named.borrow().places.contains_key(&target.digest)
            || self.unnamed.exists(target)?)
    }
}

impl Target for FileStore {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        // What is pushed along with files is no file, whatever its annotations say.
        if self.output.is_none() || expected.title().is_none() {
            return self.unnamed.push(expected, content);
        }
        self.write(expected, content)?;
        Ok(Pushed::Stored)
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        self.unnamed.tag(target, reference)
    }
}

/// A part of the temporary file.
#[derive(Clone)]
struct Section {
    file: Arc<File>,
    next: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // All sections share the position of the file.
        (&*self.file).seek(SeekFrom::Start(self.next))?;
        let count = (&*self.file).take(self.end - self.next).read(buffer)?;
        self.next += count as u64;
        Ok(count)
    }
}

/// Counts and hashes what is written.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
