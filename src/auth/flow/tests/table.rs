//! What follows from each event in each state: the table of states and events, with nothing left
//! out.

use super::*;

const WIDER: &str =
    r#"Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull,push""#;

/// The states of a request on its way, in the order of the columns.
const STATES: [&str; 5] = [
    "nothing is known",
    "Basic is known",
    "a token was cached",
    "the token is fresh",
    "the token was given",
];

/// Answers of the registry, and what follows in each state.
#[rustfmt::skip]
const ANSWERS: [(Answer, [&str; STATES.len()]); 13] = [
    (Answer(200, &[]),                 ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (Answer(200, &[BEARER, BASIC]),    ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (Answer(404, &[]),                 ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (Answer(500, &[BEARER]),           ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (Answer(401, &[BEARER]),           ["fetch pull", "fetch pull", "fetch pull", "finish",      "finish"]),
    (Answer(401, &[WIDER]),            ["fetch both", "fetch both", "fetch both", "fetch both",  "finish"]),
    (Answer(401, &[BASIC]),            ["Basic",      "refresh",   "Basic",       "Basic",       "finish"]),
    (Answer(401, &[BASIC, BEARER]),    ["fetch pull", "fetch pull", "fetch pull", "finish",      "finish"]),
    (Answer(401, &["Negotiate"]),      ["probe",      "finish",    "probe",       "finish",      "finish"]),
    (Answer(401, &[]),                 ["probe",      "finish",    "probe",       "finish",      "finish"]),
    (Answer(403, &[BEARER]),           ["finish",     "refresh",   "fetch pull",  "finish",      "finish"]),
    (Answer(DENIED, &[]),              ["finish",     "refresh",   "fetch pull",  "finish",      "finish"]),
    (Answer(400, &[]),                 ["finish",     "finish",    "finish",      "finish",      "finish"]),
];

/// A 400 whose body says that access is denied.
const DENIED: u16 = 1400;

/// A status, and what the registry wants.
#[derive(Debug)]
struct Answer(u16, &'static [&'static str]);

impl Answer {
    fn event(&self) -> Event {
        Event::Response {
            status: self.0 % 1000,
            challenges: parse_challenges(self.1.iter().copied()),
            denied: self.0 == DENIED,
        }
    }
}

/// A request that was just sent in this state.
fn sent(state: &str) -> Scenario {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    match state {
        "nothing is known" => scenario.sends(None),
        "Basic is known" => {
            scenario
                .status(401, &[BASIC])
                .credential(me())
                .status(200, &[]);
            scenario
                .again(Scopes::pull("a"))
                .sends(Some("Basic bWU6c2VjcmV0"));
        }
        "a token was cached" | "the token is fresh" => {
            scenario.status(401, &[BEARER]).credential(me());
            scenario.reply(200, r#"{"token":"t"}"#);
            if state == "a token was cached" {
                scenario.status(200, &[]).again(Scopes::pull("a"));
            }
            scenario.sends(Some("Bearer t"));
        }
        "the token was given" => {
            let given = Credential::RegistryToken("given".into());
            scenario
                .status(401, &[BEARER])
                .credential(given)
                .sends(Some("Bearer given"));
        }
        other => unreachable!("{other}"),
    }
    scenario
}

/// What the machine wants, in a word or two.
fn wish(action: &Action) -> &'static str {
    match action {
        Action::Send(None) => "nothing",
        Action::Send(Some(Authorization::Basic(_))) => "Basic",
        Action::Send(Some(Authorization::Bearer(_))) => "Bearer",
        Action::Probe => "probe",
        Action::LookUpCredential => "look up",
        Action::RefreshCredential(_) => "refresh",
        Action::FetchToken(request) => {
            let scopes: Vec<_> = request.scopes.iter().collect();
            match (request.method, scopes.join(" ").as_str()) {
                (TokenMethod::Get, "repository:a:pull") => "fetch pull",
                (TokenMethod::Get, "repository:a:pull,push") => "fetch both",
                (method, other) => panic!("{method:?}: {other}"),
            }
        }
        Action::Finish => "finish",
        Action::Fail(_) => "fail",
        Action::FailWithTokenResponse => "fail as service",
    }
}

#[test]
fn every_answer_in_every_state() {
    for (answer, wishes) in &ANSWERS {
        for (state, wanted) in STATES.iter().zip(wishes) {
            let mut scenario = sent(state);
            scenario.event(answer.event());
            if scenario.action == Action::LookUpCredential {
                scenario.credential(me());
            }
            assert_eq!(wish(&scenario.action), *wanted, "{answer:?} when {state}");
        }
    }
}

/// Who asks a token service, and how, in the order of the columns.
const ASKERS: [&str; 6] = [
    "nobody",
    "me",
    "me or Basic",
    "for two",
    "identity",
    "by form",
];

/// Answers of a token service, and what follows for each asker. Where a newer credential is asked
/// for, there is none.
#[rustfmt::skip]
const REPLIES: [(u16, &str, [&str; ASKERS.len()]); 11] = [
    (200, r#"{"token":"t"}"#, ["Bearer",          "Bearer",          "Bearer",          "Bearer",          "Bearer",          "Bearer"]),
    (200, "{}",               ["fail",            "fail",            "fail",            "fail",            "fail",            "fail"]),
    (200, "<html>",           ["fail",            "fail",            "fail",            "fail",            "fail",            "fail"]),
    (400, "",                 ["fail as service", "fail as service", "Basic",           "fail as service", "fail as service", "fetch pull"]),
    (401, "",                 ["fail as service", "fail as service", "Basic",           "fetch pull",      "fail as service", "fetch pull"]),
    (403, "",                 ["fail as service", "fail as service", "Basic",           "fetch pull",      "fail as service", "fail as service"]),
    (404, "",                 ["fail as service", "fail as service", "Basic",           "fail as service", "fail as service", "fetch pull"]),
    (405, "",                 ["fail as service", "fail as service", "Basic",           "fail as service", "fail as service", "fetch pull"]),
    (429, "",                 ["fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service"]),
    (500, "",                 ["fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service"]),
    (302, "",                 ["fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service"]),
];

/// A token service that was just asked.
fn asked(asker: &str) -> Scenario {
    let two = Scopes::pull("a").union(&Scopes::pull("b"));
    let wanted = if asker == "for two" {
        two
    } else {
        Scopes::pull("a")
    };
    let challenges = if asker == "me or Basic" {
        &[BEARER, BASIC][..]
    } else {
        &[BEARER]
    };
    let credential = match asker {
        "nobody" => None,
        "identity" => Some(Credential::IdentityToken("identity".into())),
        _ => Some(me()),
    };
    let mut scenario = Scenario::begin(wanted);
    if asker == "by form" {
        scenario.cache.prefer_oauth2();
    }
    scenario.status(401, challenges).credential(credential);
    scenario
}

#[test]
fn every_reply_to_every_asker() {
    for (status, body, wishes) in &REPLIES {
        for (asker, wanted) in ASKERS.iter().zip(wishes) {
            let mut scenario = asked(asker);
            scenario.reply(*status, body);
            if matches!(scenario.action, Action::RefreshCredential(_)) {
                assert!([400, 401, 403].contains(status), "{status} for {asker}");
                scenario.event(Event::Credential(None));
            }
            assert_eq!(
                wish(&scenario.action),
                *wanted,
                "{status} {body} for {asker}"
            );
        }
    }
}
