//! Archives: nothing is written outside of the directory, and what was unpacked can be packed.

use std::fs::{self, Metadata};
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use oras::internal::{OutputDir, OutputOptions};
use oras::internal::{PackOptions, UnpackOptions, pack, unpack};
use oras::pull::ArchiveLimits;
use oras::push::Times;
use oras::{Digest, Result};

use super::check_error;
use crate::support::tempdir::TempDir;

/// The title of the archive.
const TITLE: &str = "d";
/// The content of the file beside the output directory.
const OUTSIDE: &[u8] = b"must not change";

fn limits() -> ArchiveLimits {
    let mut limits = ArchiveLimits::default();
    limits.max_unpacked_bytes = Some(1 << 20);
    limits.max_entries = 200;
    limits.max_path_bytes = 1024;
    limits.max_depth = 20;
    limits.max_record_bytes = 64 << 10;
    limits.max_pending_bytes = 64 << 10;
    limits
}

/// Unpacks a tar, or gzip members if the first byte is odd. If it is greater than 127, the archive
/// is unpacked twice into the same directory.
pub(super) fn archive(input: &[u8]) {
    let Some((&flags, input)) = input.split_first() else {
        return;
    };
    let archive = if flags & 1 == 1 {
        input.to_vec()
    } else {
        gzip(input)
    };
    let root = TempDir::new();
    let outside = root.write("outside/file", OUTSIDE);
    let before = fs::metadata(&outside).expect("the file");
    let output = OutputDir::open(root.join("out"), OutputOptions::default()).expect("a directory");
    for _ in 0..=(flags >> 7) {
        let result = unpack_into(&output, &archive);
        check_outside(&root, &before);
        match result {
            Ok(_) => check_tree(
                &root.join("out/d"),
                &root.join("out/d"),
                0,
                &mut Found::default(),
            ),
            Err(error) => check_error(&error),
        }
    }
    if root.join("out/d").is_dir() {
        check_round_trip(&root);
    }
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(tar).expect("memory");
    encoder.finish().expect("memory")
}

fn unpack_into(output: &OutputDir, archive: &[u8]) -> Result<Digest> {
    let pending = output.create_directory(TITLE)?;
    let mut options = UnpackOptions::new(TITLE, pending.path());
    options.real_target = pending.real_path();
    options.limits = limits();
    let digest = unpack(archive, pending.dir(), &options, &mut |_, _| ())?;
    pending.commit()?;
    Ok(digest)
}

/// Checks that nothing beside the output directory changed, and that no temporary file is left.
fn check_outside(root: &TempDir, before: &Metadata) {
    assert_eq!(names(root.path()), ["out", "outside"]);
    assert_eq!(names(&root.join("outside")), ["file"]);
    assert_eq!(root.read("outside/file"), OUTSIDE);
    let after = fs::metadata(root.join("outside/file")).expect("the file");
    let attributes = |it: &Metadata| (it.ino(), it.mode(), it.mtime(), it.nlink(), it.ctime_nsec());
    assert_eq!(attributes(&after), attributes(before));
    assert!(names(&root.join("out")).iter().all(|it| it == TITLE));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|it| it.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The sizes of a tree.
#[derive(Default)]
struct Found {
    entries: u64,
    bytes: u64,
}

/// Checks the limits of an unpacked tree, its kinds of files, and that no link leads outside.
fn check_tree(path: &Path, root: &Path, depth: u64, found: &mut Found) {
    let limits = limits();
    found.entries += 1;
    assert!(depth <= limits.max_depth, "{}", path.display());
    let metadata = fs::symlink_metadata(path).expect("an entry");
    let kind = metadata.file_type();
    assert_eq!(metadata.mode() & 0o7000, 0, "{}", path.display());
    let is_device = kind.is_block_device() || kind.is_char_device();
    assert!(!is_device && !kind.is_fifo() && !kind.is_socket());
    if kind.is_symlink() {
        // A link to a missing file has no canonical path.
        if let Ok(target) = fs::canonicalize(path) {
            let root = fs::canonicalize(root).expect("the directory");
            assert!(target.starts_with(root), "{}", path.display());
        }
    } else if kind.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten();
        for entry in entries {
            check_tree(&entry.expect("an entry").path(), root, depth + 1, found);
        }
    } else {
        found.bytes += metadata.len() / metadata.nlink();
    }
    // Directories without an entry of their own are not counted by the limit.
    assert!(found.entries <= limits.max_entries * limits.max_depth);
    assert!(Some(found.bytes) <= limits.max_unpacked_bytes);
}

/// Packs what was unpacked. The archive is unpacked to an equal tree.
fn check_round_trip(root: &TempDir) {
    let pack_tree = |directory: PathBuf| {
        let mut archive = Vec::new();
        // The times of symbolic links are not restored.
        let mut options = PackOptions::default();
        options.times = Times::Set(0);
        let tar = pack(&directory, TITLE, &options, &mut archive)?;
        Ok::<_, oras::Error>((tar, archive))
    };
    let Ok((tar, archive)) = pack_tree(root.join("out/d")) else {
        return;
    };
    let again = OutputDir::open(root.join("again"), OutputOptions::default()).expect("a directory");
    match unpack_into(&again, &archive) {
        Ok(unpacked) => {
            assert_eq!(unpacked, tar);
            let (packed, _) = pack_tree(root.join("again/d")).expect("a tree that was packed");
            assert_eq!(packed, tar);
        }
        Err(oras::Error::TooLarge { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
