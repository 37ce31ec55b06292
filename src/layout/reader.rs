//! Reading a layout in a directory or in an archive.
//!
//! The two differ only in how a file is opened ([`LayoutFiles`]). All functions here read and none
//! writes.

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::Bound;
use std::sync::Arc;

use serde::Deserialize;

use super::index::Index;
use super::index_cache::IndexCache;
use crate::error::{Error, IoOp, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::http::clock::{Clock as _, SystemClock};
use crate::limits::{Limit, MAX_INDEX_BYTES, MAX_LAYOUT_HEADER_BYTES};
use crate::oci::{Descriptor, Digest, MAX_MANIFEST_BYTES, ManifestShape, MediaType};
use crate::store::{ContentReader, NameVisitor, VerifyReader};
use crate::text::json::null_as_default;

/// Name of the file that marks a directory as a layout.
pub(super) const LAYOUT_FILE: &str = "oci-layout";
/// Content of that file (image spec v1.1, "oci-layout file").
pub(super) const LAYOUT_FILE_CONTENT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// Name of the file that lists the manifests.
pub(super) const INDEX: &str = "index.json";
/// Name of the directory that contains all content.
pub(super) const BLOBS: &str = "blobs";

const VERSION: &str = "1.0.0";

/// An open file of a layout.
pub(super) struct OpenFile<'a> {
    pub(super) content: Box<dyn Read + Send + 'a>,
    /// Fingerprint of the file that contains the content, if its metadata could be read.
    pub(super) fingerprint: Option<FileFingerprint>,
}

/// The files of a layout, by their names in the specification, with `/` between directories.
pub(super) trait LayoutFiles {
    /// Message for a missing file, in the words of the original program.
    const MISSING: &'static str;

    /// Returns the size of a regular file in bytes; `None` if it does not exist.
    fn size(&self, name: &str) -> Result<Option<u64>>;

    /// Opens a regular file at `offset` bytes from its start; `None` if it does not exist.
    fn open_from(&self, name: &str, offset: u64) -> Result<Option<OpenFile<'_>>>;

    /// Opens a regular file at its start; `None` if it does not exist.
    fn open(&self, name: &str) -> Result<Option<OpenFile<'_>>> {
        self.open_from(name, 0)
    }

    /// The cache of `index.json`.
    fn index_cache(&self) -> &IndexCache;
}

/// Returns the name of the file for a digest.
pub(super) fn blob_name(digest: &Digest) -> String {
    format!("{BLOBS}/{}/{}", digest.algorithm(), digest.encoded())
}

/// Checks that the files are a layout of a supported version.
pub(super) fn check<F: LayoutFiles>(files: &F) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Header {
        #[serde(default, deserialize_with = "null_as_default")]
        image_layout_version: String,
    }

    const WHAT: &str = "OCI Image Layout";
    let file = open(files, LAYOUT_FILE, WHAT, "OCI layout file")?;
    let text = read(
        LAYOUT_FILE,
        file,
        MAX_LAYOUT_HEADER_BYTES,
        Limit::LayoutHeaderBytes,
    )?;
    let header: Header = serde_json::from_slice(&text).map_err(|error| {
        Error::malformed_by(error, "OCI Image Layout: failed to decode OCI layout file")
    })?;
    if header.image_layout_version != VERSION {
        return Err(Error::malformed(WHAT, "unsupported version"));
    }
    read_index(files).map(|_| ())
}

/// Returns the current `index.json`. Reads it only if it changed.
pub(super) fn read_index<F: LayoutFiles>(files: &F) -> Result<Arc<Index>> {
    let mut file = open_index(files)?;
    let fingerprint = file.fingerprint.take();
    files
        .index_cache()
        .index(fingerprint, SystemClock.now(), || parse_index(file))
}

/// Reads `index.json` for editing.
pub(super) fn reload_index<F: LayoutFiles>(files: &F) -> Result<Index> {
    // The cached index is about to be replaced, and two large ones need not be in memory at once.
    files.index_cache().clear();
    parse_index(open_index(files)?)
}

fn open_index<F: LayoutFiles>(files: &F) -> Result<OpenFile<'_>> {
    open(files, INDEX, "OCI Image Index", "index file")
}

/// Opens a file that every layout has. A missing file and a failed attempt are reported alike, with
/// the name of the file and its purpose.
fn open<'a, F: LayoutFiles>(
    files: &'a F,
    name: &str,
    of: &str,
    what: &str,
) -> Result<OpenFile<'a>> {
    match files.open(name) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(Error::malformed(
            of,
            format!("failed to open {what}: open {name}: {}", F::MISSING),
        )),
        Err(Error::Io { source, .. }) => Err(Error::io(IoOp::Open, name)(source)
            .context(format!("invalid {of}: failed to open {what}"))),
        Err(other) => Err(other),
    }
}

