//! Reading a layout in an uncompressed tar archive.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::tar_files::TarFiles;
use super::{graph, reader};
use crate::error::Result;
use crate::oci::Descriptor;
use crate::store::{ContentReader, NameVisitor, Referrers, Source, TagLister, VerifyReader};

/// A layout in an uncompressed tar archive, for reading.
///
/// Names may start with `./`. Of several entries with one name the last one counts. Only regular
/// files are content.
#[derive(Debug)]
pub struct LayoutTar {
    archive: TarFiles,
}

impl LayoutTar {
    /// Opens an archive and scans the headers of its entries.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::Error::Io) if the file cannot be read,
    /// [`WrongKind`](crate::Error::WrongKind) if it is not a tar archive, is compressed or
    /// truncated, and [`Malformed`](crate::Error::Malformed) if its content is not a layout of
    /// version 1.0.0, or if it has more than half a million entries.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let archive = TarFiles::scan(&path.into())?;
        reader::check(&archive)?;
        Ok(Self { archive })
    }
}

impl Source for LayoutTar {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let index = reader::read_index(&self.archive)?;
        reader::resolve(&self.archive, &index, reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        reader::fetch(&self.archive, target)
    }

    fn fetch_from(&self, target: &Descriptor, offset: u64) -> Result<Option<ContentReader<'_>>> {
        reader::fetch_from(&self.archive, target, offset)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        reader::exists(&self.archive, target)
    }
}

impl Referrers for LayoutTar {
    fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        graph::referrers(&self.archive, subject, artifact_type, visit)
    }
}

impl TagLister for LayoutTar {
    fn tags(&self, last: Option<&str>, visit: NameVisitor<'_>) -> Result<()> {
        reader::tags(&*reader::read_index(&self.archive)?, last, visit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::path::Path;

    use super::*;
    use crate::Error;
    use crate::fs::testing::TempDir;
    use crate::layout::LayoutStore;
    use crate::oci::digest::{Algorithm, Digest};
    use crate::oci::media_type::MediaType;
    use crate::store::Target as _;

    /// Creates a layout with a tag, and a blob for each digest algorithm.
    fn layout() -> TempDir {
        let directory = TempDir::new();
        let store = LayoutStore::create_or_open(directory.path()).unwrap();
        for algorithm in Algorithm::ALL {
            store
                .push(&hello(algorithm), &mut b"hello".as_slice())
                .unwrap();
        }
        let (descriptor, bytes) = manifest();
        store
            .push_reference(&descriptor, &mut &*bytes, "v1")
            .unwrap();
        directory
    }

    fn hello(algorithm: Algorithm) -> Descriptor {
        Descriptor::new(MediaType::LAYER, Digest::with(algorithm, b"hello"), 5)
    }

    fn manifest() -> (Descriptor, &'static [u8]) {
        let bytes = br#"{"schemaVersion":2,"manifests":[]}"#;
        (Descriptor::of(MediaType::IMAGE_INDEX, bytes), bytes)
    }

    fn archive(prefix: &str, layout: &Path) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        builder.append_dir_all(prefix, layout).unwrap();
        builder.into_inner().unwrap()
    }

    fn open(directory: &TempDir, bytes: &[u8]) -> Result<LayoutTar> {
        let path = directory.path().join("layout.tar");
        fs::write(&path, bytes).unwrap();
        LayoutTar::open(path)
    }

    fn append(
        builder: &mut ::tar::Builder<Vec<u8>>,
        kind: ::tar::EntryType,
        name: &str,
        content: &[u8],
    ) {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content).unwrap();
    }

