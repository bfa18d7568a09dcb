//! Waika's authorisation service: what stands around the rules of `waika-domain`.
//!
//! Begin at [`serve`], which keeps the service alive until it is stopped, or at
//! [`ledger::Ledger::submit`], which takes one operation from the wire to the disk.

mod accounts;
mod adjusted;
mod authoriser;
mod bound_cards;
pub mod clock;
pub mod commit;
pub mod config;
mod decision_metrics;
pub mod exit;
pub mod grpc;
mod idempotency;
pub mod inspect;
mod issuer;
pub mod ledger;
mod merchants;
pub mod metrics;
mod page_token;
pub mod pan;
mod quote_token;
mod risk_desk;
mod sandbox;
pub mod serve;
pub mod telemetry;
mod under_way;
pub mod vault;
