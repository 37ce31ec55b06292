//! Backups of hostile sources.

use crate::observers::stopping;

use super::*;
use oras::progress::Event;
use oras::store::content::VerifyReader;
use oras::store::{Referrers, TagLister};

/// Lists tags until the visitor stops it.
type Lister<'t> = dyn Fn(&mut dyn FnMut(&[String]) -> ControlFlow<()>) + Sync + 't;

/// A source that has only tags.
struct Tags<'t>(&'t Lister<'t>);

impl Source for Tags<'_> {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        panic!("nobody needs to know what {reference} is");
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        panic!("nobody needs {}", target.digest);
    }

    fn exists(&self, _: &Descriptor) -> Result<bool> {
        Ok(false)
    }
}

impl TagLister for Tags<'_> {
    fn tags(
        &self,
        _: Option<&str>,
        visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>,
    ) -> Result<()> {
        (self.0)(visit);
        Ok(())
    }
}

impl Referrers for Tags<'_> {
    fn referrers(
        &self,
        _: &Descriptor,
        _: Option<&str>,
        _: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_endless_tag_list_is_an_error() {
    let endless = |visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>| {
        let page = vec!["v1".to_owned(); 1000];
        for pages in 0.. {
            assert!(pages <= 200);
            if visit(&page).is_break() {
                return;
            }
        }
    };
    let error = backup(&Tags(&endless), &MemoryStore::new(), with_referrers(&[])).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[test]
fn an_endless_referrers_list_is_an_error() {
    let registry = TestRegistry::start();
    for digit in "0123456789".chars() {
        let image = registry.seed_artifact("a", "v1", &[("a.txt", &[digit as u8])]);
        let referrer = registry.seed_referrer("a", &image, "sig/a");
        let tag = image.replace(':', "-");
        registry.seed_index("a", &tag, &[&referrer]);
    }
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    for (bytes, fits) in [(4000, true), (2000, false)] {
        let mut limits = copy::Limits::default();
        limits.max_metadata_bytes = bytes;
        let options = updated!(BackupOptions {
            limits,
            ..with_referrers(&[])
        });
        let result = backup(&repository, &MemoryStore::new(), options);
        assert_eq!(result.is_ok(), fits, "{result:?}");
    }
}

#[test]
fn invalid_tags_are_not_requested() {
    for listed in [
        "",
        "../../etc/passwd",
        "a/b",
        "v1\u{1b}[2J",
        "sha256:00",
        "-v",
    ] {
        let list = |visit: &mut dyn FnMut(&[String]) -> ControlFlow<()>| {
            let _ = visit(&[listed.to_owned()]);
        };
        let error = backup(&Tags(&list), &MemoryStore::new(), with_referrers(&[])).unwrap_err();
        assert!(matches!(error, Error::InvalidReference { .. }), "{error:?}");
    }
}

#[test]
fn content_with_a_wrong_digest_is_not_written() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("a.txt", b"first\n")]);
    let digest = Descriptor::of(MediaType::LAYER, b"first\n").digest;
    registry.seed_blob_as("a", digest.as_str(), b"other\n");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();
    let writer = LayoutTarWriter::create(directory.join("a.tar")).unwrap();

    let error = backup(&repository, &writer, with_referrers(&[])).unwrap_err();

    assert!(error.is_verification(), "{error:?}");
    drop(writer);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_referrers_index_with_entries_of_another_subject_is_an_error() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let image = registry.seed_artifact("a", "v1", &[("a.txt", b"a\n")]);
    let other = registry.seed_artifact("a", "v2", &[("b.txt", b"b\n")]);
    let referrer = registry.seed_referrer("a", &other, "sig/a");
    let list = format!("sha256-{}", image.trim_start_matches("sha256:"));
    registry.seed_index("a", &list, &[&referrer]);
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = backup(&repository, &MemoryStore::new(), with_referrers(&["v1"])).unwrap_err();

    assert!(
        error.chain().to_string().contains("is attached to"),
        "{error:?}"
    );
}

#[test]
fn an_observer_error_stops_the_backup() {
    let store = MemoryStore::new();
    Artifacts::new().push(&store);
    let target = MemoryStore::new();
    let options = updated!(BackupOptions {
        observer: Some(stopping(|event| matches!(event, Event::TagsFound(_)))),
        ..with_referrers(&[])
    });
    backup(&store, &target, options).unwrap_err();
    assert!(!target.exists(image("first", "").descriptor()).unwrap());
}
