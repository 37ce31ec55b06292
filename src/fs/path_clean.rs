//! Paths as text: what can be said about a path without asking the file system.

use std::path::{Component, Path, PathBuf};

/// The shortest path that means the same if no part of it is a symbolic link: no `.`, no doubled or trailing separator, and
/// `..` only at the start of a relative path. An empty path becomes `.`.
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

/// What is left of `path` below `base`, when both are cleaned and `path` stays inside. The base itself leaves an empty path.
pub(crate) fn below<'a>(path: &'a Path, base: &Path) -> Option<&'a Path> {
    let rest = match path.strip_prefix(base) {
        Ok(rest) => rest,
        // `.` is the base of every relative path, and no component of them.
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
    fn cleaning_keeps_the_meaning_and_drops_the_rest() {
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
        }
    }

    #[test]
    fn only_what_stays_inside_is_below() {
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
