//! Matching of registry names with the keys of `auths`.
//!
//! The rules are those of Docker (`docker/cli`, `registry.ResolveAuthConfig`) and of
//! containers-auth.json(5).

use crate::oci::{RegistryName, RepositoryName};
use crate::text::url::split_port;

/// Docker's key for Docker Hub in config files and helper programs.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// Registry names of Docker Hub.
const DOCKER_HUB_NAMES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// The rules for keys of a file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Docker's `config.json`: a host, optionally with a scheme and a path, which are ignored. A
    /// path that equals the namespace is still preferred, same as for podman.
    Docker,
    /// Podman's `auth.json`: a host, or a host and a namespace or repository.
    Podman,
    /// Docker's `.dockercfg`: same as [`Docker`](Self::Docker), but without namespaces.
    Legacy,
}

/// Returns the key to write for a registry, which is also its name in helper programs.
pub(super) fn server(registry: &RegistryName) -> &str {
    if is_docker_hub(registry) {
        DOCKER_HUB
    } else {
        registry.as_str()
    }
}

/// Returns the most specific key for a repository: that of the longest namespace, or else that of
/// the registry.
pub(super) fn find<'k>(
    keys: &[&'k str],
    registry: &RegistryName,
    repository: Option<&RepositoryName>,
    dialect: Dialect,
) -> Option<&'k str> {
    let repository = repository.filter(|_| dialect != Dialect::Legacy);
    let hosts = hosts(registry);
    for namespace in repository.into_iter().flat_map(namespaces) {
        for host in &hosts {
            let is_namespace = |key: &str| {
                key.split_once('/').is_some_and(|(its_host, path)| {
                    its_host.eq_ignore_ascii_case(host) && path == namespace
                })
            };
            if let Some(key) = keys.iter().find(|key| is_namespace(key)) {
                return Some(key);
            }
        }
    }
    find_registry(keys, registry, dialect)
}

/// Returns the key for the whole registry.
pub(super) fn find_registry<'k>(
    keys: &[&'k str],
    registry: &RegistryName,
    dialect: Dialect,
) -> Option<&'k str> {
    let server = server(registry);
    let find = |wanted: &dyn Fn(&str) -> bool| keys.iter().copied().find(|key| wanted(key));
    find(&|key| key == server).or_else(|| {
        hosts(registry).iter().find_map(|host| {
            find(&|key| key == host)
                .or_else(|| find(&|key| key.eq_ignore_ascii_case(host)))
                .or_else(|| {
                    find(&|key| {
                        registry_host(key, dialect)
                            .is_some_and(|key| key.eq_ignore_ascii_case(host))
                    })
                })
        })
    })
}

/// Returns whether a key names a namespace or repository in podman's format.
pub(super) fn is_namespace(key: &str) -> bool {
    registry_host(key, Dialect::Podman).is_none()
}

fn is_docker_hub(registry: &RegistryName) -> bool {
    DOCKER_HUB_NAMES
        .iter()
        .any(|name| registry.as_str().eq_ignore_ascii_case(name))
}

/// Returns the equivalent names of a registry, first the one that the user wrote.
fn hosts(registry: &RegistryName) -> Vec<String> {
    if is_docker_hub(registry) {
        return DOCKER_HUB_NAMES.map(str::to_owned).to_vec();
    }
    let written = registry.as_str();
    let same = match split_port(written) {
        (host, None) => Some(format!("{host}:443")),
        (host, Some("443")) => Some(host.to_owned()),
        _ => None,
    };
    [Some(written.to_owned()), same]
        .into_iter()
        .flatten()
        .collect()
}

/// Returns `a/b/c`, `a/b` and `a` for `a/b/c`.
fn namespaces(repository: &RepositoryName) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(repository.as_str()), |name| {
        name.rsplit_once('/').map(|(parent, _)| parent)
    })
}

