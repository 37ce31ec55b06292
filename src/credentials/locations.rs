//! The locations of credentials, in lookup order.
//!
//! [`Locations`] are created from the environment or by the caller. Nothing else here does I/O.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::config_file::ConfigFile;
use crate::auth::credential::Credential;
use crate::http::environment::{self, HOME};
use crate::text::secret::Secret;

/// The environment settings that locate credentials. Empty values are treated as unset. Without any
/// setting there are no credentials.
///
/// # Order
///
/// The first location that contains a credential for a registry is used.
///
/// 1. [`config_files`](Self::config_files), in order. If set, no other location is read.
/// 2. [`registry_auth_file`](Self::registry_auth_file). If set, no other file is read.
/// 3. [`docker_auth_config`](Self::docker_auth_config).
/// 4. `config.json` in [`docker_config`](Self::docker_config), otherwise `.docker/config.json` in
///    [`home`](Self::home).
/// 5. Podman's `containers/auth.json` in [`runtime_dir`](Self::runtime_dir), otherwise
///    `/run/containers/<uid>/auth.json`; then `containers/auth.json` in
///    [`config_home`](Self::config_home), otherwise in `.config` in the home directory.
/// 6. `.dockercfg` in the home directory.
/// 7. [`username`](Self::username) and [`password`](Self::password). They come last because they
///    are not specific to a registry.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Locations {
    /// Files in Docker's format that the user named.
    pub config_files: Vec<PathBuf>,
    /// `REGISTRY_AUTH_FILE`, a file in podman's format.
    pub registry_auth_file: Option<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: the content of a `config.json`. Only `auths` is used.
    pub docker_auth_config: Option<Secret>,
    /// `DOCKER_CONFIG`, the directory of Docker's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// `HOME`, or `USERPROFILE` on Windows.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// The user ID.
    pub uid: Option<u32>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `ORAS_USER`. Ignored without a password.
    pub username: Option<Secret>,
    /// `ORAS_PASS`. Ignored without a user name.
    pub password: Option<Secret>,
    /// `PATH`: directories of helper programs.
    pub path: Option<OsString>,
}

/// A location that may contain credentials.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Location {
    File(ConfigFile),
    /// [`Locations::docker_auth_config`].
    Variable(Secret),
}

impl Locations {
    /// Creates the locations from environment variables, whose values `value` returns. The variable
    /// of each field is in its description. [`uid`](Self::uid) is not set.
    ///
    /// ```
    /// use oras::credentials::Locations;
    ///
    /// let locations = Locations::from_variables(|name| match name {
    ///     "DOCKER_CONFIG" => Some("/etc/docker".into()),
    ///     _ => None,
    /// });
    /// assert_eq!(locations.docker_config, Some("/etc/docker".into()));
    /// ```
    pub fn from_variables(value: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name| value(name).map(PathBuf::from);
        let secret = |name| Some(Secret::new(value(name)?.as_encoded_bytes()));
        Self {
            config_files: Vec::new(),
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            docker_auth_config: secret("DOCKER_AUTH_CONFIG"),
            docker_config: path("DOCKER_CONFIG"),
            home: path(HOME),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            uid: None,
            config_home: path("XDG_CONFIG_HOME"),
            username: secret("ORAS_USER"),
            password: secret("ORAS_PASS"),
            path: value("PATH"),
        }
    }

    /// Creates the locations from the environment of this process, including the user ID on Unix.
    pub fn from_env() -> Self {
        Self {
            #[cfg(unix)]
            uid: Some(environment::uid()),
            ..Self::from_variables(environment::variable)
        }
    }

