//! OCI image layouts: a registry's content in a directory or in one file (image spec v1.1, "Image Layout").
//!
//! A [`LayoutStore`] is a layout directory, for reading or for reading and writing. A `LayoutTar` (feature `archive`) is a
//! layout in an uncompressed tar archive, for reading, and a `LayoutTarWriter` one that is being made. All read a layout the
//! same way, and none reads more than it is asked for: to find a name takes `index.json`, to find a digest at most that one
//! piece of content besides.
//!
//! Tags in a layout are any text but the empty one. A digest that `index.json` does not list is found as well; content that
//! says it is a manifest is found as one.
//!
//! # Writing
//!
//! - A file appears under its name complete and verified, or not at all. It is written in `ingest/`, the scratch directory
//!   that other tools know and leave out of backups. What a killed process leaves there, the next one that writes removes.
//! - Content is on the disk before `index.json` names it.
//! - In a [batch](crate::store::Batch), `index.json` is saved at its end and not for each manifest. Who is killed before leaves
//!   content that nothing names, and that the next attempt finds. Asking for names saves what waits first.
//! - `index.json` is changed by one process at a time, under an advisory lock in `ingest/`: it is read again, edited, and
//!   replaced by a rename. So of many processes that push to one layout none undoes what another did, and reading needs no
//!   lock. Unknown members and the order of entries stay as they are.
//! - Content that is there is not written again, unless its size is wrong, or it is a manifest and its digest is.
//! - Content is removed after `index.json` says so, and only what nothing else needs. That goes for what other processes just
//!   pushed too: who lists a manifest looks once more, under the lock, whether all that it pushed before is still there, and in
//!   a batch also what it found there.
//!
//! This module knows nothing of networks, and nothing of what to copy.
//!
//! ```
//! use oras::layout::LayoutStore;
//! use oras::store::{Source, Target};
//! use oras::{Descriptor, MediaType};
//! # let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/doc-layout");
//!
//! let layout = LayoutStore::create_or_open(&directory)?;
//! let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
//! let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, manifest);
//! layout.push_reference(&descriptor, &mut manifest.as_slice(), "v1")?;
//! assert_eq!(layout.resolve("v1")?.digest, descriptor.digest);
//! # let _ = std::fs::remove_dir_all(&directory);
//! # Ok::<(), oras::Error>(())
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::oci::descriptor::Descriptor;
use crate::oci::media_type::MediaType;
use crate::store::content::{Content, VerifyReader};
use crate::store::{
    Delete, IndexedTarget, Pushed, Referrers, Source, TagLister, Target, check_is_tag, check_name,
};

use self::index::Index;
use self::index_cache::IndexCache;
use self::pending_index::{IndexEdit, PendingEdits};
use self::reader::{LayoutFiles, OpenFile};
use self::writer::Writer;

mod blob_cache;
pub mod cache;
mod entry;
mod gc;
mod graph;
mod index;
mod index_cache;
mod pending_index;
mod reader;
mod referrer_index;
#[cfg(feature = "archive")]
mod tar;
#[cfg(feature = "archive")]
mod tar_files;
#[cfg(feature = "archive")]
mod tar_writer;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(feature = "archive")]
pub use self::tar::LayoutTar;
#[cfg(feature = "archive")]
pub use self::tar_writer::LayoutTarWriter;

/// A layout directory.
#[derive(Debug)]
pub struct LayoutStore {
    directory: LayoutDirectory,
    /// None when the layout was opened to be read.
    writer: Option<Writer>,
    changes: PendingEdits,
}

