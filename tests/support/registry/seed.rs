//! Adding content to a registry without requests.

use std::io::{self, Read};

use serde_json::{Value, json};

use super::TestRegistry;
use super::content::{Content, Spool};
use super::digest::{Algorithm, sha256};
use super::store::Manifest;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Methods that return the digest of the stored content.
impl TestRegistry {
    /// An empty repository.
    pub fn seed_repository(&self, repository: &str) {
        self.shared.state().store.repository(repository);
    }

    /// A blob under its sha256 digest.
    pub fn seed_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        self.seed_blob_as(repository, &digest, bytes);
        digest
    }

    /// A blob under any digest, also a wrong one.
    pub fn seed_blob_as(&self, repository: &str, digest: &str, bytes: &[u8]) {
        let mut state = self.shared.state();
        state
            .store
            .repository(repository)
            .blobs
            .insert(digest.to_owned(), Content::from(bytes));
    }

    /// A blob of any size. Large blobs are stored in a file.
    pub fn seed_blob_from(&self, repository: &str, mut reader: impl Read) -> String {
        let mut spool = Spool::default();
        io::copy(&mut reader, &mut spool).expect("the content can be read and stored");
        let content = spool.finish();
        let digest = Algorithm::Sha256
            .digest(content.reader())
            .expect("stored content can be read");
        self.shared
            .state()
            .store
            .repository(repository)
            .blobs
            .insert(digest.clone(), content);
        digest
    }

    /// A manifest without checks.
    pub fn seed_manifest(
        &self,
        repository: &str,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> String {
        let digest = sha256(bytes);
        let manifest = Manifest {
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
        };
        let mut state = self.shared.state();
        let found = state.store.repository(repository);
        found.manifests.insert(digest.clone(), manifest);
        if let Some(tag) = tag {
            found.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    /// An artifact as by `oras push`: a titled layer for each file, and the empty config.
    pub fn seed_artifact(&self, repository: &str, tag: &str, files: &[(&str, &[u8])]) -> String {
        let layers: Vec<_> = files
            .iter()
            .map(|(title, bytes)| self.seed_layer(repository, title, bytes))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/vnd.test.artifact",
            "config": self.seed_empty_config(repository),
            "layers": layers,
        });
        self.seed_manifest(
            repository,
            MANIFEST,
            manifest.to_string().as_bytes(),
            Some(tag),
        )
    }

    /// A referrer of the manifest `subject` with one small layer.
    pub fn seed_referrer(&self, repository: &str, subject: &str, artifact_type: &str) -> String {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": self.seed_empty_config(repository),
            "layers": [self.seed_layer(repository, "about.txt", artifact_type.as_bytes())],
            "subject": self.descriptor(repository, subject),
        });
        self.seed_manifest(repository, MANIFEST, manifest.to_string().as_bytes(), None)
    }

    /// An index of stored manifests.
    pub fn seed_index(&self, repository: &str, tag: &str, manifests: &[&str]) -> String {
        let entries: Vec<_> = manifests
            .iter()
            .map(|digest| self.descriptor(repository, digest))
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        self.seed_manifest(repository, INDEX, index.to_string().as_bytes(), Some(tag))
    }

    fn seed_layer(&self, repository: &str, title: &str, bytes: &[u8]) -> Value {
        json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": self.seed_blob(repository, bytes),
            "size": bytes.len(),
            "annotations": { "org.opencontainers.image.title": title },
        })
    }

    fn seed_empty_config(&self, repository: &str) -> Value {
        json!({ "mediaType": EMPTY, "digest": self.seed_blob(repository, b"{}"), "size": 2 })
    }

    /// The descriptor of a manifest, which may be missing, as a subject may.
    fn descriptor(&self, repository: &str, digest: &str) -> Value {
        let media_type = self.media_type(repository, digest);
        let size = self
            .manifest(repository, digest)
            .map_or(0, |bytes| bytes.len());
        json!({ "mediaType": media_type.as_deref().unwrap_or(MANIFEST), "digest": digest, "size": size })
    }
}
