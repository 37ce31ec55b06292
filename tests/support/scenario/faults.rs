//! Servers with faults, each in a repository named after it.

use crate::support::registry::{TestRegistry, on};

/// A registry whose repositories contain the artifact `v1` with `a.txt` and `b.txt`, and have the
/// fault in their name.
pub(super) fn broken(registry: TestRegistry) -> TestRegistry {
    let content = [b"first line\n".repeat(400), b"second line\n".repeat(400)].concat();
    for repository in [
        "good",
        "flipped-blob",
        "short-blob",
        "announced-longer",
        "announced-shorter",
        "longer-blob",
        "missing-blob",
        "page-for-blob",
        "flipped-manifest",
        "wrong-digest-header",
        "page-for-manifest",
        "denied",
        "unauthorized",
        "refused",
        "refused-page",
        "moved",
    ] {
        registry.seed_artifact(repository, "v1", &[("a.txt", b"a\n"), ("b.txt", &content)]);
    }
    // Faults only for the large blob, so that one file is intact.
    let blob = |repository: &str| {
        let large = crate::support::registry::sha256(&content);
        on("GET", &format!("/v2/{repository}/blobs/{large}"))
    };
    let manifest = |repository: &str| on("GET", &format!("/v2/{repository}/manifests/*"));
    let head = |repository: &str| on("HEAD", &format!("/v2/{repository}/manifests/*"));
    registry
        .with(blob("flipped-blob").flip_byte(4000))
        .with(blob("short-blob").close_after(4000).ignoring("Range"))
        .with(blob("announced-longer").wrong_length(5))
        .with(blob("announced-shorter").wrong_length(-5))
        .with(blob("longer-blob").body([content.as_slice(), b"more"].concat()))
        .with(blob("missing-blob").error(404, "BLOB_UNKNOWN", "blob unknown to registry"))
        .with(blob("page-for-blob").html_page())
        .with(manifest("flipped-manifest").flip_byte(40))
        .with(manifest("wrong-digest-header").wrong_digest_header())
        .with(head("wrong-digest-header").wrong_digest_header())
        .with(manifest("page-for-manifest").html_page())
        .with(head("page-for-manifest").html_page())
        .with(on("*", "/v2/denied/*").error(
            403,
            "DENIED",
            "requested access to the resource is denied",
        ))
        .with(on("*", "/v2/unauthorized/*").error(401, "UNAUTHORIZED", "authentication required"))
        .with(on("*", "/v2/refused/*").error(400, "UNSUPPORTED", "not here"))
        .with(
            on("*", "/v2/refused-page/*")
                .status(400)
                .header("Content-Type", "text/html")
                .body("<html>no</html>"),
        )
        .with(on("GET", "/v2/moved/*").redirect(307, "http://[::1/broken"))
}

/// A server that responds to every request with an HTML page.
pub(super) fn web_site(registry: TestRegistry) -> TestRegistry {
    registry.with(on("*", "/*").html_page())
}
