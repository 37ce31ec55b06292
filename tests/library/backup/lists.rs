//! Referrers tags in backups: referrers indexes are not artifacts, and their entries are backed up.

use super::*;

/// A registry without the referrers API, its client, and artifacts in the repository `a`.
fn setting() -> (TestRegistry, oras::registry::Client, Artifacts) {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let client = client();
    let artifacts = Artifacts::new();
    artifacts.push(&client.repository(&registry.reference("a")).unwrap());
    (registry, client, artifacts)
}

fn list_of_first() -> String {
    referrers_tag(&image("first", "").descriptor().digest)
}

#[test]
fn a_referrers_index_is_a_tag_of_a_backup_without_referrers_only() {
    let (registry, client, _) = setting();
    assert!(registry.tags("a").contains(&list_of_first()));
    let repository = client.repository(&registry.reference("a")).unwrap();

    for referrers in [true, false] {
        let options = updated!(BackupOptions {
            referrers,
            ..BackupOptions::default()
        });
        let archive = to_archive(&repository, &TempDir::new(), options);

        let mut tags = Vec::new();
        oras::store::TagLister::tags(&archive, None, &mut |page| {
            tags.extend_from_slice(page);
            ControlFlow::Continue(())
        })
        .unwrap();
        let all = registry.tags("a");
        assert!(all.contains(&list_of_first()));
        let wanted = if referrers {
            vec!["index".to_owned(), "latest".to_owned(), "v1".to_owned()]
        } else {
            all
        };
        assert_eq!(tags, wanted);
    }
}

/// The original writes such backups.
#[test]
fn referrers_tags_in_a_backup_are_not_restored_as_tags() {
    let (registry, client, artifacts) = setting();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.path()).unwrap();
    for tag in registry.tags("a") {
        let options = &mut copy::CopyOptions::default();
        copy::copy(&repository, &tag, &layout, Some(&tag), options).unwrap();
    }
    assert!(layout.resolve(&list_of_first()).is_ok());

    let other = TestRegistry::start();
    let target = client.repository(&other.reference("a")).unwrap();
    restore(&layout, &target, with_referrers(&[])).unwrap();
    assert_eq!(other.tags("a"), ["index", "latest", "v1"]);
    for manifest in &artifacts.attached {
        assert!(is_listed(&target, manifest));
    }

    // Without referrers, the referrers index is not restored either.
    let bare = TestRegistry::start_as(RegistryProfile::distribution());
    let target = client.repository(&bare.reference("a")).unwrap();
    restore(&layout, &target, BackupOptions::default()).unwrap();
    assert_eq!(bare.tags("a"), ["index", "latest", "v1"]);
    assert_eq!(bare.manifests("a").len(), 3);
}

#[test]
fn a_referrers_index_is_backed_up_if_its_tag_is_named() {
    let (registry, client, _) = setting();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let archive = to_archive(
        &repository,
        &TempDir::new(),
        updated!(BackupOptions {
            tags: vec![list_of_first()],
            ..BackupOptions::default()
        }),
    );
    assert_eq!(
        archive.resolve(&list_of_first()).unwrap().digest.as_str(),
        registry.resolve("a", &list_of_first()).unwrap()
    );
}

#[test]
fn referrers_of_untagged_manifests_are_backed_up() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let (old, new) = (image("old", ""), image("new", ""));
    let signature = attached("signature", "sig/a", old.descriptor());
    for manifest in [&old, &new, &signature] {
        push(&repository, manifest);
    }
    // The tag names another manifest now.
    repository.tag(old.descriptor(), "v1").unwrap();
    repository.tag(new.descriptor(), "v1").unwrap();
    let told = EventLog::default();

    let archive = to_archive(
        &repository,
        &TempDir::new(),
        updated!(BackupOptions {
            observer: Some(told.observer()),
            ..with_referrers(&[])
        }),
    );

    assert_eq!(
        told.lines_with(&["found", "tagged"]),
        ["found v1", "tagged v1 with 0"]
    );
    for manifest in [&old, &signature] {
        assert!(archive.exists(manifest.descriptor()).unwrap());
    }
    assert!(is_listed(&archive, &signature));

    // The restore works with and without the referrers API.
    for personality in [RegistryProfile::distribution(), RegistryProfile::default()] {
        let wiped = TestRegistry::start_as(personality);
        let target = client.repository(&wiped.reference("a")).unwrap();
        assert_eq!(restore(&archive, &target, with_referrers(&[])).unwrap(), 1);
        assert!(is_listed(&target, &signature));
        assert!(target.exists(old.descriptor()).unwrap());
        let tags = wiped.tags("a").into_iter();
        let tags: Vec<_> = tags.filter(|tag| !tag.starts_with("sha256-")).collect();
        assert_eq!(tags, ["v1"]);
    }
}

