//! Opening layout directories, and reading from them.

use std::fs;
use std::path::Path;

use super::*;
use crate::error::IoOp;
use crate::fs::testing::{TempDir, leftover_name};
use crate::oci::{Algorithm, Digest, MediaType, REF_NAME};

mod attached;
mod deleting;
mod large;
mod writing;

const INDEX_OF_NOTHING: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn manifest(name: &str) -> (Descriptor, Vec<u8>) {
    let bytes = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[],"annotations":{{"name":"{name}"}}}}"#,
        MediaType::IMAGE_INDEX
    )
    .into_bytes();
    (Descriptor::of(MediaType::IMAGE_INDEX, &bytes), bytes)
}

fn blob(content: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::LAYER, content)
}

fn blob_path(directory: &Path, descriptor: &Descriptor) -> PathBuf {
    directory.join(reader::blob_name(&descriptor.digest))
}

fn read_text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

fn tags(store: &impl TagLister, last: Option<&str>) -> Vec<String> {
    let mut all = Vec::new();
    store
        .tags(last, &mut |page| {
            all.extend_from_slice(page);
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

fn overwrite(path: &Path, content: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn a_new_layout_has_the_files_of_the_specification() {
    let directory = TempDir::new();
    let root = directory.path().join("a/b");
    LayoutStore::create_or_open(&root).unwrap();
    assert_eq!(
        read_text(root.join("oci-layout")),
        r#"{"imageLayoutVersion":"1.0.0"}"#
    );
    assert_eq!(fs::read(root.join("index.json")).unwrap(), INDEX_OF_NOTHING);
    let mut names: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "ingest", "oci-layout"]);
}

#[test]
fn invalid_layouts_are_reported_with_the_messages_of_the_original() {
    for (header, index, wanted) in [
        (
            None,
            None,
            "OCI Image Layout: failed to open OCI layout file: open oci-layout: no such file or directory",
        ),
        (
            Some(r#"{"imageLayoutVersion":"2"}"#),
            None,
            "OCI Image Layout: unsupported version",
        ),
        (Some("{}"), None, "OCI Image Layout: unsupported version"),
        (
            Some(""),
            None,
            "OCI Image Layout: failed to decode OCI layout file: EOF while parsing a value at line 1 column 0",
        ),
        (
            Some(r#"{"imageLayoutVersion":"1.0.0","more":1}"#),
            None,
            "OCI Image Index: failed to open index file: open index.json: no such file or directory",
        ),
        (
            Some(r#"{"imageLayoutVersion":"1.0.0"}"#),
            Some(""),
            "OCI Image Index: failed to decode index file: EOF while parsing a value at line 1 column 0",
        ),
    ] {
        let directory = TempDir::new();
        for (name, content) in [("oci-layout", header), ("index.json", index)] {
            if let Some(content) = content {
                fs::write(directory.path().join(name), content).unwrap();
            }
        }
        let error = LayoutStore::open(directory.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("invalid {wanted}"));
    }
}

/// A link to itself fails for every user; a file without read permission does not fail for root.
#[test]
#[cfg(unix)]
fn unreadable_layouts_are_reported_like_invalid_ones() {
    for (name, wanted) in [
        (
            "oci-layout",
            "OCI Image Layout: failed to open OCI layout file",
        ),
        ("index.json", "OCI Image Index: failed to open index file"),
    ] {
        let directory = TempDir::new();
        LayoutStore::create_or_open(directory.path()).unwrap();
        let path = directory.path().join(name);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(name, &path).unwrap();
        let error = LayoutStore::open(directory.path()).unwrap_err();
        assert_eq!(
            error.chain().to_string(),
            format!("invalid {wanted}: open {name}: too many levels of symbolic links")
        );
        assert!(matches!(error.root(), Error::Io { .. }));
    }
}

#[test]
fn a_read_only_layout_creates_nothing_and_refuses_writes() {
    let directory = TempDir::new();
    let root = directory.path().join("none");
    assert!(matches!(
        LayoutStore::open(&root),
        Err(Error::Io {
            operation: IoOp::Stat,
            ..
        })
    ));
    assert!(!root.exists());

    LayoutStore::create_or_open(&root).unwrap();
    let store = LayoutStore::open(&root).unwrap();
    let (descriptor, bytes) = manifest("a");
    let refused = store.push(&descriptor, &mut bytes.as_slice());
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    assert_eq!(fs::read(root.join("index.json")).unwrap(), INDEX_OF_NOTHING);
}

#[test]
fn references_resolve_to_everything_that_is_known() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let (mut listed, bytes) = manifest("listed");
    listed.artifact_type = Some(MediaType::from("t/t"));
    store
        .push_reference(&listed, &mut bytes.as_slice(), "example.com/a:v1")
        .unwrap();
    let (unlisted, bytes) = manifest("unlisted");
    let typed = Descriptor::new(
        MediaType::OCTET_STREAM,
        unlisted.digest.clone(),
        unlisted.size,
    );
    store.push(&typed, &mut bytes.as_slice()).unwrap();
    let config = br#"{"mediaType":"application/json"}"#;
    store.push(&blob(config), &mut config.as_slice()).unwrap();

    let by_tag = store.resolve("example.com/a:v1").unwrap();
    assert_eq!(by_tag.annotations[REF_NAME], "example.com/a:v1");
    assert_eq!(by_tag.artifact_type, listed.artifact_type);
    let by_digest = |digest: &Digest| store.resolve(digest.as_str()).unwrap();
    assert_eq!(by_digest(&listed.digest), listed.plain());
    assert_eq!(by_digest(&unlisted.digest), unlisted);
    let opaque = blob(config);
    let opaque = Descriptor::new(MediaType::OCTET_STREAM, opaque.digest, opaque.size);
    assert_eq!(by_digest(&opaque.digest), opaque);

    // A corrupt manifest has no media type; reading it reports the damage.
    overwrite(
        &blob_path(directory.path(), &unlisted),
        &vec![b' '; bytes.len()],
    );
    assert_eq!(by_digest(&unlisted.digest), typed);
    assert!(
        store
            .fetch(&unlisted)
            .unwrap()
            .read_all(unlisted.size)
            .unwrap_err()
            .is_verification()
    );
}

#[test]
fn entries_without_a_media_type_get_the_type_of_their_manifest() {
    let layer = blob(b"hello");
    let image = format!(
        r#""config":null,"layers":[{}]"#,
        crate::text::json::edit::text_of(&layer)
    );
    for (content, wanted) in [
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}"#
                .to_owned(),
            MediaType::IMAGE_INDEX,
        ),
        (
            r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(),
            MediaType::IMAGE_INDEX,
        ),
        (
            format!(r#"{{"schemaVersion":2,{image}}}"#),
            MediaType::IMAGE_MANIFEST,
        ),
        (format!("{{{image}}}"), MediaType::default()),
        (
            r#"{"schemaVersion":2,"mediaType":"a/b"}"#.to_owned(),
            MediaType::default(),
        ),
        ("not JSON".to_owned(), MediaType::default()),
    ] {
        let directory = TempDir::new();
        let layout = LayoutStore::create_or_open(directory.path()).unwrap();
        let target = blob(content.as_bytes());
        layout.push(&target, &mut content.as_bytes()).unwrap();
        let Descriptor { digest, size, .. } = &target;
        for media_type in ["", r#""mediaType":null,"#, r#""mediaType":"","#] {
            let index = format!(
                r#"{{"manifests":[{{{media_type}"digest":"{digest}","size":{size},"annotations":{{"{REF_NAME}":"v1"}}}}]}}"#
            );
            fs::write(directory.path().join(reader::INDEX), index).unwrap();
            for reference in ["v1", digest.as_str()] {
                let resolved = layout.resolve(reference).unwrap();
                assert_eq!(resolved.media_type, wanted, "{content}: {media_type}");
                assert!(resolved.is_same_bytes(&target));
            }
        }
    }
}

#[test]
fn referrers_below_entries_without_a_media_type_are_found() {
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.path()).unwrap();
    let subject = blob(b"subject");
    let referrer = format!(
        r#"{{"schemaVersion":2,"manifests":[],"subject":{}}}"#,
        crate::text::json::edit::text_of(&subject)
    );
    let Descriptor { digest, size, .. } = blob(referrer.as_bytes());
    layout
        .push(&blob(referrer.as_bytes()), &mut referrer.as_bytes())
        .unwrap();
    let index = format!(r#"{{"manifests":[{{"digest":"{digest}","size":{size}}}]}}"#);
    fs::write(directory.path().join(reader::INDEX), index).unwrap();
    let mut found = Vec::new();
    layout
        .referrers(&subject, None, &mut |page| {
            found.extend(page.iter().map(|referrer| referrer.digest.clone()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(found, [digest]);
}

#[test]
fn missing_content_is_reported_with_the_messages_of_the_original() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let gone = blob(b"gone");
    for reference in ["v1", "sha256:12", "blake3:00", gone.digest.as_str()] {
        let error = store.resolve(reference).unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "not found");
    }
    let wanted = format!("{}: {}: not found", gone.digest, gone.media_type);
    assert_eq!(store.fetch(&gone).err().unwrap().to_string(), wanted);
    assert_eq!(store.tag(&gone, "v1").unwrap_err().to_string(), wanted);
}

#[test]
fn tags_of_missing_content_and_foreign_digests_as_tags_are_refused() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let (descriptor, bytes) = manifest("a");
    store.push(&descriptor, &mut bytes.as_slice()).unwrap();
    let other = blob(b"other").digest;
    for tag in ["", other.as_str()] {
        assert!(matches!(
            store.tag(&descriptor, tag),
            Err(Error::InvalidReference { .. })
        ));
    }
    store.tag(&descriptor, descriptor.digest.as_str()).unwrap();
    assert!(tags(&store, None).is_empty());
}

#[test]
fn tags_are_sorted_and_start_after_last() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    let (descriptor, bytes) = manifest("a");
    for tag in ["b", "c", "a", "b"] {
        store
            .push_reference(&descriptor, &mut bytes.as_slice(), tag)
            .unwrap();
    }
    assert_eq!(tags(&store, None), ["a", "b", "c"]);
    assert_eq!(tags(&store, Some("b")), ["c"]);
    assert!(tags(&store, Some("c")).is_empty());
}

/// A store that caches the index notices changes by other processes at once.
#[test]
fn writes_of_other_processes_are_visible_at_once() {
    let directory = TempDir::new();
    let writer = LayoutStore::create_or_open(directory.path()).unwrap();
    let reader = LayoutStore::open(directory.path()).unwrap();
    let index = directory.path().join("index.json");
    for name in ["a", "b", "c", "d"] {
        let (descriptor, bytes) = manifest(name);
        writer
            .push_reference(&descriptor, &mut bytes.as_slice(), "v1")
            .unwrap();
        assert_eq!(reader.resolve("v1").unwrap().digest, descriptor.digest);
        // As other tools write it: in place, and with the same length.
        let text = read_text(&index).replace("\"v1\"", "\"v2\"");
        fs::write(&index, text).unwrap();
        for store in [&reader, &writer] {
            assert_eq!(store.resolve("v2").unwrap().digest, descriptor.digest);
            assert!(store.resolve("v1").unwrap_err().is_not_found());
        }
    }
}

#[test]
fn every_digest_algorithm_is_supported() {
    let directory = TempDir::new();
    let store = LayoutStore::create_or_open(directory.path()).unwrap();
    for algorithm in Algorithm::ALL {
        let digest = Digest::with(algorithm, b"hello");
        let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, 5);
        store.push(&descriptor, &mut b"hello".as_slice()).unwrap();
        let found = store.resolve(descriptor.digest.as_str()).unwrap();
        assert_eq!(found, descriptor);
        assert_eq!(store.fetch(&found).unwrap().read_all(5).unwrap(), b"hello");
    }
}

#[test]
fn an_index_that_is_too_large_is_refused() {
    let directory = TempDir::new();
    LayoutStore::create_or_open(directory.path()).unwrap();
    let index = fs::File::create(directory.path().join("index.json")).unwrap();
    index.set_len(1 << 26).unwrap();
    let error = LayoutStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn stores_are_send() {
    fn is_send<T: Send>() {}
    is_send::<LayoutStore>();
    #[cfg(feature = "archive")]
    is_send::<LayoutTar>();
}
