//! Pushing streams: their position among the files, and stores that need the digest in advance.

use std::io::{self, Read};
use std::path::Path;

use oras::Descriptor;
use oras::descriptor::TITLE;
use oras::error::IoOp;
use oras::layout::LayoutStore;
use oras::progress::Event;
use oras::push::{PushFile, PushOptions, PushStream, push};
use oras::store::content::{Content, VerifyReader};
use oras::store::memory::MemoryStore;
use oras::store::{Pushed, Source, Target};
use oras::{Annotations, Error, MediaType, RawManifest, Result};

use crate::observers::collecting;
use crate::setup::{client, text};
use crate::support::registry::{RegistryProfile, TestRegistry};
use crate::support::tempdir::TempDir;

fn titled(title: &str) -> Annotations {
    [(TITLE.to_owned(), title.to_owned())].into()
}

fn stream(index: usize, title: &str, content: &'static str) -> PushStream<'static> {
    updated!(PushStream {
        index,
        annotations: titled(title),
        ..PushStream::new("", content.as_bytes())
    })
}

fn options(streams: Vec<PushStream<'_>>) -> PushOptions<'_> {
    updated!(PushOptions {
        artifact_type: Some("a/b".into()),
        streams,
        ..PushOptions::default()
    })
}

fn layers(manifest: &RawManifest) -> Vec<Descriptor> {
    let image = match manifest.view().unwrap() {
        oras::Manifest::Image(image) => image,
        other => panic!("{other:?}"),
    };
    image.layers.clone()
}

fn titles(manifest: &RawManifest) -> Vec<String> {
    layers(manifest)
        .iter()
        .map(|layer| layer.title().unwrap_or("-").to_owned())
        .collect()
}

/// A store with the required methods only, as a user may implement it. It needs every digest in
/// advance.
#[derive(Default)]
struct MinimalStore(MemoryStore);

impl Source for MinimalStore {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve(reference)
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.0.fetch(target)
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        self.0.exists(target)
    }
}

impl Target for MinimalStore {
    fn push(&self, expected: &Descriptor, content: &mut dyn Content) -> Result<Pushed> {
        self.0.push(expected, content)
    }

    fn tag(&self, target: &Descriptor, reference: &str) -> Result<()> {
        self.0.tag(target, reference)
    }
}

#[test]
fn a_stream_becomes_the_layer_at_its_index() {
    let directory = TempDir::new();
    let file = |name: &str| {
        let mut file = oras::push::PushFile::from(directory.write(name, name));
        file.annotations = titled(name);
        file
    };
    for (index, wanted) in [
        (0, ["stream", "one", "two"]),
        (1, ["one", "stream", "two"]),
        (2, ["one", "two", "stream"]),
        (100, ["one", "two", "stream"]),
    ] {
        let options = updated!(PushOptions {
            files: vec![file("one"), file("two")],
            ..options(vec![stream(index, "stream", "hello")])
        });
        let manifest = push(&MemoryStore::new(), Some("v1"), options).unwrap();
        assert_eq!(titles(&manifest), wanted, "{index}");
    }
}

#[test]
fn streams_are_sorted_by_their_index() {
    let store = MemoryStore::new();
    let streams = vec![
        stream(2, "c", "3"),
        stream(0, "a", "1"),
        stream(1, "b", "2"),
    ];

    let manifest = push(&store, Some("v1"), options(streams)).unwrap();

    assert_eq!(titles(&manifest), ["a", "b", "c"]);
    for (layer, content) in layers(&manifest).iter().zip([b"1", b"2", b"3"]) {
        assert_eq!(store.fetch(layer).unwrap().read_all(1).unwrap(), content);
    }
}

#[test]
fn a_stream_keeps_its_media_type_and_annotations() {
    let mut text_file = stream(0, "hello.txt", "hello");
    text_file.media_type = Some("text/plain".into());
    text_file.annotations.insert("k".to_owned(), "v".to_owned());

    let manifest = push(&MemoryStore::new(), Some("v1"), options(vec![text_file])).unwrap();

    let [layer] = &layers(&manifest)[..] else {
        panic!("not one layer");
    };
    let mut wanted = Descriptor::of(MediaType::from("text/plain"), b"hello");
    wanted.annotations = titled("hello.txt");
    wanted.annotations.insert("k".to_owned(), "v".to_owned());
    assert_eq!(*layer, wanted);
}

#[test]
fn a_stream_needs_a_temporary_file_only_if_the_store_needs_its_digest() {
    let nowhere = || Some(Path::new("/nowhere").to_owned());
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.join("layout")).unwrap();
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let stores: [&dyn Target; 3] = [&layout, &repository, &MemoryStore::new()];
    for store in stores {
        let options = updated!(PushOptions {
            temporary: nowhere(),
            ..options(vec![stream(0, "hello", "hello")])
        });
        push(store, Some("v1"), options).unwrap();
    }
    assert_eq!(
        std::fs::read_dir(directory.join("layout/ingest"))
            .unwrap()
            .count(),
        0,
        "temporary files of the layout"
    );

    let options = updated!(PushOptions {
        temporary: nowhere(),
        ..options(vec![stream(0, "hello", "hello")])
    });
    let error = push(&MinimalStore::default(), Some("v1"), options).unwrap_err();
    assert!(
        text(&error).starts_with("no temporary file for a stream: "),
        "{}",
        text(&error)
    );
}