    /// Returns all locations except user name and password.
    pub(super) fn in_lookup_order(&self) -> Vec<Location> {
        if !self.config_files.is_empty() {
            let files = self.config_files.iter().map(ConfigFile::docker);
            return files.map(Location::File).collect();
        }
        let variable = self
            .docker_auth_config
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| Location::Variable(text.clone()));
        match non_empty(self.registry_auth_file.as_deref()) {
            Some(path) => std::iter::once(Location::File(ConfigFile::podman(path)))
                .chain(variable)
                .collect(),
            None => variable
                .chain(self.default_files().into_iter().map(Location::File))
                .collect(),
        }
    }

    /// Returns the file that new credentials are stored in.
    pub(super) fn file(&self) -> Option<ConfigFile> {
        let named = self.config_files.first().map(ConfigFile::docker);
        named
            .or_else(|| non_empty(self.registry_auth_file.as_deref()).map(ConfigFile::podman))
            .or_else(|| self.docker_file())
    }

    /// Returns user name and password, which apply to any registry.
    pub(super) fn pair(&self) -> Option<Credential> {
        let username = self.username.as_ref()?;
        let password = self.password.as_ref()?;
        let is_whole = !username.is_empty() && !password.is_empty();
        (is_whole && self.config_files.is_empty())
            .then(|| Credential::password(username.clone(), password.clone()))
    }

    fn docker_file(&self) -> Option<ConfigFile> {
        match non_empty(self.docker_config.as_deref()) {
            Some(directory) => Some(ConfigFile::docker(directory.join("config.json"))),
            None => self
                .in_home(".docker/config.json")
                .map(|path| ConfigFile::docker(path).implicit()),
        }
    }

    fn default_files(&self) -> Vec<ConfigFile> {
        const PODMAN: &str = "containers/auth.json";
        let running = match non_empty(self.runtime_dir.as_deref()) {
            Some(directory) => Some(directory.join(PODMAN)),
            None => self
                .uid
                .map(|uid| PathBuf::from(format!("/run/containers/{uid}/auth.json"))),
        };
        let configured = match non_empty(self.config_home.as_deref()) {
            Some(directory) => Some(directory.join(PODMAN)),
            None => self.in_home(".config").map(|path| path.join(PODMAN)),
        };
        let podman = [running, configured].into_iter().flatten();
        let podman = podman.map(|path| ConfigFile::podman(path).implicit());
        let legacy = self.in_home(".dockercfg");
        let legacy = legacy.map(|path| ConfigFile::legacy(path).implicit());
        self.docker_file()
            .into_iter()
            .chain(podman)
            .chain(legacy)
            .collect()
    }

    fn in_home(&self, path: &str) -> Option<PathBuf> {
        non_empty(self.home.as_deref()).map(|home| home.join(path))
    }
}

