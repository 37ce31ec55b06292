//! One test for each rule of the state machine. [`table`] lists the action for each event in each
//! state.

mod sequences;
mod table;

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::auth::parse_challenges;

const BEARER: &str =
    r#"Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull""#;
const BASIC: &str = r#"Basic realm="r""#;

/// A request in progress. Each step asserts the last action and handles an event.
struct Scenario {
    cache: AuthCache,
    now: SystemTime,
    flow: Option<Flow>,
    action: Action,
}

impl Scenario {
    fn begin(wanted: Scopes) -> Self {
        let mut scenario = Self {
            cache: AuthCache::default(),
            now: UNIX_EPOCH,
            flow: None,
            action: Action::Finish,
        };
        scenario.again(wanted);
        scenario
    }

    /// Starts the next request of the same client.
    fn again(&mut self, wanted: Scopes) -> &mut Self {
        self.start(None, wanted)
    }

    /// Starts the next request, with the credential of a repository.
    fn start(&mut self, repository: Option<&str>, wanted: Scopes) -> &mut Self {
        let url = Url::parse("https://r.example/v2/a/blobs/x").unwrap();
        let repository = repository.map(|name| name.parse().unwrap());
        let (flow, action) = Flow::start(&url, repository, wanted, &mut self.cache, self.now);
        (self.flow, self.action) = (Some(flow), action);
        self
    }

    fn event(&mut self, event: Event) -> &mut Self {
        let (flow, action) = self.flow.take().unwrap().handle(event, &mut self.cache);
        (self.flow, self.action) = (Some(flow), action);
        self
    }

    fn status(&mut self, status: u16, challenges: &[&str]) -> &mut Self {
        assert!(matches!(self.action, Action::Send(_)), "{:?}", self.action);
        let challenges = parse_challenges(challenges.iter().copied());
        self.event(Event::Response {
            status,
            challenges,
            denied: false,
        })
    }

    fn denied(&mut self) -> &mut Self {
        self.event(Event::Response {
            status: 400,
            challenges: Vec::new(),
            denied: true,
        })
    }

    fn credential(&mut self, credential: impl Into<Option<Credential>>) -> &mut Self {
        assert_eq!(self.action, Action::LookUpCredential);
        self.event(Event::Credential(credential.into()))
    }

    /// Handles the challenges of the API check.
    fn probed(&mut self, challenges: &[&str]) -> &mut Self {
        assert_eq!(self.action, Action::Probe);
        self.event(Event::Probed(parse_challenges(challenges.iter().copied())))
    }

    fn newer(&mut self, newer: impl Into<Option<Credential>>) -> &mut Self {
        assert_eq!(self.action, Action::RefreshCredential(me()));
        self.event(Event::Credential(newer.into()))
    }

    fn reply(&mut self, status: u16, body: &str) -> &mut Self {
        assert!(
            matches!(self.action, Action::FetchToken(_)),
            "{:?}",
            self.action
        );
        let requested_at = self.now;
        self.event(Event::TokenResponse {
            status,
            body: body.as_bytes().to_vec(),
            requested_at,
        })
    }

