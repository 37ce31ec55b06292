//! Pulling the files of an artifact.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::content::{Content, VerifyReader, Watch};
use crate::copy::{self, CopyOptions, Limits, copy_graph};
use crate::descriptor::{Descriptor, TITLE};
use crate::error::{Error, Result};
use crate::file_store::FileStore;
use crate::graph::Resolved;
use crate::manifest::{Manifest, RawManifest};
use crate::media_type::MediaType;
use crate::output_dir::{OutputDir, OutputOptions};
use crate::platform::Platform;
use crate::store::{Fetched, Source, Target as _};

/// What happens during a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Content is about to be read.
    Downloading(&'a Descriptor),
    /// A manifest was read; what it refers to comes next.
    Processing(&'a Descriptor),
    /// Content is being read, and written, of which there are so many bytes so far.
    Progress(&'a Descriptor, u64),
    /// Content was written, or a manifest is done.
    Downloaded(&'a Descriptor),
    /// Content that was downloaded already was written under a further name.
    Restored(&'a Descriptor),
    /// Content has no name and was left out.
    Skipped(&'a Descriptor),
}

/// What is told about a pull. An error stops it.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> Result<()> + 'a;

/// How an artifact is pulled.
pub struct PullOptions<'a> {
    /// The directory to write to; made if it does not exist. By default, and if empty, the current directory.
    pub output: PathBuf,
    /// Which manifest of an index to pull. Without it all of them are.
    pub platform: Option<Platform>,
    /// Whether a file that exists is an error. By default it is overwritten.
    pub keep_old_files: bool,
    /// Whether titles may lead out of the output directory. Only for artifacts whose maker is trusted.
    pub allow_path_traversal: bool,
    /// Whether what the artifact is attached to is pulled too.
    pub include_subject: bool,
    /// Under which name to write the config, and only if it has this media type.
    pub config: Option<(String, Option<MediaType>)>,
    /// How much the artifact may be, apart from its files.
    pub limits: Limits,
    /// Is told what happens.
    pub observer: Option<&'a mut Observer<'a>>,
}

impl Default for PullOptions<'_> {
    fn default() -> Self {
        Self {
            output: PathBuf::from("."),
            platform: None,
            keep_old_files: false,
            allow_path_traversal: false,
            include_subject: false,
            config: None,
            limits: Limits::default(),
            observer: None,
        }
    }
}

/// What was pulled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pulled {
    /// The manifest or index.
    pub root: Descriptor,
    /// The files and directories that were written, in the order of the layers.
    pub files: Vec<PulledFile>,
    /// Whether something was left out because it has no name.
    pub skipped_unnamed: bool,
    /// What was left out although it has a name, in words: layers that registries do not distribute, and what in a directory
    /// is neither file, directory nor link.
    pub left_out: Vec<String>,
}

/// A file or directory that was pulled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PulledFile {
    /// Where it is; absolute.
    pub path: PathBuf,
    /// What it is.
    pub descriptor: Descriptor,
}

/// Writes the files of the artifact that `reference` names to a directory.
///
/// Every file is complete and verified before it gets its name, and an existing file is replaced only then.
///
/// ```
/// use oras::layout::LayoutStore;
/// use oras::pull::{PullOptions, pull};
/// # use oras::push::{PushOptions, push};
///
/// # let directory = std::env::temp_dir().join(format!("oras-doc-pull-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # let file = directory.join("hello.txt");
/// # std::fs::write(&file, "hello world\n").unwrap();
/// # let (layout_path, output) = (directory.join("layout"), directory.join("out"));
/// # let mut hello = oras::push::PushFile::from(file);
/// # hello.annotations.insert(oras::descriptor::TITLE.to_owned(), "hello.txt".to_owned());
/// # let options = PushOptions { files: vec![hello], artifact_type: Some("a/b".into()), ..PushOptions::default() };
/// # push(&LayoutStore::create_or_open(&layout_path)?, Some("v1"), options)?;
/// let layout = LayoutStore::open(&layout_path)?;
/// let options = PullOptions {
///     output: output.clone(),
///     ..PullOptions::default()
/// };
/// let pulled = pull(&layout, "v1", options)?;
/// assert_eq!(std::fs::read(output.join("hello.txt")).unwrap(), b"hello world\n");
/// # assert_eq!(pulled.files.len(), 1);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Verification`], [`Error::PathTraversal`], [`Error::DuplicateName`], [`Error::Overwrite`],
/// [`Error::Io`]. What was written before the failure stays; it is whole.
pub fn pull(source: &dyn Source, reference: &str, options: PullOptions<'_>) -> Result<Pulled> {
    let max_manifest_bytes = options.limits.max_manifest_bytes;
    let source = match &options.platform {
        None => Resolved::new(source, reference, max_manifest_bytes)?,
        Some(platform) => Resolved::for_platform(source, reference, platform, max_manifest_bytes)?,
    };
    let root = source.root().clone();
    if !root.media_type.is_manifest() {
        return Err(Error::unsupported(format!(
            "pulling {}, which is \"{}\" and no manifest",
            root.digest, root.media_type
        )));
    }
    let output = OutputDir::open(
        Some(options.output.as_path())
            .filter(|path| !path.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
        OutputOptions {
            keep_old_files: options.keep_old_files,
            allow_traversal: options.allow_path_traversal,
        },
    )?;
    let store = FileStore::writing_to(output).max_unnamed_bytes(max_manifest_bytes);
    let puller = RefCell::new(Puller {
        store: &store,
        include_subject: options.include_subject,
        config: options.config,
        observer: options.observer,
        files: Vec::new(),
        skipped_unnamed: false,
        left_out: Vec::new(),
    });
    let mut choose =
        |manifest: &RawManifest, _: Vec<Descriptor>| puller.borrow_mut().choose(manifest);
    let mut observe = |event: copy::Event<'_>| puller.borrow_mut().on(&source, event);
    copy_graph(
        &source,
        &store,
        &root,
        None,
        &mut CopyOptions {
            observer: Some(&mut observe),
            chooser: Some(&mut choose),
            limits: options.limits,
            ..CopyOptions::default()
        },
    )?;
    let Puller {
        files,
        skipped_unnamed,
        mut left_out,
        ..
    } = puller.into_inner();
    left_out.extend(store.left_out());
    Ok(Pulled {
        root,
        files,
        skipped_unnamed,
        left_out,
    })
}

/// Decides what is pulled, and keeps account of it.
struct Puller<'p, 'o> {
    store: &'p FileStore,
    include_subject: bool,
    config: Option<(String, Option<MediaType>)>,
    observer: Option<&'o mut Observer<'o>>,
    files: Vec<PulledFile>,
    skipped_unnamed: bool,
    left_out: Vec<String>,
}

impl Puller<'_, '_> {
    /// What is pulled of what a manifest refers to: what has a name, and manifests, which lead to it.
    fn choose(&mut self, manifest: &RawManifest) -> Result<Vec<Descriptor>> {
        let is_docker = manifest.descriptor().media_type.is_docker();
        let (subject, content, config) = match manifest.view()? {
            Manifest::Image(image) => (image.subject, image.layers, Some(image.config)),
            Manifest::Index(index) => (index.subject, index.manifests, None),
            Manifest::Artifact(artifact) => (artifact.subject, artifact.blobs, None),
        };
        let subject = subject.filter(|_| self.include_subject && !is_docker);
        let mut chosen = Vec::new();
        for node in subject.into_iter().chain(content) {
            if let Some(title) = node.title().filter(|_| !node.media_type.is_foreign_layer()) {
                self.files.push(PulledFile {
                    path: self.store.path_of(title),
                    descriptor: node.clone(),
                });
            }
            chosen.extend(self.named_or_manifest(node)?);
        }
        if let Some(config) = config {
            let renamed = self.with_asked_name(&config);
            let is_wanted = config.title().is_some()
                || renamed.is_none() && !config.is_same_bytes(&Descriptor::empty());
            chosen.extend(renamed);
            if is_wanted {
                chosen.extend(self.named_or_manifest(config)?);
            }
        }
        Ok(chosen)
    }

    /// Passes on what has a name. Of the rest manifests are followed, and everything else is reported as skipped.
    fn named_or_manifest(&mut self, node: Descriptor) -> Result<Option<Descriptor>> {
        match node.title() {
            Some(title) if node.media_type.is_foreign_layer() => {
                self.left_out.push(format!(
                    "{title} is a layer that registries do not distribute"
                ));
                self.tell(Event::Skipped(&node))?;
                return Ok(None);
            }
            Some(_) => return Ok(Some(node)),
            None => {}
        }
        if node.is_same_content(&Descriptor::empty()) {
            return Ok(None);
        }
        self.skipped_unnamed = true;
        if node.media_type.is_manifest() {
            return Ok(Some(node));
        }
        self.tell(Event::Skipped(&node))?;
        Ok(None)
    }

    /// The first config of the wanted type, under the name that was asked for.
    fn with_asked_name(&mut self, config: &Descriptor) -> Option<Descriptor> {
        let is_wanted = |(_, media_type): &mut (String, Option<MediaType>)| {
            media_type
                .as_ref()
                .is_none_or(|media_type| *media_type == config.media_type)
        };
        let (name, _) = self.config.take_if(is_wanted)?;
        let mut config = config.clone();
        config.annotations.insert(TITLE.to_owned(), name);
        Some(config)
    }

    fn on(&mut self, source: &dyn Source, event: copy::Event<'_>) -> Result<()> {
        match event {
            copy::Event::Examining(node) => self.tell(Event::Downloading(node)),
            copy::Event::Examined(node) => self.tell(Event::Processing(node)),
            copy::Event::Started(node) if !node.media_type.is_manifest() => {
                self.tell(Event::Downloading(node))
            }
            copy::Event::Progress(node, done) if !node.media_type.is_manifest() => {
                self.tell(Event::Progress(node, done))
            }
            copy::Event::Copied(node) => self.tell(Event::Downloaded(node)),
            copy::Event::Repeated(node) if node.title().is_some() => {
                if !self.store.restore(node)? {
                    self.fetch_again(source, node)?;
                }
                self.tell(Event::Restored(node))
            }
            _ => Ok(()),
        }
    }

    /// Writes content once more that is nowhere on the disk as what it came as.
    fn fetch_again(&mut self, source: &dyn Source, node: &Descriptor) -> Result<()> {
        let store = self.store;
        let mut content = Watched {
            content: Fetched::new(source, node),
            watch: &mut |done| self.tell(Event::Progress(node, done)),
        };
        store.push(node, &mut content).map(drop)
    }

    fn tell(&mut self, event: Event<'_>) -> Result<()> {
        match self.observer.as_deref_mut() {
            Some(observer) => observer(event),
            None => Ok(()),
        }
    }
}

/// Content that tells how far it was read, by those who have it verified.
struct Watched<'w, C> {
    content: C,
    watch: &'w mut Watch<'w>,
}

impl<C: Content> Content for Watched<'_, C> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        self.content.open()
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        let reader = self.content.open_verified(expected)?;
        Ok(reader.watched(&mut *self.watch))
    }

    fn is_spent(&self) -> bool {
        self.content.is_spent()
    }
}
