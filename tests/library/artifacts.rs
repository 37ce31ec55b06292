//! Small artifacts without content, to be attached to one another.

use oras::descriptor::Descriptor;
use oras::store::Target;
use oras::{MediaType, RawManifest};

/// Pushes a manifest with the config that all of these have.
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

/// A value as JSON text.
pub(crate) fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// An image manifest without layers, told apart by its name.
pub(crate) fn image(name: &str, further: &str) -> RawManifest {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[]{further},"annotations":{{"name":"{name}"}}}}"#,
        MediaType::IMAGE_MANIFEST,
        as_json(&config())
    );
    RawManifest::new(MediaType::IMAGE_MANIFEST, text.into_bytes())
}

/// An image manifest of this artifact type that is attached to `subject`.
pub(crate) fn attached(name: &str, artifact_type: &str, subject: &Descriptor) -> RawManifest {
    let subject = as_json(subject);
    image(
        name,
        &format!(r#","artifactType":"{artifact_type}","subject":{subject}"#),
    )
}
