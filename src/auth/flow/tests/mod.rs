//! One test for each rule of the machine. What follows from each event in each state stands in
//! [`table`].

mod sequences;
mod table;

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::auth::parse_challenges;

const BEARER: &str =
    r#"Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull""#;
const BASIC: &str = r#"Basic realm="r""#;

/// A request on its way through the machine. Each step asserts what the machine wants.
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

    /// The next request of the same client.
    fn again(&mut self, wanted: Scopes) -> &mut Self {
        self.of(None, wanted)
    }

    /// The next request, about a repository that may have credentials of its own.
    fn of(&mut self, repository: Option<&str>, wanted: Scopes) -> &mut Self {
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

    /// The answer to the question what the registry wants at all.
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
                .map(|a| a.header().expose().to_owned()),
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
fn nothing_is_sent_unasked_and_what_is_not_401_is_the_result() {
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
fn a_401_without_a_scheme_we_speak_is_the_result_unless_the_registry_says_elsewhere_what_it_wants()
{
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
fn who_asks_what_the_registry_wants_is_not_asked_that_again() {
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
fn basic_that_was_asked_for_elsewhere_is_not_missed_where_everyone_may_come_in() {
    let mut scenario = Scenario::begin(Scopes::none());
    scenario.of(Some("a"), Scopes::pull("a"));
    scenario
        .status(401, &[BASIC])
        .credential(me())
        .status(200, &[]);
    scenario
        .of(Some("open"), Scopes::pull("open"))
        .credential(None)
        .sends(None);
    assert_eq!(scenario.status(200, &[]).action, Action::Finish);
    scenario
        .of(Some("closed"), Scopes::pull("closed"))
        .credential(None);
    assert_eq!(
        scenario.status(401, &[BASIC]).action,
        Action::Fail(Unauthorized::NoBasicCredential)
    );
}

#[test]
fn basic_is_answered_with_user_name_and_password_and_remembered() {
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
    scenario.of(Some("a"), Scopes::pull("a"));
    scenario.status(401, &[BASIC]).credential(me());
    for (name, password, header) in [("b", "b", "Basic bWU6Yg=="), ("c", "c", "Basic bWU6Yw==")] {
        scenario
            .of(Some(name), Scopes::pull(name))
            .credential(Credential::password("me", password))
            .sends(Some(header));
    }
    for (name, header) in [("a", "Basic bWU6c2VjcmV0"), ("b", "Basic bWU6Yg==")] {
        scenario
            .of(Some(name), Scopes::pull(name))
            .sends(Some(header));
    }
}

#[test]
fn credentials_that_neither_the_token_service_nor_the_registry_takes_are_the_end() {
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
fn a_newer_credential_is_sent_once_in_the_place_of_one_that_was_refused() {
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

/// Some registries say 403 of whatever is not there, and a helper program takes its time.
#[test]
fn where_there_was_no_newer_credential_it_is_not_asked_for_again_so_soon() {
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
fn basic_without_a_whole_credential_fails() {
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
fn bearer_is_answered_with_a_token_for_what_is_wanted_and_what_is_challenged() {
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
fn a_new_token_serves_what_the_ones_before_it_served() {
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
fn a_token_serves_only_whom_it_was_given_to() {
    let mut scenario = Scenario::begin(Scopes::none());
    let both = Scopes::parse("repository:a:pull repository:b:pull");
    scenario.of(Some("a"), both.clone());
    scenario
        .status(401, &[BEARER])
        .credential(me())
        .reply(200, r#"{"token":"mine"}"#)
        .status(200, &[]);
    scenario.of(Some("b"), Scopes::pull("b"));
    let request = scenario.credential(None).asks_for(&["repository:b:pull"]);
    assert_eq!(request.credential, None);
    scenario
        .reply(200, r#"{"token":"anonymous"}"#)
        .status(200, &[]);
    scenario
        .of(Some("b"), Scopes::pull("b"))
        .sends(Some("Bearer anonymous"));
    scenario
        .of(Some("a"), Scopes::pull("b"))
        .sends(Some("Bearer mine"));
    scenario
        .of(Some("c"), both)
        .credential(me())
        .sends(Some("Bearer mine"));
}

#[test]
fn a_token_serves_only_the_service_it_came_from() {
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
fn a_token_that_was_refused_when_it_was_new_has_a_second_chance_and_no_third() {
    let mut scenario = Scenario::begin(Scopes::pull("a"));
    scenario
        .status(401, &[BEARER])
        .credential(None)
        .reply(200, r#"{"token":"t"}"#);
    assert_eq!(scenario.status(401, &[BEARER]).action, Action::Finish);
    // Some registries refuse mounts so, and take everything else with the same token.
    scenario.again(Scopes::pull("a")).sends(Some("Bearer t"));
    scenario
        .status(401, &[BEARER])
        .asks_for(&["repository:a:pull"]);
}

#[test]
fn a_403_that_a_new_token_did_not_help_against_costs_no_more_tokens() {
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
fn a_newer_credential_is_sent_once_to_a_token_service_that_refused_the_old_one() {
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
fn a_password_goes_in_a_form_where_that_is_wanted_and_by_get_where_it_is_not_taken() {
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
fn a_request_is_sent_four_times_at_most() {
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
fn no_token_is_fetched_for_a_request_that_will_not_be_sent_again() {
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
fn a_token_serves_later_requests_until_it_expires() {
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
fn a_cached_token_that_is_refused_is_replaced_once() {
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
fn a_401_after_a_fresh_token_is_the_result_unless_it_names_a_new_scope() {
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
fn who_only_asks_to_come_in_takes_no_scope_that_is_proposed() {
    let mut scenario = Scenario::begin(Scopes::none());
    let placeholder = BEARER.replace("repository:a:pull", "repository:user/image:pull");
    scenario
        .status(401, &[&placeholder])
        .credential(me())
        .asks_for(&[]);
}

#[test]
fn an_identity_token_is_changed_by_post_and_a_registry_token_sent_as_it_is() {
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
fn a_realm_that_must_not_be_trusted_gets_nothing() {
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
fn a_relative_realm_belongs_to_the_registry() {
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
fn a_token_service_that_refuses_decides_unless_there_is_another_way() {
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
fn a_reply_without_a_token_says_what_was_wrong() {
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
