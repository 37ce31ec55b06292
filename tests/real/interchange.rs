//! Credentials stored by one command are found, used and removed by the other, so that users can
//! switch without logging in again.

use std::fs;

use crate::basic_auth::{Guard, Guarded};
use crate::client_under_test::{Visitor, Way};
use crate::docker_registry::{PASSWORD, Wire};
use crate::home::{Home, KEEPERS, Keeper};
use crate::round_trips::Program;
use crate::support::cli::Outcome;
use crate::token_server::IDENTITY_TOKEN;

#[test]
fn at_a_registry_with_a_password_by_plain_http() {
    between_both(Guard::Basic, Wire::Plain);
}

#[test]
fn at_a_registry_with_a_password_by_tls() {
    between_both(Guard::Basic, Wire::Tls);
}

#[test]
fn at_a_registry_with_tokens_by_plain_http() {
    between_both(Guard::Token, Wire::Plain);
}

#[test]
fn at_a_registry_with_tokens_by_tls() {
    between_both(Guard::Token, Wire::Tls);
}

fn between_both(guard: Guard, wire: Wire) {
    let Some(theirs) = Program::reference() else {
        return;
    };
    let Some(registry) = Guarded::start(guard, wire) else {
        return;
    };
    let ours = Program::ours();
    let mut ways = vec![Way::PasswordStdin(PASSWORD)];
    if guard == Guard::Token {
        ways.push(Way::IdentityTokenStdin(IDENTITY_TOKEN));
    }
    for keeper in KEEPERS {
        for &way in &ways {
            let kept_by_ours = switch_commands(&registry, way, keeper, &ours, &theirs);
            let kept_by_theirs = switch_commands(&registry, way, keeper, &theirs, &ours);
            assert_eq!(kept_by_ours, kept_by_theirs, "{way:?}, {keeper:?}");
        }
    }
}

/// Logs in with `one`, uses and removes the credential with `other`. Returns the stored file in
/// between.
fn switch_commands(
    registry: &Guarded,
    way: Way,
    keeper: Keeper,
    one: &Program,
    other: &Program,
) -> String {
    let home = Home::new(keeper);
    let [before, after] = [one, other].map(|program| Visitor {
        program: program.clone(),
        ..Visitor::new(registry, &home)
    });
    let host = registry.host();

    before.login(way).success();
    let files = home.files();
    let kept = fs::read_to_string(home.keeps_in(&host)).expect("it was just kept");
    let repository = format!("{keeper:?}/{}", other.name).to_lowercase();
    after.round_trip(Way::Kept, &repository);
    assert_eq!(home.files(), files, "only login and logout change it");

    after.logout().success();
    assert_eq!(home.kept_for(&host), None);
    let words = match registry.guard {
        Guard::Basic => "basic credential not found",
        Guard::Token => "401: unauthorized: incorrect username or password",
    };
    before.is_refused(Way::Kept, &repository, words);
    kept
}

#[test]
fn both_commands_print_refusals_alike() {
    let Some(theirs) = Program::reference() else {
        return;
    };
    for guard in [Guard::Basic, Guard::Token] {
        let Some(registry) = Guarded::start(guard, Wire::Plain) else {
            return;
        };
        for way in [
            Way::PasswordStdin("wrong"),
            Way::IdentityTokenStdin("wrong"),
        ] {
            assert_same_messages(&registry, &theirs, |visitor| visitor.login(way));
        }
        match guard {
            Guard::Basic => {
                for way in [
                    Way::Kept,
                    Way::PasswordStdin("wrong"),
                    Way::IdentityTokenStdin("wrong"),
                ] {
                    assert_same_messages(&registry, &theirs, |visitor| visitor.pull(way, "a"));
                }
            }
            Guard::Token => registry.tokens().issuing_expired(|| {
                let way = Way::PasswordStdin(PASSWORD);
                assert_same_messages(&registry, &theirs, |visitor| visitor.login(way));
                assert_same_messages(&registry, &theirs, |visitor| visitor.pull(way, "a"));
            }),
        }
    }
}

#[track_caller]
fn assert_same_messages(
    registry: &Guarded,
    theirs: &Program,
    refused: impl Fn(&Visitor<'_>) -> Outcome,
) {
    // Some messages contain the path of the home directory.
    let home = Home::new(Keeper::File);
    let [ours, theirs] = [Program::ours(), theirs.clone()].map(|program| {
        let visitor = Visitor {
            program,
            ..Visitor::new(registry, &home)
        };
        refused(&visitor).fails_with(visitor.program.refused)
    });
    // The advice to log in is an addition of this command.
    let mut messages = String::new();
    for line in ours.stderr().split_inclusive('\n') {
        if !line.starts_with("To log in to this registry") {
            messages.push_str(line);
        }
    }
    assert_eq!(messages, theirs.stderr(), "\n{ours}");
}
