//! Resolution of references to manifests, configs and manifests for a platform.

use std::fs::File;

use crate::error::{Error, Expected, Result};
use crate::oci::{Descriptor, Manifest, MediaType, Platform, RawManifest};
use crate::store::{ContentReader, Source, VerifyReader};

/// Resolves a reference and, with a `platform`, selects the manifest for it.
///
/// In an index the first entry for the platform is selected; nested indexes are not searched. An
/// image manifest must be for the platform itself, according to its config.
///
/// # Errors
///
/// - [`Error::NotFound`] if the reference does not exist or there is no manifest for the platform.
/// - [`Error::Unsupported`] if the config of a manifest has no platform.
/// - [`Error::TooLarge`] if a manifest or config has more than `limit` bytes.
pub fn resolve(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
    limit: u64,
) -> Result<Descriptor> {
    match platform {
        None => source.resolve(reference),
        Some(_) => Ok(ResolvedSource::new(source, reference, platform, limit)?.root),
    }
}

/// Selects the manifest for a platform, starting from `root`. See [`resolve`].
///
/// # Errors
///
/// Same as [`resolve`], plus [`Error::Malformed`] if `root` or its config cannot be parsed.
pub fn select_platform(
    source: &dyn Source,
    root: &RawManifest,
    platform: &Platform,
    limit: u64,
) -> Result<Descriptor> {
    let descriptor = root.descriptor();
    match root.view()? {
        Manifest::Index(index) => index
            .manifests
            .iter()
            .find(|entry| {
                entry
                    .platform
                    .as_ref()
                    .is_some_and(|got| got.satisfies(platform))
            })
            .cloned()
            .ok_or_else(|| {
                Error::not_found_because(
                    descriptor.digest.as_str(),
                    "no matching manifest was found in the manifest list",
                )
            }),
        Manifest::Image(image) => {
            let wanted = if descriptor.media_type.is_docker() {
                MediaType::DOCKER_CONFIG
            } else {
                MediaType::IMAGE_CONFIG
            };
            let config = image.config.as_ref();
            let Some(config) = config.filter(|config| config.media_type == wanted) else {
                let got = config.map_or("", |config| config.media_type.as_str());
                return Err(Error::unsupported(format!(
                    "fail to recognize platform from unknown config {got}: expect {wanted}"
                )));
            };
            let bytes = source.fetch(config)?.against(config).read_all(limit)?;
            let got: Platform = serde_json::from_slice(&bytes)
                .map_err(|error| Error::malformed_by(error, format!("config {}", config.digest)))?;
            if got.satisfies(platform) {
                Ok(descriptor.clone())
            } else {
                Err(Error::not_found_because(
                    descriptor.digest.as_str(),
                    "platform in manifest does not match target platform",
                ))
            }
        }
        Manifest::Artifact(_) => Err(Error::unsupported(format!(
            "selecting a platform from \"{}\"",
            descriptor.media_type
        ))),
    }
}

/// Reads the manifest that [`resolve`] finds.
///
/// # Errors
///
/// Same as [`resolve`].
pub fn fetch_manifest(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
    limit: u64,
) -> Result<RawManifest> {
    if platform.is_none() {
        return source.fetch_manifest_by_reference(reference, limit);
    }
    let resolved = ResolvedSource::new(source, reference, platform, limit)?;
    resolved.fetch_manifest(&resolved.root, limit)
}

/// Returns the config descriptor of the manifest that [`resolve`] finds.
///
/// # Errors
///
/// Same as [`resolve`], plus [`Error::WrongKind`] if it is not an image manifest.
pub fn resolve_config(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
    limit: u64,
) -> Result<Descriptor> {
    let manifest = fetch_manifest(source, reference, platform, limit)?;
    let descriptor = manifest.descriptor();
    if descriptor.media_type.is_image_manifest()
        && let Manifest::Image(image) = manifest.view()?
        && let Some(config) = &image.config
    {
        return Ok(config.clone());
    }
    Err(Error::WrongKind {
        name: descriptor.digest.to_string(),
        expected: Expected::Config,
    })
}

/// Returns an error for a blob. A manifest may have a media type that is not known here, so that
/// only the media type of plain bytes is refused.
pub(crate) fn require_manifest(target: &Descriptor) -> Result<()> {
    if target.media_type == MediaType::OCTET_STREAM {
        return Err(Error::unsupported(format!(
            "{} is no manifest",
            target.digest
        )));
    }
    Ok(())
}

/// A source with a resolved root. It keeps the manifest of the root, so that it is read once.
pub(crate) struct ResolvedSource<'s> {
    source: &'s dyn Source,
    root: Descriptor,
    manifest: Option<RawManifest>,
}

impl<'s> ResolvedSource<'s> {
    /// Resolves `reference`, to the manifest for `platform` if there is one, and reads the manifest
    /// that the reference names, with one request.
    pub(crate) fn new(
        source: &'s dyn Source,
        reference: &str,
        platform: Option<&Platform>,
        limit: u64,
    ) -> Result<Self> {
        if let Some(platform) = platform {
            let index = source.fetch_manifest_by_reference(reference, limit)?;
            let root = select_platform(source, &index, platform, limit)?;
            let is_itself = root.digest == index.descriptor().digest;
            let manifest = Some(index).filter(|_| is_itself);
            return Ok(Self::with_root(source, root, manifest));
        }
        let (root, reader) = source.fetch_reference(reference, limit)?;
        let manifest = if root.media_type.is_manifest() {
            let manifest = reader.against(&root).read_manifest(limit)?;
            Some(manifest.with_descriptor(root.clone()))
        } else {
            None
        };
        Ok(Self::with_root(source, root, manifest))
    }

    /// A source with this root. A known manifest of the root need not exist in `source`.
    pub(crate) const fn with_root(
        source: &'s dyn Source,
        root: Descriptor,
        manifest: Option<RawManifest>,
    ) -> Self {
        Self {
            source,
            root,
            manifest,
        }
    }

    /// Returns the descriptor of the root.
    pub(crate) const fn root(&self) -> &Descriptor {
        &self.root
    }
}

impl Source for ResolvedSource<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        match &self.manifest {
            Some(manifest) if manifest.descriptor().digest == target.digest => Ok(
                VerifyReader::from_manifest(manifest.clone(), target.clone()),
            ),
            _ => self.source.fetch(target),
        }
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        self.source.fetch_from(target, offset)
    }

    fn open_file(&self, target: &Descriptor) -> Option<File> {
        self.source.open_file(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.source.exists(target)
    }

    fn fetch_manifest(&self, target: &Descriptor, limit: u64) -> Result<RawManifest> {
        match &self.manifest {
            Some(manifest) if manifest.descriptor().is_same_content(target) => {
                Ok(manifest.clone().with_descriptor(target.clone()))
            }
            _ => self.source.fetch_manifest(target, limit),
        }
    }
}
