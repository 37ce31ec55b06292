//! Authentication as a pure machine.
//!
//! Nothing in this module opens a socket or a file, reads the clock or the environment. The registry client tells a
//! [`Flow`] what happened ([`Event`]) and does what it is told ([`Action`]); what was learned on the way lives in a
//! [`AuthCache`]. One flow serves one request.
//!
//! ```text
//!                                     begin
//!          nothing known /              │ Basic known           \ token service known
//!                       ▼               ▼                        ▼
//!    ┌───────────► SENT(nothing)   CREDENTIAL ── none ─► ┐   CREDENTIAL
//!    │                  │               │     SENT(nothing)      │
//!    │                  │               ▼                  token cached? ── yes ─► SENT(cached token)
//!    │                  │          SENT(Basic)                   │ no                    │
//!    │ other: finish ◄──┼───────────────┼────────────────────────┼───────────────────────┤
//!    │                  │ 401           │ 401                    ▼                       │ 401, 403, 400 denied
//!    │                  ▼               │               ┌─────► TOKEN ◄──────────────────┘ (the token is dropped)
//!    │  no challenge: PROBE, once       │               │        │ 200        │ refused
//!    │  Bearer ─► CREDENTIAL ───────────┼───────────────┘        ▼            ▼
//!    │  Basic ──► CREDENTIAL            │                SENT(fresh token)   a form by GET; a newer credential,
//!    │               │                  │ 403,                   │           once; the first scope alone; Basic,
//!    │               ▼                  │ 400 denied             │           if that was offered too
//!    │          SENT(Basic)             ▼                        │            │ none of these: fail, in the
//!    │               ▲  newer, once   NEWER?                     │            ▼ words of the token service
//!    │               └──────────────────┤ no                     │
//!    │                                  ▼                        │ 401 with a scope never asked for: TOKEN, once
//!    └──────────── finish: the registry's own words reach the user ◄ any other
//! ```
//!
//! | | |
//! |---|---|
//! | requests sent for one of the caller's | at most 4, and once for each registry a `GET /v2/` for a missing challenge |
//! | tokens fetched for one request | at most 2 |
//! | credentials | looked up after the registry asked for them, once for each repository |
//! | a newer credential | asked for once, and not again within a minute where there was none |
//! | tokens | kept by registry, realm, service, credential and scopes, until shortly before they expire |
//!
//! A token that the user gave is sent wherever one is asked for; no service is asked then, and a refusal is final. What
//! follows from every event in every state stands in `flow/tests/table.rs`.

mod cache;
mod challenge;
pub(crate) mod credential;
mod flow;
mod origin_policy;
mod scope;
mod token;

pub(crate) use self::cache::AuthCache;
pub(crate) use self::challenge::{Challenge, parse_challenges};
pub(crate) use self::flow::{Action, Authorization, Event, Flow};
pub use self::origin_policy::OriginPolicy;
pub(crate) use self::scope::{Scope, Scopes};
pub(crate) use self::token::TokenRequest;

#[cfg(test)]
mod tests;
