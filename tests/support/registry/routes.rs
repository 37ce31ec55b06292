//! Endpoints of requests (distribution-spec v1.1, "Endpoints"), and their handlers.

use super::request::Request;
use super::response::Response;
use super::state::State;
use super::{blobs, lists, manifests, tokens, uploads};

/// An endpoint with the names in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Ping,
    Catalog,
    Tags {
        repository: String,
    },
    Manifest {
        repository: String,
        reference: String,
    },
    Blob {
        repository: String,
        digest: String,
    },
    Uploads {
        repository: String,
    },
    Upload {
        repository: String,
        session: String,
    },
    Referrers {
        repository: String,
        digest: String,
    },
    /// The token service; not in the specification.
    Token,
    Unknown,
}

impl Route {
    /// The endpoint at `path`.
    pub fn of(path: &str) -> Self {
        match path {
            "/v2/" | "/v2" => return Self::Ping,
            "/v2/_catalog" => return Self::Catalog,
            tokens::PATH => return Self::Token,
            _ => {}
        }
        let Some(rest) = path.strip_prefix("/v2/") else {
            return Self::Unknown;
        };
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            return Self::Tags {
                repository: repository.to_owned(),
            };
        }
        if let Some(repository) = rest.strip_suffix("/blobs/uploads/") {
            return Self::Uploads {
                repository: repository.to_owned(),
            };
        }
        // The last marker counts: a repository name may contain "manifests".
        let split = |marker: &str| {
            let (repository, last) = rest.rsplit_once(marker)?;
            (!last.is_empty() && !last.contains('/'))
                .then(|| (repository.to_owned(), last.to_owned()))
        };
        if let Some((repository, session)) = split("/blobs/uploads/") {
            return Self::Upload {
                repository,
                session,
            };
        }
        if let Some((repository, reference)) = split("/manifests/") {
            return Self::Manifest {
                repository,
                reference,
            };
        }
        if let Some((repository, digest)) = split("/blobs/") {
            return Self::Blob { repository, digest };
        }
        if let Some((repository, digest)) = split("/referrers/") {
            return Self::Referrers { repository, digest };
        }
        Self::Unknown
    }

    /// The repository in the path.
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Tags { repository }
            | Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Uploads { repository }
            | Self::Upload { repository, .. }
            | Self::Referrers { repository, .. } => Some(repository),
            Self::Ping | Self::Catalog | Self::Token | Self::Unknown => None,
        }
    }
}

/// Handles a request. Returns `None` if the specification has no such endpoint or method.
pub fn answer(state: &mut State, route: &Route, request: &mut Request) -> Option<Response> {
    if let Some(name) = route.repository()
        && !is_repository_name(name)
    {
        return Some(Response::error(
            400,
            "NAME_INVALID",
            "invalid repository name",
        ));
    }
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    Some(match (route, request.method.as_str()) {
        (Route::Ping, _) if reads => Response::json(200, &serde_json::json!({})),
        (Route::Catalog, "GET") => lists::catalog(state, request),
        (Route::Tags { repository }, "GET") => lists::tags(state, repository, request),
        (Route::Referrers { repository, digest }, "GET") => {
            lists::referrers(state, repository, digest, request)
        }
        (
            Route::Manifest {
                repository,
                reference,
            },
            "PUT",
        ) => manifests::write(state, repository, reference, request),
        (
            Route::Manifest {
                repository,
                reference,
            },
            "DELETE",
        ) => manifests::delete(state, repository, reference),
        (
            Route::Manifest {
                repository,
                reference,
            },
            _,
        ) if reads => manifests::read(state, repository, reference, request),
        (Route::Blob { repository, digest }, "DELETE") => blobs::delete(state, repository, digest),
        (Route::Blob { repository, digest }, _) if reads => {
            blobs::read(state, repository, digest, request)
        }
        (Route::Uploads { repository }, "POST") => uploads::open(state, repository, request),
        (
            Route::Upload {
                repository,
                session,
            },
            "PATCH",
        ) => uploads::append(state, repository, session, request),
        (
            Route::Upload {
                repository,
                session,
            },
            "PUT",
        ) => uploads::commit(state, repository, session, request),
        (
            Route::Upload {
                repository,
                session,
            },
            "GET",
        ) => uploads::status(state, repository, session),
        (
            Route::Upload {
                repository,
                session,
            },
            "DELETE",
        ) => uploads::cancel(state, repository, session),
        (Route::Token, "GET" | "POST") => tokens::answer(state, request)?,
        _ => return None,
    })
}

/// Returns whether `name` consists of valid components: lower-case letters and digits with
/// separators inside.
fn is_repository_name(name: &str) -> bool {
    let alphanumeric = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.split('/').all(|component| {
        let mut bytes = component.bytes();
        alphanumeric(component.bytes().next())
            && alphanumeric(component.bytes().next_back())
            && bytes.all(|byte| alphanumeric(Some(byte)) || matches!(byte, b'.' | b'_' | b'-'))
            && !["..", "___", "._", "_.", ".-", "-.", "_-", "-_"]
                .iter()
                .any(|run| component.contains(run))
    })
}
