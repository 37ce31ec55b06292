//! Discovery of referrers, level by level, and its limits against endless listings.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use oras::Descriptor;
use oras::discover::{DiscoverOptions, Discovered, discover};
use oras::internal::referrers_tag;
use oras::layout::LayoutStore;
use oras::store::content::VerifyReader;
use oras::store::memory::MemoryStore;
use oras::store::{Referrers, Source, Target};
use oras::{Error, MediaType, RawManifest, Result};

use crate::artifacts::{attached, image, push};
use crate::setup::{blob, client, text};
use crate::support::registry::{RegistryProfile, TestRegistry, on};
use crate::support::tempdir::TempDir;

/// The limit of the referrers of one discovery (`limits::MAX_REFERRERS`).
const MAX_REFERRERS: usize = 100_000;
/// The limit of its levels (`limits::MAX_REFERRERS_DEPTH`).
const MAX_REFERRERS_DEPTH: usize = 50;

/// The subject at the root.
fn subject() -> RawManifest {
    image("subject", "")
}

/// A signature and a document, and a signature of each.
fn everything() -> [RawManifest; 5] {
    let subject = subject();
    let signature = attached("signature", "sig/a", subject.descriptor());
    let document = attached("document", "doc/a", subject.descriptor());
    let of_signature = attached("of signature", "sig/a", signature.descriptor());
    let of_document = attached("of document", "sig/a", document.descriptor());
    [subject, signature, document, of_signature, of_document]
}

/// Returns the found referrers, one name per line, indented by level and sorted within each level.
fn drawn(found: &Discovered) -> String {
    fn draw(found: &Discovered, indent: &str) -> String {
        let name = found.descriptor.annotations.get("name");
        let name = name.map_or("?", String::as_str);
        let below = format!("{indent}  ");
        let mut below: Vec<_> = (found.referrers.iter())
            .map(|found| draw(found, &below))
            .collect();
        below.sort();
        format!("{indent}{name}\n{}", below.concat())
    }
    let lines = found.referrers.iter().map(|found| draw(found, ""));
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines.concat()
}

fn find(store: &dyn Referrers, options: &DiscoverOptions) -> String {
    let found = discover(store, "v1", options).unwrap();
    assert_eq!(found.descriptor.digest, subject().descriptor().digest);
    drawn(&found)
}

fn of_type(artifact_type: &str) -> DiscoverOptions {
    updated!(DiscoverOptions {
        artifact_type: Some(artifact_type.to_owned()),
        ..DiscoverOptions::default()
    })
}

fn to_depth(depth: usize) -> DiscoverOptions {
    updated!(DiscoverOptions {
        depth: Some(depth),
        ..DiscoverOptions::default()
    })
}

fn fill(store: &dyn Target) {
    for manifest in everything() {
        push(store, &manifest);
    }
    store.tag(subject().descriptor(), "v1").unwrap();
}

/// A registry with everything in repository `a`.
fn registry(personality: RegistryProfile) -> TestRegistry {
    let registry = TestRegistry::start_as(personality);
    let client = client();
    fill(&client.repository(&registry.reference("a")).unwrap());
    registry.clear_log();
    registry
}

#[test]
fn referrers_of_referrers_are_found_in_every_store() {
    let rule = |store: &dyn Referrers| {
        assert_eq!(
            find(store, &DiscoverOptions::default()),
            "document\n  of document\nsignature\n  of signature\n"
        );
        assert_eq!(find(store, &to_depth(1)), "document\nsignature\n");
        assert_eq!(find(store, &to_depth(0)), "");
        assert_eq!(
            find(store, &of_type("sig/a")),
            "signature\n  of signature\n",
            "what is attached to something of another type is not found"
        );
        assert_eq!(find(store, &of_type("sig/b")), "");
    };
    let memory = MemoryStore::new();
    fill(&memory);
    rule(&memory);
    let temporary = TempDir::new();
    let layout = LayoutStore::create_or_open(temporary.join("layout")).unwrap();
    fill(&layout);
    rule(&layout);
    for personality in [
        RegistryProfile::default(),
        RegistryProfile::distribution(),
        RegistryProfile::ggcr(),
        RegistryProfile {
            page_size: Some(1),
            ..RegistryProfile::default()
        },
        RegistryProfile {
            filters_referrers: false,
            ..RegistryProfile::default()
        },
    ] {
        let registry = registry(personality);
        let client = client();
        rule(&client.repository(&registry.reference("a")).unwrap());
    }
}

