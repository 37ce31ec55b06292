//! Adds an annotation to an image, and moves its tag to the annotated copy. A Docker manifest stays
//! a Docker manifest.
//!
//! ```text
//! cargo run --example edit_manifest -- localhost:5000/hello:v1 org.opencontainers.image.licenses Apache-2.0
//! ```

use std::env;
use std::error::Error;

use oras::Descriptor;
use oras::annotate::{AnnotateOptions, annotate};
use oras::registry::Client;
use oras::store::Target;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [reference, name, value] = arguments.as_slice() else {
        return Err("usage: edit_manifest <registry/repository:tag> <annotation> <value>".into());
    };
    let (repository, tag) = Client::new().open(reference)?;
    set_annotation(&repository, tag.as_str(), name, value)?;
    Ok(())
}

/// Sets an annotation of the manifest that `tag` names. If the tag is moved by another client in
/// the meantime, this fails with `Error::Conflict` instead of undoing that change.
fn set_annotation(
    target: &dyn Target,
    tag: &str,
    name: &str,
    value: &str,
) -> oras::Result<Descriptor> {
    let mut options = AnnotateOptions::default();
    options.expected_digest = Some(target.resolve(tag)?.digest);
    options.set.insert(name.into(), value.into());
    options.tags.push(tag.into());
    annotate(target, tag, options)
}

#[cfg(test)]
mod tests {
    use oras::MediaType;
    use oras::store::Source;
    use oras::store::memory::MemoryStore;

    use super::*;

    #[test]
    fn oci_and_docker_manifests_keep_their_media_type_and_unknown_members() {
        let manifest = br#"{"schemaVersion":2,"layers":[],"x":1.50}"#;
        for media_type in [MediaType::IMAGE_MANIFEST, MediaType::DOCKER_MANIFEST] {
            let store = MemoryStore::new();
            let original = Descriptor::of(media_type.clone(), manifest);
            let pushed = store.push_reference(&original, &mut manifest.as_slice(), "v1");
            assert!(pushed.is_ok());

            let edited = set_annotation(&store, "v1", "k", "v").ok();

            let stored = store.fetch_manifest_by_reference("v1", 1000).ok();
            let stored =
                stored.map(|stored| (Some(stored.descriptor().plain()), stored.into_bytes()));
            let wanted = br#"{"schemaVersion":2,"layers":[],"annotations":{"k":"v"},"x":1.50}"#;
            assert_eq!(stored, Some((edited.clone(), wanted.to_vec())));
            assert_eq!(edited.map(|edited| edited.media_type), Some(media_type));
        }
    }
}
