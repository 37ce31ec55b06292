//! `/v2/<name>/blobs/uploads/`: every way to push a blob (distribution-spec v1.1, "Pushing blobs").

use super::content::{Content, Spool};
use super::digest::Algorithm;
use super::profile::Mount;
use super::request::Request;
use super::response::Response;
use super::state::{State, digest_invalid, name_unknown, unsupported};
use super::store::Session;

/// `POST`: a session, a mount, or the whole blob at once.
pub fn open(state: &mut State, repository: &str, request: &mut Request) -> Response {
    if !state.profile.creates_repositories && !state.store.repositories.contains_key(repository) {
        return name_unknown();
    }
    let (mount, digest) = (request.query("mount"), request.query("digest"));
    if mount.is_some() && digest.is_some() {
        // The specification leaves this open and servers differ, so a client must not depend on it.
        return Response::error(
            400,
            "UNSUPPORTED",
            "mount and digest together are undefined",
        );
    }
    if request
        .query("digest-algorithm")
        .is_some_and(|name| Algorithm::named(name).is_none())
    {
        return Response::error(400, "UNSUPPORTED", "unsupported digest algorithm");
    }
    state.store.repository(repository);
    if let Some(digest) = mount {
        match try_mount(state, digest, request.query("from")) {
            Mounted::Blob(content) => {
                let digest = digest.to_owned();
                return store(state, repository, &digest, content);
            }
            Mounted::Refused(status) => {
                return Response::error(status, "UNAUTHORIZED", "mounting is not granted");
            }
            Mounted::No => {}
        }
    }
    if state.profile.single_post
        && let Some(digest) = digest.map(str::to_owned)
    {
        let body = std::mem::take(&mut request.body);
        return verify(&digest, body).map_or_else(
            |refusal| refusal,
            |content| store(state, repository, &digest, content),
        );
    }
    let id = state.store.open_session(repository);
    let mut response = progress(state, 202, repository, &id);
    if let Some(bytes) = state.profile.min_chunk_bytes {
        response
            .headers
            .push("OCI-Chunk-Min-Length", &bytes.to_string());
    }
    response
}

/// `PATCH`: a chunk.
pub fn append(state: &mut State, repository: &str, id: &str, request: &mut Request) -> Response {
    if let Err(refusal) = check_session(state, repository, id, request) {
        return refusal;
    }
    if state
        .profile
        .max_patch_bytes
        .is_some_and(|limit| request.body.len() > limit)
    {
        return Response::error(
            416,
            "REQUESTED_RANGE_NOT_SATISFIABLE",
            "the chunk exceeds the maximum",
        );
    }
    let minimum = state.profile.min_chunk_bytes.unwrap_or(0);
    let Some(session) = state.store.session(repository, id) else {
        return upload_unknown();
    };
    if session.short_chunk {
        return Response::error(
            416,
            "SIZE_INVALID",
            "only the last chunk may be below the minimum",
        );
    }
    session.short_chunk = request.body.len() < minimum;
    if let Err(error) = session.received.append(std::mem::take(&mut request.body)) {
        return Response::error(500, "UNKNOWN", &error.to_string());
    }
    progress(state, 202, repository, id)
}

/// `PUT`: the rest, and the digest of the blob.
pub fn commit(state: &mut State, repository: &str, id: &str, request: &mut Request) -> Response {
    if let Err(refusal) = check_session(state, repository, id, request) {
        return refusal;
    }
    if state
        .profile
        .max_put_bytes
        .is_some_and(|limit| request.body.len() > limit)
    {
        return Response::error(413, "SIZE_INVALID", "the body exceeds the maximum");
    }
    let Some(digest) = request.query("digest").map(str::to_owned) else {
        return digest_invalid("no digest given");
    };
    // As in distribution, a commit ends the session even if it fails.
    let Some(mut session) = state.store.sessions.remove(id) else {
        return upload_unknown();
    };
    if let Err(error) = session.received.append(std::mem::take(&mut request.body)) {
        return Response::error(500, "UNKNOWN", &error.to_string());
    }
    match verify(&digest, session.received) {
        Ok(content) => store(state, repository, &digest, content),
        Err(refusal) => refusal,
    }
}

/// `GET`: the offset.
pub fn status(state: &mut State, repository: &str, id: &str) -> Response {
    if !state.profile.upload_status {
        return unsupported();
    }
    match state.store.session(repository, id) {
        Some(_) => progress(state, 204, repository, id),
        None => upload_unknown(),
    }
}

