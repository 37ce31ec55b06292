//! Which content a deletion removes and keeps.

use super::attached::{index_of, list, names, stored, text};
use super::*;
use crate::text::json;

/// Pushes an artifact with these layers, and a subject if there is one.
fn artifact(
    directory: &Path,
    name: &str,
    layers: &[&str],
    subject: Option<&Descriptor>,
) -> Descriptor {
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| text(&stored(directory, MediaType::LAYER, layer.as_bytes())))
        .collect();
    let config = stored(directory, MediaType::EMPTY, b"{}");
    let subject = subject.map_or_else(String::new, |subject| {
        format!(r#","subject":{}"#, text(subject))
    });
    let bytes = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]{subject},"annotations":{{"name":"{name}"}}}}"#,
        text(&config),
        layers.join(",")
    );
    stored(directory, MediaType::IMAGE_MANIFEST, bytes.as_bytes())
}

/// Whether all of these exist, or none.
fn are_there(directory: &Path, contents: &[&Descriptor]) -> bool {
    let there: Vec<_> = contents
        .iter()
        .map(|content| blob_path(directory, content).exists())
        .collect();
    assert!(
        there.iter().all(|it| *it == there[0]),
        "some are there and some are not: {there:?}"
    );
    there[0]
}

fn listed(directory: &Path) -> Vec<(String, Option<String>)> {
    let index: serde_json::Value =
        serde_json::from_str(&read_text(directory.join("index.json"))).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let digest = entry["digest"].as_str().unwrap().to_owned();
            let tag = entry["annotations"][REF_NAME].as_str();
            (digest, tag.map(str::to_owned))
        })
        .collect()
}

fn entries(wanted: &[(&Descriptor, Option<&str>)]) -> Vec<(String, Option<String>)> {
    wanted
        .iter()
        .map(|(descriptor, tag)| (descriptor.digest.to_string(), tag.map(str::to_owned)))
        .collect()
}

fn delete(directory: &Path, target: &Descriptor) {
    let store = LayoutStore::create_or_open(directory).unwrap();
    store.delete(target).unwrap();
}

#[test]
fn parts_are_removed_unless_another_manifest_has_them() {
    let directory = TempDir::new();
    let root = directory.path();
    let one = artifact(root, "one", &["a", "shared"], None);
    let two = artifact(root, "two", &["b", "shared"], None);
    list(
        root,
        &[(&one, Some("v1")), (&two, None), (&one, Some("v2"))],
    );

    delete(root, &one);

    assert!(!are_there(root, &[&one, &blob(b"a")]));
    assert!(are_there(root, &[&two, &blob(b"b"), &blob(b"shared")]));
    assert_eq!(listed(root), entries(&[(&two, None)]));

    delete(root, &two);

    let left = fs::read_dir(root.join("blobs/sha256")).unwrap();
    assert_eq!(left.count(), 0);
    assert_eq!(fs::read(root.join("index.json")).unwrap(), INDEX_OF_NOTHING);
}

#[test]
fn unrelated_content_is_kept() {
    let directory = TempDir::new();
    let root = directory.path();
    let unrelated = stored(root, MediaType::LAYER, b"unrelated");
    let one = artifact(root, "one", &["a"], None);
    list(root, &[(&one, None)]);

    delete(root, &one);

    assert!(are_there(root, &[&unrelated]));
}

#[test]
fn parts_that_are_tagged_or_listed_are_kept() {
    let directory = TempDir::new();
    let root = directory.path();
    let one = artifact(root, "one", &["tagged", "listed", "a"], None);
    let (tagged, plain) = (blob(b"tagged"), blob(b"listed"));
    list(root, &[(&one, None), (&tagged, Some("v1")), (&plain, None)]);

    delete(root, &one);

    assert!(are_there(root, &[&tagged, &plain]));
    assert!(!are_there(root, &[&one, &blob(b"a")]));
}

/// A regression: deleting the only referrer once deleted the subject and all its content.
#[test]
fn the_subject_is_kept() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = artifact(root, "subject", &["a"], None);
    let signature = artifact(root, "signature", &["b"], Some(&subject));
    list(root, &[(&subject, None), (&signature, None)]);

    delete(root, &signature);

    assert!(are_there(root, &[&subject, &blob(b"a")]));
    assert!(!are_there(root, &[&signature, &blob(b"b")]));
    assert_eq!(listed(root), entries(&[(&subject, None)]));
}

#[test]
fn referrers_are_removed_recursively() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = artifact(root, "subject", &["a"], None);
    let signature = artifact(root, "signature", &["b"], Some(&subject));
    let further = artifact(root, "further", &["c"], Some(&signature));
    let other = artifact(root, "other", &["d"], None);
    list(
        root,
        &[
            (&further, None),
            (&other, None),
            (&signature, None),
            (&subject, Some("v1")),
        ],
    );

    delete(root, &subject);

    assert!(!are_there(
        root,
        &[
            &subject,
            &blob(b"a"),
            &signature,
            &blob(b"b"),
            &further,
            &blob(b"c")
        ]
    ));
    assert!(are_there(root, &[&other, &blob(b"d")]));
    assert_eq!(listed(root), entries(&[(&other, None)]));
}