#[test]
fn a_store_that_needs_digests_gets_streams_through_a_temporary_file() {
    let store = MinimalStore::default();
    let temporary = TempDir::new();
    let streams = vec![stream(0, "one", "hello"), stream(1, "two", "world")];
    let options = updated!(PushOptions {
        temporary: Some(temporary.path().to_owned()),
        ..options(streams)
    });

    let manifest = push(&store, Some("v1"), options).unwrap();

    assert_eq!(titles(&manifest), ["one", "two"]);
    for (layer, content) in layers(&manifest).iter().zip([b"hello", b"world"]) {
        assert_eq!(store.fetch(layer).unwrap().read_all(5).unwrap(), content);
    }
}

#[test]
fn a_stream_with_a_manifest_type_is_pushed_as_a_manifest() {
    let registry = TestRegistry::start_as(RegistryProfile {
        verifies_references: false,
        ..RegistryProfile::default()
    });
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let mut inner = stream(0, "index.json", index);
    inner.media_type = Some(MediaType::IMAGE_INDEX);

    push(&repository, Some("v1"), options(vec![inner])).unwrap();

    assert_eq!(registry.manifests("a").len(), 2);
}

#[test]
fn a_pushed_stream_causes_no_further_requests() {
    let registry = TestRegistry::start();
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    push(
        &repository,
        Some("v1"),
        options(vec![stream(0, "hello", "hello")]),
    )
    .unwrap();

    let methods: Vec<_> = registry
        .requests()
        .iter()
        .map(|request| request.method.clone())
        .collect();
    assert_eq!(
        methods,
        ["POST", "PUT", "POST", "PUT", "PUT"],
        "the stream, the config, the manifest: {:#?}",
        registry.log()
    );
}

#[test]
fn streams_are_reported_to_the_observer() {
    let (observer, events) = collecting(|event| {
        let name = |node: &Descriptor| node.title().unwrap_or("other").to_owned();
        Some(match *event {
            Event::Preparing(title) => format!("preparing {title}"),
            Event::Transferred(node) => format!("copied {}", name(node)),
            Event::Exists(node) => format!("existed {}", name(node)),
            _ => return None,
        })
    });
    let unnamed = updated!(PushStream {
        annotations: Annotations::new(),
        ..stream(2, "", "other")
    });
    let store = MemoryStore::new();
    let streams = vec![
        stream(0, "one", "hello"),
        stream(1, "two", "hello"),
        unnamed,
    ];
    let options = updated!(PushOptions {
        observer: Some(observer),
        ..options(streams)
    });
    push(&store, Some("v1"), options).unwrap();

    assert_eq!(
        events.take(),
        [
            "preparing one",
            "copied one",
            "preparing two",
            "existed two",
            "preparing -",
            "copied other",
            "copied other",
            "copied other",
        ],
        "then the config and the manifest"
    );
}

#[test]
fn the_title_of_a_stream_has_precedence_over_its_annotations() {
    for (title, annotations, wanted) in [
        ("one", Annotations::new(), "one"),
        ("one", titled("two"), "one"),
        ("", titled("two"), "two"),
        ("", Annotations::new(), "-"),
    ] {
        let mut stream = PushStream::new(title, &b"hello"[..]);
        stream.annotations = annotations;
        let manifest = push(&MemoryStore::new(), None, options(vec![stream])).unwrap();
        assert_eq!(titles(&manifest), [wanted], "{title}");
    }
}

