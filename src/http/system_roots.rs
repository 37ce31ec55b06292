//! The certificate authorities of the operating system, found at the same paths as by Go's
//! `crypto/x509`.
//!
//! Missing and unreadable files are skipped.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::http::environment;
use crate::limits::{MAX_ROOTS_FILE_BYTES, MAX_ROOTS_FILES};

/// Certificate bundles. Only the first readable one is used.
const BUNDLES: [&str; 10] = [
    // Debian, Ubuntu, Gentoo, Arch.
    "/etc/ssl/certs/ca-certificates.crt",
    // Fedora, RHEL 6.
    "/etc/pki/tls/certs/ca-bundle.crt",
    // openSUSE.
    "/etc/ssl/ca-bundle.pem",
    // OpenELEC.
    "/etc/pki/tls/cacert.pem",
    // CentOS, RHEL 7 and later.
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    // FreeBSD.
    "/usr/local/etc/ssl/cert.pem",
    // Alpine, OpenBSD, macOS.
    "/etc/ssl/cert.pem",
    // DragonFly.
    "/usr/local/share/certs/ca-root-nss.crt",
    // NetBSD.
    "/etc/openssl/certs/ca-certificates.crt",
    // illumos.
    "/etc/certs/ca-certificates.crt",
];

/// Certificate directories. All of them are read.
const DIRECTORIES: [&str; 4] = [
    // SUSE, FreeBSD 12.2 and later.
    "/etc/ssl/certs",
    // Fedora, RHEL.
    "/etc/pki/tls/certs",
    // FreeBSD.
    "/usr/local/share/certs",
    // NetBSD.
    "/etc/openssl/certs",
];

/// Paths of the certificate authorities of the operating system.
///
/// The files are read only when a server certificate was not issued by a built-in authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRoots {
    bundles: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl SystemRoots {
    /// Creates the paths from the values of `SSL_CERT_FILE` and `SSL_CERT_DIR`, which replace the
    /// default paths. Empty values are treated as unset.
    pub fn new(file: Option<&OsStr>, directories: Option<&OsStr>) -> Self {
        let default = Self::default();
        Self {
            bundles: match file {
                Some(file) if !file.is_empty() => vec![file.into()],
                _ => default.bundles,
            },
            directories: match directories {
                Some(list) if !list.is_empty() => std::env::split_paths(list).collect(),
                _ => default.directories,
            },
        }
    }

    /// Creates the paths from environment variables, whose values `value` returns. See
    /// [`new`](Self::new).
    pub fn from_variables(value: impl Fn(&str) -> Option<OsString>) -> Self {
        let [file, directories] = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(value);
        Self::new(file.as_deref(), directories.as_deref())
    }

    /// Creates the paths from the environment of this process.
    pub fn from_env() -> Self {
        Self::from_variables(environment::variable)
    }

    /// No paths: only the built-in authorities are trusted.
    pub const fn none() -> Self {
        Self {
            bundles: Vec::new(),
            directories: Vec::new(),
        }
    }

    /// Reads the files. They should contain PEM but may contain anything.
    pub(super) fn read(&self) -> Vec<Vec<u8>> {
        let mut texts = Vec::new();
        texts.extend(self.bundles.iter().find_map(|path| read_file(path).ok()));
        for directory in &self.directories {
            let Ok(entries) = fs::read_dir(directory) else {
                continue;
            };
            let paths = entries.flatten().map(|entry| entry.path());
            texts.extend(
                paths
                    .filter(|path| !is_link_to_sibling(path))
                    .take(MAX_ROOTS_FILES)
                    .filter_map(|path| read_file(&path).ok()),
            );
        }
        texts
    }
}

/// The default paths of all supported systems.
impl Default for SystemRoots {
    fn default() -> Self {
        Self {
            bundles: BUNDLES.iter().map(PathBuf::from).collect(),
            directories: DIRECTORIES.iter().map(PathBuf::from).collect(),
        }
    }
}

