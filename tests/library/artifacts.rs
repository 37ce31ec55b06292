//! Small artifacts without files, for graphs of referrers.

use oras::Descriptor;
use oras::store::Target;
use oras::{MediaType, RawManifest};

/// Pushes a manifest and the empty config.
pub(crate) fn push(store: &(impl Target + ?Sized), manifest: &RawManifest) {
    store.push(&config(), &mut &b"{}"[..]).unwrap();
    store
        .push(manifest.descriptor(), &mut manifest.bytes())
        .unwrap();
}

/// The empty config.
pub(crate) fn config() -> Descriptor {
    Descriptor::of(MediaType::EMPTY, b"{}")
}

/// Serializes a value as JSON.
pub(crate) fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// Returns an image manifest without layers, with a distinguishing name.
pub(crate) fn image(name: &str, further: &str) -> RawManifest {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[]{further},"annotations":{{"name":"{name}"}}}}"#,
        MediaType::IMAGE_MANIFEST,
        as_json(&config())
    );
    RawManifest::new(MediaType::IMAGE_MANIFEST, text.into_bytes())
}

/// Returns an image manifest with an artifact type and a subject.
pub(crate) fn attached(name: &str, artifact_type: &str, subject: &Descriptor) -> RawManifest {
    let subject = as_json(subject);
    image(
        name,
        &format!(r#","artifactType":"{artifact_type}","subject":{subject}"#),
    )
}
