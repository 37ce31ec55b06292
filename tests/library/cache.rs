//! The cache: stored content, hits, and that no cache error makes a read fail.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use oras::layout::LayoutStore;
use oras::layout::cache::Cache;
use oras::store::memory::MemoryStore;
use oras::store::{Source, TagLister as _, Target as _};
use oras::{Descriptor, Digest, Error, MediaType};

use crate::setup::{HELLO, blob, client, hello, text};
use crate::support::registry::{Fault, TestRegistry, on};
use crate::support::rng::Rng;
use crate::support::tempdir::TempDir;
use crate::support::tree;

const LIMIT: u64 = 10_000_000;
const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn index() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_INDEX, INDEX)
}

/// A registry with `hello` and a tagged index, and the directory of a cache.
struct Setting {
    registry: TestRegistry,
    temporary: TempDir,
    /// Errors that the listeners were notified of.
    errors: Arc<Mutex<Vec<String>>>,
}

impl Setting {
    fn new() -> Self {
        let registry = TestRegistry::start();
        registry.seed_blob("a", b"hello");
        registry.seed_manifest(
            "a",
            "application/vnd.oci.image.index.v1+json",
            INDEX,
            Some("v1"),
        );
        Self {
            registry,
            temporary: TempDir::new(),
            errors: Arc::default(),
        }
    }

    fn directory(&self) -> PathBuf {
        self.temporary.join("cache")
    }

    /// Opens the cache as a new process does.
    fn cache(&self) -> Cache {
        let errors = Arc::clone(&self.errors);
        let cache = Cache::open(self.directory()).unwrap();
        cache.on_failure(move |error| errors.lock().unwrap().push(text(error)))
    }

    /// Reads content through a new cache.
    fn read(&self, target: &Descriptor) -> Result<Vec<u8>, Error> {
        self.with(&self.cache(), |source| {
            source.fetch(target)?.read_all(LIMIT)
        })
    }

    fn with<T>(&self, cache: &Cache, work: impl FnOnce(&dyn Source) -> T) -> T {
        let client = client();
        let repository = client.repository(&self.registry.reference("a")).unwrap();
        work(&cache.over(&repository))
    }

    /// Takes the requests since the last call, without the parts that all have.
    fn requests(&self) -> Vec<String> {
        let log = self.registry.log();
        self.registry.clear_log();
        let shorten = |line: String| {
            line.replace(" (no authorization)", "")
                .replace(HELLO, "{hello}")
                .replace(index().digest.as_str(), "{index}")
        };
        log.into_iter().map(shorten).collect()
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        let name = format!("blobs/{}/{}", digest.algorithm(), digest.encoded());
        self.directory().join(name)
    }

