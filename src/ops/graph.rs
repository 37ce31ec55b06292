//! Walking from a manifest to what it refers to.

use crate::error::{Error, Expected, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::{Manifest, RawManifest};
use crate::oci::media_type::MediaType;
use crate::oci::platform::Platform;
use crate::store::Source;
use crate::store::content::VerifyReader;

/// Resolves a reference and, if a platform is wanted, goes on to the manifest for it.
///
/// An index is searched in order, one level deep; a manifest must itself be for the platform, by its config.
///
/// # Errors
///
/// [`Error::NotFound`] when nothing is for the platform, [`Error::Unsupported`] when a manifest's config is none that has
/// a platform, [`Error::TooLarge`] when a manifest or config has more than `limit` bytes.
pub fn resolve(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
    limit: u64,
) -> Result<Descriptor> {
    match platform {
        None => source.resolve(reference),
        Some(platform) => {
            let root = source.fetch_manifest_by_reference(reference, limit)?;
            select_platform(source, &root, platform, limit)
        }
    }
}

/// The manifest for a platform, starting from `root`. See [`resolve`].
///
/// # Errors
///
/// Those of [`resolve`], and [`Error::Malformed`] when `root` or its config is not what it is said to be.
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
            let config = &image.config;
            if config.media_type != wanted {
                return Err(Error::unsupported(format!(
                    "fail to recognize platform from unknown config {}: expect {wanted}",
                    config.media_type
                )));
            }
            let bytes = source.fetch(config)?.read_all(limit)?;
            let got: Platform = serde_json::from_slice(&bytes).map_err(|error| {
                Error::malformed(format!("config {}", config.digest), error.to_string())
            })?;
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

/// Reads the manifest that a reference names, or the one for a platform, as [`resolve`] finds it.
///
/// # Errors
///
/// As of [`resolve`].
pub fn fetch_manifest(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
    limit: u64,
) -> Result<RawManifest> {
    let root = source.fetch_manifest_by_reference(reference, limit)?;
    let Some(platform) = platform else {
        return Ok(root);
    };
    let selected = select_platform(source, &root, platform, limit)?;
    if selected.digest == root.descriptor().digest {
        Ok(root)
    } else {
        source.fetch_manifest(&selected, limit)
    }
}

/// The config that the manifest behind a reference names, found as by [`fetch_manifest`].
///
/// # Errors
///
/// As of [`resolve`], and [`Error::WrongKind`] when it is no image manifest.
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
    {
        return Ok(image.config.clone());
    }
    Err(Error::WrongKind {
        name: descriptor.digest.to_string(),
        expected: Expected::Config,
    })
}

/// Refuses content of which nothing is known but its bytes. A manifest may be of a type that is not known here.
pub(crate) fn require_manifest(target: &Descriptor) -> Result<()> {
    if target.media_type == MediaType::OCTET_STREAM {
        return Err(Error::unsupported(format!(
            "{} is no manifest",
            target.digest
        )));
    }
    Ok(())
}

/// A source of which one reference is resolved, so that what it names is read once.
pub(crate) struct Resolved<'s> {
    source: &'s dyn Source,
    root: Descriptor,
    manifest: Option<RawManifest>,
}

impl<'s> Resolved<'s> {
    /// Resolves `reference` and, if it names a manifest, reads it in the same step.
    pub(crate) fn new(source: &'s dyn Source, reference: &str, limit: u64) -> Result<Self> {
        let (root, reader) = source.fetch_reference(reference, limit)?;
        let manifest = if root.media_type.is_manifest() {
            Some(reader.read_manifest(limit)?.with_descriptor(root.clone()))
        } else {
            None
        };
        Ok(Self {
            source,
            root,
            manifest,
        })
    }

    /// Resolves `reference` to the manifest for a platform.
    pub(crate) fn for_platform(
        source: &'s dyn Source,
        reference: &str,
        platform: &Platform,
        limit: u64,
    ) -> Result<Self> {
        let index = source.fetch_manifest_by_reference(reference, limit)?;
        let root = select_platform(source, &index, platform, limit)?;
        let is_itself = root.digest == index.descriptor().digest;
        Ok(Self {
            source,
            root,
            manifest: Some(index).filter(|_| is_itself),
        })
    }

    /// What the reference names.
    pub(crate) const fn root(&self) -> &Descriptor {
        &self.root
    }
}

impl Source for Resolved<'_> {
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
