//! Where users keep credentials, in the order in which these places are asked.
//!
//! Plain values: whoever makes [`Places`] reads the environment, and nothing here looks whether a place exists.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::config_file::ConfigFile;
use crate::auth::credential::Credential;
use crate::text::secret::Secret;

/// What says where credentials are. Whatever is empty counts as absent. With nothing given there are no credentials.
///
/// # Order
///
/// The first place that has a credential for a registry decides.
///
/// 1. [`config_files`](Self::config_files), in their order; nothing else is asked if there are any.
/// 2. [`registry_auth_file`](Self::registry_auth_file); no other file is read if it is given.
/// 3. [`docker_auth_config`](Self::docker_auth_config).
/// 4. `config.json` in [`docker_config`](Self::docker_config), else `.docker/config.json` at [`home`](Self::home).
/// 5. Podman's `containers/auth.json`: in [`runtime_dir`](Self::runtime_dir), else `/run/containers/` and
///    [`uid`](Self::uid); then in [`config_home`](Self::config_home), else in `.config` at home.
/// 6. `.dockercfg` at home.
/// 7. [`username`](Self::username) and [`password`](Self::password): they name no registry, so whatever does goes first.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Files in Docker's format that the user named.
    pub config_files: Vec<PathBuf>,
    /// `REGISTRY_AUTH_FILE`, a file in podman's format.
    pub registry_auth_file: Option<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: what a `config.json` says, of which only `auths` counts.
    pub docker_auth_config: Option<Secret>,
    /// `DOCKER_CONFIG`, the directory of Docker's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// `HOME`, or `USERPROFILE` on Windows.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// The number of the user.
    pub uid: Option<u32>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `ORAS_USER`. Counts together with a password only.
    pub username: Option<String>,
    /// `ORAS_PASS`. Counts together with a user name only.
    pub password: Option<Secret>,
    /// `PATH`, where helper programs are looked for.
    pub path: Option<OsString>,
}

/// A place where there may be credentials.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    File(ConfigFile),
    /// [`Places::docker_auth_config`].
    Variable(Secret),
}

impl Places {
    /// Everything but user name and password.
    pub(super) fn in_order(&self) -> Vec<Place> {
        if !self.config_files.is_empty() {
            let files = self.config_files.iter().map(ConfigFile::docker);
            return files.map(Place::File).collect();
        }
        let variable = self
            .docker_auth_config
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| Place::Variable(text.clone()));
        match given(self.registry_auth_file.as_deref()) {
            Some(path) => std::iter::once(Place::File(ConfigFile::podman(path)))
                .chain(variable)
                .collect(),
            None => variable
                .chain(self.usual_files().into_iter().map(Place::File))
                .collect(),
        }
    }

    /// The file in which credentials are stored.
    pub(super) fn file(&self) -> Option<ConfigFile> {
        let named = self.config_files.first().map(ConfigFile::docker);
        named
            .or_else(|| given(self.registry_auth_file.as_deref()).map(ConfigFile::podman))
            .or_else(|| self.docker_file())
    }

    /// User name and password, for any registry.
    pub(super) fn pair(&self) -> Option<Credential> {
        let username = self.username.as_ref()?;
        let password = self.password.as_ref()?;
        let is_whole = !username.is_empty() && !password.is_empty();
        (is_whole && self.config_files.is_empty())
            .then(|| Credential::password(username, password.clone()))
    }

    fn docker_file(&self) -> Option<ConfigFile> {
        match given(self.docker_config.as_deref()) {
            Some(directory) => Some(ConfigFile::docker(directory.join("config.json"))),
            None => self
                .at_home(".docker/config.json")
                .map(|path| ConfigFile::docker(path).unnamed()),
        }
    }

    fn usual_files(&self) -> Vec<ConfigFile> {
        const PODMAN: &str = "containers/auth.json";
        let running = match given(self.runtime_dir.as_deref()) {
            Some(directory) => Some(directory.join(PODMAN)),
            None => self
                .uid
                .map(|uid| PathBuf::from(format!("/run/containers/{uid}/auth.json"))),
        };
        let configured = match given(self.config_home.as_deref()) {
            Some(directory) => Some(directory.join(PODMAN)),
            None => self.at_home(".config").map(|path| path.join(PODMAN)),
        };
        let podman = [running, configured].into_iter().flatten();
        let podman = podman.map(|path| ConfigFile::podman(path).unnamed());
        let legacy = self.at_home(".dockercfg");
        let legacy = legacy.map(|path| ConfigFile::legacy(path).unnamed());
        self.docker_file()
            .into_iter()
            .chain(podman)
            .chain(legacy)
            .collect()
    }

    fn at_home(&self, path: &str) -> Option<PathBuf> {
        given(self.home.as_deref()).map(|home| home.join(path))
    }
}

