//! Pulling of the files of an artifact.

use std::collections::HashSet;
#[cfg(feature = "archive")]
use std::path::Path;
use std::path::PathBuf;

use super::selector::{FileSelector, Pulled};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, MediaType, Platform, RawManifest};
use crate::ops::copy::{CopyOptions, Limits, copy_graph_reporting};
use crate::ops::filter::Filter;
use crate::ops::graph::ResolvedSource;
#[cfg(feature = "archive")]
use crate::output_dir::{OutputDir, OutputOptions};
use crate::progress::{self, Event, Observer, Scope};
use crate::store::{Fetched, FileStore, ObservedContent, ReportStart, Source, Target as _};

#[cfg(feature = "archive")]
pub use crate::archive::Limits as ArchiveLimits;

/// Options of a pull.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PullOptions {
    /// The directory to write to, created if it does not exist. By default, and if empty, the
    /// current directory.
    pub output: PathBuf,
    /// The platform of the manifest in an index to pull. By default all manifests are pulled.
    pub platform: Option<Platform>,
    /// Makes an existing file an error, whatever its content. By default it is overwritten, unless
    /// it has the content.
    pub keep_old_files: bool,
    /// Allows titles that lead out of the output directory. Use only with trusted artifacts.
    pub allow_path_traversal: bool,
    /// Pulls the subject of the artifact too.
    pub include_subject: bool,
    /// Selects files. Other files are not downloaded. A manifest that the filter rejects is still
    /// searched for files.
    pub filter: Filter,
    /// Pulls layers without a title too, to files named after their digest: `sha256-…`, because not
    /// every file system allows a colon in names. An archive of a directory is not unpacked then.
    /// Does not apply to configs.
    pub unnamed: bool,
    /// Writes the config to a file with this title, if it has this media type.
    pub config: Option<(String, Option<MediaType>)>,
    /// Bounds on the manifests of the artifact.
    pub limits: Limits,
    /// Limits for unpacking directories.
    #[cfg(feature = "archive")]
    pub archive_limits: ArchiveLimits,
    /// Receives the events of the pull.
    pub observer: Option<Observer>,
}

/// The files of an artifact that a pull would write.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The manifest or index.
    pub root: Descriptor,
    /// The files and directories, each content once, in the order of the layers.
    pub files: Vec<Descriptor>,
    /// The titles that the filter rejects.
    pub unselected: Vec<String>,
    /// Descriptions of content with a title that was skipped.
    pub left_out: Vec<String>,
}

/// Writes the files of the artifact that `reference` names to a directory.
///
/// A file appears under its final name, or replaces an existing file, when it is complete and
/// verified. A file that exists with the content is not downloaded and stays as it is, with its
/// times: see [`PulledFile::is_reused`](super::PulledFile::is_reused). Directories are always
/// downloaded.
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
/// # let artifact_type = Some("a/b".into());
/// # let mut options = PushOptions::default();
///  options.files = vec![hello];
///  options.artifact_type = artifact_type;
/// # push(&LayoutStore::create_or_open(&layout_path)?, Some("v1"), options)?;
/// let layout = LayoutStore::open(&layout_path)?;
/// let mut options = PullOptions::default();
/// options.output = output.clone();
/// let pulled = pull(&layout, "v1", options)?;
/// assert_eq!(std::fs::read(output.join("hello.txt")).unwrap(), b"hello world\n");
/// # assert_eq!(pulled.files.len(), 1);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Verification`], [`Error::PathTraversal`], [`Error::Conflict`],
/// [`Error::Io`]. Files that were completed before the error stay.
#[cfg(feature = "archive")]
pub fn pull(source: &dyn Source, reference: &str, options: PullOptions) -> Result<Pulled> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let source = resolve(source, reference, &options)?;
    pull_resolved(&source, open_output(&options)?, options)
}

/// Opens the output directory.
#[cfg(feature = "archive")]
pub(super) fn open_output(options: &PullOptions) -> Result<OutputDir> {
    OutputDir::open(
        Some(options.output.as_path())
            .filter(|path| !path.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
        OutputOptions {
            keep_old_files: options.keep_old_files,
            allow_traversal: options.allow_path_traversal,
        },
    )
}

/// Same as [`pull`], for an artifact that was resolved, and an open output directory.
#[cfg(feature = "archive")]
pub(super) fn pull_resolved(
    source: &ResolvedSource<'_>,
    output: OutputDir,
    options: PullOptions,
) -> Result<Pulled> {
    let store = FileStore::writing_to(output, options.archive_limits.clone());
    copy_files(source, store, options)
}

/// Lists the files that [`pull`] would write. Reads manifests only; [`Source::fetch`] reads a
/// listed file.
///
/// ```
/// use oras::store::memory::MemoryStore;
/// use oras::pull::{PullOptions, list};
/// use oras::push::{PushOptions, PushStream, push};
/// use oras::store::Source;
///
/// let store = MemoryStore::new();
/// let hello = PushStream::new("hello.txt", &b"hello"[..]);
/// let artifact_type = Some("a/b".into());
/// let mut options = PushOptions::default();
/// options.streams = vec![hello];
/// options.artifact_type = artifact_type;
/// push(&store, Some("v1"), options)?;
///
/// let listed = list(&store, "v1", PullOptions::default())?;
/// let file = &listed.files[0];
/// assert_eq!(file.title(), Some("hello.txt"));
/// assert_eq!(store.fetch(file)?.read_all(5)?, b"hello");
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// Same as [`pull`], without those of writing files. The output directory is not used.
pub fn list(source: &dyn Source, reference: &str, options: PullOptions) -> Result<Listed> {
    let pulled = find_files(source, reference, options)?;
    let mut seen = HashSet::new();
    let files = pulled.files.into_iter().map(|file| file.descriptor);
    Ok(Listed {
        root: pulled.root,
        files: files
            .filter(|file| seen.insert(file.digest.clone()))
            .collect(),
        unselected: pulled.unselected,
        left_out: pulled.left_out,
    })
}

/// Returns what [`pull`] would write, each file with its title as the path.
pub(crate) fn find_files(
    source: &dyn Source,
    reference: &str,
    options: PullOptions,
) -> Result<Pulled> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let source = resolve(source, reference, &options)?;
    copy_files(&source, FileStore::new(""), options)
}

