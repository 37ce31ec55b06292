//! The symbolic links that an archive may contain. The decision is made before a link is created,
//! and later entries cannot invalidate it.

use std::path::{Component, Path};

use cap_std::fs::{Dir, Metadata};

use super::entry_name;
use crate::error::{Error, Result};

/// Result of checking a symbolic link whose target does not leave the directory as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// The target is inside, whatever entries follow.
    Inside,
    /// The target has `..` after a name that is not a directory yet. A later entry may make it a
    /// link that leads outside.
    Undecided,
}

/// The names of the directory that symbolic links must stay in.
#[derive(Clone, Copy, Debug)]
pub(super) struct DirectoryName<'a> {
    /// Prefix of the names in the archive.
    pub(super) title: &'a str,
    /// Final path of the directory, for absolute targets.
    pub(super) path: &'a Path,
    /// The same path without symbolic links. A relative target may lead out of the directory and
    /// into it again by these names.
    pub(super) real: &'a Path,
}

/// Checks the target `link` of a symbolic link at `path` below `base`. The parent of `path` must
/// have been reached without symbolic links.
///
/// A target of the form `../../a/b` is inside if it is so as text, even if `a` is or becomes a
/// link: it is resolved from a real directory upwards and then only downwards, and every link on
/// the way down has the same form. `..` after a name is inside only if that name is a directory
/// already. It stays a directory, because no entry replaces one. `../dir/a` is inside of `dir`,
/// because the final path of a directory contains no symbolic links.
///
/// # Errors
///
/// [`Error::PathTraversal`] if the target is outside of `base`.
pub(super) fn check(
    base: &Dir,
    path: &Path,
    link: &Path,
    directory: DirectoryName<'_>,
) -> Result<LinkTarget> {
    let outside = || outside(link.as_os_str().as_encoded_bytes(), directory.title);
    let (mut path, components) = if link.is_absolute() {
        let rest = link
            .strip_prefix(directory.path)
            .or_else(|_| link.strip_prefix(directory.real))
            .map_err(|_| outside())?;
        (Path::new("").to_owned(), rest)
    } else {
        (path.parent().unwrap_or(Path::new("")).to_owned(), link)
    };
    // Number of leading components of `path` that are directories.
    let mut directories = path.components().count();
    let mut target = LinkTarget::Inside;
    // Names of the directory and its parents that `..` has left, the outermost last.
    let mut names = directory.real.components().rev();
    let mut left = Vec::new();
    for component in components.components() {
        match component {
            Component::Normal(name) if left.is_empty() => path.push(name),
            Component::Normal(name) => {
                if left.pop() != Some(name) {
                    return Err(outside());
                }
                // A later `..` passes this name again.
                names = directory.real.components().rev();
                names.by_ref().take(left.len()).for_each(drop);
            }
            Component::CurDir => {}
            Component::ParentDir if path.as_os_str().is_empty() => match names.next() {
                Some(Component::Normal(name)) => left.push(name),
                _ => return Err(outside()),
            },
            Component::ParentDir => {
                let depth = path.components().count();
                if depth > directories && !resolve(base, &path).is_some_and(|found| found.is_dir())
                {
                    target = LinkTarget::Undecided;
                }
                path.pop();
                directories = directories.min(depth - 1);
            }
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    if left.is_empty() {
        Ok(target)
    } else {
        Err(outside())
    }
}

/// Returns the metadata of the file at `path` if all its parents are directories.
pub(super) fn resolve(base: &Dir, path: &Path) -> Option<Metadata> {
    let mut parents = path.ancestors().skip(1);
    let through_directories = parents.all(|parent| {
        parent.as_os_str().is_empty()
            || base
                .symlink_metadata(parent)
                .is_ok_and(|metadata| metadata.is_dir())
    });
    if path.as_os_str().is_empty() || !through_directories {
        return None;
    }
    base.symlink_metadata(path).ok()
}

/// The error for a name or link target that is outside of the directory.
pub(super) fn outside(name: &[u8], title: &str) -> Error {
    let name = entry_name::to_text(name);
    traversal(&name, "leads out").context(format!("\"{name}\" is outside of \"{title}\""))
}

/// The error for a name that leads through a symbolic link.
pub(super) fn link_between(name: &[u8], title: &str) -> Error {
    let name = entry_name::to_text(name);
    traversal(&name, "leads through a symbolic link").context(format!(
        "no symbolic link allowed between \"{title}\" and \"{name}\""
    ))
}

fn traversal(name: &str, reason: &'static str) -> Error {
    Error::PathTraversal {
        name: name.to_owned(),
        reason,
    }
}
