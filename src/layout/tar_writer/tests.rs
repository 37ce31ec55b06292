use std::io::Read;
use std::ops::ControlFlow;

use super::*;
use crate::fs::testing::{TempDir, leftover_name};
use crate::layout::{LayoutStore, LayoutTar};
use crate::oci::MediaType;

const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn index() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_INDEX, INDEX)
}

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::LAYER, bytes)
}

fn fill(target: &dyn Target) {
    target.push(&layer(b"hello"), &mut &b"hello"[..]).unwrap();
    target.push(&layer(b""), &mut &b""[..]).unwrap();
    target.push_reference(&index(), &mut &*INDEX, "v1").unwrap();
    target.tag(&index(), "any text at all").unwrap();
}

fn written(path: &Path) -> Vec<u8> {
    let writer = LayoutTarWriter::create(path).unwrap();
    fill(&writer);
    let size = writer.finish().unwrap();
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len() as u64, size);
    bytes
}

/// Content that does not match its digest, or fails.
struct Broken(&'static [u8], bool);

impl Content for Broken {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        let Self(bytes, fails) = self;
        let end = Fails(*fails);
        Ok(Box::new(bytes.chain(end)))
    }
}

/// Ends, or fails.
struct Fails(bool);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        if self.0 {
            return Err(io::Error::other("the line is dead"));
        }
        Ok(0)
    }
}

#[test]
fn an_archive_has_the_files_of_a_directory() {
    let directory = TempDir::new();
    let path = directory.path().join("a.tar");
    written(&path);
    let store = LayoutStore::create_or_open(directory.path().join("layout")).unwrap();
    fill(&store);

    let archive = LayoutTar::open(&path).unwrap();

    for name in ["v1", "any text at all", index().digest.as_str()] {
        assert_eq!(
            archive.resolve(name).unwrap(),
            store.resolve(name).unwrap(),
            "{name}"
        );
    }
    for (descriptor, bytes) in [
        (layer(b"hello"), &b"hello"[..]),
        (layer(b""), b""),
        (index(), INDEX),
    ] {
        let got = archive.fetch(&descriptor).unwrap().read_all(1000).unwrap();
        assert_eq!(got, bytes);
    }
    let unpacked = directory.path().join("unpacked");
    tar::Archive::new(File::open(&path).unwrap())
        .unpack(&unpacked)
        .unwrap();
    for name in ["index.json", "oci-layout"] {
        let of_directory = fs::read(store.directory.root.join(name)).unwrap();
        assert_eq!(fs::read(unpacked.join(name)).unwrap(), of_directory);
    }
    assert!(LayoutStore::open(unpacked).is_ok());
}

#[test]
fn content_comes_first_and_headers_do_not_depend_on_the_machine() {
    let directory = TempDir::new();
    let bytes = written(&directory.path().join("a.tar"));
    let mut archive = tar::Archive::new(&*bytes);
    let entries: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.uid().unwrap(), 0);
            assert_eq!(header.gid().unwrap(), 0);
            assert_eq!(header.mtime().unwrap(), 0);
            assert_eq!(header.username().unwrap(), Some(""));
            assert_eq!(header.groupname().unwrap(), Some(""));
            (
                entry.path().unwrap().display().to_string(),
                header.mode().unwrap(),
                entry.size(),
            )
        })
        .collect();
    let blob = |digest: &Descriptor| format!("blobs/sha256/{}", digest.digest.encoded());
    let expected = [
        ("blobs/".to_owned(), 0o755, 0),
        ("blobs/sha256/".to_owned(), 0o755, 0),
        (blob(&layer(b"hello")), 0o444, 5),
        (blob(&layer(b"")), 0o444, 0),
        (blob(&index()), 0o444, INDEX.len() as u64),
    ];
    assert_eq!(entries[..5], expected);
    let names: Vec<_> = entries[5..].iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["index.json", "oci-layout"]);
}

#[test]
fn the_same_pushes_give_the_same_bytes() {
    let (one, other) = (TempDir::new(), TempDir::new());
    assert!(written(&one.path().join("a.tar")) == written(&other.path().join("b.tar")));
}

