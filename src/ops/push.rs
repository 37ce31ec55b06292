//! Pushing files as an artifact: pack, then copy.
//!
//! What comes as a stream goes to the target while it is read, before that: only then its digest is known. Where the target
//! must know it first, it goes by way of a temporary file.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::http::clock::{Clock as _, SystemClock};
use crate::oci::descriptor::{CREATED, Descriptor, TITLE};
use crate::oci::manifest::RawManifest;
use crate::oci::media_type::MediaType;
use crate::oci::platform::Platform;
use crate::ops::copy::{CopyOptions, RootState, copy_graph};
use crate::ops::pack::{ImageSpec, PackOptions, pack, platform_config};
use crate::store::content::ProgressReader;
use crate::store::files::FileStore;
use crate::store::progress::{Event, Observer, Reporter};
use crate::store::{Pushed, Target};
use crate::text::json::Annotations;

/// A file or directory to push.
#[derive(Clone, Debug, Default)]
pub struct PushFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is; by default a layer, of a directory a compressed one.
    pub media_type: Option<MediaType>,
    /// What is said about it. The title is the cleaned path, unless it is among these.
    pub annotations: Annotations,
}

impl<P: AsRef<Path>> From<P> for PushFile {
    fn from(path: P) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            ..Self::default()
        }
    }
}

/// Content to push that is read as it is sent, once.
pub struct PushStream<'a> {
    /// Which of the layers it becomes, counted from 0. The files keep their order around it; beyond them it comes last.
    pub index: usize,
    /// Where it comes from.
    pub reader: Box<dyn Read + 'a>,
    /// What it is; by default a layer.
    pub media_type: Option<MediaType>,
    /// What is said about it. Without a title among these it is no file that is pulled.
    pub annotations: Annotations,
}

impl fmt::Debug for PushStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushStream")
            .field("index", &self.index)
            .field("media_type", &self.media_type)
            .field("annotations", &self.annotations)
            .finish_non_exhaustive()
    }
}

/// How files are pushed.
#[derive(Default)]
pub struct PushOptions<'a> {
    /// The files, in the order of the layers.
    pub files: Vec<PushFile>,
    /// Layers that come as streams, read after all files.
    pub streams: Vec<PushStream<'a>>,
    /// The type of the artifact.
    pub artifact_type: Option<MediaType>,
    /// A file that becomes the config. Its media type is by default `application/vnd.unknown.config.v1+json`.
    pub config: Option<PushFile>,
    /// The platform that the artifact is for; it is said by a config made for that.
    pub platform: Option<Platform>,
    /// The version of the image spec. Version 1.0 takes either a config or an artifact type.
    pub image_spec: ImageSpec,
    /// What is said about the whole.
    pub annotations: Annotations,
    /// What is said about the config.
    pub config_annotations: Annotations,
    /// When the artifact was made; now, if not given. The annotation `org.opencontainers.image.created` has precedence.
    pub created: Option<SystemTime>,
    /// Where archives of directories are made, and what a stream brings is kept if the target must know it beforehand; by default the system's directory for temporary files.
    pub temporary: Option<PathBuf>,
    /// Manifests count as absent at the target: see [`CopyOptions::force`].
    pub force: bool,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

/// Pushes files as an artifact and names it `reference`; without that it can be found by its digest. Returns the manifest.
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
/// let options = PushOptions {
///     files: vec![file.into()],
///     artifact_type: Some("application/vnd.example".into()),
///     ..PushOptions::default()
/// };
/// let manifest = push(&layout, Some("v1"), options)?;
/// println!("{}", manifest.descriptor().digest);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Io`] when a file or a stream cannot be read, [`Error::Conflict`], those of [`pack`], and
/// [`Error::Copy`] when the target refuses. A target that is there stays as it was: the name moves last.
pub fn push(
    target: &dyn Target,
    reference: Option<&str>,
    options: PushOptions<'_>,
) -> Result<RawManifest> {
    let PushOptions {
        files,
        streams,
        artifact_type,
        config,
        platform,
        image_spec,
        annotations,
        config_annotations,
        created,
        temporary,
        force,
        observer,
    } = options;
    let mut reporter = Reporter::new(observer);
    let mut gathered = Gathered::new(temporary);
    let config = match (config, platform) {
        (Some(file), _) => Some(gathered.add_config(file, &config_annotations, &mut reporter)?),
        (None, Some(platform)) => {
            let (mut config, bytes) = platform_config(&platform);
            config.annotations.clone_from(&config_annotations);
            gathered.store.push(&config, &mut bytes.as_slice())?;
            Some(config)
        }
        (None, None) => None,
    };
    let layers = gathered.add_layers(files, streams, target, &mut reporter)?;
    let options = PackOptions {
        image_spec,
        artifact_type,
        config,
        config_annotations,
        layers,
        subject: None,
        annotations,
    };
    gathered.pack_and_copy(target, reference, options, created, force, &mut reporter)
}

/// What is pushed together.
pub(crate) struct Gathered {
    store: FileStore,
    /// Layers that the target has already.
    sent: Vec<Descriptor>,
}

impl Gathered {
    /// Nothing yet. Temporary files are made in `temporary`, by default where the system has them.
    pub(crate) fn new(temporary: Option<PathBuf>) -> Self {
        Self {
            store: FileStore::new(temporary.unwrap_or_else(system_temporary)),
            sent: Vec::new(),
        }
    }

