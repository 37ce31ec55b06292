//! Manifests and indexes: their bytes stay as they are, and what is parsed and written again is the
//! same.

use std::time::UNIX_EPOCH;

use oras::index::{UpdateOptions, update};
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::pack::{PackOptions, pack};
use oras::referrers::Referrer;
use oras::store::memory::MemoryStore;
use oras::store::{Source, Target};
use oras::{Manifest, MediaType, RawManifest};

use super::check_error;

/// Parses bytes as each kind of manifest, and edits them as an index.
pub(super) fn manifests(bytes: &[u8]) {
    if let Err(error) = RawManifest::media_type_in(bytes) {
        check_error(&error);
    }
    for media_type in [
        MediaType::IMAGE_MANIFEST,
        MediaType::IMAGE_INDEX,
        MediaType::DOCKER_MANIFEST,
        MediaType::DOCKER_MANIFEST_LIST,
        MediaType::ARTIFACT_MANIFEST,
    ] {
        let manifest = RawManifest::new(media_type, bytes.to_vec());
        assert_eq!(manifest.bytes(), bytes);
        assert!(manifest.descriptor().digest.matches(bytes));
        match manifest.view() {
            Ok(view) => check_view(&manifest, view),
            Err(error) => {
                check_error(&error);
                assert!(manifest.successors().is_err());
            }
        }
    }
    update_index(bytes);
}

fn check_view(manifest: &RawManifest, view: &Manifest) {
    let successors = manifest.successors().expect("those of the view");
    let is_docker = manifest.descriptor().media_type.is_docker();
    if let Some(subject) = view.subject().filter(|_| !is_docker) {
        assert!(successors.iter().any(|it| it.is_same_content(subject)));
    }
    let referrer = Referrer::from_manifest(manifest).expect("a valid manifest");
    if let Some(referrer) = referrer {
        assert_eq!(Some(&referrer.subject), view.subject());
        assert!(referrer.descriptor.is_same_content(manifest.descriptor()));
        assert_eq!(&referrer.descriptor.annotations, view.annotations());
    }
    if let Manifest::Image(image) = view {
        let written = RawManifest::from(image);
        let again = RawManifest::new(MediaType::IMAGE_MANIFEST, written.bytes().to_vec());
        match again.view() {
            Ok(Manifest::Image(again)) => assert_eq!(again, image),
            other => panic!("{other:?}"),
        }
    }
}

/// Adds a manifest to an index.
fn update_index(bytes: &[u8]) {
    let store = MemoryStore::new();
    let push = |manifest: &RawManifest, tag: &str| {
        let pushed = store.push_reference(manifest.descriptor(), &mut &*manifest, tag);
        pushed.is_ok()
    };
    let mut options = PackOptions::default();
    options.artifact_type = Some("a/b".into());
    let artifact = pack(&store, options, UNIX_EPOCH).expect("an empty artifact");
    let index = RawManifest::new(MediaType::IMAGE_INDEX, bytes.to_vec());
    if !push(&index, "index") || !push(&artifact, "artifact") {
        return;
    }
    let mut options = UpdateOptions::default();
    options.add.push("artifact".to_owned());
    let updated = match update(&store, "index", options) {
        Ok(updated) => updated,
        Err(error) => return check_error(&error),
    };
    let before = index.successors().expect("it was read");
    let after = updated.successors().expect("it was written");
    assert!(before.iter().all(|it| after.contains(it)), "{updated:?}");
    let added = artifact.descriptor();
    assert!(after.iter().any(|it| it.is_same_content(added)));
    assert!(updated.descriptor().size <= MAX_MANIFEST_BYTES);
    assert!(store.exists(index.descriptor()).expect("in memory"));
}
