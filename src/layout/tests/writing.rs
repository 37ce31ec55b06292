//! Files on the disk after writing.

use std::time::Duration;

use super::*;
use crate::http::clock::Clock as _;

/// Content that must not be opened.
struct Unneeded;

impl Content for Unneeded {
    fn open(&mut self) -> Result<Box<dyn io::Read + Send + '_>> {
        panic!("the content is there already")
    }
}

/// The command `oras push --oci-layout d:v1 hello.txt --artifact-type application/vnd.example+type
/// --annotation org.opencontainers.image.created=2000-01-01T00:00:00Z` of oras 1.3.3 leaves these
/// files.
#[test]
fn a_push_writes_the_files_of_the_original() {
    let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.example+type","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447","size":12,"annotations":{"org.opencontainers.image.title":"hello.txt"}}],"annotations":{"org.opencontainers.image.created":"2000-01-01T00:00:00Z"}}"#;
    let mut descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, manifest);
    descriptor.artifact_type = Some(MediaType::from("application/vnd.example+type"));
    descriptor.annotations.insert(
        "org.opencontainers.image.created".to_owned(),
        "2000-01-01T00:00:00Z".to_owned(),
    );
    let untagged = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:0c7892b25f47b6c5109a00befdcd3b5616ed397d9677180e3f2e20b7cb92b5a9","size":581,"annotations":{"org.opencontainers.image.created":"2000-01-01T00:00:00Z"},"artifactType":"application/vnd.example+type"}]}"#;
    let tagged = untagged.replace(
        r#"Z"},"#,
        r#"Z","org.opencontainers.image.ref.name":"v1"},"#,
    );
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();

    let pushed = store.push(&blob(b"hello world\n"), &mut b"hello world\n".as_slice());
    assert_eq!(pushed.unwrap(), Pushed::Stored);
    let index = directory.path().join("index.json");
    assert_eq!(fs::read(&index).unwrap(), INDEX_OF_NOTHING);
    store.push(&descriptor, &mut manifest.as_slice()).unwrap();
    assert_eq!(read_text(&index), untagged);
    store.tag(&descriptor, "v1").unwrap();
    assert_eq!(read_text(&index), tagged);

    let path = blob_path(directory.path(), &blob(b"hello world\n"));
    assert_eq!(read_text(&path), "hello world\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o444);
        let ingest = fs::read_dir(directory.path().join("ingest")).unwrap();
        assert_eq!(ingest.count(), 0);
    }

    let other = TempDir::new();
    let store = LayoutStore::create_or_open(other.path()).unwrap();
    store
        .push_reference(&descriptor, &mut manifest.as_slice(), "v1")
        .unwrap();
    assert_eq!(read_text(other.path().join("index.json")), tagged);
}

#[test]
fn existing_content_is_not_read_again() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let (descriptor, bytes) = manifest("a");
    for (descriptor, bytes) in [(descriptor, bytes), (blob(b"hello"), b"hello".to_vec())] {
        assert_eq!(
            store.push(&descriptor, &mut bytes.as_slice()).unwrap(),
            Pushed::Stored
        );
        assert!(store.exists(&descriptor).unwrap());
        assert_eq!(
            store.push(&descriptor, &mut Unneeded).unwrap(),
            Pushed::AlreadyThere
        );
    }
}

#[test]
fn a_manifest_without_an_entry_is_listed_again() {
    let directory = TempDir::new();
    let (descriptor, bytes) = manifest("a");
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    store.push(&descriptor, &mut bytes.as_slice()).unwrap();
    let index = directory.path().join("index.json");
    let listed = fs::read(&index).unwrap();
    fs::write(&index, INDEX_OF_NOTHING).unwrap();

    assert!(!store.exists(&descriptor).unwrap());
    let reader = LayoutStore::open(directory.path()).unwrap();
    assert!(reader.exists(&descriptor).unwrap());
    let pushed = store.push(&descriptor, &mut Unneeded).unwrap();
    assert_eq!(pushed, Pushed::AlreadyThere);
    assert_eq!(fs::read(&index).unwrap(), listed);
}

