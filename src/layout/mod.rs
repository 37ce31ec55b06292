//! OCI image layouts, in a directory or in a tar archive, as stores (image spec v1.1, "Image
//! Layout").
//!
//! A [`LayoutStore`] is a layout directory, read-only or writable. A `LayoutTar` (feature
//! `archive`) reads a layout in an uncompressed tar archive, and a `LayoutTarWriter` writes one.
//! Resolving a tag reads `index.json`; resolving a digest reads at most that content in addition.
//!
//! A tag is any text except the empty one. A digest without an entry in `index.json` is resolved as
//! well, with the media type of a manifest if the content has a `mediaType` member of one.
//!
//! # Writing
//!
//! - A file gets its final name when it is complete and verified. Until then it is in `ingest/`,
//!   the scratch directory that other tools know and exclude from backups. Abandoned files of
//!   killed processes are removed by the next process that writes.
//! - Content is flushed to the disk before `index.json` lists it.
//! - A copy of a file on the same file system shares its blocks if the file system can (Btrfs,
//!   XFS). It is verified like all other content. Hard links are not used: a program that changes
//!   one file in place would change the other.
//! - In a [batch](crate::store::Batch), `index.json` is saved at the end and not for each manifest.
//!   A process that is killed before leaves content without entries, which the next attempt finds.
//!   Resolving a reference or listing tags saves deferred edits first.
//! - One process at a time edits `index.json`, under an advisory lock in `ingest/`: it reads the
//!   file again, edits it, and replaces it by a rename. No process loses the edits of another one,
//!   and readers need no lock. Unknown members and the order of entries are kept.
//! - Existing content is not written again, unless its size differs, or it is a manifest with a
//!   wrong digest.
//! - Content is removed after its entries, and only if nothing else needs it. Another process may
//!   just have pushed what needs it: a process that lists a manifest checks, under the lock, that
//!   all content that it pushed before still exists, and in a batch also the content that it found.
//!
//!
//! ```
//! use oras::layout::LayoutStore;
//! use oras::store::{Source, Target};
//! use oras::{Descriptor, MediaType};
//! # let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/doc-layout");
//!
//! let layout = LayoutStore::create_or_open(&directory)?;
//! let manifest = br#"{"schemaVersion":2,"manifests":[]}"#;
//! let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, manifest);
//! layout.push_reference(&descriptor, &mut manifest.as_slice(), "v1")?;
//! assert_eq!(layout.resolve("v1")?.digest, descriptor.digest);
//! # let _ = std::fs::remove_dir_all(&directory);
//! # Ok::<(), oras::Error>(())
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::error::{Error, IoOp, Result};
use crate::oci::{Descriptor, MAX_MANIFEST_BYTES, MediaType};
use crate::store::{
    Content, ContentReader, Delete, IndexedTarget, NameVisitor, Pushed, Referrers, Source,
    TagLister, Target, VerifyReader, check_is_tag, check_name,
};

use self::directory::LayoutDirectory;
use self::index::Index;
use self::pending_index::{IndexEdit, PendingEdits};
use self::reader::LayoutFiles as _;
use self::writer::Writer;

mod blob_cache;
pub mod cache;
mod directory;
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

/// A layout directory as a store.
#[derive(Debug)]
pub struct LayoutStore {
    directory: LayoutDirectory,
    /// `None` if the layout is read-only.
    writer: Option<Writer>,
    edits: PendingEdits,
}

impl LayoutStore {
    /// Opens a layout for reading. Nothing is created, locked or changed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the directory does not exist, [`Error::Malformed`] if it is not a layout of
    /// version 1.0.0, or its `index.json` is invalid.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let directory = LayoutDirectory::new(path.into());
        fs::metadata(&directory.root).map_err(Error::io(IoOp::Stat, &directory.root))?;
        reader::check(&directory)?;
        Ok(Self {
            directory,
            writer: None,
            edits: PendingEdits::default(),
        })
    }

    /// Opens a layout for reading and writing. Missing files and directories are created.
    ///
    /// # Errors
    ///
    /// Same as [`open`](Self::open), plus [`Error::Io`] if something cannot be created.
    pub fn create_or_open(path: impl Into<PathBuf>) -> Result<Self> {
        let directory = LayoutDirectory::new(path.into());
        let writer = Writer::new(directory.root.clone());
        directory.complete(&writer)?;
        reader::check(&directory)?;
        Ok(Self {
            directory,
            writer: Some(writer),
            edits: PendingEdits::default(),
        })
    }

    /// Removes the scratch directory `ingest/`, unless another process uses it. The next write
    /// creates it again.
    ///
    /// Other tools ignore the directory, but a layout that is archived is smaller without it.
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

    /// Edits the current `index.json` under the lock, and saves it.
    fn edit_index<T>(&self, edit: impl FnOnce(&mut Index) -> Result<T>) -> Result<T> {
        let try_to_edit = || {
            let writer = self.writer()?;
            writer.sync_before_save()?;
            let _lock = writer.lock()?;
            writer.verify_tracked()?;
            let before = reader::reload_index(&self.directory)?;
            let mut after = before.clone();
            let result = edit(&mut after)?;
            save_index(writer, before, &after)?;
            Ok(result)
        };
        try_to_edit().inspect_err(|error: &Error| self.edits.fail(|| error.chain().to_string()))
    }

    /// Returns the writer. Saves deferred edits first if the writer tracks too many files.
    fn writer_with_room(&self) -> Result<&Writer> {
        let writer = self.writer()?;
        if writer.is_full() {
            self.save_edits()?;
            // Only the most recent content without a manifest is tracked.
            writer.clear_tracked();
            writer.sync_before_save()?;
        }
        Ok(writer)
    }

    /// Stores content. A manifest must be readable: tools that read all manifests of a layout
    /// could not open the layout otherwise.
    fn store(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let pushed = self.writer_with_room()?.store(expected, content)?;
        if expected.media_type.is_manifest() && expected.size <= MAX_MANIFEST_BYTES {
            self.fetch_manifest(expected, expected.size)?.view()?;
        }
        Ok(pushed)
    }

    /// Edits `index.json`, now or at the end of the batch.
    fn apply(&self, edit: IndexEdit) -> Result<()> {
        if self.edits.add(edit) {
            Ok(())
        } else {
            self.save_edits()
        }
    }

    /// Applies the deferred edits. On failure all of them are dropped, and later ones of the batch
    /// too: content that they depend on may be missing.
    fn save_edits(&self) -> Result<()> {
        let (edits, found) = self.edits.take().map_err(|reason| {
            let reason = io::Error::other(format!("earlier in this batch: {reason}"));
            Error::io(IoOp::Save, self.directory.root.join(reader::INDEX))(reason)
        })?;
        if edits.is_empty() {
            return Ok(());
        }
        self.writer()?.track_dependencies(found);
        self.edit_index(|index| edits.into_iter().try_for_each(|edit| edit.apply(index)))
    }

    fn name(&self, target: &Descriptor, reference: &str) -> Result<()> {
        let target = target.clone();
        self.apply(if reference == target.digest.as_str() {
            IndexEdit::List(target)
        } else {
            IndexEdit::Tag(target, reference.to_owned())
        })
    }
}

