//! Paginated lists: tags, catalog, referrers (distribution-spec v1.1, "Content Discovery").

use serde_json::{Value, json};

use super::digest::Algorithm;
use super::request::Request;
use super::response::Response;
use super::state::{State, digest_invalid, name_unknown};
use super::store::Manifest;

/// `/v2/<name>/tags/list`.
pub fn tags(state: &State, repository: &str, request: &Request) -> Response {
    let Some(found) = state.store.repositories.get(repository) else {
        return name_unknown();
    };
    let names = found
        .tags
        .keys()
        .map(|tag| (tag.clone(), json!(tag)))
        .collect();
    let (page, link) = match paginate(state, names, request) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    with_link(
        Response::json(200, &json!({ "name": repository, "tags": page })),
        link,
    )
}

/// `/v2/_catalog`.
pub fn catalog(state: &State, request: &Request) -> Response {
    if !state.profile.catalog {
        return Response::error(404, "UNSUPPORTED", "no catalog");
    }
    let names = state
        .store
        .repositories
        .keys()
        .map(|name| (name.clone(), json!(name)))
        .collect();
    let (page, link) = match paginate(state, names, request) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    with_link(Response::json(200, &json!({ "repositories": page })), link)
}

/// `/v2/<name>/referrers/<digest>`.
pub fn referrers(state: &State, repository: &str, digest: &str, request: &Request) -> Response {
    if !state.profile.referrers_api {
        return Response::new(404)
            .header("Content-Type", "text/plain")
            .bytes("404 page not found\n");
    }
    if Algorithm::of_digest(digest).is_none() {
        return digest_invalid("not a digest");
    }
    let filter = request
        .query("artifactType")
        .filter(|_| state.profile.filters_referrers);
    let manifests = state
        .store
        .repositories
        .get(repository)
        .map(|found| &found.manifests);
    let entries = manifests
        .into_iter()
        .flatten()
        .filter_map(|(own, manifest)| Some((own.clone(), descriptor(own, manifest, digest)?)))
        .filter(|(_, entry)| filter.is_none_or(|wanted| entry["artifactType"] == wanted))
        .collect();
    let (page, link) = match paginate(state, entries, request) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": page,
    });
    let mut response = Response::new(200)
        .header("Content-Type", "application/vnd.oci.image.index.v1+json")
        .bytes(index.to_string());
    if filter.is_some() {
        response.headers.push("OCI-Filters-Applied", "artifactType");
    }
    with_link(response, link)
}

/// The descriptor of a manifest in the list of referrers of `subject`, if it is one.
fn descriptor(digest: &str, manifest: &Manifest, subject: &str) -> Option<Value> {
    let document = manifest.document();
    if document["subject"]["digest"] != subject {
        return None;
    }
    let mut entry = json!({
        "mediaType": manifest.media_type,
        "digest": digest,
        "size": manifest.bytes.len(),
    });
    let own_type = document["artifactType"]
        .as_str()
        .filter(|text| !text.is_empty());
    if let Some(artifact_type) = own_type.or_else(|| document["config"]["mediaType"].as_str()) {
        entry["artifactType"] = json!(artifact_type);
    }
    if document["annotations"].is_object() {
        entry["annotations"] = document["annotations"].clone();
    }
    Some(entry)
}

/// One page of named entries in byte order, and the target of the next page, if any.
fn paginate(
    state: &State,
    entries: Vec<(String, Value)>,
    request: &Request,
) -> Result<(Vec<Value>, Option<String>), Response> {
    let parameter = state.profile.page_parameter;
    let asked = match request.query("n").map(str::parse::<usize>) {
        Some(Err(_)) => {
            return Err(Response::error(
                400,
                "PAGINATION_NUMBER_INVALID",
                "invalid number of results",
            ));
        }
        Some(Ok(number)) => Some(number),
        None => None,
    };
    let limit = match (asked, state.profile.page_size) {
        (Some(asked), Some(own)) => asked.min(own),
        (asked, own) => asked.or(own).unwrap_or(usize::MAX),
    };
    let after = request.query(parameter).unwrap_or_default();
    let mut rest = entries
        .into_iter()
        .filter(|(name, _)| after.is_empty() || name.as_str() > after);
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let link = page.last().filter(|_| more).map(|(last, _)| {
        let mut target = format!("{}?{parameter}={}", request.path, encode(last));
        // Other query members also apply to the next page.
        for (name, value) in request.query.iter().filter(|(name, _)| name != parameter) {
            target.extend(["&", name, "=", &encode(value)]);
        }
        state.location(&target)
    });
    Ok((page.into_iter().map(|(_, value)| value).collect(), link))
}

fn with_link(response: Response, target: Option<String>) -> Response {
    match target {
        Some(target) => response.header("Link", &format!("<{target}>; rel=\"next\"")),
        None => response,
    }
}

/// Percent-encodes a query member.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