/// Returns the path unless it is empty.
fn non_empty(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Locations {
        Locations {
            config_files: Vec::new(),
            registry_auth_file: None,
            docker_auth_config: Some("{}".into()),
            docker_config: Some("/docker".into()),
            home: Some("/home/me".into()),
            runtime_dir: Some("/run/user/7".into()),
            uid: Some(7),
            config_home: Some("/xdg".into()),
            username: Some("me".into()),
            password: Some("secret".into()),
            path: None,
        }
    }

    fn shown(locations: &Locations) -> Vec<String> {
        let show = |location| match location {
            Location::File(file) => file.path().display().to_string(),
            Location::Variable(_) => "variable".to_owned(),
        };
        locations.in_lookup_order().into_iter().map(show).collect()
    }

    fn file(locations: &Locations) -> Option<String> {
        locations
            .file()
            .map(|file| file.path().display().to_string())
    }

    #[test]
    fn locations_are_in_lookup_order() {
        for (name, locations, wanted) in [
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
                Locations {
                    home: Some("/home/me".into()),
                    uid: Some(7),
                    ..Locations::default()
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
                Locations {
                    registry_auth_file: Some("auth.json".into()),
                    ..full()
                },
                &["auth.json", "variable"],
            ),
            (
                "files that the user named",
                Locations {
                    config_files: vec!["b".into(), "a".into()],
                    registry_auth_file: Some("auth.json".into()),
                    ..full()
                },
                &["b", "a"],
            ),
            (
                "empty values",
                Locations {
                    registry_auth_file: Some("".into()),
                    docker_auth_config: Some("".into()),
                    docker_config: Some("".into()),
                    home: Some("".into()),
                    runtime_dir: Some("".into()),
                    config_home: Some("".into()),
                    ..Locations::default()
                },
                &[],
            ),
            ("nothing", Locations::default(), &[]),
        ] {
            assert_eq!(shown(&locations), wanted, "{name}");
        }
    }

    #[test]
    fn credentials_are_stored_in_the_first_file_of_the_lookup_order() {
        let mut locations = full();
        locations.docker_auth_config = None;
        assert_eq!(file(&locations).as_deref(), Some("/docker/config.json"));
        locations.docker_config = None;
        assert_eq!(
            file(&locations).as_deref(),
            Some("/home/me/.docker/config.json")
        );
        locations.registry_auth_file = Some("auth.json".into());
        assert_eq!(file(&locations).as_deref(), Some("auth.json"));
        locations.config_files = vec!["b".into(), "a".into()];
        assert_eq!(file(&locations).as_deref(), Some("b"));
    }

    #[test]
    fn every_variable_sets_its_field() {
        let locations = Locations::from_variables(|name| Some(name.into()));
        let Locations {
            config_files,
            registry_auth_file,
            docker_auth_config,
            docker_config,
            home,
            runtime_dir,
            uid,
            config_home,
            username,
            password,
            path,
        } = locations;
        assert_eq!((config_files, uid), (Vec::new(), None));
        let text = |path: Option<PathBuf>| path.unwrap().into_os_string().into_string().unwrap();
        let plain = |secret: Option<Secret>| secret.unwrap().expose().into_owned();
        assert_eq!(text(registry_auth_file), "REGISTRY_AUTH_FILE");
        assert_eq!(plain(docker_auth_config), "DOCKER_AUTH_CONFIG");
        assert_eq!(text(docker_config), "DOCKER_CONFIG");
        assert_eq!(text(home), HOME);
        assert_eq!(text(runtime_dir), "XDG_RUNTIME_DIR");
        assert_eq!(text(config_home), "XDG_CONFIG_HOME");
        assert_eq!(plain(username), "ORAS_USER");
        assert_eq!(plain(password), "ORAS_PASS");
        assert_eq!(path.as_deref(), Some("PATH".as_ref()));
    }

    #[test]
    fn the_environment_of_the_process_has_helper_programs() {
        let locations = Locations::from_env();
        assert!(locations.path.is_some());
        assert_eq!(locations.uid.is_some(), cfg!(unix));
    }

    #[test]
    fn without_a_home_directory_nothing_is_stored_in_the_runtime_directory() {
        let locations = Locations {
            docker_config: None,
            home: None,
            ..full()
        };
        assert_eq!(file(&locations), None);
    }

    #[test]
    fn user_name_and_password_are_used_only_together() {
        for (username, password, is_pair) in [
            (Some("me"), Some("secret"), true),
            (Some("me"), Some(""), false),
            (Some(""), Some("secret"), false),
            (Some("me"), None, false),
            (None, Some("secret"), false),
        ] {
            let locations = Locations {
                username: username.map(Secret::from),
                password: password.map(Secret::from),
                ..Locations::default()
            };
            assert_eq!(
                locations.pair().is_some(),
                is_pair,
                "{username:?} {password:?}"
            );
        }
    }

    #[test]
    fn user_name_and_password_are_ignored_if_the_user_named_files() {
        let mut locations = full();
        assert!(locations.pair().is_some());
        locations.config_files = vec!["a".into()];
        assert!(locations.pair().is_none());
    }

    #[test]
    fn debug_output_contains_no_secrets() {
        let locations = Locations {
            docker_auth_config: Some("canary".into()),
            password: Some("canary".into()),
            ..full()
        };
        assert!(!format!("{locations:?}").contains("canary"));
    }
}