#[test]
fn referrers_with_a_tag_or_in_an_index_are_kept_with_their_content() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = artifact(root, "subject", &["a"], None);
    let tagged = artifact(root, "tagged", &["b"], Some(&subject));
    let collected = artifact(root, "collected", &["c"], Some(&subject));
    let below = artifact(root, "below", &["d"], Some(&tagged));
    let collection = index_of(root, &[&collected], None, "collection");
    list(
        root,
        &[
            (&subject, Some("v1")),
            (&tagged, Some("signature")),
            (&collected, None),
            (&below, None),
            (&collection, None),
        ],
    );

    delete(root, &subject);

    assert!(!are_there(root, &[&subject, &blob(b"a")]));
    assert!(are_there(
        root,
        &[
            &tagged,
            &blob(b"b"),
            &collected,
            &blob(b"c"),
            &below,
            &blob(b"d"),
            &collection
        ]
    ));
    let store = LayoutStore::open(root).unwrap();
    assert_eq!(names(&store, &tagged), ["below"]);
}

#[test]
fn manifests_of_an_index_are_removed_unless_needed_elsewhere() {
    let directory = TempDir::new();
    let root = directory.path();
    let [alone, tagged, shared, signed] =
        ["alone", "tagged", "shared", "signed"].map(|name| artifact(root, name, &[name], None));
    let signature = artifact(root, "signature", &[], Some(&signed));
    let index = index_of(root, &[&alone, &tagged, &shared, &signed], None, "index");
    let other = index_of(root, &[&shared], None, "other");
    list(
        root,
        &[
            (&alone, None),
            (&tagged, Some("v1")),
            (&shared, None),
            (&signed, None),
            (&signature, None),
            (&index, Some("all")),
            (&other, None),
        ],
    );

    delete(root, &index);

    assert!(!are_there(root, &[&index, &alone, &blob(b"alone")]));
    assert!(are_there(
        root,
        &[
            &tagged,
            &blob(b"tagged"),
            &shared,
            &blob(b"shared"),
            &signed,
            &blob(b"signed"),
            &signature
        ]
    ));
    assert_eq!(
        listed(root),
        entries(&[
            (&tagged, Some("v1")),
            (&shared, None),
            (&signed, None),
            (&signature, None),
            (&other, None)
        ])
    );
}

#[test]
fn unlisted_manifests_follow_the_same_rules() {
    let directory = TempDir::new();
    let root = directory.path();
    let [alone, shared] =
        ["alone", "shared"].map(|name| artifact(root, name, &[name, "both"], None));
    let inner = index_of(root, &[&alone, &shared], None, "inner");
    let index = index_of(root, &[&inner], None, "index");
    let other = index_of(root, &[&shared], None, "other");
    list(root, &[(&index, Some("v1")), (&other, Some("v2"))]);

    delete(root, &index);

    assert!(!are_there(root, &[&index, &inner, &alone, &blob(b"alone")]));
    assert!(are_there(
        root,
        &[&other, &shared, &blob(b"shared"), &blob(b"both")]
    ));
}

#[test]
fn content_in_use_cannot_be_deleted() {
    let directory = TempDir::new();
    let root = directory.path();
    let one = artifact(root, "one", &["a"], None);
    let index = index_of(root, &[&one], None, "index");
    list(root, &[(&index, Some("v1")), (&one, Some("v2"))]);
    let before = read_text(root.join("index.json"));
    let store = LayoutStore::create_or_open(root).unwrap();

    for (target, user) in [(&one, &index), (&blob(b"a"), &one)] {
        let error = store.delete(target).unwrap_err();

        assert!(matches!(
            error,
            Error::Conflict {
                conflict: crate::error::Conflict::ReferencedBy(_),
                ..
            }
        ));
        assert_eq!(
            error.to_string(),
            format!("{} is still in use by {}", target.digest, user.digest)
        );
    }

    assert!(are_there(root, &[&one, &index, &blob(b"a")]));
    assert_eq!(read_text(root.join("index.json")), before);
}

#[test]
fn a_manifest_that_lost_its_entry_or_its_file_can_be_deleted() {
    let directory = TempDir::new();
    let root = directory.path();
    let unlisted = artifact(root, "unlisted", &["a"], None);
    let missing = artifact(root, "missing", &["b"], None);
    fs::remove_file(blob_path(root, &missing)).unwrap();
    list(root, &[(&missing, Some("v1"))]);

    delete(root, &unlisted);
    delete(root, &missing);

    assert!(!are_there(root, &[&unlisted, &blob(b"a")]));
    assert!(listed(root).is_empty());
    assert!(are_there(root, &[&blob(b"b")]), "its users are unknown");
    let store = LayoutStore::create_or_open(root).unwrap();
    assert!(store.delete(&missing).unwrap_err().is_not_found());
}

