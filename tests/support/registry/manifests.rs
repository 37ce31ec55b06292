//! `/v2/<name>/manifests/<reference>`: by tag and by digest, with the checks of a push.

use serde_json::{Value, json};

use super::digest::{Algorithm, sha256};
use super::request::Request;
use super::response::{Framing, Response};
use super::state::{State, digest_invalid, name_unknown, unsupported};
use super::store::Manifest;

/// The types of the image specification and of Docker.
const KNOWN_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// `HEAD` and `GET`.
pub fn read(state: &State, repository: &str, reference: &str, request: &Request) -> Response {
    let Some(found) = state.store.repositories.get(repository) else {
        return name_unknown();
    };
    let Some((digest, manifest)) = found.manifest(reference) else {
        return manifest_unknown(reference);
    };
    if !accepts(request, &manifest.media_type) {
        return manifest_unknown(reference);
    }
    let etag = format!("\"{digest}\"");
    let unchanged = state.profile.etags && request.headers.get("if-none-match") == Some(&etag);
    let mut response = if unchanged {
        Response::new(304)
    } else {
        Response::new(200)
            .header("Content-Type", &manifest.media_type)
            .bytes(manifest.bytes.clone())
    };
    if state.profile.etags {
        response.headers.push("ETag", &etag);
    }
    if request.method == "HEAD" && !state.profile.head_length {
        response.delivery.framing = Framing::UntilClose;
    }
    state.with_digest(response, digest)
}

/// `PUT`, by tag, or by digest with any number of `?tag=`.
pub fn write(state: &mut State, repository: &str, reference: &str, request: &Request) -> Response {
    let exists = state.store.repositories.contains_key(repository);
    if !exists && !state.profile.creates_repositories {
        return name_unknown();
    }
    let manifest = match check(state, repository, request) {
        Ok(manifest) => manifest,
        Err(refusal) => return refusal,
    };
    let is_digest = reference.contains(':');
    let digest = match storage_digest(reference, request.query("digest"), &manifest.bytes) {
        Ok(digest) => digest,
        Err(refusal) => return refusal,
    };
    let subject = manifest.document()["subject"]["digest"]
        .as_str()
        .map(str::to_owned);
    let tags: Vec<_> = if is_digest {
        request
            .query_all("tag")
            .take(state.profile.multi_tags)
            .map(str::to_owned)
            .collect()
    } else {
        vec![reference.to_owned()]
    };
    if tags.iter().any(|tag| !is_tag(tag)) {
        return Response::error(400, "TAG_INVALID", "invalid tag");
    }
    let found = state.store.repository(repository);
    found.manifests.insert(digest.clone(), manifest);
    for tag in &tags {
        found.tags.insert(tag.clone(), digest.clone());
    }

    let location = state.location(&format!("/v2/{repository}/manifests/{digest}"));
    let mut response = Response::new(201).header("Location", &location);
    if is_digest {
        for tag in &tags {
            response.headers.push("OCI-Tag", tag);
        }
    }
    if let Some(subject) = subject.filter(|_| state.profile.subject_header) {
        response.headers.push("OCI-Subject", &subject);
    }
    state.with_digest(response, &digest)
}

/// `DELETE`: a digest with all its tags, or a single tag.
pub fn delete(state: &mut State, repository: &str, reference: &str) -> Response {
    let is_digest = reference.contains(':');
    let offered = if is_digest {
        state.profile.manifest_deletion
    } else {
        state.profile.tag_deletion
    };
    if !offered {
        return unsupported();
    }
    let Some(found) = state.store.repositories.get_mut(repository) else {
        return name_unknown();
    };
    let removed = if is_digest {
        found.tags.retain(|_, digest| digest != reference);
        found.manifests.remove(reference).is_some()
    } else {
        found.tags.remove(reference).is_some()
    };
    if removed {
        Response::new(202)
    } else {
        manifest_unknown(reference)
    }
}

/// Checks the type, size and references of a pushed manifest.
fn check(state: &State, repository: &str, request: &Request) -> Result<Manifest, Response> {
    if request.body.len() > state.profile.max_manifest_bytes {
        return Err(Response::error(
            413,
            "SIZE_INVALID",
            "the manifest exceeds the maximum",
        ));
    }
    let bytes = request.body.beginning(usize::MAX).to_vec();
    let invalid = |message: &str| Response::error(400, "MANIFEST_INVALID", message);
    let media_type = request
        .headers
        .get("content-type")
        .unwrap_or_default()
        .to_owned();
    let document: Value =
        serde_json::from_slice(&bytes).map_err(|_| invalid("the manifest is not JSON"))?;
    if !document.is_object() {
        return Err(invalid("the manifest is not an object"));
    }
    if media_type.is_empty() {
        return Err(invalid("no Content-Type"));
    }
    if document["mediaType"]
        .as_str()
        .is_some_and(|declared| declared != media_type)
    {
        return Err(invalid("mediaType is not the Content-Type"));
    }
    if state.profile.known_manifests_only && !KNOWN_TYPES.contains(&media_type.as_str()) {
        return Err(Response::error(
            415,
            "MANIFEST_INVALID",
            "unsupported media type",
        ));
    }
    if state.profile.verifies_references {
        let empty = super::store::Repository::default();
        let found = state.store.repositories.get(repository).unwrap_or(&empty);
        let missing = found.missing_references(&document);
        if !missing.is_empty() {
            let error = |digest| {
                json!({
                    "code": "MANIFEST_BLOB_UNKNOWN",
                    "message": "manifest references a blob unknown to registry",
                    "detail": digest,
                })
            };
            return Err(Response::errors(
                400,
                &missing.iter().map(error).collect::<Vec<_>>(),
            ));
        }
    }
    Ok(Manifest { media_type, bytes })
}

/// The digest of a pushed manifest: the requested digest if it is correct, otherwise sha256.
fn storage_digest(
    reference: &str,
    parameter: Option<&str>,
    bytes: &[u8],
) -> Result<String, Response> {
    let wanted = if reference.contains(':') {
        Some(reference)
    } else {
        parameter
    };
    let Some(wanted) = wanted else {
        return Ok(sha256(bytes));
    };
    let algorithm = Algorithm::of_digest(wanted).ok_or_else(|| digest_invalid("not a digest"))?;
    if algorithm.digest_bytes(bytes) == wanted {
        Ok(wanted.to_owned())
    } else {
        Err(digest_invalid(
            "provided digest did not match uploaded content",
        ))
    }
}

/// Returns whether the request accepts this type. Ignores parameters such as `q`, because only one
/// type is available.
fn accepts(request: &Request, media_type: &str) -> bool {
    let mut ranges = request
        .headers
        .all("accept")
        .flat_map(|line| line.split(','))
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim();
            matches!(range, "*/*" | "application/*") || range == media_type
        })
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn manifest_unknown(reference: &str) -> Response {
    let error =
        json!({ "code": "MANIFEST_UNKNOWN", "message": "manifest unknown", "detail": reference });
    Response::errors(404, &[error])
}