    fn sends(&self, wanted: Option<&str>) {
        let got = match &self.action {
            Action::Send(authorization) => authorization
                .as_ref()
                .map(|a| a.header().expose().into_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(got.as_deref(), wanted);
    }

    fn asks_for(&self, scopes: &[&str]) -> TokenRequest {
        match &self.action {
            Action::FetchToken(request) => {
                assert_eq!(request.scopes.iter().collect::<Vec<_>>(), scopes);
                (**request).clone()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn me() -> Credential {
    Credential::password("me", "secret")
}

#[test]
fn no_credential_is_sent_without_a_challenge_and_other_statuses_are_final() {
    for status in [200, 404, 403, 500] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario.sends(None);
        assert_eq!(
            scenario.status(status, &[BEARER]).action,
            Action::Finish,
            "{status}"
        );
    }
}

#[test]
fn a_401_without_a_supported_challenge_is_probed_once() {
    for challenges in [&[][..], &["Negotiate"], &["Digest realm=x"]] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario.status(401, challenges);
        assert_eq!(scenario.probed(challenges).action, Action::Finish);
        assert_eq!(
            scenario
                .again(Scopes::pull("a"))
                .status(401, challenges)
                .action,
            Action::Finish,
            "it is asked once"
        );
    }

    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.status(401, &[]);
    let placeholder = BEARER.replace("repository:a:pull", "repository:user/image:pull");
    scenario
        .probed(&[&placeholder])
        .credential(None)
        .asks_for(&["repository:a:pull"]);

    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.status(401, &[]);
    scenario
        .probed(&[BASIC])
        .credential(me())
        .sends(Some("Basic bWU6c2VjcmV0"));
}

#[test]
fn a_401_of_the_api_check_itself_is_not_probed() {
    let url = Url::parse("https://r.example/v2/").unwrap();
    let mut cache = AuthCache::default();
    let (flow, _) = Flow::start(&url, None, Scopes::none(), &mut cache, UNIX_EPOCH);
    let event = Event::Response {
        status: 401,
        challenges: Vec::new(),
        denied: false,
    };
    assert_eq!(flow.handle(event, &mut cache).1, Action::Finish);
}

#[test]
fn cached_basic_without_credential_does_not_fail_a_public_repository() {
    let mut scenario = Scenario::begin(Scopes::none());
    scenario.start(Some("a"), Scopes::pull("a"));
    scenario
        .status(401, &[BASIC])
        .credential(me())
        .status(200, &[]);
    scenario
        .start(Some("open"), Scopes::pull("open"))
        .credential(None)
        .sends(None);
    assert_eq!(scenario.status(200, &[]).action, Action::Finish);
    scenario
        .start(Some("closed"), Scopes::pull("closed"))
        .credential(None);
    assert_eq!(
        scenario.status(401, &[BASIC]).action,
        Action::Fail(Unauthorized::NoBasicCredential)
    );
}

#[test]
fn a_basic_challenge_is_answered_and_cached() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BASIC])
        .credential(me())
        .sends(Some("Basic bWU6c2VjcmV0"));
    assert_eq!(scenario.status(200, &[]).action, Action::Finish);
    scenario
        .again(Scopes::pull("b"))
        .sends(Some("Basic bWU6c2VjcmV0"));
    assert_eq!(
        scenario.status(401, &[BASIC]).newer(None).action,
        Action::Finish,
        "wrong credentials are not sent twice"
    );
}

#[test]
fn each_repository_has_its_own_credential_looked_up_once() {
    let mut scenario = Scenario::begin(Scopes::none());
    scenario.start(Some("a"), Scopes::pull("a"));
    scenario.status(401, &[BASIC]).credential(me());
    for (name, password, header) in [("b", "b", "Basic bWU6Yg=="), ("c", "c", "Basic bWU6Yw==")] {
        scenario
            .start(Some(name), Scopes::pull(name))
            .credential(Credential::password("me", password))
            .sends(Some(header));
    }
    for (name, header) in [("a", "Basic bWU6c2VjcmV0"), ("b", "Basic bWU6Yg==")] {
        scenario
            .start(Some(name), Scopes::pull(name))
            .sends(Some(header));
    }
}

#[test]
fn credentials_rejected_by_token_service_and_registry_are_final() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BASIC, BEARER])
        .credential(me())
        .reply(401, "")
        .newer(None)
        .sends(Some("Basic bWU6c2VjcmV0"));
    assert_eq!(
        scenario.status(401, &[BASIC, BEARER]).action,
        Action::Finish
    );
}

