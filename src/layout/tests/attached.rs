//! Finding referrers, also in layouts that other tools wrote.

use super::*;
use crate::oci::referrers_tag;
use crate::text::json;

/// Stores a manifest without an entry in `index.json`.
pub(super) fn stored(directory: &Path, media_type: MediaType, bytes: &[u8]) -> Descriptor {
    let descriptor = Descriptor::of(media_type, bytes);
    let path = blob_path(directory, &descriptor);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    descriptor
}

pub(super) fn text(descriptor: &Descriptor) -> String {
    String::from_utf8(json::to_vec(descriptor)).unwrap()
}

/// Returns an index of these manifests, with a subject if there is one.
pub(super) fn index_of(
    directory: &Path,
    entries: &[&Descriptor],
    subject: Option<&Descriptor>,
    name: &str,
) -> Descriptor {
    let entries: Vec<_> = entries.iter().map(|entry| text(entry)).collect();
    let subject = subject.map_or_else(String::new, |subject| {
        format!(r#","subject":{}"#, text(subject))
    });
    let bytes = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]{subject},"annotations":{{"name":"{name}"}}}}"#,
        entries.join(",")
    );
    stored(directory, MediaType::IMAGE_INDEX, bytes.as_bytes())
}

/// Writes an `index.json` with an entry for each, with a tag if there is one.
pub(super) fn list(directory: &Path, entries: &[(&Descriptor, Option<&str>)]) {
    LayoutStore::create_or_open(directory).unwrap();
    let mut index = Index::parse(Index::EMPTY.as_bytes()).unwrap();
    for (descriptor, tag) in entries {
        match tag {
            Some(tag) => index.tag(descriptor, tag),
            None => index.list(descriptor),
        }
    }
    fs::write(directory.join("index.json"), index.to_bytes()).unwrap();
}

/// Returns the names of the referrers of a subject, in their order.
pub(super) fn names(store: &impl Referrers, subject: &Descriptor) -> Vec<String> {
    let mut names = Vec::new();
    store
        .referrers(subject, None, &mut |page| {
            names.extend(page.iter().map(|found| found.annotations["name"].clone()));
            ControlFlow::Continue(())
        })
        .unwrap();
    names
}

#[test]
fn referrers_in_nested_indexes_are_found() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let unlisted = index_of(root, &[], Some(&subject), "unlisted");
    let inner = index_of(root, &[&unlisted], None, "inner");
    let outer = index_of(root, &[&inner], None, "outer");
    list(root, &[(&outer, None)]);

    let store = LayoutStore::open(root).unwrap();

    assert_eq!(names(&store, &subject), ["unlisted"]);
}

/// regclient keeps referrers in an index under a tag.
#[test]
fn referrers_in_a_tagged_referrers_index_are_found() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let [one, two] = ["one", "two"].map(|name| index_of(root, &[], Some(&subject), name));
    let attached = index_of(root, &[&one, &two], None, "list");
    let tag = referrers_tag(&subject.digest);
    list(root, &[(&subject, Some("v1")), (&attached, Some(&tag))]);

    let store = LayoutStore::open(root).unwrap();

    assert_eq!(names(&store, &subject), ["one", "two"]);
    assert_eq!(tags(&store, None), [tag.as_str(), "v1"]);
}

#[test]
fn referrers_have_the_order_of_the_index() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let [a, b, c] = ["a", "b", "c"].map(|name| index_of(root, &[], Some(&subject), name));
    list(root, &[(&c, None), (&a, Some("v1")), (&b, None)]);

    assert_eq!(
        names(&LayoutStore::open(root).unwrap(), &subject),
        ["c", "a", "b"]
    );
}

