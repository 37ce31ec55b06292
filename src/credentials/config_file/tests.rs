#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::*;
use crate::credentials::testing::Programs;
use crate::fs::testing::TempDir;
use crate::http::clock::Clock;

fn registry(name: &str) -> RegistryName {
    name.parse().unwrap()
}

fn me() -> Credential {
    Credential::password("me", "pass")
}

fn none() -> Helpers {
    Helpers::new("")
}

/// Writes a `config.json` with this text.
fn file(directory: &Path, text: &str) -> ConfigFile {
    let path = directory.join("config.json");
    fs::write(&path, text).unwrap();
    ConfigFile::docker(path)
}

#[test]
fn a_stored_credential_is_found_until_it_is_removed() {
    for make in [ConfigFile::docker, ConfigFile::podman, ConfigFile::legacy] {
        for credential in [
            me(),
            Credential::password("me", "p:a:s:s \n\"é\""),
            Credential::password(b"j\xfc".to_vec(), b"p\xe4ss".to_vec()),
            Credential::IdentityToken("identity".into()),
            Credential::RegistryToken("registry".into()),
        ] {
            for name in ["r.io", "localhost:5000", "docker.io", "[::1]:443"] {
                let directory = TempDir::new();
                let file: ConfigFile = make(directory.path().join("new/config.json"));
                let registry = registry(name);
                let stored = file.store_with(&none(), &registry, &credential).unwrap();
                assert!(matches!(stored, Stored::InFile { path } if path == file.path()));
                let found = file.get_with(&none(), &registry, None).unwrap();
                assert_eq!(found.as_ref(), Some(&credential));
                file.erase_with(&none(), &registry).unwrap();
                assert_eq!(file.get_with(&none(), &registry, None).unwrap(), None);
            }
        }
    }
}

/// The expected texts were written by the original command.
#[test]
fn a_file_is_written_in_docker_format() {
    let directory = TempDir::new();
    let file = ConfigFile::docker(directory.path().join("config.json"));
    let wanted = "{\n\t\"auths\": {\n\t\t\"127.0.0.1:5391\": {\n\t\t\t\"auth\": \"Ym9iOnA0c3MiPCY+dw==\"\n\t\t}\n\t}\n}";
    let bob = Credential::password("bob", "p4ss\"<&>w");
    file.store_with(&none(), &registry("127.0.0.1:5391"), &bob)
        .unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), wanted);

    file.erase_with(&none(), &registry("127.0.0.1:5391"))
        .unwrap();
    let wanted = "{\n\t\"auths\": {}\n}";
    assert_eq!(fs::read_to_string(file.path()).unwrap(), wanted);
}

#[test]
fn unknown_members_do_not_change() {
    let directory = TempDir::new();
    let file = file(
        directory.path(),
        "{\n  \"zeta\": {\"b\":1.50, \"a\":[ ],\"html\":\"<&>\\u003c\"},\"auths\":{\"zz\":{\"auth\":\"eHg6eQ==\",\"x\":1},\"aa\":{}},  \"alpha\":null\n}\n\n",
    );
    file.store_with(&none(), &registry("r.io"), &me()).unwrap();
    let wanted = r#"{
	"zeta": {
		"b": 1.50,
		"a": [],
		"html": "<&>\u003c"
	},
	"auths": {
		"zz": {
			"auth": "eHg6eQ==",
			"x": 1
		},
		"aa": {},
		"r.io": {
			"auth": "bWU6cGFzcw=="
		}
	},
	"alpha": null
}"#;
    assert_eq!(fs::read_to_string(file.path()).unwrap(), wanted);
}

#[test]
fn a_file_in_another_encoding_is_read_and_rewritten_in_utf8() {
    let text =
        r#"{"auths":{"q.io":{"AUTH":"bWU6cGFzcw=="}},"x":"\u{e4}"}"#.replace("\\u{e4}", "\u{e4}");
    let utf16: Vec<u16> = text.encode_utf16().collect();
    let with_mark = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = utf16.iter().flat_map(|unit| bytes(*unit));
        mark.into_iter().chain(units).collect()
    };
    for bytes in [
        format!("\u{feff}{text}").into_bytes(),
        with_mark([0xff, 0xfe], u16::to_le_bytes),
        with_mark([0xfe, 0xff], u16::to_be_bytes),
        format!("{text} bye").into_bytes(),
    ] {
        let directory = TempDir::new();
        let file = file(directory.path(), "");
        fs::write(file.path(), bytes).unwrap();
        let found = file.get_with(&none(), &registry("q.io"), None).unwrap();
        assert_eq!(found, Some(me()));
        file.store_with(
            &none(),
            &registry("q.io"),
            &Credential::IdentityToken("t".into()),
        )
        .unwrap();
        file.erase_with(&none(), &registry("r.io")).unwrap();
        let written = fs::read_to_string(file.path()).unwrap();
        assert!(written.starts_with("{\n\t\"auths\": {"), "{written}");
        assert!(written.contains("\"x\": \"\u{e4}\""), "{written}");
        assert!(!written.contains("bWU6cGFzcw"), "{written}");
    }
}