#[test]
fn a_damaged_file_is_replaced() {
    let (descriptor, bytes) = manifest("a");
    let same_size = vec![b'x'; bytes.len()];
    for (descriptor, good, bad) in [
        (blob(b"hello"), b"hello".to_vec(), &b"hell"[..]),
        (blob(b"hello"), b"hello".to_vec(), b""),
        (descriptor, bytes, &same_size),
    ] {
        let directory = TempDir::new();
        let store = LayoutStore::create_or_open(directory.path()).unwrap();
        store.push(&descriptor, &mut good.as_slice()).unwrap();
        let path = blob_path(directory.path(), &descriptor);
        overwrite(&path, bad);
        assert_eq!(
            store.push(&descriptor, &mut good.as_slice()).unwrap(),
            Pushed::Stored
        );
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

#[test]
fn content_with_another_digest_is_not_stored() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let (expected, _) = manifest("a");
    for content in [&b""[..], b"short", &[b'x'; 1000]] {
        let error = store.push(&expected, &mut &*content).unwrap_err();
        assert!(error.is_verification(), "{error}");
        assert!(!blob_path(directory.path(), &expected).exists());
        let ingest = fs::read_dir(directory.path().join("ingest")).unwrap();
        assert_eq!(ingest.count(), 0);
    }
    let index = directory.path().join("index.json");
    assert_eq!(fs::read(index).unwrap(), INDEX_OF_NOTHING);
}

#[test]
fn an_interrupted_push_is_cleaned_up_by_the_next_one() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let left = directory.path().join("ingest").join(leftover_name());
    fs::write(&left, "hel").unwrap();
    LayoutStore::open(directory.path()).unwrap();
    assert!(left.exists(), "reading changes nothing");
    store
        .push(&blob(b"hello"), &mut b"hello".as_slice())
        .unwrap();
    assert!(!left.exists());
}

#[test]
fn concurrent_pushes_lose_no_tag() {
    const PUSHERS: usize = 20;
    let directory = TempDir::new();
    let root = directory.path().join("layout");
    std::thread::scope(|scope| {
        for number in 0..PUSHERS {
            let root = &root;
            scope.spawn(move || {
                // Each thread has a store of its own, like a process.
                let store = LayoutStore::create_or_open(root).unwrap();
                let (descriptor, bytes) = manifest(&format!("{}", number % 7));
                store
                    .push(&blob(b"shared"), &mut b"shared".as_slice())
                    .unwrap();
                store.push(&descriptor, &mut bytes.as_slice()).unwrap();
                store.tag(&descriptor, &format!("v{number:02}")).unwrap();
            });
        }
    });
    let store = LayoutStore::open(&root).unwrap();
    let wanted: Vec<_> = (0..PUSHERS).map(|number| format!("v{number:02}")).collect();
    assert_eq!(tags(&store, None), wanted);
    assert_eq!(fs::read_dir(root.join("ingest")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.join("blobs/sha256")).unwrap().count(), 8);
}

#[test]
fn the_index_keeps_its_mode() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = TempDir::new();
        let store = LayoutStore::create_or_open(directory.path()).unwrap();
        let index = directory.path().join("index.json");
        fs::set_permissions(&index, fs::Permissions::from_mode(0o660)).unwrap();
        let (descriptor, bytes) = manifest("a");
        store.push(&descriptor, &mut bytes.as_slice()).unwrap();
        let mode = fs::metadata(&index).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
    }
}

#[test]
fn the_scratch_directory_is_removed_unless_it_is_in_use() {
    let directory = TempDir::new();
    let (store, ingest) = (
        LayoutStore::create_or_open(directory.path()).unwrap(),
        directory.path().join("ingest"),
    );
    store.push(&blob(b"hello"), &mut &b"hello"[..]).unwrap();
    assert!(ingest.is_dir());
    fs::write(ingest.join(leftover_name()), "abandoned").unwrap();
    store.remove_scratch();
    assert!(!ingest.exists());

    store.push(&blob(b"other"), &mut &b"other"[..]).unwrap();
    fs::write(ingest.join("of another tool"), "").unwrap();
    store.remove_scratch();
    assert!(ingest.join("of another tool").exists());

    // A read-only store changes nothing.
    LayoutStore::open(directory.path())
        .unwrap()
        .remove_scratch();
    assert!(ingest.exists());
}

/// File systems may have written the names of the files before their content.
#[test]
fn files_that_a_power_failure_emptied_are_created_again() {
    for emptied in [
        &["oci-layout"][..],
        &["index.json"],
        &["oci-layout", "index.json"],
    ] {
        let directory = TempDir::new();
        LayoutStore::create_or_open(directory.path()).unwrap();
        let empty = |age: Duration| {
            for name in emptied {
                let path = directory.path().join(name);
                fs::write(&path, "").unwrap();
                let file = fs::File::options().write(true).open(path).unwrap();
                let now = crate::http::clock::SystemClock.now();
                file.set_modified(now.checked_sub(age).unwrap()).unwrap();
            }
        };
        // Another tool may be about to write it.
        empty(Duration::from_secs(1));
        LayoutStore::create_or_open(directory.path()).unwrap_err();
        empty(Duration::from_secs(3600));
        LayoutStore::open(directory.path()).unwrap_err();
        assert_eq!(read_text(directory.path().join(emptied[0])), "");
        LayoutStore::create_or_open(directory.path()).unwrap();
        LayoutStore::open(directory.path()).unwrap();
    }
}