/// Resolves the artifact.
fn resolve<'s>(
    source: &'s dyn Source,
    reference: &str,
    options: &PullOptions,
) -> Result<ResolvedSource<'s>> {
    let limit = options.limits.max_manifest_bytes;
    let source = ResolvedSource::new(source, reference, options.platform.as_ref(), limit)?;
    let root = source.root();
    if root.media_type.is_manifest() {
        return Ok(source);
    }
    Err(Error::unsupported(format!(
        "pulling {}, which is \"{}\" and no manifest",
        root.digest, root.media_type
    )))
}

/// Copies the selected files of an artifact to `store`. If it does not write files, they are only
/// listed.
fn copy_files(
    source: &ResolvedSource<'_>,
    store: FileStore,
    options: PullOptions,
) -> Result<Pulled> {
    let root = source.root().clone();
    let store = store.max_untitled_bytes(options.limits.max_manifest_bytes);
    let mut selector = FileSelector {
        store: &store,
        include_subject: options.include_subject,
        filter: options.filter,
        unnamed: options.unnamed,
        config: options.config,
        digest_named: HashSet::new(),
        subject: None,
        pulled: Pulled {
            root: root.clone(),
            files: Vec::new(),
            skipped_unnamed: false,
            unselected: Vec::new(),
            left_out: Vec::new(),
        },
    };
    let mut find_successors = |manifest: &RawManifest, successors: Vec<Descriptor>| {
        // A manifest can have many: they are not held twice.
        drop(successors);
        selector.select(manifest)
    };
    let mut reported = HashSet::new();
    copy_graph_reporting(
        source,
        &store,
        &root,
        None,
        &mut CopyOptions {
            find_successors: Some(&mut find_successors),
            limits: options.limits,
            ..CopyOptions::default()
        },
        &mut |event| report(event, source, &store, &mut reported),
    )?;
    let mut pulled = selector.pulled;
    pulled.left_out.extend(store.take_skipped_entries());
    for file in &mut pulled.files {
        file.is_reused = store.is_reused(&file.path, &file.descriptor.digest);
    }
    Ok(pulled)
}

/// Reports the events of a copy that are events of a pull, and writes repeated content to its
/// further files. Content is `reported` once for each digest and title.
fn report(
    event: &Event<'_>,
    source: &dyn Source,
    store: &FileStore,
    reported: &mut HashSet<(Digest, Option<String>)>,
) -> Result<()> {
    let mut is_new = |node: &Descriptor| {
        let title = node.title().map(str::to_owned);
        reported.insert((node.digest.clone(), title))
    };
    match *event {
        // Manifests stay in memory.
        Event::Started(node)
        | Event::Transferring {
            descriptor: node, ..
        } if node.media_type.is_manifest() => Ok(()),
        Event::FetchingManifest(_)
        | Event::FetchedManifest(_)
        | Event::Started(_)
        | Event::Totals(_)
        | Event::Transferring { .. } => progress::report(event),
        Event::Transferred(node) => {
            is_new(node);
            progress::report(event)
        }
        Event::Skipped(node) if is_new(node) => progress::report(event),
        Event::Exists(node) | Event::Repeated(node) => {
            let Some(title) = node.title().filter(|_| is_new(node)) else {
                return Ok(());
            };
            if store.is_reused(&store.path_of(title), &node.digest) || store.reuse(node)? {
                return progress::report(&Event::Exists(node));
            }
            if matches!(event, Event::Repeated(_)) {
                restore(node, source, store)?;
                return progress::report(&Event::Restored(node));
            }
            // The same bytes with another media type: the original downloads them again.
            progress::report(&Event::Started(node))?;
            restore(node, source, store)?;
            progress::report(&Event::Transferred(node))
        }
        _ => Ok(()),
    }
}

/// Writes content that was downloaded before to a further file.
fn restore(node: &Descriptor, source: &dyn Source, store: &FileStore) -> Result<()> {
    if !store.restore(node)? {
        // An unpacked directory no longer has the bytes of its archive: fetch them again.
        let mut content = ObservedContent {
            content: &mut Fetched::new(source, node),
            descriptor: node,
            report: &mut progress::report,
            report_start: ReportStart::Never,
        };
        store.push(node, &mut content)?;
    }
    Ok(())
}