    /// Temporary files in the scratch directory.
    fn scratch(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory().join("ingest"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[track_caller]
    fn assert_notified(&self, expected: &[&str]) {
        let errors = self.errors.lock().unwrap();
        let errors: Vec<_> = errors
            .iter()
            .map(|line| line.replace(&self.directory().display().to_string(), "[cache]"))
            .collect();
        assert_eq!(errors, expected);
    }
}

#[test]
fn cached_content_is_not_requested_again() {
    let setting = Setting::new();

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    assert_eq!(setting.requests(), ["GET /v2/a/blobs/{hello}"]);

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    let exists = setting.with(&setting.cache(), |source| source.exists(&hello()));
    assert!(exists.unwrap());
    assert_eq!(setting.requests(), [""; 0]);
    setting.assert_notified(&[]);
}

#[test]
fn references_are_always_resolved_by_the_source() {
    let setting = Setting::new();
    let (tag, digest) = ("v1", index().digest.to_string());
    let read = |reference: &str| {
        setting.with(&setting.cache(), |source| {
            source.fetch_manifest_by_reference(reference, LIMIT)
        })
    };

    assert_eq!(read(&digest).unwrap().bytes(), INDEX);
    assert_eq!(setting.requests(), ["GET /v2/a/manifests/{index}"]);
    assert_eq!(read(&digest).unwrap().bytes(), INDEX);
    // Cached content is not downloaded.
    assert_eq!(setting.requests(), ["HEAD /v2/a/manifests/{index}"]);
    assert_eq!(read(tag).unwrap().bytes(), INDEX);
    assert_eq!(setting.requests(), ["GET /v2/a/manifests/v1"]);

    let other = br#"{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}"#;
    let media_type = MediaType::IMAGE_INDEX;
    setting
        .registry
        .seed_manifest("a", media_type.as_str(), other, Some("v1"));
    assert_eq!(read(tag).unwrap().bytes(), other, "the tag was moved");

    setting
        .registry
        .inject(on("*", "/v2/a/manifests/*").error(403, "DENIED", "not for you"));
    let error = read(&digest).unwrap_err();
    assert!(text(&error).contains("not for you"), "{error:?}");
}

#[test]
fn a_cached_blob_is_only_resolved_by_the_source() {
    let setting = Setting::new();
    let client = client();
    let repository = client.repository(&setting.registry.reference("a"));
    let blobs = repository.unwrap().into_blobs();
    let read = || {
        let cache = setting.cache();
        let source = cache.over(&blobs);
        let (found, reader) = source.fetch_reference(HELLO, LIMIT)?;
        Ok::<_, Error>((found, reader.read_all(LIMIT)?))
    };

    assert_eq!(read().unwrap(), (hello(), b"hello".to_vec()));
    assert_eq!(setting.requests(), ["GET /v2/a/blobs/{hello}"]);
    assert_eq!(read().unwrap(), (hello(), b"hello".to_vec()));
    assert_eq!(setting.requests(), ["HEAD /v2/a/blobs/{hello}"]);

    break_file(&setting.file(&hello().digest), b"hellO");
    assert_eq!(read().unwrap(), (hello(), b"hello".to_vec()));
    let twice = ["HEAD /v2/a/blobs/{hello}", "GET /v2/a/blobs/{hello}"];
    assert_eq!(setting.requests(), twice);
}

/// Corrupts a response.
type Wrong = fn(Fault) -> Fault;

#[test]
fn wrong_responses_to_head_are_ignored() {
    let manifest_path = format!("/v2/a/manifests/{}", index().digest);
    let blob_path = format!("/v2/a/blobs/{HELLO}");
    let faults: [(&str, Wrong); 5] = [
        ("404", |fault| fault.status(404)),
        ("403", |fault| fault.status(403)),
        ("another size", |fault| fault.wrong_length(1)),
        ("another digest", Fault::wrong_digest_header),
        ("a web page", |fault| {
            fault.header("Content-Type", "text/html")
        }),
    ];
    for (name, fault) in faults {
        let setting = Setting::new();
        let client = client();
        let repository = client.repository(&setting.registry.reference("a")).unwrap();
        let blobs = client.repository(&setting.registry.reference("a"));
        let blobs = blobs.unwrap().into_blobs();
        for path in [&manifest_path, &blob_path] {
            setting.registry.inject(fault(on("HEAD", path)));
        }
        for warmth in ["cold", "warm", "warm"] {
            let cache = setting.cache();
            let source = cache.over(&blobs);
            let (found, reader) = source.fetch_reference(HELLO, LIMIT).unwrap();
            assert_eq!(
                (found.digest, found.size),
                (hello().digest, 5),
                "{name}, {warmth}"
            );
            assert_eq!(
                reader.read_all(LIMIT).unwrap(),
                b"hello",
                "{name}, {warmth}"
            );

            let digest = index().digest.to_string();
            let manifest = cache
                .over(&repository)
                .fetch_manifest_by_reference(&digest, LIMIT);
            let manifest = manifest.unwrap();
            assert_eq!(*manifest.descriptor(), index(), "{name}, {warmth}");
            assert_eq!(manifest.bytes(), INDEX, "{name}, {warmth}");
        }
        setting.assert_notified(&[]);
    }
}

#[test]
fn content_is_renamed_after_its_last_byte() {
    let setting = Setting::new();
    let bytes = Rng::new(1).bytes(1_000_000);
    setting.registry.seed_blob("a", &bytes);
    let (target, cache) = (blob(&bytes), setting.cache());
    let file = setting.file(&target.digest);

    setting.with(&cache, |source| {
        let mut reader = source.fetch(&target).unwrap();
        let mut begin = vec![0; bytes.len() - 1];
        reader.read_exact(&mut begin).unwrap();
        assert!(!file.exists());
        assert_eq!(setting.scratch().len(), 1);

        reader.read_exact(&mut [0]).unwrap();
    });

    assert!(fs::read(&file).unwrap() == bytes);
    assert!(setting.scratch().is_empty());
    assert_eq!(setting.registry.log().len(), 1, "it was streamed once");
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o444);
}

#[test]
fn partly_read_content_is_discarded() {
    let setting = Setting::new();
    setting.with(&setting.cache(), |source| {
        let mut reader = source.fetch(&hello()).unwrap();
        reader.read_exact(&mut [0; 4]).unwrap();
        drop(reader);
    });
    assert!(!setting.file(&hello().digest).exists());
    assert!(setting.scratch().is_empty());
    setting.assert_notified(&[]);
}

#[test]
fn wrong_content_is_not_cached() {
    let setting = Setting::new();
    let path = format!("/v2/a/blobs/{HELLO}");
    setting.registry.inject(on("GET", &path).flip_byte(1));

    let error = setting.read(&hello()).unwrap_err();

    assert!(error.is_verification(), "{error:?}");
    assert!(!setting.file(&hello().digest).exists());
    assert!(setting.scratch().is_empty());
    setting.registry.heal();
    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
}

/// Writes to a read-only file.
fn break_file(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_file_is_fetched_again_and_replaced() {
    for (name, bytes) in [
        ("flipped", &b"hellO"[..]),
        ("truncated", b"hell"),
        ("longer", b"hello!"),
        ("emptied", b""),
    ] {
        let setting = Setting::new();
        let file = setting.file(&hello().digest);
        setting.read(&hello()).unwrap();
        break_file(&file, bytes);
        setting.requests();

        assert_eq!(setting.read(&hello()).unwrap(), b"hello", "{name}");

        assert_eq!(setting.requests(), ["GET /v2/a/blobs/{hello}"], "{name}");
        assert_eq!(fs::read(&file).unwrap(), b"hello", "{name}");
        setting.assert_notified(&[]);
    }
}

#[test]
fn a_damaged_manifest_is_fetched_again_and_replaced() {
    let setting = Setting::new();
    let read = || {
        setting.with(&setting.cache(), |source| {
            let manifest = source.fetch_manifest(&index(), LIMIT).unwrap();
            assert_eq!(manifest.bytes(), INDEX);
        });
    };
    read();
    let file = setting.file(&index().digest);
    break_file(&file, &INDEX.to_ascii_uppercase());
    setting.requests();

    read();
    assert_eq!(setting.requests(), ["GET /v2/a/manifests/{index}"]);
    assert_eq!(fs::read(&file).unwrap(), INDEX);
    read();
    assert_eq!(setting.requests(), [""; 0]);
    setting.assert_notified(&[]);
}

/// Replaces a file with something else.
#[cfg(unix)]
type Replacement = Box<dyn Fn(&Path)>;

#[cfg(unix)]
#[test]
fn special_files_are_replaced_without_opening_them() {
    use std::os::unix::fs::symlink;

    let setting = Setting::new();
    let file = setting.file(&hello().digest);
    let other = setting.temporary.write("other", "hellO");
    let links = |to: PathBuf| move |file: &Path| symlink(&to, file).unwrap();
    let replacements: [(&str, Replacement); 5] = [
        ("a link to nowhere", Box::new(links("nowhere".into()))),
        ("a link to itself", Box::new(links(file.clone()))),
        ("a link to another file", Box::new(links(other.clone()))),
        (
            "a link to what has no end",
            Box::new(links("/dev/zero".into())),
        ),
        (
            "a pipe",
            Box::new(|file| {
                let made = std::process::Command::new("mkfifo").arg(file).status();
                assert!(made.unwrap().success());
            }),
        ),
    ];
    for (name, replace) in replacements {
        setting.read(&hello()).unwrap();
        fs::remove_file(&file).unwrap();
        replace(&file);

        assert_eq!(setting.read(&hello()).unwrap(), b"hello", "{name}");

        let metadata = fs::symlink_metadata(&file).unwrap();
        assert!(metadata.is_file(), "{name}");
        assert_eq!(fs::read(&file).unwrap(), b"hello", "{name}");
        assert_eq!(fs::read(&other).unwrap(), b"hellO", "{name}");
    }
    setting.assert_notified(&[]);
}

#[test]
fn an_irreplaceable_entry_is_reported_and_read_from_the_source() {
    let setting = Setting::new();
    let file = setting.file(&hello().digest);
    fs::create_dir_all(file.join("something")).unwrap();

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");

    let name = format!(
        "rename to [cache]/blobs/sha256/{}",
        hello().digest.encoded()
    );
    setting.assert_notified(&[&format!("{name}: is a directory")]);
    assert!(setting.scratch().is_empty());
}

#[test]
fn a_change_during_the_read_is_detected() {
    let setting = Setting::new();
    setting.read(&hello()).unwrap();
    let file = setting.file(&hello().digest);
    // The same file, written in place, not a new file of its name.
    break_file(&file, b"hello");

    let error = setting.with(&setting.cache(), |source| {
        let reader = source.fetch(&hello()).unwrap();
        fs::write(&file, b"hellO").unwrap();
        reader.read_all(LIMIT).unwrap_err()
    });

    assert!(error.is_verification(), "{error:?}");
    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
}

#[test]
fn write_errors_are_reported_once() {
    let setting = Setting::new();
    // A file in place of the directory stops privileged users as well.
    setting.temporary.write("cache/ingest", "");
    let other = setting.registry.seed_blob("a", b"other");
    let other = Descriptor::new(MediaType::OCTET_STREAM, other.parse().unwrap(), 5);
    let cache = setting.cache();

    setting.with(&cache, |source| {
        for (target, bytes) in [(hello(), &b"hello"[..]), (other, b"other")] {
            let read = source.fetch(&target).unwrap().read_all(LIMIT).unwrap();
            assert_eq!(read, bytes);
        }
        let manifest = source.fetch_manifest_by_reference("v1", LIMIT).unwrap();
        assert_eq!(manifest.bytes(), INDEX);
    });

    drop(cache);
    let errors = setting.errors.lock().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn a_cache_is_read_after_a_write_error() {
    let setting = Setting::new();
    setting.read(&hello()).unwrap();
    fs::remove_dir(setting.directory().join("ingest")).unwrap();
    setting.temporary.write("cache/ingest", "");
    setting.requests();

    let cache = setting.cache();
    setting.with(&cache, |source| {
        source.fetch_manifest_by_reference("v1", LIMIT).unwrap();
        let read = source.fetch(&hello()).unwrap().read_all(LIMIT).unwrap();
        assert_eq!(read, b"hello");
    });

    assert_eq!(setting.requests(), ["GET /v2/a/manifests/v1"]);
}

#[test]
fn a_path_that_is_not_a_directory_is_refused() {
    let temporary = TempDir::new();
    let file = temporary.write("file", "x");
    for path in [file.clone(), file.join("below")] {
        let error = Cache::open(&path).unwrap_err();
        let expected = format!("mkdir {}: not a directory", path.display());
        assert_eq!(text(&error), expected);
    }
    assert_eq!(fs::read(file).unwrap(), b"x");
}

#[test]
fn without_a_cache_everything_comes_from_the_source() {
    let setting = Setting::new();
    let cache = Cache::none().on_failure(|error| panic!("{error:?}"));
    for _ in 0..2 {
        setting.with(&cache, |source| {
            let read = source.fetch(&hello()).unwrap().read_all(LIMIT).unwrap();
            assert_eq!(read, b"hello");
            source.fetch_manifest_by_reference("v1", LIMIT).unwrap();
        });
        let both = ["GET /v2/a/blobs/{hello}", "GET /v2/a/manifests/v1"];
        assert_eq!(setting.requests(), both);
    }
}

#[test]
fn content_has_the_media_type_of_the_request() {
    let setting = Setting::new();
    setting.read(&hello()).unwrap();
    let mut asked = Descriptor::new(MediaType::from("a/b"), hello().digest, 5);
    asked.annotations.insert("name".into(), "value".into());
    setting.requests();

    setting.with(&setting.cache(), |source| {
        let reader = source.fetch(&asked).unwrap();
        assert_eq!(*reader.descriptor(), asked);
        assert_eq!(reader.read_all(LIMIT).unwrap(), b"hello");
        let manifest = source.fetch_manifest(&asked, LIMIT).unwrap();
        assert_eq!(*manifest.descriptor(), asked);
    });

    assert_eq!(setting.requests(), [""; 0]);
}

#[test]
fn the_cache_is_a_layout_that_lists_its_manifests() {
    let setting = Setting::new();
    let cache = setting.cache();
    setting.with(&cache, |source| {
        source.fetch_manifest_by_reference("v1", LIMIT).unwrap();
        source.fetch(&hello()).unwrap().read_all(LIMIT).unwrap();
        // The index is expensive to write, so it is written at the end.
        let layout = LayoutStore::create_or_open(setting.directory()).unwrap();
        assert!(!layout.exists(&index()).unwrap());
    });
    drop(cache);

    let layout = LayoutStore::create_or_open(setting.directory()).unwrap();
    assert!(layout.exists(&index()).unwrap(), "it is listed");
    assert!(layout.exists(&hello()).unwrap());
    layout.tags(None, &mut |tags| panic!("{tags:?}")).unwrap();
    let text = fs::read_to_string(setting.directory().join("index.json")).unwrap();
    let (digest, size) = (index().digest, index().size);
    assert_eq!(
        text,
        format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"{digest}","size":{size}}}]}}"#
        )
    );
}

