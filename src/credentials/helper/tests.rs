#![cfg(unix)]

use std::time::SystemTime;

use super::*;
use crate::credentials::testing::Programs;

/// A clock that does not wait.
struct Impatient;

impl Clock for Impatient {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) {}
}

#[test]
fn output_is_a_credential_or_none() {
    let password = |user: &str, password: &str| Some(Credential::password(user, password));
    for (answer, wanted) in [
        (
            r#"{"ServerURL":"r.io","Username":"me","Secret":"pass"}"#,
            password("me", "pass"),
        ),
        (r#"{"Username":"me","Secret":""}"#, password("me", "")),
        (
            r#" {"Username":"<token>","Secret":"t","More":[1]} "#,
            Some(Credential::IdentityToken("t".into())),
        ),
        (
            r#"{"username":"me","SECRET":"pass","serverurl":null}"#,
            password("me", "pass"),
        ),
        (
            r#"{"Username":"me","Secret":"x","secret":"pass"}"#,
            password("me", "pass"),
        ),
        (
            "\u{feff}{\"Username\":\"me\",\"Secret\":\"pass\"} bye",
            password("me", "pass"),
        ),
        (r#"{"ServerURL":"r.io","Username":"","Secret":""}"#, None),
        ("{}", None),
    ] {
        let programs = Programs::new().with("x", &format!("printf '%s' '{answer}'"));
        let got = programs.helpers().require("x").unwrap().get_for("r.io");
        assert_eq!(got.unwrap(), wanted, "{answer}");
        assert_eq!(programs.log(), ["get r.io"]);
    }
}

#[test]
fn a_program_is_a_source_of_credentials_for_registries() {
    let answer = r#"{"Username":"me","Secret":"pass"}"#;
    let programs = Programs::new().with("x", &format!("printf '%s' '{answer}'"));
    let helper = programs.helpers().require("x").unwrap();
    let store: &dyn CredentialStore = &helper;
    let me = Credential::password("me", "pass");
    let [registry, hub] = ["r.io", "docker.io"].map(|name| name.parse().unwrap());
    let repository = "a/b".parse().unwrap();

    let program = "docker-credential-x".to_owned();
    assert_eq!(
        store.store(&registry, &me).unwrap(),
        Stored::ByHelper { program }
    );
    let found = store.get(&registry, Some(&repository)).unwrap();
    assert_eq!(found, Some(me.clone()));
    assert_eq!(store.refresh(&registry, None, &me).unwrap(), None);
    store.erase(&hub).unwrap();

    assert_eq!(
        programs.log(),
        [
            r#"store {"ServerURL":"r.io","Username":"me","Secret":"pass"}"#,
            "get r.io",
            "get r.io",
            "erase https://index.docker.io/v1/",
        ]
    );
}

#[test]
fn the_error_message_of_a_program_is_its_stdout() {
    for (script, wanted) in [
        ("echo boom; exit 1", Err("boom")),
        ("echo '  two'; echo 'lines '; exit 1", Err("two lines")),
        (r"printf 'a\033[1mb'; exit 1", Err("a[1mb")),
        (
            "echo to stderr 2>/dev/null >&2; exit 3",
            Err("exit status: 3"),
        ),
        (
            "echo no credentials server URL; exit 1",
            Err("no credentials server URL"),
        ),
        (
            "echo credentials not found in native keychain; exit 1",
            Ok(()),
        ),
        (
            "printf 'credentials not found in native keychain'; exit 1",
            Ok(()),
        ),
        ("echo secret", Err("its answer makes no sense")),
        (
            r#"echo '{"Secret":["secret"]}'"#,
            Err("its answer makes no sense"),
        ),
        (r"printf '{\377}'", Err("its answer makes no sense")),
        ("exit 0", Err("its answer makes no sense")),
    ] {
        let programs = Programs::new().with("x", script);
        let got = programs.helpers().require("x").unwrap().get_for("r.io");
        let got = got.map_err(|error| error.chain().to_string());
        let wanted = wanted
            .map(|()| None)
            .map_err(|reason| format!("docker-credential-x: {reason}"));
        assert_eq!(got, wanted, "{script}");
    }
}

#[test]
fn secrets_in_the_output_of_a_failed_program_are_redacted() {
    let password = Credential::password("me", "canary+password");
    for (script, wanted) in [
        // A result with a secret is not shown as an error message.
        ("echo \"cannot store $input\"; exit 1", "exit status: 1"),
        // The stored secret is in the redactor.
        (
            "echo no place for canary+password; exit 1",
            "no place for *****",
        ),
        (
            "echo no place for canary%2Bpassword; exit 1",
            "no place for *****",
        ),
    ] {
        let programs = Programs::new().with("x", script);
        let helpers = programs.helpers();
        let error = helpers
            .require("x")
            .unwrap()
            .store_for("r.io", &password)
            .unwrap_err();
        assert_eq!(error.to_string(), format!("docker-credential-x: {wanted}"));
    }
    let script = r#"echo '{"Username":"me","Secret":"canary"}'; exit 1"#;
    let programs = Programs::new().with("x", script);
    let error = programs.helpers().require("x").unwrap().get_for("r.io");
    assert_eq!(
        error.unwrap_err().to_string(),
        "docker-credential-x: exit status: 1"
    );
}

#[test]
fn store_erase_and_list_follow_the_protocol() {
    let script = r#"if [ "$1" = list ]; then echo '{"r.io":"me"}'; fi"#;
    let programs = Programs::new().with("x", script);
    let helpers = programs.helpers();
    let helper = helpers.require("x").unwrap();
    let password = Credential::password("me", "a\"<b>");
    helper.store_for("r.io", &password).unwrap();
    let token = Credential::IdentityToken("t".into());
    helper.store_for("r.io", &token).unwrap();
    helper.erase_for("r.io").unwrap();
    assert_eq!(helper.list().unwrap()["r.io"], "me");
    assert_eq!(
        programs.log(),
        [
            r#"store {"ServerURL":"r.io","Username":"me","Secret":"a\"\u003cb\u003e"}"#,
            r#"store {"ServerURL":"r.io","Username":"\u003ctoken\u003e","Secret":"t"}"#,
            "erase r.io",
            "list ",
        ]
    );
    let refused = helper.store_for("r.io", &Credential::RegistryToken("t".into()));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "keeping a registry token by docker-credential-x: unsupported"
    );
}

#[test]
fn erasing_a_missing_credential_is_not_an_error_but_other_failures_are() {
    for (says, is_ok) in [(NOT_FOUND, true), ("locked", false)] {
        let programs = Programs::new().with("x", &format!("echo '{says}'; exit 1"));
        let erased = programs.helpers().require("x").unwrap().erase_for("r.io");
        assert_eq!(erased.is_ok(), is_ok, "{says}");
    }
}

#[test]
fn a_program_that_does_not_exit_is_killed() {
    for script in ["exec sleep 1000", "exec yes"] {
        let programs = Programs::new().with("x", script);
        let helpers = programs.helpers().clock(Impatient);
        let error = helpers.require("x").unwrap().get_for("r.io").unwrap_err();
        assert_eq!(
            error.to_string(),
            "docker-credential-x: no answer within 60 seconds"
        );
    }
}

#[test]
fn child_processes_of_a_program_are_not_waited_for() {
    let script = r#"echo '{"Username":"me","Secret":"pass"}'; sleep 5 &"#;
    let programs = Programs::new().with("x", script);
    let before = SystemClock.now();
    let got = programs.helpers().require("x").unwrap().get_for("r.io");
    assert_eq!(got.unwrap(), Some(Credential::password("me", "pass")));
    assert!(before.elapsed().unwrap() < Duration::from_secs(4));
}

#[test]
fn a_program_may_ignore_its_input_and_write_much_output() {
    let programs = Programs::new();
    let path = programs.path().join("docker-credential-x");
    let script = "#!/bin/sh\nexec 0<&-\nprintf '{\"Username\":\"me\",\"Secret\":\"%050000d\"}' 0\n";
    std::fs::write(&path, script).unwrap();
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&path, rights).unwrap();
    let server = "r".repeat(MAX_HELPER_INPUT_BYTES);
    let helpers = programs.helpers();
    let helper = helpers.require("x").unwrap();
    let wanted = Credential::password("me", "0".repeat(50_000));
    assert_eq!(helper.get_for(&server).unwrap(), Some(wanted));
    assert!(matches!(
        helper.get_for(&(server + "r")),
        Err(Error::TooLarge { .. })
    ));
}

