//! What was learned about registries, kept for the life of a client.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use super::scope::Scopes;
use super::token::Token;
use crate::auth::credential::{Credential, Secret};
use crate::oci::reference::RepositoryName;
use crate::text::url::{Origin, Url};

/// How many tokens are kept for one registry. Beyond that the oldest goes; it can be asked for again.
const MAX_TOKENS: usize = 256;

/// For how long a credential that has no newer one is taken to have none. Asking may run a program each time, and some
/// registries refuse much that has nothing to do with credentials.
const NO_NEWER_FOR: Duration = Duration::from_secs(60);

/// What was learned about registries. Nothing here is written anywhere.
#[derive(Debug, Default)]
pub struct Session {
    origins: HashMap<Origin, Known>,
    /// Services that refused a password in a form, and are asked by GET from then on.
    get_only: HashSet<Url>,
    prefers_oauth2: bool,
}

impl Session {
    /// Sends passwords to token services in an OAuth2 form first, and by GET where they do not take it. Without this only
    /// identity tokens, which cannot be sent otherwise, go in a form: it costs a request wherever forms are unknown.
    pub const fn prefer_oauth2(&mut self) {
        self.prefers_oauth2 = true;
    }

    /// Whether a service is asked by a form if there is a choice.
    pub(super) fn wants_form(&self, realm: &Url) -> bool {
        self.prefers_oauth2 && !self.get_only.contains(realm)
    }

    pub(super) fn remember_get_only(&mut self, realm: Url) {
        self.get_only.insert(realm);
    }

    pub(super) fn known(&mut self, origin: &Origin) -> &mut Known {
        self.origins.entry(origin.clone()).or_default()
    }
}

/// What is known about one registry.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) wants: Wants,
    /// Whether it was asked for a challenge that a refusal did not come with.
    pub(super) is_probed: bool,
    /// By repository, because one registry may hold repositories of different owners.
    credentials: HashMap<Option<RepositoryName>, Found>,
    /// A credential that had no newer one, and when that was found out.
    no_newer: Option<(Credential, SystemTime)>,
    tokens: Vec<Held>,
}

/// What the look-up of a credential came to. It is made at most once for each repository.
#[derive(Clone, Debug, Default)]
pub(super) enum Found {
    #[default]
    NotYet,
    Nobody,
    Is(Credential),
}

/// What a registry asked for last.
#[derive(Clone, Debug, Default)]
pub(super) enum Wants {
    #[default]
    Nothing,
    Basic,
    Token(Service),
}

/// A token service, and how it knows the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) realm: Url,
    pub(super) name: Option<String>,
    /// Whether the registry takes user name and password as well.
    pub(super) or_basic: bool,
}

/// Whose tokens, of which service. What one holder was granted is never sent for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) realm: Url,
    pub(super) service: Option<String>,
    pub(super) credential: Option<Credential>,
}

/// A token, and what it was asked for.
#[derive(Debug)]
struct Held {
    holder: Holder,
    scopes: Scopes,
    token: Token,
    /// The registry said 403 to it when it was new: another one would not help.
    is_forbidden: bool,
}

impl Known {
    pub(super) fn credential(&self, repository: Option<&RepositoryName>) -> Found {
        let found = self.credentials.get(&repository.cloned());
        found.cloned().unwrap_or_default()
    }

    pub(super) fn set_credential(
        &mut self,
        repository: Option<RepositoryName>,
        credential: Option<Credential>,
    ) {
        let found = credential.map_or(Found::Nobody, Found::Is);
        self.credentials.insert(repository, found);
    }

    pub(super) fn has_no_newer(&mut self, credential: Credential, now: SystemTime) {
        self.no_newer = Some((credential, now));
    }

    /// Whether there may be a newer credential than this one by now.
    pub(super) fn may_have_newer(&self, credential: &Credential, now: SystemTime) -> bool {
        self.no_newer.as_ref().is_none_or(|(known, then)| {
            known != credential
                || now
                    .duration_since(*then)
                    .map_or(true, |past| past >= NO_NEWER_FOR)
        })
    }

    /// A token that is good for a request, and lives long enough for one that begins at `now`.
    pub(super) fn usable_token(
        &self,
        holder: &Holder,
        scopes: &Scopes,
        now: SystemTime,
    ) -> Option<Secret> {
        self.tokens
            .iter()
            .find(|held| held.serves(holder, scopes) && held.token.is_usable(now))
            .map(|held| held.token.secret.clone())
    }

    /// What a new token should be good for, so that it serves what the ones before it served, too: what is wanted, and all
    /// that was granted on the same repository.
    pub(super) fn scopes_to_ask_for(&self, holder: &Holder, wanted: &Scopes) -> Scopes {
        let recent = self.tokens.iter().filter(|held| held.holder == *holder);
        recent.fold(wanted.clone(), |scopes, held| {
            scopes.extend_first(&held.scopes)
        })
    }

    /// Keeps a token in the place of those that it makes superfluous.
    pub(super) fn keep_token(
        &mut self,
        holder: Holder,
        scopes: Scopes,
        token: Token,
        now: SystemTime,
    ) {
        self.tokens.retain(|held| {
            held.token.is_usable(now) && (held.holder != holder || !scopes.cover(&held.scopes))
        });
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push(Held {
            holder,
            scopes,
            token,
            is_forbidden: false,
        });
    }

    /// Forgets a token that the registry did not take.
    pub(super) fn forget_token(&mut self, secret: &Secret) {
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

impl Held {
    fn serves(&self, holder: &Holder, scopes: &Scopes) -> bool {
        self.holder == *holder && self.scopes.cover(scopes)
    }
}
