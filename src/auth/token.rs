//! Tokens: how they are asked for and how long they live.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::scope::Scopes;
use crate::credential::{Credential, Secret};
use crate::url::{Url, encode_component};

/// A service that gives no lifetime means this long (distribution's token specification).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);
/// A token is not used in the last moments of its life: the request still has to travel.
const MARGIN: Duration = Duration::from_secs(10);

/// A request to a token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The address of the service.
    pub realm: Url,
    /// What the service calls the registry.
    pub service: Option<String>,
    /// What the token is for.
    pub scopes: Scopes,
    /// Who asks; nobody in particular when absent.
    pub credential: Option<Credential>,
}

/// The client's name in OAuth2 requests, which must have one.
const CLIENT_ID: &str = "oras-rs";

impl TokenRequest {
    /// Whether this is sent as an OAuth2 form by POST. Everything but an identity token is sent by GET.
    pub const fn is_oauth2(&self) -> bool {
        matches!(self.credential, Some(Credential::IdentityToken(_)))
    }

    /// The address to get the token from: the realm with service and scopes in its query.
    pub fn url(&self) -> Url {
        let mut url = self.realm.clone();
        if let Some(service) = &self.service {
            url = url.with_parameter("service", service);
        }
        for scope in self.scopes.iter() {
            url = url.with_parameter("scope", &scope);
        }
        url
    }

    /// The OAuth2 form (distribution's "Token Authentication: OAuth2"), for an identity token.
    pub fn form(&self) -> Option<Secret> {
        let Some(Credential::IdentityToken(token)) = &self.credential else {
            return None;
        };
        let scopes: Vec<String> = self.scopes.iter().collect();
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
            ("service", self.service.as_deref().unwrap_or_default()),
            ("client_id", CLIENT_ID),
            ("scope", &scopes.join(" ")),
        ];
        let form: Vec<String> = fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode_component(value)))
            .collect();
        Some(form.join("&").into())
    }
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What is sent.
    pub secret: Secret,
    expires: SystemTime,
}

#[derive(Deserialize)]
struct Reply {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

impl Token {
    /// Reads the reply of a token service that was asked at `asked`.
    ///
    /// # Errors
    ///
    /// What is wrong with the reply.
    pub fn parse(body: &[u8], asked: SystemTime) -> Result<Self, String> {
        let reply: Reply = serde_json::from_slice(body).map_err(|error| {
            if body.trim_ascii_start().starts_with(b"<") {
                "the answer is a web page".to_owned()
            } else {
                // Where, and not what: serde quotes what it finds, which may be a token.
                let (line, column) = (error.line(), error.column());
                format!("the answer is not the expected JSON (line {line}, column {column})")
            }
        })?;
        let secret = [reply.access_token, reply.token]
            .into_iter()
            .flatten()
            .find(|token| !token.is_empty())
            .ok_or("the answer has none")?;
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it contains characters that no header can carry".to_owned());
        }
        let lifetime = reply
            .expires_in
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map_or(DEFAULT_LIFETIME, |lifetime| lifetime.max(DEFAULT_LIFETIME));
        let expires = asked
            .checked_add(lifetime)
            .unwrap_or(asked + DEFAULT_LIFETIME);
        Ok(Self {
            secret: secret.into(),
            expires,
        })
    }

    /// Whether it is still good for a request that starts at `now`.
    pub fn is_usable(&self, now: SystemTime) -> bool {
        now.checked_add(MARGIN)
            .is_some_and(|now| now < self.expires)
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
        assert!(usable_after(r#"{"token":"t"}"#, 49));
        assert!(!usable_after(r#"{"token":"t"}"#, 50));
        assert!(usable_after(r#"{"token":"t","expires_in":5}"#, 49));
        assert!(usable_after(r#"{"token":"t","expires_in":300}"#, 289));
        assert!(!usable_after(r#"{"token":"t","expires_in":300}"#, 290));
    }

    #[test]
    fn a_request_adds_to_the_query_that_the_realm_has() {
        let request = TokenRequest {
            realm: Url::parse("https://r/t?a=b").unwrap(),
            service: Some("my service".to_owned()),
            scopes: Scopes::parse("repository:x:pull,push repository:y:pull"),
            credential: None,
        };
        assert_eq!(
            request.url().exact(),
            "https://r/t?a=b&service=my%20service&scope=repository%3Ax%3Apull%2Cpush&scope=repository%3Ay%3Apull"
        );
        assert_eq!(request.form(), None);
        let oauth2 = TokenRequest {
            credential: Some(Credential::IdentityToken("a+b".into())),
            ..request
        };
        assert_eq!(
            oauth2.form().unwrap().expose(),
            "grant_type=refresh_token&refresh_token=a%2Bb&service=my%20service&client_id=oras-rs&scope=repository%3Ax%3Apull%2Cpush%20repository%3Ay%3Apull"
        );
    }
}