impl LayoutStore {
    /// Opens a layout to be read. Nothing is created, locked or changed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when there is no such directory, [`Error::Malformed`] when it is not a layout, is of a version other
    /// than 1.0.0, or its `index.json` cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let directory = LayoutDirectory::new(path.into());
        fs::metadata(&directory.root).map_err(Error::io("stat", &directory.root))?;
        reader::check(&directory)?;
        Ok(Self {
            directory,
            writer: None,
            changes: PendingEdits::default(),
        })
    }

    /// Opens a layout to be read and written. What is missing of a layout is created, the directory included.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`Error::Io`] when something cannot be created.
    pub fn create_or_open(path: impl Into<PathBuf>) -> Result<Self> {
        let directory = LayoutDirectory::new(path.into());
        let writer = Writer::new(directory.root.clone());
        if !directory.is_complete() {
            directory.complete(&writer)?;
        }
        reader::check(&directory)?;
        Ok(Self {
            directory,
            writer: Some(writer),
            changes: PendingEdits::default(),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.directory.root
    }

    /// Waits until all content that was pushed is on the disk, and named by `index.json` as far as it should be.
    ///
    /// Outside of batches that happens by itself before `index.json` names content, so only who pushes nothing but blobs needs
    /// it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the content does not get there, [`Error::NotFound`] when it was removed before it was listed.
    pub fn sync(&self) -> Result<()> {
        self.save_changes()?;
        self.writer.as_ref().map_or(Ok(()), Writer::sync)
    }

    /// Removes the scratch directory, unless somebody needs it. Whoever writes to the layout makes it again.
    ///
    /// Other tools leave it alone, but a layout that is put away is better without.
    pub fn remove_scratch(&self) {
        if let Some(writer) = &self.writer {
            writer.remove_scratch();
        }
    }

    fn writer(&self) -> Result<&Writer> {
        self.writer
            .as_ref()
            .ok_or_else(|| Error::unsupported("writing to a layout that was opened to be read"))
    }

    /// Edits `index.json`: what it says now, not what it said when somebody last looked.
    fn edit_index<T>(&self, edit: impl FnOnce(&mut Index) -> T) -> Result<T> {
        let try_to_edit = || {
            let writer = self.writer()?;
            writer.sync()?;
            let _lock = writer.lock()?;
            writer.verify_tracked()?;
            let before = reader::reload_index(&self.directory)?;
            let mut after = before.clone();
            let result = edit(&mut after);
            save_index(writer, &before, &after)?;
            Ok(result)
        };
        try_to_edit().inspect_err(|error| self.changes.fail(error))
    }

    /// What content is stored by. Before there is too much to remember, the changes are saved that depend on it.
    fn writer_with_room(&self) -> Result<&Writer> {
        let writer = self.writer()?;
        if writer.is_full() {
            self.save_changes()?;
            // Of very much content that nothing was listed for, the last is what is looked at again.
            writer.clear_tracked();
            writer.sync()?;
        }
        Ok(writer)
    }

    fn store(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.writer_with_room()?.store(expected, content)
    }

    /// Edits `index.json`, now or at the end of the batch.
    fn change(&self, change: IndexEdit) -> Result<()> {
        if self.changes.put(change) {
            Ok(())
        } else {
            self.save_changes()
        }
    }

    /// Makes the changes that wait. If that fails, all of them are given up, and what comes later in the batch: what they
    /// depend on may be gone.
    fn save_changes(&self) -> Result<()> {
        let (changes, found) = self.changes.take();
        if let Some(reason) = self.changes.failure() {
            let reason = io::Error::other(format!("earlier in this batch: {reason}"));
            return Err(Error::io("save", self.directory.root.join(reader::INDEX))(
                reason,
            ));
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.writer()?.track_dependencies(found);
        self.edit_index(|index| changes.into_iter().for_each(|change| change.make(index)))
    }

    fn name(&self, target: &Descriptor, reference: &str) -> Result<()> {
        let target = target.clone();
        self.change(if reference == target.digest.as_str() {
            IndexEdit::List(target)
        } else {
            IndexEdit::Tag(target, reference.to_owned())
        })
    }
}

impl Source for LayoutStore {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.save_changes()?;
        reader::resolve(&self.directory, reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        reader::fetch(&self.directory, target)
    }

    /// Whether the content is there, with the right size.
    ///
    /// In a layout that was opened to be written, a manifest is there only if `index.json` lists it: one that lost its entry
    /// could otherwise never get it back from a copy, which does not push what is there.
    fn exists(&self, target: &Descriptor) -> Result<bool> {
        let exists = reader::exists(&self.directory, target)?
            && (self.writer.is_none()
                || !target.media_type.is_manifest()
                || self.changes.will_list(&target.digest)
                || (reader::read_index(&self.directory)?.listed(&target.digest)).is_some());
        if exists {
            self.changes.found(&target.digest);
        }
        Ok(exists)
    }
}

impl Target for LayoutStore {
    /// Stores content. A manifest is listed in `index.json`, also one that was there already.
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let pushed = self.store(expected, content)?;
        if expected.media_type.is_manifest() {
            self.change(IndexEdit::List(expected.clone()))?;
        }
        Ok(pushed)
    }

    /// Gives content a tag. What the layout knows about the content and `target` does not say is kept.
    ///
    /// The content's own digest as the name only lists it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the content is not there, [`Error::InvalidReference`] when the tag is empty, or the digest
    /// of something else.
    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        check_name(target, reference)?;
        if !reader::exists(&self.directory, target)? {
            return Err(reader::missing(target));
        }
        self.changes.found(&target.digest);
        self.name(target, reference)
    }

    fn push_reference(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        reference: &str,
    ) -> Result<Pushed> {
        check_name(expected, reference)?;
        let pushed = self.store(expected, content)?;
        self.name(expected, reference)?;
        Ok(pushed)
    }

    fn push_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<Option<(Descriptor, Pushed)>> {
        let stored = self.writer_with_room()?.store_stream(media_type, stream);
        stored.map(Some)
    }

    fn as_indexed(&self) -> Option<&dyn IndexedTarget> {
        Some(self)
    }
}