    #[test]
    fn an_archive_is_read_like_its_directory() {
        let layout = layout();
        let directory = LayoutStore::open(layout.path()).unwrap();
        for prefix in ["", "./"] {
            let files = TempDir::new();
            let archive = open(&files, &archive(prefix, layout.path())).unwrap();
            assert_eq!(
                archive.resolve("v1").unwrap(),
                directory.resolve("v1").unwrap()
            );
            let mut tags = Vec::new();
            archive
                .tags(None, &mut |page| {
                    tags.extend_from_slice(page);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(tags, ["v1"]);
            for algorithm in Algorithm::ALL {
                let hello = hello(algorithm);
                assert!(archive.exists(&hello).unwrap());
                let bytes = archive.fetch(&hello).unwrap().read_all(5).unwrap();
                assert_eq!(bytes, b"hello", "{algorithm}");
            }
            assert_eq!(archive.resolve("v2").unwrap_err().to_string(), "not found");
        }
    }

    #[test]
    fn several_blobs_can_be_read_concurrently() {
        let layout = layout();
        let files = TempDir::new();
        let archive = open(&files, &archive("", layout.path())).unwrap();
        let (descriptor, bytes) = manifest();
        let mut one = archive.fetch(&hello(Algorithm::Sha256)).unwrap();
        let mut two = archive.fetch(&descriptor).unwrap();
        let (mut first, mut second) = ([0; 2], [0; 10]);
        one.read_exact(&mut first).unwrap();
        two.read_exact(&mut second).unwrap();
        assert_eq!(one.read_all(5).unwrap(), b"llo");
        assert_eq!(two.read_all(100).unwrap(), &bytes[10..]);
    }

    #[test]
    fn the_last_of_several_entries_counts_and_only_files_are_content() {
        use ::tar::EntryType;

        let header = reader::LAYOUT_FILE_CONTENT.as_bytes();
        let mut builder = ::tar::Builder::new(Vec::new());
        append(&mut builder, EntryType::Regular, "oci-layout", b"no");
        append(&mut builder, EntryType::Regular, "index.json", b"no");
        append(&mut builder, EntryType::Regular, "./oci-layout", header);
        append(&mut builder, EntryType::Regular, "./index.json", b"{}");
        let good = builder.get_ref().clone();
        let directory = TempDir::new();
        open(&directory, &good).unwrap();

        append(&mut builder, EntryType::Directory, "index.json", b"");
        let error = open(&directory, builder.get_ref()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid OCI Image Index: failed to open index file: open index.json: file does not exist"
        );
    }

    #[test]
    fn errors_tell_whether_a_file_is_no_archive_or_no_layout() {
        let layout = layout();
        let good = archive("", layout.path());
        let not_a_layout = "invalid OCI Image Layout: failed to open OCI layout file: open oci-layout: file does not exist";
        let directory = TempDir::new();
        let name = directory.path().join("layout.tar");
        let not_a_tar = format!("\"{}\" does not look like a tar archive: ", name.display());
        let cut_off = good.len() - 1024 - 512;
        for (bytes, wanted) in [
            (&b"hello world\n"[..], format!("{not_a_tar}unexpected EOF")),
            (&good[..300], format!("{not_a_tar}unexpected EOF")),
            (&good[..cut_off], format!("{not_a_tar}unexpected EOF")),
            (&[0x1f; 2000], format!("{not_a_tar}invalid tar header")),
            (b"", not_a_layout.to_owned()),
            (&[0; 10240], not_a_layout.to_owned()),
        ] {
            let error = open(&directory, bytes).unwrap_err();
            assert_eq!(error.to_string(), wanted);
        }
    }

    #[test]
    fn truncated_archives_do_not_panic() {
        let layout = layout();
        let good = archive("./", layout.path());
        let directory = TempDir::new();
        for end in (0..good.len()).step_by(101) {
            if let Ok(archive) = open(&directory, &good[..end]) {
                let (descriptor, _) = manifest();
                let _ = archive
                    .fetch(&descriptor)
                    .map(|reader| reader.read_all(100));
            }
        }
    }

    #[test]
    fn the_size_of_entry_headers_is_limited() {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(::tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let directory = TempDir::new();
        let path = directory.path().join("layout.tar");
        fs::write(&path, header.as_bytes()).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(2 << 30).unwrap();
        let error = LayoutTar::open(&path).unwrap_err();
        assert!(matches!(error, Error::WrongKind { .. }), "{error}");
    }

    #[test]
    fn corrupt_content_is_detected() {
        let layout = layout();
        let mut bytes = archive("", layout.path());
        let position = bytes
            .windows(5)
            .rposition(|window| window == b"hello")
            .unwrap();
        bytes[position] = b'j';
        let directory = TempDir::new();
        let archive = open(&directory, &bytes).unwrap();
        let corrupt = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| {
                archive
                    .fetch(&hello(*algorithm))
                    .unwrap()
                    .read_all(5)
                    .is_err()
            })
            .count();
        assert_eq!(corrupt, 1);
    }
}