/// A path that says something.
fn given(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Places {
        Places {
            config_files: Vec::new(),
            registry_auth_file: None,
            docker_auth_config: Some("{}".into()),
            docker_config: Some("/docker".into()),
            home: Some("/home/me".into()),
            runtime_dir: Some("/run/user/7".into()),
            uid: Some(7),
            config_home: Some("/xdg".into()),
            username: Some("me".to_owned()),
            password: Some("secret".into()),
            path: None,
        }
    }

    fn shown(places: &Places) -> Vec<String> {
        let show = |place| match place {
            Place::File(file) => file.path().display().to_string(),
            Place::Variable(_) => "variable".to_owned(),
        };
        places.in_order().into_iter().map(show).collect()
    }

    fn file(places: &Places) -> Option<String> {
        places.file().map(|file| file.path().display().to_string())
    }

    #[test]
    fn places_are_asked_in_order() {
        for (name, places, wanted) in [
            (
                "everything",
                full(),
                &[
                    "variable",
                    "/docker/config.json",
                    "/run/user/7/containers/auth.json",
                    "/xdg/containers/auth.json",
                    "/home/me/.dockercfg",
                ][..],
            ),
            (
                "home and user only",
                Places {
                    home: Some("/home/me".into()),
                    uid: Some(7),
                    ..Places::default()
                },
                &[
                    "/home/me/.docker/config.json",
                    "/run/containers/7/auth.json",
                    "/home/me/.config/containers/auth.json",
                    "/home/me/.dockercfg",
                ],
            ),
            (
                "podman's variable",
                Places {
                    registry_auth_file: Some("auth.json".into()),
                    ..full()
                },
                &["auth.json", "variable"],
            ),
            (
                "files that the user named",
                Places {
                    config_files: vec!["b".into(), "a".into()],
                    registry_auth_file: Some("auth.json".into()),
                    ..full()
                },
                &["b", "a"],
            ),
            (
                "empty values",
                Places {
                    registry_auth_file: Some("".into()),
                    docker_auth_config: Some("".into()),
                    docker_config: Some("".into()),
                    home: Some("".into()),
                    runtime_dir: Some("".into()),
                    config_home: Some("".into()),
                    ..Places::default()
                },
                &[],
            ),
            ("nothing", Places::default(), &[]),
        ] {
            assert_eq!(shown(&places), wanted, "{name}");
        }
    }

    #[test]
    fn credentials_are_stored_where_they_are_looked_for_first() {
        let mut places = full();
        places.docker_auth_config = None;
        assert_eq!(file(&places).as_deref(), Some("/docker/config.json"));
        places.docker_config = None;
        assert_eq!(
            file(&places).as_deref(),
            Some("/home/me/.docker/config.json")
        );
        places.registry_auth_file = Some("auth.json".into());
        assert_eq!(file(&places).as_deref(), Some("auth.json"));
        places.config_files = vec!["b".into(), "a".into()];
        assert_eq!(file(&places).as_deref(), Some("b"));
    }

    #[test]
    fn without_a_home_nothing_is_stored_in_passing_places() {
        let places = Places {
            docker_config: None,
            home: None,
            ..full()
        };
        assert_eq!(file(&places), None);
    }

    #[test]
    fn user_name_and_password_count_only_together() {
        for (username, password, is_pair) in [
            (Some("me"), Some("secret"), true),
            (Some("me"), Some(""), false),
            (Some(""), Some("secret"), false),
            (Some("me"), None, false),
            (None, Some("secret"), false),
        ] {
            let places = Places {
                username: username.map(str::to_owned),
                password: password.map(Secret::from),
                ..Places::default()
            };
            assert_eq!(
                places.pair().is_some(),
                is_pair,
                "{username:?} {password:?}"
            );
        }
    }

    #[test]
    fn user_name_and_password_do_not_count_beside_files_that_the_user_named() {
        let mut places = full();
        assert!(places.pair().is_some());
        places.config_files = vec!["a".into()];
        assert!(places.pair().is_none());
    }

    #[test]
    fn nothing_secret_is_in_debug_output() {
        let places = Places {
            docker_auth_config: Some("canary".into()),
            password: Some("canary".into()),
            ..full()
        };
        assert!(!format!("{places:?}").contains("canary"));
    }
}
