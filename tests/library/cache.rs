//! The cache: what is kept, what comes from it, and that it never makes anything fail.

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

/// A registry with `hello` and a tagged index, and a directory that is to be a cache.
struct Setting {
    registry: TestRegistry,
    temporary: TempDir,
    /// What listeners were told.
    told: Arc<Mutex<Vec<String>>>,
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
            told: Arc::default(),
        }
    }

    fn directory(&self) -> PathBuf {
        self.temporary.join("cache")
    }

    /// A cache as a new process has it.
    fn cache(&self) -> Cache {
        let told = Arc::clone(&self.told);
        let cache = Cache::open(self.directory()).unwrap();
        cache.on_failure(move |error| told.lock().unwrap().push(text(error)))
    }

    /// What a new process reads through the cache.
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

    /// The requests since the last look, without what is the same of all.
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

    /// What is half-written.
    fn scratch(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory().join("ingest"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[track_caller]
    fn was_told(&self, expected: &[&str]) {
        let told = self.told.lock().unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|line| line.replace(&self.directory().display().to_string(), "[cache]"))
            .collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn what_was_read_is_not_asked_for_again() {
    let setting = Setting::new();

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    assert_eq!(setting.requests(), ["GET /v2/a/blobs/{hello}"]);

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    let exists = setting.with(&setting.cache(), |source| source.exists(&hello()));
    assert!(exists.unwrap());
    assert_eq!(setting.requests(), [""; 0]);
    setting.was_told(&[]);
}

#[test]
fn what_a_name_stands_for_is_always_asked_of_the_source() {
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
    // What is here need not be sent.
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
fn a_blob_that_is_here_is_only_resolved_at_the_source() {
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

/// Makes an answer wrong.
type Wrong = fn(Fault) -> Fault;

#[test]
fn a_registry_that_answers_head_badly_is_read_as_without_a_cache() {
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
        setting.was_told(&[]);
    }
}

#[test]
fn content_gets_its_name_with_its_last_byte() {
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
fn what_is_not_read_to_its_end_is_forgotten() {
    let setting = Setting::new();
    setting.with(&setting.cache(), |source| {
        let mut reader = source.fetch(&hello()).unwrap();
        reader.read_exact(&mut [0; 4]).unwrap();
        drop(reader);
    });
    assert!(!setting.file(&hello().digest).exists());
    assert!(setting.scratch().is_empty());
    setting.was_told(&[]);
}

#[test]
fn wrong_content_is_not_kept() {
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

/// Writes to a file that nobody should write to.
fn break_file(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_broken_file_is_fetched_again_and_replaced() {
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
        setting.was_told(&[]);
    }
}

#[test]
fn a_broken_manifest_is_fetched_again_and_replaced() {
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
    setting.was_told(&[]);
}

/// Puts something in the place of a file.
#[cfg(unix)]
type Replacement = Box<dyn Fn(&Path)>;

#[cfg(unix)]
#[test]
fn what_is_no_file_is_replaced_and_never_waited_for() {
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
    setting.was_told(&[]);
}

#[test]
fn what_cannot_be_replaced_is_told_and_read_from_the_source() {
    let setting = Setting::new();
    let file = setting.file(&hello().digest);
    fs::create_dir_all(file.join("something")).unwrap();

    assert_eq!(setting.read(&hello()).unwrap(), b"hello");

    let name = format!(
        "rename to [cache]/blobs/sha256/{}",
        hello().digest.encoded()
    );
    setting.was_told(&[&format!("{name}: is a directory")]);
    assert!(setting.scratch().is_empty());
}

#[test]
fn a_file_that_changes_while_it_is_read_is_found_out() {
    let setting = Setting::new();
    setting.read(&hello()).unwrap();
    let file = setting.file(&hello().digest);
    // The same file, open for writing: not a new one of its name.
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
fn a_cache_that_cannot_be_written_is_told_of_once() {
    let setting = Setting::new();
    // What is in the way stops even those who have all rights.
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
    let told = setting.told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_cache_that_cannot_be_written_any_more_is_still_read() {
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
fn what_is_no_directory_is_no_cache() {
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
fn content_is_of_the_type_that_is_asked_for() {
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
        // That takes time, so it is done at the end.
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
fn a_layout_is_a_cache_of_what_it_has() {
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
fn many_manifests_cost_few_writes_of_the_index() {
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
    setting.was_told(&[]);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;

    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_made_is_for_its_owner_only() {
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
fn the_directory_can_be_deleted_while_it_is_used() {
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
        // An open file can still be read.
        setting.requests();
        setting.with(&cache, |source| {
            let reader = source.fetch(&hello()).unwrap();
            delete();
            assert_eq!(reader.read_all(LIMIT).unwrap(), b"hello");
        });
        assert_eq!(setting.requests(), [""; 0]);
    }
    drop(cache);
    setting.was_told(&[]);
    assert_eq!(setting.read(&hello()).unwrap(), b"hello");
    assert!(setting.file(&hello().digest).exists());
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next_that_writes() {
    let setting = Setting::new();
    let left = setting
        .temporary
        .write("cache/ingest/oras-0123456789abcdef.part", "x");
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
fn what_came_in_pieces_is_kept_whole() {
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
fn what_two_read_at_once_is_kept_once() {
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
