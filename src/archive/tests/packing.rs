//! What archives look like, byte for byte where that was agreed with other tools.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::mpsc;

use flate2::read::GzDecoder;

use super::{TempDir, set_mtime};
use crate::archive::{PackOptions, Times, pack};
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::progress::{Event, Observer};

const YEAR_2000: u64 = 946_684_800;

fn packed(directory: &Path, title: &str, options: &PackOptions) -> (Digest, Vec<u8>) {
    let mut archive = Vec::new();
    let digest = pack(directory, title, options, &mut archive).unwrap();
    assert_eq!(archive[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    let mut tar = Vec::new();
    GzDecoder::new(&archive[..]).read_to_end(&mut tar).unwrap();
    assert_eq!(digest, Digest::of(&tar));
    (digest, tar)
}

fn names(tar: &[u8]) -> Vec<String> {
    tar::Archive::new(tar)
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
        .collect()
}

fn reproducible() -> PackOptions {
    PackOptions {
        times: Times::Set(0),
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The standard library cannot set the time of a link, so the options set the time of the golden
/// tree.
#[test]
fn the_golden_directory_has_the_golden_digest() {
    let temp = TempDir::new();
    let d = temp.path().join("d");
    fs::create_dir_all(d.join("sub")).unwrap();
    fs::write(d.join("a.txt"), "A\n").unwrap();
    fs::write(d.join("sub/b.sh"), "#!/bin/sh\n").unwrap();
    symlink("a.txt", d.join("link")).unwrap();
    for (name, mode) in [
        ("", 0o755),
        ("a.txt", 0o644),
        ("sub", 0o755),
        ("sub/b.sh", 0o755),
    ] {
        set_mode(&d.join(name), mode);
    }
    let options = PackOptions {
        times: Times::Set(946_684_800),
    };
    let (digest, tar) = packed(&d, "d", &options);

    assert_eq!(
        names(&tar),
        ["d", "d/a.txt", "d/link", "d/sub", "d/sub/b.sh"]
    );
    assert_eq!(&tar[100..108], b"0000755\0");
    assert_eq!(&tar[136..148], b"07033241600\0");
    assert_eq!(&tar[148..156], b"007403\0 ");
    assert_eq!(&tar[329..345], b"0000000\x000000000\0");
    assert_eq!(tar.len(), 4608);
    assert_eq!(
        digest.as_str(),
        "sha256:f647bb6799f149e46cb46995ce5561811cec6d197fa378ac6399ed86180fa2ad"
    );
}

#[test]
fn times_of_files_are_kept_and_rounded() {
    let temp = TempDir::new();
    for (name, nanos, wanted) in [
        ("below", 499_999_999, b"07033241600\0"),
        ("half", 500_000_000, b"07033241601\0"),
    ] {
        let file = File::create(temp.path().join("file")).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(YEAR_2000, nanos);
        file.set_modified(time).unwrap();
        let (_, tar) = packed(temp.path(), "d", &PackOptions::default());
        assert_eq!(&tar[512 + 136..512 + 148], wanted, "{name}");
    }
}

#[test]
fn times_may_be_clamped() {
    let temp = TempDir::new();
    let file = File::create(temp.path().join("file")).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(YEAR_2000);
    file.set_modified(time).unwrap();
    for (latest, wanted) in [
        (0, b"00000000000\0"),
        (946_684_799, b"07033241577\0"),
        (946_684_800, b"07033241600\0"),
        (2_000_000_000, b"07033241600\0"),
    ] {
        let times = Times::Clamp(latest);
        let (_, tar) = packed(temp.path(), "d", &PackOptions { times });
        assert_eq!(&tar[512 + 136..512 + 148], wanted, "{latest}");
    }
}

#[test]
fn entries_that_unpacking_does_not_restore_are_reported() {
    let temp = TempDir::new();
    fs::create_dir(temp.path().join("sub")).unwrap();
    for (name, target) in [
        ("absolute", "/usr/bin/python3"),
        ("inside", "sub/../file"),
        ("out", "../outside"),
        ("out_and_in", "../d/sub"),
        ("sub/up", "../file"),
    ] {
        symlink(target, temp.path().join(name)).unwrap();
    }
    let (sender, found) = mpsc::channel();
    let observer = Observer::new(move |event| {
        if let Event::NotRestorable(text) = event {
            sender.send((*text).to_owned())?;
        }
        Ok(())
    });
    let options = PackOptions::default();
    let packed = || pack(temp.path(), "d", &options, &mut io::sink());
    observer.scope(packed).unwrap();
    assert_eq!(
        found.try_iter().collect::<Vec<_>>(),
        [
            "d/absolute is a symbolic link to \"/usr/bin/python3\", which leads out of \"d\"",
            "d/out is a symbolic link to \"../outside\", which leads out of \"d\"",
        ]
    );
}

#[test]
fn names_come_in_byte_order_and_directories_before_their_content() {
    let temp = TempDir::new();
    for dir in ["a", "B"] {
        fs::create_dir(temp.path().join(dir)).unwrap();
    }
    for file in ["a/z", "a.b", "a-b", "é", "B/x"] {
        fs::write(temp.path().join(file), "").unwrap();
    }
    let (_, tar) = packed(temp.path(), "t", &reproducible());
    assert_eq!(
        names(&tar),
        ["t", "t/B", "t/B/x", "t/a", "t/a/z", "t/a-b", "t/a.b", "t/é"]
    );
}

#[test]
fn titles_are_cleaned() {
    let temp = TempDir::new();
    fs::write(temp.path().join("f"), "").unwrap();
    for (title, wanted) in [
        (".", [".", "f"]),
        ("./x/", ["x", "x/f"]),
        ("a/../x", ["x", "x/f"]),
        ("../x", ["../x", "../x/f"]),
        ("/abs/x", ["/abs/x", "/abs/x/f"]),
    ] {
        let (_, tar) = packed(temp.path(), title, &reproducible());
        assert_eq!(names(&tar), wanted, "{title}");
    }
}

#[test]
fn what_ustar_cannot_hold_gets_an_extended_header() {
    let temp = TempDir::new();
    let long = "n".repeat(150);
    fs::write(temp.path().join(&long), "").unwrap();
    let (_, tar) = packed(temp.path(), "d", &reproducible());
    let extended = &tar[512..];

    assert_eq!(&extended[..17], b"d/PaxHeaders.0/nn");
    assert_eq!(extended[99], b'n', "the name fills its field");
    assert_eq!(&extended[100..108], b"0000000\0");
    assert_eq!(extended[156], b'x');
    assert_eq!(&extended[329..345], &[0; 16]);
    let wanted = format!("162 path=d/{long}\n");
    assert_eq!(&extended[512..512 + 162], wanted.as_bytes());
    assert_eq!(&extended[1024..1027], b"d/n");
}

#[test]
fn a_name_that_ustar_can_split_gets_none() {
    let temp = TempDir::new();
    let (dir, base) = ("p".repeat(100), "q".repeat(100));
    fs::create_dir(temp.path().join(&dir)).unwrap();
    fs::write(temp.path().join(&dir).join(&base), "").unwrap();
    let (_, tar) = packed(temp.path(), "d", &reproducible());

    assert_eq!(tar.len(), 512 * 3 + 1024);
    let last = &tar[512 * 2..512 * 3];
    assert_eq!(&last[..100], base.as_bytes());
    assert_eq!(&last[345..447], format!("d/{dir}").as_bytes());
}

#[test]
fn special_permission_bits_are_recorded() {
    let temp = TempDir::new();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    set_mode(&file, 0o4711);
    let (_, tar) = packed(temp.path(), "d", &reproducible());
    assert_eq!(&tar[512 + 100..512 + 108], b"0004711\0");
}

#[test]
fn a_socket_is_an_error_that_names_it() {
    let temp = TempDir::new();
    let path = temp.path().join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = pack(temp.path(), "d", &PackOptions::default(), &mut io::sink()).unwrap_err();
    let wanted = format!(
        "pack {}: a socket, or something else that archives cannot hold",
        path.display()
    );
    assert_eq!(error.chain().to_string(), wanted);
}

#[test]
fn a_root_that_is_a_link_is_followed_and_others_are_not() {
    let temp = TempDir::new();
    fs::create_dir(temp.path().join("real")).unwrap();
    fs::write(temp.path().join("real/f"), "").unwrap();
    symlink(".", temp.path().join("real/self")).unwrap();
    symlink("real", temp.path().join("link")).unwrap();
    let (direct, tar) = packed(&temp.path().join("real"), "d", &reproducible());
    let (linked, _) = packed(&temp.path().join("link"), "d", &reproducible());
    assert_eq!(direct, linked);
    assert_eq!(names(&tar), ["d", "d/f", "d/self"]);
}

/// Changes a file as soon as a megabyte of the archive has been written.
struct Meddler<'a> {
    path: &'a Path,
    size: u64,
    written: usize,
}

impl Write for Meddler<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written += bytes.len();
        if self.written > 1 << 20 {
            let file = File::options().write(true).open(self.path).unwrap();
            file.set_len(self.size).unwrap();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_changes_its_size_is_an_error_that_names_it() {
    for size in [1 << 21, 5 << 20] {
        let temp = TempDir::new();
        let path = temp.path().join("file");
        fs::write(&path, incompressible(4 << 20)).unwrap();
        let mut out = Meddler {
            path: &path,
            size,
            written: 0,
        };
        let error = pack(temp.path(), "d", &PackOptions::default(), &mut out).unwrap_err();
        let wanted = format!(
            "pack {}: the file changed while it was packed",
            path.display()
        );
        assert_eq!(error.chain().to_string(), wanted);
    }
}

#[test]
fn a_failure_to_write_is_the_writers_own_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(Error::not_found("the registry").into_io())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let temp = TempDir::new();
    let result: Result<Digest> = pack(temp.path(), "d", &PackOptions::default(), &mut Full);
    assert!(result.unwrap_err().is_not_found());
}

#[test]
fn a_missing_directory_or_a_file_is_an_error_that_names_it() {
    let temp = TempDir::new();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file, temp.path().join("missing")] {
        let error = pack(&path, "d", &PackOptions::default(), &mut io::sink()).unwrap_err();
        assert!(matches!(&error, Error::Io { path: at, .. } if *at == path));
    }
}

#[test]
fn equal_trees_make_equal_archives_when_times_are_set() {
    let make = |seconds| {
        let temp = TempDir::new();
        fs::write(temp.path().join("f"), "content").unwrap();
        set_mtime(&temp.path().join("f"), seconds);
        packed(temp.path(), "d", &reproducible()).0
    };
    assert_eq!(make(1), make(YEAR_2000));
}

fn incompressible(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(step).collect()
}
