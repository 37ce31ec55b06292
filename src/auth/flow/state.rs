//! The states of a flow.

use crate::auth::cache::{TokenKey, TokenService};
use crate::auth::credential::Credential;
use crate::auth::scope::Scopes;
use crate::auth::token::TokenMethod;
use crate::text::secret::Secret;

/// The event that the flow waits for.
#[derive(Debug)]
pub(super) enum State {
    Sent(SentWith),
    Probing,
    LookingUp(Next),
    Refreshing(Credential, RejectedBy),
    Fetching(Fetch),
    Finished,
}

/// The authorization of the last send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SentWith {
    Nothing,
    Basic,
    /// A token from the cache.
    CachedToken(Secret),
    /// A token fetched for this request.
    FreshToken(Secret),
    /// A [`Credential::RegistryToken`].
    UserToken,
}

/// The scheme to use once the credential is known.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Basic(ChallengeAge),
    Token(TokenService, Scopes, ChallengeAge),
}

/// Whether the challenge is from a response to this request or from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChallengeAge {
    Fresh,
    Cached,
}

/// A token request in progress.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    pub(super) service: TokenService,
    /// Scopes that the token is for.
    pub(super) scopes: Scopes,
    /// Whether only the first scope is requested.
    pub(super) first_only: bool,
    pub(super) method: TokenMethod,
    pub(super) credential: Option<Credential>,
    /// Whether the request is anonymous because the credential was rejected.
    pub(super) is_after_rejection: bool,
}

/// The server that rejected a credential.
#[derive(Clone, Debug)]
pub(super) enum RejectedBy {
    Registry,
    TokenService(Fetch, u16),
}

impl Fetch {
    pub(super) fn key(&self) -> TokenKey {
        TokenKey {
            realm: self.service.realm.clone(),
            service: self.service.name.clone(),
            credential: self.credential.clone(),
        }
    }
}
