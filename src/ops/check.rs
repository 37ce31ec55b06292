//! Comparison of files on disk with those of an artifact.

mod additional;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::archive::{PackOptions, Times, pack_named, pack_tar};
use crate::error::{Conflict, Error, Result};
use crate::oci::{CONTENT_DIGEST, Descriptor, Digest, HashingWriter, Platform};
use crate::ops::copy::Limits;
use crate::ops::filter::Filter;
use crate::ops::pull::{PullOptions, digest_file_name, find_files};
use crate::output_dir::{OutputDir, OutputOptions};
use crate::progress::{Event, Observer, Scope, report};
use crate::store::Source;
use crate::store::files::output::{has_content, is_unpacked};

use self::additional::find_additional;

/// Options of a check.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CheckOptions {
    /// The directory with the files. By default, and if empty, the current directory.
    pub directory: PathBuf,
    /// The platform of the manifest in an index. By default the files of all manifests are
    /// compared.
    pub platform: Option<Platform>,
    /// Compares the files of the subject too.
    pub include_subject: bool,
    /// Selects files of the artifact. Other files of the artifact are neither compared nor
    /// additional.
    pub filter: Filter,
    /// Compares layers without a title too, with files named after their digest: see
    /// [`PullOptions::unnamed`].
    pub unnamed: bool,
    /// Ignores files that are not in the artifact.
    pub ignore_additional: bool,
    /// Allows titles that lead out of the directory.
    pub allow_path_traversal: bool,
    /// The times to expect in archives of directories. Set it as it was set for the push.
    pub archive_times: Times,
    /// Bounds on the manifests of the artifact.
    pub limits: Limits,
    /// Receives the events of the check.
    pub observer: Option<Observer>,
}

/// The result of a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The manifest or index.
    pub root: Descriptor,
    /// The directory, as an absolute path.
    pub directory: PathBuf,
    /// The files and directories of the artifact, in the order of the layers.
    pub files: Vec<CheckedFile>,
    /// Absolute paths of files that are not in the artifact, sorted. A directory without a file of
    /// the artifact is one entry.
    pub additional: Vec<PathBuf>,
    /// The titles that the filter rejects.
    pub unselected: Vec<String>,
}

impl Checked {
    /// Whether every file was compared and is equal, and there are no additional files.
    pub fn is_equal(&self) -> bool {
        let is_equal = |file: &CheckedFile| file.state == FileState::Equal;
        self.additional.is_empty() && self.files.iter().all(is_equal)
    }
}

/// A file or directory of an artifact, compared with that on disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckedFile {
    /// The absolute path.
    pub path: PathBuf,
    /// The descriptor of the content.
    pub descriptor: Descriptor,
    /// The result of the comparison.
    pub state: FileState,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// The content is equal.
    Equal,
    /// There is no entry with the name.
    Missing,
    /// The entry has another kind: a directory in place of a file, for example.
    OtherKind,
    /// The file has this size in bytes instead of that of the artifact.
    OtherSize(u64),
    /// The file has other content of the same size.
    OtherContent,
    /// The directory has other files, or files with other content, permissions or times.
    OtherTree,
    /// The artifact records no digest that the directory can be compared with.
    Unknown,
}

