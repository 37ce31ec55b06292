//! Lexical operations on paths: they do not access the file system.

use std::path::{Component, Path, PathBuf};

/// Returns the shortest path that is equivalent if no component is a symbolic link, as Go's
/// `filepath.Clean`: no `.`, no doubled or trailing separator, and `..` only at the start of a
/// relative path. An empty path becomes `.`.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match cleaned.components().next_back() {
                Some(Component::Normal(_)) => {
                    cleaned.pop();
                }
                // The parent of the root is the root.
                Some(Component::RootDir | Component::Prefix(_)) => {}
                Some(Component::ParentDir | Component::CurDir) | None => cleaned.push(".."),
            },
            other => cleaned.push(other),
        }
    }
    if cleaned.as_os_str().is_empty() {
        cleaned.push(".");
    }
    cleaned
}

/// Returns the bytes of a path whose names are separated by `/`, as in archives and titles, on
/// every system.
pub(crate) fn to_slashes(path: &Path) -> Vec<u8> {
    let mut name = Vec::with_capacity(path.as_os_str().len());
    for component in path.components() {
        if !matches!(name.last(), None | Some(b'/')) {
            name.push(b'/');
        }
        match component {
            Component::RootDir => name.push(b'/'),
            other => name.extend_from_slice(other.as_os_str().as_encoded_bytes()),
        }
    }
    name
}

/// Returns `path` relative to `base`, or `None` if it is not inside `base`. Both must be clean. For
/// `base` itself the result is an empty path.
#[cfg(feature = "archive")]
pub(crate) fn below<'a>(path: &'a Path, base: &Path) -> Option<&'a Path> {
    let rest = match path.strip_prefix(base) {
        Ok(rest) => rest,
        // `.` is the base of every relative path, but clean paths do not contain it.
        Err(_) if base == Path::new(".") && path.is_relative() => path,
        Err(_) => return None,
    };
    if rest == Path::new(".") {
        return Some(Path::new(""));
    }
    rest.components()
        .all(|component| matches!(component, Component::Normal(_)))
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_gives_the_shortest_equivalent_path() {
        for (path, cleaned) in [
            ("", "."),
            (".", "."),
            ("./", "."),
            ("a", "a"),
            ("./a", "a"),
            ("a/", "a"),
            ("a//b", "a/b"),
            ("a/./b", "a/b"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../a", "../a"),
            ("../../a", "../../a"),
            ("a/../../b", "../b"),
            ("/", "/"),
            ("/..", "/"),
            ("/../a", "/a"),
            ("/a/../b/", "/b"),
        ] {
            let got = clean(Path::new(path));
            assert_eq!(got.as_os_str(), cleaned, "{path}");
            assert_eq!(to_slashes(&got), cleaned.as_bytes(), "{path}");
        }
    }

    #[cfg(feature = "archive")]
    #[test]
    fn paths_outside_the_base_are_not_below_it() {
        for (path, base, rest) in [
            ("d", "d", Some("")),
            ("d/a", "d", Some("a")),
            ("da", "d", None),
            ("a", "d", None),
            ("..", "d", None),
            ("a/b", ".", Some("a/b")),
            (".", ".", Some("")),
            ("../a", ".", None),
            ("/a", ".", None),
            ("../x/a", "../x", Some("a")),
            ("../..", "..", None),
            ("/o/d/a", "/o/d", Some("a")),
            ("/o", "/o/d", None),
            ("/a", "/", Some("a")),
        ] {
            let got = below(Path::new(path), Path::new(base));
            assert_eq!(got, rest.map(Path::new), "{path} below {base}");
        }
    }
}
