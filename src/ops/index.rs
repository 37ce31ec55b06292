//! Indexes of manifests: making them of what is in a store, and changing them (image spec v1.1, "Image Index").

use crate::error::{Error, Expected, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::index_document::{IndexDocument, IndexEntry};
use crate::oci::manifest::{ImageIndex, MAX_MANIFEST_BYTES, Manifest, RawManifest};
use crate::oci::media_type::MediaType;
use crate::oci::platform::Platform;
use crate::ops::pack::valid;
use crate::store::progress::{Event, Observer, Reporter};
use crate::store::{Source, Target};
use crate::text::json::edit::text_of;
use crate::text::json::{Annotations, to_vec};

/// How an index is made.
pub struct CreateOptions<'a> {
    /// The tags or digests of the manifests and indexes to list, in order.
    pub manifests: Vec<String>,
    /// The type of the artifact.
    pub artifact_type: Option<MediaType>,
    /// What is said about the whole.
    pub annotations: Annotations,
    /// How large a manifest, a config, and the index may be, in bytes.
    pub max_manifest_bytes: u64,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

impl Default for CreateOptions<'_> {
    fn default() -> Self {
        Self {
            manifests: Vec::new(),
            artifact_type: None,
            annotations: Annotations::new(),
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            observer: None,
        }
    }
}

/// How an index is changed: first the type, then what is removed, then what is added, then what is merged.
pub struct UpdateOptions<'a> {
    /// What becomes of the type of the artifact.
    pub artifact_type: ArtifactTypeChange,
    /// The manifests whose entries are removed.
    pub remove: Vec<Digest>,
    /// The tags or digests of manifests and indexes that get an entry.
    pub add: Vec<String>,
    /// The tags or digests of indexes whose entries are added.
    pub merge: Vec<String>,
    /// How large a manifest, a config, and the index may be, in bytes.
    pub max_manifest_bytes: u64,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

impl Default for UpdateOptions<'_> {
    fn default() -> Self {
        Self {
            artifact_type: ArtifactTypeChange::Keep,
            remove: Vec::new(),
            add: Vec::new(),
            merge: Vec::new(),
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            observer: None,
        }
    }
}

/// What becomes of the type of an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ArtifactTypeChange {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Remove,
    /// It becomes this one.
    Set(MediaType),
}

