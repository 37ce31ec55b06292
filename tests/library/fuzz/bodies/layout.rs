//! Layouts: reading changes nothing, a directory and a tar with the same files are the same
//! layout, and an edit keeps all other entries.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use oras::layout::{LayoutStore, LayoutTar};
use oras::store::{Delete, Inventory, TagLister, Target};
use oras::{Descriptor, Digest, Result};

use super::{check_error, parts};
use crate::support::tempdir::TempDir;

/// The longest content of a blob that is read.
const MAX_BLOB_BYTES: u64 = 1 << 20;

/// Opens the input as a tar, and its parts as `index.json` and as blobs.
pub(super) fn layout(input: &[u8]) {
    let root = TempDir::new();
    let path = root.write("layout.tar", input);
    match LayoutTar::open(path) {
        Ok(layout) => drop(read(&layout)),
        Err(error) => check_error(&error),
    }
    let mut parts = parts(input).into_iter();
    let mut files = BTreeMap::new();
    files.insert(
        "oci-layout".to_owned(),
        br#"{"imageLayoutVersion":"1.0.0"}"#.as_slice(),
    );
    files.insert("index.json".to_owned(), parts.next().unwrap_or_default());
    for blob in parts {
        files.insert(format!("blobs/sha256/{}", Digest::of(blob).encoded()), blob);
    }
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in &files {
        root.write(Path::new("layout").join(name), content);
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, *content)
            .expect("memory");
    }
    let tar = root.write("equal.tar", tar.into_inner().expect("memory"));
    let directory = root.join("layout");
    let from_directory = LayoutStore::open(&directory).and_then(|layout| read(&layout));
    let from_tar = LayoutTar::open(tar).and_then(|layout| read(&layout));
    match (from_directory, from_tar) {
        (Ok(from_directory), Ok(from_tar)) => {
            assert_eq!(from_directory, from_tar);
            edit(&directory, &from_directory);
        }
        (Err(from_directory), Err(from_tar)) => {
            check_error(&from_directory);
            check_error(&from_tar);
            for (name, content) in &files {
                assert_eq!(root.read(directory.join(name)), *content, "{name}");
            }
        }
        (from_directory, from_tar) => panic!("{from_directory:?} and {from_tar:?}"),
    }
}

/// The tags of a layout with their descriptors, or the errors of resolving them.
type Tags = BTreeMap<String, Option<Descriptor>>;

/// Reads everything to which tags refer.
fn read(layout: &dyn Inventory) -> Result<Tags> {
    let mut tags = Tags::new();
    for tag in list(layout)? {
        let descriptor = match layout.resolve(&tag) {
            Ok(descriptor) => {
                read_content(layout, &descriptor);
                Some(descriptor)
            }
            Err(error) => {
                check_error(&error);
                None
            }
        };
        tags.insert(tag, descriptor);
    }
    Ok(tags)
}

fn list(layout: &(impl TagLister + ?Sized)) -> Result<Vec<String>> {
    let mut tags = Vec::new();
    layout.tags(None, &mut |page| {
        tags.extend_from_slice(page);
        ControlFlow::Continue(())
    })?;
    Ok(tags)
}

fn read_content(layout: &dyn Inventory, descriptor: &Descriptor) {
    let content = layout.fetch(descriptor);
    match content.and_then(|reader| reader.read_all(MAX_BLOB_BYTES)) {
        Ok(content) => {
            assert_eq!(content.len() as u64, descriptor.size);
            assert!(descriptor.digest.matches(&content));
        }
        Err(error) => check_error(&error),
    }
    let mut seen = Vec::new();
    let listed = layout.referrers(descriptor, None, &mut |page| {
        seen.extend(page.iter().map(|it| it.digest.clone()));
        ControlFlow::Continue(())
    });
    if let Err(error) = listed {
        check_error(&error);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "a referrer was listed twice");
}

/// Adds a tag and removes it.
fn edit(directory: &Path, before: &Tags) {
    const TAG: &str = "a-new-tag";
    let Some(target) = before.values().flatten().next() else {
        return;
    };
    if before.contains_key(TAG) {
        return;
    }
    let index = || fs::read(directory.join("index.json")).expect("the index");
    let unchanged = index();
    let layout = match LayoutStore::create_or_open(directory) {
        Ok(layout) => layout,
        Err(error) => return check_error(&error),
    };
    if let Err(error) = layout.tag(target, TAG) {
        check_error(&error);
        assert_eq!(index(), unchanged);
        return;
    }
    let mut wanted: Vec<_> = before.keys().cloned().collect();
    wanted.push(TAG.to_owned());
    wanted.sort();
    let sorted = |layout: &LayoutStore| {
        let mut tags = list(layout).expect("a valid layout");
        tags.sort();
        tags
    };
    assert_eq!(sorted(&layout), wanted);
    layout.untag(TAG).expect("it exists");
    wanted.retain(|tag| tag != TAG);
    assert_eq!(sorted(&layout), wanted);
    drop(layout);
    let again = LayoutStore::open(directory).and_then(|layout| read(&layout));
    assert_eq!(again.expect("a valid layout"), *before);
}
