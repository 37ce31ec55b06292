//! Certificates for single hosts in `certs.d` directories, as Docker and podman read them.
//!
//! A directory contains one directory per host, `host:port`, or `host` for port 443. Files
//! `*.crt` in it are certificate authorities that are trusted for this host in addition to all
//! others. Files `*.cert` and `*.key` of the same name are client certificates with their keys. See
//! containers-certs.d(5).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::system_roots::read_file;
use crate::http::environment::{self, HOME};
use crate::limits::MAX_ROOTS_FILES;

/// Directories with certificates for single hosts, such as `/etc/docker/certs.d`.
///
/// Of several directories for a host, the first is used. It is read when a connection to the host
/// is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateDirectories(Vec<PathBuf>);

/// The content of the files for a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HostCertificates {
    pub(super) authorities: Vec<Vec<u8>>,
    /// A client certificate with its key.
    pub(super) client: Option<(Vec<u8>, Vec<u8>)>,
}

impl CertificateDirectories {
    /// Creates the list of directories. Directories that do not exist are ignored.
    pub fn new(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(directories.into_iter().collect())
    }

    /// Returns the directories of podman and Docker that exist: `.config/containers/certs.d` in the
    /// home directory of the environment variables, whose values `value` returns, and on Unix
    /// `/etc/containers/certs.d` and `/etc/docker/certs.d`.
    pub fn from_variables(value: impl Fn(&str) -> Option<OsString>) -> Self {
        let home = value(HOME).filter(|home| !home.is_empty());
        let user = home.map(|home| Path::new(&home).join(".config/containers/certs.d"));
        let system: &[&str] = if cfg!(unix) {
            &["/etc/containers/certs.d", "/etc/docker/certs.d"]
        } else {
            &[]
        };
        let directories = user.into_iter().chain(system.iter().map(PathBuf::from));
        Self::new(directories.filter(|path| path.is_dir()))
    }

    /// Same as [`from_variables`](Self::from_variables), with the environment of this process.
    pub fn from_env() -> Self {
        Self::from_variables(environment::variable)
    }

    /// Whether there are no directories.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the directory for a host.
    pub(super) fn find(&self, host: &str, port: u16) -> Option<PathBuf> {
        let names = [
            Some(format!("{host}:{port}")),
            (port == 443).then(|| host.to_owned()),
        ];
        let candidates = self.0.iter().flat_map(|directory| {
            let names = names.iter().flatten();
            names.map(|name| directory.join(name)).collect::<Vec<_>>()
        });
        candidates.into_iter().find(|candidate| candidate.is_dir())
    }
}

impl HostCertificates {
    /// Reads the directory for a host. A directory that the process may not read has no
    /// certificates. The error is a message that names the file.
    pub(super) fn read(directory: &Path) -> Result<Self, String> {
        let failed = |path: &Path, reason: &dyn std::fmt::Display| {
            format!("failed to read {}: {reason}", path.display())
        };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Self::default());
            }
            Err(error) => return Err(failed(directory, &error.kind())),
        };
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .take(MAX_ROOTS_FILES)
            .collect();
        paths.sort();
        let read = |path: &Path| read_file(path).map_err(|error| failed(path, &error.kind()));
        let mut found = Self::default();
        for path in &paths {
            match path.extension().and_then(OsStr::to_str) {
                Some("crt") => found.authorities.push(read(path)?),
                Some("cert") => {
                    let key = path.with_extension("key");
                    if !paths.contains(&key) {
                        return Err(format!(
                            "missing key {} for client certificate {}. A certificate authority must have the extension .crt",
                            key.display(),
                            path.display()
                        ));
                    }
                    let pair = (read(path)?, read(&key)?);
                    found.client.get_or_insert(pair);
                }
                Some("key") if !paths.contains(&path.with_extension("cert")) => {
                    return Err(format!(
                        "missing client certificate {} for key {}",
                        path.with_extension("cert").display(),
                        path.display()
                    ));
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::testing::TempDir;

    #[test]
    fn the_first_directory_for_a_host_is_used() {
        let temp = TempDir::new();
        let make = |name: &str| {
            let path = temp.path().join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let port = make("a/r.io:443");
        let other = make("b/r.io");
        let plain = make("b/q.io");
        make("b/r.io:5000");
        let directories =
            CertificateDirectories::new(["none", "a", "b"].map(|name| temp.path().join(name)));
        for (host, at, wanted) in [
            ("r.io", 443, Some(&port)),
            ("q.io", 443, Some(&plain)),
            ("q.io", 5000, None),
            ("s.io", 443, None),
        ] {
            assert_eq!(directories.find(host, at).as_ref(), wanted, "{host}:{at}");
        }
        fs::remove_dir(&port).unwrap();
        assert_eq!(directories.find("r.io", 443), Some(other));
    }

    #[test]
    fn the_directory_of_the_user_is_in_the_home_directory() {
        let temp = TempDir::new();
        let find = || {
            let value = |name: &str| (name == HOME).then(|| temp.path().into());
            CertificateDirectories::from_variables(value).find("r.invalid", 443)
        };
        assert_eq!(find(), None);
        let directory = temp.path().join(".config/containers/certs.d/r.invalid");
        fs::create_dir_all(&directory).unwrap();
        assert_eq!(find(), Some(directory));
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_is_an_error_and_is_not_waited_for() {
        let temp = TempDir::new();
        let path = temp.path().join("ca.crt");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()));

        let error = HostCertificates::read(temp.path()).unwrap_err();
        assert!(error.contains("ca.crt"), "{error}");
    }

    #[test]
    fn files_are_chosen_by_their_extension() {
        for (files, wanted) in [
            (&[][..], Ok((0, None))),
            (&["ca.crt", "b.crt", "README", "x.pem"], Ok((2, None))),
            (
                &["b.cert", "b.key", "a.cert", "a.key"],
                Ok((0, Some("a.cert"))),
            ),
            (&["a.cert"], Err("missing key")),
            (&["a.key"], Err("missing client certificate")),
        ] {
            let temp = TempDir::new();
            for name in files {
                fs::write(temp.path().join(name), name).unwrap();
            }
            let read = HostCertificates::read(temp.path());
            let read = read.as_ref().map(|read| {
                let client = read.client.as_ref();
                let name = client.map(|(certificate, _)| str::from_utf8(certificate).unwrap());
                (read.authorities.len(), name)
            });
            match (read, wanted) {
                (Ok(read), Ok(wanted)) => assert_eq!(read, wanted, "{files:?}"),
                (Err(error), Err(wanted)) => assert!(error.starts_with(wanted), "{error}"),
                (read, _) => panic!("{files:?}: {read:?}"),
            }
        }
    }
}