/// Makes an index of manifests in `source`. It is not stored; see [`push`].
///
/// An entry says for which platform an image is, as far as its config tells, and the type of the artifact, as far as the
/// manifest tells.
///
/// ```
/// use oras::index::{CreateOptions, create, push};
/// use oras::layout::LayoutStore;
/// # use oras::store::Target;
/// # use oras::{Descriptor, MediaType};
///
/// # let directory = std::env::temp_dir().join(format!("oras-doc-index-{}", std::process::id()));
/// let layout = LayoutStore::create_or_open(&directory)?;
/// # let bytes = br#"{"schemaVersion":2,"manifests":[]}"#;
/// # for tag in ["amd64", "arm64"] {
/// #     layout.push_reference(&Descriptor::of(MediaType::IMAGE_INDEX, bytes), &mut bytes.as_slice(), tag)?;
/// # }
/// let options = CreateOptions {
///     manifests: vec!["amd64".into(), "arm64".into()],
///     ..CreateOptions::default()
/// };
/// let index = create(&layout, options)?;
/// push(&layout, &index, Some("v1"))?;
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotFound`] when a manifest or its config is not there, [`Error::WrongKind`] when a name stands for something
/// else, [`Error::InvalidInput`] for the type of the artifact, [`Error::TooLarge`].
pub fn create(source: &dyn Source, options: CreateOptions<'_>) -> Result<RawManifest> {
    let artifact_type = options
        .artifact_type
        .map(|artifact_type| valid("artifactType", artifact_type))
        .transpose()?;
    let mut reader = Reader {
        source,
        limit: options.max_manifest_bytes,
        reporter: Reporter::new(options.observer),
    };
    let mut manifests = Vec::with_capacity(options.manifests.len());
    for reference in &options.manifests {
        manifests.push(reader.entry(reference)?);
    }
    let index = ImageIndex {
        schema_version: 2,
        media_type: Some(MediaType::IMAGE_INDEX),
        artifact_type,
        manifests,
        subject: None,
        annotations: options.annotations,
    };
    checked(
        RawManifest::new(MediaType::IMAGE_INDEX, to_vec(&index)),
        reader.limit,
    )
}

/// Makes an index out of the one that `reference` names. It is not stored; see [`push`].
///
/// What is not changed stays, also what this library does not know.
///
/// # Errors
///
/// As for [`create`], and [`Error::NotFound`] when there is nothing to remove.
pub fn update(
    source: &dyn Source,
    reference: &str,
    options: UpdateOptions<'_>,
) -> Result<RawManifest> {
    let artifact_type = match options.artifact_type {
        ArtifactTypeChange::Set(media_type) => {
            ArtifactTypeChange::Set(valid("artifactType", media_type)?)
        }
        other => other,
    };
    let mut reader = Reader {
        source,
        limit: options.max_manifest_bytes,
        reporter: Reporter::new(options.observer),
    };
    let original = reader.index(reference)?;
    let mut index = IndexDocument::parse_canonical(&original)?;
    match &artifact_type {
        ArtifactTypeChange::Keep => {}
        ArtifactTypeChange::Remove => index.set_member("artifactType", None),
        ArtifactTypeChange::Set(media_type) => {
            index.set_member("artifactType", Some(text_of(media_type)));
        }
    }
    for (position, digest) in options.remove.iter().enumerate() {
        // Once is enough, however often it is asked for.
        if options.remove[..position].contains(digest) {
            continue;
        }
        if !index.remove(|entry| entry == digest) {
            return Err(Error::NotFound {
                what: digest.to_string(),
                reason: None,
                index: Some(reference.to_owned()),
            });
        }
        reader.reporter.report(Event::EntryRemoved(digest))?;
    }
    for reference in &options.add {
        let descriptor = reader.entry(reference)?;
        index.entries.push(IndexEntry::from_descriptor(&descriptor));
        reader.reporter.report(Event::EntryAdded {
            reference,
            descriptor: &descriptor,
        })?;
    }
    for reference in &options.merge {
        let other = reader.index(reference)?;
        let added = IndexDocument::parse_canonical(&other)?;
        index.entries.extend(added.entries);
        reader.reporter.report(Event::IndexMerged {
            reference,
            descriptor: other.descriptor(),
        })?;
    }
    let media_type = original.descriptor().media_type.clone();
    checked(RawManifest::new(media_type, index.to_bytes()), reader.limit)
}

/// Stores an index under a tag. Without a tag, and also instead of a digest, which would be that of another index, it is
/// stored under no name but its own digest.
///
/// # Errors
///
/// Whatever the target refuses, such as an index of manifests that it does not have.
pub fn push(target: &dyn Target, index: &RawManifest, reference: Option<&str>) -> Result<()> {
    let tag = reference.filter(|reference| reference.parse::<Digest>().is_err());
    match tag {
        Some(tag) => target.push_reference(index.descriptor(), &mut &*index, tag)?,
        None => target.push(index.descriptor(), &mut &*index)?,
    };
    Ok(())
}

/// What could not be read again is not made.
fn checked(index: RawManifest, limit: u64) -> Result<RawManifest> {
    let size = index.descriptor().size;
    if size > limit {
        return Err(too_large("index", size, limit));
    }
    Ok(index)
}

fn too_large(what: &str, size: u64, limit: u64) -> Error {
    Error::TooLarge {
        what: what.to_owned(),
        size,
        limit,
        limit_name: "MaxBytes",
    }
}

/// Reads what goes into an index.
struct Reader<'s, 'o> {
    source: &'s dyn Source,
    limit: u64,
    reporter: Reporter<'o>,
}

impl Reader<'_, '_> {
    /// The entry for a manifest or index.
    fn entry(&mut self, reference: &str) -> Result<Descriptor> {
        let manifest = self.fetch(reference, Wanted::Manifest)?;
        let mut entry = manifest.descriptor().clone();
        match manifest.view()? {
            Manifest::Image(image) => {
                entry.platform = self.platform(&image.config)?;
                entry.artifact_type.clone_from(&image.artifact_type);
            }
            Manifest::Index(index) => entry.artifact_type.clone_from(&index.artifact_type),
            Manifest::Artifact(artifact) => {
                entry.artifact_type.clone_from(&artifact.artifact_type);
            }
        }
        Ok(entry)
    }

    fn index(&mut self, reference: &str) -> Result<RawManifest> {
        self.fetch(reference, Wanted::Index)
    }

    fn fetch(&mut self, reference: &str, wanted: Wanted) -> Result<RawManifest> {
        let not_found = |error: Error| {
            let what = wanted.name();
            error.context(format!("could not find the {what} {reference}"))
        };
        self.reporter.report(Event::Resolving(reference))?;
        let (descriptor, reader) = self
            .source
            .fetch_reference(reference, self.limit)
            .map_err(not_found)?;
        if !wanted.is_met_by(&descriptor.media_type) {
            return Err(Error::WrongKind {
                name: reference.to_owned(),
                expected: wanted.expected(),
            });
        }
        let manifest = reader.read_manifest(self.limit).map_err(not_found)?;
        // What a layout says about it is not said of it elsewhere.
        let manifest = manifest.with_descriptor(descriptor.plain());
        self.reporter.report(Event::Resolved {
            reference,
            descriptor: manifest.descriptor(),
        })?;
        Ok(manifest)
    }

    /// The platform that a config names. Configs may be anything, and most of those that are none of images name none.
    fn platform(&self, config: &Descriptor) -> Result<Option<Platform>> {
        if config.size > self.limit {
            return Err(too_large("config", config.size, self.limit));
        }
        let bytes = self.source.fetch(config)?.read_all(self.limit)?;
        // A list would be read as the fields in their order.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Ok(None);
        }
        let platform = serde_json::from_slice::<Platform>(&bytes).ok();
        Ok(
            platform
                .filter(|platform| !platform.architecture.is_empty() || !platform.os.is_empty()),
        )
    }
}

/// What a name has to stand for.
#[derive(Clone, Copy)]
enum Wanted {
    Manifest,
    Index,
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Index => "index",
        }
    }

    const fn expected(self) -> Expected {
        match self {
            Self::Manifest => Expected::Manifest,
            Self::Index => Expected::Index,
        }
    }

    /// The deprecated artifact manifest has no place in an index.
    fn is_met_by(self, media_type: &MediaType) -> bool {
        match self {
            Self::Manifest => media_type.is_image_manifest() || media_type.is_index(),
            Self::Index => media_type.is_index(),
        }
    }
}
