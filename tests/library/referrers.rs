//! Referrers in registries, with and without the referrers API.

use std::ops::ControlFlow;

use oras::Descriptor;
use oras::internal::referrers_tag;
use oras::store::Referrers;
use oras::{MediaType, RawManifest, Result};

use crate::artifacts::{attached, image, push};
use crate::setup::client;
use crate::support::registry::{RegistryProfile, TestRegistry};

mod deletion;
mod hostile;
mod listing;
mod maintenance;
mod many;

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// The subject of all referrers.
fn subject() -> RawManifest {
    image("subject", "")
}

/// A manifest of the type `sig/a` that is attached to the subject.
fn signature(name: &str) -> RawManifest {
    attached(name, "sig/a", subject().descriptor())
}

/// A registry without the referrers API that has the subject in repository `a`.
fn without_api() -> TestRegistry {
    with_subject(RegistryProfile::distribution())
}

fn with_subject(personality: RegistryProfile) -> TestRegistry {
    let registry = TestRegistry::start_as(personality);
    let client = client();
    push(
        &client.repository(&registry.reference("a")).unwrap(),
        &subject(),
    );
    registry.clear_log();
    registry
}

/// The tag of the list of what is attached to the subject.
fn tag() -> String {
    referrers_tag(&subject().descriptor().digest)
}

/// A referrers index of these manifests.
fn list_of(manifests: &[&RawManifest]) -> Vec<u8> {
    let entries: Vec<_> = manifests
        .iter()
        .map(|manifest| {
            let descriptor = manifest.descriptor();
            let document: serde_json::Value = serde_json::from_slice(manifest.bytes()).unwrap();
            serde_json::json!({
                "mediaType": descriptor.media_type,
                "digest": descriptor.digest,
                "size": descriptor.size,
                "annotations": document["annotations"],
                "artifactType": document["artifactType"],
            })
        })
        .collect();
    let list =
        serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries });
    list.to_string().into_bytes()
}

/// Puts a list under the tag as another client would.
fn seed_list(registry: &TestRegistry, manifests: &[&RawManifest]) {
    registry.seed_manifest("a", INDEX_TYPE, &list_of(manifests), Some(&tag()));
}

/// The digests in the list under the tag.
fn listed_at_tag(registry: &TestRegistry) -> Vec<String> {
    let bytes = registry.manifest("a", &tag()).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let entries = list["manifests"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["digest"].as_str().unwrap().to_owned())
        .collect()
}

fn digests(manifests: &[&RawManifest]) -> Vec<String> {
    manifests
        .iter()
        .map(|manifest| manifest.descriptor().digest.to_string())
        .collect()
}

/// The digests of what is attached to the subject.
fn list(store: &impl Referrers) -> Result<Vec<String>> {
    list_of_type(store, None)
}

fn list_of_type(store: &impl Referrers, artifact_type: Option<&str>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    store.referrers(subject().descriptor(), artifact_type, &mut |page| {
        all.extend(page.iter().map(|found| found.digest.to_string()));
        ControlFlow::Continue(())
    })?;
    Ok(all)
}

/// The requests to repository `a`, shortened: what was pushed is `<name>`, and lists are at
/// `<list>`.
fn log(registry: &TestRegistry, manifests: &[&RawManifest]) -> Vec<String> {
    let shorten = |line: String| {
        let mut line = line
            .replace(" (no authorization)", "")
            .replace("/v2/a/", "")
            .replace(&tag(), "<list>")
            .replace(subject().descriptor().digest.as_str(), "<subject>");
        for manifest in manifests {
            let document: serde_json::Value = serde_json::from_slice(manifest.bytes()).unwrap();
            let name = document["annotations"]["name"].as_str().unwrap();
            line = line.replace(manifest.descriptor().digest.as_str(), &format!("<{name}>"));
        }
        line
    };
    registry.log().into_iter().map(shorten).collect()
}

/// A descriptor of something that is nowhere.
fn nothing() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_MANIFEST, b"nothing")
}