#[test]
fn artifacts_with_tags_like_referrers_tags_are_backed_up() {
    let registry = TestRegistry::start();
    let image = registry.seed_artifact("a", "image", &[("a.txt", b"a\n")]);
    let hex = image.trim_start_matches("sha256:");
    // An image with such a tag, and indexes of manifests without a subject or with another subject.
    registry.seed_artifact("a", &format!("sha256-{hex}"), &[("b.txt", b"b\n")]);
    registry.seed_index("a", &format!("sha256-{}", "0".repeat(64)), &[&image]);
    let referrer = registry.seed_referrer("a", &image, "sig/a");
    registry.seed_index("a", &format!("sha256-{}", "1".repeat(64)), &[&referrer]);
    let before = registry.tags("a");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let archive = to_archive(&repository, &TempDir::new(), BackupOptions::default());

    assert_eq!(before.len(), 4);
    for tag in before {
        assert_eq!(
            archive.resolve(&tag).unwrap().digest.as_str(),
            registry.resolve("a", &tag).unwrap()
        );
    }
}

#[test]
fn a_referrer_of_a_missing_subject_is_backed_up() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let (kept, gone) = (image("kept", ""), image("gone", ""));
    let signature = attached("signature", "sig/a", gone.descriptor());
    push(&repository, &kept);
    repository.tag(kept.descriptor(), "v1").unwrap();
    // The subject was deleted without the referrers index and the referrer.
    push(&repository, &signature);
    let told = EventLog::default();

    let archive = to_archive(
        &repository,
        &TempDir::new(),
        updated!(BackupOptions {
            observer: Some(told.observer()),
            ..with_referrers(&[])
        }),
    );

    assert_eq!(
        told.lines_with(&["gone"]),
        [format!("gone {}", gone.descriptor().digest)]
    );
    assert!(archive.resolve("v1").is_ok());
    assert!(archive.exists(signature.descriptor()).unwrap());

    let wiped = TestRegistry::start_as(RegistryProfile::distribution());
    let target = client.repository(&wiped.reference("a")).unwrap();
    restore(&archive, &target, with_referrers(&[])).unwrap();
    assert_eq!(wiped.tags("a"), registry.tags("a"));
    assert!(is_listed(&target, &signature));
}

#[test]
fn a_tagged_referrer_of_a_missing_subject_is_backed_up() {
    for referrers in [true, false] {
        let store = MemoryStore::new();
        let gone = image("gone", "");
        let signature = attached("signature", "sig/a", gone.descriptor());
        push(&store, &signature);
        store.tag(signature.descriptor(), "signature").unwrap();
        let target = MemoryStore::new();
        let options = updated!(BackupOptions {
            referrers,
            ..BackupOptions::default()
        });
        backup(&store, &target, options).unwrap();
        assert_eq!(
            target.resolve("signature").unwrap().digest,
            signature.descriptor().digest
        );
    }
}

#[test]
fn missing_entries_of_a_referrers_index_are_skipped() {
    let (registry, client, artifacts) = setting();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let first = image("first", "");
    let gone = attached("gone", "sig/a", first.descriptor());
    let listed = [&gone, &artifacts.attached[2], &artifacts.attached[1]];
    let entries: Vec<_> = listed
        .iter()
        .map(|manifest| as_json(manifest.descriptor()))
        .collect();
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}}"#,
        MediaType::IMAGE_INDEX,
        entries.join(",")
    );
    let media_type = MediaType::IMAGE_INDEX;
    registry.seed_manifest(
        "a",
        media_type.as_str(),
        list.as_bytes(),
        Some(&list_of_first()),
    );
    let told = EventLog::default();

    let archive = to_archive(
        &repository,
        &TempDir::new(),
        updated!(BackupOptions {
            observer: Some(told.observer()),
            ..with_referrers(&["v1"])
        }),
    );

    assert_eq!(
        told.lines_with(&["gone", "tagged"]),
        [
            format!("gone {}", gone.descriptor().digest),
            "tagged v1 with 3".to_owned()
        ]
    );
    assert!(is_listed(&archive, &artifacts.attached[1]));
}
