//! File trees: built from a compact table, compared including modes and link targets.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

/// One row of a table, and one entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    path: String,
    kind: Kind,
    /// Permission bits; None for the default, which is not compared.
    mode: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    /// A socket or device, which tests do not create.
    Other,
}

/// A file.
pub fn file(path: &str, content: impl AsRef<[u8]>) -> Entry {
    Entry::new(path, Kind::File(content.as_ref().to_vec()))
}

/// A directory. Parents of an entry need no row of their own.
pub fn directory(path: &str) -> Entry {
    Entry::new(path, Kind::Directory)
}

/// A symbolic link with exactly this target.
pub fn symlink(path: &str, target: &str) -> Entry {
    Entry::new(path, Kind::Symlink(target.to_owned()))
}

impl Entry {
    /// Sets the permission bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    fn new(path: &str, kind: Kind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            mode: None,
        }
    }
}

/// Creates `root` and the entries below it.
pub fn build(root: &Path, entries: &[Entry]) {
    create_directory(root);
    for entry in entries {
        let path = root.join(&entry.path);
        if let Some(parent) = path.parent() {
            create_directory(parent);
        }
        match &entry.kind {
            Kind::File(content) => {
                fs::write(&path, content)
                    .unwrap_or_else(|error| panic!("write \"{}\": {error}", path.display()));
            }
            Kind::Directory => create_directory(&path),
            Kind::Symlink(target) => create_symlink(target, &path),
            Kind::Other => panic!("\"{}\" cannot be created", entry.path),
        }
    }
    // Modes last: read-only directories must be filled before.
    for entry in entries.iter().rev() {
        if let Some(mode) = entry.mode {
            set_mode(&root.join(&entry.path), mode);
        }
    }
}

/// All entries below `root` sorted by path, with modes, without following links.
pub fn snapshot(root: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    collect(root, "", &mut entries);
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    entries
}

/// Fails unless two directories have the same entries, contents, link targets and modes.
#[track_caller]
pub fn assert_same(expected: &Path, actual: &Path) {
    let differences = differences(&snapshot(expected), &snapshot(actual));
    assert!(
        differences.is_empty(),
        "\"{}\" is not like \"{}\":\n{}",
        actual.display(),
        expected.display(),
        differences.join("\n")
    );
}

/// Fails unless a directory contains exactly these entries. Parent directories may be omitted.
#[track_caller]
pub fn assert_tree(root: &Path, expected: &[Entry]) {
    let named = |path: &str| expected.iter().any(|entry| entry.path == path);
    let leads = |path: &str| {
        expected
            .iter()
            .any(|entry| entry.path.starts_with(&format!("{path}/")))
    };
    let actual: Vec<_> = snapshot(root)
        .into_iter()
        .filter(|entry| entry.kind != Kind::Directory || named(&entry.path) || !leads(&entry.path))
        .collect();
    let differences = differences(expected, &actual);
    assert!(
        differences.is_empty(),
        "\"{}\" is not as expected:\n{}",
        root.display(),
        differences.join("\n")
    );
}

/// The differences of two trees, one per line: `-` is missing, `+` is unexpected. Modes are
/// compared if they are expected.
pub fn differences(expected: &[Entry], actual: &[Entry]) -> Vec<String> {
    let by_path = |entries: &[Entry]| -> BTreeMap<String, Entry> {
        entries
            .iter()
            .map(|entry| (entry.path.clone(), entry.clone()))
            .collect()
    };
    let (expected, mut actual) = (by_path(expected), by_path(actual));
    let mut lines = Vec::new();
    for (path, wanted) in expected {
        match actual.remove(&path) {
            None => lines.push(format!("-{wanted}")),
            Some(mut found) => {
                if wanted.mode.is_none() {
                    found.mode = None;
                }
                if found != wanted {
                    lines.extend([format!("-{wanted}"), format!("+{found}")]);
                }
            }
        }
    }
    lines.extend(actual.values().map(|entry| format!("+{entry}")));
    lines
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.path)?;
        match &self.kind {
            Kind::File(content) if content.len() <= 60 => {
                write!(formatter, " \"{}\"", content.escape_ascii())?;
            }
            Kind::File(content) => {
                let beginning = content[..60].escape_ascii();
                let digest = super::registry::sha256(content);
                write!(
                    formatter,
                    " \"{beginning}…\" ({} bytes, {digest})",
                    content.len()
                )?;
            }
            Kind::Directory => write!(formatter, "/")?,
            Kind::Symlink(target) => write!(formatter, " -> {target}")?,
            Kind::Other => write!(formatter, " (neither file nor directory nor link)")?,
        }
        self.mode
            .map_or(Ok(()), |mode| write!(formatter, " {mode:04o}"))
    }
}

fn collect(directory: &Path, prefix: &str, entries: &mut Vec<Entry>) {
    for found in expect_read(directory, fs::read_dir(directory)) {
        let found = expect_read(directory, found);
        let path = found.path();
        let name = format!("{prefix}{}", found.file_name().to_string_lossy());
        let metadata = expect_read(&path, fs::symlink_metadata(&path));
        let file_type = metadata.file_type();
        let kind = if file_type.is_symlink() {
            let target = expect_read(&path, fs::read_link(&path));
            Kind::Symlink(target.to_string_lossy().into_owned())
        } else if file_type.is_dir() {
            collect(&path, &format!("{name}/"), entries);
            Kind::Directory
        } else if file_type.is_file() {
            Kind::File(expect_read(&path, fs::read(&path)))
        } else {
            Kind::Other
        };
        // Modes of symbolic links have no effect.
        let mode = if file_type.is_symlink() {
            None
        } else {
            mode_of(&metadata)
        };
        entries.push(Entry {
            path: name,
            kind,
            mode,
        });
    }
}

fn expect_read<T>(path: &Path, result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("read \"{}\": {error}", path.display()))
}

fn create_directory(path: &Path) {
    fs::create_dir_all(path)
        .unwrap_or_else(|error| panic!("create \"{}\": {error}", path.display()));
}

#[cfg(unix)]
fn create_symlink(target: &str, path: &Path) {
    std::os::unix::fs::symlink(target, path)
        .unwrap_or_else(|error| panic!("link \"{}\": {error}", path.display()));
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .unwrap_or_else(|error| panic!("chmod \"{}\": {error}", path.display()));
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "there are no modes elsewhere")]
fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn create_symlink(_target: &str, path: &Path) {
    panic!("\"{}\": no symbolic links here", path.display());
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

#[cfg(not(unix))]
fn mode_of(_metadata: &fs::Metadata) -> Option<u32> {
    None
}