/// A clock that waits for a shorter time.
struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> SystemTime {
        SystemClock.now()
    }

    fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration / 60);
    }
}

#[test]
fn output_that_exactly_fills_the_pipe_does_not_block() {
    for bytes in [60 * 1024, 64 * 1024] {
        let script = format!("head -c {bytes} /dev/zero | tr '\\0' ' '");
        let programs = Programs::new().with("x", &script);
        let helpers = programs.helpers().clock(Hasty);
        let error = helpers.require("x").unwrap().get_for("r.io").unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("docker-credential-x: "), "{error}");
    }
}

#[test]
fn only_programs_in_the_search_path_are_run() {
    let programs = Programs::new().with("x", "");
    std::fs::write(programs.path().join("docker-credential-data"), "").unwrap();
    std::fs::create_dir(programs.path().join("docker-credential-dir")).unwrap();
    let helpers = programs.helpers();
    assert!(helpers.find("x").unwrap().is_some());
    for suffix in ["nosuch", "data", "dir"] {
        assert!(helpers.find(suffix).unwrap().is_none(), "{suffix}");
        assert_eq!(
            helpers.require(suffix).unwrap_err().to_string(),
            format!("exec: \"docker-credential-{suffix}\": executable file not found in $PATH")
        );
    }
    for path in ["", ".", "bin", ":"] {
        assert!(Helpers::new(path).find("x").unwrap().is_none(), "{path}");
    }
}

#[test]
fn a_suffix_with_a_path_separator_is_an_error() {
    for suffix in ["", "a/b", "../x", "/bin/sh", r"a\b", "a\0"] {
        let error = Helpers::new("/bin").find(suffix).unwrap_err().to_string();
        let shown = suffix.trim_end_matches('\0');
        let wanted = format!("docker-credential-{shown}: not the name of a helper program");
        assert_eq!(error, wanted);
    }
}
