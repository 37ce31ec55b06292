//! Unit tests of temporary files.

use super::*;
use crate::fs::testing::TempDir;
use crate::oci::MediaType;

#[test]
fn a_file_gets_its_name_when_it_is_persisted() {
    let directory = TempDir::new();
    let (ingest, name) = (
        directory.path().join("ingest"),
        directory.path().join("a/b"),
    );
    let mut temp = TempFile::create_in(&ingest).unwrap();
    temp.file().write_all(b"hello").unwrap();
    assert!(!name.exists());
    temp.persist(&name).unwrap();
    assert_eq!(fs::read(&name).unwrap(), b"hello");
    assert_eq!(fs::read_dir(&ingest).unwrap().count(), 0);
}

#[test]
fn a_dropped_file_is_removed() {
    let directory = TempDir::new();
    drop(TempFile::create_in(directory.path()).unwrap());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

fn large() -> Descriptor {
    Descriptor::of(MediaType::OCTET_STREAM, &vec![7; 2 << 20])
}

/// Leaves the beginning of content of a given length.
fn leave(directory: &Path, content: &Descriptor, bytes: usize) {
    let mut temp = TempFile::create_in_for(directory, Some(content)).unwrap();
    temp.clear().unwrap();
    temp.file().write_all(&vec![7; bytes]).unwrap();
}

fn count(directory: &TempDir) -> usize {
    fs::read_dir(directory.path()).unwrap().count()
}

#[test]
fn only_unlocked_files_with_matching_names_are_removed() {
    let directory = TempDir::new();
    let abandoned = TempFile::create_in(directory.path()).unwrap();
    let name = directory.path().join(abandoned.name().unwrap());
    drop(abandoned);
    fs::write(&name, "x").unwrap();
    let foreign = directory.path().join("a948904f2f0f479b_1234");
    fs::write(&foreign, "x").unwrap();
    let living = TempFile::create_in(directory.path()).unwrap();
    leave(directory.path(), &large(), 3);

    remove_leftovers_in(directory.path(), |_| false);

    assert!(!name.exists());
    assert!(foreign.exists());
    assert!(directory.path().join(living.name().unwrap()).exists());
    assert_eq!(count(&directory), 3, "the beginning stays");
    remove_leftovers_in(directory.path(), |digest| *digest == large().digest);
    assert_eq!(count(&directory), 2, "the content is complete");
}

#[test]
fn the_longest_beginning_that_no_process_uses_is_continued() {
    let directory = TempDir::new();
    let content = large();
    let used = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
    used.file.set_len(500).unwrap();
    let other = Descriptor::of(MediaType::OCTET_STREAM, &vec![8; 2 << 20]);
    leave(directory.path(), &other, 400);
    {
        // Two processes start at the same time, and both are killed.
        let first = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
        let second = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
        first.file.set_len(300).unwrap();
        second.file.set_len(200).unwrap();
    }

    let mut claimed = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();

    assert_eq!(claimed.kept_bytes(), 300);
    assert_eq!(claimed.file().stream_position().unwrap(), 300);
    assert_eq!(count(&directory), 3, "the shorter one is removed");
    let second = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
    assert_eq!(second.kept_bytes(), 0);
    claimed.keep_nothing();
    drop((claimed, second));
    assert_eq!(count(&directory), 2, "an empty beginning is not kept");
    drop(used);
}

#[test]
fn only_a_plausible_beginning_is_continued() {
    let content = large();
    let directory = TempDir::new();
    leave(directory.path(), &content, 3 << 20);
    let temp = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
    assert_eq!((temp.kept_bytes(), count(&directory)), (0, 1));
    drop(temp);
    let temp = TempFile::create_in_for(directory.path(), None).unwrap();
    temp.file.set_len(100).unwrap();
    drop(temp);
    assert_eq!(count(&directory), 0);
}

/// A directory whose files have modes that do not permit their owner to write, or to read.
#[cfg(unix)]
#[derive(Debug)]
struct Restricted {
    directory: DirectoryPath,
    is_readable: bool,
}

#[cfg(unix)]
impl Folder for Restricted {
    fn path(&self) -> PathBuf {
        self.directory.path()
    }

    fn names(&self) -> Vec<String> {
        self.directory.names()
    }

    fn create(&self, name: &str, is_private: bool) -> io::Result<File> {
        self.directory.create(name, is_private)
    }

    fn entry(&self, name: &str) -> io::Result<Entry> {
        self.directory.entry(name)
    }

    fn open(&self, name: &str, is_writable: bool) -> io::Result<File> {
        if is_writable || !self.is_readable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.directory.open(name, is_writable)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.directory.rename(from, to)
    }

    fn remove(&self, name: &str, is_directory: bool) -> io::Result<()> {
        self.directory.remove(name, is_directory)
    }
}

/// Users other than root have no right to open it for writing.
#[cfg(unix)]
#[test]
fn a_read_only_beginning_is_removed_and_not_continued() {
    let content = large();
    for (is_readable, left) in [(true, 0), (false, 1)] {
        let temporary = TempDir::new();
        leave(temporary.path(), &content, 100);
        let directory = DirectoryPath::new(temporary.path());
        let names = directory.names();
        let folder = Restricted {
            directory,
            is_readable,
        };
        let mut temp = TempFile::create_for(folder, Some(&content), &names).unwrap();
        assert_eq!(temp.kept_bytes(), 0);
        temp.keep_nothing();
        drop(temp);
        assert_eq!(count(&temporary), left, "readable: {is_readable}");
    }
}

#[cfg(unix)]
#[test]
fn content_that_cannot_be_persisted_stays_writable() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new();
    let content = large();
    fs::create_dir_all(directory.path().join("name/entry")).unwrap();
    let mut temp = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
    temp.file().write_all(b"x").unwrap();
    let path = directory.path().join(temp.name().unwrap());
    let before = fs::metadata(&path).unwrap().permissions();
    temp.persist_read_only(&directory.path().join("name"))
        .unwrap_err();
    assert_eq!(fs::metadata(&path).unwrap().permissions(), before);
    let temp = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
    assert_eq!(temp.kept_bytes(), 1);
    let to = directory.path().join("other");
    temp.persist_read_only(&to).unwrap();
    assert_eq!(
        fs::metadata(&to).unwrap().permissions().mode() & 0o777,
        0o444
    );
}

