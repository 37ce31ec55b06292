//! Prompts of both commands at a terminal.

use std::path::Path;
use std::process::Command;

use crate::support::registry::{Bearer, TestRegistry};
use crate::support::tempdir::TempDir;
use crate::support::terminal::Terminal;

/// Prompts and answers.
type Dialogue = [(&'static str, &'static str)];

const DIALOGUES: &[&Dialogue] = &[
    &[("Username: ", "alice\n"), ("Password: ", "open sesame\n")],
    &[("Username: ", " alice \n"), ("Password: ", "open sesame\n")],
    &[("Username: ", "alice\n"), ("Password: ", "wrong\n")],
    &[("Username: ", "alice\n"), ("Password: ", "\n")],
    &[
        ("Username: ", "alice\n"),
        ("Password: ", "openn\u{7f} sesame\n"),
    ],
    &[("Username: ", "\n"), ("Token: ", "a token\n")],
    &[("Username: ", "\n"), ("Token: ", "another token\n")],
    &[("Username: ", "\n"), ("Token: ", "\n")],
];

#[test]
fn login_prompts_are_those_of_the_original() {
    let Some(reference) = crate::prerequisites::reference() else {
        return;
    };
    let policy = Bearer::new()
        .user("alice", "open sesame")
        .identity_token("a token");
    let registry = TestRegistry::start();
    // The secret is sent only to this registry.
    let realm = registry.url().replace("127.0.0.1", "localhost");
    let policy = policy.challenge(&format!(
        "Bearer realm=\"{realm}/token\",service=\"{{service}}\""
    ));
    let registry = registry.with_tokens(policy);
    for dialogue in DIALOGUES {
        let ours = login(Path::new(env!("CARGO_BIN_EXE_oras")), &registry, dialogue);
        let theirs = login(&reference, &registry, dialogue);
        assert_eq!(ours, theirs, "{dialogue:?}");
    }
}

/// Returns the terminal output and the stored credential.
fn login(program: &Path, registry: &TestRegistry, dialogue: &Dialogue) -> (String, String) {
    let home = TempDir::new();
    let host = registry.host().replace("127.0.0.1", "localhost");
    let mut command = Command::new(program);
    command
        .args(["login", &host])
        .env_clear()
        .env("HOME", home.path());
    let mut terminal = Terminal::new();
    let login = terminal.start(command);
    for (question, answer) in dialogue {
        terminal.wait_for(question);
        if *question != "Username: " {
            terminal.wait_for_no_echo();
        }
        terminal.type_in(answer);
    }
    let (screen, _) = terminal.finish(login);
    let stored = std::fs::read_to_string(home.join(".docker/config.json"));
    (screen, stored.unwrap_or_default())
}