impl IndexedTarget for LayoutStore {
    fn sync(&self) -> Result<()> {
        Self::sync(self)
    }

    fn start_batch(&self) {
        self.changes.start_batch();
    }

    fn finish_batch(&self) -> Result<()> {
        if self.changes.finish_batch() {
            self.save_changes()
        } else {
            Ok(())
        }
    }
}

impl Referrers for LayoutStore {
    /// Finds referrers among everything that `index.json` leads to. What is missing or damaged is passed over.
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.save_changes()?;
        graph::referrers(&self.directory, subject, artifact_type, visit)
    }
}

impl Delete for LayoutStore {
    /// Removes content with its tags, what is attached to it, and what it is made of, as far as nothing else needs that and
    /// it has no tag.
    ///
    /// What a manifest is attached to stays. When another manifest of the layout cannot be read, nothing but the content
    /// itself is removed, because nobody knows what that manifest needs.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the content is not there, [`Error::Conflict`] when another manifest is made of it.
    fn delete(&self, target: &Descriptor) -> Result<()> {
        self.save_changes()?;
        let writer = self.writer()?;
        let _lock = writer.lock()?;
        let before = reader::reload_index(&self.directory)?;
        let name = reader::blob_name(&target.digest);
        if before.listed(&target.digest).is_none() && self.directory.size(&name)?.is_none() {
            return Err(reader::missing(target));
        }
        let removed = gc::plan(&self.directory, &before, target)?;
        let mut after = before.clone();
        after.remove(&removed.iter().collect());
        save_index(writer, &before, &after)?;
        removed.iter().try_for_each(|digest| writer.remove(digest))
    }

    fn untag(&self, tag: &str) -> Result<()> {
        check_is_tag(tag)?;
        self.save_changes()?;
        if self.edit_index(|index| index.untag(tag))? {
            Ok(())
        } else {
            Err(Error::not_found(tag))
        }
    }
}

impl TagLister for LayoutStore {
    fn tags(
        &self,
        last: Option<&str>,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.save_changes()?;
        reader::tags(&self.directory, last, visit)
    }
}

/// Replaces `index.json` if it is to say something else. Whoever does so holds the lock.
fn save_index(writer: &Writer, before: &Index, after: &Index) -> Result<()> {
    if after == before {
        return Ok(());
    }
    let bytes = after.to_bytes();
    reader::check_index_size(bytes.len())?;
    writer.save(reader::INDEX, &bytes)
}

/// The files of a layout directory.
#[derive(Debug)]
struct LayoutDirectory {
    root: PathBuf,
    index_cache: IndexCache,
}

impl LayoutDirectory {
    fn new(root: PathBuf) -> Self {
        Self {
            root,
            index_cache: IndexCache::default(),
        }
    }

    fn is_complete(&self) -> bool {
        [reader::LAYOUT_FILE, reader::INDEX, reader::BLOBS]
            .iter()
            .all(|name| self.root.join(name).exists())
    }

    /// Creates the missing files. `oci-layout` comes first, so that every directory with an
    /// `index.json` is a layout, whenever the process is killed.
    fn complete(&self, writer: &Writer) -> Result<()> {
        let blobs = self.root.join(reader::BLOBS);
        fs::create_dir_all(&self.root).map_err(Error::io("mkdir", &self.root))?;
        fs::create_dir_all(&blobs).map_err(Error::io("mkdir", &blobs))?;
        let _lock = writer.lock()?;
        for (name, content) in [
            (reader::LAYOUT_FILE, reader::LAYOUT_FILE_CONTENT),
            (reader::INDEX, Index::EMPTY),
        ] {
            if !self.root.join(name).exists() {
                writer.save(name, content.as_bytes())?;
            }
        }
        Ok(())
    }
}

impl LayoutFiles for LayoutDirectory {
    const MISSING: &'static str = "no such file or directory";

    fn size(&self, name: &str) -> Result<Option<u64>> {
        let path = self.root.join(name);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("stat", path)(error)),
        }
    }

    fn open(&self, name: &str) -> Result<Option<OpenFile<'_>>> {
        // Looked at first, because opening a pipe would wait for a writer.
        if self.size(name)?.is_none() {
            return Ok(None);
        }
        let path = self.root.join(name);
        match File::open(&path) {
            Ok(file) => Ok(Some(OpenFile {
                fingerprint: file
                    .metadata()
                    .ok()
                    .as_ref()
                    .map(FileFingerprint::from_metadata),
                content: Box::new(file),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open", path)(error)),
        }
    }

    fn index_cache(&self) -> &IndexCache {
        &self.index_cache
    }
}