impl Source for LayoutStore {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.save_edits()?;
        let index = reader::read_index(&self.directory)?;
        reader::resolve(&self.directory, &index, reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        reader::fetch(&self.directory, target)
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        reader::fetch_from(&self.directory, target, offset)
    }

    fn open_file(&self, target: &Descriptor) -> Option<File> {
        self.directory.open_blob(target)
    }

    /// Whether content of the digest and size exists.
    ///
    /// In a writable layout, a manifest exists only if `index.json` lists it. Otherwise a manifest
    /// that lost its entry would never get one again from a copy, which does not push existing
    /// content.
    fn exists(&self, target: &Descriptor) -> Result<bool> {
        let exists = reader::exists(&self.directory, target)?
            && (self.writer.is_none()
                || !target.media_type.is_manifest()
                || self.edits.will_list(&target.digest)
                || (reader::read_index(&self.directory)?.listed(&target.digest)).is_some());
        if exists {
            self.edits.record_found(&target.digest);
        }
        Ok(exists)
    }
}

impl Target for LayoutStore {
    /// Stores content. A manifest is listed in `index.json`, also if it existed before.
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        let pushed = self.store(expected, content)?;
        if expected.media_type.is_manifest() {
            self.apply(IndexEdit::List(expected.clone()))?;
        }
        Ok(pushed)
    }

    /// Adds a tag to content. Members of the existing entry that `target` does not have are kept.
    ///
    /// If `reference` is the digest of the content, the content is listed without a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing, [`Error::InvalidReference`] if the tag is
    /// empty, or the digest of other content.
    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        check_name(target, reference)?;
        if !reader::exists(&self.directory, target)? {
            return Err(reader::missing(target));
        }
        self.edits.record_found(&target.digest);
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
        self.save_edits()?;
        self.writer.as_ref().map_or(Ok(()), Writer::sync)
    }

    fn prefers_stream(&self, size: u64) -> bool {
        (self.writer.as_ref()).is_some_and(|writer| !writer.may_have_size(size))
    }

    fn require_new_tag(&self, tag: &str) -> bool {
        self.edits.require_new(tag)
    }

    fn start_batch(&self) {
        self.edits.start_batch();
    }

    fn finish_batch(&self) -> Result<()> {
        if self.edits.finish_batch() {
            self.save_edits()
        } else {
            Ok(())
        }
    }
}

impl Referrers for LayoutStore {
    /// Finds referrers among all manifests that can be reached from `index.json`. Missing and
    /// damaged manifests are skipped.
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.save_edits()?;
        graph::referrers(&self.directory, subject, artifact_type, visit)
    }
}

impl Delete for LayoutStore {
    /// Removes content with its tags, its referrers and its successors, except those that have a
    /// tag or that other content needs.
    ///
    /// The subject of a manifest is kept. If another manifest of the layout cannot be read, only
    /// the content itself is removed, because the successors of that manifest are unknown.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the content is missing, [`Error::Conflict`] if another manifest
    /// refers to it.
    fn delete(&self, target: &Descriptor) -> Result<()> {
        self.save_edits()?;
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
        save_index(writer, before, &after)?;
        removed.iter().try_for_each(|digest| writer.remove(digest))
    }

    fn untag(&self, tag: &str) -> Result<()> {
        check_is_tag(tag)?;
        self.save_edits()?;
        if self.edit_index(|index| Ok(index.untag(tag)))? {
            Ok(())
        } else {
            Err(Error::not_found(tag))
        }
    }
}

impl TagLister for LayoutStore {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        self.save_edits()?;
        reader::tags(&*reader::read_index(&self.directory)?, last, visit);
        Ok(())
    }
}

/// Saves `index.json` if it changed. The caller holds the lock.
fn save_index(writer: &Writer, before: Index, after: &Index) -> Result<()> {
    if *after == before {
        return Ok(());
    }
    // An index can be large, and its text is about to be in memory as well.
    drop(before);
    let bytes = after.to_bytes();
    reader::check_index_size(bytes.len())?;
    writer.save(reader::INDEX, &bytes)
}