/// An archive sets the times of a directory that is unpacked.
#[cfg(unix)]
#[test]
fn the_time_of_modification_does_not_make_a_directory_a_leftover() {
    let directory = TempDir::new();
    let name = ".oras-00000000-0123456789abcdef.tmp";
    let staged = directory.path().join(name);
    fs::create_dir(&staged).unwrap();
    let opened = File::open(&staged).unwrap();
    opened.set_modified(std::time::UNIX_EPOCH).unwrap();
    drop(opened);
    remove_leftovers_in(directory.path(), |_| false);
    assert!(staged.exists());
}

/// The process that wrote the beginning may have had another umask, or have been killed when the
/// file had its final permissions.
#[cfg(unix)]
#[test]
fn a_continued_beginning_has_the_permissions_of_a_new_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new();
    let content = large();
    leave(directory.path(), &content, 100);
    let left = fs::read_dir(directory.path()).unwrap().next().unwrap();
    fs::set_permissions(left.unwrap().path(), fs::Permissions::from_mode(0o666)).unwrap();
    let new = TempFile::create_in(directory.path()).unwrap();
    let wanted = new.file.metadata().unwrap().permissions();

    let temp = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();

    assert_eq!(temp.kept_bytes(), 100);
    assert_eq!(temp.file.metadata().unwrap().permissions(), wanted);
}

/// The other name may be that of a complete file.
#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_not_continued() {
    let directory = TempDir::new();
    let content = large();
    leave(directory.path(), &content, 100);
    let left = fs::read_dir(directory.path()).unwrap().next().unwrap();
    let published = directory.path().join("published");
    fs::hard_link(left.unwrap().path(), &published).unwrap();

    let mut temp = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();
    temp.file().write_all(b"x").unwrap();

    assert_eq!(temp.kept_bytes(), 0);
    assert_eq!(fs::read(published).unwrap(), [7; 100]);
    assert_eq!(count(&directory), 2);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_not_continued() {
    let directory = TempDir::new();
    let content = large();
    let victim = directory.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    leave(directory.path(), &content, 100);
    let left = fs::read_dir(directory.path()).unwrap().flatten();
    let left = left.map(|entry| entry.path()).find(|path| *path != victim);
    let left = left.unwrap();
    fs::remove_file(&left).unwrap();
    std::os::unix::fs::symlink("victim", &left).unwrap();

    let temp = TempFile::create_in_for(directory.path(), Some(&content)).unwrap();

    assert_eq!(temp.kept_bytes(), 0);
    assert_eq!(fs::read(victim).unwrap(), b"precious");
}
