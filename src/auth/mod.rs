//! Authentication as a pure machine.
//!
//! Nothing in this module opens a socket or a file, reads the clock or the environment. The registry client tells a
//! [`Flow`] what happened ([`Event`]) and does what it is told ([`Action`]); what was learned on the way lives in a
//! [`Session`]. One flow serves one request.
//!
//! ```text
//!                                  begin
//!         nothing known /            │ Basic known        \ token service known
//!                      ▼             ▼                     ▼
//!   ┌─────────────► SENT(none)   SENT(basic)   token cached? ── yes ─► SENT(cached token)
//!   │                  │             │               │ no                    │
//!   │ other: finish ◄──┼─────────────┼───────────────┼───────────────────────┤
//!   │                  │ 401         │ 401           ▼                       │ 401 / 403
//!   │                  ▼             │          CREDENTIAL ◄─────────────────┘ (the token is dropped)
//!   │         challenge: Bearer ─────┼────────────►  │
//!   │         challenge: Basic ──► CREDENTIAL        ▼
//!   │                                │ found       TOKEN ── refused ─► Basic offered too? ─► SENT(basic)
//!   │                                ▼               │ 200                     │ no
//!   │                            SENT(basic)         ▼                         ▼
//!   │                                │           SENT(fresh token)           fail
//!   │                                │ 401 / 403     │ 401 with a scope never asked for: TOKEN, once
//!   │                                ▼               │
//!   │         SENT(basic) ◄─ newer, once ─ NEWER?    │
//!   │                                │ no            │
//!   └────────────────────────────────┴───────────────┴─► finish: the registry's own words reach the user
//! ```
//!
//! At most two tokens are fetched and three requests sent for one request of the caller's.

mod challenge;
mod flow;
mod scope;
mod token;
mod trust;

pub use self::challenge::{Challenge, parse_challenges};
pub use self::flow::{Action, Authorization, Event, Flow, Session};
pub use self::scope::{Scope, Scopes};
pub use self::token::{Token, TokenRequest};
pub use self::trust::{Trust, trust};