/// `DELETE`: ends the session.
pub fn cancel(state: &mut State, repository: &str, id: &str) -> Response {
    if state.store.session(repository, id).is_none() {
        return upload_unknown();
    }
    state.store.sessions.remove(id);
    Response::new(204)
}

/// Keeps the received part of an interrupted body.
pub fn keep_partial(state: &mut State, repository: &str, id: &str, request: &mut Request) {
    if !state.profile.keeps_partial_uploads
        || check_session(state, repository, id, request).is_err()
    {
        return;
    }
    if let Some(session) = state.store.session(repository, id) {
        // The connection is closed; the next status request shows an error.
        let _ = session.received.append(std::mem::take(&mut request.body));
        session.state += 1;
    }
}

enum Mounted {
    Blob(Content),
    Refused(u16),
    No,
}

fn try_mount(state: &State, digest: &str, from: Option<&str>) -> Mounted {
    let repositories = &state.store.repositories;
    let found = match state.profile.mount {
        Mount::Ignored => None,
        Mount::Refused(status) => return Mounted::Refused(status),
        Mount::Checked => from.and_then(|from| repositories.get(from)?.blobs.get(digest)),
        Mount::Anywhere => repositories
            .values()
            .find_map(|repository| repository.blobs.get(digest)),
    };
    found.cloned().map_or(Mounted::No, Mounted::Blob)
}

/// Rejects an unknown session, an old state, and a chunk at the wrong offset.
fn check_session(
    state: &mut State,
    repository: &str,
    id: &str,
    request: &Request,
) -> Result<(), Response> {
    let Some(session) = state.store.session(repository, id) else {
        return Err(upload_unknown());
    };
    let expected = session.received.len();
    let newest = state_text(session);
    let follows = request.headers.get("content-range").is_none_or(|range| {
        let first = range
            .split_once('-')
            .and_then(|(first, _)| first.parse().ok());
        first == Some(expected)
    });
    let is_newest = !state.profile.upload_state || request.query("_state") == Some(&newest);
    if follows && is_newest {
        return Ok(());
    }
    let location = session_location(state, repository, id);
    let message = if follows {
        "the location is not the newest"
    } else {
        "the chunk does not follow the last"
    };
    Err(Response::error(416, "RANGE_INVALID", message)
        .header("Location", &location)
        .header("Range", &range_text(expected)))
}

/// The response with the offset and the next location of a session.
fn progress(state: &mut State, status: u16, repository: &str, id: &str) -> Response {
    let mut received = 0;
    if let Some(session) = state.store.session(repository, id) {
        session.state += 1;
        received = session.received.len();
    }
    Response::new(status)
        .header("Location", &session_location(state, repository, id))
        .header("Range", &range_text(received))
        .header("Docker-Upload-UUID", id)
}

fn session_location(state: &State, repository: &str, id: &str) -> String {
    let query = match state.store.sessions.get(id) {
        Some(session) if state.profile.upload_state => {
            format!("?_state={}", state_text(session))
        }
        _ => String::new(),
    };
    state.location(&format!("/v2/{repository}/blobs/uploads/{id}{query}"))
}

/// The `_state` of a location, which changes with every response, as the signature in distribution.
fn state_text(session: &Session) -> String {
    format!("s{}", session.state)
}

/// Inclusive, as in distribution: an empty session and a single byte look the same.
fn range_text(received: u64) -> String {
    format!("0-{}", received.saturating_sub(1))
}

fn verify(digest: &str, received: Spool) -> Result<Content, Response> {
    let algorithm = Algorithm::of_digest(digest).ok_or_else(|| digest_invalid("not a digest"))?;
    let content = received.finish();
    let actual = algorithm
        .digest(content.reader())
        .map_err(|error| Response::error(500, "UNKNOWN", &error.to_string()))?;
    if actual == digest {
        Ok(content)
    } else {
        Err(digest_invalid(
            "provided digest did not match uploaded content",
        ))
    }
}

fn store(state: &mut State, repository: &str, digest: &str, content: Content) -> Response {
    state
        .store
        .repository(repository)
        .blobs
        .insert(digest.to_owned(), content);
    let location = state.location(&format!("/v2/{repository}/blobs/{digest}"));
    state.with_digest(Response::new(201).header("Location", &location), digest)
}

fn upload_unknown() -> Response {
    Response::error(
        404,
        "BLOB_UPLOAD_UNKNOWN",
        "blob upload unknown to registry",
    )
}