#[test]
fn duplicate_titles_are_refused_before_a_stream_is_read() {
    struct UnreadStream;
    impl Read for UnreadStream {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("it was read")
        }
    }
    let unread = || {
        updated!(PushStream {
            reader: Box::new(UnreadStream),
            ..stream(0, "same", "")
        })
    };
    let directory = TempDir::new();
    let mut file = oras::push::PushFile::from(directory.write("same", ""));
    file.annotations = titled("same");
    for options in [
        options(vec![unread(), unread()]),
        updated!(PushOptions {
            files: vec![file],
            ..options(vec![unread()])
        }),
        updated!(PushOptions {
            files: vec!["missing".into()],
            ..options(vec![unread()])
        }),
    ] {
        match push(&MemoryStore::new(), Some("v1"), options) {
            Err(Error::Conflict {
                name,
                conflict: oras::error::Conflict::DuplicateName,
                ..
            }) => assert_eq!(name, "same"),
            Err(Error::Io { operation, .. }) => assert_eq!(operation, IoOp::Stat),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_stream_that_fails_sets_no_tag() {
    struct FailingReader;
    impl Read for FailingReader {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no more"))
        }
    }
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.join("layout")).unwrap();
    let memory = MemoryStore::new();
    let plain = MinimalStore::default();
    let stores: [&dyn Target; 3] = [&layout, &memory, &plain];
    for store in stores {
        let failing = updated!(PushStream {
            reader: Box::new(b"hello".chain(FailingReader)),
            ..stream(0, "hello", "")
        });
        let error = push(store, Some("v1"), options(vec![failing])).unwrap_err();
        assert_eq!(text(&error), "read stream: no more");
        assert!(store.resolve("v1").unwrap_err().is_not_found());
    }
    assert!(!directory.join("layout/blobs/sha256").exists());
}

#[test]
fn a_memory_store_limits_the_size_of_a_stream() {
    let store = MemoryStore::new().max_content_bytes(4);
    let mut stream = &b"hello"[..];

    match store.push_stream(&MediaType::LAYER, &mut stream) {
        Err(Error::TooLarge { limit: 4, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn titles_are_given_or_follow_from_the_path() {
    let directory = TempDir::new();
    let path = directory.write("a.txt", "a");
    let store = MemoryStore::new();
    let mut titled = PushFile::from(&path);
    titled.title = Some("docs/b.txt".into());
    let mut options = PushOptions::default();
    options.files = vec![path.into(), titled, PushFile::bytes("c.txt", "c")];
    options.config = Some(PushFile::bytes("", "{}"));
    options.artifact_type = Some("test/artifact".into());

    let manifest = push(&store, Some("v1"), options).unwrap();

    let successors = manifest.successors().unwrap();
    let titles: Vec<_> = successors.iter().map(Descriptor::title).collect();
    let wanted = [None, Some("a.txt"), Some("docs/b.txt"), Some("c.txt")];
    assert_eq!(titles, wanted, "the config has no title");
    let contents = successors.iter().map(|node| {
        let reader = store.fetch(node).unwrap();
        String::from_utf8(reader.read_all(node.size).unwrap()).unwrap()
    });
    assert_eq!(contents.collect::<Vec<_>>(), ["{}", "a", "a", "c"]);
    assert_eq!(successors[0].media_type, MediaType::UNKNOWN_CONFIG);
    assert_eq!(successors[3].media_type, MediaType::LAYER);
}

#[test]
fn titles_that_lead_out_are_refused_unless_they_are_allowed() {
    for title in ["/etc/a", "../a", "a/../../b"] {
        for allowed in [false, true] {
            let mut options = PushOptions::default();
            options.files = vec![PushFile::bytes(title, "a")];
            options.artifact_type = Some("test/artifact".into());
            options.allow_path_traversal = allowed;
            let pushed = push(&MemoryStore::new(), None, options);
            match pushed {
                Ok(_) => assert!(allowed, "{title}"),
                Err(Error::PathTraversal { name, .. }) if !allowed => assert_eq!(name, title),
                Err(error) => panic!("{title}: {error:?}"),
            }
        }
    }
}

/// No pull could write them.
#[test]
fn titles_of_temporary_files_are_refused() {
    let name = ".oras-00000000-0123456789abcdef.tmp";
    for title in [name.to_owned(), format!("a/{name}"), format!("{name}/a")] {
        let mut of_file = PushOptions::default();
        of_file.files = vec![PushFile::bytes(&title, "a")];
        of_file.artifact_type = Some("test/artifact".into());
        for options in [of_file, options(vec![stream(0, &title, "a")])] {
            let error = push(&MemoryStore::new(), None, options).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("invalid file name {title:?}: the name is reserved for temporary files")
            );
        }
    }
}