#[test]
fn an_unreadable_manifest_limits_the_deletion_to_the_target() {
    let directory = TempDir::new();
    let root = directory.path();
    let one = artifact(root, "one", &["a"], None);
    let signature = artifact(root, "signature", &["b"], Some(&one));
    let damaged = artifact(root, "damaged", &["a", "b"], None);
    fs::write(blob_path(root, &damaged), "x").unwrap();
    list(root, &[(&one, None), (&signature, None), (&damaged, None)]);

    delete(root, &one);

    assert!(!are_there(root, &[&one]));
    assert!(are_there(root, &[&signature, &blob(b"a"), &blob(b"b")]));

    delete(root, &damaged);
    assert_eq!(listed(root), entries(&[(&signature, None)]));
}

#[test]
fn deletion_keeps_all_other_entries() {
    let directory = TempDir::new();
    let root = directory.path();
    let [one, two] = ["one", "two"].map(|name| artifact(root, name, &[], None));
    LayoutStore::create_or_open(root).unwrap();
    let entry = |descriptor: &Descriptor| {
        format!(
            r#"{{"x": 1.50,{}"#,
            text(descriptor).trim_start_matches('{')
        )
    };
    let index = |entries: &[String]| {
        format!(
            r#"{{"y":[ ],"manifests":[{}],"schemaVersion":2}}"#,
            entries.join(",")
        )
    };
    let bad = r#"{"digest":"blake3:00"}"#.to_owned();
    let before = index(&[bad.clone(), entry(&one), entry(&two)]);
    fs::write(root.join("index.json"), before).unwrap();

    delete(root, &one);

    assert_eq!(
        read_text(root.join("index.json")),
        index(&[bad, entry(&two)])
    );
}

#[test]
fn a_read_only_layout_refuses_deletion() {
    let directory = TempDir::new();
    let root = directory.path();
    let one = artifact(root, "one", &["a"], None);
    list(root, &[(&one, Some("v1"))]);
    let store = LayoutStore::open(root).unwrap();

    for result in [store.delete(&one), store.untag("v1")] {
        assert!(matches!(result, Err(Error::Unsupported { .. })));
    }

    assert!(are_there(root, &[&one, &blob(b"a")]));
}

#[test]
fn listing_fails_if_pushed_content_was_removed() {
    let directory = TempDir::new();
    let root = directory.path();
    let old = artifact(root, "old", &["shared"], None);
    list(root, &[(&old, None)]);
    let pusher = LayoutStore::create_or_open(root).unwrap();
    let pushed = pusher.push(&blob(b"shared"), &mut b"shared".as_slice());
    assert_eq!(pushed.unwrap(), Pushed::AlreadyThere);

    delete(root, &old);

    let (manifest, bytes) = manifest("new");
    let error = pusher.push(&manifest, &mut bytes.as_slice()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: not found: it was removed before it was listed",
            blob(b"shared").digest
        )
    );
    assert!(listed(root).is_empty());

    // The second attempt succeeds.
    pusher
        .push(&blob(b"shared"), &mut b"shared".as_slice())
        .unwrap();
    pusher.push(&manifest, &mut bytes.as_slice()).unwrap();
    assert_eq!(listed(root), entries(&[(&manifest, None)]));
}

#[test]
fn listed_manifests_are_complete_under_concurrent_pushes_and_deletions() {
    const ROUNDS: usize = 30;
    let directory = TempDir::new();
    let root = &directory.path().join("layout");
    let shared = blob(b"shared");
    std::thread::scope(|scope| {
        for number in 0..4 {
            let shared = &shared;
            scope.spawn(move || {
                let store = LayoutStore::create_or_open(root).unwrap();
                let bytes = format!(
                    r#"{{"schemaVersion":2,"config":{},"layers":[],"annotations":{{"name":"{number}"}}}}"#,
                    String::from_utf8(json::to_vec(shared)).unwrap()
                );
                let manifest = Descriptor::of(MediaType::IMAGE_MANIFEST, bytes.as_bytes());
                for _ in 0..ROUNDS {
                    loop {
                        store.push(shared, &mut b"shared".as_slice()).unwrap();
                        match store.push(&manifest, &mut bytes.as_bytes()) {
                            Ok(_) => break,
                            Err(error) => assert!(error.is_not_found(), "{error}"),
                        }
                    }
                    assert!(store.exists(shared).unwrap(), "what is listed is complete");
                    store.delete(&manifest).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read(root.join("index.json")).unwrap(), INDEX_OF_NOTHING);
}
