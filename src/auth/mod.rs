//! Authentication: a state machine that decides how to respond to challenges of a registry.
//!
//! This module does no I/O and reads neither clock nor environment. The registry client passes each
//! [`Event`] to a [`Flow`] and executes the [`Action`] that it returns. One flow serves one
//! request. The [`AuthCache`] keeps schemes, credentials and tokens for later requests.
//!
//! ```text
//!                                  start
//!   no scheme cached /               │ Basic cached          \ token service cached
//!                   ▼                ▼                        ▼
//! ┌──────────► SENT(nothing)    CREDENTIAL ─ none ─► ┐   CREDENTIAL
//! │                 │                │     SENT(nothing)      │
//! │                 │                ▼                  token cached? ─ yes ─► SENT(cached token)
//! │                 │           SENT(Basic)                   │ no                    │
//! │ other: finish ◄─┼────────────────┼────────────────────────┼───────────────────────┤
//! │                 │ 401            │ 401                    ▼                       │ 401, 403,
//! │                 │                │               ┌─────► TOKEN ◄── drop token ───┘ 400 denied
//! │                 ▼                │               │        │ 200        │ rejected
//! │  no challenge: PROBE, once       │               │        ▼            ▼
//! │  Bearer ─► CREDENTIAL ───────────┼───────────────┘ SENT(fresh token)   1. GET instead of POST
//! │  Basic ──► CREDENTIAL            │                        │            2. REFRESH, once
//! │               │                  │ 403,                   │            3. the first scope only
//! │               ▼                  │ 400 denied             │            4. Basic, if offered
//! │          SENT(Basic)             ▼                        │            5. anonymous, for pulls
//! │               ▲  changed      REFRESH, once               │            ▼ else: token response
//! │               └──────────────────┤ unchanged              │
//! │                                  ▼                        │ 401, new scopes: TOKEN, once
//! └───────────── finish: return the registry's response ◄─────┘ other
//! ```
//!
//! | | |
//! |---|---|
//! | sends of one request | at most 4, plus one `GET /v2/` per registry (PROBE) |
//! | token requests for one request | at most 2, plus one without the rejected credential |
//! | CREDENTIAL | the credential lookup, after a challenge, once per repository |
//! | REFRESH | a repeated lookup, once per request; not within 60 s of one without change |
//! | token cache | key: registry, realm, service, credential, scopes; until shortly before expiry |
//!
//! A registry token of the user is sent to every registry that requests a token. No token service
//! is asked, and its rejection is final. `flow/tests/table.rs` lists the action for each event in
//! each state.

mod action;
mod cache;
mod challenge;
pub(crate) mod credential;
mod flow;
mod origin_policy;
mod scope;
mod token;

pub(crate) use self::action::{Action, Authorization, Event};
pub(crate) use self::cache::AuthCache;
pub(crate) use self::challenge::{Challenge, parse_challenges};
pub(crate) use self::flow::Flow;
pub use self::origin_policy::OriginPolicy;
pub(crate) use self::origin_policy::{UrlRefusal, is_https_upgrade};
pub(crate) use self::scope::{Scope, Scopes};
pub(crate) use self::token::TokenRequest;

#[cfg(test)]
mod tests;