/// Compares the files in a directory with those of the artifact that `reference` names. Reads
/// manifests only from the source.
///
/// Files are compared by size and digest. A directory is packed again in memory, and the digest of
/// its archive is compared with the one that push records, before compression. So permissions and
/// times count too. Archives of other tools than ORAS can seldom be compared: see
/// [`FileState::Unknown`].
///
/// ```
/// use oras::check::{CheckOptions, check};
/// use oras::push::{PushFile, PushOptions, push};
/// use oras::store::memory::MemoryStore;
///
/// # let directory = std::env::temp_dir().join(format!("oras-doc-check-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # std::fs::write(directory.join("hello.txt"), "hello").unwrap();
/// let store = MemoryStore::new();
/// let mut options = PushOptions::default();
/// options.files = vec![PushFile::bytes("hello.txt", "hello")];
/// options.artifact_type = Some("application/vnd.example".into());
/// push(&store, Some("v1"), options)?;
///
/// let mut options = CheckOptions::default();
/// options.directory = directory.clone();
/// assert!(check(&store, "v1", options)?.is_equal());
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Errors
///
/// - [`Error::NotFound`] if the reference does not exist.
/// - [`Error::PathTraversal`] and [`Error::Conflict`] for titles that a pull would refuse.
/// - [`Error::Io`] naming the directory if it does not exist, or a file that cannot be read.
pub fn check(source: &dyn Source, reference: &str, options: CheckOptions) -> Result<Checked> {
    let _scope = Scope::of_verb(options.observer.as_ref());
    let directory = OutputDir::open_existing(
        Some(options.directory.as_path())
            .filter(|path| !path.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
        OutputOptions {
            keep_old_files: false,
            allow_traversal: options.allow_path_traversal,
        },
    )?;
    let found = find_files(
        source,
        reference,
        PullOptions {
            platform: options.platform,
            include_subject: options.include_subject,
            filter: options.filter,
            unnamed: options.unnamed,
            limits: options.limits,
            ..PullOptions::default()
        },
    )?;
    let mut compared: HashMap<PathBuf, Digest> = HashMap::new();
    let mut files = Vec::with_capacity(found.files.len());
    for file in found.files {
        let descriptor = file.descriptor;
        let name = digest_file_name(&descriptor.digest);
        let title = descriptor.title().unwrap_or(&name);
        let path = directory.path_of(title);
        match compared.insert(path.clone(), descriptor.digest.clone()) {
            None => {}
            // Two manifests refer to the same file.
            Some(digest) if digest == descriptor.digest => continue,
            Some(_) => return Err(Error::conflict(title, Conflict::DuplicateName)),
        }
        report(&Event::Preparing(title))?;
        let state = compare(&directory, title, &path, &descriptor, options.archive_times)?;
        report(&Event::Prepared(title))?;
        files.push(CheckedFile {
            path,
            descriptor,
            state,
        });
    }
    let path = directory.path_of("");
    let mut additional = Vec::new();
    if !options.ignore_additional {
        // The comparison of an archive covers all that is in the directory.
        let is_tree = |file: &&CheckedFile| is_unpacked(&file.descriptor);
        let trees = files.iter().filter(is_tree);
        let trees = trees.map(|file| file.path.clone()).collect();
        let unselected = found.unselected.iter();
        let unselected = unselected.map(|title| directory.path_of(title));
        let known = compared.into_keys().chain(unselected).collect();
        additional = find_additional(&path, &known, &trees)?;
    }
    Ok(Checked {
        root: found.root,
        directory: path,
        files,
        additional,
        unselected: found.unselected,
    })
}

/// Compares a file or directory with content.
fn compare(
    directory: &OutputDir,
    title: &str,
    path: &Path,
    content: &Descriptor,
    times: Times,
) -> Result<FileState> {
    // An untitled directory is a file with its archive: its name is not known.
    let is_directory = is_unpacked(content) && content.title().is_some();
    let found = directory.find(title)?.map(|found| Found {
        is_file: found.is_file(),
        is_directory: found.is_dir(),
        size: found.len(),
    });
    if let Some(state) = state_without_content(found, is_directory, content.size) {
        return Ok(state);
    }
    if is_directory {
        return compare_tree(path, title, content, times);
    }
    let file = directory.read_file(title)?;
    Ok(if has_content(&file, title, content)? {
        FileState::Equal
    } else {
        FileState::OtherContent
    })
}

/// An existing entry, as far as the directory describes it.
#[derive(Clone, Copy)]
struct Found {
    is_file: bool,
    is_directory: bool,
    size: u64,
}

/// The result of a comparison for which no content need be read. Symbolic links are neither files
/// nor directories.
fn state_without_content(
    found: Option<Found>,
    wants_directory: bool,
    wanted_size: u64,
) -> Option<FileState> {
    match found {
        None => Some(FileState::Missing),
        Some(found) if wants_directory => (!found.is_directory).then_some(FileState::OtherKind),
        Some(found) if !found.is_file => Some(FileState::OtherKind),
        Some(found) if found.size != wanted_size => Some(FileState::OtherSize(found.size)),
        Some(_) => None,
    }
}

/// Compares the archive that the directory would become with the one of the artifact.
fn compare_tree(path: &Path, title: &str, content: &Descriptor, times: Times) -> Result<FileState> {
    let options = PackOptions { times };
    let annotated = content.annotations.get(CONTENT_DIGEST);
    let annotated = annotated.and_then(|digest| digest.parse::<Digest>().ok());
    if let Some(annotated) = annotated
        && annotated.algorithm() == Digest::of(b"").algorithm()
    {
        let (_, tar) = pack_tar(path, title, title, &options, io::sink())?;
        return Ok(if tar == annotated {
            FileState::Equal
        } else {
            FileState::OtherTree
        });
    }
    let mut archive = HashingWriter::new(io::sink());
    let tar = pack_named(path, title, title, &options, &mut archive)?;
    let (_, compressed, _) = archive.finish();
    // Other compressors make other bytes of the same archive.
    Ok(if [tar, compressed].contains(&content.digest) {
        FileState::Equal
    } else {
        FileState::Unknown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_size_decide_without_reading() {
        let entry = |is_file, is_directory, size| {
            Some(Found {
                is_file,
                is_directory,
                size,
            })
        };
        for (found, wants_directory, wanted) in [
            (None, false, Some(FileState::Missing)),
            (None, true, Some(FileState::Missing)),
            (entry(true, false, 5), false, None),
            (entry(true, false, 4), false, Some(FileState::OtherSize(4))),
            (entry(false, true, 5), false, Some(FileState::OtherKind)),
            (entry(false, false, 5), false, Some(FileState::OtherKind)),
            (entry(true, false, 5), true, Some(FileState::OtherKind)),
            (entry(false, false, 5), true, Some(FileState::OtherKind)),
            (entry(false, true, 4096), true, None),
        ] {
            assert_eq!(state_without_content(found, wants_directory, 5), wanted);
        }
    }
}
