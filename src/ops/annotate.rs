//! Annotating of stored manifests and indexes.

use crate::error::{Conflict, Error, Result};
use crate::limits::Limit;
use crate::oci::{Descriptor, Digest, MAX_MANIFEST_BYTES, RawManifest};
use crate::progress::{Event, Observer, Scope, report};
use crate::store::{Batch, Target};
use crate::text::json::Annotations;

/// Options of [`annotate`].
#[derive(Debug)]
#[non_exhaustive]
pub struct AnnotateOptions {
    /// The annotations to add, or whose values are replaced.
    pub set: Annotations,
    /// The names of the annotations to remove. A missing annotation is not an error.
    pub remove: Vec<String>,
    /// The tags for the new manifest. Without tags, only its digest refers to it.
    pub tags: Vec<String>,
    /// The digest that the reference must have. The default is any.
    pub expected_digest: Option<Digest>,
    /// Limit on the size of the manifest before and after, in bytes.
    pub max_manifest_bytes: u64,
    /// Receives the events.
    pub observer: Option<Observer>,
}

impl Default for AnnotateOptions {
    fn default() -> Self {
        Self {
            set: Annotations::new(),
            remove: Vec::new(),
            tags: Vec::new(),
            expected_digest: None,
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            observer: None,
        }
    }
}

/// Stores a copy of a manifest or index with other annotations, and returns its descriptor.
///
/// The rest of the manifest is kept as [`ManifestEditor`](crate::ManifestEditor) describes. The
/// original stays, and so do its tags unless [`tags`](AnnotateOptions::tags) contains them. Its
/// referrers, such as signatures, remain attached to the original. Annotations of a Docker manifest
/// are stored, but most programs ignore them.
///
/// In a registry this takes one GET, and one PUT for each tag or a single one without tags. If no
/// annotation changes, only the tags are set.
///
/// ```
/// use oras::annotate::{AnnotateOptions, annotate};
/// use oras::store::memory::MemoryStore;
/// use oras::store::{Source, Target};
/// # use oras::{Descriptor, MediaType};
///
/// let store = MemoryStore::new();
/// # let index = br#"{"schemaVersion":2,"manifests":[]}"#;
/// # let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index);
/// # store.push_reference(&descriptor, &mut index.as_slice(), "v1")?;
/// let mut options = AnnotateOptions::default();
/// options.set.insert("org.opencontainers.image.licenses".into(), "Apache-2.0".into());
/// options.tags.push("v1".into());
/// let annotated = annotate(&store, "v1", options)?;
/// assert_eq!(store.resolve("v1")?.digest, annotated.digest);
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`NotFound`](Error::NotFound) if `reference` does not exist.
/// - [`Conflict`](Error::Conflict) with [`Conflict::Changed`] if `reference` has another digest
///   than the expected one. The check is not atomic: another client can move the tag after it.
/// - [`TooLarge`](Error::TooLarge), and the errors of [`RawManifest::view`] and of
///   [`Target::push_reference`]. If a tag cannot be set, the tags before it are set.
pub fn annotate(
    target: &dyn Target,
    reference: &str,
    options: AnnotateOptions,
) -> Result<Descriptor> {
    let AnnotateOptions {
        set,
        remove,
        tags,
        expected_digest,
        max_manifest_bytes: limit,
        observer,
    } = options;
    let _scope = Scope::of_verb(observer.as_ref());
    let (descriptor, reader) = target.fetch_reference(reference, limit)?;
    // Annotations of an entry in a layout are those of its tag.
    let original = reader.against(&descriptor).read_manifest(limit)?;
    let original = original.with_descriptor(descriptor.plain());
    report(&Event::Resolved {
        reference,
        descriptor: original.descriptor(),
    })?;
    if let Some(expected) = expected_digest
        && expected != descriptor.digest
    {
        let found = Conflict::Changed(descriptor.digest.to_string());
        return Err(Error::conflict(reference, found));
    }
    let annotated = edit(&original, &set, &remove)?;
    let size = annotated.descriptor().size;
    Error::check_limit("annotated manifest", size, Limit::CallerBytes, limit)?;
    let is_new = annotated != original;
    let batch = Batch::start(target);
    store(target, &annotated, is_new, &tags)?;
    batch.finish()?;
    if is_new && let Some(target) = target.as_indexed() {
        target.sync()?;
    }
    Ok(annotated.descriptor().clone())
}

/// Returns a copy of `manifest` with other annotations.
fn edit(manifest: &RawManifest, set: &Annotations, remove: &[String]) -> Result<RawManifest> {
    let mut editor = manifest.edit()?;
    for name in remove {
        editor.remove_annotation(name);
    }
    for (name, value) in set {
        editor.set_annotation(name, value);
    }
    Ok(editor.finish())
}

/// Stores a manifest, unless it exists, and sets each tag.
fn store(target: &dyn Target, manifest: &RawManifest, is_new: bool, tags: &[String]) -> Result<()> {
    let descriptor = manifest.descriptor();
    let mut exists = !is_new;
    if tags.is_empty() && is_new {
        target.push(descriptor, &mut &*manifest)?;
        report(&Event::Transferred(descriptor))?;
    }
    for tag in tags {
        match target.as_indexed() {
            Some(target) if exists => target.tag_manifest(manifest, tag)?,
            _ => drop(target.push_reference(descriptor, &mut &*manifest, tag)?),
        }
        if !exists {
            report(&Event::Transferred(descriptor))?;
        }
        exists = true;
        report(&Event::Tagged(tag))?;
    }
    Ok(())
}
