//! Creating and updating image indexes (image spec v1.1, "Image Index").

use crate::error::{Error, Expected, Result};
use crate::limits::Limit;
use crate::oci::{
    Descriptor, Digest, DocumentEntry, ImageIndex, ImageManifest, MAX_MANIFEST_BYTES, Manifest,
    ManifestDocument, MediaType, Platform, RawManifest,
};
use crate::ops::pack::valid;
use crate::progress::{Event, Observer, Scope, report};
use crate::store::{Source, Target};
use crate::text::json::edit::text_of;
use crate::text::json::{Annotations, to_vec};

/// Options of [`create`].
#[derive(Debug)]
#[non_exhaustive]
pub struct CreateOptions {
    /// The tags or digests of the manifests and indexes to list, in order.
    pub manifests: Vec<String>,
    /// The artifact type.
    pub artifact_type: Option<MediaType>,
    /// The annotations of the index.
    pub annotations: Annotations,
    /// Size limit of a manifest, a config and the index, in bytes.
    pub max_manifest_bytes: u64,
    /// Receives progress events.
    pub observer: Option<Observer>,
}

impl Default for CreateOptions {
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

/// Options of [`update`]. The steps are done in this order: artifact type, removals, additions,
/// merges.
#[derive(Debug)]
#[non_exhaustive]
pub struct UpdateOptions {
    /// The change of the artifact type.
    pub artifact_type: ArtifactTypeChange,
    /// The manifests whose entries are removed.
    pub remove: Vec<Digest>,
    /// The tags or digests of manifests and indexes to add, in order.
    pub add: Vec<String>,
    /// The tags or digests of indexes whose entries are added.
    pub merge: Vec<String>,
    /// Size limit of a manifest, a config and the index, in bytes.
    pub max_manifest_bytes: u64,
    /// Receives progress events.
    pub observer: Option<Observer>,
}

impl Default for UpdateOptions {
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

/// A change of the artifact type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ArtifactTypeChange {
    /// The artifact type is kept.
    #[default]
    Keep,
    /// The artifact type is removed.
    Remove,
    /// The artifact type is replaced.
    Set(MediaType),
}

/// Creates an index of manifests in `source`, without storing it; see [`push`].
///
/// An entry has the platform from the config of the image, if that is an OCI or Docker image
/// config, and the artifact type of the manifest. For an image manifest without one, the artifact
/// type is the type of its config, unless that is one of these two or the empty config.
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
/// #     let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, bytes);
/// #     layout.push_reference(&descriptor, &mut bytes.as_slice(), tag)?;
/// # }
/// let mut options = CreateOptions::default();
/// options.manifests = vec!["amd64".into(), "arm64".into()];
/// let index = create(&layout, options)?;
/// push(&layout, &index, Some("v1"))?;
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotFound`] if a manifest or its config is missing, [`Error::WrongKind`] if a reference
/// resolves to other content, [`Error::InvalidInput`] for an invalid artifact type,
/// [`Error::TooLarge`].
pub fn create(source: &dyn Source, options: CreateOptions) -> Result<RawManifest> {
    let artifact_type = options
        .artifact_type
        .map(|artifact_type| valid("artifactType", artifact_type))
        .transpose()?;
    let _scope = Scope::of_verb(options.observer.as_ref());
    let reader = Reader {
        source,
        limit: options.max_manifest_bytes,
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

/// Returns an updated copy of the index that `reference` resolves to, without storing it; see
/// [`push`].
///
/// Other members are kept, including unknown ones. An index without `mediaType` gets the media type
/// that `reference` resolves to.
///
/// # Errors
///
/// Same as [`create`], plus [`Error::NotFound`] if a digest to remove has no entry, and
/// [`Error::Malformed`] if the index has members or the `mediaType` of an image manifest.
pub fn update(source: &dyn Source, reference: &str, options: UpdateOptions) -> Result<RawManifest> {
    let artifact_type = match options.artifact_type {
        ArtifactTypeChange::Set(media_type) => {
            ArtifactTypeChange::Set(valid("artifactType", media_type)?)
        }
        other => other,
    };
    let _scope = Scope::of_verb(options.observer.as_ref());
    let reader = Reader {
        source,
        limit: options.max_manifest_bytes,
    };
    let original = reader.index(reference)?;
    let mut index = ManifestDocument::parse_canonical(&original)?;
    match &artifact_type {
        ArtifactTypeChange::Keep => {}
        ArtifactTypeChange::Remove => index.set_member("artifactType", None),
        ArtifactTypeChange::Set(media_type) => {
            index.set_member("artifactType", Some(text_of(media_type)));
        }
    }
    for (position, digest) in options.remove.iter().enumerate() {
        // Repeated digests are removed once.
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
        report(&Event::EntryRemoved(digest))?;
    }
    for reference in &options.add {
        let descriptor = reader.entry(reference)?;
        index
            .entries
            .push(DocumentEntry::from_descriptor(&descriptor));
        report(&Event::EntryAdded {
            reference,
            descriptor: &descriptor,
        })?;
    }
    for reference in &options.merge {
        let other = reader.index(reference)?;
        let added = ManifestDocument::parse_canonical(&other)?;
        index.entries.extend(added.entries);
        report(&Event::IndexMerged {
            reference,
            descriptor: other.descriptor(),
        })?;
    }
    let media_type = &original.descriptor().media_type;
    let media_type = RawManifest::media_type_in(original.bytes())?.unwrap_or(media_type.clone());
    index.set_member("mediaType", Some(text_of(&media_type)));
    checked(RawManifest::new(media_type, index.to_bytes()), reader.limit)
}

/// Stores an index with a tag. Without a tag, or if `reference` is a digest, the index is stored
/// under its own digest only: the given digest is the one of another index.
///
/// # Errors
///
/// Errors of the target, for example if it lacks a manifest of the index.
pub fn push(target: &dyn Target, index: &RawManifest, reference: Option<&str>) -> Result<()> {
    let tag = reference.filter(|reference| reference.parse::<Digest>().is_err());
    match tag {
        Some(tag) => target.push_reference(index.descriptor(), &mut &*index, tag)?,
        None => target.push(index.descriptor(), &mut &*index)?,
    };
    Ok(())
}

/// Refuses an index that would be too large to read, that has members of an image manifest, or
/// whose own `mediaType` is that of another kind of manifest.
fn checked(index: RawManifest, limit: u64) -> Result<RawManifest> {
    Error::check_limit("index", index.descriptor().size, Limit::CallerBytes, limit)?;
    match index.view()? {
        Manifest::Index(_) => Ok(index),
        _ => Err(Error::malformed(
            "index",
            format!("its mediaType is \"{}\"", index.descriptor().media_type),
        )),
    }
}

/// Reads the manifests of an index.
struct Reader<'s> {
    source: &'s dyn Source,
    limit: u64,
}

impl Reader<'_> {
    /// Returns the entry for a manifest or index.
    fn entry(&self, reference: &str) -> Result<Descriptor> {
        let manifest = self.fetch(reference, Expected::Manifest)?;
        let mut entry = manifest.descriptor().clone();
        match manifest.view()? {
            Manifest::Image(image) => {
                entry.artifact_type = artifact_type(image);
                if let Some(config) = &image.config
                    && is_image_config(&config.media_type)
                {
                    entry.platform = self.platform(config)?.map(Box::new);
                }
            }
            Manifest::Index(index) => entry.artifact_type.clone_from(&index.artifact_type),
            Manifest::Artifact(artifact) => {
                entry.artifact_type.clone_from(&artifact.artifact_type);
            }
        }
        Ok(entry)
    }

    fn index(&self, reference: &str) -> Result<RawManifest> {
        self.fetch(reference, Expected::Index)
    }

    fn fetch(&self, reference: &str, expected: Expected) -> Result<RawManifest> {
        let is_index = expected == Expected::Index;
        let not_found = |error: Error| {
            let what = if is_index { "index" } else { "manifest" };
            error.context(format!("could not find the {what} {reference}"))
        };
        report(&Event::Resolving(reference))?;
        let (descriptor, reader) = self
            .source
            .fetch_reference(reference, self.limit)
            .map_err(not_found)?;
        // Indexes do not contain deprecated artifact manifests.
        let media_type = &descriptor.media_type;
        if !media_type.is_index() && (is_index || !media_type.is_image_manifest()) {
            return Err(Error::WrongKind {
                name: reference.to_owned(),
                expected,
            });
        }
        let reader = reader.against(&descriptor);
        let manifest = reader.read_manifest(self.limit).map_err(not_found)?;
        // Annotations of an entry in a layout do not apply elsewhere.
        let manifest = manifest.with_descriptor(descriptor.plain());
        report(&Event::Resolved {
            reference,
            descriptor: manifest.descriptor(),
        })?;
        Ok(manifest)
    }

    /// Returns the platform in an image config. A config that is not valid JSON has no platform.
    fn platform(&self, config: &Descriptor) -> Result<Option<Platform>> {
        Error::check_limit("config", config.size, Limit::CallerBytes, self.limit)?;
        let bytes = self
            .source
            .fetch(config)?
            .against(config)
            .read_all(self.limit)?;
        // serde would read a list as the fields in their order.
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

/// Whether a config of this type describes an image. Only such configs are read for a platform.
fn is_image_config(config: &MediaType) -> bool {
    [MediaType::IMAGE_CONFIG, MediaType::DOCKER_CONFIG].contains(config)
}

/// Returns the artifact type of the entry for an image manifest: that of the manifest, or else the
/// type of its config (image spec v1.1, "Image Manifest", `artifactType`), except the types that
/// do not name a kind of artifact.
fn artifact_type(image: &ImageManifest) -> Option<MediaType> {
    let config = image.config.as_ref().map(|config| &config.media_type);
    let is_specific = |config: &&MediaType| {
        !config.as_str().is_empty() && !is_image_config(config) && **config != MediaType::EMPTY
    };
    image
        .artifact_type
        .as_ref()
        .or_else(|| config.filter(is_specific))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_artifact_type_is_that_of_the_manifest_or_its_config() {
        for (own, config, wanted) in [
            (Some("x/y"), "a/b", Some("x/y")),
            (Some("x/y"), MediaType::IMAGE_CONFIG.as_str(), Some("x/y")),
            (Some(""), "a/b", Some("a/b")),
            (None, "a/b", Some("a/b")),
            (None, "not a media type", Some("not a media type")),
            (
                None,
                MediaType::UNKNOWN_CONFIG.as_str(),
                Some(MediaType::UNKNOWN_CONFIG.as_str()),
            ),
            (None, MediaType::IMAGE_CONFIG.as_str(), None),
            (None, MediaType::DOCKER_CONFIG.as_str(), None),
            (None, MediaType::EMPTY.as_str(), None),
            (Some(""), MediaType::EMPTY.as_str(), None),
            (None, "", None),
        ] {
            let artifact = own.map(|own| format!(r#""artifactType":"{own}","#));
            let text = format!(
                r#"{{"schemaVersion":2,{}"config":{{"mediaType":"{config}","digest":"{}","size":1}},"layers":[]}}"#,
                artifact.unwrap_or_default(),
                Digest::of(b"a")
            );
            let image: ImageManifest = serde_json::from_str(&text).unwrap();
            let found = artifact_type(&image);
            assert_eq!(
                found.as_ref().map(MediaType::as_str),
                wanted,
                "{own:?} {config}"
            );
        }
    }
}
