//! `/v2/<name>/blobs/<digest>`: existence, content, ranges, deletion.

use serde_json::json;

use super::digest::Algorithm;
use super::profile::Ranges;
use super::request::Request;
use super::response::{Framing, Response};
use super::state::{State, digest_invalid, name_unknown, unsupported};

/// `HEAD` and `GET`.
pub fn read(state: &State, repository: &str, digest: &str, request: &Request) -> Response {
    if Algorithm::of_digest(digest).is_none() {
        return digest_invalid("not a digest");
    }
    let Some(found) = state.store.repositories.get(repository) else {
        return name_unknown();
    };
    let Some(content) = found.blobs.get(digest) else {
        return blob_unknown(digest);
    };
    let size = content.len();
    let is_head = request.method == "HEAD";
    let range = match (state.profile.ranges, request.headers.get("range")) {
        (_, None) | (Ranges::Ignored, _) => None,
        _ if is_head => None,
        (style, Some(text)) => match parse_range(text, size, style) {
            Some(range) => Some(range),
            None => {
                return Response::error(416, "RANGE_INVALID", "range not satisfiable")
                    .header("Content-Range", &format!("bytes */{size}"));
            }
        },
    };
    let mut response = match range {
        None => Response::new(200).stored(content.clone(), 0, size),
        Some((first, last)) => Response::new(206)
            .header("Content-Range", &format!("bytes {first}-{last}/{size}"))
            .stored(content.clone(), first, last - first + 1),
    };
    if state.profile.ranges != Ranges::Ignored {
        response.headers.push("Accept-Ranges", "bytes");
    }
    if state.profile.etags {
        response.headers.push("ETag", &format!("\"{digest}\""));
    }
    if is_head && !state.profile.head_length {
        response.delivery.framing = Framing::UntilClose;
    }
    state.with_digest(
        response.header("Content-Type", "application/octet-stream"),
        digest,
    )
}

/// `DELETE`.
pub fn delete(state: &mut State, repository: &str, digest: &str) -> Response {
    if !state.profile.blob_deletion {
        return unsupported();
    }
    let Some(found) = state.store.repositories.get_mut(repository) else {
        return name_unknown();
    };
    match found.blobs.remove(digest) {
        Some(_) => state.with_digest(Response::new(202), digest),
        None => blob_unknown(digest),
    }
}

fn blob_unknown(digest: &str) -> Response {
    let error =
        json!({ "code": "BLOB_UNKNOWN", "message": "blob unknown to registry", "detail": digest });
    Response::errors(404, &[error])
}

/// The first and last byte of a single range, inclusive (RFC 9110 §14.1.2).
fn parse_range(text: &str, size: u64, style: Ranges) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if size == 0 || (last.is_empty() && style == Ranges::WithEnd) {
        return None;
    }
    let end = size - 1;
    let range = match (first, last) {
        ("", suffix) => (size.saturating_sub(suffix.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(end)),
    };
    (range.0 <= range.1).then_some(range)
}
