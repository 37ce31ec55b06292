//! The complete table of states and events.

use super::*;

const WIDER: &str =
    r#"Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull,push""#;

/// States of a sent request, in the order of the columns.
const STATES: [&str; 5] = [
    "nothing is known",
    "Basic is known",
    "a token was cached",
    "the token is fresh",
    "the token was given",
];

/// Responses of the registry, and the action in each state.
#[rustfmt::skip]
const RESPONSES: [(TestResponse, [&str; STATES.len()]); 13] = [
    (TestResponse(200, &[]),                 ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (TestResponse(200, &[BEARER, BASIC]),    ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (TestResponse(404, &[]),                 ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (TestResponse(500, &[BEARER]),           ["finish",     "finish",    "finish",      "finish",      "finish"]),
    (TestResponse(401, &[BEARER]),           ["fetch pull", "fetch pull", "fetch pull", "finish",      "finish"]),
    (TestResponse(401, &[WIDER]),            ["fetch both", "fetch both", "fetch both", "fetch both",  "finish"]),
    (TestResponse(401, &[BASIC]),            ["Basic",      "refresh",   "Basic",       "Basic",       "finish"]),
    (TestResponse(401, &[BASIC, BEARER]),    ["fetch pull", "fetch pull", "fetch pull", "finish",      "finish"]),
    (TestResponse(401, &["Negotiate"]),      ["probe",      "finish",    "probe",       "finish",      "finish"]),
    (TestResponse(401, &[]),                 ["probe",      "finish",    "probe",       "finish",      "finish"]),
    (TestResponse(403, &[BEARER]),           ["finish",     "refresh",   "fetch pull",  "finish",      "finish"]),
    (TestResponse(DENIED, &[]),              ["finish",     "refresh",   "fetch pull",  "finish",      "finish"]),
    (TestResponse(400, &[]),                 ["finish",     "finish",    "finish",      "finish",      "finish"]),
];

/// A 400 whose body reports denied access.
const DENIED: u16 = 1400;

/// Status and challenges of a response.
#[derive(Debug)]
struct TestResponse(u16, &'static [&'static str]);

impl TestResponse {
    fn event(&self) -> Event {
        Event::Response {
            status: self.0 % 1000,
            challenges: parse_challenges(self.1.iter().copied()),
            denied: self.0 == DENIED,
        }
    }
}

/// Returns a request that was sent in this state.
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

/// Returns a short name of an action.
fn action_name(action: &Action) -> &'static str {
    match action {
        Action::Send(None) => "nothing",
        Action::Send(Some(Authorization::Basic(_))) => "Basic",
        Action::Send(Some(Authorization::Bearer(_))) => "Bearer",
        Action::Probe => "probe",
        Action::LookUpCredential => "look up",
        Action::RefreshCredential(_) => "refresh",
        Action::FetchToken(request) => {
            if request.is_after_rejection {
                assert_eq!(request.credential, None);
                return "anonymous";
            }
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
fn every_response_in_every_state() {
    for (response, actions) in &RESPONSES {
        for (state, wanted) in STATES.iter().zip(actions) {
            let mut scenario = sent(state);
            scenario.event(response.event());
            if scenario.action == Action::LookUpCredential {
                scenario.credential(me());
            }
            assert_eq!(
                action_name(&scenario.action),
                *wanted,
                "{response:?} when {state}"
            );
        }
    }
}

/// Credentials and forms of token requests, in the order of the columns.
const TOKEN_REQUESTS: [&str; 8] = [
    "anonymous",
    "me",
    "me or Basic",
    "for two",
    "identity",
    "by form",
    "stored",
    "stored, push",
];

/// Responses of a token service, and the action for each token request. A repeated credential
/// lookup returns no credential.
#[rustfmt::skip]
const TOKEN_RESPONSES: [(u16, &str, [&str; TOKEN_REQUESTS.len()]); 11] = [
    (200, r#"{"token":"t"}"#, ["Bearer",          "Bearer",          "Bearer",          "Bearer",          "Bearer",          "Bearer", "Bearer", "Bearer"]),
    (200, "{}",               ["fail",            "fail",            "fail",            "fail",            "fail",            "fail", "fail", "fail"]),
    (200, "<html>",           ["fail",            "fail",            "fail",            "fail",            "fail",            "fail", "fail", "fail"]),
    (400, "",                 ["fail as service", "fail as service", "Basic",           "fail as service", "fail as service", "fetch pull", "anonymous", "fail as service"]),
    (401, "",                 ["fail as service", "fail as service", "Basic",           "fetch pull",      "fail as service", "fetch pull", "anonymous", "fail as service"]),
    (403, "",                 ["fail as service", "fail as service", "Basic",           "fetch pull",      "fail as service", "fail as service", "anonymous", "fail as service"]),
    (404, "",                 ["fail as service", "fail as service", "Basic",           "fail as service", "fail as service", "fetch pull", "fail as service", "fail as service"]),
    (405, "",                 ["fail as service", "fail as service", "Basic",           "fail as service", "fail as service", "fetch pull", "fail as service", "fail as service"]),
    (429, "",                 ["fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service"]),
    (500, "",                 ["fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service"]),
    (302, "",                 ["fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service", "fail as service"]),
];

/// Returns a request that waits for the response of the token service.
fn token_requested(request: &str) -> Scenario {
    let two = Scopes::pull("a").union(&Scopes::pull("b"));
    let wanted = match request {
        "for two" => two,
        "stored, push" => Scopes::pull_push("a"),
        _ => Scopes::pull("a"),
    };
    let challenges = if request == "me or Basic" {
        &[BEARER, BASIC][..]
    } else {
        &[BEARER]
    };
    let credential = match request {
        "anonymous" => None,
        "identity" => Some(Credential::IdentityToken("identity".into())),
        _ => Some(me()),
    };
    let mut scenario = Scenario::begin(wanted);
    if request == "by form" {
        scenario.cache.prefer_oauth2();
    }
    let is_stored = request.starts_with("stored");
    scenario.cache.allow_anonymous_pulls(is_stored);
    scenario.status(401, challenges).credential(credential);
    scenario
}

#[test]
fn every_token_response_to_every_request() {
    for (status, body, actions) in &TOKEN_RESPONSES {
        for (request, wanted) in TOKEN_REQUESTS.iter().zip(actions) {
            let mut scenario = token_requested(request);
            scenario.reply(*status, body);
            if matches!(scenario.action, Action::RefreshCredential(_)) {
                assert!([400, 401, 403].contains(status), "{status} for {request}");
                scenario.event(Event::Credential(None));
            }
            assert_eq!(
                action_name(&scenario.action),
                *wanted,
                "{status} {body} for {request}"
            );
        }
    }
}