#[test]
fn discovery_by_digest_finds_the_same() {
    let store = MemoryStore::new();
    fill(&store);
    let digest = subject().descriptor().digest.clone();

    let found = discover(&store, digest.as_str(), &DiscoverOptions::default()).unwrap();

    assert_eq!(
        drawn(&found),
        "document\n  of document\nsignature\n  of signature\n"
    );
}

#[test]
fn each_manifest_takes_one_referrers_request() {
    for (personality, options, wanted) in [
        (RegistryProfile::default(), to_depth(1), "HEAD GET"),
        (
            RegistryProfile::default(),
            DiscoverOptions::default(),
            "HEAD GET GET GET GET GET",
        ),
        // The missing referrers API is detected once.
        (RegistryProfile::distribution(), to_depth(1), "HEAD GET GET"),
        (
            RegistryProfile::distribution(),
            DiscoverOptions::default(),
            "HEAD GET GET GET GET GET GET",
        ),
    ] {
        let registry = registry(personality);
        let client = client();
        let repository = client.repository(&registry.reference("a")).unwrap();

        find(&repository, &options);

        let methods: Vec<_> = (registry.requests().iter())
            .map(|request| request.method.clone())
            .collect();
        assert_eq!(methods.join(" "), wanted);
    }
}

#[test]
fn a_platform_selects_the_manifest_of_an_index() {
    let store = MemoryStore::new();
    let amd64 = image("amd64", "");
    let mut entry = amd64.descriptor().clone();
    entry.platform = Some(Box::new("linux/amd64".parse().unwrap()));
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [entry] }).to_string();
    let index = RawManifest::new(MediaType::IMAGE_INDEX, index.into_bytes());
    push(&store, &amd64);
    push(&store, &index);
    push(&store, &attached("one", "sig/a", index.descriptor()));
    push(&store, &attached("two", "sig/a", amd64.descriptor()));
    store.tag(index.descriptor(), "v1").unwrap();
    let of = |platform: Option<&str>| {
        let options = updated!(DiscoverOptions {
            platform: platform.map(|platform| platform.parse().unwrap()),
            ..DiscoverOptions::default()
        });
        discover(&store, "v1", &options)
    };

    assert_eq!(drawn(&of(None).unwrap()), "one\n");
    let found = of(Some("linux/amd64")).unwrap();
    assert_eq!(drawn(&found), "two\n");
    assert_eq!(found.descriptor, entry);
    assert!(of(Some("plan9/amd64")).unwrap_err().is_not_found());
}

#[test]
fn a_blob_has_no_referrers() {
    let store = MemoryStore::new();
    let content = blob(b"hello");
    store.push(&content, &mut &b"hello"[..]).unwrap();

    let error = discover(&store, content.digest.as_str(), &to_depth(1)).unwrap_err();

    assert!(
        text(&error).ends_with(" is no manifest: unsupported"),
        "{error}"
    );
    let error = discover(&store, "missing", &to_depth(1)).unwrap_err();
    assert!(error.is_not_found());
}

#[test]
fn a_failed_listing_is_an_error_on_every_level() {
    let [_, signature, ..] = everything();
    let path = format!("/v2/a/referrers/{}", signature.descriptor().digest);
    let registry = registry(RegistryProfile::default()).with(on("GET", &path).error(
        403,
        "DENIED",
        "not for you",
    ));
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();

    let error = discover(&repository, "v1", &DiscoverOptions::default()).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert_eq!(find(&repository, &to_depth(1)), "document\nsignature\n");
}

