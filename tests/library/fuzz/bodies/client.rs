//! Responses of a registry: challenges, links, and whole responses to each operation.

use std::io::Read as _;
use std::ops::ControlFlow;

use oras::copy::{CopyOptions, copy};
use oras::discover::{DiscoverOptions, discover};
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::registry::Repository;
use oras::store::memory::MemoryStore;
use oras::store::{Delete, Referrers, Source, TagLister, Target};
use oras::{Descriptor, Digest, MediaType, RawManifest, Result};

use super::mock::{HEADER, Mock, PASSWORD, Prepared, REGISTRY, is_registry};
use super::{check_error, parts};

/// The content of the blob that is pushed and fetched.
const BLOB: &[u8] = b"hello";
/// The most requests for one operation of these targets: each prepared response, retries of each,
/// authentication, and the repetition of the whole operation by a copy.
const MAX_REQUESTS: usize = 500;

/// Sends the lines as challenges, whatever the request. Token services issue a token.
pub(super) fn challenges(text: &str) {
    let lines: Vec<String> = text.lines().map(visible).collect();
    let offered = lines.concat().replace('\\', "").to_ascii_lowercase();
    let mock = Mock::new(move |_, url| {
        if is_registry(url) && url.path().starts_with("/v2/") {
            let header = |line: &String| ("WWW-Authenticate".to_owned(), line.clone());
            let headers = lines.iter().map(header).collect();
            return response(401, headers, b"");
        }
        response(200, Vec::new(), br#"{"token":"t","expires_in":300}"#)
    });
    let repository = repository(&mock);
    let error = repository
        .resolve("v1")
        .expect_err("every request is refused");
    check_error(&error);
    let received = mock.received();
    assert!(received.len() <= 10, "{} requests", received.len());
    for request in received {
        let host = request.url.host_and_port();
        let is_named = is_registry(&request.url) || offered.contains(&host.to_ascii_lowercase());
        assert!(is_named, "the request to {host} was not requested");
    }
    mock.check_waits();
}

/// Sends the lines as `Link` headers of each of the first pages of a list.
pub(super) fn links(text: &str) {
    const PAGES: usize = 40;
    let lines: Vec<String> = text.lines().map(visible).collect();
    let mock = Mock::new(move |number, _| {
        let header = |line: &String| ("Link".to_owned(), line.clone());
        let headers = lines.iter().filter(|_| number < PAGES).map(header);
        response(200, headers.collect(), br#"{"name":"a","tags":["v1"]}"#)
    });
    let mut tags = 0;
    let result = repository(&mock).tags(None, &mut |page| {
        tags += page.len();
        ControlFlow::Continue(())
    });
    let received = mock.received();
    match &result {
        Ok(()) => assert_eq!(tags, received.len()),
        Err(error) => check_error(error),
    }
    assert!(received.len() <= PAGES + 1, "{} requests", received.len());
    for request in received {
        assert!(is_registry(&request.url), "{:?}", request.url);
    }
}

/// Does the operation that the first part names. Each other part is a response: a line with the
/// status, headers, an empty line, and the body. A part `reset` is a broken connection. The last
/// response is repeated.
pub(super) fn client(input: &[u8]) {
    let mut parts = parts(input).into_iter();
    let operation = parts.next().unwrap_or_default().to_vec();
    let responses: Vec<Vec<u8>> = parts.map(<[u8]>::to_vec).collect();
    let challenges: Vec<u8> = responses.concat();
    let count = responses.len();
    let mock = Mock::new(move |number, _| {
        // A registry that sends pages for ever is tested elsewhere.
        let part = responses.get(number.min(count - 1))?;
        (number < count + 100).then(|| prepared(part))?
    });
    if count == 0 {
        return;
    }
    let repository = repository(&mock);
    let result = operate(&operation, &mock, &repository);
    let received = mock.received();
    if let Err(error) = &result {
        check_error(error);
        // A registry that repeats a secret which it was not sent is not detected.
        let has_secret = received.iter().any(|request| request.has_credentials);
        let text = error.chain().to_string();
        assert!(!has_secret || !text.contains(PASSWORD), "{text}");
    }
    assert!(received.len() <= MAX_REQUESTS, "{}", received.len());
    let challenges = String::from_utf8_lossy(&challenges).to_ascii_lowercase();
    for request in received {
        let host = request.url.host_and_port();
        let is_realm = || challenges.contains(&host.to_ascii_lowercase());
        let may_see_credentials = is_registry(&request.url) || is_realm();
        assert!(!request.has_credentials || may_see_credentials, "{host}");
    }
    mock.check_waits();
}

/// Does one operation and checks its result.
fn operate(operation: &[u8], mock: &Mock, repository: &Repository) -> Result<()> {
    let blob = Descriptor::of(MediaType::OCTET_STREAM, BLOB);
    let manifest = br#"{"schemaVersion":2,"manifests":[]}"#;
    let manifest = RawManifest::new(MediaType::IMAGE_INDEX, manifest.to_vec());
    match operation {
        b"resolve" => {
            let digest = blob.digest.to_string();
            let descriptor = repository.resolve(&digest)?;
            assert_eq!(descriptor.digest, blob.digest);
            repository.resolve("v1").map(drop)
        }
        b"manifest" => {
            let fetched = repository.fetch_manifest_by_reference("v1", MAX_MANIFEST_BYTES)?;
            assert_eq!(fetched.descriptor().size, fetched.bytes().len() as u64);
            assert!(fetched.descriptor().digest.matches(fetched.bytes()));
            Ok(())
        }
        b"blob" => {
            let mut bytes = Vec::new();
            let mut reader = repository.fetch(&blob)?;
            // An error of the reader is displayed as part of another one.
            if reader.read_to_end(&mut bytes).is_ok() {
                assert_eq!(bytes, BLOB);
            }
            Ok(())
        }
        b"push blob" => repository.push(&blob, &mut &*BLOB).map(drop),
        b"push stream" => {
            let stream = repository.push_stream(&MediaType::OCTET_STREAM, &mut &*BLOB)?;
            if let Some((pushed, _)) = stream {
                assert!(pushed.digest == Digest::of(BLOB) && pushed.size == blob.size);
            }
            Ok(())
        }
        b"push manifest" => repository
            .push_reference(manifest.descriptor(), &mut &manifest, "v1")
            .map(drop),
        b"tags" => repository.tags(None, &mut |_| ControlFlow::Continue(())),
        b"catalog" => {
            let registry = repository.registry();
            (mock.client).repositories(registry, None, &mut |_| ControlFlow::Continue(()))
        }
        b"referrers" => repository.referrers(manifest.descriptor(), Some("a/b"), &mut |page| {
            let is_wanted = |it: &Descriptor| {
                it.artifact_type
                    .as_ref()
                    .is_some_and(|it| it.as_str() == "a/b")
            };
            assert!(page.iter().all(is_wanted), "{page:?}");
            ControlFlow::Continue(())
        }),
        b"discover" => discover(repository, "v1", &DiscoverOptions::default()).map(drop),
        b"delete" => repository.delete(manifest.descriptor()),
        b"delete blob" => repository.delete(&blob),
        b"copy" => {
            let store = MemoryStore::new();
            let root = copy(
                repository,
                "v1",
                &store,
                Some("v1"),
                &mut CopyOptions::default(),
            )?;
            let copied = store.fetch_manifest(&root, MAX_MANIFEST_BYTES)?;
            for successor in copied.successors()? {
                assert!(store.exists(&successor)?, "{successor:?}");
            }
            Ok(())
        }
        _ => mock.client.check(repository.registry()),
    }
}

fn repository(mock: &Mock) -> Repository {
    let name = format!("{REGISTRY}/a/b");
    mock.client.repository(&name).expect("a valid name")
}

/// Reads a response from its part of an input.
fn prepared(part: &[u8]) -> Option<Prepared> {
    let end = part.windows(2).position(|it| it == b"\n\n");
    let (head, body) = end.map_or((part, &b""[..]), |end| (&part[..end], &part[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next()?.trim().parse::<u16>().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), visible(value.trim())));
    response(status.clamp(200, 599), headers.collect(), body)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the result of a closure of `Mock`"
)]
fn response(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Option<Prepared> {
    Some(Prepared {
        status,
        headers,
        body: body.to_vec(),
    })
}

/// Replaces what a transport does not return in a header value, and the secrets, which are secrets
/// only if the fuzzer does not know them.
fn visible(value: &str) -> String {
    let value = value.replace(|character: char| character.is_ascii_control(), " ");
    value.replace(PASSWORD, "?").replace(HEADER, "?")
}
