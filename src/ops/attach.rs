//! Attaching files and annotations to an artifact: resolve it, pack what names it as its subject, copy that.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::limits::MAX_MANIFEST_BYTES;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::RawManifest;
use crate::oci::media_type::MediaType;
use crate::oci::platform::Platform;
use crate::ops::graph::{refuse_blob, select_platform};
use crate::ops::pack::{ImageSpec, PackOptions};
use crate::ops::push::{Gathered, PushFile, PushStream};
use crate::store::Target;
use crate::store::progress::{Event, Observer, Reporter};
use crate::text::json::Annotations;

/// What is attached, and to what.
#[derive(Default)]
pub struct AttachOptions<'a> {
    /// The files, in the order of the layers. There may be none if there are annotations.
    pub files: Vec<PushFile>,
    /// Layers that come as streams, read after all files.
    pub streams: Vec<PushStream<'a>>,
    /// The type of what is attached. Only a config with a type of its own can stand in for it.
    pub artifact_type: Option<MediaType>,
    /// Which manifest of an index is attached to. Without it the index itself is.
    pub platform: Option<Platform>,
    /// A file that becomes the config. Its media type is by default `application/vnd.unknown.config.v1+json`.
    pub config: Option<PushFile>,
    /// What is said about the whole.
    pub annotations: Annotations,
    /// What is said about the config.
    pub config_annotations: Annotations,
    /// When it was made; now, if not given. The annotation `org.opencontainers.image.created` has precedence.
    pub created: Option<SystemTime>,
    /// Where archives of directories are made, and what a stream brings is kept if the target must know it beforehand; by default the system's directory for temporary files.
    pub temporary: Option<PathBuf>,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

/// What was attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// What it is attached to, as its manifest says.
    pub subject: Descriptor,
    /// The manifest of what was attached.
    pub manifest: RawManifest,
}

/// Attaches files, annotations or both to what `reference` names in `target`. It gets no name of its own: it is found
/// through its subject, by [`discover`](crate::ops::discover::discover), and by its digest.
///
/// The subject is named by media type, digest and size. Of an index's entry for a platform, what the index says about it
/// is kept besides.
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
/// push(&layout, Some("v1"), PushOptions { artifact_type, ..PushOptions::default() })?;
///
/// let options = AttachOptions {
///     artifact_type: Some("application/vnd.example.review".into()),
///     annotations: [("reviewed-by".to_owned(), "alice".to_owned())].into(),
///     ..AttachOptions::default()
/// };
/// let attached = attach(&layout, "v1", options)?;
/// println!("{} is attached to {}", attached.manifest.descriptor().digest, attached.subject.digest);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotFound`] when nothing has that name or is for the platform, [`Error::Unsupported`] when what has it is no
/// manifest, [`Error::InvalidInput`] when there is nothing to attach, and those of [`push`](crate::ops::push::push).
pub fn attach(
    target: &dyn Target,
    reference: &str,
    options: AttachOptions<'_>,
) -> Result<Attached> {
    let AttachOptions {
        files,
        streams,
        artifact_type,
        platform,
        config,
        annotations,
        config_annotations,
        created,
        temporary,
        observer,
    } = options;
    if files.is_empty() && streams.is_empty() && annotations.is_empty() {
        return Err(Error::invalid_option(
            "attachment",
            "there are neither files nor annotations",
        ));
    }
    let subject = find_subject(target, reference, platform.as_ref())
        .map_err(|error| error.context(format!("failed to resolve {reference}")))?;
    let mut existed: Option<Digest> = None;
    let mut reporter = Reporter::new(observer);
    let mut watch_existing = |event: Event<'_>| {
        if let Event::Exists(node) = event {
            existed = Some(node.digest.clone());
        }
        reporter.report(event)
    };
    let mut reporter = Reporter::new(Some(&mut watch_existing));
    let mut gathered = Gathered::new(temporary);
    let layers = gathered.add_layers(files, streams, target, &mut reporter)?;
    let config = match config {
        Some(file) => Some(gathered.add_config(file, &config_annotations, &mut reporter)?),
        None => None,
    };
    let options = PackOptions {
        image_spec: ImageSpec::V1_1,
        artifact_type,
        config,
        config_annotations,
        layers,
        subject: Some(subject.clone()),
        annotations,
    };
    let manifest = gathered.pack_and_copy(target, None, options, created, false, &mut reporter)?;
    let descriptor = manifest.descriptor();
    if existed.as_ref() == Some(&descriptor.digest) {
        // It was attached before, and may have been lost from the list of what is attached, or never have come into it.
        target.push(descriptor, &mut manifest.bytes())?;
    }
    Ok(Attached { subject, manifest })
}

/// What is attached to. The names and annotations that a layout keeps with a tag are none of its own.
fn find_subject(
    target: &dyn Target,
    reference: &str,
    platform: Option<&Platform>,
) -> Result<Descriptor> {
    let subject = match platform {
        None => target.resolve(reference)?.plain(),
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
    refuse_blob(&subject)?;
    Ok(subject)
}
