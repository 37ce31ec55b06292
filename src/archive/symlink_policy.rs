//! Where links of an archive may lead: decided before a link exists, and true whatever comes after it.

use std::path::{Component, Path};

use cap_std::fs::{Dir, Metadata};

use super::unpack::{UnpackOptions, display};
use crate::error::{Error, Result};

/// What can be said of a symbolic link that does not lead out as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It leads inside, now and later.
    Inside,
    /// It goes up from something that is not a directory yet, and may become a link to elsewhere.
    Undecided,
}

/// Refuses a symbolic link at `path`, in a directory without links in its path, that would lead out of `base`.
///
/// A target of the form `../../a/b` is inside if the text says so, even if `a` is or becomes a link: it is resolved from a
/// real directory upwards and then only downwards, and every link on the way down is of the same form. `..` after a name is
/// inside only if that name is a directory already; it stays one, because nothing ever replaces a directory.
pub(super) fn check(
    base: &Dir,
    path: &Path,
    link: &Path,
    options: &UnpackOptions<'_>,
) -> Result<Verdict> {
    let outside = || outside(link.as_os_str().as_encoded_bytes(), options.title);
    let (mut at, way) = if link.is_absolute() {
        let rest = link.strip_prefix(options.target).map_err(|_| outside())?;
        (Path::new("").to_owned(), rest)
    } else {
        (path.parent().unwrap_or(Path::new("")).to_owned(), link)
    };
    // How much of `at` is known to consist of directories.
    let mut known = at.components().count();
    let mut verdict = Verdict::Inside;
    for component in way.components() {
        match component {
            Component::Normal(name) => at.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                let depth = at.components().count();
                if depth > known && !resolve(base, &at).is_some_and(|found| found.is_dir()) {
                    verdict = Verdict::Undecided;
                }
                if !at.pop() {
                    return Err(outside());
                }
                known = known.min(depth - 1);
            }
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    Ok(verdict)
}

/// What is at `path`, if that can be reached through directories alone.
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

/// A name or target that leads out, as text.
pub(super) fn outside(name: &[u8], title: &str) -> Error {
    let name = display(name);
    traversal(&name, "leads out").context(format!("\"{name}\" is outside of \"{title}\""))
}

/// A name that leads through a symbolic link.
pub(super) fn link_between(name: &[u8], title: &str) -> Error {
    let name = display(name);
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

/// A name of an archive as a path.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "names are not always paths elsewhere"
)]
pub(super) fn path(name: &[u8]) -> Result<&Path> {
    use std::os::unix::ffi::OsStrExt;

    Ok(Path::new(std::ffi::OsStr::from_bytes(name)))
}

/// A name of an archive as a path.
#[cfg(not(unix))]
pub(super) fn path(name: &[u8]) -> Result<&Path> {
    std::str::from_utf8(name)
        .map(Path::new)
        .map_err(|_| Error::malformed("archive entry", "the name is not UTF-8"))
}
