//! Pulling of the files of referrers.

use std::fs;

use oras::discover::{DiscoverOptions, discover};
use oras::layout::LayoutStore;
use oras::pull::{PullOptions, PulledReferrer, pull_referrers};
use oras::store::Referrers;
use oras::{Error, Result};
use serde_json::{Value, json};

use crate::pull::{empty, filter, layer};
use crate::setup::client;
use crate::support::registry::{TestRegistry, on};
use crate::support::tempdir::TempDir;
use crate::support::tree::{assert_tree, file};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry with the subject `v1`, and the digest of the subject.
fn registry() -> (TestRegistry, String) {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"{}");
    let subject = registry.seed_artifact("a", "v1", &[("hi.txt", b"hi")]);
    (registry, subject)
}

/// Makes the registry list these referrers of the subject.
fn list(registry: &TestRegistry, subject: &str, listed: &[&Value]) {
    let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": listed });
    registry.inject(
        on("GET", &format!("/v2/a/referrers/{subject}"))
            .status(200)
            .header("Content-Type", INDEX)
            .body(list.to_string()),
    );
}

/// Attaches a manifest with this file, and returns its descriptor.
fn attach(registry: &TestRegistry, subject: &str, title: &str, content: &str) -> Value {
    let size = registry.manifest("a", subject).unwrap().len();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "example/sbom",
        "config": empty(),
        "layers": [layer(registry, title, "text/plain", content)],
        "subject": { "mediaType": MANIFEST, "digest": subject, "size": size },
    });
    let bytes = manifest.to_string();
    let digest = registry.seed_manifest("a", MANIFEST, bytes.as_bytes(), None);
    json!({ "mediaType": MANIFEST, "digest": digest, "size": bytes.len() })
}

fn digest(descriptor: &Value) -> &str {
    descriptor["digest"].as_str().unwrap()
}

fn pull(
    source: &dyn Referrers,
    output: &TempDir,
    options: PullOptions,
) -> Result<Vec<PulledReferrer>> {
    let found = discover(source, "v1", &DiscoverOptions::default())?;
    let options = updated!(PullOptions {
        output: output.join("out"),
        ..options
    });
    pull_referrers(source, &found, &options)
}

fn pull_from(registry: &TestRegistry, output: &TempDir) -> Result<Vec<PulledReferrer>> {
    let client = client();
    let repository = client.repository(&registry.reference("a"))?;
    pull(&repository, output, PullOptions::default())
}

#[test]
fn files_of_all_levels_are_written_beside_each_other() {
    let (registry, subject) = registry();
    let sbom = attach(&registry, &subject, "sbom.json", "sbom");
    let signature = attach(&registry, digest(&sbom), "sbom.json", "signature");
    let output = TempDir::new();

    let pulled = pull_from(&registry, &output).unwrap();

    let names = [&sbom, &signature].map(|node| digest(node).replace(':', "-"));
    let [sbom_file, signature_file] = names.map(|name| format!("{name}/sbom.json"));
    assert_tree(
        &output.join("out"),
        &[file(&sbom_file, "sbom"), file(&signature_file, "signature")],
    );
    let subjects = pulled.iter().map(|referrer| referrer.subject.as_str());
    assert_eq!(
        subjects.collect::<Vec<_>>(),
        [subject.as_str(), digest(&sbom)]
    );
    let types = pulled
        .iter()
        .map(|referrer| referrer.descriptor.artifact_type.clone());
    assert!(types.eq([Some("example/sbom".into()), Some("example/sbom".into())]));
}

#[test]
fn titles_that_lead_out_of_the_directory_are_refused() {
    for title in ["../hi.txt", "/hi.txt", "../sha256-0/x", "x/../../hi.txt"] {
        let (registry, subject) = registry();
        attach(&registry, &subject, title, "hostile");
        let output = TempDir::new();
        fs::create_dir(output.join("out")).unwrap();
        fs::write(output.join("out/hi.txt"), "hi").unwrap();

        let error = pull_from(&registry, &output).unwrap_err();

        assert!(
            error.chain().to_string().contains("path traversal"),
            "{title}: {error}"
        );
        assert_eq!(fs::read(output.join("out/hi.txt")).unwrap(), b"hi");
    }
}

/// An earlier artifact or another user of the output directory may have created the link.
#[cfg(unix)]
#[test]
fn a_directory_that_is_a_link_to_the_outside_is_refused() {
    let (registry, subject) = registry();
    let sbom = attach(&registry, &subject, "sbom.json", "sbom");
    let output = TempDir::new();
    fs::create_dir(output.join("out")).unwrap();
    fs::create_dir(output.join("outside")).unwrap();
    let link = output.join("out").join(digest(&sbom).replace(':', "-"));
    std::os::unix::fs::symlink("../outside", link).unwrap();

    let error = pull_from(&registry, &output).unwrap_err();

    assert!(matches!(error, Error::PathTraversal { .. }), "{error}");
    assert_tree(&output.join("outside"), &[]);
}

#[test]
fn a_false_list_of_referrers_is_an_error() {
    let (registry, subject) = registry();
    let other = registry.seed_artifact("a", "v2", &[("other.txt", b"other")]);
    let of_other = attach(&registry, &other, "x", "of another subject");
    let plain = json!({
        "mediaType": MANIFEST,
        "digest": other,
        "size": registry.manifest("a", &other).unwrap().len(),
    });
    let blob = layer(&registry, "blob.txt", "text/plain", "blob");
    let missing =
        json!({ "mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 2 });
    for (listed, wanted) in [
        (&of_other, "is attached to sha256:"),
        (&plain, "is attached to nothing"),
        (&blob, "is no manifest"),
        (&missing, "not found"),
    ] {
        registry.heal();
        list(&registry, &subject, &[listed]);
        let output = TempDir::new();
        let error = pull_from(&registry, &output).unwrap_err();
        let text = error.chain().to_string();
        assert!(text.contains(wanted), "{wanted}: {text}");
        assert!(!output.join("out").exists(), "{wanted}");
    }
}

#[test]
fn a_cycle_of_referrers_ends() {
    let (registry, subject) = registry();
    let sbom = attach(&registry, &subject, "sbom.json", "sbom");
    list(&registry, &subject, &[&sbom, &sbom]);
    let output = TempDir::new();
    let pulled = pull_from(&registry, &output).unwrap();
    assert_eq!(pulled.len(), 1);
}

#[test]
fn options_apply_to_each_referrer_and_empty_directories_are_removed() {
    let (registry, subject) = registry();
    let sbom = attach(&registry, &subject, "sbom.json", "sbom");
    attach(&registry, &subject, "sig", "signature");
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let output = TempDir::new();
    let layout = LayoutStore::create_or_open(output.join("layout")).unwrap();
    oras::copy::copy_with_referrers(
        &repository,
        "v1",
        &layout,
        Some("v1"),
        &mut oras::copy::CopyOptions::default(),
    )
    .unwrap();
    for source in [&repository as &dyn Referrers, &layout] {
        let options = updated!(PullOptions {
            filter: filter(&["*.json"], &[]),
            ..PullOptions::default()
        });
        let pulled = pull(source, &output, options).unwrap();
        assert_eq!(pulled.len(), 2);
        let name = format!("{}/sbom.json", digest(&sbom).replace(':', "-"));
        assert_tree(&output.join("out"), &[file(&name, "sbom")]);
        fs::remove_dir_all(output.join("out")).unwrap();
    }
}
