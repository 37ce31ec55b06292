#![cfg(unix)]

use std::fs;
use std::sync::mpsc;

use super::*;
use crate::credentials::testing::Programs;
use crate::fs::testing::TempDir;

fn registry(name: &str) -> RegistryName {
    name.parse().unwrap()
}

fn get(lookup: &Lookup, name: &str) -> Option<Credential> {
    lookup.get(&registry(name), None).unwrap()
}

fn user(name: &str) -> Credential {
    Credential::password(name, "pass")
}

/// Writes a file with a credential for each registry and user.
fn write(path: &Path, users: &[(&str, &str)]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let entry = |(registry, user): &(&str, &str)| {
        format!(r#""{registry}":{{"username":"{user}","password":"pass"}}"#)
    };
    let entries: Vec<String> = users.iter().map(entry).collect();
    fs::write(path, format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))).unwrap();
}

#[test]
fn without_settings_access_is_anonymous() {
    let lookup = Lookup::new(&Locations::default());
    lookup.check().unwrap();
    assert_eq!(get(&lookup, "r.io"), None);
    assert_eq!(lookup.file(), None);
    lookup.erase(&registry("r.io")).unwrap();
    let stored = lookup.store(&registry("r.io"), &user("me"));
    assert_eq!(
        stored.unwrap_err().to_string(),
        "no file to store credentials in: neither a file nor a home directory is known"
    );
}

#[test]
fn the_first_location_with_a_credential_is_used() {
    let directory = TempDir::new();
    let home = directory.path();
    write(
        &home.join(".docker/config.json"),
        &[("a", "docker"), ("b", "docker")],
    );
    write(
        &home.join(".config/containers/auth.json"),
        &[("b", "podman"), ("c", "podman"), ("c/x", "namespace")],
    );
    let legacy = r#"{"c":{"auth":"bGVnYWN5OnBhc3M="},"d":{"auth":"bGVnYWN5OnBhc3M="}}"#;
    fs::write(home.join(".dockercfg"), legacy).unwrap();
    let lookup = Lookup::new(&Locations {
        docker_auth_config: Some(
            r#"{"auths":{"a":{"username":"variable","password":"pass"}},"credsStore":"nosuch"}"#
                .into(),
        ),
        home: Some(home.to_owned()),
        username: Some("pair".into()),
        password: Some("pass".into()),
        ..Locations::default()
    });
    for (name, wanted) in [
        ("a", "variable"),
        ("b", "docker"),
        ("c", "podman"),
        ("d", "legacy"),
        ("e", "pair"),
    ] {
        assert_eq!(get(&lookup, name), Some(user(wanted)), "{name}");
    }
    let of_namespace = lookup.get(&registry("c"), Some(&"x/y".parse().unwrap()));
    assert_eq!(of_namespace.unwrap(), Some(user("namespace")));
}

#[test]
fn the_first_named_file_is_written_and_all_are_read() {
    let directory = TempDir::new();
    let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
    write(&second, &[("a", "second"), ("b", "second")]);
    let locations = Locations {
        config_files: vec![first.clone(), second.clone()],
        ..Locations::default()
    };
    let stored = Lookup::new(&locations).store(&registry("a"), &user("first"));
    assert!(matches!(stored, Ok(Stored::InFile { .. })));
    let lookup = Lookup::new(&locations);
    assert_eq!(get(&lookup, "a"), Some(user("first")));
    assert_eq!(get(&lookup, "b"), Some(user("second")));
    lookup.erase(&registry("a")).unwrap();
    assert_eq!(get(&Lookup::new(&locations), "a"), Some(user("second")));
}

#[test]
fn a_malformed_file_is_an_error_in_check_and_in_get() {
    let directory = TempDir::new();
    let path = directory.path().join("config.json");
    fs::write(&path, "{").unwrap();
    for (locations, what) in [
        (
            Locations {
                docker_config: Some(directory.path().to_owned()),
                ..Locations::default()
            },
            format!("config file {}", path.display()),
        ),
        (
            Locations {
                docker_auth_config: Some("{".into()),
                ..Locations::default()
            },
            "DOCKER_AUTH_CONFIG".to_owned(),
        ),
    ] {
        let wanted = format!(
            "failed to decode {what}: invalid config format: EOF while parsing an object at line 1 column 1"
        );
        let lookup = Lookup::new(&locations);
        assert_eq!(lookup.check().unwrap_err().to_string(), wanted);
        let got = lookup.get(&registry("r.io"), None);
        assert_eq!(got.unwrap_err().to_string(), wanted);
    }
}