#[test]
fn pushed_content_is_readable_before_the_archive_is_complete() {
    let directory = TempDir::new();
    let writer = LayoutTarWriter::create(directory.path().join("a.tar")).unwrap();
    fill(&writer);
    let hello = layer(b"hello");
    let mut reader = writer.fetch(&hello).unwrap();
    let mut start = [0; 2];
    reader.read_exact(&mut start).unwrap();
    let pushed = writer.push(&layer(b"more"), &mut &b"more"[..]).unwrap();
    assert_eq!(pushed, Pushed::Stored);
    assert_eq!(reader.read_all(5).unwrap(), b"llo");
    assert_eq!(
        writer.fetch(&layer(b"more")).unwrap().read_all(4).unwrap(),
        b"more"
    );
    let mut tags = Vec::new();
    writer
        .tags(None, &mut |page| {
            tags.extend_from_slice(page);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(tags, ["any text at all", "v1"]);
}

#[test]
fn a_failed_push_leaves_the_archive_unchanged() {
    let directory = TempDir::new();
    let whole = written(&directory.path().join("whole.tar"));
    let path = directory.path().join("a.tar");
    let writer = LayoutTarWriter::create(&path).unwrap();
    let hello = layer(b"hello");
    for mut broken in [
        Broken(b"", true),
        Broken(b"hel", true),
        Broken(b"hello", true),
        Broken(b"hel", false),
        Broken(b"hallo", false),
        Broken(
            b"hello, and more than fits into one block".as_slice(),
            false,
        ),
    ] {
        let error = writer.push(&hello, &mut broken).unwrap_err().to_string();
        assert!(!error.is_empty());
        assert!(!writer.exists(&hello).unwrap());
        assert!(writer.fetch(&hello).is_err());
        let error = writer
            .push_reference(&index(), &mut broken, "v1")
            .unwrap_err();
        assert!(!error.to_string().is_empty());
        assert!(writer.resolve("v1").unwrap_err().is_not_found());
    }

    fill(&writer);
    let mut large = Broken(&[7; 10_000], true);
    writer.push(&layer(&[7; 10_001]), &mut large).unwrap_err();

    writer.finish().unwrap();
    assert!(fs::read(&path).unwrap() == whole);
}

#[test]
fn only_a_complete_archive_gets_its_name() {
    let directory = TempDir::new();
    let path = directory.path().join("a.tar");
    fs::write(&path, "old").unwrap();

    let writer = LayoutTarWriter::create(&path).unwrap();
    fill(&writer);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    // The incomplete file is not a layout, whatever its name.
    let tree = directory.tree();
    let [hidden, old] = &tree[..] else {
        panic!("{tree:?}");
    };
    assert!(hidden.starts_with(".oras-") && old == "a.tar", "{tree:?}");
    assert!(LayoutTar::open(directory.path().join(hidden)).is_err());

    drop(writer);
    assert_eq!(directory.tree(), ["a.tar"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");

    written(&path);
    assert_eq!(directory.tree(), ["a.tar"]);
    LayoutTar::open(&path).unwrap();
}

#[test]
fn abandoned_files_are_removed_and_files_in_use_are_kept() {
    let directory = TempDir::new();
    let abandoned = directory.path().join(leftover_name());
    fs::write(&abandoned, "x").unwrap();
    let living = LayoutTarWriter::create(directory.path().join("a.tar")).unwrap();
    let other = LayoutTarWriter::create(directory.path().join("b.tar")).unwrap();
    assert!(!abandoned.exists());
    living.finish().unwrap();
    other.finish().unwrap();
    assert_eq!(directory.tree(), ["a.tar", "b.tar"]);
}

#[cfg(unix)]
#[test]
fn links_and_permissions_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let directory = TempDir::new();
    let (link, path) = (
        directory.path().join("link.tar"),
        directory.path().join("a.tar"),
    );
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("a.tar", &link).unwrap();

    written(&link);

    assert_eq!(directory.tree(), ["a.tar", "link.tar -> a.tar"]);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    LayoutTar::open(&path).unwrap();
}

#[test]
fn a_path_that_cannot_be_a_file_fails_at_once() {
    let directory = TempDir::new();
    let missing = directory.path().join("missing/a.tar");
    let error = LayoutTarWriter::create(&missing).unwrap_err();
    assert_eq!(
        error.chain().to_string(),
        format!("open {}: no such file or directory", missing.display())
    );
    let error = LayoutTarWriter::create(directory.path()).unwrap_err();
    assert_eq!(
        error.chain().to_string(),
        format!(
            "open {}: it exists and is no regular file",
            directory.path().display()
        )
    );
    assert!(directory.tree().is_empty());
}

/// The content is a hole in the file, so it takes no space.
#[test]
fn content_can_exceed_eight_gibibytes() {
    let directory = TempDir::new();
    let path = directory.path().join("a.tar");
    let writer = LayoutTarWriter::create(&path).unwrap();
    let large = Descriptor {
        size: 9 * (1 << 30) + 1,
        ..layer(b"large")
    };
    let name = reader::blob_name(&large.digest);
    let mut tail = writer.tail.lock().unwrap();
    let mut entry = NewEntry::new(&mut tail, &path);
    entry.directory("blobs/sha256").unwrap();
    entry
        .header(&name, EntryKind::File, BLOB_MODE, large.size)
        .unwrap();
    let begin = entry.position;
    entry.position += large.size;
    entry.put(padding(large.size)).unwrap();
    tail.end = entry.position;
    drop(tail);
    writer.archive.add(name, begin..begin + large.size);
    fill(&writer);
    writer.finish().unwrap();

    let archive = LayoutTar::open(&path).unwrap();
    assert!(archive.exists(&large).unwrap());
    let hello = archive.fetch(&layer(b"hello")).unwrap();
    assert_eq!(hello.read_all(5).unwrap(), b"hello");
}

/// Content that fails after a part of it, and counts the bytes that were read.
struct Interrupted<'b> {
    bytes: &'b [u8],
    /// Number of bytes before the failure.
    until: usize,
    read: std::sync::atomic::AtomicUsize,
}

impl<'b> Interrupted<'b> {
    fn new(bytes: &'b [u8], until: usize) -> Self {
        Self {
            bytes,
            until,
            read: 0.into(),
        }
    }
}

impl Content for Interrupted<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        Ok(self.open_from(0)?.unwrap())
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let offset = usize::try_from(offset).unwrap();
        self.read = self.bytes.len().saturating_sub(offset).into();
        let until = self.until.max(offset);
        let end = Fails(until < self.bytes.len());
        Ok(Some(Box::new(self.bytes[offset..until].chain(end))))
    }
}