#[test]
fn missing_and_damaged_manifests_are_skipped() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let good = index_of(root, &[], Some(&subject), "good");
    let missing = index_of(root, &[], Some(&subject), "missing");
    fs::remove_file(blob_path(root, &missing)).unwrap();
    let damaged = index_of(root, &[], Some(&subject), "damaged");
    fs::write(blob_path(root, &damaged), "x").unwrap();
    let malformed = stored(root, MediaType::IMAGE_MANIFEST, b"{");
    let both = stored(
        root,
        MediaType::IMAGE_MANIFEST,
        br#"{"manifests":[],"config":{},"layers":[]}"#,
    );
    let large = Descriptor::of(MediaType::IMAGE_INDEX, b"large");
    let file = fs::File::create(blob_path(root, &large)).unwrap();
    file.set_len(1 << 32).unwrap();
    let directory_instead = Descriptor::of(MediaType::IMAGE_INDEX, b"directory");
    fs::create_dir(blob_path(root, &directory_instead)).unwrap();
    // Whatever size its descriptor has.
    let wrong_size = Descriptor { size: 1, ..good };
    list(
        root,
        &[
            (&missing, None),
            (&damaged, None),
            (&malformed, Some("v1")),
            (&both, None),
            (&large, None),
            (&directory_instead, None),
            (&wrong_size, None),
        ],
    );

    assert_eq!(names(&LayoutStore::open(root).unwrap(), &subject), ["good"]);
}

#[test]
fn new_and_repaired_referrers_are_found() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let one = index_of(root, &[], Some(&subject), "one");
    let good = fs::read(blob_path(root, &one)).unwrap();
    fs::write(blob_path(root, &one), "x").unwrap();
    list(root, &[(&one, None)]);
    let reader = LayoutStore::open(root).unwrap();
    assert!(names(&reader, &subject).is_empty());

    fs::write(blob_path(root, &one), good).unwrap();
    assert_eq!(names(&reader, &subject), ["one"]);

    let two = index_of(root, &[], Some(&subject), "two");
    let writer = LayoutStore::create_or_open(root).unwrap();
    let bytes = fs::read(blob_path(root, &two)).unwrap();
    writer.push(&two, &mut bytes.as_slice()).unwrap();
    for store in [&reader, &writer] {
        assert_eq!(names(store, &subject), ["one", "two"]);
    }
}

#[test]
fn formerly_missing_referrers_are_found() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let [one, two] = ["one", "two"].map(|name| index_of(root, &[], Some(&subject), name));
    list(root, &[(&one, None), (&two, None)]);
    let kept = root.join("kept");
    fs::rename(blob_path(root, &one), &kept).unwrap();
    let store = LayoutStore::open(root).unwrap();
    assert_eq!(names(&store, &subject), ["two"]);
    assert_eq!(names(&store, &subject), ["two"]);

    fs::rename(&kept, blob_path(root, &one)).unwrap();

    assert_eq!(names(&store, &subject), ["one", "two"]);
}

#[test]
fn deep_and_heavily_shared_graphs_are_walked_once() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let mut top = index_of(root, &[], Some(&subject), "bottom");
    for level in 0..2000 {
        top = index_of(root, &[&top, &top], Some(&top), &level.to_string());
    }
    list(root, &[(&top, None)]);

    assert_eq!(
        names(&LayoutStore::open(root).unwrap(), &subject),
        ["bottom"]
    );
}

#[test]
fn large_referrers_are_passed_in_pages() {
    let directory = TempDir::new();
    let root = directory.path();
    let subject = index_of(root, &[], None, "subject");
    let long = "x".repeat(1_500_000);
    let referrers: Vec<_> = (0..5)
        .map(|number| index_of(root, &[], Some(&subject), &format!("{number}{long}")))
        .collect();
    let entries: Vec<_> = referrers.iter().map(|entry| (entry, None)).collect();
    list(root, &entries);

    let mut pages = Vec::new();
    LayoutStore::open(root)
        .unwrap()
        .referrers(&subject, None, &mut |page| {
            pages.push(page.len());
            ControlFlow::Continue(())
        })
        .unwrap();

    assert_eq!(pages, [3, 2]);
}