/// Referrers listings that form cycles.
#[test]
fn cycles_of_referrers_end() {
    let registry = TestRegistry::start_as(RegistryProfile {
        verifies_references: false,
        ..RegistryProfile::distribution()
    });
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let [one, two, three] = ["one", "two", "three"].map(|name| image(name, ""));
    push(&repository, &one);
    repository.tag(one.descriptor(), "v1").unwrap();
    let list = |subject: &RawManifest, listed: &[&RawManifest]| {
        let entries: Vec<_> = (listed.iter())
            .map(|manifest| {
                let mut entry = manifest.descriptor().clone();
                entry.annotations = manifest.view().unwrap().annotations().clone();
                entry
            })
            .collect();
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": entries });
        let tag = referrers_tag(&subject.descriptor().digest);
        let media_type = MediaType::IMAGE_INDEX;
        registry.seed_manifest(
            "a",
            media_type.as_str(),
            index.to_string().as_bytes(),
            Some(&tag),
        );
    };
    list(&one, &[&one, &two, &three]);
    list(&two, &[&one, &three]);
    list(&three, &[&two]);

    let found = discover(&repository, "v1", &DiscoverOptions::default()).unwrap();

    // A manifest is not its own referrer. Others appear wherever they are listed, with their own
    // referrers only once.
    assert_eq!(drawn(&found), "three\n  two\ntwo\n  one\n  three\n");
}

/// A store that invents `per_manifest` new referrers of each manifest, each with this annotation.
struct Endless {
    per_manifest: usize,
    annotation: String,
    asked: AtomicUsize,
}

impl Endless {
    fn new(per_manifest: usize) -> Self {
        Self {
            per_manifest,
            annotation: String::new(),
            asked: AtomicUsize::new(0),
        }
    }
}

impl Source for Endless {
    fn resolve(&self, _: &str) -> Result<Descriptor> {
        Ok(subject().descriptor().clone())
    }

    fn fetch(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        panic!("{target:?} is not asked for")
    }

    fn exists(&self, target: &Descriptor) -> Result<bool> {
        panic!("{target:?} is not asked for")
    }
}

impl Referrers for Endless {
    fn referrers(
        &self,
        subject: &Descriptor,
        _: Option<&str>,
        visit: &mut dyn FnMut(&[Descriptor]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        for number in 0..self.per_manifest {
            let content = format!("{}/{number}", subject.digest);
            let mut entry = Descriptor::of(MediaType::IMAGE_MANIFEST, content.as_bytes());
            entry
                .annotations
                .insert("long".to_owned(), self.annotation.clone());
            if visit(&[entry]).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[test]
fn an_endless_chain_of_referrers_is_an_error() {
    let store = Endless::new(1);
    let root = subject().descriptor().digest.clone();

    let error = discover(&store, "v1", &DiscoverOptions::default()).unwrap_err();

    assert_eq!(
        text(&error),
        format!(
            "levels of all that is attached to {root} size 51 exceeds MaxReferrersDepth 50: size exceeds limit"
        )
    );
    assert!(matches!(error, Error::TooLarge { .. }));
    assert_eq!(store.asked.load(Ordering::Relaxed), MAX_REFERRERS_DEPTH + 1);
    // A depth option within the limit is not an error.
    let mut found = discover(&store, "v1", &to_depth(MAX_REFERRERS_DEPTH)).unwrap();
    let mut depth = 0;
    while let Some(next) = found.referrers.pop() {
        found = next;
        depth += 1;
    }
    assert_eq!(depth, MAX_REFERRERS_DEPTH);
}

#[test]
fn an_endless_tree_of_referrers_is_an_error() {
    let store = Endless::new(10);

    let error = discover(&store, "v1", &DiscoverOptions::default()).unwrap_err();

    let text = text(&error);
    assert!(
        text.starts_with("number of all that is attached to sha256:")
            && text.ends_with(" size 100001 exceeds MaxReferrers 100000: size exceeds limit"),
        "{text}"
    );
    assert_eq!(store.asked.load(Ordering::Relaxed), MAX_REFERRERS / 10 + 1);
}

#[test]
fn the_maximum_number_of_referrers_is_found() {
    let found = discover(&Endless::new(MAX_REFERRERS), "v1", &to_depth(1)).unwrap();

    assert_eq!(found.referrers.len(), MAX_REFERRERS);
}

#[test]
fn endless_annotations_are_an_error() {
    let store = Endless {
        annotation: "x".repeat(1 << 20),
        ..Endless::new(1000)
    };

    let error = discover(&store, "v1", &to_depth(1)).unwrap_err();

    let text = text(&error);
    assert!(
        text.starts_with("size in bytes of all that is attached to sha256:")
            && text.contains(" exceeds MaxMetadataBytes 67108864"),
        "{text}"
    );
}