#[test]
fn a_file_is_read_once() {
    let directory = TempDir::new();
    let path = directory.path().join("config.json");
    write(&path, &[("a", "me")]);
    let lookup = Lookup::new(&Locations {
        config_files: vec![path.clone()],
        ..Locations::default()
    });
    lookup.check().unwrap();
    fs::remove_file(path).unwrap();
    assert_eq!(get(&lookup, "a"), Some(user("me")));
}

#[test]
fn a_helper_runs_once_and_again_after_its_credential_was_rejected() {
    let programs = Programs::new().with(
        "x",
        r#"echo "{\"Username\":\"me\",\"Secret\":\"$(wc -l < "$(dirname "$0")/log")\"}""#,
    );
    let path = programs.path().join("config.json");
    fs::write(&path, r#"{"credsStore":"x"}"#).unwrap();
    let lookup = Lookup::new(&Locations {
        config_files: vec![path],
        path: Some(programs.search_path()),
        ..Locations::default()
    });
    let first = Credential::password("me", "1");
    for repository in ["a", "b"] {
        let found = lookup.get(&registry("r.io"), Some(&repository.parse().unwrap()));
        assert_eq!(found.unwrap(), Some(first.clone()));
    }
    assert_eq!(programs.log(), ["get r.io"]);
    let second = Credential::password("me", "2");
    let refreshed = lookup.refresh(&registry("r.io"), None, &first);
    assert_eq!(refreshed.unwrap(), Some(second.clone()));
    assert_eq!(get(&lookup, "r.io"), Some(second));
    assert_eq!(programs.log(), ["get r.io", "get r.io"]);
}

#[test]
fn refresh_returns_none_if_the_credential_is_unchanged() {
    let programs = Programs::new().with("x", r#"echo '{"Username":"x","Secret":"pass"}'"#);
    let path = programs.path().join("config.json");
    let text =
        r#"{"credHelpers":{"x.io":"x"},"auths":{"a.io":{"username":"a","password":"pass"}}}"#;
    fs::write(&path, text).unwrap();
    let lookup = Lookup::new(&Locations {
        config_files: vec![path],
        path: Some(programs.search_path()),
        ..Locations::default()
    });
    for (name, rejected) in [("x.io", user("x")), ("a.io", user("a"))] {
        assert_eq!(get(&lookup, name), Some(rejected.clone()));
        let refreshed = lookup.refresh(&registry(name), None, &rejected);
        assert_eq!(refreshed.unwrap(), None, "{name}");
    }
}

#[test]
fn a_missing_helper_is_an_error_or_a_warning_once() {
    let directory = TempDir::new();
    let path = directory.path().join("config.json");
    fs::write(&path, r#"{"credsStore":"nosuch"}"#).unwrap();
    let locations = Locations {
        config_files: vec![path.clone()],
        ..Locations::default()
    };
    let error = Lookup::new(&locations).get(&registry("r.io"), None);
    assert_eq!(
        error.unwrap_err().to_string(),
        "exec: \"docker-credential-nosuch\": executable file not found in $PATH"
    );
    let (warn, warnings) = mpsc::channel();
    let lookup = Lookup::new(&locations).on_warning(move |warning| warn.send(warning).unwrap());
    assert_eq!(get(&lookup, "r.io"), None);
    assert_eq!(get(&lookup, "r.io"), None);
    drop(lookup);
    let shown: Vec<String> = warnings.iter().map(|warning| warning.to_string()).collect();
    assert_eq!(
        shown,
        [format!(
            "credential helper \"docker-credential-nosuch\", named in {}, not found in $PATH",
            path.display()
        )]
    );
}

#[test]
fn a_lookup_is_send_and_its_debug_output_contains_no_secrets() {
    fn send<T: Send>() {}
    send::<Lookup>();
    let lookup = Lookup::new(&Locations {
        docker_auth_config: Some("canary".into()),
        password: Some("canary".into()),
        home: Some("/h".into()),
        ..Locations::default()
    });
    let shown = format!("{lookup:?}");
    assert!(shown.contains("/h/.docker/config.json") && !shown.contains("canary"));
}