#[test]
fn a_layout_can_be_used_as_a_cache() {
    let setting = Setting::new();
    let layout = LayoutStore::create_or_open(setting.directory()).unwrap();
    layout.push(&hello(), &mut &b"hello"[..]).unwrap();
    layout
        .push_reference(&index(), &mut &*INDEX, "mine")
        .unwrap();
    let before = fs::read(setting.directory().join("index.json")).unwrap();

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    setting.with(&setting.cache(), |source| {
        source.fetch_manifest(&index(), LIMIT).unwrap();
    });

    assert_eq!(setting.requests(), [""; 0]);
    let after = fs::read(setting.directory().join("index.json")).unwrap();
    assert_eq!(after, before);
    assert_eq!(layout.resolve("mine").unwrap().digest, index().digest);
}

#[test]
fn many_manifests_take_few_writes_of_the_index() {
    let setting = Setting::new();
    let source = MemoryStore::new();
    let manifests: Vec<_> = (0..1500)
        .map(|number| {
            let bytes =
                format!(r#"{{"schemaVersion":2,"manifests":[],"annotations":{{"n":"{number}"}}}}"#);
            let target = Descriptor::of(MediaType::IMAGE_INDEX, bytes.as_bytes());
            source.push(&target, &mut bytes.as_bytes()).unwrap();
            target
        })
        .collect();
    let listed = || {
        let text = fs::read_to_string(setting.directory().join("index.json")).unwrap();
        text.matches("sha256:").count()
    };
    let cache = setting.cache();
    let mut seen = std::collections::BTreeSet::new();
    for target in &manifests {
        cache.over(&source).fetch_manifest(target, LIMIT).unwrap();
        seen.insert(listed());
    }
    drop(cache);
    seen.insert(listed());
    assert_eq!(Vec::from_iter(seen), [0, 1024, 1500]);
    setting.assert_notified(&[]);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;

    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
#[test]
fn a_new_directory_is_accessible_only_to_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;

    let setting = Setting::new();
    drop(setting.cache());
    assert!(!setting.directory().exists(), "nothing to keep yet");
    setting.read(&hello()).unwrap();
    assert_eq!(mode(&setting.directory()), 0o700);

    let shared = fs::Permissions::from_mode(0o755);
    fs::set_permissions(setting.directory(), shared).unwrap();
    setting.with(&setting.cache(), |source| {
        source.fetch_manifest_by_reference("v1", LIMIT).unwrap();
    });
    assert_eq!(mode(&setting.directory()), 0o755, "it was there");
}

#[test]
fn the_directory_can_be_deleted_while_it_is_in_use() {
    let setting = Setting::new();
    let cache = setting.cache();
    let delete = || fs::remove_dir_all(setting.directory()).unwrap();
    setting.with(&cache, |source| {
        source.fetch_manifest_by_reference("v1", LIMIT).unwrap();
        delete();
        let mut reader = source.fetch(&hello()).unwrap();
        delete();
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, b"hello");
        assert!(!setting.file(&hello().digest).exists());

        let read = source.fetch(&hello()).unwrap().read_all(LIMIT).unwrap();
        assert_eq!(read, b"hello");
    });
    #[cfg(unix)]
    {
        // An open file stays readable.
        setting.requests();
        setting.with(&cache, |source| {
            let reader = source.fetch(&hello()).unwrap();
            delete();
            assert_eq!(reader.read_all(LIMIT).unwrap(), b"hello");
        });
        assert_eq!(setting.requests(), [""; 0]);
    }
    drop(cache);
    setting.assert_notified(&[]);
    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    assert!(setting.file(&hello().digest).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn abandoned_files_are_removed_by_the_next_writer() {
    let setting = Setting::new();
    // The name is that of a process of this host.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let name = format!(".oras-{}-0123456789abcdef.tmp", &boot[..8]);
    let left = setting.temporary.write(format!("cache/ingest/{name}"), "x");
    let foreign = setting.temporary.write("cache/ingest/2cf24dba_1234", "x");

    setting.read(&hello()).unwrap();

    assert!(!left.exists());
    assert!(foreign.exists());
    assert_eq!(setting.scratch(), [foreign]);
}

#[test]
fn a_cache_in_front_of_a_cache_fills_both() {
    let setting = Setting::new();
    let near = Cache::open(setting.temporary.join("near")).unwrap();
    setting.with(&setting.cache(), |far| {
        let source = near.over(far);
        let read = source.fetch(&hello()).unwrap().read_all(LIMIT).unwrap();
        assert_eq!(read, b"hello");
    });

    let name = format!("blobs/sha256/{}", hello().digest.encoded());
    for directory in ["near", "cache"] {
        let file = setting.temporary.join(directory).join(&name);
        assert_eq!(fs::read(file).unwrap(), b"hello", "{directory}");
    }
}

#[test]
fn content_read_in_pieces_is_cached_completely() {
    let setting = Setting::new();
    let bytes = Rng::new(2).bytes(3_000_000);
    let path = format!("/v2/a/blobs/{}", setting.registry.seed_blob("a", &bytes));
    let fault = on("GET", &path).times(1).close_after(1_500_000);
    setting.registry.inject(fault);

    assert!(setting.read(&blob(&bytes)).unwrap() == bytes);

    assert_eq!(setting.requests().len(), 2, "the beginning, and the rest");
    assert!(fs::read(setting.file(&blob(&bytes).digest)).unwrap() == bytes);
    assert!(setting.read(&blob(&bytes)).unwrap() == bytes);
    assert_eq!(setting.requests(), [""; 0]);
}

#[test]
fn concurrent_readers_cache_content_once() {
    let setting = Setting::new();
    let (one, other) = (setting.cache(), setting.cache());
    let client = client();
    let repository = client.repository(&setting.registry.reference("a")).unwrap();
    let (one, other) = (one.over(&repository), other.over(&repository));

    let mut first = one.fetch(&hello()).unwrap();
    first.read_exact(&mut [0; 2]).unwrap();
    let second = other.fetch(&hello()).unwrap();
    assert_eq!(second.read_all(LIMIT).unwrap(), b"hello");
    first.read_exact(&mut [0; 3]).unwrap();

    let blobs = setting.directory().join("blobs/sha256");
    let hex = hello().digest.encoded().to_owned();
    tree::assert_tree(&blobs, &[tree::file(&hex, "hello").mode(0o444)]);
    assert!(setting.scratch().is_empty());
}
