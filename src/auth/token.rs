//! Tokens: how they are asked for and how long they live.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::scope::Scopes;
use crate::auth::credential::Credential;
use crate::text::secret::Secret;
use crate::text::time::parse_rfc3339;
use crate::text::url::{Url, encode_component};

/// A service that gives no lifetime means this long (distribution's token specification).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);
/// A token is not used in the last moments of its life, because the request still has to travel: this long at most, and no
/// more than a tenth of its life.
const MARGIN: Duration = Duration::from_secs(10);
/// How far the clock of a token service may be behind ours for its word on when it issued a token to count.
const SANE_SKEW: Duration = Duration::from_secs(300);

/// A request to a token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    /// The address of the service.
    pub(crate) realm: Url,
    /// What the service calls the registry.
    pub(crate) service: Option<String>,
    /// What the token is for.
    pub(crate) scopes: Scopes,
    /// Who asks; nobody in particular when absent.
    pub(crate) credential: Option<Credential>,
    /// How it is sent.
    pub(crate) method: TokenMethod,
}

/// How a token service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenMethod {
    /// By GET, with user name and password in the `Authorization` header (distribution's "Token Authentication").
    Get,
    /// By POST, with the secret in a form (distribution's "Token Authentication: OAuth2").
    OAuth2Post,
}

/// The client's name in OAuth2 requests, which must have one.
const CLIENT_ID: &str = "oras-rs";

impl TokenRequest {
    /// The address to get the token from: the realm with scopes and service in its query.
    pub(crate) fn url(&self) -> Url {
        let mut url = self.realm.clone();
        for scope in self.scopes.iter() {
            url = url.with_parameter("scope", &scope);
        }
        if let Some(service) = &self.service {
            url = url.with_parameter("service", service);
        }
        url
    }

    /// The form to post, if the service is asked by one.
    pub(crate) fn form(&self) -> Option<Secret> {
        if self.method != TokenMethod::OAuth2Post {
            return None;
        }
        let grant = match &self.credential {
            Some(Credential::IdentityToken(token)) => [
                ("grant_type", "refresh_token"),
                ("refresh_token", token.expose()),
                ("", ""),
            ],
            Some(Credential::Password { username, password }) => [
                ("grant_type", "password"),
                ("username", username),
                ("password", password.expose()),
            ],
            _ => return None,
        };
        let scopes: Vec<String> = self.scopes.iter().collect();
        let rest = [
            ("service", self.service.as_deref().unwrap_or_default()),
            ("client_id", CLIENT_ID),
            ("scope", &scopes.join(" ")),
        ];
        let fields: Vec<String> = grant
            .into_iter()
            .chain(rest)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode_component(value)))
            .collect();
        Some(fields.join("&").into())
    }
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What is sent.
    pub(crate) secret: Secret,
    /// From when on it is not used any more.
    stale: SystemTime,
}

