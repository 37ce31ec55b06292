//! What was learned about registries, kept for the life of a client.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use super::scope::Scopes;
use super::token::Token;
use crate::auth::credential::Credential;
use crate::oci::reference::RepositoryName;
use crate::text::secret::Secret;
use crate::text::url::{Origin, Url};

/// How many tokens are kept for one registry. Beyond that the oldest goes; it can be asked for again.
const MAX_TOKENS: usize = 256;

/// For how long a credential that has no newer one is taken to have none. Asking may run a program each time, and some
/// registries refuse much that has nothing to do with credentials.
const UNCHANGED_FOR: Duration = Duration::from_secs(60);

/// What was learned about registries. Nothing here is written anywhere.
#[derive(Debug, Default)]
pub(crate) struct AuthCache {
    origins: HashMap<Origin, CacheEntry>,
    /// Services that refused a password in a form, and are asked by GET from then on.
    get_only: HashSet<Url>,
    prefers_oauth2: bool,
}

impl AuthCache {
    /// Sends passwords to token services in an OAuth2 form first, and by GET where they do not take it. Without this only
    /// identity tokens, which cannot be sent otherwise, go in a form: it costs a request wherever forms are unknown.
    pub(crate) const fn prefer_oauth2(&mut self) {
        self.prefers_oauth2 = true;
    }

    /// Whether a service is asked by a form if there is a choice.
    pub(super) fn prefers_post(&self, realm: &Url) -> bool {
        self.prefers_oauth2 && !self.get_only.contains(realm)
    }

    pub(super) fn set_get_only(&mut self, realm: Url) {
        self.get_only.insert(realm);
    }

    pub(super) fn entry(&mut self, origin: &Origin) -> &mut CacheEntry {
        self.origins.entry(origin.clone()).or_default()
    }
}

/// What is known about one registry.
#[derive(Debug, Default)]
pub(super) struct CacheEntry {
    pub(super) scheme: AuthScheme,
    /// Whether it was asked for a challenge that a refusal did not come with.
    pub(super) is_probed: bool,
    /// By repository, because one registry may hold repositories of different owners.
    credentials: HashMap<Option<RepositoryName>, CredentialLookup>,
    /// A credential that had no newer one, and when that was found out.
    unchanged: Option<(Credential, SystemTime)>,
    tokens: Vec<CachedTokenEntry>,
}

/// What the look-up of a credential came to. It is made at most once for each repository.
#[derive(Clone, Debug, Default)]
pub(super) enum CredentialLookup {
    #[default]
    Pending,
    Anonymous,
    Found(Credential),
}

/// What a registry asked for last.
#[derive(Clone, Debug, Default)]
pub(super) enum AuthScheme {
    #[default]
    Unknown,
    Basic,
    Bearer(TokenService),
}

/// A token service, and how it knows the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenService {
    pub(super) realm: Url,
    pub(super) name: Option<String>,
    /// Whether the registry takes user name and password as well.
    pub(super) or_basic: bool,
}

/// Whose tokens, of which service. What one key was granted is never sent for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenKey {
    pub(super) realm: Url,
    pub(super) service: Option<String>,
    pub(super) credential: Option<Credential>,
}

/// A token, and what it was asked for.
#[derive(Debug)]
struct CachedTokenEntry {
    key: TokenKey,
    scopes: Scopes,
    token: Token,
    /// The registry said 403 to it when it was new: another one would not help.
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

    /// Whether there may be a newer credential than this one by now.
    pub(super) fn may_have_changed(&self, credential: &Credential, now: SystemTime) -> bool {
        self.unchanged.as_ref().is_none_or(|(known, then)| {
            known != credential
                || now
                    .duration_since(*then)
                    .map_or(true, |past| past >= UNCHANGED_FOR)
        })
    }

    /// A token that is good for a request, and lives long enough for one that begins at `now`.
    pub(super) fn usable_token(
        &self,
        key: &TokenKey,
        scopes: &Scopes,
        now: SystemTime,
    ) -> Option<Secret> {
        self.tokens
            .iter()
            .find(|held| held.serves(key, scopes) && held.token.is_usable(now))
            .map(|held| held.token.secret.clone())
    }

    /// What a new token should be good for, so that it serves what the ones before it served, too: what is wanted, and all
    /// that was granted on the same repository.
    pub(super) fn scopes_to_request(&self, key: &TokenKey, wanted: &Scopes) -> Scopes {
        let recent = self.tokens.iter().filter(|held| held.key == *key);
        recent.fold(wanted.clone(), |scopes, held| {
            scopes.extend_first(&held.scopes)
        })
    }

    /// Keeps a token in the place of those that it makes superfluous.
    pub(super) fn store_token(
        &mut self,
        key: TokenKey,
        scopes: Scopes,
        token: Token,
        now: SystemTime,
    ) {
        self.tokens.retain(|held| {
            held.token.is_usable(now) && (held.key != key || !scopes.cover(&held.scopes))
        });
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push(CachedTokenEntry {
            key,
            scopes,
            token,
            is_forbidden: false,
        });
    }

    /// Forgets a token that the registry did not take.
    pub(super) fn remove_token(&mut self, secret: &Secret) {
        self.tokens.retain(|held| held.token.secret != *secret);
    }

    pub(super) fn mark_forbidden(&mut self, secret: &Secret) {
        for held in &mut self.tokens {
            held.is_forbidden |= held.token.secret == *secret;
        }
    }

    pub(super) fn is_forbidden(&self, secret: &Secret) -> bool {
        self.tokens
            .iter()
            .any(|held| held.is_forbidden && held.token.secret == *secret)
    }
}

impl CachedTokenEntry {
    fn serves(&self, key: &TokenKey, scopes: &Scopes) -> bool {
        self.key == *key && self.scopes.cover(scopes)
    }
}
