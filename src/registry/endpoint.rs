//! The URLs of the distribution API (distribution spec v1.1, "Endpoints"). Pure.

use crate::oci::{Algorithm, Digest, RegistryName, RepositoryName};
use crate::text::url::{Scheme, Url};

/// The URLs of a repository.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    scheme: Scheme,
    host_and_port: String,
    repository: RepositoryName,
}

impl Endpoint {
    pub(super) fn new(scheme: Scheme, registry: &RegistryName, repository: RepositoryName) -> Self {
        Self {
            scheme,
            host_and_port: registry.host_and_port().to_owned(),
            repository,
        }
    }

    fn url(&self, rest: &str) -> Url {
        Url::from_registry(
            self.scheme,
            &self.host_and_port,
            &format!("/v2/{}/{rest}", self.repository),
        )
    }

    pub(super) fn blob(&self, digest: &Digest) -> Url {
        self.url(&format!("blobs/{digest}"))
    }

    pub(super) fn manifest(&self, reference: &str) -> Url {
        self.url(&format!("manifests/{reference}"))
    }

    pub(super) fn uploads(&self) -> Url {
        self.url("blobs/uploads/")
    }

    /// Starts an upload. The algorithm is a parameter unless it is SHA-256, the default.
    pub(super) fn uploads_by(&self, algorithm: Algorithm) -> Url {
        with_algorithm(self.uploads(), algorithm)
    }

    /// Mounts the blob `digest` from the repository `from`, or starts an upload if that does not
    /// have it.
    pub(super) fn mount(
        &self,
        digest: &Digest,
        from: &RepositoryName,
        algorithm: Algorithm,
    ) -> Url {
        let url = self
            .uploads()
            .with_parameter("mount", digest.as_str())
            .with_parameter("from", from.as_str());
        with_algorithm(url, algorithm)
    }

    /// The referrers of a manifest, optionally only those of an artifact type.
    pub(super) fn referrers(&self, subject: &Digest, artifact_type: Option<&str>) -> Url {
        let url = self.url(&format!("referrers/{subject}"));
        match artifact_type {
            Some(artifact_type) => url.with_parameter("artifactType", artifact_type),
            None => url,
        }
    }

    pub(super) fn tags(&self, last: Option<&str>) -> Url {
        match last {
            Some(last) => self.url("tags/list").with_parameter("last", last),
            None => self.url("tags/list"),
        }
    }
}

/// The catalog of a registry.
pub(super) fn catalog(scheme: Scheme, registry: &RegistryName, last: Option<&str>) -> Url {
    let url = Url::from_registry(scheme, registry.host_and_port(), "/v2/_catalog");
    match last {
        Some(last) => url.with_parameter("last", last),
        None => url,
    }
}

/// Adds the digest algorithm of an upload to its URL.
fn with_algorithm(url: Url, algorithm: Algorithm) -> Url {
    match algorithm {
        Algorithm::Sha256 => url,
        other => url.with_parameter("digest-algorithm", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_the_specification() {
        let endpoint = Endpoint::new(
            Scheme::Http,
            &"r:5000".parse().unwrap(),
            "a/b".parse().unwrap(),
        );
        let digest = Digest::of(b"");
        let hex = digest.encoded();
        for (url, wanted) in [
            (
                endpoint.blob(&digest),
                format!("http://r:5000/v2/a/b/blobs/sha256:{hex}"),
            ),
            (
                endpoint.manifest("v1"),
                "http://r:5000/v2/a/b/manifests/v1".to_owned(),
            ),
            (
                endpoint.uploads(),
                "http://r:5000/v2/a/b/blobs/uploads/".to_owned(),
            ),
            (
                endpoint.uploads_by(Algorithm::Sha256),
                "http://r:5000/v2/a/b/blobs/uploads/".to_owned(),
            ),
            (
                endpoint.uploads_by(Algorithm::Sha512),
                "http://r:5000/v2/a/b/blobs/uploads/?digest-algorithm=sha512".to_owned(),
            ),
            (
                endpoint.mount(&digest, &"c/d".parse().unwrap(), Algorithm::Sha256),
                format!("http://r:5000/v2/a/b/blobs/uploads/?mount=sha256%3A{hex}&from=c%2Fd"),
            ),
            (
                endpoint.mount(&digest, &"c/d".parse().unwrap(), Algorithm::Sha384),
                format!(
                    "http://r:5000/v2/a/b/blobs/uploads/?mount=sha256%3A{hex}&from=c%2Fd&digest-algorithm=sha384"
                ),
            ),
            (
                endpoint.referrers(&digest, None),
                format!("http://r:5000/v2/a/b/referrers/sha256:{hex}"),
            ),
            (
                endpoint.referrers(&digest, Some("a/b+c")),
                format!("http://r:5000/v2/a/b/referrers/sha256:{hex}?artifactType=a%2Fb%2Bc"),
            ),
            (
                endpoint.tags(None),
                "http://r:5000/v2/a/b/tags/list".to_owned(),
            ),
            (
                endpoint.tags(Some("v1")),
                "http://r:5000/v2/a/b/tags/list?last=v1".to_owned(),
            ),
            (
                catalog(Scheme::Http, &"r:5000".parse().unwrap(), None),
                "http://r:5000/v2/_catalog".to_owned(),
            ),
            (
                catalog(Scheme::Http, &"r:5000".parse().unwrap(), Some("a/b")),
                "http://r:5000/v2/_catalog?last=a%2Fb".to_owned(),
            ),
        ] {
            assert_eq!(url.exact(), wanted);
        }
    }

    #[test]
    fn docker_hub_is_reached_at_another_host() {
        let endpoint = Endpoint::new(
            Scheme::Https,
            &"docker.io".parse().unwrap(),
            "library/alpine".parse().unwrap(),
        );
        assert_eq!(
            endpoint.manifest("3").exact(),
            "https://registry-1.docker.io/v2/library/alpine/manifests/3"
        );
    }
}