    /// Adds files and what comes as streams, and describes them as layers. The streams go to the target if it takes them.
    pub(crate) fn add_layers(
        &mut self,
        files: Vec<PushFile>,
        mut streams: Vec<PushStream<'_>>,
        target: &dyn Target,
        reporter: &mut Reporter<'_>,
    ) -> Result<Vec<Descriptor>> {
        if files.is_empty() && streams.is_empty() {
            reporter.report(Event::NoFiles)?;
        }
        let mut layers = Vec::with_capacity(files.len() + streams.len());
        for file in files {
            let title = match file.annotations.get(TITLE) {
                Some(title) => title.clone(),
                None => title_of(&file.path)?,
            };
            reporter.report(Event::Preparing(&title))?;
            let mut watch = |done, total| {
                reporter.report(Event::Reading {
                    name: &title,
                    done,
                    total,
                })
            };
            let mut layer =
                self.store
                    .add_with_progress(&title, file.media_type, &file.path, &mut watch)?;
            reporter.report(Event::Prepared(&title))?;
            layer.annotations.extend(file.annotations);
            layers.push(layer);
        }
        // Whatever is wrong is found out before anything is read that cannot be read again.
        for title in streams.iter().filter_map(title) {
            self.store.reserve_title(title)?;
        }
        streams.sort_by_key(|stream| stream.index);
        for stream in streams {
            let index = stream.index.min(layers.len());
            layers.insert(index, self.add_stream(stream, target, reporter)?);
        }
        Ok(layers)
    }

    fn add_stream(
        &mut self,
        mut stream: PushStream<'_>,
        target: &dyn Target,
        reporter: &mut Reporter<'_>,
    ) -> Result<Descriptor> {
        let name = title(&stream).unwrap_or("-").to_owned();
        reporter.report(Event::Preparing(&name))?;
        let mut report = |done| {
            reporter.report(Event::Reading {
                name: &name,
                done,
                total: None,
            })
        };
        let mut reader = ProgressReader::new(&mut *stream.reader, &mut report);
        let media_type = stream.media_type.unwrap_or(MediaType::LAYER);
        let sent = if media_type.is_manifest() {
            None
        } else {
            target.push_stream(&media_type, &mut reader)?
        };
        let Some((mut layer, pushed)) = sent else {
            let mut layer = self.store.add_stream(media_type, &mut reader)?;
            reporter.report(Event::Prepared(&name))?;
            layer.annotations = stream.annotations;
            return Ok(layer);
        };
        reporter.report(Event::Prepared(&name))?;
        layer.annotations = stream.annotations;
        reporter.report(match pushed {
            Pushed::Stored => Event::Transferred(&layer),
            Pushed::AlreadyThere => Event::Exists(&layer),
        })?;
        self.sent.push(layer.clone());
        Ok(layer)
    }

    /// Adds the config, and describes it. It has no title: it is no file that is pulled.
    pub(crate) fn add_config(
        &self,
        file: PushFile,
        annotations: &Annotations,
        reporter: &mut Reporter<'_>,
    ) -> Result<Descriptor> {
        let media_type = file.media_type.unwrap_or(MediaType::UNKNOWN_CONFIG);
        let name = file.path.to_string_lossy();
        let mut watch = |done, total| {
            reporter.report(Event::Reading {
                name: &name,
                done,
                total,
            })
        };
        let mut config =
            self.store
                .add_with_progress("$config", Some(media_type), &file.path, &mut watch)?;
        reporter.report(Event::Prepared(&name))?;
        config.annotations = annotations.clone();
        Ok(config)
    }

    /// Makes a manifest of what was gathered, and copies it with all it refers to but its subject.
    pub(crate) fn pack_and_copy(
        &self,
        target: &dyn Target,
        reference: Option<&str>,
        options: PackOptions,
        created: Option<SystemTime>,
        force: bool,
        reporter: &mut Reporter<'_>,
    ) -> Result<RawManifest> {
        // A manifest that says when it was made, and was made just now, is nowhere yet.
        let is_new = !options.annotations.contains_key(CREATED) && created.is_none();
        let has_subject = options.subject.is_some();
        let created = created.unwrap_or_else(|| SystemClock.now());
        let manifest = pack(&self.store, options, created)?;
        let root = manifest.descriptor();
        let mut find_successors = |node: &RawManifest, mut successors: Vec<Descriptor>| {
            if has_subject && node.descriptor().digest == root.digest {
                // The subject comes first, and is where it is attached to.
                successors.remove(0);
            }
            successors.retain(|successor| !self.sent.contains(successor));
            Ok(successors.into())
        };
        let mut options = CopyOptions {
            observer: reporter.observer(),
            find_successors: Some(&mut find_successors),
            root: if is_new {
                RootState::New
            } else {
                RootState::Unknown
            },
            force,
            ..CopyOptions::default()
        };
        copy_graph(&self.store, target, root, reference, &mut options)?;
        Ok(manifest)
    }
}

fn title<'s>(stream: &'s PushStream<'_>) -> Option<&'s str> {
    stream.annotations.get(TITLE).map(String::as_str)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the default of an option that every caller may set"
)]
fn system_temporary() -> PathBuf {
    std::env::temp_dir()
}

/// The title of the file at `path`: the path itself, cleaned of `.`, `..` where something stands before it, and doubled or
/// trailing separators.
///
/// # Errors
///
/// [`Error::InvalidInput`] when the path is not Unicode, which a title must be.
pub fn title_of(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| {
        Error::invalid_option(
            "file name",
            format!(
                "\"{}\" is not Unicode, and cannot be the name of a file in an artifact",
                path.display()
            ),
        )
    })?;
    Ok(crate::fs::path_clean::clean(Path::new(text))
        .to_string_lossy()
        .into_owned())
}