#[test]
fn a_rejected_basic_credential_is_refreshed_once() {
    for refuse in [
        (|s| s.status(401, &[BASIC])) as fn(&mut Scenario) -> &mut Scenario,
        |s| s.status(403, &[]),
    ] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario.status(401, &[BASIC]).credential(me());
        refuse(&mut scenario)
            .newer(Credential::password("me", "newer"))
            .sends(Some("Basic bWU6bmV3ZXI="));
        assert_eq!(
            refuse(&mut scenario).action,
            Action::Finish,
            "once is enough"
        );

        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario.status(401, &[BASIC]).credential(me());
        assert_eq!(
            refuse(&mut scenario).newer(me()).action,
            Action::Finish,
            "it is the same"
        );
    }
}

/// Some registries respond 403 for missing content, and a helper program may be slow.
#[test]
fn an_unchanged_credential_is_not_refreshed_again_within_a_minute() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.status(401, &[BASIC]).credential(me());
    assert_eq!(scenario.status(403, &[]).newer(None).action, Action::Finish);
    scenario.now += Duration::from_secs(59);
    assert_eq!(
        scenario.again(Scopes::pull("a")).status(403, &[]).action,
        Action::Finish
    );
    scenario.now += Duration::from_secs(1);
    scenario
        .again(Scopes::pull("a"))
        .status(403, &[])
        .newer(Credential::password("me", "newer"))
        .sends(Some("Basic bWU6bmV3ZXI="));

    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(me())
        .reply(401, "")
        .newer(None);
    assert_eq!(
        scenario.again(Scopes::pull("a")).reply(401, "").action,
        Action::FailWithTokenResponse
    );
}

#[test]
fn basic_with_an_incomplete_credential_fails() {
    for (credential, reason) in [
        (None, Unauthorized::NoBasicCredential),
        (
            Some(Credential::password("me", "")),
            Unauthorized::IncompleteBasicCredential,
        ),
        (
            Some(Credential::password("", "x")),
            Unauthorized::IncompleteBasicCredential,
        ),
        (
            Some(Credential::IdentityToken("x".into())),
            Unauthorized::IncompleteBasicCredential,
        ),
    ] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        assert_eq!(
            scenario.status(401, &[BASIC]).credential(credential).action,
            Action::Fail(reason)
        );
    }
}

