//! Attaching of files and annotations to an artifact: a manifest with the artifact as its subject.

use std::path::PathBuf;
use std::time::SystemTime;

#[cfg(feature = "archive")]
use crate::archive::Times;
use crate::error::{Error, Result};
use crate::limits::MAX_MANIFEST_BYTES;
use crate::oci::{Descriptor, MediaType, Platform, RawManifest};
use crate::ops::graph::{require_manifest, select_platform};
use crate::ops::pack::{ImageSpec, PackOptions};
use crate::ops::push::{ArtifactBuilder, PushFile, PushStream};
use crate::progress::{Observer, Scope};
use crate::store::Target;
use crate::text::json::Annotations;

/// Options of an attachment.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct AttachOptions<'a> {
    /// The files, in the order of the layers. May be empty if there are annotations.
    pub files: Vec<PushFile>,
    /// Layers from streams. They are read after all files.
    pub streams: Vec<PushStream<'a>>,
    /// The artifact type of the referrer. Required, unless the config has a media type of its own.
    pub artifact_type: Option<MediaType>,
    /// The platform of the manifest in an index to attach to. By default the subject is the index.
    pub platform: Option<Platform>,
    /// A file that becomes the config. Its media type is by default
    /// `application/vnd.unknown.config.v1+json`.
    pub config: Option<PushFile>,
    /// Annotations of the manifest.
    pub annotations: Annotations,
    /// Annotations of the config descriptor.
    pub config_annotations: Annotations,
    /// Time of creation; by default now. The annotation `org.opencontainers.image.created` has
    /// precedence.
    pub created: Option<SystemTime>,
    /// The times that archives of directories record.
    #[cfg(feature = "archive")]
    pub archive_times: Times,
    /// Directory for temporary files: archives of directories, and streams if the target must know
    /// the digest first. By default the system's directory for temporary files.
    pub temporary: Option<PathBuf>,
    /// Allows titles that are absolute or lead out of a directory. A pull refuses them by default.
    pub allow_path_traversal: bool,
    /// Receives the events of the attachment.
    pub observer: Option<Observer>,
}

/// A referrer that was attached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The subject as the manifest names it.
    pub subject: Descriptor,
    /// The manifest of the referrer.
    pub manifest: RawManifest,
}

/// Attaches files, annotations or both to the manifest that `reference` names in `target`. The
/// referrer gets no tag: [`discover`](crate::ops::discover::discover) finds it.
///
/// The subject consists of media type, digest and size. If the subject is an entry of an index,
/// other fields of the entry are kept.
///
/// ```
/// use oras::attach::{AttachOptions, attach};
/// use oras::layout::LayoutStore;
/// use oras::push::{PushOptions, push};
///
/// # let directory = std::env::temp_dir().join(format!("oras-doc-attach-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # let layout_path = directory.join("layout");
/// let layout = LayoutStore::create_or_open(&layout_path)?;
/// let artifact_type = Some("application/vnd.example".into());
/// let mut options = PushOptions::default();
/// options.artifact_type = artifact_type;
/// push(&layout, Some("v1"), options)?;
///
/// let mut options = AttachOptions::default();
/// options.artifact_type = Some("application/vnd.example.review".into());
/// options.annotations = [("reviewed-by", "alice")].into();
/// let attached = attach(&layout, "v1", options)?;
/// let referrer = attached.manifest.descriptor();
/// println!("{} is attached to {}", referrer.digest, attached.subject.digest);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`Error::NotFound`] if the reference does not exist or the index has no manifest for the
///   platform.
/// - [`Error::Unsupported`] if the reference names a blob.
/// - [`Error::InvalidInput`] if there are neither files nor annotations.
/// - The errors of [`push`](crate::ops::push::push).
pub fn attach(
    target: &dyn Target,
    reference: &str,
    options: AttachOptions<'_>,
) -> Result<Attached> {
    if options.files.is_empty() && options.streams.is_empty() && options.annotations.is_empty() {
        return Err(Error::invalid_option(
            "attachment",
            "there are neither files nor annotations",
        ));
    }
    let _scope = Scope::of_verb(options.observer.as_ref());
    let subject = find_subject(target, reference, options.platform.as_ref())
        .map_err(|error| error.context(format!("failed to resolve {reference}")))?;
    let mut builder = ArtifactBuilder::new(target, options.temporary, options.allow_path_traversal);
    #[cfg(feature = "archive")]
    builder.set_archive_times(options.archive_times);
    let layers = builder.add_layers(options.files, options.streams)?;
    let config = match options.config {
        Some(file) => Some(builder.add_config(file, &options.config_annotations)?),
        None => None,
    };
    let manifest = PackOptions {
        image_spec: ImageSpec::V1_1,
        artifact_type: options.artifact_type,
        config,
        config_annotations: options.config_annotations,
        layers,
        subject: Some(subject.clone()),
        annotations: options.annotations,
        observer: None,
    };
    let manifest = builder.push(None, manifest, options.created, false)?;
    Ok(Attached { subject, manifest })
}

/// Resolves the subject, without the tag and annotations of the entry in a layout's index.
fn find_subject(
    target: &dyn Target,
    reference: &str,
    platform: Option<&Platform>,
) -> Result<Descriptor> {
    let subject = match platform {
        // The manifest shows which blobs the target has, in one request like the resolution.
        None => match target.fetch_manifest_by_reference(reference, MAX_MANIFEST_BYTES) {
            Ok(manifest) => manifest.descriptor().plain(),
            Err(error) if error.is_not_found() => return Err(error),
            Err(_) => target.resolve(reference)?.plain(),
        },
        Some(platform) => {
            let root = target.fetch_manifest_by_reference(reference, MAX_MANIFEST_BYTES)?;
            let selected = select_platform(target, &root, platform, MAX_MANIFEST_BYTES)?;
            if selected.digest == root.descriptor().digest {
                selected.plain()
            } else {
                selected
            }
        }
    };
    require_manifest(&subject)?;
    Ok(subject)
}
