//! Lists that lie, or have no end.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use oras::http::{Headers, Request, Response, Transport, TransportError};
use oras::registry::{Client, ReferrersMode};
use oras::store::Referrers;
use oras::{Error, Result};

use super::{
    INDEX_TYPE, digests, list, list_of, nothing, signature, subject, tag, with_subject, without_api,
};
use crate::setup::{builder, client, text};
use crate::support::registry::{Fault, RegistryProfile, on};

const MODES: [ReferrersMode; 2] = [ReferrersMode::Api, ReferrersMode::Tag];

/// Lists the referrers that a registry with this fault has, as either of the two tells.
fn list_with(mode: ReferrersMode, fault: Fault) -> Result<Vec<String>> {
    list_by(&client(), mode, fault)
}

fn list_by(client: &Client, mode: ReferrersMode, fault: Fault) -> Result<Vec<String>> {
    let registry = if mode == ReferrersMode::Api {
        with_subject(RegistryProfile::default())
    } else {
        without_api()
    };
    registry.seed_manifest("a", INDEX_TYPE, &list_of(&[]), Some(&tag()));
    let registry = registry.with(fault.no_digest_header());
    let repository = client.repository(&registry.reference("a")).unwrap();
    list(&repository.with_referrers_mode(mode))
}

#[test]
fn invalid_entries_are_skipped_and_reported() {
    let entry = |digest: &str| format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":1}}"#);
    let good = nothing().digest.to_string();
    let itself = subject().descriptor().digest.to_string();
    let entries = [
        &entry(&good),
        "null",
        "{}",
        "[]",
        "17",
        &entry("sha256:12"),
        &entry("blake3:00"),
        &entry(&itself),
        &entry(&good),
        r#"{"digest":"","size":-1}"#,
    ];
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX_TYPE}","manifests":[{}]}}"#,
        entries.join(",")
    );
    for mode in MODES {
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&warnings);
        let client = builder()
            .on_warning(move |_, text| heard.lock().unwrap().push(text.to_owned()))
            .build();
        let fault = on("GET", "*").body(list.as_str());

        let found = list_by(&client, mode, fault).unwrap();

        assert_eq!(found, [good.as_str()], "{mode:?}");
        let wanted =
            format!("5 of the referrers listed for {itself} cannot be read and are left out: ");
        let warnings = warnings.lock().unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(&wanted), "{warnings:?}");
    }
}

#[test]
fn an_invalid_listing_is_an_error_that_names_it() {
    for (body, wanted) in [
        ("", "EOF while parsing"),
        ("[]", "expected"),
        (r#"{"manifests":{}}"#, "expected"),
    ] {
        let error = list_with(ReferrersMode::Api, on("GET", "*").body(body)).unwrap_err();

        let text = text(&error);
        assert!(
            text.contains("the answer is no list of referrers: ") && text.contains(wanted),
            "{text}"
        );
    }
}

#[test]
fn referrers_are_limited() {
    for mode in MODES {
        let error = list_with(mode, on("GET", "*").endless_body()).unwrap_err();

        assert!(
            matches!(
                error,
                Error::TooLarge {
                    limit: 4_194_304,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

/// A registry whose list goes on for ever, with so many new referrers on each page.
struct Endless {
    per_page: usize,
    asked: AtomicUsize,
}

impl Transport for Endless {
    fn send(&self, _: Request<'_>) -> Result<Response, TransportError> {
        let page = self.asked.fetch_add(1, Ordering::Relaxed);
        let entries: Vec<_> = (0..self.per_page)
            .map(|number| {
                let digest = format!("sha256:{:064x}", page * self.per_page + number);
                format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":1}}"#)
            })
            .collect();
        let body = format!(r#"{{"manifests":[{}]}}"#, entries.join(","));
        Ok(Response::new(
            200,
            Headers::new()
                .with("Content-Type", INDEX_TYPE)
                .with("Link", format!("<?page={page}>; rel=\"next\"")),
            Cursor::new(body.into_bytes()),
        ))
    }
}

#[test]
fn pages_of_referrers_are_limited() {
    for (per_page, wanted) in [
        (
            5000,
            "size 100001 exceeds MaxReferrers 100000: size exceeds limit",
        ),
        (0, "the list has more than 10000 pages"),
    ] {
        let client = builder()
            .transport(Endless {
                per_page,
                asked: AtomicUsize::new(0),
            })
            .build();
        let repository = client.repository("registry.example/a").unwrap();

        let error = repository
            .referrers(subject().descriptor(), None, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap_err();

        assert!(text(&error).ends_with(wanted), "{}", text(&error));
    }
}

#[test]
fn a_listing_is_not_trusted_about_the_subject() {
    let stranger = crate::artifacts::attached("stranger", "sig/a", &nothing());
    let found = list_with(
        ReferrersMode::Api,
        on("GET", "*").body(list_of(&[&stranger, &signature("one")])),
    )
    .unwrap();

    assert_eq!(found, digests(&[&stranger, &signature("one")]));
    let said = oras::referrers::Referrer::from_manifest(&stranger)
        .unwrap()
        .unwrap();
    assert_eq!(said.subject.digest, nothing().digest);
}
