//! Giving manifests further names.

use crate::error::Result;
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::{MAX_MANIFEST_BYTES, RawManifest};
use crate::store::progress::{Event, Observer, Reporter};
use crate::store::{Batch, Target};

/// How tags are given.
pub struct TagOptions<'a> {
    /// How large the manifest may be, in bytes.
    pub max_manifest_bytes: u64,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

impl Default for TagOptions<'_> {
    fn default() -> Self {
        Self {
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            observer: None,
        }
    }
}

/// Gives what `reference` names these tags, one after the other, and returns what it is.
///
/// A manifest is read once and written under each tag, which in a registry takes one request more than there are tags. They are
/// one [batch](Batch): a layout saves all of them together.
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
/// # layout.push_reference(&Descriptor::of(MediaType::IMAGE_INDEX, index), &mut index.as_slice(), "v1")?;
/// let tagged = tag(&layout, "v1", &["v1.2", "latest"], TagOptions::default())?;
/// assert_eq!(layout.resolve("latest")?.digest, tagged.digest);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`NotFound`](crate::Error::NotFound) when nothing has the name `reference`, and whatever the target refuses. Which of
/// several tags it was is said by [`Context`](crate::Error::Context); those before it are given. What fails without it is the
/// end of the batch, as of [`IndexedTarget::finish_batch`](crate::store::IndexedTarget::finish_batch); then a layout gave none that was not saved before.
pub fn tag<S: AsRef<str>>(
    target: &dyn Target,
    reference: &str,
    tags: &[S],
    options: TagOptions<'_>,
) -> Result<Descriptor> {
    let TagOptions {
        max_manifest_bytes,
        observer,
    } = options;
    let mut reporter = Reporter::new(observer);
    let (descriptor, reader) = target.fetch_reference(reference, max_manifest_bytes)?;
    // Layouts name anything, and what is no manifest may be large.
    let manifest = if descriptor.media_type.is_manifest() {
        Some(reader.read_manifest(max_manifest_bytes)?)
    } else {
        drop(reader);
        None
    };
    reporter.report(Event::Resolved {
        reference,
        descriptor: &descriptor,
    })?;
    let batch = Batch::start(target);
    for tag in tags {
        let tag = tag.as_ref();
        let tagged = match &manifest {
            Some(manifest) => target
                .push_reference(&descriptor, &mut &*manifest, tag)
                .map(|_| ()),
            None => target.tag(&descriptor, tag),
        };
        tagged.map_err(|error| match tags {
            [_] => error,
            _ => error.context(format!("failed to tag {tag}")),
        })?;
        reporter.report(Event::Tagged(tag))?;
    }
    batch.finish()?;
    Ok(descriptor)
}

/// Gives a manifest that is at hand further tags, as [`tag`] does, and tells of each.
///
/// # Errors
///
/// As for [`tag`], but that it finds the manifest.
pub fn add_tags<S: AsRef<str>>(
    target: &dyn Target,
    manifest: &RawManifest,
    tags: &[S],
    observer: &mut Observer<'_>,
) -> Result<()> {
    let batch = Batch::start(target);
    for tag in tags {
        let tag = tag.as_ref();
        target
            .push_reference(manifest.descriptor(), &mut &*manifest, tag)
            .map_err(|error| error.context(format!("failed to tag {tag}")))?;
        observer(Event::Tagged(tag))?;
    }
    batch.finish()
}