/// Returns the host of a key for a whole registry.
fn registry_host(key: &str, dialect: Dialect) -> Option<&str> {
    let stripped = ["https://", "http://"]
        .iter()
        .find_map(|scheme| key.strip_prefix(scheme));
    let (host, path) = stripped
        .unwrap_or(key)
        .split_once('/')
        .unwrap_or((stripped.unwrap_or(key), ""));
    let is_namespace = stripped.is_none() && !path.is_empty();
    (dialect != Dialect::Podman || !is_namespace).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        keys: &[&'static str],
        registry: &str,
        repository: &str,
        dialect: Dialect,
    ) -> Option<&'static str> {
        let repository = (!repository.is_empty()).then(|| repository.parse().unwrap());
        find(
            keys,
            &registry.parse().unwrap(),
            repository.as_ref(),
            dialect,
        )
    }

    #[test]
    fn an_exact_key_is_preferred_to_another_with_the_same_host() {
        for (keys, registry, wanted) in [
            (&["https://r.io/v1/", "r.io"][..], "r.io", Some("r.io")),
            (&["https://r.io/v1/"], "r.io", Some("https://r.io/v1/")),
            (&["http://r.io"], "r.io", Some("http://r.io")),
            (&["r.io/"], "r.io", Some("r.io/")),
            (&["r.io/v2/"], "r.io", Some("r.io/v2/")),
            (&["R.IO", "r.io"], "r.io", Some("r.io")),
            (&["r.io"], "R.io", Some("r.io")),
            (&["HTTPS://r.io"], "r.io", None),
            (
                &["r.io.evil", "evil/r.io", "xr.io", "https://evil/r.io"],
                "r.io",
                None,
            ),
            (&["r.io@evil", "https://u@r.io"], "r.io", None),
            (&["127.0.0.1:5000"], "localhost:5000", None),
            (&[], "r.io", None),
        ] {
            assert_eq!(
                found(keys, registry, "", Dialect::Docker),
                wanted,
                "{keys:?}"
            );
        }
    }

    #[test]
    fn port_443_is_optional() {
        for (keys, registry, wanted) in [
            (&["r.io:443"][..], "r.io", Some("r.io:443")),
            (&["r.io"], "r.io:443", Some("r.io")),
            (&["r.io", "r.io:443"], "r.io:443", Some("r.io:443")),
            (
                &["r.io:443", "https://r.io/v2/"],
                "r.io",
                Some("https://r.io/v2/"),
            ),
            (&["r.io:80", "r.io:5000"], "r.io", None),
            (&["r.io"], "r.io:5000", None),
            (&["[::1]:443"], "[::1]", Some("[::1]:443")),
        ] {
            assert_eq!(
                found(keys, registry, "", Dialect::Docker),
                wanted,
                "{keys:?}"
            );
        }
    }

    #[test]
    fn all_names_of_docker_hub_match_its_key() {
        let keys = [
            "registry-1.docker.io",
            "index.docker.io",
            "docker.io",
            "https://index.docker.io/v1/",
        ];
        for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            assert_eq!(found(&keys, name, "", Dialect::Docker), Some(keys[3]));
            assert_eq!(found(&keys[..3], name, "", Dialect::Docker), Some(keys[2]));
            assert_eq!(found(&keys[..2], name, "", Dialect::Docker), Some(keys[1]));
            assert_eq!(found(&keys[..1], name, "", Dialect::Docker), Some(keys[0]));
            assert_eq!(server(&name.parse().unwrap()), keys[3]);
        }
        let namespaced = ["https://index.docker.io/v1/", "docker.io/library"];
        assert_eq!(
            found(&namespaced, "docker.io", "library/alpine", Dialect::Podman),
            Some("docker.io/library")
        );
        assert_eq!(found(&keys, "hub.docker.io", "", Dialect::Docker), None);
    }

    #[test]
    fn the_most_specific_namespace_is_used() {
        let keys = ["r.io", "r.io/a", "R.io/a/b", "r.io/a/b/c"];
        for (repository, wanted) in [
            ("a/b/c", "r.io/a/b/c"),
            ("a/b/d", "R.io/a/b"),
            ("a/x", "r.io/a"),
            ("ab", "r.io"),
            ("", "r.io"),
        ] {
            for dialect in [Dialect::Podman, Dialect::Docker] {
                assert_eq!(found(&keys, "r.io", repository, dialect), Some(wanted));
            }
            assert_eq!(
                found(&keys, "r.io", repository, Dialect::Legacy),
                Some("r.io")
            );
        }
    }

    #[test]
    fn a_key_with_a_namespace_matches_the_registry_only_for_docker() {
        let keys = ["r.io/a"];
        assert_eq!(found(&keys, "r.io", "b", Dialect::Docker), Some("r.io/a"));
        assert_eq!(found(&keys, "r.io", "b", Dialect::Podman), None);
        assert!(is_namespace("r.io/a"));
        for key in ["r.io", "r.io/", "https://r.io/v1/"] {
            assert!(!is_namespace(key), "{key}");
        }
    }
}
