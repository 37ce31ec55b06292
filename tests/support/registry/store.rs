//! Content of a registry: repositories with blobs, manifests and tags, and upload sessions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::content::{Content, Spool};

/// All repositories and upload sessions.
#[derive(Debug, Default)]
pub struct Store {
    pub repositories: BTreeMap<String, Repository>,
    pub sessions: BTreeMap<String, Session>,
    opened: usize,
}

/// One repository.
#[derive(Debug, Default)]
pub struct Repository {
    /// Blobs by digest.
    pub blobs: BTreeMap<String, Content>,
    /// Manifests by digest.
    pub manifests: BTreeMap<String, Manifest>,
    /// Digests by tag.
    pub tags: BTreeMap<String, String>,
}

/// A manifest as pushed.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// An upload session.
#[derive(Debug, Default)]
pub struct Session {
    pub repository: String,
    pub received: Spool,
    /// Number of handled requests, for the `_state` of the location.
    pub state: usize,
    /// Whether a chunk below the minimum arrived, which must be the last.
    pub short_chunk: bool,
}

impl Store {
    /// The repository; created if it does not exist.
    pub fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    /// Starts a session with a predictable id, for golden files.
    pub fn open_session(&mut self, repository: &str) -> String {
        self.opened += 1;
        let id = format!("session-{}", self.opened);
        let session = Session {
            repository: repository.to_owned(),
            ..Session::default()
        };
        self.sessions.insert(id.clone(), session);
        id
    }

    /// The session `id` of a repository.
    pub fn session(&mut self, repository: &str, id: &str) -> Option<&mut Session> {
        self.sessions
            .get_mut(id)
            .filter(|session| session.repository == repository)
    }
}

impl Repository {
    /// The digest that a tag or digest names.
    pub fn resolve<'a>(&'a self, reference: &'a str) -> Option<&'a str> {
        if reference.contains(':') {
            return self.manifests.contains_key(reference).then_some(reference);
        }
        self.tags.get(reference).map(String::as_str)
    }

    /// The manifest that a tag or digest names.
    pub fn manifest(&self, reference: &str) -> Option<(&str, &Manifest)> {
        let (digest, manifest) = self.manifests.get_key_value(self.resolve(reference)?)?;
        Some((digest, manifest))
    }

    /// References that are missing, in the order of the document.
    pub fn missing_references(&self, document: &Value) -> Vec<String> {
        let list = |member: &str| document[member].as_array().into_iter().flatten();
        let blobs = std::iter::once(&document["config"])
            .chain(list("layers"))
            .chain(list("blobs"))
            // Registries may lack foreign layers, which have `urls`.
            .filter(|descriptor| descriptor["urls"].is_null())
            .filter_map(|descriptor| descriptor["digest"].as_str())
            .filter(|digest| !self.blobs.contains_key(*digest));
        let children = list("manifests")
            .filter_map(|descriptor| descriptor["digest"].as_str())
            .filter(|digest| !self.manifests.contains_key(*digest));
        let mut missing = Vec::new();
        for digest in blobs.chain(children) {
            if !missing.iter().any(|known| known == digest) {
                missing.push(digest.to_owned());
            }
        }
        missing
    }
}

impl Manifest {
    /// The parsed document, or null if it is not JSON.
    pub fn document(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }
}
