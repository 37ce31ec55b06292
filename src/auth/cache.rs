//! The authentication state of a client: schemes, credentials and tokens of each registry, in
//! memory.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use super::scope::Scopes;
use super::token::Token;
use crate::auth::credential::Credential;
use crate::oci::RepositoryName;
use crate::text::secret::Secret;
use crate::text::url::{Locality, Origin, Url};

/// Maximum number of cached tokens per registry. The oldest is dropped first.
const MAX_TOKENS: usize = 256;

/// Minimum time between two repeated lookups of an unchanged credential. Each lookup may run a
/// helper program, and some registries respond 403 for reasons other than credentials.
const UNCHANGED_FOR: Duration = Duration::from_secs(60);

/// Cached schemes, credentials and tokens, by registry origin. Nothing is written to disk.
#[derive(Debug, Default)]
pub(crate) struct AuthCache {
    origins: HashMap<Origin, CacheEntry>,
    /// Realms that rejected a password sent by POST. Later requests to them use GET.
    get_only: HashSet<Url>,
    prefers_oauth2: bool,
    allows_anonymous_pulls: bool,
}

impl AuthCache {
    /// Requests tokens with an OAuth2 POST first, and with GET if the token service rejects that.
    ///
    /// By default only identity tokens, which have no GET form, are sent by POST: the attempt costs
    /// a request at each token service without OAuth2 support.
    pub(crate) const fn prefer_oauth2(&mut self) {
        self.prefers_oauth2 = true;
    }

    /// Returns an empty cache with the same settings.
    pub(crate) fn without_entries(&self) -> Self {
        Self {
            prefers_oauth2: self.prefers_oauth2,
            allows_anonymous_pulls: self.allows_anonymous_pulls,
            ..Self::default()
        }
    }

    /// Sets whether a pull continues anonymously if the token service rejects the credential.
    pub(crate) const fn allow_anonymous_pulls(&mut self, allowed: bool) {
        self.allows_anonymous_pulls = allowed;
    }

    /// Returns whether a request for `scopes` continues anonymously if the token service rejects
    /// the credential.
    pub(super) fn allows_anonymous(&self, scopes: &Scopes) -> bool {
        self.allows_anonymous_pulls && scopes.are_for_pulls()
    }

    /// Returns whether a password is sent to `realm` by POST.
    pub(super) fn prefers_post(&self, realm: &Url) -> bool {
        self.prefers_oauth2 && !self.get_only.contains(realm)
    }

    pub(super) fn set_get_only(&mut self, realm: Url) {
        self.get_only.insert(realm);
    }

    /// Records the locality of the address at which a registry was reached.
    pub(crate) fn set_locality(&mut self, origin: &Origin, locality: Locality) {
        self.entry(origin).locality = Some(locality);
    }

    pub(super) fn entry(&mut self, origin: &Origin) -> &mut CacheEntry {
        self.origins.entry(origin.clone()).or_default()
    }
}

/// The cached state of one registry.
#[derive(Debug, Default)]
pub(super) struct CacheEntry {
    pub(super) scheme: AuthScheme,
    /// Locality of the address at which the registry was reached, if known.
    pub(super) locality: Option<Locality>,
    /// Whether `GET /v2/` was sent because a 401 contained no usable challenge.
    pub(super) is_probed: bool,
    /// By repository: credential files may have an entry for each.
    credentials: HashMap<Option<RepositoryName>, CredentialLookup>,
    /// The rejected credential that the last repeated lookup returned unchanged, and its time.
    unchanged: Option<(Credential, SystemTime)>,
    tokens: Vec<CachedToken>,
}

/// The result of a credential lookup, which runs at most once per repository.
#[derive(Clone, Debug, Default)]
pub(super) enum CredentialLookup {
    #[default]
    Pending,
    Anonymous,
    Found(Credential),
}

/// The scheme of the last challenge of a registry.
#[derive(Clone, Debug, Default)]
pub(super) enum AuthScheme {
    #[default]
    Unknown,
    Basic,
    Bearer(TokenService),
}