#[test]
fn a_file_that_is_not_utf8_is_read_and_not_written() {
    let directory = TempDir::new();
    let file = file(directory.path(), "");
    let text = b"{\"auths\":{\"q.io\":{\"auth\":\"bWU6cGFzcw==\"}},\"x\":\"\xe4\"}";
    fs::write(file.path(), text).unwrap();
    let found = file.get_with(&none(), &registry("q.io"), None).unwrap();
    assert_eq!(found, Some(me()));
    file.erase_with(&none(), &registry("q.io")).unwrap_err();
    assert_eq!(fs::read(file.path()).unwrap(), text);
}

#[test]
fn removing_a_missing_credential_does_not_write_the_file() {
    for text in ["", "{\"auths\":{}}", "{\"auths\":{\"q.io\":{}}}\n"] {
        let directory = TempDir::new();
        let file = file(directory.path(), text);
        file.erase_with(&none(), &registry("r.io")).unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
    }
    let absent = ConfigFile::docker("/nowhere/config.json");
    absent.erase_with(&none(), &registry("r.io")).unwrap();
}

#[test]
fn a_user_name_with_a_colon_is_an_error_and_the_file_is_not_written() {
    let directory = TempDir::new();
    let file = ConfigFile::docker(directory.path().join("config.json"));
    let credential = Credential::password("a:b", "pass");
    let error = file.store_with(&none(), &registry("r.io"), &credential);
    assert_eq!(
        error.unwrap_err().to_string(),
        "bad credential format: colons(:) are not allowed in username"
    );
    assert!(!file.path().exists());
}

