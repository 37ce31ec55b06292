//! Pushing files as an artifact: pack, then copy.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::clock::{Clock as _, SystemClock};
use crate::copy::{self, CopyOptions, RootState, copy_graph};
use crate::descriptor::{CREATED, Descriptor, TITLE};
use crate::error::{Error, Result};
use crate::file_store::FileStore;
use crate::json::Annotations;
use crate::manifest::RawManifest;
use crate::media_type::MediaType;
use crate::pack::{ImageSpec, PackOptions, pack, platform_config};
use crate::platform::Platform;
use crate::store::Target;

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

/// What happens during a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The file with this title is about to be read.
    Preparing(&'a str),
    /// A file is being read, to be described, or a directory, to be packed.
    Reading {
        /// Its title, or the path of a config, which has none.
        name: &'a str,
        /// How many bytes were read so far.
        done: u64,
        /// How many there are. Of a directory that is not known.
        total: Option<u64>,
    },
    /// What has this name was read.
    Prepared(&'a str),
    /// There are no files.
    Empty,
    /// The artifact is packed and on its way.
    Copy(copy::Event<'a>),
}

/// What is told about a push. An error stops it.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> Result<()> + 'a;

/// How files are pushed.
#[derive(Default)]
pub struct PushOptions<'a> {
    /// The files, in the order of the layers.
    pub files: Vec<PushFile>,
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
    /// Where archives of directories are made; by default the system's directory for temporary files.
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
/// [`Error::Io`] when a file cannot be read, [`Error::DuplicateName`], those of [`pack`], and
/// [`Error::Copy`] when the target refuses. A target that is there stays as it was: the name moves last.
pub fn push(
    target: &dyn Target,
    reference: Option<&str>,
    options: PushOptions<'_>,
) -> Result<RawManifest> {
    let PushOptions {
        files,
        artifact_type,
        config,
        platform,
        image_spec,
        annotations,
        config_annotations,
        created,
        temporary,
        force,
        mut observer,
    } = options;
    let mut tell = |event: Event<'_>| match observer.as_deref_mut() {
        Some(observer) => observer(event),
        None => Ok(()),
    };
    let store = file_store(temporary);
    let config = match (config, platform) {
        (Some(file), _) => Some(add_config(&store, file, &config_annotations, &mut tell)?),
        (None, Some(platform)) => {
            let (mut config, bytes) = platform_config(&platform);
            config.annotations.clone_from(&config_annotations);
            store.push(&config, &mut bytes.as_slice())?;
            Some(config)
        }
        (None, None) => None,
    };
    let layers = add_files(&store, files, &mut tell)?;
    let options = PackOptions {
        image_spec,
        artifact_type,
        config,
        config_annotations,
        layers,
        subject: None,
        annotations,
    };
    pack_and_copy(
        &store, target, reference, options, created, force, &mut tell,
    )
}

/// Where files are gathered that are pushed together.
pub(crate) fn file_store(temporary: Option<PathBuf>) -> FileStore {
    FileStore::new(temporary.unwrap_or_else(system_temporary))
}

/// Adds files to a store and describes them, as layers.
pub(crate) fn add_files(
    store: &FileStore,
    files: Vec<PushFile>,
    tell: &mut Observer<'_>,
) -> Result<Vec<Descriptor>> {
    if files.is_empty() {
        tell(Event::Empty)?;
    }
    let mut layers = Vec::with_capacity(files.len());
    for file in files {
        let title = match file.annotations.get(TITLE) {
            Some(title) => title.clone(),
            None => title_of(&file.path)?,
        };
        tell(Event::Preparing(&title))?;
        let mut watch = |done, total| {
            tell(Event::Reading {
                name: &title,
                done,
                total,
            })
        };
        let mut layer = store.add_watched(&title, file.media_type, &file.path, &mut watch)?;
        tell(Event::Prepared(&title))?;
        layer.annotations.extend(file.annotations);
        layers.push(layer);
    }
    Ok(layers)
}

/// Makes a manifest of what is in a store, and copies it with all it refers to but its subject.
pub(crate) fn pack_and_copy(
    store: &FileStore,
    target: &dyn Target,
    reference: Option<&str>,
    options: PackOptions,
    created: Option<SystemTime>,
    force: bool,
    tell: &mut Observer<'_>,
) -> Result<RawManifest> {
    // A manifest that says when it was made, and was made just now, is nowhere yet.
    let is_new = !options.annotations.contains_key(CREATED) && created.is_none();
    let has_subject = options.subject.is_some();
    let manifest = pack(store, options, created.unwrap_or_else(|| SystemClock.now()))?;
    let root = manifest.descriptor();
    let mut observer = |event: copy::Event<'_>| tell(Event::Copy(event));
    let mut chooser = |node: &RawManifest, mut successors: Vec<Descriptor>| {
        if has_subject && node.descriptor().digest == root.digest {
            // The subject comes first, and is where it is attached to.
            successors.remove(0);
        }
        Ok(successors)
    };
    let mut options = CopyOptions {
        observer: Some(&mut observer),
        chooser: Some(&mut chooser),
        root: if is_new {
            RootState::New
        } else {
            RootState::Unknown
        },
        force,
        ..CopyOptions::default()
    };
    copy_graph(store, target, root, reference, &mut options)?;
    Ok(manifest)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the default of an option that every caller may set"
)]
fn system_temporary() -> PathBuf {
    std::env::temp_dir()
}

/// A config has no title: it is no file that is pulled.
pub(crate) fn add_config(
    store: &FileStore,
    file: PushFile,
    annotations: &Annotations,
    tell: &mut Observer<'_>,
) -> Result<Descriptor> {
    let media_type = file.media_type.unwrap_or(MediaType::UNKNOWN_CONFIG);
    let name = file.path.to_string_lossy();
    let mut watch = |done, total| {
        tell(Event::Reading {
            name: &name,
            done,
            total,
        })
    };
    let mut config = store.add_watched("$config", Some(media_type), &file.path, &mut watch)?;
    tell(Event::Prepared(&name))?;
    config.annotations = annotations.clone();
    Ok(config)
}

/// The title of the file at `path`: the path itself, cleaned of `.`, `..` where something stands before it, and doubled or
/// trailing separators.
///
/// # Errors
///
/// [`Error::InvalidOption`] when the path is not Unicode, which a title must be.
pub fn title_of(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| Error::InvalidOption {
        what: "file name",
        reason: format!(
            "\"{}\" is not Unicode, and cannot be the name of a file in an artifact",
            path.display()
        ),
    })?;
    Ok(crate::lexical::clean(Path::new(text))
        .to_string_lossy()
        .into_owned())
}
