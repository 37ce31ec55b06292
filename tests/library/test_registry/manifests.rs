//! Manifests, tags, referrers and pagination.

use crate::support::registry::{RegistryProfile, TestRegistry};

use super::wire::Wire;
use super::{ABSENT, EXCHANGE, Exchange, IMAGE, INDEX, play};

#[test]
fn manifests_are_validated_stored_tagged_and_deleted() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    play(
        &registry,
        &[
            Exchange {
                name: "missing references",
                ask: "PUT /v2/a/manifests/v1",
                with: &["Content-Type: application/vnd.oci.image.manifest.v1+json"],
                body: r#"{"config":{"digest":"{absent}"},"layers":[{"digest":"{hello}"}]}"#,
                status: 400,
                exactly: Some(
                    r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","detail":"{absent}","message":"manifest references a blob unknown to registry"}]}"#,
                ),
                ..EXCHANGE
            },
            Exchange {
                name: "by tag",
                ask: "PUT /v2/a/manifests/v1",
                with: &["Content-Type: application/vnd.oci.image.manifest.v1+json"],
                body: r#"{"layers":[{"digest":"{hello}"}],"subject":{"digest":"{absent}"}}"#,
                status: 201,
                headers: &["OCI-Subject: {absent}", "!OCI-Tag"],
                ..EXCHANGE
            },
            Exchange {
                name: "wrong type",
                ask: "PUT /v2/a/manifests/v1",
                with: &["Content-Type: application/vnd.oci.image.index.v1+json"],
                body: r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#,
                status: 400,
                says: "MANIFEST_INVALID",
                ..EXCHANGE
            },
            Exchange {
                name: "wrong digest",
                ask: "PUT /v2/a/manifests/{absent}",
                with: &["Content-Type: application/vnd.oci.image.index.v1+json"],
                body: "{}",
                status: 400,
                says: "DIGEST_INVALID",
                ..EXCHANGE
            },
            Exchange {
                name: "head",
                ask: "HEAD /v2/a/manifests/v1",
                with: &[
                    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
                ],
                headers: &[
                    "Content-Type: application/vnd.oci.image.manifest.v1+json",
                    "Content-Length: 192",
                ],
                ..EXCHANGE
            },
            Exchange {
                name: "not accepted",
                ask: "GET /v2/a/manifests/v1",
                with: &["Accept: application/vnd.oci.image.index.v1+json"],
                status: 404,
                says: "MANIFEST_UNKNOWN",
                ..EXCHANGE
            },
            Exchange {
                name: "referrers",
                ask: "GET /v2/a/referrers/{absent}",
                headers: &[
                    "Content-Type: application/vnd.oci.image.index.v1+json",
                    "!OCI-Filters-Applied",
                ],
                says: "\"size\":192",
                ..EXCHANGE
            },
            Exchange {
                name: "referrers of a type",
                ask: "GET /v2/a/referrers/{absent}?artifactType=x/y",
                headers: &["OCI-Filters-Applied: artifactType"],
                says: "\"manifests\":[]",
                ..EXCHANGE
            },
            Exchange {
                name: "delete the tag",
                ask: "DELETE /v2/a/manifests/v1",
                status: 202,
                ..EXCHANGE
            },
            Exchange {
                name: "gone",
                ask: "GET /v2/a/manifests/v1",
                status: 404,
                says: "MANIFEST_UNKNOWN",
                ..EXCHANGE
            },
        ],
    );
    assert_eq!(registry.manifests("a").len(), 1, "a tag goes alone");
}

