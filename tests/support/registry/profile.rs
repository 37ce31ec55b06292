//! How registries differ while all are right: every freedom the specification leaves, as data.
//!
//! What is *wrong*, once or always, belongs to [faults](super::faults).

/// What this registry offers and how it words it. The default is a complete distribution-spec v1.1 registry.
#[derive(Clone, Debug)]
pub struct Personality {
    /// Answers `/v2/<name>/referrers/<digest>`; otherwise 404.
    pub referrers_api: bool,
    /// Sends `OCI-Subject` for a manifest with a subject. Apart from [`Self::referrers_api`], as ECR sent it without having that.
    pub subject_header: bool,
    /// Filters referrers by `artifactType` and says so.
    pub filters_referrers: bool,
    /// Takes `POST ?digest=` with the blob; otherwise opens a session and ignores the body.
    pub single_post: bool,
    /// What `POST ?mount=` does.
    pub mount: Mount,
    /// How many `?tag=` of a manifest `PUT` by digest are taken and echoed in `OCI-Tag`; 0 ignores them all.
    pub multi_tags: usize,
    /// Refuses manifests whose references are missing.
    pub verifies_references: bool,
    /// Refuses manifest types it does not know with 415, as zot does.
    pub known_manifests_only: bool,
    /// Deletes tags.
    pub tag_deletion: bool,
    /// Deletes manifests by digest.
    pub manifest_deletion: bool,
    /// Deletes blobs.
    pub blob_deletion: bool,
    /// Offers `/v2/_catalog`.
    pub catalog: bool,
    /// Entries per page of tags, catalog and referrers, whatever `n` asks for; none leaves it to `n`.
    pub page_size: Option<usize>,
    /// The query member that continues a list: `last`, or `next_page` as at Quay, which ignores `last`.
    pub page_parameter: &'static str,
    /// Sends `Location` and `Link` with scheme and host.
    pub absolute_locations: bool,
    /// Sends `Docker-Content-Digest`.
    pub digest_header: bool,
    /// Sends `Content-Length` with answers to `HEAD`.
    pub head_length: bool,
    /// Sends `ETag` with manifests and honours `If-None-Match`.
    pub etags: bool,
    /// What `Range` on blobs does.
    pub ranges: Ranges,
    /// Answers `GET` of an upload session.
    pub upload_status: bool,
    /// Puts a `_state` into session locations and takes only the newest, as distribution does.
    pub upload_state: bool,
    /// Keeps what arrived of a body that broke off, so that the session can go on.
    pub keeps_partial_uploads: bool,
    /// Announced in `OCI-Chunk-Min-Length`, and enforced for all chunks but the last.
    pub min_chunk_bytes: Option<u64>,
    /// A larger `PATCH` gets 416, as at GHCR.
    pub max_patch_bytes: Option<u64>,
    /// A larger blob `PUT` gets 413, as behind Cloudflare and at ACR.
    pub max_put_bytes: Option<u64>,
    /// A larger manifest gets 413.
    pub max_manifest_bytes: u64,
    /// Pushing creates repositories; otherwise 404 `NAME_UNKNOWN`, as at ECR.
    pub creates_repositories: bool,
    /// Answers `Expect: 100-continue` with 100; otherwise waits for the body in silence.
    pub continues: bool,
}

/// What `POST ?mount=` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// 201 when `from` has the blob, else a session (distribution).
    Truthful,
    /// As truthful, but looks into every repository and needs no `from` (zot, Artifact Registry).
    Anywhere,
    /// Always a session (the registry of go-containerregistry).
    Blind,
    /// Always this status (GitLab and Harbor: 401).
    Refused(u16),
}

/// What `Range` on blobs does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// Honoured.
    Honoured,
    /// Honoured with an explicit end, else 416 (the registry of go-containerregistry).
    WithEnd,
    /// Ignored: 200 and everything.
    Ignored,
}

impl Default for Personality {
    fn default() -> Self {
        Self {
            referrers_api: true,
            subject_header: true,
            filters_referrers: true,
            single_post: true,
            mount: Mount::Truthful,
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
        }
    }
}

impl Personality {
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

    /// zot: everything, relative locations, known manifest types only.
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
            mount: Mount::Blind,
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

    /// GHCR: no referrers, no deletion, no catalog, small chunks only.
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