/// Returns whether `path` is a symbolic link to a file in the same directory. OpenSSL creates one
/// for each certificate.
fn is_link_to_sibling(path: &Path) -> bool {
    fs::read_link(path)
        .is_ok_and(|target| target.parent() == Some(Path::new("")) && target.file_name().is_some())
}

/// Reads a regular file of at most [`MAX_ROOTS_FILE_BYTES`]. Opening any other file, such as a
/// FIFO, may block forever.
pub(super) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if metadata.len() > MAX_ROOTS_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut text = Vec::new();
    let mut file = File::open(path)?.take(MAX_ROOTS_FILE_BYTES);
    file.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(feature = "archive")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::testing::TempDir;

    /// Returns the sorted contents for these values of the variables.
    fn read(file: &Path, directories: &str) -> Vec<String> {
        let roots = SystemRoots::new(Some(file.as_os_str()), Some(OsStr::new(directories)));
        let mut texts: Vec<String> = roots
            .read()
            .into_iter()
            .map(|text| String::from_utf8(text).expect("test files are UTF-8"))
            .collect();
        texts.sort();
        texts
    }

    #[test]
    fn the_bundle_and_every_file_of_the_directories_are_read() {
        let temp = TempDir::new();
        let path = |name: &str| temp.path().join(name);
        for directory in ["a", "b", "a/below"] {
            fs::create_dir(path(directory)).unwrap();
        }
        for file in [
            "bundle",
            "a/one",
            "a/two",
            "b/three",
            "a/below/four",
            "other",
        ] {
            fs::write(path(file), file).unwrap();
        }
        let list = format!("{}:{}", path("a").display(), path("b").display());

        assert_eq!(
            read(&path("bundle"), &list),
            ["a/one", "a/two", "b/three", "bundle"]
        );
    }

    #[test]
    fn missing_files_and_special_files_are_skipped() {
        let temp = TempDir::new();
        let path = |name: &str| temp.path().join(name);
        fs::create_dir(path("a")).unwrap();
        fs::write(path("a/one"), "one").unwrap();
        let list = format!("{}:{}", path("missing").display(), path("a").display());

        assert_eq!(read(&path("missing"), &list), ["one"]);
        assert_eq!(read(&path("a"), &list), ["one"]);
        assert_eq!(read(&path("a/one"), "/dev/null"), ["one"]);
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_followed_except_links_to_siblings() {
        use std::os::unix::fs::symlink;

        let temp = TempDir::new();
        let path = |name: &str| temp.path().join(name);
        fs::create_dir(path("a")).unwrap();
        fs::write(path("a/one"), "one").unwrap();
        fs::write(path("two"), "two").unwrap();
        symlink("one", path("a/5ed36f99.0")).unwrap();
        symlink("../two", path("a/two")).unwrap();
        symlink("nowhere/three", path("a/three")).unwrap();

        let list = path("a").display().to_string();
        assert_eq!(read(&path("missing"), &list), ["one", "two"]);
    }

    #[test]
    fn a_file_over_the_size_limit_is_skipped() {
        let temp = TempDir::new();
        let path = temp.path().join("large");
        File::create(&path)
            .unwrap()
            .set_len(MAX_ROOTS_FILE_BYTES + 1)
            .unwrap();

        assert_eq!(read(&path, "/dev/null"), [""; 0]);
    }

    #[test]
    fn empty_variables_select_the_default_paths() {
        let empty = Some(OsStr::new(""));
        assert_eq!(SystemRoots::new(empty, empty), SystemRoots::default());
        assert_eq!(SystemRoots::new(None, None), SystemRoots::default());
        let file = SystemRoots::new(Some(OsStr::new("/x")), None);
        assert_eq!(file.bundles, [Path::new("/x")]);
        let variables = SystemRoots::from_variables(|name| match name {
            "SSL_CERT_FILE" => Some("/x".into()),
            _ => None,
        });
        assert_eq!(variables, file);
        assert_eq!(file.directories, SystemRoots::default().directories);
        assert!(SystemRoots::none().read().is_empty());
    }
}