#[test]
fn a_manifest_pushed_by_digest_can_get_several_tags() {
    let registry = TestRegistry::start();
    let digest = registry.seed_manifest("elsewhere", INDEX, b"{}", None);
    let target = format!("PUT /v2/a/manifests/{digest}?tag=one&tag=two");
    let reply = Wire::to(&registry).send(&target, &[&format!("Content-Type: {INDEX}")], b"{}");
    assert_eq!(reply.status, 201);
    assert_eq!(reply.all("OCI-Tag"), ["one", "two"]);
    assert_eq!(registry.tags("a"), ["one", "two"]);

    let reply = Wire::to(&registry).send(&format!("DELETE /v2/a/manifests/{digest}"), &[], b"");
    assert_eq!(reply.status, 202);
    assert_eq!(registry.tags("a"), [""; 0], "a manifest goes with its tags");
}

#[test]
fn a_manifest_beyond_4_mib_is_refused() {
    let registry = TestRegistry::start();
    let mut body = b"{}".to_vec();
    body.resize(4 * 1024 * 1024, b' ');
    let kind = format!("Content-Type: {INDEX}");
    assert_eq!(
        Wire::to(&registry)
            .send("PUT /v2/a/manifests/v1", &[&kind], &body)
            .status,
        201
    );
    body.push(b' ');
    assert_eq!(
        Wire::to(&registry)
            .send("PUT /v2/a/manifests/v1", &[&kind], &body)
            .status,
        413
    );
}

#[test]
fn lists_are_paginated() {
    let registry = TestRegistry::start_as(RegistryProfile {
        page_size: Some(2),
        ..RegistryProfile::default()
    });
    for tag in ["a", "b", "c"] {
        registry.seed_manifest("r", IMAGE, b"{}", Some(tag));
    }
    registry.seed_repository("s");
    registry.seed_repository("t");
    for kind in ["x/1", "x/2", "x/3"] {
        registry.seed_referrer("r", ABSENT, kind);
    }
    play(
        &registry,
        &[
            Exchange {
                name: "first tags",
                ask: "GET /v2/r/tags/list",
                headers: &["Link: </v2/r/tags/list?last=b>; rel=\"next\""],
                exactly: Some(r#"{"name":"r","tags":["a","b"]}"#),
                ..EXCHANGE
            },
            Exchange {
                name: "last tags",
                ask: "GET /v2/r/tags/list?last=b",
                headers: &["!Link"],
                exactly: Some(r#"{"name":"r","tags":["c"]}"#),
                ..EXCHANGE
            },
            Exchange {
                name: "one tag",
                ask: "GET /v2/r/tags/list?n=1",
                headers: &["Link: </v2/r/tags/list?last=a&n=1>; rel=\"next\""],
                exactly: Some(r#"{"name":"r","tags":["a"]}"#),
                ..EXCHANGE
            },
            Exchange {
                name: "no tag",
                ask: "GET /v2/r/tags/list?n=0",
                headers: &["!Link"],
                exactly: Some(r#"{"name":"r","tags":[]}"#),
                ..EXCHANGE
            },
            Exchange {
                name: "no number",
                ask: "GET /v2/r/tags/list?n=x",
                status: 400,
                says: "PAGINATION_NUMBER_INVALID",
                ..EXCHANGE
            },
            Exchange {
                name: "no repository",
                ask: "GET /v2/u/tags/list",
                status: 404,
                says: "NAME_UNKNOWN",
                ..EXCHANGE
            },
            Exchange {
                name: "catalog",
                ask: "GET /v2/_catalog",
                headers: &["Link: </v2/_catalog?last=s>; rel=\"next\""],
                exactly: Some(r#"{"repositories":["r","s"]}"#),
                ..EXCHANGE
            },
        ],
    );
    let first = Wire::to(&registry).send(&format!("GET /v2/r/referrers/{ABSENT}"), &[], b"");
    let link = first.header("Link").expect("a second page");
    let next = link
        .trim_start_matches('<')
        .split('>')
        .next()
        .expect("a target");
    let second = Wire::to(&registry).send(&format!("GET {next}"), &[], b"");
    assert_eq!(first.text().matches("artifactType").count(), 2);
    assert_eq!(second.text().matches("artifactType").count(), 1);
    assert_eq!(second.header("Link"), None);
}