impl Token {
    /// Reads the reply of a token service that was asked at `asked`.
    ///
    /// # Errors
    ///
    /// What is wrong with the reply.
    pub(crate) fn parse(body: &[u8], asked: SystemTime) -> Result<Self, String> {
        let reply: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            if body.trim_ascii_start().starts_with(b"<") {
                "the answer is a web page".to_owned()
            } else {
                // Where, and not what: serde quotes what it finds, which may be a token.
                let (line, column) = (error.line(), error.column());
                format!("the answer is not the expected JSON (line {line}, column {column})")
            }
        })?;
        // Most clients know no case here, and look at nothing but the token: services were written to please them.
        let member = |wanted: &str| {
            let mut members = reply.iter();
            let found = members.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value)
        };
        let secret = ["access_token", "token"]
            .into_iter()
            .filter_map(|name| member(name)?.as_str())
            .find(|token| !token.is_empty())
            .ok_or("the answer has none")?;
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it contains characters that no header can carry".to_owned());
        }
        let lifetime = member("expires_in")
            .and_then(|seconds| match seconds {
                Value::String(seconds) => seconds.parse().ok(),
                other => other.as_f64(),
            })
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map_or(DEFAULT_LIFETIME, |lifetime| lifetime.max(DEFAULT_LIFETIME));
        // It may have been issued to us before.
        let issued = member("issued_at")
            .and_then(|issued| parse_rfc3339(issued.as_str()?))
            .filter(|&issued| issued < asked && asked <= issued + SANE_SKEW)
            .unwrap_or(asked);
        let useful = lifetime.saturating_sub(MARGIN.min(lifetime / 10));
        Ok(Self {
            secret: secret.into(),
            stale: issued.checked_add(useful).unwrap_or(issued),
        })
    }

    /// Whether it is still good for a request that starts at `now`.
    pub(crate) fn is_usable(&self, now: SystemTime) -> bool {
        now < self.stale
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_reply_is_read_leniently_but_never_guessed() {
        for (body, wanted) in [
            (r#"{"token":"t"}"#, Ok("t")),
            (r#"{"access_token":"a","token":"t"}"#, Ok("a")),
            (r#"{"access_token":"","token":"t"}"#, Ok("t")),
            (r#"{"token":"t","expires_in":1e300}"#, Ok("t")),
            (r#"{"token":"t","expires_in":-1}"#, Ok("t")),
            (r#"{"token":"t","expires_in":"3600"}"#, Ok("t")),
            (r#"{"token":"t","expires_in":[],"issued_at":{}}"#, Ok("t")),
            (r#"{"Token":"t"}"#, Ok("t")),
            (r#"{"Access_Token":"a","TOKEN":"t"}"#, Ok("a")),
            (r#"{"access_token":5,"token":"t"}"#, Ok("t")),
            (r#"{"token":"s","token":"t"}"#, Ok("t")),
            (r#"{"token":["t"]}"#, Err("the answer has none")),
            ("{}", Err("the answer has none")),
            ("<html>", Err("the answer is a web page")),
            (
                r#"{"token":"a b"}"#,
                Err("it contains characters that no header can carry"),
            ),
        ] {
            let got = Token::parse(body.as_bytes(), UNIX_EPOCH);
            assert_eq!(
                got.as_ref()
                    .map(|token| token.secret.expose())
                    .map_err(String::as_str),
                wanted,
                "{body}"
            );
        }
    }

    #[test]
    fn a_token_lives_at_least_a_minute_and_is_not_used_in_its_last_seconds() {
        let usable_after = |body: &str, seconds| {
            Token::parse(body.as_bytes(), UNIX_EPOCH)
                .unwrap()
                .is_usable(UNIX_EPOCH + Duration::from_secs(seconds))
        };
        assert!(usable_after(r#"{"token":"t"}"#, 53));
        assert!(!usable_after(r#"{"token":"t"}"#, 54));
        assert!(usable_after(r#"{"token":"t","expires_in":5}"#, 53));
        assert!(usable_after(r#"{"token":"t","expires_in":"5"}"#, 53));
        assert!(usable_after(r#"{"token":"t","expires_in":"300"}"#, 289));
        assert!(!usable_after(r#"{"token":"t","expires_in":"300"}"#, 290));
        assert!(usable_after(r#"{"token":"t","expires_in":300}"#, 289));
        assert!(!usable_after(r#"{"token":"t","expires_in":300}"#, 290));
    }

    #[test]
    fn when_a_token_was_issued_counts_if_it_makes_its_life_shorter_and_the_clocks_agree() {
        let asked = UNIX_EPOCH + Duration::from_secs(3600);
        for (issued_at, lives) in [
            ("1970-01-01T00:59:00Z", 230),
            ("1970-01-01T00:59:00.5+00:00", 230),
            ("1970-01-01T01:59:00+01:00", 230),
            ("1970-01-01T01:00:00Z", 290),
            ("1970-01-01T01:00:01Z", 290),
            ("1970-01-01T00:54:59Z", 290),
            ("0000-00-00T00:00:00Z", 290),
            ("soon", 290),
        ] {
            let body = format!(r#"{{"token":"t","expires_in":300,"issued_at":"{issued_at}"}}"#);
            let token = Token::parse(body.as_bytes(), asked).unwrap();
            assert!(
                token.is_usable(asked + Duration::from_secs(lives - 1)),
                "{issued_at}"
            );
            assert!(
                !token.is_usable(asked + Duration::from_secs(lives)),
                "{issued_at}"
            );
        }
    }

    #[test]
    fn a_request_adds_to_the_query_that_the_realm_has() {
        let request = TokenRequest {
            realm: Url::parse("https://r/t?a=b").unwrap(),
            service: Some("my service".to_owned()),
            scopes: Scopes::parse("repository:x:pull,push repository:y:pull"),
            credential: None,
            method: TokenMethod::Get,
        };
        assert_eq!(
            request.url().exact(),
            "https://r/t?a=b&scope=repository%3Ax%3Apull%2Cpush&scope=repository%3Ay%3Apull&service=my%20service"
        );
        assert_eq!(request.form(), None);
        let form = |credential| {
            let method = TokenMethod::OAuth2Post;
            let credential = Some(credential);
            let request = TokenRequest {
                credential,
                method,
                ..request.clone()
            };
            request.form().unwrap().expose().to_owned()
        };
        let rest = "service=my%20service&client_id=oras-rs&scope=repository%3Ax%3Apull%2Cpush%20repository%3Ay%3Apull";
        assert_eq!(
            form(Credential::IdentityToken("a+b".into())),
            format!("grant_type=refresh_token&refresh_token=a%2Bb&{rest}")
        );
        assert_eq!(
            form(Credential::password("me&you", "a=b")),
            format!("grant_type=password&username=me%26you&password=a%3Db&{rest}")
        );
    }
}
