//! Pages of tags and referrers that fail, and a front end that redirects every request.

use super::*;
use crate::setup::text;

#[test]
fn a_page_that_fails_ends_the_backup_before_anything_is_tagged() {
    for list in ["/v2/a/tags/list", "/v2/a/referrers/*"] {
        let registry = TestRegistry::start_as(RegistryProfile {
            page_size: Some(1),
            ..RegistryProfile::default()
        });
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();
        Artifacts::new().push(&repository);
        registry.inject(on("GET", list).error(403, "DENIED", "no").nth(2));
        let directory = TempDir::new();
        let file = directory.join("backup.tar");
        let writer = LayoutTarWriter::create(&file).unwrap();

        let error = backup(&repository, &writer, with_referrers(&[])).unwrap_err();

        assert!(
            text(&error).ends_with("403: denied: no"),
            "{list}: {}",
            text(&error)
        );
        drop(writer);
        assert!(!file.exists(), "{list}");

        registry.inject(on("GET", list).error(403, "DENIED", "no").nth(2));
        let layout = LayoutStore::create_or_open(directory.join("layout")).unwrap();
        let mut options = with_referrers(&[]);
        options.skip_missing = true;
        backup(&repository, &layout, options).unwrap_err();
        for tag in ["index", "latest", "v1"] {
            assert!(
                layout.resolve(tag).unwrap_err().is_not_found(),
                "{list}: {tag}"
            );
        }
    }
}

#[test]
fn behind_a_front_end_that_redirects_everything_all_referrers_are_copied() {
    for (name, profile) in registries() {
        let mirror = TestRegistry::start_as(RegistryProfile {
            page_size: Some(1),
            ..profile
        });
        let artifacts = Artifacts::new();
        let client = client();
        artifacts.push(&client.repository(&mirror.reference("a")).unwrap());
        let front = TestRegistry::start().with(on("*", "*").redirect_to(&mirror));
        let repository = client.repository(&front.reference("a")).unwrap();

        let archive = to_archive(&repository, &TempDir::new(), with_referrers(&[]));
        let copied = MemoryStore::new();
        let mut options = copy::CopyOptions::default();
        copy::copy_with_referrers(&repository, "index", &copied, Some("index"), &mut options)
            .unwrap();

        for manifest in &artifacts.attached {
            for store in [&archive as &dyn Inventory, &copied] {
                assert!(is_listed(store, manifest), "{name}: {manifest:?}");
            }
        }
    }
}