#[test]
fn an_unreadable_file_is_an_error_that_names_it() {
    let directory = TempDir::new();
    let malformed = file(
        directory.path(),
        "{\"auths\":{\"r.io\":{\"auth\":\"canary\"}}",
    );
    let path = malformed.path().display().to_string();
    let shown = |file: &ConfigFile| {
        let errors = [
            file.get_with(&none(), &registry("r.io"), None).unwrap_err(),
            file.store_with(&none(), &registry("r.io"), &me())
                .unwrap_err(),
            file.erase_with(&none(), &registry("r.io")).unwrap_err(),
        ];
        let [error, others @ ..] = errors.map(|error| error.chain().to_string());
        assert!(others.iter().all(|other| *other == error));
        error
    };
    assert_eq!(
        shown(&malformed),
        format!(
            "failed to decode config file {path}: invalid config format: EOF while parsing an object at line 1 column 35"
        )
    );
    fs::write(&path, b"{\"\xff\"}").unwrap();
    assert_eq!(
        shown(&malformed),
        format!(
            "failed to decode config file {path}: invalid config format: expected `:` at line 1 column 7"
        )
    );
    fs::write(&path, " ".repeat(1024 * 1024 + 1)).unwrap();
    assert_eq!(
        shown(&malformed),
        format!(
            "config file {path} size 1048577 exceeds MaxConfigBytes 1048576: size exceeds limit"
        )
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(
        shown(&malformed),
        format!("failed to decode config file {path}: read {path}: is a directory")
    );
}

#[test]
fn a_malformed_entry_is_an_error_that_names_the_file() {
    let directory = TempDir::new();
    let file = file(
        directory.path(),
        r#"{"auths":{"r.io":{"auth":"*canary*"}}}"#,
    );
    let error = file.get_with(&none(), &registry("r.io"), None).unwrap_err();
    assert_eq!(
        error.chain().to_string(),
        format!(
            "failed to decode config file {}: invalid config format: in the entry of \"r.io\": \"auth\" is not base64",
            file.path().display()
        )
    );
    // A malformed entry can still be replaced.
    file.store_with(&none(), &registry("r.io"), &me()).unwrap();
    assert_eq!(
        file.get_with(&none(), &registry("r.io"), None).unwrap(),
        Some(me())
    );
}

#[test]
fn a_path_below_a_regular_file_is_a_missing_file() {
    let nowhere = ConfigFile::docker("/dev/null/.docker/config.json");
    assert_eq!(
        nowhere.get_with(&none(), &registry("r.io"), None).unwrap(),
        None
    );
}

#[test]
fn the_file_entry_is_used_if_the_helper_has_no_credential() {
    let programs = Programs::new()
        .with("all", r#"echo '{"Username":"all","Secret":"pass"}'"#)
        .with("own", r#"echo '{"Username":"own","Secret":"pass"}'"#)
        .with(
            "empty",
            "echo credentials not found in native keychain; exit 1",
        )
        .with("broken", "echo boom; exit 1");
    let file = file(
        programs.path(),
        r#"{"credsStore":"all","credHelpers":{"own.io":"own","e.io":"empty","b.io":"broken","m.io":"nosuch"},
            "auths":{"e.io":{"auth":"bWU6cGFzcw=="},"own.io":{"auth":"bWU6cGFzcw=="},"b.io":{"auth":"bWU6cGFzcw=="}}}"#,
    );
    let helpers = programs.helpers();
    for (name, wanted) in [
        ("own.io", Ok("own")),
        ("docker.io", Ok("all")),
        ("e.io", Ok("me")),
        ("b.io", Err("docker-credential-broken: boom")),
        (
            "m.io",
            Err("exec: \"docker-credential-nosuch\": executable file not found in $PATH"),
        ),
    ] {
        let got = file.get_with(&helpers, &registry(name), None);
        assert_eq!(
            got.map_err(|error| error.to_string()),
            wanted
                .map(|user| Some(Credential::password(user, "pass")))
                .map_err(str::to_owned),
            "{name}"
        );
    }
    assert_eq!(programs.log()[1], "get https://index.docker.io/v1/");
}

#[test]
fn with_a_helper_the_file_has_an_entry_without_secrets() {
    let programs = Programs::new().with("x", "");
    let file = file(
        programs.path(),
        r#"{"auths":{"r.io":{"auth":"b2xkOm9sZA==","email":"e"}},"credsStore":"x"}"#,
    );
    let helpers = programs.helpers();
    let colon = Credential::password("a:b", "pass");
    let stored = file
        .store_with(&helpers, &registry("r.io"), &colon)
        .unwrap();
    let program = "docker-credential-x".to_owned();
    assert_eq!(stored, Stored::ByHelper { program });
    file.store_with(&helpers, &registry("docker.io"), &me())
        .unwrap();
    assert_eq!(
        fs::read_to_string(file.path()).unwrap(),
        "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {},\n\t\t\"r.io\": {\n\t\t\t\"email\": \"e\"\n\t\t}\n\t},\n\t\"credsStore\": \"x\"\n}"
    );
    file.erase_with(&helpers, &registry("r.io")).unwrap();
    file.erase_with(&helpers, &registry("docker.io")).unwrap();
    assert_eq!(
        fs::read_to_string(file.path()).unwrap(),
        "{\n\t\"auths\": {},\n\t\"credsStore\": \"x\"\n}"
    );
    assert_eq!(
        programs.log(),
        [
            r#"store {"ServerURL":"r.io","Username":"a:b","Secret":"pass"}"#,
            r#"store {"ServerURL":"https://index.docker.io/v1/","Username":"me","Secret":"pass"}"#,
            "erase r.io",
            "erase https://index.docker.io/v1/",
        ]
    );
}

#[test]
fn the_file_does_not_change_if_the_helper_fails() {
    let programs = Programs::new().with("x", "echo boom; exit 1");
    let text = r#"{"auths":{"r.io":{}},"credsStore":"x"}"#;
    let file = file(programs.path(), text);
    let helpers = programs.helpers();
    let stored = file.store_with(&helpers, &registry("r.io"), &me());
    let erased = file.erase_with(&helpers, &registry("r.io"));
    for error in [stored.unwrap_err(), erased.unwrap_err()] {
        assert_eq!(error.to_string(), "docker-credential-x: boom");
    }
    assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
}

#[test]
fn a_new_file_is_readable_by_its_owner_only() {
    let directory = TempDir::new();
    let file = ConfigFile::docker(directory.path().join("d/config.json"));
    file.store_with(&none(), &registry("r.io"), &me()).unwrap();
    for (path, wanted) in [(file.path(), 0o600), (file.path().parent().unwrap(), 0o700)] {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, wanted, "{}", path.display());
    }
}

#[test]
fn concurrent_stores_keep_all_credentials() {
    let directory = TempDir::new();
    let path = directory.path().join("new/config.json");
    let names: Vec<String> = (0..16).map(|number| format!("r{number}.io")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                let file = ConfigFile::docker(&path);
                file.store_with(&none(), &registry(name), &me()).unwrap();
            });
        }
    });
    let file = ConfigFile::docker(&path);
    for name in &names {
        let found = file.get_with(&none(), &registry(name), None).unwrap();
        assert_eq!(found, Some(me()), "{name}");
    }
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn waiting_for_the_lock_ends_after_the_timeout() {
    let directory = TempDir::new();
    let file = ConfigFile::docker(directory.path().join("config.json"));
    let other = fs::File::open(directory.path()).unwrap();
    other.lock().unwrap();
    let waits = Waits::default();
    let helpers = none().clock(waits.clone());
    file.store_with(&helpers, &registry("r.io"), &me()).unwrap();
    assert!(
        file.get_with(&none(), &registry("r.io"), None)
            .unwrap()
            .is_some()
    );
    let waited: Duration = waits.0.lock().unwrap().iter().sum();
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert!(waited <= Duration::from_secs(10), "{waited:?}");
}

/// A clock that records waits and does not wait.
#[derive(Clone, Default)]
struct Waits(Arc<Mutex<Vec<Duration>>>);

impl Clock for Waits {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }
}