/// A token service, as named by a Bearer challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenService {
    pub(super) realm: Url,
    pub(super) name: Option<String>,
    /// Whether the same response offered Basic too.
    pub(super) or_basic: bool,
}

/// Cache key of a token. A token is only reused for the same realm, service and credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenKey {
    pub(super) realm: Url,
    pub(super) service: Option<String>,
    pub(super) credential: Option<Credential>,
}

/// A token with its key and the scopes it was requested for.
#[derive(Debug)]
struct CachedToken {
    key: TokenKey,
    scopes: Scopes,
    token: Token,
    /// Whether the registry rejected it with 403 right after it was issued. A replacement would
    /// be rejected too.
    is_forbidden: bool,
}

impl CacheEntry {
    pub(super) fn credential(&self, repository: Option<&RepositoryName>) -> CredentialLookup {
        let found = self.credentials.get(&repository.cloned());
        found.cloned().unwrap_or_default()
    }

    pub(super) fn set_credential(
        &mut self,
        repository: Option<RepositoryName>,
        credential: Option<Credential>,
    ) {
        let found = credential.map_or(CredentialLookup::Anonymous, CredentialLookup::Found);
        self.credentials.insert(repository, found);
    }

    pub(super) fn set_unchanged(&mut self, credential: Credential, now: SystemTime) {
        self.unchanged = Some((credential, now));
    }

    /// Returns whether a repeated lookup may return another credential than this one.
    pub(super) fn may_have_changed(&self, credential: &Credential, now: SystemTime) -> bool {
        self.unchanged.as_ref().is_none_or(|(known, then)| {
            known != credential
                || now
                    .duration_since(*then)
                    .map_or(true, |past| past >= UNCHANGED_FOR)
        })
    }

    /// Returns a token that covers `scopes` and is valid for a request that starts at `now`.
    pub(super) fn usable_token(
        &self,
        key: &TokenKey,
        scopes: &Scopes,
        now: SystemTime,
    ) -> Option<Secret> {
        self.tokens
            .iter()
            .find(|cached| cached.covers(key, scopes) && cached.token.is_usable(now))
            .map(|cached| cached.token.secret.clone())
    }

    /// Returns the scopes to request: `wanted`, and the scopes of cached tokens on the same
    /// repository. The new token can then replace those.
    pub(super) fn scopes_to_request(&self, key: &TokenKey, wanted: &Scopes) -> Scopes {
        let recent = self.tokens.iter().filter(|cached| cached.key == *key);
        recent.fold(wanted.clone(), |scopes, cached| {
            scopes.extend_first(&cached.scopes)
        })
    }

    /// Stores a token, and removes expired tokens and those that the new one covers.
    pub(super) fn store_token(
        &mut self,
        key: TokenKey,
        scopes: Scopes,
        token: Token,
        now: SystemTime,
    ) {
        self.tokens.retain(|cached| {
            cached.token.is_usable(now) && (cached.key != key || !scopes.cover(&cached.scopes))
        });
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push(CachedToken {
            key,
            scopes,
            token,
            is_forbidden: false,
        });
    }

    /// Removes a token that the registry rejected.
    pub(super) fn remove_token(&mut self, secret: &Secret) {
        self.tokens.retain(|cached| cached.token.secret != *secret);
    }

    pub(super) fn mark_forbidden(&mut self, secret: &Secret) {
        for cached in &mut self.tokens {
            cached.is_forbidden |= cached.token.secret == *secret;
        }
    }

    pub(super) fn is_forbidden(&self, secret: &Secret) -> bool {
        self.tokens
            .iter()
            .any(|cached| cached.is_forbidden && cached.token.secret == *secret)
    }
}

impl CachedToken {
    fn covers(&self, key: &TokenKey, scopes: &Scopes) -> bool {
        self.key == *key && self.scopes.cover(scopes)
    }
}
