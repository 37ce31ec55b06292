//! `oras login` and `oras logout`.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

use crate::support::cli::Oras;
use crate::support::registry::{Bearer, TestRegistry};
use crate::support::terminal::Terminal;

transcripts! {
    "login":
    anonymous,
    config_files,
    expired,
    helpers,
    passwords,
    refused_tokens,
    tokens,
    unusual_secrets,
}

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_U: &str = "\x15";
const BACKSPACE: &str = "\x7f";

/// The byte that a terminal sends for Ctrl-C.
const SIGINT: i32 = 2;

struct Setting {
    registry: TestRegistry,
    oras: Oras,
}

impl Setting {
    fn new(registry: TestRegistry) -> Self {
        let oras = Oras::new();
        Self { registry, oras }
    }

    fn behind_a_password() -> Self {
        Self::new(TestRegistry::requiring_basic("alice", "open sesame"))
    }

    fn login(&self, terminal: &Terminal, more: &[&str]) -> Child {
        let host = self.registry.host();
        let arguments = [&["login", "--plain-http", &host], more].concat();
        self.oras.command(arguments).start_at(terminal)
    }

    /// Returns the stored entry without the registry and without blanks.
    fn stored(&self) -> String {
        let path = self.oras.home().join(".docker/config.json");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.replace(&self.registry.host(), "[REGISTRY]")
            .replace(['\n', '\t', ' '], "")
    }
}

const STORED: &str = r#"{"auths":{"[REGISTRY]":{"auth":"YWxpY2U6b3BlbiBzZXNhbWU="}}}"#;

#[test]
fn a_password_is_not_echoed_and_the_terminal_is_restored() {
    let setting = Setting::behind_a_password();
    let mut terminal = Terminal::new();
    let login = setting.login(&terminal, &[]);
    terminal.wait_for("Username: ");
    assert!(terminal.echoes());
    terminal.type_in("alice\n");
    terminal.wait_for("Password: ");
    assert!(!terminal.echoes());
    terminal.type_in("open sesame\n");
    terminal.wait_for("Login Succeeded\r\n");
    assert!(terminal.echoes());

    let (screen, status) = terminal.finish(login);

    assert_eq!(
        screen,
        "Username: alice\r\nPassword: \r\nLogin Succeeded\r\n"
    );
    assert!(status.success());
    assert_eq!(setting.stored(), STORED);
}

#[test]
fn input_can_be_corrected() {
    let setting = Setting::behind_a_password();
    let mut terminal = Terminal::new();
    let login = setting.login(&terminal, &["-u", "alice"]);
    terminal.wait_for("Password: ");
    terminal.type_in(&format!("nonsense{CTRL_U}openn{BACKSPACE} sesame\n"));

    let (screen, status) = terminal.finish(login);

    assert_eq!(screen, "Password: \r\nLogin Succeeded\r\n");
    assert!(status.success());
    assert_eq!(setting.stored(), STORED);
}

#[test]
fn an_empty_user_name_prompts_for_a_token_of_any_length() {
    let token = "t".repeat(10_000);
    let policy = Bearer::new()
        .user("alice", "open sesame")
        .identity_token(&token);
    let setting = Setting::new(TestRegistry::start().with_tokens(policy));
    let mut terminal = Terminal::new();
    let login = setting.login(&terminal, &[]);
    terminal.wait_for("Username: ");
    terminal.type_in("\n");
    terminal.wait_for("Token: ");
    for part in token.as_bytes().chunks(1000) {
        terminal.type_in(std::str::from_utf8(part).unwrap());
    }
    terminal.type_in("\n");

    let (screen, status) = terminal.finish(login);

    assert_eq!(screen, "Username: \r\nToken: \r\nLogin Succeeded\r\n");
    assert!(status.success());
    let stored = format!(r#"{{"auths":{{"[REGISTRY]":{{"identitytoken":"{token}"}}}}}}"#);
    assert_eq!(setting.stored(), stored);
}

#[test]
fn an_empty_secret_is_an_error() {
    let password = "Password: \r\nError: password required\r\n";
    let token = "Username: Token: \r\nError: token required\r\n";
    for (arguments, answers, wanted) in [
        (&["-u", "alice"][..], &[("Password: ", "\n")][..], password),
        (&["-u", "alice"], &[("Password: ", CTRL_D)], password),
        (&[], &[("Username: ", CTRL_D), ("Token: ", CTRL_D)], token),
    ] {
        let setting = Setting::behind_a_password();
        let mut terminal = Terminal::new();
        let login = setting.login(&terminal, arguments);
        for (question, answer) in answers {
            terminal.wait_for(question);
            terminal.type_in(answer);
        }

        let (screen, status) = terminal.finish(login);

        assert_eq!((screen.as_str(), status.code()), (wanted, Some(2)));
        assert_eq!(setting.registry.log(), [""; 0]);
    }
}

#[test]
fn an_interrupted_login_restores_the_terminal() {
    let setting = Setting::behind_a_password();
    let mut terminal = Terminal::new();
    let mut login = setting.login(&terminal, &["-u", "alice"]);
    terminal.wait_for("Password: ");
    terminal.type_in(&format!("open{CTRL_C}"));
    login.wait().expect("a child can be waited for");
    assert!(terminal.echoes());

    let (screen, status) = terminal.finish(login);

    let note = "Error: interrupted by SIGINT: what was complete is kept";
    assert_eq!(screen, format!("Password: \r\n{note}\r\n"));
    assert_eq!(status.signal(), Some(SIGINT));
    assert_eq!(setting.stored(), "");
}

/// A truncated file could be the secret of another user.
#[test]
fn an_overlong_secret_is_an_error_and_not_truncated() {
    let setting = Setting::behind_a_password();
    let host = setting.registry.host();
    for flag in ["--password-stdin", "--identity-token-stdin"] {
        setting
            .oras
            .command(["login", "--plain-http", &host, flag])
            .stdin(vec![b'x'; 1024 * 1024 + 1])
            .run()
            .fails_with(1)
            .complains("Error: the secret on stdin has more than 1048576 bytes\n");
    }
    assert_eq!(setting.registry.log(), [""; 0]);
}
