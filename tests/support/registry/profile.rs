//! Differences between correct registries: the choices that the specification allows, as data.
//!
//! Violations of the specification are [faults](super::faults).

/// The features and variants of a registry. The default implements distribution-spec v1.1
/// completely.
#[derive(Clone, Debug)]
pub struct RegistryProfile {
    /// Implements `/v2/<name>/referrers/<digest>`; otherwise 404.
    pub referrers_api: bool,
    /// Sends `OCI-Subject` for a manifest with a subject. Independent of [`Self::referrers_api`]:
    /// ECR sent the header without the API.
    pub subject_header: bool,
    /// Filters referrers by `artifactType` and sends `OCI-Filters-Applied`.
    pub filters_referrers: bool,
    /// Accepts a blob with `POST ?digest=`; otherwise starts a session and ignores the body.
    pub single_post: bool,
    /// Support for `POST ?mount=`.
    pub mount: Mount,
    /// Number of `?tag=` members of a manifest `PUT` by digest that are accepted and echoed in
    /// `OCI-Tag`; 0 ignores all.
    pub multi_tags: usize,
    /// Rejects manifests with missing references.
    pub verifies_references: bool,
    /// Rejects unknown manifest types with 415, as zot.
    pub known_manifests_only: bool,
    /// Supports deletion of tags.
    pub tag_deletion: bool,
    /// Supports deletion of manifests by digest.
    pub manifest_deletion: bool,
    /// Supports deletion of blobs.
    pub blob_deletion: bool,
    /// Implements `/v2/_catalog`.
    pub catalog: bool,
    /// Entries per page of tags, catalog and referrers, regardless of `n`; None uses `n`.
    pub page_size: Option<usize>,
    /// The query member for the next page: `last`, or `next_page` as at Quay, which ignores `last`.
    pub page_parameter: &'static str,
    /// Sends `Location` and `Link` with scheme and host.
    pub absolute_locations: bool,
    /// Sends `Docker-Content-Digest`.
    pub digest_header: bool,
    /// Sends `Content-Length` in responses to `HEAD`.
    pub head_length: bool,
    /// Sends `ETag` with manifests and honours `If-None-Match`.
    pub etags: bool,
    /// Support for `Range` on blobs.
    pub ranges: Ranges,
    /// Implements `GET` of an upload session.
    pub upload_status: bool,
    /// Adds `_state` to session locations and accepts only the latest, as distribution.
    pub upload_state: bool,
    /// Keeps the received part of an interrupted body, so that the session can be resumed.
    pub keeps_partial_uploads: bool,
    /// Sent in `OCI-Chunk-Min-Length`, and enforced for all chunks but the last.
    pub min_chunk_bytes: Option<u64>,
    /// Largest `PATCH`; a larger one is rejected with 416, as at GHCR.
    pub max_patch_bytes: Option<u64>,
    /// Largest blob `PUT`; a larger one is rejected with 413, as at Cloudflare and ACR.
    pub max_put_bytes: Option<u64>,
    /// Largest manifest; a larger one is rejected with 413.
    pub max_manifest_bytes: u64,
    /// Creates repositories on push; otherwise 404 `NAME_UNKNOWN`, as at ECR.
    pub creates_repositories: bool,
    /// Responds to `Expect: 100-continue` with 100; otherwise waits for the body.
    pub continues: bool,
    /// Handles further requests on a connection; otherwise closes it when one arrives, without a
    /// response.
    pub keeps_connections: bool,
}

/// Support for `POST ?mount=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// 201 if `from` has the blob, otherwise a session (distribution).
    Checked,
    /// Same as `Checked`, but searches all repositories and needs no `from` (zot, Artifact
    /// Registry).
    Anywhere,
    /// Always a session (the registry of go-containerregistry).
    Ignored,
    /// Always this status (GitLab and Harbor: 401).
    Refused(u16),
}

/// Support for `Range` on blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// Supported.
    Honoured,
    /// Supported with an explicit end, otherwise 416 (the registry of go-containerregistry).
    WithEnd,
    /// Ignored: 200 with the whole blob.
    Ignored,
}

impl Default for RegistryProfile {
    fn default() -> Self {
        Self {
            referrers_api: true,
            subject_header: true,
            filters_referrers: true,
            single_post: true,
            mount: Mount::Checked,
            multi_tags: 10,
            verifies_references: true,
            known_manifests_only: false,
            tag_deletion: true,
            manifest_deletion: true,
            blob_deletion: true,
            catalog: true,
            page_size: None,
            page_parameter: "last",
            absolute_locations: false,
            digest_header: true,
            head_length: true,
            etags: true,
            ranges: Ranges::Honoured,
            upload_status: true,
            upload_state: true,
            keeps_partial_uploads: true,
            min_chunk_bytes: None,
            max_patch_bytes: None,
            max_put_bytes: None,
            max_manifest_bytes: 4 * 1024 * 1024,
            creates_repositories: true,
            continues: true,
            keeps_connections: true,
        }
    }
}

impl RegistryProfile {
    /// CNCF distribution: no referrers, no single POST, no `?tag=`, absolute locations.
    pub fn distribution() -> Self {
        Self {
            referrers_api: false,
            subject_header: false,
            single_post: false,
            multi_tags: 0,
            absolute_locations: true,
            ..Self::default()
        }
    }

    /// zot: all features, relative locations, only known manifest types.
    pub fn zot() -> Self {
        Self {
            mount: Mount::Anywhere,
            known_manifests_only: true,
            upload_state: false,
            ..Self::default()
        }
    }

    /// The in-memory registry of go-containerregistry, which many test suites use.
    pub fn ggcr() -> Self {
        Self {
            mount: Mount::Ignored,
            multi_tags: 0,
            verifies_references: false,
            ranges: Ranges::WithEnd,
            upload_status: false,
            upload_state: false,
            etags: false,
            subject_header: false,
            ..Self::default()
        }
    }

    /// GHCR: no referrers, no deletion, no catalog, small chunks.
    pub fn ghcr() -> Self {
        Self {
            referrers_api: false,
            subject_header: false,
            multi_tags: 0,
            tag_deletion: false,
            manifest_deletion: false,
            blob_deletion: false,
            catalog: false,
            max_patch_bytes: Some(4 * 1024 * 1024),
            ..Self::default()
        }
    }
}
