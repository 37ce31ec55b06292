//! Tagging of manifests.

use crate::error::{Conflict, Error, Result};
use crate::oci::{Descriptor, Digest, MAX_MANIFEST_BYTES, RawManifest};
use crate::progress::{Event, Observer, Scope, report};
use crate::store::{Batch, IndexedTarget, Target, check_is_tag};

/// Options of tagging.
#[derive(Debug)]
#[non_exhaustive]
pub struct TagOptions {
    /// Limit on the size of the manifest, in bytes.
    pub max_manifest_bytes: u64,
    /// Makes a tag that exists with another digest an error. All tags are checked before the first
    /// is set, and each again right before it is set. A layout checks and sets all of them in one
    /// step. Registries cannot: another client can set a tag in between, and then loses it.
    pub if_absent: bool,
    /// Receives the events.
    pub observer: Option<Observer>,
}

impl Default for TagOptions {
    fn default() -> Self {
        Self {
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            if_absent: false,
            observer: None,
        }
    }
}

/// Tags the manifest that `reference` names with each of `tags`, and returns its descriptor.
///
/// The manifest is read once and pushed with each tag. In a registry this takes one request more
/// than there are tags. All tags are set in one [batch](Batch): a layout saves its index once.
///
/// ```
/// use oras::layout::LayoutStore;
/// use oras::store::{Source, Target};
/// use oras::tag::{TagOptions, tag};
/// # use oras::{Descriptor, MediaType};
///
/// # let directory = std::env::temp_dir().join(format!("oras-doc-tag-{}", std::process::id()));
/// let layout = LayoutStore::create_or_open(&directory)?;
/// # let index = br#"{"schemaVersion":2,"manifests":[]}"#;
/// # let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, index);
/// # layout.push_reference(&descriptor, &mut index.as_slice(), "v1")?;
/// let tagged = tag(&layout, "v1", &["v1.2", "latest"], TagOptions::default())?;
/// assert_eq!(layout.resolve("latest")?.digest, tagged.digest);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`NotFound`](crate::Error::NotFound) if `reference` does not exist.
/// - [`Conflict`](crate::Error::Conflict) if a tag exists with another digest, and
///   [`TagOptions::if_absent`] is set.
/// - The errors of [`Target::push_reference`]. With several tags,
///   [`Context`](crate::Error::Context) names the tag that failed; the tags before it are set.
/// - The errors of [`IndexedTarget::finish_batch`]. Then a layout has only the tags that it saved
///   before.
pub fn tag<S: AsRef<str>>(
    target: &dyn Target,
    reference: &str,
    tags: &[S],
    options: TagOptions,
) -> Result<Descriptor> {
    let TagOptions {
        max_manifest_bytes,
        if_absent,
        observer,
    } = options;
    let _scope = Scope::of_verb(observer.as_ref());
    let (descriptor, manifest) = read(target, reference, max_manifest_bytes)?;
    report(&Event::Resolved {
        reference,
        descriptor: &descriptor,
    })?;
    let absent_unless = if_absent.then_some(&descriptor.digest);
    set_tags(target, tags, absent_unless, |tag| {
        let tagged = match &manifest {
            Some(manifest) => set_tag(target, manifest, tag),
            None => target.tag(&descriptor, tag),
        };
        match tags {
            [_] => tagged,
            _ => tagged.map_err(|error| error.context(format!("failed to tag {tag}"))),
        }
    })?;
    Ok(descriptor)
}

/// Same as [`tag`], for a manifest that the caller has in memory.
///
/// # Errors
///
/// Same as [`tag`], without those of reading the manifest.
pub fn add_tags<S: AsRef<str>>(
    target: &dyn Target,
    manifest: &RawManifest,
    tags: &[S],
    options: TagOptions,
) -> Result<()> {
    let TagOptions {
        if_absent,
        observer,
        ..
    } = options;
    let _scope = Scope::of_verb(observer.as_ref());
    let absent_unless = if_absent.then_some(&manifest.descriptor().digest);
    set_tags(target, tags, absent_unless, |tag| {
        set_tag(target, manifest, tag)
            .map_err(|error| error.context(format!("failed to tag {tag}")))
    })
}

/// Checks that no tag exists, unless it names the content with this digest.
pub(crate) fn require_absent<S: AsRef<str>>(
    target: &dyn Target,
    tags: &[S],
    digest: Option<&Digest>,
) -> Result<()> {
    // A digest cannot get other content.
    let tags = tags.iter().map(AsRef::as_ref);
    for tag in tags.filter(|tag| check_is_tag(tag).is_ok()) {
        match target.resolve(tag) {
            Ok(found) if Some(&found.digest) == digest => {}
            Ok(found) => {
                let conflict = Conflict::TagExists(found.digest.to_string());
                return Err(Error::conflict(tag, conflict));
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        if let Some(target) = target.as_indexed() {
            target.require_new_tag(tag);
        }
    }
    Ok(())
}

/// Reads the manifest that `reference` names. Returns its descriptor alone if it is not read: a
/// layout may tag blobs too, and content of any size.
fn read(
    target: &dyn Target,
    reference: &str,
    limit: u64,
) -> Result<(Descriptor, Option<RawManifest>)> {
    let found = match target.fetch_reference(reference, limit) {
        Err(Error::TooLarge { .. }) => return Ok((target.resolve(reference)?, None)),
        found => found?,
    };
    let (descriptor, reader) = found;
    if !descriptor.media_type.is_manifest() || descriptor.size > limit {
        return Ok((descriptor, None));
    }
    let manifest = reader.against(&descriptor).read_manifest(limit)?;
    Ok((
        descriptor.clone(),
        Some(manifest.with_descriptor(descriptor)),
    ))
}

/// Tags an existing manifest. It is a referrer of its subject since it was pushed.
fn set_tag(target: &dyn Target, manifest: &RawManifest, tag: &str) -> Result<()> {
    match target.as_indexed() {
        Some(target) => target.tag_manifest(manifest, tag),
        None => target
            .push_reference(manifest.descriptor(), &mut &*manifest, tag)
            .map(drop),
    }
}

/// Sets each tag, in one batch, and reports it. With the digest `absent_unless`, each must not
/// exist with another digest: all are checked before the first is set, and each again right before,
/// or by the store when it saves them.
fn set_tags<S: AsRef<str>>(
    target: &dyn Target,
    tags: &[S],
    absent_unless: Option<&Digest>,
    mut set_tag: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    if absent_unless.is_some() {
        require_absent(target, tags, absent_unless)?;
    }
    let batch = Batch::start(target);
    for tag in tags {
        // To resolve the tag would save those before it, without the others of the batch.
        let is_checked_later = |target: &dyn IndexedTarget| target.require_new_tag(tag.as_ref());
        if absent_unless.is_some() && !target.as_indexed().is_some_and(is_checked_later) {
            require_absent(target, &[tag], absent_unless)?;
        }
        set_tag(tag.as_ref())?;
        report(&Event::Tagged(tag.as_ref()))?;
    }
    batch.finish()
}