const LARGE: usize = 2 << 20;

/// Writes an archive with large content between small content, which fails after `until` bytes.
/// Returns the number of bytes that were requested.
fn write_interrupted(path: &Path, first: &[u8], until: usize) -> Result<usize> {
    let large = vec![7; LARGE];
    let writer = LayoutTarWriter::create(path)?;
    writer.push(&layer(first), &mut &*first)?;
    let mut content = Interrupted::new(&large, until);
    writer.push(&layer(&large), &mut content)?;
    let read = content.read.into_inner();
    fill(&writer);
    writer.finish()?;
    Ok(read)
}

#[test]
fn an_interrupted_archive_is_continued() {
    let directory = TempDir::new();
    let (whole, path) = (
        directory.path().join("whole.tar"),
        directory.path().join("a.tar"),
    );
    assert_eq!(write_interrupted(&whole, b"x", LARGE).unwrap(), LARGE);
    let whole = fs::read(whole).unwrap();
    let beginning = || {
        let names = directory.tree().into_iter();
        let mut parts = names.filter(|name| name.contains(".part"));
        let path = parts.next().map(|name| directory.path().join(name));
        assert_eq!(parts.next(), None);
        path
    };

    for (name, change, first, wanted) in [
        ("unchanged", None, &b"x"[..], LARGE - 1_500_000),
        ("other entries", None, b"other entries", LARGE),
        ("another header", Some(600), b"x", LARGE),
        ("other content", Some(1_000_000), b"x", LARGE),
    ] {
        write_interrupted(&path, b"x", 1_000_000).unwrap_err();
        assert!(!path.exists(), "{name}");
        write_interrupted(&path, b"x", 1_500_000).unwrap_err();
        let part = beginning().expect("it is kept");
        if let Some(position) = change {
            let mut bytes = fs::read(&part).unwrap();
            bytes[position] ^= 1;
            fs::write(&part, bytes).unwrap();
        }

        assert_eq!(
            write_interrupted(&path, first, LARGE).unwrap(),
            wanted,
            "{name}"
        );

        assert_eq!(fs::read(&path).unwrap() == whole, first == b"x", "{name}");
        assert!(LayoutTar::open(&path).is_ok(), "{name}");
        assert_eq!(beginning(), None, "{name}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_archive_without_large_content_is_not_kept() {
    let directory = TempDir::new();
    let writer = LayoutTarWriter::create(directory.path().join("a.tar")).unwrap();
    let mut content = Interrupted::new(b"hello", 3);
    writer.push(&layer(b"hello"), &mut content).unwrap_err();
    drop(writer);
    assert!(directory.tree().is_empty());
}
