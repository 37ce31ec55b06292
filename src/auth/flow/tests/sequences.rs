//! Properties of all sequences of responses of a registry and its token service.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use crate::auth::{Action, AuthCache, Event, Flow, Scopes, parse_challenges};
use crate::text::url::Url;
use crate::{Credential, Error};

const BEARER: &str = r#"Bearer realm="/token",scope="repository:a:pull""#;
const WIDER: &str = r#"Bearer realm="/token",scope="repository:a:pull,push""#;
const BASIC: &str = "Basic realm=r";

/// Responses of a registry: status, challenges, and whether a 400 reports denied access.
const RESPONSES: [(u16, &[&str], bool); 7] = [
    (200, &[], false),
    (400, &[], true),
    (403, &[], false),
    (401, &[], false),
    (401, &[WIDER], false),
    (401, &[BASIC], false),
    (401, &[BASIC, BEARER], false),
];

/// Responses of a token service: status and body.
const TOKEN_RESPONSES: [(u16, &str); 4] =
    [(200, r#"{"token":"t"}"#), (200, "{}"), (401, ""), (404, "")];

/// Limits for one request.
const MAX_SENDS: usize = 4;
const MAX_TOKEN_REQUESTS: usize = 2;

/// A sequence of choices. Choices beyond its end select the first alternative.
#[derive(Default)]
struct Choices {
    /// Each choice with the number of alternatives.
    made: Vec<(usize, usize)>,
    next: usize,
}

impl Choices {
    fn starting_with(choices: &[usize]) -> Self {
        Self {
            made: choices.iter().map(|&choice| (choice, 0)).collect(),
            next: 0,
        }
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        if self.next == self.made.len() {
            self.made.push((0, from.len()));
        }
        let (choice, _) = self.made[self.next];
        self.next += 1;
        from[choice].clone()
    }

    /// Advances to the next sequence. Returns whether there is one.
    fn advance(&mut self) -> bool {
        self.next = 0;
        while let Some((choice, count)) = self.made.pop() {
            if choice + 1 < count {
                self.made.push((choice + 1, count));
                return true;
            }
        }
        false
    }
}

/// The sender of the last response.
#[derive(Clone, Copy, Debug, PartialEq)]
enum LastSender {
    None,
    Registry,
    TokenService,
}

/// Runs one request with the chosen responses. A failed assertion shows all actions and events.
fn request(choices: &mut Choices, cache: &mut AuthCache) -> Result<(), Error> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let url = Url::parse("https://r.example/v2/a/manifests/v1")?;
    let (mut sends, mut token_requests, mut last) = (0, 0, LastSender::None);
    let (mut flow, mut action) = Flow::start(&url, None, Scopes::pull("a"), cache, now);
    let mut story = String::new();
    loop {
        writeln!(story, "{action:?}").expect("it is text");
        let event = match action {
            Action::Send(_) => {
                (sends, last) = (sends + 1, LastSender::Registry);
                let (status, challenges, denied) = choices.pick(&RESPONSES);
                let challenges = parse_challenges(challenges.iter().copied());
                Event::Response {
                    status,
                    challenges,
                    denied,
                }
            }
            Action::Probe => {
                let challenges = choices.pick(&[&[][..], &[BEARER], &[BASIC]]);
                Event::Probed(parse_challenges(challenges.iter().copied()))
            }
            Action::LookUpCredential => Event::Credential(choices.pick(&[
                None,
                Some(Credential::password("me", "old")),
                Some(Credential::IdentityToken("identity".into())),
            ])),
            Action::RefreshCredential(_) => {
                Event::Credential(choices.pick(&[None, Some(Credential::password("me", "newer"))]))
            }
            Action::FetchToken(_) => {
                (token_requests, last) = (token_requests + 1, LastSender::TokenService);
                let (status, body) = choices.pick(&TOKEN_RESPONSES);
                Event::TokenResponse {
                    status,
                    body: body.as_bytes().to_vec(),
                    requested_at: now,
                }
            }
            Action::Finish => {
                assert_eq!(last, LastSender::Registry, "the result of\n{story}");
                break;
            }
            Action::FailWithTokenResponse => {
                assert_eq!(last, LastSender::TokenService, "the words after\n{story}");
                break;
            }
            Action::Fail(_) => break,
        };
        writeln!(story, "    {event:?}").expect("it is text");
        (flow, action) = flow.handle(event, cache);
    }
    assert!(sends <= MAX_SENDS, "{story}");
    assert!(token_requests <= MAX_TOKEN_REQUESTS, "{story}");
    Ok(())
}

/// Contents of the cache before a request, as choices of an earlier request.
const CACHED: [(&str, &[usize]); 4] = [
    ("nothing", &[0]),
    ("a token for the user", &[6, 1, 0, 0]),
    ("a token for an identity", &[4, 2, 0, 0]),
    ("that the registry takes passwords", &[5, 1, 0]),
];

#[test]
fn every_sequence_of_responses_ends_with_the_deciding_response() {
    for (name, before) in CACHED {
        let mut choices = Choices::default();
        let mut sequences = 0;
        loop {
            let mut cache = AuthCache::default();
            let mut first = Choices::starting_with(before);
            request(&mut first, &mut cache).unwrap();
            assert_eq!(first.next, before.len(), "{name}");
            request(&mut choices, &mut cache).unwrap();
            sequences += 1;
            if !choices.advance() {
                break;
            }
        }
        assert!(sequences > 100, "{name}: only {sequences}");
    }
}