fn parse_index(file: OpenFile<'_>) -> Result<Index> {
    Index::parse(&read(INDEX, file, MAX_INDEX_BYTES, Limit::IndexBytes)?)
}

/// Resolves a tag or digest with an index, which may not be saved yet.
pub(super) fn resolve<F: LayoutFiles>(
    files: &F,
    index: &Index,
    reference: &str,
) -> Result<Descriptor> {
    if let Some(entry) = index.tagged(reference) {
        return with_media_type(files, entry?);
    }
    // A registry reports invalid references differently. Here the reference is a tag that does not
    // exist.
    let Ok(digest) = reference.parse::<Digest>() else {
        return Err(Error::not_found(""));
    };
    if let Some(listed) = index.listed(&digest) {
        return with_media_type(files, listed.plain());
    }
    let size = files
        .size(&blob_name(&digest))?
        .ok_or_else(|| Error::not_found(""))?;
    let unlisted = Descriptor::new(MediaType::default(), digest, size);
    let mut resolved = with_media_type(files, unlisted)?;
    if !resolved.media_type.is_manifest() {
        resolved.media_type = MediaType::OCTET_STREAM;
    }
    Ok(resolved)
}

/// Completes a descriptor without a media type, as some producers write in `index.json`, by the
/// manifest's `mediaType` member or, without one, by its other members.
///
/// Blobs, and content that is missing or damaged, get no media type. Reading the content reports
/// the damage.
pub(super) fn with_media_type<F: LayoutFiles>(
    files: &F,
    mut target: Descriptor,
) -> Result<Descriptor> {
    if target.media_type != MediaType::default() || target.size > MAX_MANIFEST_BYTES {
        return Ok(target);
    }
    let bytes = match fetch(files, &target)?.read_all(MAX_MANIFEST_BYTES) {
        Err(error) if error.is_verification() || error.is_not_found() => return Ok(target),
        bytes => bytes?,
    };
    let shape = ManifestShape::parse(&bytes).unwrap_or_default();
    let media_type = match shape.media_type {
        None if shape.schema_version == 2 => shape.inferred_media_type(),
        media_type => media_type,
    };
    target.media_type = media_type
        .filter(MediaType::is_manifest)
        .unwrap_or_default();
    Ok(target)
}

/// Opens content, which is verified while it is read.
pub(super) fn fetch<'a, F: LayoutFiles>(
    files: &'a F,
    target: &Descriptor,
) -> Result<VerifyReader<'a>> {
    let file = files
        .open(&blob_name(&target.digest))?
        .ok_or_else(|| missing(target))?;
    Ok(VerifyReader::new(file.content, target.clone()))
}

/// Opens content at `offset` bytes from its start. It is not verified.
pub(super) fn fetch_from<'a, F: LayoutFiles>(
    files: &'a F,
    target: &Descriptor,
    offset: u64,
) -> Result<Option<ContentReader<'a>>> {
    let file = files
        .open_from(&blob_name(&target.digest), offset)?
        .ok_or_else(|| missing(target))?;
    Ok(Some(file.content))
}

/// Whether content of the digest and size exists.
pub(super) fn exists<F: LayoutFiles>(files: &F, target: &Descriptor) -> Result<bool> {
    Ok(files.size(&blob_name(&target.digest))? == Some(target.size))
}

/// Returns the error for missing content.
pub(super) fn missing(target: &Descriptor) -> Error {
    Error::not_found(format!("{}: {}", target.digest, target.media_type))
}

/// Passes the tags after `last` to `visit`, sorted, in one page: they are in memory already.
pub(super) fn tags(index: &Index, last: Option<&str>, visit: NameVisitor<'_>) {
    let tags: BTreeSet<&str> = index.tags();
    let after = last.map_or(Bound::Unbounded, Bound::Excluded);
    let page: Vec<String> = tags
        .range::<str, _>((after, Bound::Unbounded))
        .map(|tag| (*tag).to_owned())
        .collect();
    if !page.is_empty() {
        let _ = visit(&page);
    }
}

/// Reads a small file into memory.
fn read(name: &str, file: OpenFile<'_>, limit: u64, kind: Limit) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.content
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io(IoOp::Read, name))?;
    Error::check_limit(name, bytes.len() as u64, kind, limit)?;
    Ok(bytes)
}

/// Refuses an `index.json` that would be too large to read.
pub(super) fn check_index_size(bytes: usize) -> Result<()> {
    Error::check_limit(INDEX, bytes as u64, Limit::IndexBytes, MAX_INDEX_BYTES)
}