#[test]
fn a_bearer_token_is_requested_for_the_needed_and_the_challenged_scopes() {
    let mut scenario = Scenario::begin(Scopes::pull_push("a"));
    scenario
        .status(401, &["Negotiate", BASIC, BEARER])
        .credential(None);
    let request = scenario.asks_for(&["repository:a:pull,push"]);
    assert_eq!(
        (request.service.as_deref(), request.credential),
        (Some("r"), None)
    );
    scenario
        .reply(200, r#"{"token":"t"}"#)
        .sends(Some("Bearer t"));
    assert_eq!(scenario.status(201, &[]).action, Action::Finish);
}

#[test]
fn a_new_token_includes_the_scopes_of_earlier_tokens_for_the_repository() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(me())
        .reply(200, r#"{"token":"pull"}"#)
        .status(200, &[]);
    scenario
        .again(Scopes::pull("b"))
        .reply(200, r#"{"token":"b"}"#);
    let delete = Scopes::parse("repository:a:delete repository:c:pull");
    scenario
        .again(delete.clone())
        .asks_for(&["repository:a:delete,pull", "repository:c:pull"]);
    scenario.reply(200, r#"{"token":"all"}"#);
    scenario.again(Scopes::pull("a")).sends(Some("Bearer all"));
    scenario.again(delete).sends(Some("Bearer all"));
    scenario.again(Scopes::pull("b")).sends(Some("Bearer b"));
}

#[test]
fn a_token_is_reused_only_for_the_same_credential() {
    let mut scenario = Scenario::begin(Scopes::none());
    let both = Scopes::parse("repository:a:pull repository:b:pull");
    scenario.start(Some("a"), both.clone());
    scenario
        .status(401, &[BEARER])
        .credential(me())
        .reply(200, r#"{"token":"mine"}"#)
        .status(200, &[]);
    scenario.start(Some("b"), Scopes::pull("b"));
    let request = scenario.credential(None).asks_for(&["repository:b:pull"]);
    assert_eq!(request.credential, None);
    scenario
        .reply(200, r#"{"token":"anonymous"}"#)
        .status(200, &[]);
    scenario
        .start(Some("b"), Scopes::pull("b"))
        .sends(Some("Bearer anonymous"));
    scenario
        .start(Some("a"), Scopes::pull("b"))
        .sends(Some("Bearer mine"));
    scenario
        .start(Some("c"), both)
        .credential(me())
        .sends(Some("Bearer mine"));
}

#[test]
fn a_token_is_reused_only_for_the_same_token_service() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(None)
        .reply(200, r#"{"token":"one"}"#)
        .status(200, &[]);
    let other = BEARER.replace("auth.example", "other.example");
    scenario
        .again(Scopes::pull("b"))
        .reply(200, r#"{"token":"two"}"#);
    scenario.status(401, &[&other.replace("a:pull", "b:pull,push")]);
    scenario.reply(200, r#"{"token":"three"}"#).status(200, &[]);
    scenario.again(Scopes::pull("a"));
    assert_eq!(
        scenario.asks_for(&["repository:a:pull"]).realm.exact(),
        "https://other.example/token"
    );
}

#[test]
fn a_token_rejected_with_401_is_tried_for_the_next_request_and_then_replaced() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(None)
        .reply(200, r#"{"token":"t"}"#);
    assert_eq!(scenario.status(401, &[BEARER]).action, Action::Finish);
    // Some registries reject mounts with 401 and accept other requests with the same token.
    scenario.again(Scopes::pull("a")).sends(Some("Bearer t"));
    scenario
        .status(401, &[BEARER])
        .asks_for(&["repository:a:pull"]);
}

#[test]
fn a_403_for_a_fresh_token_causes_no_more_token_requests() {
    for refuse in [
        (|s| s.status(403, &[])) as fn(&mut Scenario) -> &mut Scenario,
        |s| s.denied(),
    ] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario
            .status(401, &[BEARER])
            .credential(None)
            .reply(200, r#"{"token":"t"}"#);
        assert_eq!(refuse(&mut scenario).action, Action::Finish);
        scenario.again(Scopes::pull("a")).sends(Some("Bearer t"));
        assert_eq!(refuse(&mut scenario).action, Action::Finish);
        scenario.again(Scopes::pull("a")).sends(Some("Bearer t"));
    }
}

#[test]
fn a_credential_rejected_by_the_token_service_is_refreshed_once() {
    for status in [400, 401, 403] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario
            .status(401, &[BEARER])
            .credential(me())
            .reply(status, "");
        let newer = Credential::password("me", "newer");
        let request = scenario
            .newer(newer.clone())
            .asks_for(&["repository:a:pull"]);
        assert_eq!(request.credential, Some(newer));
        assert_eq!(
            scenario.reply(status, "").action,
            Action::FailWithTokenResponse
        );

        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario
            .status(401, &[BEARER])
            .credential(me())
            .reply(status, "");
        assert_eq!(scenario.newer(me()).action, Action::FailWithTokenResponse);
    }
}

#[test]
fn with_prefer_oauth2_a_password_is_sent_by_post_and_then_by_get() {
    for status in [400, 401, 404, 405] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario.cache.prefer_oauth2();
        scenario.status(401, &[BEARER]).credential(me());
        assert_eq!(
            scenario.asks_for(&["repository:a:pull"]).method,
            TokenMethod::OAuth2Post
        );
        scenario.reply(status, "");
        assert_eq!(
            scenario.asks_for(&["repository:a:pull"]).method,
            TokenMethod::Get
        );
        scenario
            .reply(200, r#"{"token":"t"}"#)
            .sends(Some("Bearer t"));
        scenario.again(Scopes::pull("b"));
        assert_eq!(
            scenario.asks_for(&["repository:b:pull"]).method,
            TokenMethod::Get,
            "it is remembered"
        );
    }

    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.cache.prefer_oauth2();
    scenario.status(401, &[BEARER]).credential(None);
    assert_eq!(
        scenario.asks_for(&["repository:a:pull"]).method,
        TokenMethod::Get
    );
}

#[test]
fn a_request_is_sent_at_most_four_times() {
    let wider = BEARER.replace("a:pull", "a:pull,push");
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(me())
        .reply(200, r#"{"token":"1"}"#)
        .status(401, &[&wider])
        .reply(200, r#"{"token":"2"}"#)
        .status(401, &[BASIC])
        .sends(Some("Basic bWU6c2VjcmV0"));
    assert_eq!(scenario.status(401, &[BASIC]).action, Action::Finish);
}

#[test]
fn no_token_is_requested_after_the_last_send() {
    let wider = BEARER.replace("a:pull", "a:pull,push");
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BASIC])
        .credential(me())
        .status(401, &[BASIC])
        .newer(Credential::password("me", "newer"))
        .status(401, &[BEARER])
        .reply(200, r#"{"token":"1"}"#)
        .sends(Some("Bearer 1"));
    assert_eq!(scenario.status(401, &[&wider]).action, Action::Finish);
}

#[test]
fn a_token_is_reused_until_it_expires() {
    let mut scenario = Scenario::begin(Scopes::pull_push("a"));
    scenario
        .status(401, &[BEARER])
        .credential(me())
        .reply(200, r#"{"token":"t","expires_in":300}"#);
    scenario
        .status(200, &[])
        .again(Scopes::pull("a"))
        .sends(Some("Bearer t"));
    scenario
        .again(Scopes::pull("b"))
        .asks_for(&["repository:b:pull"]);
    scenario.now += Duration::from_secs(291);
    scenario
        .again(Scopes::pull("a"))
        .asks_for(&["repository:a:pull,push"]);
}

#[test]
fn a_rejected_cached_token_is_replaced_once() {
    for refuse in [
        (|s| s.status(401, &[BEARER])) as fn(&mut Scenario) -> &mut Scenario,
        |s| s.status(403, &[]),
        |s| s.denied(),
    ] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        scenario
            .status(401, &[BEARER])
            .credential(None)
            .reply(200, r#"{"token":"old"}"#)
            .status(200, &[]);
        refuse(scenario.again(Scopes::pull("a")))
            .reply(200, r#"{"token":"new"}"#)
            .sends(Some("Bearer new"));
        assert_eq!(refuse(&mut scenario).action, Action::Finish);
    }
}

#[test]
fn a_401_for_a_fresh_token_is_final_unless_it_names_a_new_scope() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(None)
        .reply(200, r#"{"token":"t"}"#);
    assert_eq!(scenario.status(401, &[BEARER]).action, Action::Finish);

    let other = BEARER.replace("a:pull", "a:pull,push");
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(None)
        .reply(200, r#"{"token":"t"}"#);
    scenario
        .status(401, &[&other])
        .asks_for(&["repository:a:pull,push"]);
    scenario
        .reply(200, r#"{"token":"u"}"#)
        .sends(Some("Bearer u"));
    let third = BEARER.replace("a:pull", "a:delete");
    assert_eq!(
        scenario.status(401, &[&third]).action,
        Action::Finish,
        "two token_requests are enough"
    );
}

#[test]
fn a_request_without_scopes_ignores_the_challenged_scope() {
    let mut scenario = Scenario::begin(Scopes::none());
    let placeholder = BEARER.replace("repository:a:pull", "repository:user/image:pull");
    scenario
        .status(401, &[&placeholder])
        .credential(me())
        .asks_for(&[]);
}

#[test]
fn an_identity_token_is_exchanged_by_post_and_a_registry_token_is_sent_unchanged() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(Some(Credential::IdentityToken("i".into())));
    assert_eq!(
        scenario.asks_for(&["repository:a:pull"]).method,
        TokenMethod::OAuth2Post
    );

    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(Some(Credential::RegistryToken("given".into())));
    scenario.sends(Some("Bearer given"));
    assert_eq!(scenario.status(401, &[BEARER]).action, Action::Finish);
}

#[test]
fn an_untrusted_realm_gets_no_request() {
    for realm in [
        "http://auth.example/token",
        "https://127.0.0.1/token",
        "https://169.254.169.254/token",
        "https://localhost/token",
        "https://me@auth.example/token",
        "ftp://auth.example/",
    ] {
        let mut scenario = Scenario::begin(Scopes::pull("a"));
        let challenge = format!("Bearer realm=\"{realm}\"");
        match &scenario.status(401, &[&challenge]).action {
            Action::Fail(Unauthorized::UntrustedRealm { .. }) => {}
            other => panic!("{realm}: {other:?}"),
        }
    }
}

#[test]
fn a_relative_realm_is_resolved_against_the_request_url() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[r#"Bearer realm="/token""#])
        .credential(None);
    assert_eq!(
        scenario.asks_for(&["repository:a:pull"]).realm.exact(),
        "https://r.example/token"
    );
}

#[test]
fn a_rejection_by_the_token_service_is_final_after_all_fallbacks() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.status(401, &[BEARER]).credential(me());
    assert_eq!(
        scenario.reply(401, "").newer(None).action,
        Action::FailWithTokenResponse
    );

    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BASIC, BEARER])
        .credential(me())
        .reply(401, "")
        .newer(None)
        .sends(Some("Basic bWU6c2VjcmV0"));

    let mut scenario = Scenario::begin(Scopes::pull("a").union(&Scopes::pull("b")));
    scenario
        .status(401, &[BEARER])
        .credential(None)
        .asks_for(&["repository:a:pull", "repository:b:pull"]);
    scenario.reply(403, "").asks_for(&["repository:a:pull"]);
    assert_eq!(
        scenario.reply(403, "").action,
        Action::FailWithTokenResponse
    );
}

#[test]
fn a_token_response_without_a_token_is_an_error_with_a_reason() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.status(401, &[BEARER]).credential(None);
    match &scenario.reply(200, "<html>").action {
        Action::Fail(Unauthorized::NoToken { reason, .. }) => {
            assert_eq!(reason, "the answer is a web page");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn debug_output_of_a_token_response_does_not_contain_the_body() {
    let body = br#"{"token":"canary-access-token"}"#.to_vec();
    let bytes = format!("{:?}", &body[10..20]);
    let event = Event::TokenResponse {
        status: 200,
        body,
        requested_at: UNIX_EPOCH,
    };

    let seen = format!("{event:?}");

    assert!(!seen.contains("canary"), "{seen}");
    assert!(!seen.contains(bytes.trim_matches(['[', ']'])), "{seen}");
}

#[test]
fn a_pull_continues_without_a_rejected_stored_credential_and_keeps_doing_so() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario.cache.allow_anonymous_pulls(true);
    scenario.status(401, &[BEARER]).credential(me());
    scenario.reply(401, "").newer(None);
    assert!(scenario.asks_for(&["repository:a:pull"]).is_after_rejection);
    scenario.reply(200, r#"{"token":"public"}"#);
    scenario.sends(Some("Bearer public"));
    scenario.status(200, &[]);

    scenario.again(Scopes::pull("b"));
    let request = scenario.asks_for(&["repository:b:pull"]);
    assert_eq!(request.credential, None);
    assert!(!request.is_after_rejection);
    // The rejection of the anonymous request is final.
    scenario.reply(401, "");
    assert_eq!(scenario.action, Action::FailWithTokenResponse);
}
