//! Waika's authorisation service: what stands around the rules of `waika-domain`.
//!
//! Begin at [`serve`], which keeps the service alive until it is stopped, or at
//! [`ledger::Ledger::submit`], which takes one operation from the wire to the disk.

mod accounts;
mod adjusted;
mod admission;
mod authoriser;
mod bound_cards;
pub mod caller;
mod caller_budget;
pub mod clock;
pub mod commit;
pub mod config;
mod decision_metrics;
mod erasures;
pub mod exit;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod grpc;
mod hop_metrics;
mod idempotency;
pub mod identity;
pub mod inspect;
mod issuer;
pub mod issuer_sandbox;
mod kept;
pub mod ledger;
mod merchants;
pub mod metrics;
mod operator_log;
mod owed;
mod page_token;
pub mod pan;
mod partner;
mod payment_codes;
mod payment_token;
#[cfg(feature = "planted-faults")]
pub mod planted;
mod policy_book;
mod quote_token;
mod room;
mod sandbox;
pub mod serve;
mod settlement;
mod shadow;
mod stopwatch;
mod sync;
pub mod telemetry;
mod ticket_desk;
mod traces;
mod turns;
mod under_way;
pub mod vault;
mod watchers;
mod wire;
