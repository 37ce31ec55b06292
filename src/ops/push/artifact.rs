//! Pushing of files and streams as an artifact.

use std::path::PathBuf;
use std::time::SystemTime;

use super::builder::ArtifactBuilder;
use super::layers::{PushFile, PushStream};
#[cfg(feature = "archive")]
use crate::archive::Times;
use crate::error::Result;
use crate::oci::{CREATED, MediaType, Platform, RawManifest};
use crate::ops::pack::{ImageSpec, PackOptions};
use crate::ops::tag::require_absent;
use crate::progress::{Observer, Scope};
use crate::store::Target;
use crate::text::json::Annotations;

/// Options of a push.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PushOptions<'a> {
    /// The files, in the order of the layers.
    pub files: Vec<PushFile>,
    /// Layers from streams. They are read after all files.
    pub streams: Vec<PushStream<'a>>,
    /// The artifact type.
    pub artifact_type: Option<MediaType>,
    /// A file that becomes the config. Its media type is by default
    /// `application/vnd.unknown.config.v1+json`.
    pub config: Option<PushFile>,
    /// The platform of the artifact. It is written to a generated config. Ignored with a `config`.
    pub platform: Option<Platform>,
    /// The version of the image spec. Version 1.0 takes either a config or an artifact type.
    pub image_spec: ImageSpec,
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
    /// Sends manifests even if the target has them: see
    /// [`CopyOptions::force`](crate::ops::copy::CopyOptions::force).
    pub force: bool,
    /// Makes a tag that exists with another digest an error: see
    /// [`TagOptions::if_absent`](crate::ops::tag::TagOptions::if_absent). The tag is checked before
    /// files are sent, and before anything is read if the creation time is not set, because then
    /// no other manifest can be equal.
    pub if_absent: bool,
    /// Tags that the caller sets afterwards. With [`if_absent`](Self::if_absent), they are checked
    /// too before files are sent.
    pub further_tags: Vec<String>,
    /// Records in an annotation that a file is executable, so that a pull makes it executable:
    /// [`EXECUTABLE`](crate::oci::descriptor::EXECUTABLE). Archives of directories record it
    /// anyway. Has no effect on systems other than Unix.
    pub preserve_mode: bool,
    /// Allows titles that are absolute or lead out of a directory. A pull refuses them by default.
    pub allow_path_traversal: bool,
    /// Receives the events of the push.
    pub observer: Option<Observer>,
}

/// Pushes files as an artifact, tags it `reference` if there is one, and returns its manifest.
///
/// ```
/// use oras::layout::LayoutStore;
/// use oras::push::{PushOptions, push};
///
/// # let directory = std::env::temp_dir().join(format!("oras-doc-push-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # let file = directory.join("hello.txt");
/// # std::fs::write(&file, "hello world\n").unwrap();
/// # let layout_path = directory.join("layout");
/// let layout = LayoutStore::create_or_open(&layout_path)?;
/// let mut options = PushOptions::default();
/// options.files = vec![file.into()];
/// options.artifact_type = Some("application/vnd.example".into());
/// let manifest = push(&layout, Some("v1"), options)?;
/// println!("{}", manifest.descriptor().digest);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`Error::Io`](crate::Error::Io) if a file or a stream cannot be read.
/// - [`Error::Unsupported`](crate::Error::Unsupported) for a directory if the feature `archive` is
///   off.
/// - [`Error::InvalidInput`](crate::Error::InvalidInput) if the title of a file is empty.
/// - [`Error::Conflict`](crate::Error::Conflict) if two files have the same title.
/// - [`Error::Conflict`](crate::Error::Conflict) if a tag exists with another digest, and
///   [`PushOptions::if_absent`] is set.
/// - [`Error::PathTraversal`](crate::Error::PathTraversal) for a title that is absolute or leads
///   out of a directory, unless the options allow it.
/// - The errors of [`pack`](crate::ops::pack::pack).
/// - [`Error::Copy`](crate::Error::Copy) if the target refuses content.
///
/// The tag is set last: after an error it names what it named before.
pub fn push(
    target: &dyn Target,
    reference: Option<&str>,
    options: PushOptions<'_>,
) -> Result<RawManifest> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let mut builder = ArtifactBuilder::new(target, options.temporary, options.allow_path_traversal);
    #[cfg(feature = "archive")]
    builder.set_archive_times(options.archive_times);
    builder.set_preserve_mode(options.preserve_mode);
    if options.if_absent {
        builder.set_absent_tags(options.further_tags);
        if options.created.is_none() && !options.annotations.contains_key(CREATED) {
            require_absent(target, reference.as_slice(), None)?;
            builder.check_absent_tags(None)?;
        }
    }
    let annotations = &options.config_annotations;
    let config = match (options.config, options.platform) {
        (Some(file), _) => Some(builder.add_config(file, annotations)?),
        (None, Some(platform)) => Some(builder.add_platform_config(&platform, annotations)?),
        (None, None) => None,
    };
    let layers = builder.add_layers(options.files, options.streams)?;
    let manifest = PackOptions {
        image_spec: options.image_spec,
        artifact_type: options.artifact_type,
        config,
        config_annotations: options.config_annotations,
        layers,
        subject: None,
        annotations: options.annotations,
        observer: None,
    };
    builder.push(reference, manifest, options.created, options.force)
}
