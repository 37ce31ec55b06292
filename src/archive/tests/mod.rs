//! Tests of packing and unpacking, an archive builder that can write false headers, and a sandbox
//! that detects changes outside of the output directory.
#![cfg(unix)]

mod hostile;
mod limits;
mod packing;
mod sparse;
mod unpacking;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use super::{Limits, UnpackOptions, unpack};
use crate::error::{Error, Result};
use crate::fs::testing::TempDir;
use crate::oci::Digest;

/// Builds a tar without any of the checks that builders usually make.
#[derive(Clone, Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn new() -> Self {
        Self::default()
    }

    /// The title's own entry, which most archives begin with.
    fn titled() -> Self {
        Self::new().dir("d", 0o755)
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.file_with_mode(name, content, 0o644)
    }

    fn file_with_mode(self, name: &str, content: &str, mode: u32) -> Self {
        let mut header = header(name, EntryType::Regular, mode);
        header.set_size(content.len() as u64);
        self.entry(header, content.as_bytes())
    }

    fn dir(self, name: &str, mode: u32) -> Self {
        self.entry(header(name, EntryType::Directory, mode), b"")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, name, target)
    }

    fn hard_link(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Link, name, target)
    }

    fn link(self, kind: EntryType, name: &str, target: &str) -> Self {
        let mut header = header(name, kind, 0o777);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        self.entry(header, b"")
    }

    /// An extended header with these records.
    fn pax(self, records: &[u8]) -> Self {
        let mut header = header("PaxHeaders.0/x", EntryType::XHeader, 0);
        header.set_size(records.len() as u64);
        self.entry(header, records)
    }

    /// An entry of any kind, with whatever its header says.
    fn entry(mut self, mut header: Header, content: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }

    fn gzip(self) -> Vec<u8> {
        gzip(&self.end())
    }
}

fn header(name: &str, kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(946_684_800);
    header.set_size(0);
    header
}

/// A PAX record.
fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (rest..rest + 9).find(|length| length - rest == length.to_string().len());
    format!("{} {key}={value}\n", length.unwrap()).into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A directory `d` to unpack into, next to something that must not change.
struct Sandbox {
    temp: TempDir,
    dir: Dir,
    limits: Limits,
}

impl Sandbox {
    fn new() -> Self {
        let temp = TempDir::new();
        fs::create_dir(temp.path().join("d")).unwrap();
        fs::create_dir(temp.path().join("outside")).unwrap();
        fs::write(temp.path().join("outside/secret"), "secret").unwrap();
        let dir = Dir::open_ambient_dir(temp.path().join("d"), ambient_authority()).unwrap();
        Self {
            temp,
            dir,
            limits: Limits::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join("d").join(name)
    }

    fn unpack(&self, archive: &[u8]) -> Result<(Digest, Vec<String>)> {
        self.unpack_titled("d", archive)
    }

    fn unpack_titled(&self, title: &str, archive: &[u8]) -> Result<(Digest, Vec<String>)> {
        let target = self.temp.path().join("d");
        let mut options = UnpackOptions::new(title, &target);
        options.limits = self.limits.clone();
        let mut skipped = Vec::new();
        let result = unpack(archive, &self.dir, &options, &mut |name, what| {
            skipped.push(format!("{name}: {what}"));
        });
        self.assert_surroundings_untouched();
        result.map(|digest| (digest, skipped))
    }

    fn assert_surroundings_untouched(&self) {
        let around: Vec<String> = self
            .temp
            .tree()
            .into_iter()
            .filter(|name| !name.starts_with("d/") || name == "d/")
            .collect();
        assert_eq!(around, ["d/", "outside/", "outside/secret"]);
        let secret = self.temp.path().join("outside/secret");
        assert_eq!(fs::read(&secret).unwrap(), b"secret");
        assert_eq!(
            std::os::unix::fs::MetadataExt::nlink(&fs::metadata(&secret).unwrap()),
            1,
            "the secret has another name"
        );
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Everything in `d`.
    fn tree(&self) -> Vec<String> {
        self.temp
            .tree()
            .into_iter()
            .filter_map(|name| Some(name.strip_prefix("d/")?.to_owned()))
            .filter(|name| !name.is_empty())
            .collect()
    }
}

fn set_mtime(path: &Path, seconds: u64) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let file = fs::File::open(path).unwrap();
    file.set_modified(time).unwrap();
}

fn assert_traversal(error: &Error) {
    let is_traversal = matches!(error.root(), Error::PathTraversal { .. });
    assert!(is_traversal, "{}", error.chain());
}
